"""What the two dialects of Bedrock's runtime share: event-stream frames, exceptions by name, where a key is put."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from typing import Any

import msgspec

from trivium.gateway.dialect._seam import NOWHERE, Spoken, bearer, presented
from trivium.gateway.seams import Headers
from trivium.gateway.wire.errors import error_type_of, message_of

STREAM = "application/vnd.amazon.eventstream"
JSON = "application/json"
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
_LACKING, _NOT_FOUND = "not_supported", 404
_UNKNOWN = ("InternalServerException", 500, "internalServerException")


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One event-stream message: lengths, their checksum, headers, payload, checksum of it all."""
    packed = b"".join(
        bytes((len(name),)) + name.encode() + bytes((_STRING,)) + _NAME.pack(len(value.encode())) + value.encode()
        for name, value in headers.items()
    )
    lengths = _WORD.pack(_OVERHEAD_BYTES + len(packed) + len(payload)) + _WORD.pack(len(packed))
    body = lengths + _WORD.pack(zlib.crc32(lengths)) + packed + payload
    return body + _WORD.pack(zlib.crc32(body))


def event_frame(name: str, payload: bytes) -> bytes:
    """An event by its name."""
    return frame({":event-type": name, ":content-type": JSON, ":message-type": "event"}, payload)


def exception_frame(envelope: bytes, *, but: Mapping[str, str] | None = None) -> bytes:
    """The exception that ends a stream; `but` renames those that an operation does not have."""
    exception = _EXCEPTIONS.get(error_type_of(envelope) or "", _UNKNOWN)[2]
    headers = {
        ":exception-type": (but or {}).get(exception, exception),
        ":content-type": JSON,
        ":message-type": "exception",
    }
    return frame(headers, msgspec.json.encode({"message": message_of(envelope)}))


def refusal(status: int, envelope: bytes) -> Spoken:
    """The exception by its name; a status that no exception has is kept."""
    kind = error_type_of(envelope) or ""
    name, shown, _ = _EXCEPTIONS.get(kind, (_UNKNOWN[0], status, ""))
    message = message_of(envelope)
    if status == _NOT_FOUND and message.endswith(NOWHERE):
        name = "UnknownOperationException"
    elif kind == _LACKING:  # nothing failed: the client asks for what is not there, whose status says so
        name, shown = _EXCEPTIONS["invalid_request_error"][0], status
    headers = {"content-type": JSON, "x-amzn-errortype": name}
    return Spoken(shown, headers, msgspec.json.encode({"message": message}))


def secrets(headers: Headers) -> frozenset[str]:
    """A Bedrock API key is the virtual key; where a client signs, the session token is.

    The signature itself is not looked at: the gateway keeps only a hash of the key, and the token is the proof.
    """
    return presented(bearer(headers), headers.get("x-amz-security-token"), headers.get("x-api-key"))


def object_in(data: bytes) -> dict[str, Any]:
    """A JSON object; empty for what a surface sent that is none: it passes as it came."""
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
