"""How answers in the first-party wire are read, for every surface that speaks it; a front may have its own errors."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from trivium.gateway.seams import Decoder, Facts, Failure, GatewaySettings, Headers, MessagesRequest
from trivium.gateway.upstream._errors import Said, classify, in_stream
from trivium.gateway.upstream._relay import relay


class FirstPartyAnswers:
    """The reading half of an adapter."""

    surface: ClassVar[str]

    def read_said(self, status: int, headers: Headers, value: Any) -> Said | None:  # noqa: ARG002  for overriding
        """An error in the form of what stands in front of the API; None when it is none."""
        return None

    def decoder(
        self,
        request: MessagesRequest,
        status: int,  # noqa: ARG002  the signature is the Protocol's
        headers: Headers,  # noqa: ARG002  likewise
        limits: GatewaySettings,
        facts: Facts,
    ) -> Decoder:
        """Pass through."""
        return relay(self.surface, partial(self._in_stream, facts), request, limits)

    def _in_stream(self, facts: Facts, body: bytes) -> Failure:
        return in_stream(self.surface, body, facts, self.read_said)

    def classify(self, status: int, headers: Headers, body: bytes, facts: Facts) -> Failure:
        """An Anthropic envelope from the API, or the front's own form."""
        return classify(self.surface, status, headers, body, facts, self.read_said)
