"""What offers cost on the day of the plan, per prompt-length band: the seam between planning and the price book."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Protocol

from trivium.core import NoPrice, Offer, Usage, UserError
from trivium.plan._demand import BandUsage, Demand
from trivium.pricing import PriceBook

UNCOUNTED = frozenset({"forward-looking", "unconfirmed"})  # shown, never counted
AS_SENT, UNCACHED = "as_sent", "none"


@dataclass(frozen=True, slots=True)
class Rate:
    """A price per unit and where it comes from."""

    picos: int
    cell_id: str = ""
    claim_ids: tuple[str, ...] = ()
    status: str = "documented"
    until: date | None = None


Rates = tuple[Mapping[str, Rate], ...]  # per band: unit → rate


class Market(Protocol):
    """Prices on one day."""

    def rates(self, offer: Offer, band_starts: Sequence[int]) -> Rates:
        """The rates of an offer for prompts of each band; NoPrice, AmbiguousOffer."""
        ...

    def surfaces(self, model: str) -> tuple[str, ...]:
        """Surfaces that sell a model in any scope, sorted."""
        ...

    def scopes(self, surface: str, model: str, tier: str) -> tuple[str, ...]:
        """Scopes in which a surface sells a model, sorted."""
        ...


class BookMarket:
    """The market of a price book on a day."""

    def __init__(self, book: PriceBook, at: date) -> None:
        self.book, self.at = book, at
        self._rates: dict[tuple[Offer, tuple[int, ...]], Rates] = {}

    @cached_property
    def _sold(self) -> list[tuple[str, str]]:
        return sorted({(cell.model, cell.surface) for cell in self.book.cells})

    def rates(self, offer: Offer, band_starts: Sequence[int]) -> Rates:
        """See Market. A price that changes inside a band raises UserError: that aggregate hides it."""
        key = (offer, tuple(band_starts))
        if key not in self._rates:
            self._rates[key] = self._find(*key)
        return self._rates[key]

    def _find(self, offer: Offer, band_starts: tuple[int, ...]) -> Rates:
        card = self.book.card(offer, self.at)
        bands: list[dict[str, Rate]] = [{} for _ in band_starts]
        for unit, segments in card.units.items():
            for segment in segments:
                if segment.prompt_min not in band_starts and segment.prompt_min > 0:
                    hint = f"measure demand with bands that start at {segment.prompt_min}"
                    raise UserError("demand.bands", f"{offer} changes price at {segment.prompt_min}", hint)
            for number, start in enumerate(band_starts):
                covering = [
                    s for s in segments if s.prompt_min <= start and (s.prompt_max is None or start <= s.prompt_max)
                ]
                if covering:
                    cell = covering[0].cell
                    bands[number][unit] = Rate(cell.rate_picos, cell.id, cell.claim_ids, cell.status, cell.valid_until)
        return tuple(bands)

    def surfaces(self, model: str) -> tuple[str, ...]:
        """See Market."""
        return tuple(surface for name, surface in self._sold if name == model)

    def scopes(self, surface: str, model: str, tier: str) -> tuple[str, ...]:
        """See Market."""
        return self.book.scopes(surface, model, tier, self.at)


def band_starts(book: PriceBook) -> tuple[int, ...]:
    """Every prompt length at which some price of the book begins to hold, from 0."""
    starts = {0}
    for cell in book.cells:
        low, high = cell.band
        starts |= {low} if high is None else {low, high + 1}
    return tuple(sorted(starts))


def usage_cost(usage: Usage, rates: Mapping[str, Rate], offer: Offer) -> int:
    """Exact pico-dollars of summed usage within one band; NoPrice if a counted unit has no price."""
    total = 0
    for unit, count in usage:
        if not count:
            continue
        if unit not in rates:
            raise NoPrice(f"no price for {unit} of {offer}", (str(offer), unit))
        total += rates[unit].picos * count
    return total


def usage_under(row: BandUsage, life: str, *, joined: bool = True, divided: bool = False) -> Usage:
    """The counts of a row under a cache life: `5m`, `1h`, `as_sent` (as measured) or `none`."""
    if life == AS_SENT:
        return row.as_sent()
    if life == UNCACHED:
        return row.uncached()
    return row.with_life(life, joined=joined, divided=divided)


def demand_cost(
    rows: Iterable[BandUsage],
    offer: Offer,
    life: str,
    market: Market,
    band_starts: Sequence[int],
    *,
    joined: bool = True,
    divided: bool = False,
) -> int:
    """Exact pico-dollars of rows of demand on an offer with a cache life; NoPrice, AmbiguousOffer."""
    rates = market.rates(offer, band_starts)
    return sum(
        usage_cost(usage_under(row, life, joined=joined, divided=divided), rates[row.band], offer) for row in rows
    )


def baseline_cost(demand: Demand, market: Market) -> int:
    """Exact pico-dollars of what was measured, where it ran; NoPrice, AmbiguousOffer."""
    return sum(demand_cost((row,), row.offer, AS_SENT, market, demand.band_starts) for row in demand.rows)


def claims_of(demand: Demand, offer: Offer, life: str, market: Market) -> tuple[Rate, ...]:
    """The rates that decide what a demand costs on an offer, each once."""
    rates = market.rates(offer, demand.band_starts)
    found = {}
    for row in demand.rows:
        for unit, count in usage_under(row, life):
            if count and unit in rates[row.band]:
                rate = rates[row.band][unit]
                found[rate.cell_id, rate.picos] = rate
    return tuple(found[key] for key in sorted(found))
