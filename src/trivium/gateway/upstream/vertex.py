"""Vertex AI, Google-managed: location and model in the path, version in the body, betas in the header."""

from __future__ import annotations

import re
from urllib.parse import quote

from trivium.core import Target, UserError
from trivium.gateway.seams import (
    Decoder,
    Facts,
    Failure,
    GatewaySettings,
    Headers,
    MessagesRequest,
    Outbound,
    SurfaceSettings,
)
from trivium.gateway.upstream._choices import (
    body_version,
    bought,
    deployed,
    encoded,
    in_path,
    own_headers,
    tier_by_speed,
)
from trivium.gateway.upstream._draft import Draft
from trivium.gateway.upstream._errors import classify, in_stream
from trivium.gateway.upstream._fields import fit_betas, fit_fields
from trivium.gateway.upstream._google_errors import read_native
from trivium.gateway.upstream._nested import refuse_features
from trivium.gateway.upstream._places import keeps, place_of
from trivium.gateway.upstream._relay import relay
from trivium.gateway.wire.headers import upstream_headers

_GLOBAL, _MULTI_REGIONS = "global", ("us", "eu")
_LOCATION = re.compile(r"[a-z][a-z0-9-]{0,40}")
_DROP = frozenset({b"vertex_event"})


class Vertex:
    """Adapter of `vertex`."""

    surface = "vertex"

    def prepare(self, request: MessagesRequest, target: Target, facts: Facts, settings: SurfaceSettings) -> Outbound:
        """A rawPredict request."""
        if not settings.project:
            raise UserError("surfaces.vertex.project", "", "give the Google Cloud project")
        location = _location(target.offer.scope, settings)
        model = deployed(settings, target, request.model) or facts.wire_model(
            self.surface, target.offer.scope, request.model
        )
        draft = Draft(request, self.surface, facts)
        counting = request.endpoint == "count_tokens"
        if counting:
            draft.replace("model", encoded(model))
        else:
            draft.remove(["model"])
        fit_betas(draft)
        fit_fields(draft, place=place_of(location, ""))
        refuse_features(draft)
        version, note = body_version(request, self.surface, facts)
        draft.add("anthropic_version", encoded(version))
        if note:
            draft.notes.append(note)
        name = "count-tokens" if counting else in_path(model, safe="@")
        method = "streamRawPredict" if request.stream else "rawPredict"
        where = f"/projects/{quote(settings.project, safe=':')}/locations/{location}/publishers/anthropic/models"
        outbound = Outbound(
            surface=self.surface,
            method="POST",
            url=f"{_base(settings, location)}{where}/{name}:{method}",
            headers=own_headers(settings, _headers(request, draft.betas)),
            body=draft.edited(),
            stream=request.stream,
            notes=tuple(draft.notes),
        )
        scope = target.offer.scope if (location == _GLOBAL) == (target.offer.scope == _GLOBAL) else location
        return bought(outbound, target, scope=scope, tier=tier_by_speed(request, target))

    def decoder(self, request: MessagesRequest, status: int, headers: Headers, limits: GatewaySettings) -> Decoder:  # noqa: ARG002  the signature is the Protocol's
        """Events as they came but for Google's own; Google's error object wherever it turns up."""
        return relay(self.surface, self._in_stream, request, limits, drop=_DROP)

    def _in_stream(self, body: bytes) -> Failure:
        return in_stream(self.surface, body, read_native)

    def classify(self, status: int, headers: Headers, body: bytes) -> Failure:
        """Google's error object, perhaps in an array, or an Anthropic envelope."""
        return classify(self.surface, status, headers, body, read_native)

    def request_id(self, headers: Headers) -> str:
        """Google sends no stable one."""
        return headers.get("request-id", "")


def _headers(request: MessagesRequest, betas: list[str]) -> dict[str, str]:
    headers = upstream_headers(request, betas=False)
    del headers["anthropic-version"]  # it is in the body, in Vertex's spelling
    if betas:
        headers["anthropic-beta"] = ",".join(betas)
    return headers


def _location(scope: str, settings: SurfaceSettings) -> str:
    """A scope that is a location is one; any other needs the region of the settings, which also replaces `global`."""
    location = settings.region if settings.region and scope not in _MULTI_REGIONS else scope
    if location != _GLOBAL and location not in _MULTI_REGIONS and not settings.region:
        raise UserError("surfaces.vertex.region", "", f"name the region in which {scope} is bought")
    if not _LOCATION.fullmatch(location):
        raise UserError("surfaces.vertex.region", location, "give a location such as global, us or us-east5")
    if not keeps(scope, location):
        raise UserError("surfaces.vertex.region", location, f"the route keeps {scope}: configure a location of it")
    return location


def _base(settings: SurfaceSettings, location: str) -> str:
    if settings.base_url:
        return settings.base_url.rstrip("/")
    if location == _GLOBAL:
        return "https://aiplatform.googleapis.com/v1"
    if location in _MULTI_REGIONS:
        return f"https://aiplatform.{location}.rep.googleapis.com/v1"
    return f"https://{location}-aiplatform.googleapis.com/v1"
