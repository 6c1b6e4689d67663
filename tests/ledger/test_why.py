"""One amount leads back to its source and date; where the way is broken, the walk says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ledger import world
from trivium.core import Money, NoClaim, Outcome, Quality, Usage, UsageEvent
from trivium.ledger import Ledger, explain
from trivium.pricing import PriceBook


@dataclass(frozen=True)
class _Source:
    title: str = "Pricing"
    address: str = "https://example.com/pricing"
    date: str = "2026-04-01"
    quote: str = "$5 / MTok"


@dataclass(frozen=True)
class _Claim:
    id: str
    subject: str = "anthropic/claude-opus-5"
    predicate: str = "price"
    value: str = "5"
    unit: str = "USD/MTok"
    status: str = "documented"
    sources: tuple[_Source, ...] = (_Source(),)


class _Facts:
    def __init__(self, book: PriceBook, known: set[str]) -> None:
        self.cells: Any = book.cells
        self._known = known

    def claim(self, claim_id: str) -> _Claim:
        if claim_id not in self._known:
            raise NoClaim(f"no claim {claim_id}")
        return _Claim(claim_id)


CLAIMS = {"claim:claude-opus-5:input", "claim:claude-opus-5:output"}


def _recorded(folder: Path) -> Ledger:
    ledger = world.ledger(folder)
    ledger.append([world.event()])
    return ledger


def test_an_amount_leads_back_to_its_source(tmp_path: Path) -> None:
    asked: list[date] = []

    def cut(as_of: date) -> tuple[_Facts, str]:
        asked.append(as_of)
        return _Facts(world.book(), CLAIMS), world.book().digest

    with _recorded(tmp_path) as ledger:
        found = explain(ledger, "e1", cut)
    assert asked == [world.book().as_of]
    assert found.same_book
    assert found.note == ""
    assert found.sum_of_lines == found.rating.amount == Money.from_usd("0.01")
    first = found.lines[0]
    assert first.cell is not None
    assert (first.line.unit, str(first.cell.amount_usd), first.missing) == ("input", "5", ())
    assert first.claims[0].sources[0].address == "https://example.com/pricing"


def test_a_changed_catalogue_is_said_not_hidden(tmp_path: Path) -> None:
    changed = PriceBook([world.cell("input", "6")], world.book().as_of)
    with _recorded(tmp_path) as ledger:
        found = explain(ledger, "e1", lambda _day: (_Facts(changed, {"claim:claude-opus-5:input"}), changed.digest))
    assert not found.same_book
    assert "now give book" in found.note
    input_line, output_line = found.lines
    assert input_line.missing == (
        "price cell anthropic/global/claude-opus-5/standard/input now holds 6000000 pico-USD, then 5000000",
    )
    assert output_line.missing == (
        "price cell anthropic/global/claude-opus-5/standard/output is not in these facts",
        "claim claim:claude-opus-5:output: no claim claim:claude-opus-5:output",
    )
    assert found.sum_of_lines == Money.from_usd("0.01")  # what was rated stays


def test_an_unpriced_attempt_explains_why(tmp_path: Path) -> None:
    failed = world.closed(outcome=Outcome.FAILED, usage=Usage(*[None] * 8), quality=Quality.UNKNOWN)
    with world.ledger(tmp_path) as ledger:
        ledger.append([UsageEvent(world.opened(), failed)])
        found = explain(ledger, "e1", lambda _day: (_Facts(world.book(), CLAIMS), world.book().digest))
    assert found.lines == ()
    assert found.note.startswith("UsageUnknown: unknown is not zero")
    assert found.rating.upper == Money.from_usd("0.065")


def test_without_a_price_book_the_walk_ends_at_once(tmp_path: Path) -> None:
    with world.ledger(tmp_path, book=None) as ledger:
        ledger.append([world.event()])
        found = explain(ledger, "e1", lambda _day: (_Facts(world.book(), CLAIMS), ""))
    assert (found.note, found.rating.amount, found.lines) == ("no price book was at hand", None, ())
