"""Bedrock's InvokeModel form: model and stream in the path, version and betas in the body, events in frames."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from trivium.core import UserError
from trivium.gateway.dialect._aws import STREAM, event_frame, exception_frame, object_in, refusal, secrets
from trivium.gateway.dialect._seam import Asked, Canonical, Speech, Spoken, header_betas
from trivium.gateway.dialect.converse import read
from trivium.gateway.seams import Beyond, Headers
from trivium.gateway.wire.body import Body
from trivium.gateway.wire.sse import read_event, split_events

_FIRST, _FIRST_HERE = "2023-06-01", "bedrock-2023-05-31"
_SURFACE = "bedrock"
_OWN, _OWN_FIELDS = "x-amzn-bedrock-", "amazon-bedrock-"
_FORMS = {"x-amzn-bedrock-accept", "x-amzn-bedrock-content-type"}  # of the answer, which is JSON
_USUAL = {"disabled", "standard", "default"}  # trace, latency and tier as they are without being asked for
_METRICS = "amazon-bedrock-invocationMetrics"
_COUNTS = {
    "inputTokenCount": "input_tokens",
    "outputTokenCount": "output_tokens",
    "cacheReadInputTokenCount": "cache_read_input_tokens",
    "cacheWriteInputTokenCount": "cache_creation_input_tokens",
}


class _Speech:
    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._usage: dict[str, Any] = {}

    def head(self, headers: Headers) -> dict[str, str]:
        """Frames have a type of their own."""
        if not self._asked.stream:
            return dict(headers)
        return {**headers, "content-type": STREAM, "x-amzn-bedrock-content-type": "application/json"}

    def whole(self, body: bytes) -> bytes:
        """A message passes; a count has another name here."""
        if self._asked.endpoint != "count_tokens":
            return body
        counted = object_in(body).get("input_tokens")
        return body if counted is None else msgspec.json.encode({"inputTokens": counted})

    def events(self, data: bytes) -> bytes:
        """Each event in a frame; the last one carries the counts as well."""
        return b"".join(_chunk(self._data(*read_event(event))) for event in split_events(data) if event.strip())

    def _data(self, name: bytes, data: bytes) -> bytes:
        if name in {b"message_start", b"message_delta"}:
            value = object_in(data)
            message = value.get("message")
            usage = (message if isinstance(message, dict) else value).get("usage")
            if isinstance(usage, dict):
                self._usage |= {key: count for key, count in usage.items() if count is not None}
        if name != b"message_stop":
            return data
        if not object_in(data):
            return data
        counts = {ours: self._usage.get(theirs, 0) for ours, theirs in _COUNTS.items()}
        return Body(data).edit(add={_METRICS: msgspec.json.encode(counts)})

    def ping(self) -> bytes:
        """The surface has none, but its clients read the API's own in a frame, and leave after 300 s without bytes."""
        return _chunk(b'{"type":"ping"}')

    def error_event(self, envelope: bytes) -> bytes:
        """An exception frame ends the stream."""
        return exception_frame(envelope)

    def refusal(self, status: int, envelope: bytes) -> Spoken:
        """The exception by its name."""
        return refusal(status, envelope)


def _chunk(event: bytes) -> bytes:
    return event_frame("chunk", b'{"bytes":"' + base64.b64encode(event) + b'"}')


class Bedrock:
    """Clients of Bedrock's runtime that call InvokeModel."""

    name = "bedrock"

    def secrets(self, headers: Headers) -> frozenset[str]:
        """As all clients of AWS present them."""
        return secrets(headers)

    def canonical(self, asked: Asked, data: bytes, headers: Headers) -> Canonical:
        """Model and stream enter the body, in front; version and betas leave it."""
        if asked.endpoint == "count_tokens" and (found := _converse(data)) is not None:
            return _counted(asked, found, headers)
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
        own = {name: value for name, value in headers.items() if name.startswith(_OWN) and name not in _FORMS}
        said = _FIRST if version == _FIRST_HERE else version
        return Canonical(body, said, betas, sent, beyond=_beyond(sent, own), own=own)

    def speech(self, asked: Asked) -> Speech:
        """Frames."""
        return _Speech(asked)


def _beyond(sent: Body, own: Headers) -> Beyond:
    """A guardrail, a trace, a tier: asked for by header or by field, and no other surface has them."""
    asked = {name: value for name, value in own.items() if value.lower() not in _USUAL}
    asked |= {member.key: "a field" for member in sent.members if member.key.startswith(_OWN_FIELDS)}
    if not asked:
        return Beyond(_SURFACE)
    name, value = next(iter(asked.items()))
    remedy = "only Bedrock takes it; leave it out, or route this workload to bedrock"
    return Beyond(_SURFACE, UserError(name, value[:64], remedy))


class _Invoke(msgspec.Struct):
    body: str


class _Input(msgspec.Struct, rename="camel"):
    invoke_model: _Invoke


class _Count(msgspec.Struct):
    input: _Input


class _ConverseInput(msgspec.Struct):
    converse: dict[str, Any] | None = None


class _ConverseCount(msgspec.Struct):
    input: _ConverseInput


def _converse(data: bytes) -> dict[str, Any] | None:
    """The Converse request inside a CountTokens request; None when it holds something else."""
    try:
        return msgspec.json.decode(data, type=_ConverseCount).input.converse
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None  # refused by what reads the other form


def _counted(asked: Asked, found: dict[str, Any], headers: Headers) -> Canonical:
    """A Converse request to be counted, in the Messages API's words; what they lack is refused."""
    fields, betas, reader = read(found)
    if reader.refused is not None:
        raise reader.refused
    body = Body(msgspec.json.encode({"model": asked.model, **fields}))
    return Canonical(body, _FIRST, tuple(dict.fromkeys([*betas, *header_betas(headers)])))


def _inner(data: bytes) -> bytes:
    """The body inside a CountTokens request."""
    try:
        return base64.b64decode(msgspec.json.decode(data, type=_Count).input.invoke_model.body, validate=True)
    except (msgspec.DecodeError, UnicodeDecodeError, binascii.Error) as error:
        raise UserError("input.invokeModel.body", f"{len(data)} bytes", "give the request in base64") from error
