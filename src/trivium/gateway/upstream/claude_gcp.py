"""Claude on Google Cloud, Anthropic-managed: project and workspace in the path, first-party bodies, Google in front."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from trivium.core import Target, UserError
from trivium.gateway.seams import Errand, Facts, Headers, MessagesRequest, Outbound, SurfaceSettings
from trivium.gateway.upstream._answers import FirstPartyAnswers
from trivium.gateway.upstream._auxiliary import accepted_betas, addressed
from trivium.gateway.upstream._choices import bought, encoded, tier_by_speed
from trivium.gateway.upstream._draft import Draft
from trivium.gateway.upstream._errors import Native
from trivium.gateway.upstream._fields import fit_betas, fit_fields
from trivium.gateway.upstream._first_party import sent
from trivium.gateway.upstream._geography import geography_of
from trivium.gateway.upstream._google_errors import read_native
from trivium.gateway.upstream._nested import refuse_features
from trivium.gateway.upstream._places import place_of

_LOCATION = re.compile(r"[a-z][a-z0-9-]{0,40}")
_ANYWHERE = "global"  # the location when none is configured: it addresses the front, and does not say where is served
_NOT_SENT = ("anthropic-workspace-id",)  # the path says it


class ClaudeGcp(FirstPartyAnswers):
    """Adapter of `claude-gcp`."""

    surface = "claude-gcp"

    def prepare(self, request: MessagesRequest, target: Target, facts: Facts, settings: SurfaceSettings) -> Outbound:
        """The client's request below the configured workspace, whatever workspace the client named."""
        below = self._below(settings)
        wire = facts.wire_model(self.surface, target.offer.scope, request.model)
        draft = Draft(request, self.surface, facts)
        if request.body.get("model") != wire:
            draft.replace("model", encoded(wire))
        scope, geography = geography_of(request, target)
        for name, value in geography.items():
            draft.add(name, value)
            draft.notes.append(f"added {name}: the route keeps {scope}")
        fit_betas(draft)
        fit_fields(draft, place=place_of(target.offer.scope, ""))
        refuse_features(draft)
        outbound = sent(draft, settings, below=below, kept_back=_NOT_SENT)
        return bought(outbound, target, scope=scope, tier=tier_by_speed(request, target))

    def auxiliary(self, errand: Errand, facts: Facts, settings: SurfaceSettings) -> Outbound:
        """An errand below the configured workspace."""
        headers = {name: value for name, value in errand.headers.items() if name not in _NOT_SENT}
        placed = replace(errand, path=self._below(settings) + errand.path, headers=headers)
        return addressed(self.surface, placed, settings, accepted_betas(self.surface, errand, facts))

    def _below(self, settings: SurfaceSettings) -> str:
        for name in ("project", "workspace"):
            if not getattr(settings, name):
                raise UserError(f"surfaces.{self.surface}.{name}", "", f"give the id of the {name}")
        location = settings.region or _ANYWHERE
        if not _LOCATION.fullmatch(location):
            raise UserError(f"surfaces.{self.surface}.region", location, "give a location such as global")
        project, workspace = quote(settings.project, safe=":"), quote(settings.workspace, safe="")
        return f"/v1/projects/{project}/locations/{location}/workspaces/{workspace}/invoke"

    def read_native(self, status: int, headers: Headers, value: Any) -> Native | None:
        """Google's own form."""
        return read_native(status, headers, value)

    def request_id(self, headers: Headers) -> str:
        """The API's id."""
        return headers.get("request-id", "")
