"""Requests about batches and files, addressed to a surface that speaks the first-party wire."""

from __future__ import annotations

from collections.abc import Sequence

from trivium.core import FactError
from trivium.gateway.seams import Errand, Facts, Headers, Outbound, SurfaceSettings
from trivium.gateway.upstream._choices import address, own_headers
from trivium.gateway.wire.headers import USER_AGENT


def addressed(
    surface: str, errand: Errand, settings: SurfaceSettings, betas: Sequence[str], own: Headers | None = None
) -> Outbound:
    """The errand with the headers every surface gets, those of the surface, and the operator's own."""
    headers: dict[str, str] = {
        "accept": errand.accept,
        "accept-encoding": "identity",
        "user-agent": USER_AGENT,
        "anthropic-version": errand.version,
        **errand.headers,
    }
    if errand.content_type:
        headers["content-type"] = errand.content_type
    if betas:
        headers["anthropic-beta"] = ",".join(betas)
    lost = [beta for beta in errand.betas if beta not in betas]
    return Outbound(
        surface=surface,
        method=errand.method,
        url=address(settings, errand.path),
        headers={**own_headers(settings, headers), **(own or {})},
        body=errand.body,
        notes=tuple(f"left out beta {beta}: {surface} does not accept it" for beta in lost),
    )


def accepted_betas(surface: str, errand: Errand, facts: Facts) -> tuple[str, ...]:
    """The client's betas by the surface's names, without those it refuses."""
    found: list[str] = []
    for beta in errand.betas:
        try:
            name = facts.beta(surface, "", beta)
        except FactError:
            name = None
        if name is not None:
            found.append(name)
    return tuple(found)
