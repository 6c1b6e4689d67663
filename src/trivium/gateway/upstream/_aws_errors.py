"""The exceptions of AWS's front ends, by their names, for every surface that stands behind one."""

from __future__ import annotations

from typing import Any

from trivium.core import Retry
from trivium.gateway.seams import Headers
from trivium.gateway.upstream._errors import Native, text_at
from trivium.gateway.wire.errors import type_for

_MODEL_SAYS = "The model returned the following errors: "
_TOO_LONG = "Input is too long for requested model"

# The exception's name: our error type, and where the type alone does not say it, retry and what may be billed.
_EXCEPTIONS: dict[str, Native] = {
    "ValidationException": Native("invalid_request_error", ""),
    "AccessDeniedException": Native("permission_error", ""),
    "UnrecognizedClientException": Native("authentication_error", "", credential=True),
    "InvalidSignatureException": Native("authentication_error", "", credential=True),
    "SignatureDoesNotMatch": Native("authentication_error", "", credential=True),
    "IncompleteSignatureException": Native("authentication_error", "", credential=True),
    "MissingAuthenticationTokenException": Native("authentication_error", "", credential=True),
    "InvalidClientTokenId": Native("authentication_error", "", credential=True),
    "ExpiredTokenException": Native("authentication_error", "", credential=True),
    "ResourceNotFoundException": Native("not_found_error", ""),
    "UnknownOperationException": Native("not_found_error", ""),
    "ThrottlingException": Native("rate_limit_error", ""),
    "TooManyRequestsException": Native("rate_limit_error", ""),
    "ServiceQuotaExceededException": Native("rate_limit_error", ""),
    "ModelNotReadyException": Native("overloaded_error", "", retry=Retry.HERE),
    "ModelTimeoutException": Native("timeout_error", ""),
    "ModelErrorException": Native("api_error", ""),
    "ModelStreamErrorException": Native("api_error", ""),
    "InternalServerException": Native("api_error", ""),
    "ServiceUnavailableException": Native("overloaded_error", ""),
}
_STALE_CREDENTIAL = ("security token", "expired", "API Key is valid")
_NOT_HERE = ("model identifier is invalid", "on-demand throughput")


def read_native(status: int, headers: Headers, value: Any) -> Native | None:
    """An exception named in `x-amzn-errortype` or the body; None when nothing is known about it."""
    name = headers.get("x-amzn-errortype", "").partition(":")[0] or text_at(value, "__type").rpartition("#")[2]
    message = text_at(value, "message") or text_at(value, "Message") or text_at(value, "originalMessage")
    return read_exception(name, message, status)


def read_exception(name: str, message: str, status: int) -> Native | None:
    """An exception translated; None when nothing is known about it."""
    known = _EXCEPTIONS.get(name[:1].upper() + name[1:])
    if known is None:
        return Native(type_for(status), message) if message else None
    error_type, credential, retry, shown = known.error_type, known.credential, known.retry, message
    if error_type == "permission_error" and any(hint in message for hint in _STALE_CREDENTIAL):
        error_type, credential = "authentication_error", True
    if error_type == "invalid_request_error":
        shown = message.removeprefix(_MODEL_SAYS)  # what follows is the Messages API's own wording
        if message.startswith(_TOO_LONG):
            shown = f"prompt is too long: {message}"
        elif any(hint in message for hint in _NOT_HERE):
            error_type = "not_found_error"
        elif message == "invalid beta flag":
            retry = Retry.ELSEWHERE  # our claims about this surface were wrong, not the request
    return Native(error_type, shown or name, retry=retry, credential=credential)
