"""A reading held against the catalogue: what is the same, what has changed, what is new, what would contradict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from trivium.catalog._claim import GRADE, PriceCell
from trivium.catalog._snapshot import Snapshot
from trivium.catalog._tables import parse_day
from trivium.catalog.audit import CellIndex
from trivium.catalog.audit._index import same
from trivium.catalog.propose._values import Candidate, Line, Reading
from trivium.core import NoClaim


def compare(reading: Reading, index: CellIndex, snapshot: Snapshot, valid_from: date) -> tuple[Line, ...]:
    """One line for every candidate, in the order of the review."""
    order = ("conflict", "changed", "new", "same")
    lines = [_line(candidate, reading, index, snapshot, valid_from) for candidate in reading.candidates]
    return tuple(sorted(lines, key=lambda line: (order.index(line.verdict), str(line.candidate.place))))


def _line(candidate: Candidate, reading: Reading, index: CellIndex, snapshot: Snapshot, valid_from: date) -> Line:
    day = max(valid_from, parse_day(candidate.said_on) or valid_from)
    place = (candidate.surface, candidate.scope, candidate.model, candidate.tier, candidate.unit)
    cells = index.windows(*place) if candidate.model else ()
    scope = cells[0].scope if cells else index.scope_of(candidate.surface, candidate.scope)
    candidate = replace(candidate, scope=scope)  # from here on by the catalogue's name
    cell = index.on(cells, day, max(candidate.band[0], 1))
    if cell is None:
        ended = index.last(cells, day, max(candidate.band[0], 1))
        reason = "no claim knows the model" if not candidate.model else "the catalogue has no such price"
        if ended is not None and same(ended.amount_usd, candidate.usd):
            reason = f"as last sold, until {ended.valid_until}"
            return Line("same", candidate, ended.amount_usd, ended.status, ended.claim_ids, reason)
        if ended is not None:
            reason = f"the catalogue's price ended on {ended.valid_until}"
        return Line("new", candidate, None, "", () if ended is None else ended.claim_ids, reason)
    if same(cell.amount_usd, candidate.usd):
        return Line("same", candidate, cell.amount_usd, cell.status, cell.claim_ids, "")
    against = _contradicts(cell, candidate, reading, snapshot.claim)
    return Line("conflict" if against else "changed", candidate, cell.amount_usd, cell.status, cell.claim_ids, against)


def _contradicts(cell: PriceCell, candidate: Candidate, reading: Reading, claim: Callable[[str], object]) -> str:
    """Why a different price would contradict ours instead of following it; empty if it follows."""
    if GRADE[reading.origin.status] < GRADE[cell.status]:
        return f"{reading.origin.status} against our {cell.status}"
    read_on = parse_day(candidate.said_on or reading.origin.date)
    seen = _seen(cell, claim)
    if read_on is not None and seen is not None and read_on <= seen:
        return f"of {read_on}, and our claim was seen on {seen}"
    if read_on is None:
        return "the page gives no day: say with --date when it was saved, if it is newer than our claim"
    return ""


def _seen(cell: PriceCell, claim: Callable[[str], object]) -> date | None:
    """The last day on which the cell's base price was seen or announced."""
    try:
        base = claim(cell.claim_ids[0])
    except (NoClaim, IndexError):
        return None
    days = [getattr(base, name) for name in ("seen_on", "announced_on", "valid_from")]
    return max((day for day in days if day is not None), default=None)
