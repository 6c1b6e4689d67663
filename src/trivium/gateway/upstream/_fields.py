"""Fits a Messages request to a surface that carries less: by what claims say, refused by name or left out and reported.

A field whose loss would change what the answer means is refused. One whose loss changes only cost, speed or
diagnosis is left out, and the client is told. A beta and its body field travel together or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from trivium.core import UserError
from trivium.gateway.upstream._choices import encoded
from trivium.gateway.upstream._draft import Draft, Rejected
from trivium.gateway.upstream._nested import drop_paired
from trivium.gateway.wire.spans import without

USER_PROFILE = "anthropic-user-profile-id"

# Top-level fields that exist only together with a beta, by the beginnings of its name.
_BETA_FIELDS: Mapping[str, tuple[str, ...]] = {
    "context_management": ("context-management-", "compact-"),
    "compaction": ("compact-",),
    "user_profile_id": ("user-profiles-",),
    "fallbacks": ("server-side-fallback-",),
    "fallback_credit_token": ("fallback-credit-",),
    "thread": ("message-threads-",),
    "mcp_servers": ("mcp-client-",),
    "output_format": ("structured-outputs-",),
    "diagnostics": ("cache-diagnosis-",),
}
# Members of output_config: the beta's beginning while it was one, and the catalogue's name of the capability.
_OUTPUT_CONFIG = (
    ("format", "structured-outputs-", "structured_outputs"),
    ("effort", "effort-", "effort"),
    ("task_budget", "task-budgets-", "task_budgets"),
)
_ONLY_BETA = {"task_budget"}  # the others work without their beta by now

_NAMES_MAX, _NAME_MAX = 20, 80

Harmless = Callable[[Any, str], bool]


def _always(_value: Any, _place: str) -> bool:
    return True


def _empty(value: Any, _place: str) -> bool:
    return value is None or value in ([], {})


def _standard(value: Any, _place: str) -> bool:
    return value in (None, "standard")


def _any_capacity(value: Any, _place: str) -> bool:
    return value in (None, "auto", "standard_only")  # this surface has only what both of them allow


def _keeps_place(value: Any, place: str) -> bool:
    return value in (None, "global") or value == place


# A field that a surface refuses may be left out when its value asks for nothing that would be lost.
_HARMLESS: Mapping[str, Harmless] = {
    "service_tier": _any_capacity,
    "speed": _standard,
    "inference_geo": _keeps_place,
    "container": _empty,
    "mcp_servers": _empty,
    "thread": _empty,
    "output_format": _empty,
    "diagnostics": _always,
    "fallbacks": _always,  # the gateway's own failover remains
    "fallback_credit_token": _always,
    "cache_control": _always,  # automatic caching: only the price
    "context_management": _always,
    "compaction": _always,
    "user_profile_id": _always,
    "billing_policy": _empty,
}
_REMEDY: Mapping[str, str] = {
    "inference_geo": "this route serves {place}; ask for that place, or for a route that keeps the other one",
    "speed": "this surface has no fast mode by that field; ask for standard speed or another route",
}


def fit_betas(draft: Draft) -> None:
    """Translate the betas by claims, and leave out with a refused one what belongs to it."""
    dropped: list[str] = []
    kept: list[str] = []
    for beta in dict.fromkeys(draft.request.betas):
        name = draft.facts.beta(draft.surface, draft.model, beta)
        if name is None:
            dropped.append(beta)
        else:
            kept += [beta, name]
            if name not in draft.betas:
                draft.betas.append(name)
    if not dropped:
        return
    shown = [beta[:_NAME_MAX] for beta in dropped[:_NAMES_MAX]]  # names come from clients, notes become a header
    more = f" and {len(dropped) - len(shown)} more" if len(dropped) > len(shown) else ""
    draft.notes.append(f"left out betas: {', '.join(shown)}{more}")

    def lost(*starts: str) -> bool:
        return any(beta.startswith(starts) for beta in dropped) and not any(beta.startswith(starts) for beta in kept)

    for field, starts in _BETA_FIELDS.items():
        if lost(*starts) and draft.raw(field) is not None:
            _shed(draft, field, "its beta is not accepted there", place="")
    drop_paired(draft, lost)
    config = [name for name, start, _ in _OUTPUT_CONFIG if name in _ONLY_BETA and lost(start)]
    _shed_output_config(draft, config)


def fit_fields(draft: Draft, *, place: str) -> None:
    """Deal with every field that claims say the surface refuses. `place` is the geography the route keeps."""
    refused = draft.facts.unsupported_fields(draft.surface, draft.model)
    for field in dict.fromkeys(draft.body.keys()):
        if field in refused and draft.raw(field) is not None:
            _shed(draft, field, f"{draft.surface} does not take it", place=place)
    lacking = [name for name, _, capability in _OUTPUT_CONFIG if draft.lacks(capability)]
    if "format" in lacking and _has_member(draft.raw("output_config"), "format"):
        remedy = f"{draft.surface} has no structured outputs for {draft.model}; ask for JSON in the prompt"
        raise Rejected("structured_outputs_unsupported", "output_config.format", remedy)
    _shed_output_config(draft, lacking)


def profile_in_body(draft: Draft) -> None:
    """Move the user profile, a header of the first party, to where Bedrock's endpoints read it."""
    profile = draft.request.headers.get(USER_PROFILE)
    if profile is not None and "user_profile_id" not in draft.facts.unsupported_fields(draft.surface, draft.model):
        draft.add("user_profile_id", encoded(profile))


def _shed(draft: Draft, field: str, reason: str, *, place: str) -> None:
    value = msgspec.json.decode(draft.raw(field) or b"null")
    if not _HARMLESS.get(field, _empty)(value, place):
        remedy = _REMEDY.get(field, "leave it out, or route this workload to a surface that has it")
        shown = value if isinstance(value, str) else type(value).__name__
        raise UserError(field, shown, f"{draft.surface}: {reason}; {remedy.format(place=place or 'no single place')}")
    draft.leave_out(field, reason)


def _shed_output_config(draft: Draft, names: list[str]) -> None:
    raw = draft.raw("output_config")
    present = [name for name in names if _has_member(raw, name)]
    if raw is None or not present:
        return
    rest = without(raw, present)
    note = f"left out {', '.join('output_config.' + name for name in present)}: {draft.surface} does not take it"
    if msgspec.json.decode(rest) == {}:
        draft.remove(["output_config"], note)
    else:
        draft.replace("output_config", rest, note)


def _has_member(raw: bytes | None, name: str) -> bool:
    if raw is None:
        return False
    value = msgspec.json.decode(raw)
    return isinstance(value, dict) and value.get(name) is not None
