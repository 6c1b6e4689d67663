"""What an audit reads and says: price cells, a table's entries, findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trivium.catalog.audit._gaps import Gap

Band = tuple[int, int | None]
WHOLE: Band = (0, None)
BASE_TIERS = ("standard", "batch", "fast")


@dataclass(frozen=True, slots=True)
class Announced:
    """A price that was announced and is not in force: still to come, or withdrawn again."""

    model: str
    input_usd: Decimal
    output_usd: Decimal
    valid_from: date | None
    announced_on: date | None
    withdrawn_on: date | None
    claim_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One price of another tool's table, normalised: USD per million tokens, or per item for tools and hours.

    `scope` is what the id says: `global`, `in-region`, a geography, a region. `model` is empty if the catalogue
    does not know it. `marks` say what the id reveals: `unprefixed`, `latest`, `foreign-date`.
    """

    key: str
    where: str
    surface: str
    scope: str
    model: str
    tier: str
    unit: str
    usd: Decimal
    band: Band = WHOLE
    valid_from: date | None = None
    valid_until: date | None = None
    marks: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Table:
    """A table as read: its format, its entries, what it could not say, and the newest day that stands in it."""

    format: str
    entries: tuple[Entry, ...]
    fields: frozenset[tuple[str, str]]  # (tier, unit) pairs that the format can express
    newest_day: date | None = None
    unknown_models: tuple[Entry, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)  # vendor -> ids of Claude models it sells by itself


@dataclass(frozen=True, slots=True)
class Finding:
    """One disagreement: where, what we expect and why, what the table says, its class, who is probably wrong."""

    class_id: str
    class_name: str
    severity: str
    surface: str
    scope: str
    table_scope: str
    model: str
    tier: str
    unit: str
    band: Band
    expected_usd: Decimal | None
    observed_usd: Decimal
    ratio: Decimal | None
    probably_wrong: str  # "table" | "us" | "open"
    reason: str
    table_id: str
    where: str
    status: str
    claim_ids: tuple[str, ...]
    cell_id: str


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of an audit; `compared` counts the prices that had a counterpart."""

    format: str
    at: date
    entries: int
    compared: int
    equal: int
    findings: tuple[Finding, ...]
    gaps: tuple[Gap, ...]
    skipped: Mapping[str, int]

    def by_class(self) -> dict[str, int]:
        """How many findings of each class there are, by class id."""
        counts: dict[str, int] = {}
        for finding in self.findings:
            counts[finding.class_id] = counts.get(finding.class_id, 0) + 1
        return dict(sorted(counts.items()))
