"""One table for the errors of all surfaces: whether a retry helps, what may have been billed, what the client reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from trivium.core import Outcome, Retry, UpstreamError
from trivium.gateway.seams import Failure, Headers
from trivium.gateway.wire.errors import envelope, error_type_of, status_for, type_for

# Whether a retry helps, and whether the model may have been reached and billed.
_LAW: dict[str, tuple[Retry, Outcome]] = {
    "invalid_request_error": (Retry.NEVER, Outcome.REFUSED),
    "authentication_error": (Retry.ELSEWHERE, Outcome.REFUSED),  # our credential, not the client's
    "billing_error": (Retry.ELSEWHERE, Outcome.REFUSED),  # the account of this surface, not the request
    "permission_error": (Retry.ELSEWHERE, Outcome.REFUSED),
    "not_found_error": (Retry.ELSEWHERE, Outcome.REFUSED),
    "conflict_error": (Retry.HERE, Outcome.REFUSED),
    "request_too_large": (Retry.ELSEWHERE, Outcome.REFUSED),  # surfaces have different limits
    "rate_limit_error": (Retry.ELSEWHERE, Outcome.REFUSED),
    "not_supported": (Retry.ELSEWHERE, Outcome.REFUSED),
    "api_error": (Retry.ELSEWHERE, Outcome.FAILED),
    "timeout_error": (Retry.ELSEWHERE, Outcome.FAILED),
    "overloaded_error": (Retry.ELSEWHERE, Outcome.REFUSED),
}
# An account without credit, or at the limit its owner set, is told as an invalid request and known by its text alone
# (anthropics/claude-code issues 66314 and 38038). The text must begin so: an error may quote a client's own words.
_ACCOUNT_TEXTS = re.compile(r"Your credit balance is too low|You have reached your specified (?:\w+ )?API usage limits")
_BILLING, _INVALID = "billing_error", "invalid_request_error"
_PAYMENT_REQUIRED = 402
_TEXT_MAX = 2000
_BAD_GATEWAY = 502
_UNAUTHENTICATED = 401
_SERVER_ERROR = 500
_UNREADABLE = "the answer is neither what was asked for nor an error that can be read"

_SECRETS = (
    (re.compile(r"\barn:aws[\w-]*:[^\s\"'`,;)]*"), "arn:…"),
    (re.compile(r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{8,}\b"), "…"),
    (re.compile(r"\bprojects?/(?!…)[^/\s\"'`]+"), "projects/…"),
    (re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), "…"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "…"),  # service accounts, users
    (re.compile(r"\bya29\.[\w.-]+|\beyJ[\w-]+\.[\w.-]+"), "…"),
    (re.compile(r"(?<![\w.-])\d{12}(?![\w.-])"), "…"),  # an AWS account
)


def safe(text: str) -> str:
    """An upstream's words without account numbers, resource names, people, tokens or control characters."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    text = "".join(character if character.isprintable() else " " for character in text)
    return text if len(text) <= _TEXT_MAX else text[: _TEXT_MAX - 1] + "…"


@dataclass(frozen=True, slots=True)
class Native:
    """An error in a surface's own form, translated."""

    error_type: str
    message: str
    status: int | None = None  # for the client; None is the status of the type
    retry: Retry | None = None  # None is what the type says
    outcome: Outcome | None = None
    credential: bool = False


ReadNative = Callable[[int, Headers, Any], Native | None]


def classify(surface: str, status: int, headers: Headers, body: bytes, read_native: ReadNative | None) -> Failure:
    """Read an error answer: an Anthropic envelope passes as it came, a surface's own form is translated.

    A refusal of our credential is not the client's: it is told so as a bad gateway, whatever the form. Nor is an
    account that may not spend: it is told as `billing_error`, in the surface's words.
    """
    error_type = error_type_of(body)
    if error_type is not None:
        credential = error_type == "authentication_error" or status == _UNAUTHENTICATED
        native = Native(error_type, _message_of(body), status=status, credential=credential)
        passed: bytes | None = body
    else:
        native = (read_native and read_native(status, headers, decoded(body))) or Native(
            type_for(status), f"status {status}"
        )
        passed = None
    if native.error_type != _BILLING and _of_the_account(status, native):
        native, passed = Native(_BILLING, native.message), None
    return _failure(surface, status, headers, native, passed, request_id=_request_id_of(body))


def _of_the_account(status: int, native: Native) -> bool:
    """Whether the surface's account may not spend, whatever the surface calls it."""
    told = native.error_type == _INVALID and _ACCOUNT_TEXTS.match(native.message) is not None
    return status == _PAYMENT_REQUIRED or told


def in_stream(surface: str, body: bytes, read_native: ReadNative | None) -> Failure:
    """Read an error that came inside a 200 answer: what it consumed before is unknown."""
    error_type = error_type_of(body)
    if error_type is not None:
        return uncertain(classify(surface, status_for(error_type), {}, body, None))
    native = (read_native and read_native(_SERVER_ERROR, {}, decoded(body))) or Native("api_error", _UNREADABLE)
    return uncertain(translated(surface, native))


def uncertain(failure: Failure) -> Failure:
    """The same failure of an attempt that may have been billed."""
    return replace(failure, outcome=Outcome.FAILED)


def translated(surface: str, native: Native, *, status: int = 200, headers: Headers | None = None) -> Failure:
    """The failure for an error that was already read."""
    return _failure(surface, status, headers or {}, native, None, request_id=None)


def _failure(
    surface: str, status: int, headers: Headers, native: Native, passed: bytes | None, *, request_id: str | None
) -> Failure:
    retry, outcome = _LAW.get(native.error_type, _LAW[type_for(status)])
    message = safe(native.message)
    shown = native.status if native.status is not None else status_for(native.error_type)
    body = passed if passed is not None else envelope(native.error_type, message)
    if native.credential:
        shown = _BAD_GATEWAY
        body = envelope("api_error", f"{surface} refused the gateway's credential: {message}")
    return Failure(
        error=UpstreamError(
            surface,
            f"{native.error_type}: {message}",
            retry=_told_not_to(headers, native.retry or retry),
            status=status,
            request_id=request_id,
            retry_after_s=retry_after_s(headers),
        ),
        status=shown,
        body=body,
        error_type=native.error_type,
        outcome=native.outcome or outcome,
        credential=native.credential,
    )


def _told_not_to(headers: Headers, retry: Retry) -> Retry:
    """A surface that says it should not be asked again is not; another one may."""
    told = headers.get("x-should-retry") == "false"
    return Retry.ELSEWHERE if told and retry is Retry.HERE else retry


def retry_after_s(headers: Headers) -> float | None:
    """When the surface wants to be asked again; a date counts from the answer's own date. None: it did not say."""
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is not None:
            try:
                seconds = float(value) / scale
            except ValueError:
                continue
            return seconds if 0 <= seconds < float("inf") else None
    try:
        wait = parsedate_to_datetime(headers["retry-after"]) - parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError, TypeError):
        return None
    return max(0.0, wait.total_seconds())


def decoded(body: bytes) -> Any:
    """The JSON value in an error body, or None."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def text_at(value: Any, *path: str) -> str:
    """The text at a path of objects, empty when there is none; numbers become text."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else ""


def _message_of(body: bytes) -> str:
    return text_at(decoded(body), "error", "message")


def _request_id_of(body: bytes) -> str | None:
    return text_at(decoded(body), "request_id") or None
