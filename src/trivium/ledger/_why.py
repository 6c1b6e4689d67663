"""One amount walked back: attempt, rating, price cell, claim, source with its date and its words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from trivium.catalog import Claim, PriceCell, Snapshot
from trivium.core import FactError, Money, UsageEvent
from trivium.ledger._ledger import Ledger
from trivium.ledger._rate import Rating, RatingLine

# The facts of a day and the digest of the price book cut from them.
Cut = Callable[[date], tuple[Snapshot, str]]


@dataclass(frozen=True, slots=True)
class Because:
    """One line of a rating and what it rests on; `missing` says what could not be found any more."""

    line: RatingLine
    cell: PriceCell | None
    claims: tuple[Claim, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything an amount rests on."""

    event: UsageEvent
    rating: Rating
    lines: tuple[Because, ...]
    book_digest_now: str | None  # of the book cut today from the same day's facts
    note: str  # why the walk is not whole; empty if it is

    @property
    def same_book(self) -> bool:
        """Whether the facts still give the very book the attempt was rated by."""
        return self.rating.book_digest == self.book_digest_now

    @property
    def sum_of_lines(self) -> Money:
        """The amount, added up again."""
        return sum((because.line.amount for because in self.lines), Money(0))


def explain(ledger: Ledger, event_id: str, cut: Cut) -> Explanation:
    """Walk an amount back to its sources, through the facts of the day the rating's book was cut."""
    event, rating = ledger.event(event_id), ledger.rating(event_id)
    if rating.book_as_of is None:
        lines = tuple(Because(line, None, (), ("no price book was at hand",)) for line in rating.lines)
        return Explanation(event, rating, lines, None, rating.reason)
    facts, digest = cut(rating.book_as_of)
    cells = {cell.id: cell for cell in facts.cells}
    lines = tuple(_because(line, cells.get(line.cell_id), facts) for line in rating.lines)
    note = rating.reason
    if digest != rating.book_digest:
        note = (
            f"rated by book {str(rating.book_digest)[:12]}; the facts as of {rating.book_as_of} now give book "
            f"{digest[:12]}: another catalogue or overlay, or facts that were learned since"
        )
    return Explanation(event, rating, lines, digest, note)


def _because(line: RatingLine, cell: PriceCell | None, facts: Snapshot) -> Because:
    claims, missing = [], []
    if cell is None:
        missing.append(f"price cell {line.cell_id} is not in these facts")
    elif cell.rate_picos != line.rate_picos:
        missing.append(f"price cell {line.cell_id} now holds {cell.rate_picos} pico-USD, then {line.rate_picos}")
    for claim_id in line.claim_ids:
        try:
            claims.append(facts.claim(claim_id))
        except FactError as error:
            missing.append(f"claim {claim_id}: {error}")
    return Because(line, cell, tuple(claims), tuple(missing))
