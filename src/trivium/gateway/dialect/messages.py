"""The Messages API itself: everything passes as it is. Also Foundry's form of it, which differs in paths and errors."""

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
from trivium.gateway.seams import Headers
from trivium.gateway.wire.body import Body
from trivium.gateway.wire.errors import error_event
from trivium.gateway.wire.sse import PING

JSON = {"content-type": "application/json"}


class MessagesSpeech:
    """Bytes pass; errors are envelopes."""

    def head(self, headers: Headers) -> dict[str, str]:
        """As they are."""
        return dict(headers)

    def whole(self, body: bytes) -> bytes:
        """As it is."""
        return body

    def events(self, data: bytes) -> bytes:
        """As they are."""
        return data

    def ping(self) -> bytes:
        """The API's own."""
        return PING

    def error_event(self, envelope: bytes) -> bytes:
        """The API's own."""
        return error_event(envelope)

    def refusal(self, status: int, envelope: bytes) -> Spoken:
        """The envelope."""
        return Spoken(status, JSON, envelope)


class Messages:
    """Clients of the first-party API, of Claude Platform on AWS, and of Claude on Google Cloud."""

    name = "messages"

    def secrets(self, headers: Headers) -> frozenset[str]:
        """Both headers, as clients of different versions use them; of one that signs for AWS, its session token."""
        return presented(headers.get("x-api-key"), bearer(headers), headers.get("x-amz-security-token"))

    def canonical(self, asked: Asked, data: bytes, headers: Headers) -> Canonical:  # noqa: ARG002  the Protocol's
        """The body untouched, version and betas from their headers."""
        return Canonical(Body(data), headers.get("anthropic-version", VERSION_DEFAULT), header_betas(headers))

    def speech(self, asked: Asked) -> Speech:  # noqa: ARG002  the signature is the Protocol's
        """The API's words."""
        return MessagesSpeech()
