"""Ways: what each part may run on in each month, at that month's prices, and why the rest is out.

Within one surface only the cheapest way is ever worth using (no commitment here distinguishes two offers of a surface),
so that a part has at most one way a surface a month; the optimiser then chooses among surfaces.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction

from trivium.core import Money, Offer
from trivium.plan._candidates import Excluded, Frame, choose_from
from trivium.plan._facts import Facts
from trivium.plan._market import BookMarket, Market, claims_of
from trivium.plan.decide._months import DAYS_PER_MONTH
from trivium.plan.decide._parts import Part
from trivium.pricing import PriceBook

Fits = Callable[[Part, Offer, date], Excluded | None]  # None: it may run there in the month that ends on the day
Ratio = Callable[[str, str], Fraction]  # tokens of the second model for one token of the first, for the same text
Gone = frozenset[tuple[str, str]]  # (surface, model) retired by a day
NO_TIME = timedelta(0)


@dataclass(frozen=True, slots=True)
class Way:
    """An offer with a cache life for a part: exact for the measured span, and a month at that pace."""

    offer: Offer
    cache_life: str
    span_picos: Fraction
    usd_per_month: float
    claim_ids: tuple[str, ...]
    carried: bool = False  # nothing may carry the part any more: the last price stands in for what nobody knows
    waiting: bool = False  # nothing that the part may run on is open yet: it stays where it is, or has not begun

    @property
    def span(self) -> Money:
        """The amount of the measured span, to the pico-dollar."""
        return Money(round(self.span_picos))


@dataclass(frozen=True)
class Ways:
    """Per part, per month: the cheapest way on each surface; and what is out in the first month in which it is."""

    surfaces: tuple[str, ...]
    months: tuple[date, ...]  # last days
    best: tuple[tuple[Mapping[str, Way], ...], ...]  # [part][month][surface]
    every: tuple[tuple[tuple[Way, ...], ...], ...]  # [part][month]: all ways, not only the cheapest of a surface
    excluded: tuple[tuple[Excluded, ...], ...]  # [part]
    followed: tuple[
        tuple[int, date, str], ...
    ]  # (part, end of its first month without its model, what follows; empty: nothing known)


@dataclass(frozen=True)
class Terms:
    """What the ways of all parts share."""

    book: PriceBook
    facts: Facts
    surfaces: tuple[str, ...]
    fits: Fits
    ratio: Ratio
    span_days: Mapping[str, float]  # workload → measured days
    follower: Mapping[str, str]  # model → what follows it where it is retired
    fact_days: tuple[date, ...] = ()  # days on which what `fits` answers may change, sorted


def find_ways(parts: Sequence[Part], terms: Terms, starts: Sequence[date], ends: Sequence[date]) -> Ways:
    """The ways of every part over the months. A month has the prices of its first day."""
    markets = month_markets(terms.book, starts)
    best, every, excluded, followed = [], [], [], []
    for number, part in enumerate(parts):
        search = _Search(part, terms)
        months = [search.month(market, end) for market, end in zip(markets, ends, strict=True)]
        best.append(tuple(_cheapest(ways, part) for ways in months))
        every.append(tuple(months))
        excluded.append(tuple(search.out[offer] for offer in sorted(search.out)))
        if search.followed is not None:
            followed.append((number, *search.followed))
    used = {name for months in best for month in months for name in month}
    surfaces = tuple(name for name in terms.surfaces if name in used)
    return Ways(surfaces, tuple(ends), tuple(best), tuple(every), tuple(excluded), tuple(followed))


def month_markets(book: PriceBook, starts: Sequence[date]) -> tuple[Market, ...]:
    """A market a month; months between two changes of price share one."""
    changes = sorted(book.change_days())
    found: dict[int, BookMarket] = {}
    result = []
    for start in starts:
        epoch = sum(day <= start for day in changes)
        result.append(found.setdefault(epoch, BookMarket(book, start)))
    return tuple(result)


class _Search:
    """The ways of one part, month after month; what is out is kept with the first reason met."""

    def __init__(self, part: Part, terms: Terms) -> None:
        self.part, self.terms = part, terms
        self.out: dict[Offer, Excluded] = {}
        self.followed: tuple[date, str] | None = None
        self._last: tuple[Way, ...] = ()
        self._known: dict[tuple[int, Gone, bool], tuple[Way, ...]] = {}
        self._fitting: dict[tuple[int, Gone, bool, int], tuple[Way, ...]] = {}

    def month(self, market: Market, end: date) -> tuple[Way, ...]:
        """The ways of a month; once its own surface retires its model, also those of the model that follows it.

        Where nothing is left and no follower is known, the last month's ways are carried on: the work will go on
        somehow, at a cost that nobody knows. Both are recorded in `followed`.
        """
        part, heir = self.part, self.terms.follower.get(self.part.model, "")
        retired = (part.demand.home.surface, part.model) in self._gone(end)
        follow = bool(heir) and retired
        found = self._ways(market, end, follow=follow)
        if not found and self._last and heir and not follow:
            follow = True
            found = self._ways(market, end, follow=True)
        if (found and follow) or (self._last and not found):
            self._record(end, heir if found else "")
        found = found or tuple(replace(way, carried=True) for way in self._last)
        self._last = found
        return found

    def _record(self, end: date, heir: str) -> None:
        """The first month with a follower; until there is one, the first month with nothing."""
        if self.followed is None or (heir and not self.followed[1]):
            self.followed = (end, heir)

    def _gone(self, end: date) -> Gone:
        retirements = self.terms.facts.retirements
        return frozenset((r.surface, r.model) for r in retirements if not r.floor and r.day <= end)

    def _ways(self, market: Market, end: date, *, follow: bool) -> tuple[Way, ...]:
        """What is sold and fits; months between two changes of price, of facts and of what is retired share it."""
        key = (id(market), self._gone(end), follow)
        if key not in self._known:
            self._known[key] = tuple(self._sold(market, end, follow=follow))
        whole = (*key, bisect_right(self.terms.fact_days, end))
        if whole not in self._fitting:
            self._fitting[whole] = tuple(self._that_fit(self._known[key], end))
        return self._fitting[whole]

    def _sold(self, market: Market, end: date, *, follow: bool) -> Iterator[Way]:
        part, terms = self.part, self.terms
        need = part.requirement
        if follow:
            need = replace(need, models=(*need.models, terms.follower[part.model]))
        choice = choose_from(part.demand, need, Frame(market, terms.facts, end, NO_TIME, terms.surfaces))
        for lost in choice.excluded:
            self.out.setdefault(lost.offer, lost)
        days = terms.span_days[part.workload]
        for candidate in choice.candidates:
            offer = candidate.offer
            picos = Fraction(candidate.cost) * part.fraction * terms.ratio(part.model, offer.model)
            rates = claims_of(part.demand, offer, candidate.life, market)
            ids = tuple(sorted({name for rate in rates for name in rate.claim_ids}))
            yield Way(offer, candidate.life, picos, float(picos) / 1e12 / days * DAYS_PER_MONTH, ids)

    def _that_fit(self, ways: Sequence[Way], end: date) -> Iterator[Way]:
        verdicts: dict[Offer, Excluded | None] = {}
        for way in ways:
            if way.offer not in verdicts:
                verdicts[way.offer] = self.terms.fits(self.part, way.offer, end)
            wrong = verdicts[way.offer]
            if wrong is None:
                yield way
            else:
                self.out.setdefault(way.offer, wrong)


def _cheapest(ways: Sequence[Way], part: Part) -> Mapping[str, Way]:
    """One way a surface; among equals the present offer, then the model in use, then names; the short life first."""
    home = part.demand.home

    def rank(way: Way) -> tuple[Fraction, bool, bool, bool, str]:
        return (
            way.span_picos,
            way.offer != home,
            way.offer.model != part.model,
            way.cache_life != "5m",
            str(way.offer),
        )

    found: dict[str, Way] = {}
    for way in sorted(ways, key=rank):
        found.setdefault(way.offer.surface, way)
    return found


def without(ways: Ways, part: int, surface: str) -> Ways:
    """The same without one surface for one part."""
    months = tuple({name: way for name, way in month.items() if name != surface} for month in ways.best[part])
    return replace(ways, best=(*ways.best[:part], months, *ways.best[part + 1 :]))
