"""What the pricing room needs to know of a price cell and of the snapshot it came from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import zip_longest
from typing import Protocol

from trivium.core import AmbiguousOffer, UserError
from trivium.core.money import PICOS_PER_TOKEN_PER_USD_MTOK, PICOS_PER_USD
from trivium.core.usage import TOKEN_UNITS, TOOL_UNITS


class Cell(Protocol):
    """One price as the catalogue expands it: the shape of `catalog.PriceCell`."""

    @property
    def id(self) -> str:
        """Names the cell; ratings refer to it."""
        ...

    @property
    def surface(self) -> str: ...

    @property
    def model(self) -> str: ...

    @property
    def scope(self) -> str: ...

    @property
    def tier(self) -> str: ...

    @property
    def unit(self) -> str: ...

    @property
    def band(self) -> tuple[int, int | None]:
        """Prompt lengths in tokens for which the cell holds, both ends inclusive; None is no upper end."""
        ...

    @property
    def rate_picos(self) -> int: ...

    @property
    def amount_usd(self) -> Decimal:
        """Dollars per million tokens, or per item of a tool."""
        ...

    @property
    def valid_from(self) -> date | None: ...

    @property
    def valid_until(self) -> date | None: ...

    @property
    def status(self) -> str: ...

    @property
    def claim_ids(self) -> tuple[str, ...]: ...


class PriceSource(Protocol):
    """What a book is cut from: the shape of `catalog.Snapshot`."""

    @property
    def as_of(self) -> date:
        """The day by which the facts had been announced."""
        ...

    @property
    def cells(self) -> Sequence[Cell]:
        """Every price cell, all windows."""
        ...


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of prompt lengths (both ends inclusive) and the cells that claim it: one, unless facts collide."""

    prompt_min: int
    prompt_max: int | None
    cells: tuple[Cell, ...]

    @property
    def cell(self) -> Cell:
        """The one cell of this stretch; raises AmbiguousOffer if facts collide."""
        if len(self.cells) > 1:
            ids = tuple(cell.id for cell in self.cells)
            raise AmbiguousOffer(f"more than one price cell matches: {', '.join(ids)}", ids)
        return self.cells[0]


def segments(cells: Iterable[Cell]) -> tuple[Segment, ...]:
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


def long_prompt_start(cells: Iterable[Cell]) -> int | None:
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


def _covers(cell: Cell, prompt_tokens: int) -> bool:
    low, high = cell.band
    return low <= prompt_tokens and (high is None or prompt_tokens <= high)


def _breadth(cell: Cell) -> tuple[int, float]:
    low, high = cell.band
    return (-low, float("inf") if high is None else high)


def in_force(cell: Cell, day: date) -> bool:
    """Whether the day falls in the cell's half-open window."""
    return (cell.valid_from is None or cell.valid_from <= day) and (cell.valid_until is None or day < cell.valid_until)


def day_of(at: date) -> date:
    """The UTC day of a date or an aware instant; prices change at midnight UTC."""
    if isinstance(at, datetime):
        if at.tzinfo is None:
            raise UserError("at", at.isoformat(), "give a date or an instant with its time zone")
        return at.astimezone(UTC).date()
    return at


def checked(cell: Cell) -> Cell:
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
