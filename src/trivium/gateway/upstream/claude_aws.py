"""Claude Platform on AWS: first-party bodies and betas, a workspace in a header, AWS's own errors in front."""

from __future__ import annotations

from typing import Any

from trivium.core import Target, UserError
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
from trivium.gateway.upstream._aws_errors import read_native
from trivium.gateway.upstream._choices import bought, encoded, tier_by_speed
from trivium.gateway.upstream._draft import Draft
from trivium.gateway.upstream._errors import Native
from trivium.gateway.upstream._fields import fit_betas, fit_fields
from trivium.gateway.upstream._first_party import sent
from trivium.gateway.upstream._geography import geography_of
from trivium.gateway.upstream._nested import refuse_features
from trivium.gateway.upstream._places import place_of

_WORKSPACE = "anthropic-workspace-id"


def _workspace(settings: SurfaceSettings) -> str:
    if not settings.workspace:
        raise UserError(f"surfaces.{settings.surface}.workspace", "", "give the id of the workspace")
    return settings.workspace


class ClaudeAws(FirstPartyAnswers):
    """Adapter of `claude-aws`."""

    surface = "claude-aws"

    def prepare(self, request: MessagesRequest, target: Target, facts: Facts, settings: SurfaceSettings) -> Outbound:
        """The client's request for the configured workspace, whatever workspace the client named."""
        workspace = _workspace(settings)
        wire = facts.wire_model(self.surface, target.offer.scope, request.model)
        draft = Draft(request, self.surface, facts)
        if request.body.get("model") != wire:
            draft.replace("model", encoded(wire))
        scope, geography = geography_of(request, target)
        for name, value in geography.items():
            draft.add(name, value)
            draft.notes.append(f"added {name}: the route keeps {scope}")
        fit_betas(draft)
        fit_fields(draft, place=place_of(target.offer.scope, settings.region))
        refuse_features(draft)
        outbound = sent(draft, settings, fixed={_WORKSPACE: workspace})
        return bought(outbound, target, scope=scope, tier=tier_by_speed(request, target))

    def auxiliary(self, errand: Errand, facts: Facts, settings: SurfaceSettings) -> Outbound:
        """An errand in the configured workspace."""
        return addressed(
            self.surface,
            errand,
            settings,
            accepted_betas(self.surface, errand, facts),
            own={_WORKSPACE: _workspace(settings)},
        )

    def read_native(self, status: int, headers: Headers, value: Any) -> Native | None:
        """AWS's own form."""
        return read_native(status, headers, value)

    def request_id(self, headers: Headers) -> str:
        """The API's id, else the one AWS logs."""
        return headers.get("request-id") or headers.get("x-amzn-requestid", "")
