"""The Anthropic error envelope: written for our own refusals, recognised in what upstreams send."""

from __future__ import annotations

from typing import Any

import msgspec

STATUS_BY_TYPE = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "not_supported": 501,
    "timeout_error": 504,
    "overloaded_error": 529,
}
TYPE_BY_STATUS = {status: name for name, status in STATUS_BY_TYPE.items()} | {
    408: "timeout_error",
    415: "invalid_request_error",
    502: "api_error",
    503: "overloaded_error",
}
_CLIENT_ERROR, _SERVER_ERROR = 400, 500


def envelope(error_type: str, message: str, request_id: str | None = None) -> bytes:
    """An error body; the request id is the gateway's own."""
    body: dict[str, Any] = {"type": "error", "error": {"type": error_type, "message": message}}
    if request_id:
        body["request_id"] = request_id
    return msgspec.json.encode(body)


def error_type_of(body: bytes) -> str | None:
    """The error type of an Anthropic envelope, or None when the bytes are not one."""
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(decoded, dict) or decoded.get("type") != "error":
        return None
    error = decoded.get("error")
    found = error.get("type") if isinstance(error, dict) else None
    return found if isinstance(found, str) and found else None


def message_of(body: bytes) -> str:
    """The message of an envelope, empty when there is none."""
    try:
        message = msgspec.json.decode(body)["error"]["message"]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, TypeError):
        return ""
    return message if isinstance(message, str) else ""


def type_for(status: int) -> str:
    """The error type that fits an HTTP status."""
    if status in TYPE_BY_STATUS:
        return TYPE_BY_STATUS[status]
    return "invalid_request_error" if _CLIENT_ERROR <= status < _SERVER_ERROR else "api_error"


def status_for(error_type: str) -> int:
    """The HTTP status that fits an error type, for an error that came inside a 200 stream."""
    return STATUS_BY_TYPE.get(error_type, 500)


def error_event(body: bytes) -> bytes:
    """A server-sent `error` event around an envelope on one line (line breaks between JSON tokens become spaces)."""
    return b"event: error\ndata: " + b" ".join(body.splitlines()) + b"\n\n"
