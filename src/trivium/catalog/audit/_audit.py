"""Holds a table against the catalogue on a day: compares what has a counterpart, classes every difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from trivium.catalog._claim import PriceCell
from trivium.catalog.audit._classes import CLASSES
from trivium.catalog.audit._classify import Case, RowKey, classify
from trivium.catalog.audit._gaps import find_gaps
from trivium.catalog.audit._index import CellIndex, holds, same
from trivium.catalog.audit._values import WHOLE, Announced, Entry, Finding, Report, Table

_SURE = ("documented", "measured", "contracted")
_PLACES = Decimal("0.001")


def audit(
    table: Table,
    index: CellIndex,
    *,
    at: date,
    as_of: date | None = None,
    announced: Sequence[Announced] = (),
    profiles: Mapping[str, frozenset[str]] | None = None,
) -> Report:
    """What the table and the catalogue disagree on, on the day `at`, judged by what was known `as_of`.

    `announced` are prices announced and not in force; `profiles` the geographies in which Bedrock's price list
    carries a model. Windows that the table states are honoured: what it says of the past is not compared, what it
    says of the future is compared with what we say of that day.
    """
    work = _Audit(table, index, at, as_of or at, tuple(announced), dict(profiles or {}))
    for entry in table.entries:
        work.compare(entry)
    work.phantoms()
    work.profiles_not_listed()
    findings = sorted(set(work.findings), key=_order)
    return Report(
        format=table.format,
        at=at,
        entries=len(table.entries) + len(table.unknown_models),
        compared=work.compared,
        equal=work.equal,
        findings=tuple(findings),
        gaps=find_gaps(table, index, at, work.unpriced),
        skipped=table.skipped,
    )


def _order(found: Finding) -> tuple[str, ...]:
    return (found.class_id, found.surface, found.model, found.table_id, found.tier, found.table_scope, found.unit)


@dataclass
class _Audit:
    """One comparison under way."""

    table: Table
    index: CellIndex
    at: date
    as_of: date
    announced: tuple[Announced, ...]
    profiles: dict[str, frozenset[str]]
    findings: list[Finding] = field(default_factory=list)
    unpriced: list[tuple[Entry, str]] = field(default_factory=list)
    compared: int = 0
    equal: int = 0
    _retired: set[tuple[str, str]] = field(default_factory=set)
    _groups: dict[tuple[str, str], list[Entry]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for entry in self.table.entries:
            self._groups.setdefault((entry.key, entry.scope), []).append(entry)

    def _row(self, entry: Entry, day: date) -> dict[RowKey, Decimal]:
        """What the table says under the same id on a day."""
        return {
            (other.tier, other.unit, other.band[0]): other.usd
            for other in self._groups[entry.key, entry.scope]
            if (other.valid_from is None or other.valid_from <= day)
            and (other.valid_until is None or day < other.valid_until)
        }

    def _past(self, entry: Entry) -> bool:
        return entry.valid_until is not None and entry.valid_until <= self.at

    def compare(self, entry: Entry) -> None:
        """Hold one price of the table against its counterpart."""
        if self._past(entry):
            return
        day = max(self.at, entry.valid_from or self.at)
        prompt = max(entry.band[0], 1)
        windows = self.index.windows(entry.surface, entry.scope, entry.model, entry.tier, entry.unit)
        current = self.index.on(windows, day, prompt)
        cell = current or self.index.last(windows, day, prompt)
        if cell is None:
            later = any(cell.valid_from is not None and cell.valid_from > day for cell in windows)
            self.unpriced.append((entry, f"not yet sold on {day}" if later else "the catalogue has no price for it"))
            return
        if entry.band[0] and not cell.band[0] and self._long_prompts_cost_more(entry, day):
            self.unpriced.append((entry, "the catalogue has no price of its own for prompts of this length"))
            return
        self.compared += 1
        if same(cell.amount_usd, entry.usd):
            self._agree(entry, cell, current is None, day)
        else:
            row = self._row(entry, day)
            class_id, reason, wrong = classify(Case(entry, cell, day, self.index, row, self.announced))
            if day > self.at and class_id == "T05":
                class_id, reason = "T06", f"the table knows a change on {day} that no claim announces"
            ending = "" if current else f"; last sold until {cell.valid_until}"
            self._found(class_id, entry, cell, reason + ending, wrong)
        self._band_dropped(entry, windows, day)

    def _long_prompts_cost_more(self, entry: Entry, day: date) -> bool:
        """Whether long prompts of the model have a price of their own, in another scope or for another unit."""
        tier, units = entry.tier, ("input", entry.unit)
        return any(
            cell.band[0] and holds(cell, day)
            for unit in units
            for cell in self.index.every_window(entry.surface, entry.model, tier, unit)
        )

    def _agree(self, entry: Entry, cell: PriceCell, ended: bool, day: date) -> None:
        self.equal += 1
        if ended and (entry.key, entry.tier) not in self._retired:
            self._retired.add((entry.key, entry.tier))
            self._found("T03", entry, cell, f"sold until {cell.valid_until}; the table gives no end")
        elif not ended and entry.valid_from is not None and cell.valid_from is not None:
            later = entry.valid_from > cell.valid_from
            if later and entry.valid_from <= day and not self._told_before(entry):
                self._found(
                    "C29", entry, cell, f"from {entry.valid_from} in the table, from {cell.valid_from} by our claims"
                )

    def _told_before(self, entry: Entry) -> bool:
        """Whether the table has another window of the same price that ends where this one starts."""
        return any(
            other.valid_until == entry.valid_from
            and (other.tier, other.unit, other.band, other.usd) == (entry.tier, entry.unit, entry.band, entry.usd)
            for other in self._groups[entry.key, entry.scope]
        )

    def _band_dropped(self, entry: Entry, windows: Sequence[PriceCell], day: date) -> None:
        """A flat price where longer prompts pay another, unless the table has a row for those too."""
        if entry.band != WHOLE:
            return
        row = self._row(entry, day)
        if any(tier == entry.tier and unit == entry.unit and start for tier, unit, start in row):
            return
        for cell in windows:
            if cell.band[0] and holds(cell, day) and not same(cell.amount_usd, entry.usd):
                self._found("C27", entry, cell, f"prompts of {cell.band[0]:,} tokens and more pay {cell.amount_usd}")
                return

    def phantoms(self) -> None:
        """Models that no claim knows."""
        for entry in self.table.unknown_models:
            newer = entry.valid_from is not None and entry.valid_from > self.as_of
            reason = f"no claim known by {self.as_of} names this model; if it exists, add it"
            self._found("C12", entry, None, reason, "us" if newer else "table")

    def profiles_not_listed(self) -> None:
        """Priced inference profiles in a geography that the price list does not carry for the model."""
        seen = set()
        for entry in self.table.entries:
            listed = self.profiles.get(entry.model)
            on_bedrock = entry.surface in {"bedrock", "bedrock-mantle"}
            if not on_bedrock or listed is None or entry.unit != "input" or entry.key in seen:
                continue
            if entry.scope in listed or len(entry.scope) != len("us"):
                continue
            seen.add(entry.key)
            cell = self.index.price((entry.surface, entry.scope, entry.model, entry.tier, entry.unit), self.at)
            known = ", ".join(sorted(listed))
            self._found("C30", entry, cell, f"the price list carries the model's regional rate in {known} only")

    def _found(self, class_id: str, entry: Entry, cell: PriceCell | None, reason: str, wrong: str = "") -> None:
        kind = CLASSES[class_id]
        who, why = self._judge(class_id, entry, cell)
        expected = None if cell is None else cell.amount_usd
        ratio = None if not expected else (entry.usd / expected).quantize(_PLACES)
        self.findings.append(
            Finding(
                class_id=class_id,
                class_name=kind.name,
                severity=kind.severity,
                surface=entry.surface,
                scope="" if cell is None else cell.scope,
                table_scope=entry.scope,
                model=entry.model or entry.key,
                tier=entry.tier,
                unit=entry.unit,
                band=entry.band if cell is None else cell.band,
                expected_usd=expected,
                observed_usd=entry.usd,
                ratio=ratio,
                probably_wrong=wrong or who,
                reason=reason + why,
                table_id=entry.key,
                where=entry.where,
                status="" if cell is None else cell.status,
                claim_ids=() if cell is None else cell.claim_ids,
                cell_id="" if cell is None else cell.id,
            )
        )

    def _judge(self, class_id: str, entry: Entry, cell: PriceCell | None) -> tuple[str, str]:
        """Who is probably wrong: a known pattern tells against the table, our own grade against or for us."""
        kind = CLASSES[class_id]
        if cell is None or kind.probably_wrong != "table":
            return kind.probably_wrong, ""
        if entry.valid_from is not None and entry.valid_from > self.as_of and class_id != "C05":
            return "us", f"; the table's price starts on {entry.valid_from}, after what we know"
        unsure = f"; our price is {cell.status}"
        if class_id in {"T05", "T01", "C27", "C29"}:
            return ("table", "") if cell.status in _SURE else ("open", unsure)
        return "table", "" if cell.status in (*_SURE, "reported") else unsure
