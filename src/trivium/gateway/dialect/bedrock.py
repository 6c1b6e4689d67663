"""Bedrock's InvokeModel form: model and stream in the path, version and betas in the body, events in frames."""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import msgspec

from trivium.core import UserError
from trivium.gateway.dialect._seam import Asked, Canonical, Speech, Spoken, bearer, header_betas, presented
from trivium.gateway.seams import Headers
from trivium.gateway.wire.body import Body
from trivium.gateway.wire.errors import error_type_of, message_of
from trivium.gateway.wire.sse import read_event, split_events

_FIRST, _FIRST_HERE = "2023-06-01", "bedrock-2023-05-31"
_STREAM = "application/vnd.amazon.eventstream"
_METRICS = "amazon-bedrock-invocationMetrics"
_STRING = 7
_WORD, _NAME = struct.Struct(">I"), struct.Struct(">H")
_OVERHEAD_BYTES = 16
# Our error type: the exception's name before the first byte with its status, and the one inside a stream.
_EXCEPTIONS: Mapping[str, tuple[str, int, str]] = {
    "invalid_request_error": ("ValidationException", 400, "validationException"),
    "authentication_error": ("AccessDeniedException", 403, "internalServerException"),
    "billing_error": ("ThrottlingException", 429, "throttlingException"),
    "permission_error": ("AccessDeniedException", 403, "internalServerException"),
    "not_found_error": ("ResourceNotFoundException", 404, "validationException"),
    "request_too_large": ("ValidationException", 400, "validationException"),
    "rate_limit_error": ("ThrottlingException", 429, "throttlingException"),
    "timeout_error": ("ModelTimeoutException", 408, "modelTimeoutException"),
    "overloaded_error": ("ServiceUnavailableException", 503, "serviceUnavailableException"),
}
_UNKNOWN = ("InternalServerException", 500, "internalServerException")
_COUNTS = {
    "inputTokenCount": "input_tokens",
    "outputTokenCount": "output_tokens",
    "cacheReadInputTokenCount": "cache_read_input_tokens",
    "cacheWriteInputTokenCount": "cache_creation_input_tokens",
}
_HEADERS = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One event-stream message: lengths, their checksum, headers, payload, checksum of it all."""
    packed = b"".join(
        bytes((len(name),)) + name.encode() + bytes((_STRING,)) + _NAME.pack(len(value.encode())) + value.encode()
        for name, value in headers.items()
    )
    lengths = _WORD.pack(_OVERHEAD_BYTES + len(packed) + len(payload)) + _WORD.pack(len(packed))
    body = lengths + _WORD.pack(zlib.crc32(lengths)) + packed + payload
    return body + _WORD.pack(zlib.crc32(body))


class _Speech:
    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._usage: dict[str, Any] = {}

    def head(self, headers: Headers) -> dict[str, str]:
        """Frames have a type of their own."""
        if not self._asked.stream:
            return dict(headers)
        return {**headers, "content-type": _STREAM, "x-amzn-bedrock-content-type": "application/json"}

    def whole(self, body: bytes) -> bytes:
        """A message passes; a count has another name here."""
        if self._asked.endpoint != "count_tokens":
            return body
        counted = _object(body).get("input_tokens")
        return body if counted is None else msgspec.json.encode({"inputTokens": counted})

    def events(self, data: bytes) -> bytes:
        """Each event in a frame; the last one carries the counts as well."""
        return b"".join(_chunk(self._data(*read_event(event))) for event in split_events(data) if event.strip())

    def _data(self, name: bytes, data: bytes) -> bytes:
        if name in {b"message_start", b"message_delta"}:
            value = _object(data)
            message = value.get("message")
            usage = (message if isinstance(message, dict) else value).get("usage")
            if isinstance(usage, dict):
                self._usage |= {key: count for key, count in usage.items() if count is not None}
        if name != b"message_stop":
            return data
        if not _object(data):
            return data
        counts = {ours: self._usage.get(theirs, 0) for ours, theirs in _COUNTS.items()}
        return Body(data).edit(add={_METRICS: msgspec.json.encode(counts)})

    def ping(self) -> bytes:
        """The surface has none, but its clients read the API's own in a frame, and leave after 300 s without bytes."""
        return _chunk(b'{"type":"ping"}')

    def error_event(self, envelope: bytes) -> bytes:
        """An exception frame ends the stream."""
        exception = _EXCEPTIONS.get(error_type_of(envelope) or "", _UNKNOWN)[2]
        headers = {":exception-type": exception, ":content-type": "application/json", ":message-type": "exception"}
        return frame(headers, msgspec.json.encode({"message": message_of(envelope)}))

    def refusal(self, status: int, envelope: bytes) -> Spoken:
        """The exception by its name; a status that no exception has is kept."""
        kind = error_type_of(envelope) or ""
        name, shown, _ = _EXCEPTIONS.get(kind, (_UNKNOWN[0], status, ""))
        headers = {"content-type": "application/json", "x-amzn-errortype": name}
        return Spoken(shown, headers, msgspec.json.encode({"message": message_of(envelope)}))


def _object(data: bytes) -> dict[str, Any]:
    """A JSON object; empty for what a surface sent that is none: it passes as it came."""
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _chunk(event: bytes) -> bytes:
    return frame(_HEADERS, b'{"bytes":"' + base64.b64encode(event) + b'"}')


class Bedrock:
    """Clients of Bedrock's runtime that call InvokeModel."""

    name = "bedrock"

    def secrets(self, headers: Headers) -> frozenset[str]:
        """A Bedrock API key is the virtual key; where a client signs, the session token is.

        The signature itself is not looked at: the gateway keeps only a hash of the key, and the token is the proof.
        """
        return presented(bearer(headers), headers.get("x-amz-security-token"), headers.get("x-api-key"))

    def canonical(self, asked: Asked, data: bytes, headers: Headers) -> Canonical:
        """Model and stream enter the body, in front; version and betas leave it."""
        sent = Body(_inner(data) if asked.endpoint == "count_tokens" else data)
        for name in ("model", "stream"):
            if name in sent:
                raise UserError(name, "in the body", "leave it out: the path says it")
        version = sent.get("anthropic_version")
        if not isinstance(version, str):
            raise UserError("anthropic_version", version, f"give {_FIRST_HERE} or a newer version, in the body")
        named = sent.get("anthropic_beta") or []
        if not isinstance(named, list) or not all(isinstance(beta, str) for beta in named):
            raise UserError("anthropic_beta", type(named).__name__, "give a list of names")
        add = {"model": msgspec.json.encode(asked.model)}
        if asked.stream:
            add["stream"] = b"true"
        gone = ["anthropic_version", "anthropic_beta"]
        if asked.endpoint == "count_tokens":
            gone.append("max_tokens")  # required here, and not a field of the API's count
        body = Body(sent.edit(remove=gone, add=add))
        betas = tuple(dict.fromkeys([*named, *header_betas(headers)]))
        return Canonical(body, _FIRST if version == _FIRST_HERE else version, betas, sent)

    def speech(self, asked: Asked) -> Speech:
        """Frames."""
        return _Speech(asked)


class _Invoke(msgspec.Struct):
    body: str


class _Input(msgspec.Struct, rename="camel"):
    invoke_model: _Invoke


class _Count(msgspec.Struct):
    input: _Input


def _inner(data: bytes) -> bytes:
    """The body inside a CountTokens request."""
    try:
        return base64.b64decode(msgspec.json.decode(data, type=_Count).input.invoke_model.body, validate=True)
    except (msgspec.DecodeError, UnicodeDecodeError, binascii.Error) as error:
        raise UserError("input.invokeModel.body", f"{len(data)} bytes", "give the request in base64") from error
