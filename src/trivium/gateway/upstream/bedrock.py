"""Bedrock's runtime: InvokeModel, with model and stream in the path, version and betas in the body; or Converse."""

from __future__ import annotations

import base64

from trivium.core import Target, UserError
from trivium.gateway.seams import (
    Decoder,
    Facts,
    Failure,
    GatewaySettings,
    Headers,
    MessagesRequest,
    NotSupported,
    Outbound,
    SurfaceSettings,
)
from trivium.gateway.upstream._aws_errors import read_exception, read_native
from trivium.gateway.upstream._choices import (
    address,
    body_version,
    bought,
    deployed,
    encoded,
    in_path,
    own_headers,
    tier_by_speed,
)
from trivium.gateway.upstream._converse import (
    ConverseBodyDecoder,
    ConverseStreamDecoder,
    fitted,
    native_of,
    tier_of,
)
from trivium.gateway.upstream._draft import Draft
from trivium.gateway.upstream._errors import classify, in_stream
from trivium.gateway.upstream._fields import fit_betas, fit_fields, profile_in_body
from trivium.gateway.upstream._frames import BedrockCountDecoder, BedrockStreamDecoder
from trivium.gateway.upstream._nested import refuse_features
from trivium.gateway.upstream._places import keeps, place_of, profile_scope, scope_of_name
from trivium.gateway.upstream._relay import BodyOrError
from trivium.gateway.wire.body import Body
from trivium.gateway.wire.headers import USER_AGENT

_VENDOR = "anthropic."
_GLOBAL = "global"
_TIER_HEADER = "x-amzn-bedrock-service-tier"
_COUNTED_OUT = ("stream", "max_tokens")


class Bedrock:
    """Adapter of `bedrock`."""

    surface = "bedrock"

    def prepare(self, request: MessagesRequest, target: Target, facts: Facts, settings: SurfaceSettings) -> Outbound:
        """An InvokeModel request, not signed yet."""
        scope = profile_scope(target.offer.scope, settings.scope, settings.region)
        wire = deployed(settings, target, request.model) or facts.wire_model(self.surface, scope, request.model)
        if request.endpoint == "count_tokens":
            return self._count(request, facts, settings, wire)
        native = native_of(request)
        if native is not None:
            return self._converse(request, native, target, wire, facts, settings)
        draft = self._draft(request, scope, facts, settings)
        own = request.own if request.dialect == self.surface else {}
        operation = "invoke-with-response-stream" if request.stream else "invoke"
        outbound = Outbound(
            surface=self.surface,
            method="POST",
            url=address(settings, f"/model/{in_path(wire, safe=':')}/{operation}"),
            headers=_headers(settings, own),
            body=draft.edited(),
            stream=request.stream,
            notes=tuple(draft.notes),
            native=request.stream and request.dialect == self.surface,
        )
        named = own.get(_TIER_HEADER, "").lower()
        tier = tier_by_speed(request, target) if named in {"", "default"} else named
        return bought(outbound, target, scope=_bought_scope(target, wire, settings), tier=tier)

    def _converse(
        self, request: MessagesRequest, native: Body, target: Target, wire: str, facts: Facts, settings: SurfaceSettings
    ) -> Outbound:
        """The client's own Converse request, its bytes as they came but for what claims make change."""
        place = place_of(profile_scope(target.offer.scope, settings.scope, settings.region), settings.region)
        body, notes = fitted(request, native, facts, self.surface, place)
        operation = "converse-stream" if request.stream else "converse"
        outbound = Outbound(
            surface=self.surface,
            method="POST",
            url=address(settings, f"/model/{in_path(wire, safe=':')}/{operation}"),
            headers=_headers(settings),
            body=body,
            stream=request.stream,
            notes=tuple(notes),
            native=True,
        )
        tier = tier_of(native, tier_by_speed(request, target))
        return bought(outbound, target, scope=target.offer.scope, tier=tier)

    def _draft(self, request: MessagesRequest, scope: str, facts: Facts, settings: SurfaceSettings) -> Draft:
        draft = Draft(request, self.surface, facts)
        draft.remove(["model", "stream"])  # both are in the path
        fit_betas(draft)
        fit_fields(draft, place=place_of(scope, settings.region))
        refuse_features(draft)
        if draft.betas:
            draft.add("anthropic_beta", encoded(draft.betas))
        elif draft.body.get("anthropic_beta") != []:
            draft.remove(["anthropic_beta"])  # of a client that speaks this surface's dialect, none of them left
        version, note = body_version(request, self.surface, facts)
        draft.add("anthropic_version", encoded(version))
        if note:
            draft.notes.append(note)
        profile_in_body(draft)
        return draft

    def _count(self, request: MessagesRequest, facts: Facts, settings: SurfaceSettings, wire: str) -> Outbound:
        """CountTokens, for the models that claims list; it takes base ids only, so the profile's prefix goes."""
        if facts.supports(self.surface, request.model, "token_counting") is not True or _VENDOR not in wire:
            raise NotSupported(f"{self.surface} counts no tokens for {request.model}")
        draft = Draft(request, self.surface, facts)
        draft.remove(["model", *_COUNTED_OUT])
        fit_betas(draft)
        fit_fields(draft, place="")
        if request.body.get("tools") == []:
            draft.remove(["tools"])  # refused when empty, and nothing is lost
        draft.add("max_tokens", b"1")  # required, and not counted
        if draft.betas:
            draft.add("anthropic_beta", encoded(draft.betas))
        draft.add("anthropic_version", encoded(body_version(request, self.surface, facts)[0]))
        inner = base64.b64encode(draft.edited()).decode()
        base = wire[wire.index(_VENDOR) :]
        return Outbound(
            surface=self.surface,
            method="POST",
            url=address(settings, f"/model/{in_path(base, safe=':')}/count-tokens"),
            headers=_headers(settings),
            body=encoded({"input": {"invokeModel": {"body": inner}}}),
            notes=tuple(draft.notes),
        )

    def decoder(self, request: MessagesRequest, status: int, headers: Headers, limits: GatewaySettings) -> Decoder:  # noqa: ARG002  the signature is the Protocol's
        """Frames become events; a whole answer passes as it came."""
        if request.endpoint == "count_tokens":
            return BedrockCountDecoder(self.surface, self._in_stream, request=request, limits=limits)
        if native_of(request) is not None:
            if request.stream:
                return ConverseStreamDecoder(self.surface, read_exception, request, limits)
            return ConverseBodyDecoder(self.surface, self._in_stream, request=request, limits=limits)
        if request.stream:
            return BedrockStreamDecoder(self.surface, read_exception, self._in_stream, request, limits)
        return BodyOrError(self.surface, self._in_stream, request=request, limits=limits)

    def _in_stream(self, body: bytes) -> Failure:
        return in_stream(self.surface, body, read_native)

    def classify(self, status: int, headers: Headers, body: bytes) -> Failure:
        """An exception by its name in `x-amzn-errortype`, its words made safe."""
        return classify(self.surface, status, headers, body, read_native)

    def request_id(self, headers: Headers) -> str:
        """AWS's id."""
        return headers.get("x-amzn-requestid", "")


def _bought_scope(target: Target, wire: str, settings: SurfaceSettings) -> str:
    """The scope that is paid for; raises UserError when an id or the endpoint would leave the place the route keeps."""
    kept, pinned, configured = target.offer.scope, scope_of_name(wire), wire in settings.deployments.values()
    if pinned is None and not wire.startswith("arn:"):
        pinned = settings.region or None  # a bare id is served where the endpoint is
    elif not configured:
        return kept  # the profile was chosen for this scope
    if pinned is None:
        return kept
    if not keeps(kept, pinned):
        field, value = ("deployments", wire) if configured else ("region", pinned)
        remedy = f"{wire} is served in {pinned}, the route keeps {kept}"
        raise UserError(f"surfaces.{settings.surface}.{field}", value, remedy)
    return pinned if kept == _GLOBAL else kept


def _headers(settings: SurfaceSettings, own: Headers | None = None) -> dict[str, str]:
    headers = {
        **(own or {}),
        "accept": "application/json",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "user-agent": USER_AGENT,
    }
    return own_headers(settings, headers)
