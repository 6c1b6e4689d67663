"""OpenAI's Chat Completions: translated to a Messages request, and the answer back; refused by name where it cannot."""

from __future__ import annotations

from trivium.gateway.dialect._seam import (
    VERSION_DEFAULT,
    Asked,
    Canonical,
    Speech,
    Spoken,
    bearer,
    header_betas,
    presented,
)
from trivium.gateway.dialect.openai._answer import completion as answered
from trivium.gateway.dialect.openai._complete import Completion
from trivium.gateway.dialect.openai._errors import error, refusal
from trivium.gateway.dialect.openai._request import read
from trivium.gateway.dialect.openai._stream import PING, Chunks, error_chunk
from trivium.gateway.seams import Headers

__all__ = ["OpenAI", "Said"]


class Said:
    """Says one answer."""

    def __init__(self, asked: Asked, *, include_usage: bool = False) -> None:
        self._created = int(asked.clock.now().timestamp()) if asked.clock is not None else 0
        self._chunks = Chunks(self._created, include_usage=include_usage)

    def head(self, headers: Headers) -> dict[str, str]:
        """As they are."""
        return dict(headers)

    def whole(self, body: bytes) -> bytes:
        """A chat completion."""
        return answered(body, self._created)

    def events(self, data: bytes) -> bytes:
        """Chunks."""
        return self._chunks.say(data)

    def ping(self) -> bytes:
        """A comment: clients skip it."""
        return PING

    def error_event(self, envelope: bytes) -> bytes:
        """A chunk with an error, and nothing after it."""
        return error_chunk(error(envelope))

    def refusal(self, status: int, envelope: bytes) -> Spoken:
        """OpenAI's error object."""
        return refusal(status, envelope)


class OpenAI:
    """Clients of OpenAI's Chat Completions."""

    name = "openai"

    def secrets(self, headers: Headers) -> frozenset[str]:
        """The bearer token; `x-api-key` or `api-key` where a client's configuration gives no other choice."""
        return presented(bearer(headers), headers.get("x-api-key"), headers.get("api-key"))

    def canonical(self, asked: Asked, data: bytes, headers: Headers) -> Canonical:
        """A Messages request; its length and its reasoning wait for the model."""
        found = read(data)
        return Canonical(
            found.body,
            headers.get("anthropic-version", VERSION_DEFAULT),
            header_betas(headers),
            notes=found.notes,
            session=found.session,
            complete=Completion("max_tokens" in found.body, "thinking" in found.body, found.effort),
            speech=Said(asked, include_usage=found.include_usage),
        )

    def speech(self, asked: Asked) -> Speech:
        """Chunks without counts, until the request says what it wants."""
        return Said(asked)
