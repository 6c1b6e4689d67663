"""What the pricing room needs to know of a price cell and of the snapshot it came from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import zip_longest

from trivium.catalog import PriceCell
from trivium.core import AmbiguousOffer, UserError
from trivium.core.money import PICOS_PER_TOKEN_PER_USD_MTOK, PICOS_PER_USD
from trivium.core.usage import TOKEN_UNITS, TOOL_UNITS


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of prompt lengths (both ends inclusive) and the cells that claim it: one, unless facts collide."""

    prompt_min: int
    prompt_max: int | None
    cells: tuple[PriceCell, ...]

    @property
    def cell(self) -> PriceCell:
        """The one cell of this stretch; raises AmbiguousOffer if facts collide."""
        if len(self.cells) > 1:
            ids = tuple(cell.id for cell in self.cells)
            raise AmbiguousOffer(f"more than one price cell matches: {', '.join(ids)}", ids)
        return self.cells[0]


def segments(cells: Iterable[PriceCell]) -> tuple[Segment, ...]:
    """Disjoint stretches of prompt length, ascending; where bands nest, the one that starts later wins.

    A long-context band is authored on top of a base price that names no upper end, so the narrower band
    is the more specific statement.
    """
    found = tuple(cells)
    if len(found) == 1:
        low, high = found[0].band
        return (Segment(low, high, found),)
    starts = {cell.band[0] for cell in found} | {high + 1 for cell in found if (high := cell.band[1]) is not None}
    lows = sorted(starts)
    highs = [following - 1 for following in lows[1:]]
    result: list[Segment] = []
    for low, high in zip_longest(lows, highs):
        covering = [cell for cell in found if _covers(cell, low)]
        if not covering:
            continue
        narrowest = min(map(_breadth, covering))
        winners = tuple(cell for cell in covering if _breadth(cell) == narrowest)
        if result and result[-1].cells == winners:
            result[-1] = Segment(result[-1].prompt_min, high, winners)
        else:
            result.append(Segment(low, high, winners))
    return tuple(result)


def long_prompt_start(cells: Iterable[PriceCell]) -> int | None:
    """Where the highest prompt-length band of an offer's token units begins; None if there is one band only.

    In such a band every token is dearer, so a unit that has no price of its own there has none: the base price
    must not stand in for it.
    """
    return max((cell.band[0] for cell in cells if cell.unit in TOKEN_UNITS and cell.band[0] > 0), default=None)


def below(cells: tuple[Segment, ...], start: int) -> tuple[Segment, ...]:
    """The stretches cut off before `start`, unless one of them begins there or later."""
    if any(segment.prompt_min >= start for segment in cells):
        return cells
    return tuple(
        replace(segment, prompt_max=start - 1 if segment.prompt_max is None else min(segment.prompt_max, start - 1))
        for segment in cells
    )


def _covers(cell: PriceCell, prompt_tokens: int) -> bool:
    low, high = cell.band
    return low <= prompt_tokens and (high is None or prompt_tokens <= high)


def _breadth(cell: PriceCell) -> tuple[int, float]:
    low, high = cell.band
    return (-low, float("inf") if high is None else high)


def in_force(cell: PriceCell, day: date) -> bool:
    """Whether the day falls in the cell's half-open window."""
    return (cell.valid_from is None or cell.valid_from <= day) and (cell.valid_until is None or day < cell.valid_until)


def day_of(at: date) -> date:
    """The UTC day of a date or an aware instant; prices change at midnight UTC."""
    if isinstance(at, datetime):
        if at.tzinfo is None:
            raise UserError("at", at.isoformat(), "give a date or an instant with its time zone")
        return at.astimezone(UTC).date()
    return at


def checked(cell: PriceCell) -> PriceCell:
    """The cell, if its rate is a whole, non-negative number of pico-dollars that equals the authored amount."""
    where = f"price cell {cell.id}"
    if isinstance(cell.rate_picos, bool) or not isinstance(cell.rate_picos, int) or cell.rate_picos < 0:
        raise UserError(where, cell.rate_picos, "a rate must be a whole number of pico-dollars, 0 or more")
    per = PICOS_PER_TOKEN_PER_USD_MTOK if cell.unit in TOKEN_UNITS else PICOS_PER_USD
    if cell.unit in TOKEN_UNITS + TOOL_UNITS and Decimal(cell.amount_usd) * per != cell.rate_picos:
        raise UserError(where, f"{cell.amount_usd} against {cell.rate_picos}", "the rate must equal the amount exactly")
    low, high = cell.band
    if low < 0 or (high is not None and high < low):
        raise UserError(where, cell.band, "give a band from 0 or more upwards")
    return cell
