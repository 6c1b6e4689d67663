"""Reads errors of all surfaces: their form is told here, their meaning by claims, and what clients hear of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from trivium.core import ErrorClass, ErrorKind, Outcome, Retry, UpstreamError
from trivium.gateway.seams import Facts, Failure, Headers
from trivium.gateway.wire.errors import envelope, error_type_of, status_for, type_for

_API = "messages-api"
# The Messages API's word for each kind: a part of its protocol.
_TYPES: dict[ErrorKind, str] = {
    ErrorKind.INVALID: "invalid_request_error",
    ErrorKind.CONTENT: "invalid_request_error",
    ErrorKind.CONTEXT: "invalid_request_error",
    ErrorKind.CAPABILITY: "invalid_request_error",
    ErrorKind.AUTH: "authentication_error",
    ErrorKind.BILLING: "billing_error",
    ErrorKind.PERMISSION: "permission_error",
    ErrorKind.NOT_ENABLED: "permission_error",
    ErrorKind.NOT_FOUND: "not_found_error",
    ErrorKind.CONFLICT: "conflict_error",
    ErrorKind.TOO_LARGE: "request_too_large",
    ErrorKind.RATE_LIMIT: "rate_limit_error",
    ErrorKind.UNSUPPORTED: "not_supported",
    ErrorKind.FAILED: "api_error",
    ErrorKind.TIMEOUT: "timeout_error",
    ErrorKind.OVERLOADED: "overloaded_error",
}
_BY_TYPE = {
    _TYPES[kind]: kind
    for kind in ErrorKind
    if kind not in {ErrorKind.CONTENT, ErrorKind.CONTEXT, ErrorKind.CAPABILITY, ErrorKind.NOT_ENABLED}
}
_MAYBE_BILLED = frozenset({ErrorKind.FAILED, ErrorKind.TIMEOUT})
_OF_THE_REQUEST = frozenset({ErrorKind.CONTENT, ErrorKind.CONTEXT, ErrorKind.CAPABILITY})  # clients know the words
_TEXT_MAX = 2000
_BAD_GATEWAY = 502
_SERVER_ERROR = 500
_BAD_REQUEST = 400
_OK = 200
_ERRORS = range(400, 600)
_TOO_LONG = "prompt is too long"  # what clients of all ages look for
_UNREADABLE = "the answer is neither what was asked for nor an error that can be read"

_SECRETS = (
    (re.compile(r"\barn:aws[\w-]*:[^\s\"'`,;)]*"), "arn:…"),
    (re.compile(r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{8,}\b"), "…"),
    (re.compile(r"\bprojects?/(?!…)[^/\s\"'`]+"), "projects/…"),
    (re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), "…"),
    (re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "…"),  # service accounts, users
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
class Said:
    """An error in the form of what stands in front of a surface: what it says, not yet what that means."""

    form: str  # one of core.ERROR_FORMS
    names: tuple[str, ...]  # from the most particular to the most general
    message: str
    status: int | None = None  # where the body names another than HTTP does


ReadSaid = Callable[[int, Headers, Any], Said | None]


def by_status(status: int) -> ErrorClass:
    """What HTTP alone says, where no claim knows more: 5xx and 429 elsewhere, an unknown 4xx never."""
    kind = _BY_TYPE[type_for(status)]
    never = kind is ErrorKind.INVALID
    return ErrorClass(kind, Retry.NEVER if never else Retry.HERE if kind is ErrorKind.CONFLICT else Retry.ELSEWHERE)


def classify(
    surface: str, status: int, headers: Headers, body: bytes, facts: Facts, read_said: ReadSaid | None
) -> Failure:
    """Read an error answer: an Anthropic envelope passes as it came, a surface's own form is translated.

    A refusal of our credential is not the client's: it is told so as a bad gateway, whatever the form. Nor is an
    account that may not spend: it is told as `billing_error`, in the surface's words.
    """
    error_type = error_type_of(body)
    if error_type is None:
        said = (read_said and read_said(status, headers, decoded(body))) or Said("", (), f"status {status}")
        return translated(surface, said, facts, status=status, headers=headers)
    value = decoded(body)
    message = text_at(value, "error", "message")
    code = text_at(value, "error", "details", "error_code")
    names = (code, error_type) if code else (error_type,)
    found = facts.error_class(surface, _API, status, names, message)
    known = found or by_status(status)
    request_id = text_at(value, "request_id") or None
    if found is not None and _another(found, error_type):
        return _failure(surface, status, headers, known, message, request_id=request_id)
    told = _Told(error_type, status, body)
    return _failure(surface, status, headers, known, message, told=told, request_id=request_id)


def _another(found: ErrorClass, error_type: str) -> bool:
    """Whether the client must read something else than the surface's own envelope."""
    if found.foreign and found.kind in _OF_THE_REQUEST:
        return True  # words that it cannot know
    return found.kind not in _OF_THE_REQUEST and _TYPES[found.kind] != error_type


def in_stream(surface: str, body: bytes, facts: Facts, read_said: ReadSaid | None) -> Failure:
    """Read an error that came inside a 200 answer: what it consumed before is unknown."""
    error_type = error_type_of(body)
    if error_type is not None:
        return uncertain(classify(surface, status_for(error_type), {}, body, facts, None))
    return said_in_stream(
        surface, (read_said and read_said(_SERVER_ERROR, {}, decoded(body))) or Said("", (), _UNREADABLE), facts
    )


def said_in_stream(surface: str, said: Said, facts: Facts) -> Failure:
    """The failure for an error that was read from a 200 answer."""
    status = said.status if said.status is not None else _SERVER_ERROR
    return uncertain(translated(surface, replace(said, status=status), facts, status=_OK))


def uncertain(failure: Failure) -> Failure:
    """The same failure of an attempt that may have been billed."""
    return replace(failure, outcome=Outcome.FAILED)


def translated(surface: str, said: Said, facts: Facts, *, status: int, headers: Headers | None = None) -> Failure:
    """The failure for an error that was read in another form than the API's."""
    named = said.status if said.status is not None else status
    found = facts.error_class(surface, said.form, named, said.names, said.message) or by_status(named)
    if found.kind is ErrorKind.INVALID:  # the model service's own words, passed on by what stands in front of it
        own = facts.error_class(surface, _API, _BAD_REQUEST, (_TYPES[ErrorKind.INVALID],), said.message)
        found = own if own is not None and own.kind is not ErrorKind.INVALID else found
    return _failure(surface, status, headers or {}, found, said.message)


@dataclass(frozen=True, slots=True)
class _Told:
    """A surface's own envelope, which the client gets as it came."""

    error_type: str
    status: int
    body: bytes


def _failure(
    surface: str,
    status: int,
    headers: Headers,
    known: ErrorClass,
    message: str,
    *,
    told: _Told | None = None,
    request_id: str | None = None,
) -> Failure:
    message, credential = safe(message), known.kind is ErrorKind.AUTH
    if told is None:
        error_type = _TYPES[known.kind]
        told = _Told(error_type, status_for(error_type), envelope(error_type, _for_client(known, message)))
    body, shown = told.body, told.status
    if credential:
        shown = _BAD_GATEWAY
        body = envelope("api_error", f"{surface} refused the gateway's credential: {message}")
    return Failure(
        error=UpstreamError(
            surface,
            f"{told.error_type}: {message}",
            retry=_told_not_to(headers, known.retry),
            status=status,
            request_id=request_id,
            retry_after_s=retry_after_s(headers),
        ),
        status=shown,
        body=body,
        error_type=told.error_type,
        outcome=Outcome.FAILED if known.kind in _MAYBE_BILLED else Outcome.REFUSED,
        credential=credential,
        capability=known.capability,
    )


def _for_client(known: ErrorClass, message: str) -> str:
    """The message in words that clients recover from: the API's own, else the token of their protocol."""
    if known.kind is ErrorKind.CONTEXT:
        return message if message.casefold().startswith(_TOO_LONG) else f"{_TOO_LONG}: {message}"
    if known.kind is ErrorKind.CAPABILITY and known.foreign:
        return f"capability_rejected: {known.capability}"
    return message


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


def http_status(code: str) -> int | None:
    """A code that is the status of an HTTP error; None when it is none."""
    return int(code) if code.isdecimal() and int(code) in _ERRORS else None


def text_at(value: Any, *path: str) -> str:
    """The text at a path of objects, empty when there is none; numbers become text."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else ""
