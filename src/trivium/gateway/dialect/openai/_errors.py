"""Errors as OpenAI's clients know them: `error` with message, type, param and code, under the status they expect."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from trivium.gateway.dialect._seam import Spoken
from trivium.gateway.dialect.openai._fields import CARRIED, EXTRAS, LEFT_OUT, REFUSED
from trivium.gateway.wire.errors import error_type_of, message_of

_INVALID, _SERVER = "invalid_request_error", "server_error"
# Our error type: theirs, and the code that clients match on.
_TYPES: Mapping[str, tuple[str, str | None]] = {
    "invalid_request_error": (_INVALID, None),
    "authentication_error": (_INVALID, "invalid_api_key"),
    "billing_error": ("insufficient_quota", "insufficient_quota"),
    "permission_error": (_INVALID, "permission_denied"),
    "not_found_error": (_INVALID, "not_found"),
    "conflict_error": (_INVALID, "conflict"),
    "request_too_large": (_INVALID, "request_too_large"),
    "rate_limit_error": ("rate_limit_error", "rate_limit_exceeded"),
    "not_supported": (_INVALID, "not_supported"),
    "timeout_error": (_SERVER, "timeout"),
    "overloaded_error": (_SERVER, "overloaded"),
}
_OVERLOADED, _UNAVAILABLE, _METHOD = 529, 503, 405
_TOO_LONG = re.compile(r"prompt is too long|input length and `?max_tokens`? exceed context limit")
_PLACE = re.compile(r"`?([a-z_]+(?:\[\d+\]|\.[a-z_]+)*)`?(?::| is )")
_FIELDS = CARRIED | set(EXTRAS) | LEFT_OUT.keys() | REFUSED.keys()
# What we call otherwise than the client did.
_NAMES = {"stop_sequences": "stop", "metadata.user_id": "user", "output_config.format": "response_format"}
# Tokens that Claude Code recovers from by itself, said to people.
_SAID = {
    "capability_rejected: structured_outputs_unsupported": "response_format: the surface has no structured outputs for "
    "this model: ask for JSON in the prompt, or route to a surface that has them",
    "capability_rejected: mid_conv_system": "messages: the surface takes no instructions after the first turn: put "
    "them in front, or route to a surface that does",
}


def error(envelope: bytes) -> dict[str, Any]:
    """The error object for an envelope."""
    kind, message = error_type_of(envelope) or "", message_of(envelope)
    message = _SAID.get(message, message)
    shown, code = _TYPES.get(kind, (_SERVER, None))
    param = _param(message) if shown == _INVALID else None
    if kind == "not_found_error" and param == "model":
        code = "model_not_found"
    elif kind == "invalid_request_error" and _TOO_LONG.match(message):
        code, param = "context_length_exceeded", "messages"
    return {"error": {"message": message, "type": shown, "param": param, "code": code}}


def refusal(status: int, envelope: bytes) -> Spoken:
    """An error before the first byte."""
    shown = _UNAVAILABLE if status == _OVERLOADED else status
    said = error(envelope)
    if status == _METHOD:
        said["error"]["code"] = "method_not_supported"
    return Spoken(shown, {"content-type": "application/json"}, msgspec.json.encode(said))


def _param(message: str) -> str | None:
    """The client's own field that a message begins with; places inside our translation are not the client's."""
    found = _PLACE.match(message)
    if found is None:
        return None
    place = _NAMES.get(found[1], found[1])
    return place if re.split(r"[.\[]", place, maxsplit=1)[0] in _FIELDS else None
