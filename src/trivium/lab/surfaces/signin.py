"""The sign-in endpoints as a surface of their own: Google's token endpoint and metadata server, Entra's tenant."""

from __future__ import annotations

from typing import Any, ClassVar

from trivium.lab.auth.entra import EntraIdentity
from trivium.lab.auth.google import GoogleIdentity
from trivium.lab.surfaces._base import Call, Exchange, Operation, Refused, Reply, Setup, Surface, json_reply


class SignIn(Surface):
    """Options: `google` (GoogleIdentity) and `entra` (EntraIdentity), shared with the surfaces that verify tokens."""

    name: ClassVar[str] = "signin"
    body_bytes_max: ClassVar[int] = 1_000_000
    pings: ClassVar[bool] = False

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._google: GoogleIdentity | None = setup.options.get("google")
        self._entra: EntraIdentity | None = setup.options.get("entra")

    def route(self, exchange: Exchange) -> Operation | None:  # noqa: ARG002  `other` knows the paths
        """Everything is looked at by `other`."""
        return Operation.OTHER

    def authenticate(self, exchange: Exchange) -> str:  # noqa: ARG002  the form carries the credential
        """Nobody is known before signing in."""
        return "signin"

    def read(self, exchange: Exchange, operation: Operation, body: dict[str, Any], account: str) -> Call:  # noqa: ARG002  the seam's form
        """There are no messages here."""
        raise self.unknown_path(exchange)

    def other(self, exchange: Exchange) -> Reply:
        """The first identity that serves the path answers."""
        for identity in (self._google, self._entra):
            reply = identity.handle(exchange) if identity is not None else None
            if reply is not None:
                return reply
        raise self.unknown_path(exchange)

    def refuse(self, refused: Refused, exchange: Exchange) -> Reply:  # noqa: ARG002  the form of OAuth has no id
        """OAuth's form of an error."""
        return json_reply(refused.status, {"error": refused.kind, "error_description": refused.message})


def build(setup: Setup) -> SignIn:
    """The surface."""
    return SignIn(setup)
