"""What a table leaves out, and what it has that the catalogue does not: coverage, not disagreement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from trivium.catalog.audit._index import CellIndex
from trivium.catalog.audit._names import scopes_for
from trivium.catalog.audit._values import BASE_TIERS, Entry, Table

SCHEMA, MISSING, UNPRICED = "C04", "C20", "ours"


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """Something sold on the day that the table does not price (C04: its format cannot; C20), or that we do not."""

    class_id: str
    surface: str
    scope: str
    tier: str
    model: str
    units: tuple[str, ...]
    detail: str


def find_gaps(table: Table, index: CellIndex, at: date, unpriced: Iterable[tuple[Entry, str]]) -> tuple[Gap, ...]:
    """The gaps of the surfaces that the table covers, one for each offer; then what we have no price for."""
    covered = {entry.surface for entry in table.entries}
    priced = _priced(table, index)
    gaps = set()
    for surface in sorted(covered):
        for (model, scope, tier), units in index.offers(surface, at).items():
            if tier not in BASE_TIERS or model == "*":
                continue
            absent = units - priced.get((surface, model, scope, tier), set())
            schema = tuple(sorted(unit for unit in absent if (tier, unit) not in table.fields))
            missing = tuple(sorted(absent - set(schema)))
            whole = absent == units
            if schema:
                gaps.add(Gap(SCHEMA, surface, scope, tier, model, schema, "the format has no field for it"))
            if missing:
                detail = "the offer is missing" if whole and not schema else "this unit is missing"
                gaps.add(Gap(MISSING, surface, scope, tier, model, missing, detail))
    theirs: dict[tuple[str, str, str, str, str], set[str]] = {}
    for entry, detail in unpriced:
        theirs.setdefault((entry.surface, entry.scope, entry.tier, entry.model, detail), set()).add(entry.unit)
    gaps |= {
        Gap(UNPRICED, surface, scope, tier, model, tuple(sorted(units)), detail)
        for (surface, scope, tier, model, detail), units in theirs.items()
    }
    return tuple(sorted(gaps))


def _priced(table: Table, index: CellIndex) -> dict[tuple[str, str, str, str], set[str]]:
    """The units that a table prices, by the catalogue's (surface, model, scope, tier)."""
    found: dict[tuple[str, str, str, str], set[str]] = {}
    for entry in table.entries:
        sold = {cell.scope for cell in index.every_window(entry.surface, entry.model, entry.tier, entry.unit)}
        for scope in scopes_for(entry.surface, entry.scope, sold)[:1]:
            found.setdefault((entry.surface, entry.model, scope, entry.tier), set()).add(entry.unit)
    return found
