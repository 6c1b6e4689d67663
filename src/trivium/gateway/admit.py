"""From raw HTTP to a known key and a parsed request; each refusal says what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

import msgspec

from trivium.core import FactError, KeyRecord, KeyRing, TriviumError, UserError, hash_secret, well_formed
from trivium.gateway.dialect import Asked, Canonical
from trivium.gateway.seams import Facts, GatewaySettings, Headers, MessagesRequest
from trivium.gateway.wire.body import Body
from trivium.gateway.wire.headers import forwarded

NO_RETRY = {"x-should-retry": "false"}
SESSION_HEADER = "x-claude-code-session-id"
AGENT_HEADER = "x-claude-code-agent-id"
_SESSION_FORM = re.compile(r"[A-Za-z0-9._:@/+=-]{1,128}")
_SESSION_IN_USER_ID = re.compile(r"_session_([A-Za-z0-9-]{8,64})$")
USER_HEADER = "x-claude-gateway-user-id"
EMAIL_HEADERS = ("x-claude-gateway-user-email", "x-litellm-end-user-id")
_IDENTITY_FORM = re.compile(r"[^\s\x00-\x1f\x7f]{1,256}")
_VERSION_FORM = re.compile(r"\d{4}-\d{2}-\d{2}")
_TOKENS_MAX = 2**31 - 1  # no model's limit, but what counts, prices and the ledger can hold
_SHOWN_MAX = 200  # of what a client wrote, in a message


class Refused(TriviumError):
    """The gateway itself answers with an error."""

    def __init__(self, status: int, error_type: str, message: str, headers: Headers | None = None) -> None:
        self.status = status
        self.error_type = error_type
        self.headers = dict(headers or {})
        super().__init__(message)


def read_headers(raw: Sequence[tuple[bytes, bytes]], limits: GatewaySettings) -> dict[str, str]:
    """Headers by lower-case name; repeated ones are joined, repeated credentials and framing are refused."""
    if len(raw) > limits.header_count_max:
        raise Refused(431, "invalid_request_error", f"headers: send at most {limits.header_count_max} of them")
    headers: dict[str, str] = {}
    size = 0
    for name_bytes, value_bytes in raw:
        size += len(name_bytes) + len(value_bytes)
        name, value = name_bytes.decode("latin-1").lower(), value_bytes.decode("latin-1")
        if name not in headers:
            headers[name] = value
        elif name in {"x-api-key", "authorization", "host", "content-length", "transfer-encoding"}:
            raise Refused(400, "invalid_request_error", f"{name}: send this header once")
        else:
            headers[name] = f"{headers[name]}, {value}"
    if size > limits.header_bytes_max:
        raise Refused(431, "invalid_request_error", f"headers: send at most {limits.header_bytes_max} bytes")
    return headers


def authenticate(presented: Iterable[str], keys: KeyRing, now: datetime) -> KeyRecord:
    """The record of the presented virtual key; unknown, revoked and expired keys get the same answer."""
    secrets = [secret for secret in presented if well_formed(secret)]
    record = keys.find(hash_secret(secrets[0])) if len(secrets) == 1 else None
    if record is None or record.revoked_at is not None or (record.expires_at is not None and record.expires_at <= now):
        message = (
            "send one virtual key of this gateway as x-api-key or bearer token; "
            "the one presented is missing, unknown, revoked or expired (trivium key list)"
        )
        raise Refused(401, "authentication_error", message, NO_RETRY)
    return record


def read_request(
    asked: Asked, canonical: Canonical, headers: Headers, *, request_id: str, key: KeyRecord, facts: Facts
) -> MessagesRequest:
    """Check what the gateway itself must know; everything else is the upstream's to judge."""
    body, endpoint, beyond = canonical.body, asked.endpoint, canonical.beyond
    completed: tuple[str, ...] = ()
    sent = _field(body, "model", str, "a model name")
    try:
        model = facts.model_id(sent)
    except FactError as error:
        raise unknown_model("model", sent, error) from error
    if key.models and model not in key.models:
        allowed = ", ".join(key.models)
        raise Refused(400, "invalid_request_error", f"model: {sent[:_SHOWN_MAX]}: this key may use {allowed}", NO_RETRY)
    if canonical.complete is not None:
        body, completed = canonical.complete(body, model, facts)
    endless = canonical.open_ended and "max_tokens" not in body
    if endless and beyond is not None:
        limit = facts.output_tokens_max(model)
        endless = limit is None
        if limit is None:
            beyond = replace(beyond, refused=beyond.refused or _unbounded(model))
        else:
            body = Body(body.edit(add={"max_tokens": msgspec.json.encode(limit)}))
    stream = _field(body, "stream", bool, "true or false") if body.get("stream") is not None else False
    max_tokens = None
    if endpoint == "messages" and not endless:
        max_tokens = tokens_asked("max_tokens", _field(body, "max_tokens", int, "a whole number of 1 or more"))
    if endpoint == "messages" and body.raw("messages") is None:
        raise UserError("messages", None, "give a list of messages")
    session, odd = _named(canonical.session)
    if _VERSION_FORM.fullmatch(canonical.version) is None:
        raise UserError("anthropic-version", canonical.version, "give a date such as 2023-06-01")
    return MessagesRequest(
        request_id=request_id,
        endpoint=endpoint,
        body=body,
        model=model,
        stream=stream and endpoint == "messages",
        max_tokens=max_tokens,
        version=canonical.version,
        betas=canonical.betas,
        headers=forwarded(headers),
        session=session_of(headers, body) or session,
        notes=(*asked.notes, *canonical.notes, *completed, *odd),
        dialect=asked.dialect.name,
        native=canonical.native,
        complete=canonical.complete,
        beyond=beyond,
        own=canonical.own,
    )


def tokens_asked(field: str, value: object) -> int:
    """How many tokens an answer may have; raises UserError for what is no such number."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise UserError(field, value, "give a whole number of 1 or more")
    if value > _TOKENS_MAX:
        raise UserError(field, str(value)[:64], "give a number that a model can answer with")
    return value


def unknown_model(field: str, sent: str, error: FactError) -> Refused:
    """No claim knows a model by that name."""
    if len(sent) > _SHOWN_MAX:
        return Refused(404, "not_found_error", f"{field}: {sent[:_SHOWN_MAX]}… (no model has a name so long)")
    return Refused(404, "not_found_error", f"{field}: {sent} ({error})")


def _unbounded(model: str) -> UserError:
    return UserError("max_tokens", None, f"give a number: no claim says how long an answer of {model} may be")


Value = TypeVar("Value")


def _field(body: Body, name: str, kind: type[Value], wanted: str) -> Value:
    raw = body.raw(name)
    if raw is not None:
        try:
            return msgspec.json.decode(raw, type=kind, strict=True)
        except (msgspec.DecodeError, UnicodeDecodeError):
            pass  # refused below, with the field's name
    raise UserError(name, None if raw is None else raw[:64].decode("utf-8", "replace"), f"give {wanted}")


def session_of(headers: Headers, body: Body) -> str:
    """The session a request belongs to: Claude Code's header, else what `metadata.user_id` says, else empty."""
    header = headers.get(SESSION_HEADER, "")
    if _SESSION_FORM.fullmatch(header):
        return header
    raw = body.raw("metadata")
    metadata = msgspec.json.decode(raw) if raw is not None else None
    user_id = metadata.get("user_id") if isinstance(metadata, dict) else None
    if not isinstance(user_id, str):
        return ""
    found = _SESSION_IN_USER_ID.search(user_id)
    if found is not None:
        return found[1]
    try:
        inner = msgspec.json.decode(user_id)
    except (msgspec.DecodeError, RecursionError):
        return ""
    session = inner.get("session_id") if isinstance(inner, dict) else None
    return session if isinstance(session, str) and _SESSION_FORM.fullmatch(session) else ""


def _named(session: str) -> tuple[str, tuple[str, ...]]:
    """A session as a dialect calls it, or why it is none."""
    if not session or _SESSION_FORM.fullmatch(session):
        return session, ()
    return "", ("left out the session's name: it has at most 128 letters, digits and ._:@/+=-",)


def tags_of(key: KeyRecord, headers: Headers, *, forwarded: bool = False) -> dict[str, str]:
    """The key's tags, and the subagent if Claude Code names one; a client never overrides a tag of its key.

    Where the key's holder is itself a gateway (`forwarded`), the user that it names is a tag too. From any other
    client those headers mean nothing: whoever holds a key could write another's name into them.
    """
    agent = headers.get(AGENT_HEADER, "")
    named = {"subagent": agent} if _SESSION_FORM.fullmatch(agent) else {}
    return named | (identity_of(headers) if forwarded else {}) | dict(key.tags)


def identity_of(headers: Headers) -> dict[str, str]:
    """Who a gateway in front says it asks for: `user`, the subject of its identity provider, and `email` if known."""
    user = headers.get(USER_HEADER, "")
    email = next((headers[name] for name in EMAIL_HEADERS if headers.get(name)), "")
    found = {"user": user, "email": email.lower()}  # one person, however the provider spells the address today
    return {name: value for name, value in found.items() if _IDENTITY_FORM.fullmatch(value)}
