"""What a dialect is to the gateway: how a kind of client asks, proves itself, and reads answers and errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from trivium.core import Clock, TriviumError
from trivium.gateway.seams import Beyond, Complete, Endpoint, Headers
from trivium.gateway.wire.body import Body


class NoMessage(TriviumError):
    """What came is no answer of the Messages API: the client gets an error, never a part of it as the whole."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a path asks for. `model` is the name in it, if any; `stream` is None when the body says it."""

    dialect: Dialect
    endpoint: Endpoint
    model: str = ""
    stream: bool | None = None
    notes: tuple[str, ...] = ()  # what of the path was not followed, for the client
    clock: Clock | None = None  # for a dialect whose answers say when they were made, or how long they took


@dataclass(frozen=True, slots=True)
class Canonical:
    """A request as the Messages API would have it."""

    body: Body
    version: str
    betas: tuple[str, ...]
    native: Body | None = None  # the body as it came, where it differs
    notes: tuple[str, ...] = ()  # what of it was left out, for the client
    session: str = ""  # what the dialect itself calls requests that belong together
    complete: Complete | None = None  # what can only be said once the model is known
    speech: Speech | None = None  # where the request says how it wants its answer
    beyond: Beyond | None = None
    own: Headers = field(default_factory=dict)  # headers that mean something to the dialect's own surface
    open_ended: bool = False  # without `max_tokens` the answer may be as long as the model allows


@dataclass(frozen=True, slots=True)
class Spoken:
    """An error as the dialect says it."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Speech(Protocol):
    """Says one answer; made for each request. Its input is in the Messages API's words."""

    def head(self, headers: Headers) -> dict[str, str]:
        """Headers of an answer, the content type among them."""
        ...

    def whole(self, body: bytes) -> bytes:
        """An answer that is not streamed."""
        ...

    def events(self, data: bytes) -> bytes:
        """Whole server-sent events; possibly nothing comes of them."""
        ...

    def ping(self) -> bytes:
        """A sign of life, empty when the dialect has none."""
        ...

    def error_event(self, envelope: bytes) -> bytes:
        """An error after the first byte."""
        ...

    def refusal(self, status: int, envelope: bytes) -> Spoken:
        """An error before it."""
        ...


class Dialect(Protocol):
    """One kind of client."""

    @property
    def name(self) -> str:
        """As metrics and records call it."""
        ...

    def secrets(self, headers: Headers) -> frozenset[str]:
        """Everything presented as a credential, wherever this dialect's clients put it."""
        ...

    def canonical(self, asked: Asked, data: bytes, headers: Headers) -> Canonical:
        """The request; raises UserError that names the field."""
        ...

    def speech(self, asked: Asked) -> Speech:
        """Says the answer to one request."""
        ...


NOWHERE = ": not served here"  # how the refusal of a path ends, which the clouds' fronts say in forms of their own
_BEARER = "bearer "
VERSION_DEFAULT = "2023-06-01"


def bearer(headers: Headers) -> str:
    """The token of an authorization header, empty without one."""
    value = headers.get("authorization", "")
    return value[len(_BEARER) :].strip() if value[: len(_BEARER)].lower() == _BEARER else ""


def presented(*values: str | None) -> frozenset[str]:
    """What was given at all."""
    return frozenset(value for value in values if value)


def header_betas(headers: Headers) -> tuple[str, ...]:
    """The `anthropic-beta` header, split."""
    return tuple(part.strip() for part in headers.get("anthropic-beta", "").split(",") if part.strip())
