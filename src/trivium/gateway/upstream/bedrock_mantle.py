"""Claude in Amazon Bedrock (Mantle): first-party bodies and betas under `/anthropic`, AWS's own errors in front."""

from __future__ import annotations

from typing import Any

from trivium.core import Target
from trivium.gateway.seams import Facts, Headers, MessagesRequest, Outbound, SurfaceSettings
from trivium.gateway.upstream._answers import FirstPartyAnswers
from trivium.gateway.upstream._aws_errors import read_native
from trivium.gateway.upstream._choices import bought, deployed, encoded, tier_by_speed
from trivium.gateway.upstream._draft import Draft
from trivium.gateway.upstream._errors import Native
from trivium.gateway.upstream._fields import USER_PROFILE, fit_betas, fit_fields, profile_in_body
from trivium.gateway.upstream._first_party import sent
from trivium.gateway.upstream._nested import refuse_features
from trivium.gateway.upstream._places import place_of, region_for


class BedrockMantle(FirstPartyAnswers):
    """Adapter of `bedrock-mantle`."""

    surface = "bedrock-mantle"

    def prepare(self, request: MessagesRequest, target: Target, facts: Facts, settings: SurfaceSettings) -> Outbound:
        """The client's request to the endpoint of the configured region, whose price is what is bought.

        The ids here name no geography, so a route that keeps another place than the region's cannot be served.
        """
        region = region_for(self.surface, target.offer.scope, settings.region)
        wire = deployed(settings, target, request.model) or facts.wire_model(self.surface, region, request.model)
        draft = Draft(request, self.surface, facts)
        if request.body.get("model") != wire:
            draft.replace("model", encoded(wire))
        fit_betas(draft)
        fit_fields(draft, place=place_of(region, ""))
        refuse_features(draft)
        profile_in_body(draft)
        outbound = sent(draft, settings, kept_back=(USER_PROFILE,))
        return bought(outbound, target, scope=region, tier=tier_by_speed(request, target))

    def read_native(self, status: int, headers: Headers, value: Any) -> Native | None:
        """AWS's own form."""
        return read_native(status, headers, value)

    def request_id(self, headers: Headers) -> str:
        """The model service's id, else the one AWS logs."""
        return headers.get("request-id") or headers.get("x-amzn-requestid", "")
