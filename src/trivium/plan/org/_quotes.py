"""Quotes: answered prices as the organisation's own claims, what they change, what it costs once they expire."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from trivium import catalog
from trivium.core import Money, Offer, PriceError, UserError
from trivium.core.files import turn, write_whole
from trivium.plan._demand import BandUsage, Demand
from trivium.plan._market import AS_SENT, UNCOUNTED, BookMarket, demand_cost
from trivium.plan.org._request import month_factor, watched
from trivium.pricing import PriceBook

if TYPE_CHECKING:
    from trivium.catalog import Catalog, PriceCell

PRICES = "prices.toml"
_CLAIM = "price.contract."
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Changed:
    """A price that a quote changes; `before_usd` is what held there on the quote's first day."""

    quote: str
    surface: str
    model: str
    scope: str
    tier: str
    unit: str
    before_usd: Decimal | None
    after_usd: Decimal
    valid_from: date | None
    valid_until: date | None
    over: str = ""  # the earlier quote whose price this one is laid over: factors multiply


@dataclass(frozen=True, slots=True)
class QuoteState:
    """A quote, its window, and the measured demand priced with and without it on one day of that window.

    `with_usd` and `without_usd` are exact, of the measured span; `more_usd_per_month` is scaled to a month: a forecast
    that nothing else changes. `moved_more_usd_per_month` is the same if all measured use ran on the quote's surface, in
    its own scope where that is sold and else in `global`, with the caches it has now.
    """

    quote: str
    surface: str
    status: str
    starts: date | None
    until: date  # the first day on which it no longer holds
    expired: bool
    sources: tuple[str, ...]
    priced_on: date
    with_usd: Money
    without_usd: Money
    more_usd_per_month: float
    moved_more_usd_per_month: float
    unpriced: tuple[str, ...]  # workload/model with use that has no price on that day
    moved_unpriced: tuple[str, ...] = ()  # what has no price on the quote's surface, and is not in the last amount


def add_quotes(answers: Path, overlay: Path, at: date) -> tuple[Changed, ...]:
    """Check a file of `[[contract]]` rules and lay it into an overlay; UserError leaves the overlay as it was."""
    text = _text(answers)
    with turn(next(folder for folder in overlay.absolute().parents if folder.is_dir())):
        joined, changes = _joined(text, answers, overlay, at)
        try:
            overlay.mkdir(parents=True, exist_ok=True)
            write_whole(overlay / PRICES, joined.encode())
        except OSError as error:
            raise UserError("--overlay", str(overlay), f"make it writable ({error.strerror})") from error
    return changes


def _joined(text: str, answers: Path, overlay: Path, at: date) -> tuple[str, tuple[Changed, ...]]:
    """The overlay's prices with the answers after them, checked as they will be read, and what they change."""
    target = overlay / PRICES
    present = _text(target) if target.exists() else ""
    with tempfile.TemporaryDirectory() as folder:
        alone, whole = Path(folder, "alone"), Path(folder, "whole")
        alone.mkdir()
        (alone / PRICES).write_text(text, encoding="utf-8")
        with _named(alone / PRICES, answers):
            found = _checked(catalog.load((alone,)), answers)
        if overlay.is_dir():
            before = catalog.load((overlay,))
            shutil.copytree(overlay, whole)
        else:
            before = catalog.load()
            whole.mkdir()
        taken = {rule.id for book in before.rules[1:] for rule in book.contract}
        if again := [name for name in found if name in taken]:
            raise UserError("contract id", ", ".join(again), f"give it another id, or take it out of {target} first")
        joined = f"{present.rstrip()}\n\n{text}" if present.strip() else text
        (whole / PRICES).write_text(joined, encoding="utf-8")
        with _named(whole / PRICES, answers):  # what was there reads well by itself: what fails now is the answers'
            after = catalog.load((whole,))
        as_of = max([at, *(rule.from_ for rule in after.rules[-1].contract if rule.from_ is not None)])
        with _named(whole / PRICES, answers):
            changes = tuple(_changes(before, after, found, as_of))
    if not changes:
        raise UserError(str(answers), ", ".join(found), "name a surface, model, scope and tier that has a list price")
    return joined, changes


def quote_states(found: Catalog, demands: Sequence[Demand], at: date) -> tuple[QuoteState, ...]:
    """Every quote of the catalogue's overlays that has an end, soonest end first."""
    rules = [rule for book in found.rules[1:] for rule in book.contract if rule.until is not None]
    states = (_state(found, rule.id, demands, at) for rule in rules)
    return tuple(sorted(states, key=lambda state: (state.until, state.quote)))


def what_expired(states: Sequence[QuoteState], start: date, end: date) -> tuple[QuoteState, ...]:
    """The quotes that no longer hold on the last day of a plan that begins on `start`: expired already or within it."""
    if end < start:
        raise UserError("end", str(end), f"give a day from {start} on")
    return tuple(state for state in states if state.until <= end)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError("quote file", str(path), f"give a readable TOML file in UTF-8 ({error})") from error


@contextmanager
def _named(copy: Path, own: Path) -> Iterator[None]:
    """An error in the copy of a file is told of the file that the user has."""
    try:
        yield
    except UserError as error:
        for name in (str(copy), copy.name):
            if error.field.startswith(name):
                raise UserError(error.field.replace(name, str(own), 1), error.value, error.remedy) from error
        raise


def _checked(alone: Catalog, answers: Path) -> list[str]:
    book = alone.rules[-1]
    if other := sorted({kind for kind, _ in book.rules() if kind != "contract"}):
        raise UserError(str(answers), ", ".join(other), "an answer holds [[contract]] rules, their sources and groups")
    if not book.contract:
        raise UserError(str(answers), "no [[contract]]", "enter each answer as in docs/add-a-fact.md")
    for rule in book.contract:
        where = f"{answers.name}: contract {rule.id}"
        if rule.until is None:
            raise UserError(where, "no until", "give the day on which it no longer holds: a quote expires")
        if rule.status in UNCOUNTED:
            raise UserError(where, rule.status, "give contracted or documented: other grades are shown, never counted")
        if not (rule.factor or rule.amounts):
            raise UserError(where, "no price", 'give factor = "0.9" of the list price, or amounts by unit')
    return [rule.id for rule in book.contract]


def _changes(before: Catalog, after: Catalog, quotes: Sequence[str], as_of: date) -> Iterator[Changed]:
    listed: dict[tuple[object, ...], list[PriceCell]] = {}
    for cell in before.snapshot(as_of).cells:
        listed.setdefault(_place(cell), []).append(cell)
    for cell in after.snapshot(as_of).cells:
        quote = _quote_of(cell)
        if quote not in quotes:
            continue
        day = cell.valid_from or as_of
        held = [old for old in listed.get(_place(cell), ()) if old.holds_on(day)]
        yield Changed(
            quote,
            cell.surface,
            cell.model,
            cell.scope,
            cell.tier,
            cell.unit,
            held[0].amount_usd if held else None,
            cell.amount_usd,
            cell.valid_from,
            cell.valid_until,
            _quote_of(held[0]) if held else "",
        )


def _quote_of(cell: PriceCell) -> str:
    """The contract rule that last priced a cell; empty for a list price."""
    return cell.claim_ids[0].removeprefix(_CLAIM) if cell.claim_ids[0].startswith(_CLAIM) else ""


def _place(cell: PriceCell) -> tuple[object, ...]:
    return (cell.surface, cell.model, cell.scope, cell.tier, cell.unit, cell.band)


def _state(found: Catalog, quote: str, demands: Sequence[Demand], at: date) -> QuoteState:
    (rule,) = (rule for book in found.rules[1:] for rule in book.contract if rule.id == quote)
    if rule.until is None:
        raise UserError(f"contract {quote}", "no until", "give the day on which it no longer holds")
    last = rule.until - _DAY
    day = min(max(at, rule.from_ or at), last)
    as_of = max(at, day)
    fewer = tuple(
        structs.replace(book, contract=tuple(one for one in book.contract if one.id != quote)) for book in found.rules
    )
    markets = [
        BookMarket(PriceBook.from_snapshot(version.snapshot(as_of)), day)
        for version in (found, type(found)(found.claims, fewer))
    ]
    spans = watched(demands)
    totals, month, moved = [0, 0], 0.0, 0.0
    unpriced: list[str] = []
    stay: list[str] = []
    for demand in demands:
        factor = month_factor(spans[demand.workload])
        here = [(row, row.offer) for row in demand.rows if row.offer.surface == rule.surface]
        costs = _costs(demand, here, markets)
        if costs is None:
            unpriced.append(f"{demand.workload}/{demand.model}")
        else:
            totals = [total + cost for total, cost in zip(totals, costs, strict=True)]
            month += float((costs[1] - costs[0]) * factor) / 1e12
        there = [(row, _there(row.offer, rule.surface, markets[0])) for row in demand.rows]
        moving = _costs(demand, there, markets)
        if moving is None:
            stay.append(f"{demand.workload}/{demand.model}")
        else:
            moved += float((moving[1] - moving[0]) * factor) / 1e12
    kept, gone = (Money(total) for total in totals)
    return QuoteState(
        quote,
        rule.surface,
        rule.status,
        rule.from_,
        rule.until,
        at >= rule.until,
        rule.sources,
        day,
        kept,
        gone,
        month,
        moved,
        tuple(unpriced),
        tuple(stay),
    )


def _costs(
    demand: Demand, placed: Sequence[tuple[BandUsage, Offer]], markets: Sequence[BookMarket]
) -> tuple[int, ...] | None:
    """Exact pico-dollars of rows on offers in each market; None where something has no price."""
    try:
        return tuple(
            sum(demand_cost((row,), offer, AS_SENT, market, demand.band_starts) for row, offer in placed)
            for market in markets
        )
    except PriceError:
        return None


def _there(offer: Offer, surface: str, market: BookMarket) -> Offer:
    """The same offer on another surface, in its own scope where that is sold there."""
    if offer.surface == surface:
        return offer
    scope = offer.scope if offer.scope in market.scopes(surface, offer.model, offer.tier) else "global"
    return replace(offer, surface=surface, scope=scope)
