"""The first-party API: bytes and headers pass as they came; only the model's name may be replaced."""

from __future__ import annotations

from trivium.core import Target
from trivium.gateway.seams import (
    Errand,
    Facts,
    Headers,
    MessagesRequest,
    Outbound,
    SurfaceSettings,
)
from trivium.gateway.upstream._answers import FirstPartyAnswers
from trivium.gateway.upstream._auxiliary import addressed
from trivium.gateway.upstream._choices import address, bought, encoded, own_headers, tier_by_speed
from trivium.gateway.upstream._geography import geography_of
from trivium.gateway.wire.headers import upstream_headers

_PATHS = {"messages": "/v1/messages", "count_tokens": "/v1/messages/count_tokens"}


class Anthropic(FirstPartyAnswers):
    """Adapter of `anthropic`."""

    surface = "anthropic"

    def prepare(self, request: MessagesRequest, target: Target, facts: Facts, settings: SurfaceSettings) -> Outbound:
        """The client's request, to the configured address."""
        wire = facts.wire_model(self.surface, target.offer.scope, request.model)
        edits = {} if request.body.get("model") == wire else {"model": encoded(wire)}
        scope, geography = geography_of(request, target)
        outbound = Outbound(
            surface=self.surface,
            method="POST",
            url=address(settings, _PATHS[request.endpoint]),
            headers=own_headers(settings, upstream_headers(request)),
            body=request.body.edit(replace=edits, add=geography) if edits or geography else request.body.data,
            stream=request.stream,
            notes=tuple(f"added {name}: the route keeps {scope}" for name in geography),
        )
        return bought(outbound, target, scope=scope, tier=tier_by_speed(request, target))

    def auxiliary(self, errand: Errand, facts: Facts, settings: SurfaceSettings) -> Outbound:  # noqa: ARG002  Protocol
        """An errand, betas and all as the client sent them."""
        return addressed(self.surface, errand, settings, errand.betas)

    def request_id(self, headers: Headers) -> str:
        """The API's own id."""
        return headers.get("request-id", "")
