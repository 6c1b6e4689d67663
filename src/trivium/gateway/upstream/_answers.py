"""How answers in the first-party wire are read, for every surface that speaks it; a front may have its own errors."""

from __future__ import annotations

from typing import Any, ClassVar

from trivium.gateway.seams import Decoder, Failure, GatewaySettings, Headers, MessagesRequest
from trivium.gateway.upstream._errors import Native, classify, in_stream
from trivium.gateway.upstream._relay import relay


class FirstPartyAnswers:
    """The reading half of an adapter."""

    surface: ClassVar[str]

    def read_native(self, status: int, headers: Headers, value: Any) -> Native | None:  # noqa: ARG002  for overriding
        """An error in the form of what stands in front of the API; None when it is none."""
        return None

    def decoder(self, request: MessagesRequest, status: int, headers: Headers, limits: GatewaySettings) -> Decoder:  # noqa: ARG002  the signature is the Protocol's
        """Pass through."""
        return relay(self.surface, self._in_stream, request, limits)

    def _in_stream(self, body: bytes) -> Failure:
        return in_stream(self.surface, body, self.read_native)

    def classify(self, status: int, headers: Headers, body: bytes) -> Failure:
        """An Anthropic envelope from the API, or the front's own form."""
        return classify(self.surface, status, headers, body, self.read_native)
