"""Microsoft Foundry: first-party bodies under `/anthropic`, deployments for models, Azure's own errors in front."""

from __future__ import annotations

from typing import Any

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
from trivium.gateway.upstream._auxiliary import accepted_betas, addressed
from trivium.gateway.upstream._choices import bought, deployed, encoded, tier_by_speed
from trivium.gateway.upstream._draft import Draft
from trivium.gateway.upstream._errors import Native, text_at
from trivium.gateway.upstream._fields import fit_betas, fit_fields
from trivium.gateway.upstream._first_party import sent
from trivium.gateway.upstream._nested import refuse_features
from trivium.gateway.upstream._places import place_of
from trivium.gateway.wire.errors import type_for

_FAST = "fast"
_CODES: dict[str, Native] = {
    "401": Native("authentication_error", "", credential=True),
    "Unauthorized": Native("authentication_error", "", credential=True),
    "403": Native("permission_error", ""),
    "PermissionDenied": Native("permission_error", ""),
    "404": Native("not_found_error", ""),
    "DeploymentNotFound": Native("not_found_error", ""),
    "api_not_supported": Native("not_supported", ""),
    "429": Native("rate_limit_error", ""),
    "RateLimitReached": Native("rate_limit_error", ""),
    "content_filter": Native("invalid_request_error", ""),
}


def _read_native(status: int, headers: Headers, value: Any) -> Native | None:  # noqa: ARG001  the table's form
    code = text_at(value, "error", "code") or text_at(value, "code") or text_at(value, "statusCode")
    message = text_at(value, "error", "message") or text_at(value, "message")
    if not code and not message:
        return None
    known = _CODES.get(code) or _CODES.get(str(status)) or Native(type_for(status), "")
    return Native(known.error_type, message or code, credential=known.credential)


class Foundry(FirstPartyAnswers):
    """Adapter of `foundry`."""

    surface = "foundry"

    def prepare(self, request: MessagesRequest, target: Target, facts: Facts, settings: SurfaceSettings) -> Outbound:
        """The client's request under the deployment's name. Fast is a deployment of its own here, not a field."""
        deployment = deployed(settings, target, request.model) or facts.wire_model(
            self.surface, target.offer.scope, request.model
        )
        draft = Draft(request, self.surface, facts)
        if request.body.get("model") != deployment:
            draft.replace("model", encoded(deployment))
        fit_betas(draft)
        fit_fields(draft, place=place_of(target.offer.scope, settings.region))
        refuse_features(draft)
        outbound = sent(draft, settings)
        fast = f"{request.model}+{_FAST}" in settings.deployments and target.offer.tier == _FAST
        return bought(
            outbound, target, scope=target.offer.scope, tier=_FAST if fast else tier_by_speed(request, target)
        )

    def auxiliary(self, errand: Errand, facts: Facts, settings: SurfaceSettings) -> Outbound:
        """An errand below `/anthropic`."""
        return addressed(self.surface, errand, settings, accepted_betas(self.surface, errand, facts))

    def read_native(self, status: int, headers: Headers, value: Any) -> Native | None:
        """Azure's own form."""
        return _read_native(status, headers, value)

    def request_id(self, headers: Headers) -> str:
        """The model service's id, else the front's."""
        return headers.get("request-id") or headers.get("apim-request-id", "")
