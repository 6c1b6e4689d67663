"""Decisions every adapter takes the same way: version in the body, deployment, address, what is bought."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import quote

from trivium.core import NoClaim, Offer, Target, UserError
from trivium.gateway.seams import Facts, MessagesRequest, Outbound, SurfaceSettings

VERSION_FIRST = "2023-06-01"  # the version that every platform's own spelling stands for
_FAST, _STANDARD = "fast", "standard"


def encoded(value: object) -> bytes:
    """JSON bytes of a value we write ourselves."""
    return json.dumps(value, separators=(",", ":")).encode()


def body_version(request: MessagesRequest, surface: str, facts: Facts) -> tuple[str, str]:
    """The `anthropic_version` for the body, and a note when it is older than what the client asked for.

    A client is never lifted to a newer version than it speaks: newer ones refuse what older ones take.
    """
    accepted = facts.versions(surface, request.model)
    if not accepted:
        raise NoClaim(f"no claim says which API versions {surface} accepts for {request.model}")
    if request.version in accepted and request.version != VERSION_FIRST:
        return request.version, ""
    own = next((version for version in accepted if version.startswith(f"{surface}-")), None)
    if own is None:
        raise UserError("anthropic-version", request.version, f"{surface} accepts {', '.join(accepted)}")
    if request.version == VERSION_FIRST:
        return own, ""
    return own, f"anthropic-version {request.version} became {own}: {surface} has no newer one for {request.model}"


def deployed(settings: SurfaceSettings, target: Target, model: str) -> str | None:
    """The operator's own name for a model: `MODEL+TIER` in `deployments` for a special tier, else `MODEL`."""
    tier = target.offer.tier
    if tier != _STANDARD and f"{model}+{tier}" in settings.deployments:
        return settings.deployments[f"{model}+{tier}"]
    return settings.deployments.get(model)


def in_path(model: str, *, safe: str) -> str:
    """A model's name as one segment of a path."""
    if model in {"", ".", ".."}:
        raise UserError("deployments", model, "name a model, a profile or an ARN")
    return quote(model, safe=safe)


def address(settings: SurfaceSettings, path: str) -> str:
    """An address below the configured one."""
    if not settings.base_url:
        raise UserError(f"surfaces.{settings.surface}.base_url", "", "give the address of the surface")
    return settings.base_url.rstrip("/") + path


def own_headers(settings: SurfaceSettings, headers: dict[str, str]) -> dict[str, str]:
    """Headers with the operator's own added, which win."""
    return {**headers, **{name.lower(): value for name, value in settings.headers.items()}}


def bought(outbound: Outbound, target: Target, *, scope: str, tier: str) -> Outbound:
    """Say what the request buys when that is not what the route says."""
    offer: Offer = replace(target.offer, scope=scope, tier=tier)
    return outbound if offer == target.offer else replace(outbound, offer=offer)


def tier_by_speed(request: MessagesRequest, target: Target) -> str:
    """The tier where `speed` decides it: fast only when asked for, and no single request is a batch."""
    if request.body.get("speed") == _FAST:
        return _FAST
    return _STANDARD if target.offer.tier in {_FAST, "batch"} else target.offer.tier
