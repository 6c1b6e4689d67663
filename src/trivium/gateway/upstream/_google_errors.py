"""Google's error object, by its status names, for every surface that stands behind Google's front end."""

from __future__ import annotations

from typing import Any

from trivium.core import Retry
from trivium.gateway.seams import Headers
from trivium.gateway.upstream._errors import Native, text_at

_SIZE = "request size"

_STATUSES: dict[str, Native] = {
    "INVALID_ARGUMENT": Native("invalid_request_error", ""),
    "OUT_OF_RANGE": Native("invalid_request_error", ""),
    "FAILED_PRECONDITION": Native("invalid_request_error", "", retry=Retry.ELSEWHERE),  # of the project or location
    "UNAUTHENTICATED": Native("authentication_error", "", credential=True),
    "PERMISSION_DENIED": Native("permission_error", ""),
    "NOT_FOUND": Native("not_found_error", ""),
    "RESOURCE_EXHAUSTED": Native("rate_limit_error", ""),
    "ABORTED": Native("conflict_error", ""),
    "CANCELLED": Native("api_error", ""),
    "INTERNAL": Native("api_error", ""),
    "UNKNOWN": Native("api_error", ""),
    "UNAVAILABLE": Native("overloaded_error", ""),
    "DEADLINE_EXCEEDED": Native("timeout_error", ""),
    "UNIMPLEMENTED": Native("not_supported", ""),
}
_BY_CODE = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def read_native(status: int, headers: Headers, value: Any) -> Native | None:  # noqa: ARG001  the table's form
    """An error object, perhaps in an array; None when it is none."""
    if isinstance(value, list):
        value = next((item for item in value if isinstance(item, dict) and "error" in item), None)
    name, message = text_at(value, "error", "status"), text_at(value, "error", "message")
    if name not in _STATUSES:
        code = text_at(value, "error", "code")
        name = _BY_CODE.get(int(code) if code.isdigit() else status, "")
    known = _STATUSES.get(name)
    if known is None or not (message or text_at(value, "error", "status")):
        return None
    error_type = "request_too_large" if name == "INVALID_ARGUMENT" and _SIZE in message else known.error_type
    return Native(error_type, message or name, retry=known.retry, credential=known.credential)
