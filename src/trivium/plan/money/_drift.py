"""What an estimate from early use misses: steps from the first month, times the horizon, to the forecast as it runs.

Only steps with evidence are taken: pace, size and cache hits from the measured minutes, price windows from dated
claims, limits from quota claims at the measured peak, contracts as signed. What nothing is known of is named.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

from trivium.core import AmbiguousOffer, NoPrice
from trivium.plan._demand import Demand, Span
from trivium.plan._facts import Facts
from trivium.plan._levers import measured_life
from trivium.plan._market import AS_SENT, UNCOUNTED, BookMarket, Market, baseline_cost, claims_of
from trivium.plan._months import DAYS_PER_MONTH, month_starts
from trivium.plan.decision import Basis, Bridge, Ground, Step
from trivium.plan.money._basis import basis_of
from trivium.plan.money._calendar import discount_over, holds_within
from trivium.plan.money._limits import crowding
from trivium.plan.money._values import PriceAsk
from trivium.plan.money._worth import Part

_LONG_DAYS, _SHORT_DAYS = 2 * DAYS_PER_MONTH, 14.0  # from here a first month, a first week stands for early use
_WEEK_DAYS = 7.0
_CENT = 0.005
Weights = tuple[float, float, float, float]  # USD a token: input, output, read, written


@dataclass
class Steps:
    """Steps as they are found, from an amount on; `not_known` names what is missing."""

    amount_usd: float
    found: list[Step] = field(default_factory=list)
    not_known: list[str] = field(default_factory=list)

    def to(self, amount_usd: float, name: str, why: str, basis: Basis) -> None:
        """Take the step to a new amount; a step of less than a cent is joined to the next."""
        step = amount_usd - self.amount_usd
        if abs(step) >= _CENT:
            self.found.append(Step(name, step, why, basis))
            self.amount_usd = amount_usd


@dataclass(frozen=True, slots=True)
class Shape:
    """A span of minutes: requests a month, and of each what it carries on average."""

    requests: float
    prompt: float
    output: float
    hit: float  # share of prompt tokens read
    written: float  # share of prompt tokens written

    def usd(self, weights: Weights) -> float:
        """A month of it."""
        plain, out, read, write = weights
        per_prompt = self.hit * read + self.written * write + (1 - self.hit - self.written) * plain
        return self.requests * (self.prompt * per_prompt + self.output * out)


@dataclass(frozen=True, slots=True)
class _Use:
    """One demand: its early shape (None: the span is too short), its whole shape, what a shape costs."""

    demand: Demand
    early: Shape | None
    whole: Shape
    weights: Weights
    scale: float

    def usd(self, shape: Shape) -> float:
        """A month of a shape, calibrated on the exact amount of the whole."""
        return shape.usd(self.weights) * self.scale


@dataclass(frozen=True)
class Drift:
    """The bridge and what it could not say."""

    bridge: Bridge
    not_known: tuple[str, ...]
    monthly_usd: tuple[float, ...]  # the forecast, month by month, contracts counted


def first_month_bridge(ask: PriceAsk, facts: Facts, parts: Sequence[Part], span_days: float) -> Drift:
    """The bridge; its end is the forecast of what runs now over the months of the path, on average."""
    months = len(ask.path.point)
    span, name = _early_span(span_days)
    uses = [_use(demand, ask, span, span_days) for demand in ask.demands]
    measured = Basis((Ground.MEASURED,))
    first = sum(use.usd(use.early or use.whole) * _premium(use, ask) for use in uses)
    start = Step(f"{name}, {months} times", first * months, "early use, extended as it was", measured)
    steps = Steps(first * months)
    if span is None:
        steps.not_known.append("drift within the measured span: it is shorter than two weeks")
    else:
        _shapes(steps, uses, months)
    _bands(steps, ask, uses, months)
    paid = _ahead(steps, ask, facts, parts, span_days)
    why = "measured use, grown, at the prices, limits and contracts of each month"
    end = Step("forecast as it runs", steps.amount_usd, why, ask.path.basis)
    bridge = Bridge(f"{ask.workload}: what an estimate from early use misses", start, tuple(steps.found), end)
    return Drift(bridge, tuple(steps.not_known), paid)


def _early_span(span_days: float) -> tuple[timedelta | None, str]:
    """How long early use is, None where the whole span is early."""
    if span_days >= _LONG_DAYS:
        return timedelta(days=DAYS_PER_MONTH), "first month"
    if span_days >= _SHORT_DAYS:
        return timedelta(days=_WEEK_DAYS), "first week as a month"
    return None, "measured span as a month"


def _use(demand: Demand, ask: PriceAsk, span: timedelta | None, span_days: float) -> _Use:
    market = BookMarket(ask.book, ask.at)
    whole = _shape(demand.stretches, span_days)
    weights = _weights(demand, market)
    exact = float(baseline_cost(demand, market)) / 1e12 / span_days * DAYS_PER_MONTH
    modelled = whole.usd(weights)
    early = None
    starts = [other.first_at for other in ask.demands if other.first_at is not None]
    if span is not None and starts:
        until = min(starts) + span
        early = _shape(demand.stretches, span.total_seconds() / 86_400, until)
    return _Use(demand, early, whole, weights, exact / modelled if modelled else 0.0)


def _shape(stretches: Sequence[Span], days: float, until: datetime | None = None) -> Shape:
    shares = [1.0 if until is None else stretch.share_before(until) for stretch in stretches]

    def total(count: Callable[[Span], int]) -> float:
        return sum(share * count(stretch) for stretch, share in zip(stretches, shares, strict=True))

    requests, prompt = total(lambda s: s.requests), total(lambda s: s.input + s.cached)
    if not requests or not prompt:
        return Shape(0.0, 0.0, 0.0, 0.0, 0.0)
    read, cached, output = total(lambda s: s.joined_5m), total(lambda s: s.cached), total(lambda s: s.output)
    pace = requests / days * DAYS_PER_MONTH
    return Shape(pace, prompt / requests, output / requests, read / prompt, (cached - read) / prompt)


def _weights(demand: Demand, market: Market) -> Weights:
    rates = market.rates(demand.home, demand.band_starts)[0]
    write = "cache_write_1h" if measured_life(demand) == "1h" else "cache_write_5m"

    def usd(unit: str) -> float:
        return rates[unit].picos / 1e12 if unit in rates else 0.0

    return usd("input"), usd("output"), usd("cache_read"), usd(write)


def _shapes(steps: Steps, uses: Sequence[_Use], months: int) -> None:
    """Pace first, then size, then cache hits: each with what came before it already as in the whole span."""
    measured = Basis((Ground.MEASURED,), note="from the measured minutes; hits as far as idle gaps allow five minutes")
    early = [use.early or use.whole for use in uses]
    paced = [Shape(w.whole.requests, e.prompt, e.output, e.hit, e.written) for e, w in zip(early, uses, strict=True)]
    sized = [
        Shape(use.whole.requests, use.whole.prompt, use.whole.output, e.hit, e.written)
        for e, use in zip(early, uses, strict=True)
    ]
    before = sum(use.usd(e) for e, use in zip(early, uses, strict=True))
    offset = steps.amount_usd - before * months
    for shapes, name, why in (
        (paced, "pace within the measured span", _change("requests a month", early, uses, "requests")),
        (sized, "size of requests", _change("prompt tokens a request", early, uses, "prompt")),
        ([use.whole for use in uses], "cache hits", _change("share of prompts read", early, uses, "hit")),
    ):
        amount = sum(use.usd(shape) for shape, use in zip(shapes, uses, strict=True)) * months
        steps.to(amount + offset, name, why, measured)


def _change(what: str, early: Sequence[Shape], uses: Sequence[_Use], field_name: str) -> str:
    """A figure early and over the whole span, weighted by what it is a share of."""

    def mean(shapes: Sequence[Shape]) -> float:
        if field_name == "requests":
            return sum(shape.requests for shape in shapes)
        weights = [shape.requests * (shape.prompt if field_name == "hit" else 1.0) for shape in shapes]
        total = sum(weights)
        return sum(w * float(getattr(s, field_name)) for w, s in zip(weights, shapes, strict=True)) / (total or 1.0)

    one, other = mean(early), mean([use.whole for use in uses])
    form = ".1%" if field_name == "hit" else ",.0f"
    return f"{what}: {one:{form}} early, {other:{form}} over the whole span"


def _priced_by_length(demand: Demand, market: Market) -> bool:
    rates = market.rates(demand.home, demand.band_starts)
    flat = {unit: rate.picos for unit, rate in rates[0].items()}
    return any({unit: rate.picos for unit, rate in band.items()} != flat for band in rates if band)


def _premium(use: _Use, ask: PriceAsk) -> float:
    """Early use's premium for long prompts over that of the whole span; 1 where either is not known."""
    early = [other for other in ask.early if other.model == use.demand.model]
    market = BookMarket(ask.book, ask.at)
    if not early or not _priced_by_length(use.demand, market):
        return 1.0
    return _length_factor(early[0], market) / _length_factor(use.demand, market)


def _length_factor(demand: Demand, market: Market) -> float:
    """Its cost over the cost of the same counts at the price of short prompts."""
    rates = market.rates(demand.home, demand.band_starts)
    short = long = 0
    for row in demand.rows:
        for unit, count in row.as_sent():
            if count and unit in rates[0] and unit in rates[row.band]:
                short += rates[0][unit].picos * count
                long += rates[row.band][unit].picos * count
    return long / short if short else 1.0


def _bands(steps: Steps, ask: PriceAsk, uses: Sequence[_Use], months: int) -> None:
    market = BookMarket(ask.book, ask.at)
    priced = [use for use in uses if _priced_by_length(use.demand, market)]
    if priced and not ask.early:
        steps.not_known.append("drift of long prompts, which cost more here: the first month's rows are not given")
        return
    amount = sum(use.usd(use.whole) for use in uses) * months
    steps.to(amount, "long prompts", "share of prompts above a price step", Basis((Ground.MEASURED,)))


def _ahead(steps: Steps, ask: PriceAsk, facts: Facts, parts: Sequence[Part], span_days: float) -> tuple[float, ...]:
    """Growth, price windows, limits and contracts, month by month; returns what each month is forecast to cost."""
    starts = month_starts(ask.at, len(ask.path.point))
    prices, ids, uncounted, unsold = _window_prices(ask, starts, span_days)
    grown = sum(prices[0] * factor for factor in ask.path.point)
    steps.to(grown, "growth, compounded", _growth_text(ask), ask.path.basis)
    if ask.path.basis.grounds == (Ground.ASSUMPTION,):
        steps.not_known.append(f"growth: {ask.path.basis.note or 'assumed'}")
    priced = [price * factor for price, factor in zip(prices, ask.path.point, strict=True)]
    why = "dated price windows inside the horizon, where it runs now"
    steps.to(sum(priced), "price changes", why, basis_of(ask.snapshot, ids))
    if uncounted:
        steps.not_known.append(f"announced or unconfirmed prices are not counted: {', '.join(uncounted)}")
    if unsold is not None:
        steps.not_known.append(f"prices from {unsold} on: what it runs on is not sold then; the last price is kept")
    crowded = crowding(ask, facts, parts)
    limited = [amount * (1 + extra) for amount, extra in zip(priced, crowded.extra, strict=True)]
    steps.to(sum(limited), "limits", crowded.why, crowded.basis)
    if crowded.not_known:
        steps.not_known.append(crowded.not_known)
    spans = list(pairwise(month_starts(ask.at, len(starts) + 1)))
    paid = [amount * _paid_share(ask, *span) for amount, span in zip(limited, spans, strict=True)]
    names = [name for name, held in ask.contracts.items() if holds_within(held, ask.at, spans[-1][1])]
    why = f"signed: {', '.join(names)}" if names else "none signed"
    steps.to(sum(paid), "contracts in force", why, Basis((Ground.CONTRACT,)))
    return tuple(paid)


def _growth_text(ask: PriceAsk) -> str:
    path = ask.path
    text = f"use at {path.point[0]:.2f} of the measured pace in the first month, {path.point[-1]:.2f} in the last"
    if path.low and path.high:
        text += f" ({path.low[-1]:.2f} to {path.high[-1]:.2f})"
    return text


def _window_prices(
    ask: PriceAsk, starts: Sequence[date], span_days: float
) -> tuple[list[float], tuple[str, ...], tuple[str, ...], date | None]:
    """A month of the measured use at the prices of each month; what is not counted, and from when it is not sold."""
    book = ask.book
    changes = sorted(book.change_days())
    found: list[float] = []
    ids: dict[str, None] = {}
    uncounted: dict[str, None] = {}
    unsold: date | None = None
    epoch = -1
    for start in starts:
        now = sum(day <= start for day in changes)
        if now == epoch:
            found.append(found[-1])
            continue
        epoch, market = now, BookMarket(book, start)
        weak, names = _statuses(ask, market)
        try:
            picos = sum(baseline_cost(demand, market) for demand in ask.demands)
        except (NoPrice, AmbiguousOffer):
            unsold, picos = unsold or start, -1
        if found and (picos < 0 or weak):
            uncounted |= dict.fromkeys(weak)
            found.append(found[-1])
            continue
        found.append(float(Fraction(max(picos, 0)) / 10**12) / span_days * DAYS_PER_MONTH)
        ids |= dict.fromkeys(names)
    return found, tuple(ids), tuple(uncounted), unsold


def _statuses(ask: PriceAsk, market: Market) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Claims of the prices in use that do not count, and all of them."""
    weak: dict[str, None] = {}
    names: dict[str, None] = {}
    for demand in ask.demands:
        for offer, _ in demand.offers:
            try:
                rates = claims_of(demand, offer, AS_SENT, market)
            except (NoPrice, AmbiguousOffer):
                continue
            for rate in rates:
                names |= dict.fromkeys(rate.claim_ids)
                if rate.status in UNCOUNTED:
                    weak |= dict.fromkeys(rate.claim_ids)
    return tuple(weak), tuple(names)


def _paid_share(ask: PriceAsk, first: date, end: date) -> float:
    """What is left of a list price after the discounts in force in a month, by where the requests run now."""
    total = sum(demand.requests for demand in ask.demands) or 1
    share = 0.0
    for demand in ask.demands:
        for offer, requests in demand.offers:
            off = discount_over(ask.contracts.values(), ask.at, offer.surface, first, end)
            share += requests / total * (1 - off)
    return share
