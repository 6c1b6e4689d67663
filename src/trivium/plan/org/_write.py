"""Writes an organisation as a commented `trivium.toml`; reading it gives the same organisation again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from trivium.plan.org._values import About, Contract, Growth, Microsoft, Needs, Onboarding, Organisation, Tuning, Usage

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_COMMENTS: Mapping[str, str] = {
    "organisation": "Who decides, how far ahead, and how much the worst cases count.",
    "organisation.risk_weight": "0: the mean alone; 1: the worst cases alone",
    "organisation.surface_share_max_percent": "of the expected spend on one platform",
    "organisation.surfaces_min": "platforms in use at least",
    "organisation.quota_tiers": "your usage tier on each platform",
    "workloads": "One table a workload; the gateway reads all of it but the needs too.",
    "needs": "What it needs of a platform. Leave a field out to keep the default.",
    "needs.batchable_percent": "share of its requests that may wait a day",
    "needs.growth": "believed growth a month: one month in ten below low, one above high",
    "contracts": "Signed commitments, offers and assumptions. Amounts are decimal strings in USD.",
    "microsoft": "Seats and credits are another way to buy the same work.",
    "onboarding": "What it takes to open a platform, and to move a workload to it.",
    "usage": "Where usage comes from; without a source, the ledger.",
}


def write_organisation(organisation: Organisation, *, comments: bool = True) -> str:
    """The file's text. Fields that have their default are left out, so that they stay assumptions."""
    return "\n".join(_lines(organisation, comments=comments)).rstrip() + "\n"


def _lines(organisation: Organisation, *, comments: bool) -> Iterator[str]:
    sections = (
        ("organisation", _table("organisation", organisation.about, About(), comments=comments)),
        ("workloads", _workloads(organisation, comments=comments)),
        ("contracts", _contracts(organisation.contracts)),
        ("microsoft", _table("microsoft", organisation.microsoft, Microsoft(), optional=True)),
        ("onboarding", _onboarding(organisation)),
        ("usage", _table("usage", organisation.usage, Usage(), optional=True)),
    )
    for name, lines in sections:
        found = list(lines)
        if found and comments:
            yield f"# {_COMMENTS[name]}"
        yield from found


_WORKLOAD_FIELDS = (
    *("owner", "models", "surfaces", "scopes", "cache_loss_usd_max", "tags", "forwards_identity"),
    "hedge_after_ms",
)


def _workloads(organisation: Organisation, *, comments: bool) -> Iterator[str]:
    for name, workload in organisation.workloads.items():
        key = f"workloads.{toml_key(name)}"
        yield f"[{key}]"
        for field in _WORKLOAD_FIELDS:
            if getattr(workload, field):
                yield f"{field} = {toml_value(getattr(workload, field))}"
        yield ""
        yield from _table(f"{key}.needs", workload.needs, Needs(), comments=comments, group="needs", optional=True)


def contract_tables(contracts: Mapping[str, Contract]) -> str:
    """`[contracts.NAME]` tables alone, to be added to a file."""
    return "\n".join(_contracts(contracts)).rstrip() + "\n"


def _contracts(contracts: Mapping[str, Contract]) -> Iterator[str]:
    for name, contract in contracts.items():
        blank = Contract(contract.kind, contract.surfaces)
        yield from _table(f"contracts.{toml_key(name)}", contract, blank, always=("kind", "surfaces", "status"))


def _onboarding(organisation: Organisation) -> Iterator[str]:
    for name, entry in organisation.onboarding.items():
        yield from _table(f"onboarding.{toml_key(name)}", entry, Onboarding())


def _table(
    name: str,
    value: msgspec.Struct,
    blank: msgspec.Struct,
    *,
    always: tuple[str, ...] = (),
    comments: bool = False,
    group: str = "",
    optional: bool = False,
) -> Iterator[str]:
    """The fields that differ from `blank`; nothing at all where the table is optional and equals it."""
    if optional and value == blank:
        return
    yield f"[{name}]"
    for field in value.__struct_fields__:
        stated = getattr(value, field)
        if field in always or stated != getattr(blank, field):
            note = _COMMENTS.get(f"{group or name}.{field}", "") if comments else ""
            yield f"{field} = {toml_value(stated)}" + (f"  # {note}" if note else "")
    yield ""


def toml_value(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal | int):
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    if isinstance(value, Growth | Tuning) or hasattr(value, "__struct_fields__"):
        return _inline(value)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{toml_key(name)} = {toml_value(item)}" for name, item in value.items()) + " }"
    return "[" + ", ".join(toml_value(item) for item in value) + "]"


def _inline(value: msgspec.Struct) -> str:
    """A struct as an inline table; what has its default or is empty is left out."""
    defaults = {field.name: field.default for field in msgspec.structs.fields(value)}
    kept = {
        name: getattr(value, name)
        for name in value.__struct_fields__
        if getattr(value, name) is not None and getattr(value, name) != defaults[name]
    }
    return "{ " + ", ".join(f"{name} = {toml_value(item)}" for name, item in kept.items()) + " }" if kept else "{}"


def toml_key(name: str) -> str:
    """A name as TOML writes it in a table's head: quoted where it must be."""
    return name if _BARE.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    """A basic string: JSON's form is TOML's, but that TOML escapes DEL too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
