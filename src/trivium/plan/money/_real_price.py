"""The third question: what a workload really costs, lever by lever, and what an estimate from early use misses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

from trivium.core import Money, NoPrice, UserError
from trivium.plan._demand import Demand
from trivium.plan._levers import LEVERS, measured_life
from trivium.plan._market import AS_SENT, BookMarket, Market, demand_cost
from trivium.plan._months import DAYS_PER_MONTH
from trivium.plan.decision import Answer, Basis, Bridge, Ground, Point, Step
from trivium.plan.money._basis import basis_of, joined
from trivium.plan.money._drift import Drift, first_month_bridge
from trivium.plan.money._limits import tier_points
from trivium.plan.money._listed import list_point, listing
from trivium.plan.money._tokens import token_ratio
from trivium.plan.money._values import LeverWorth, PriceAsk, RealPrice
from trivium.plan.money._words import why_lever
from trivium.plan.money._worth import Worth, facts_of, worth

_SHORTEST_DAYS = 1 / 24  # less than an hour cannot be stretched to a month
_DAY = timedelta(days=1)


def real_price(ask: PriceAsk) -> RealPrice:
    """The answer with its bridges; NoPrice if what runs now has no price on the day, UserError without usage."""
    known = tuple(demand for demand in ask.demands if demand.rows)  # the rest is of unknown counts alone
    if not known:
        raise UserError(f"workloads.{ask.workload}", "no usage", "give usage for it")
    ask = replace(ask, demands=known)
    days = ask.span_days if ask.span_days is not None else span_days(ask)
    facts = facts_of(ask)
    table = worth(ask, facts)
    drift = first_month_bridge(ask, facts, table.parts, days)
    volume = sum(ask.path.point) * DAYS_PER_MONTH / days  # measured spans in the forecast
    monthly = _usd(table.measured) / days * DAYS_PER_MONTH
    levers = tuple(_with_words(item, number, table) for number, item in enumerate(table.levers))
    bridge = _lever_bridge(ask, table, levers, volume)
    points = (
        *(list_point(ask, listing(BookMarket(ask.book, ask.at), model, _bands(ask))) for model in _models(ask)),
        *_cache_points(ask, days),
        *(_lever_point(item, days) for item in levers),
        *_token_points(ask),
        *_bridge_points(drift.bridge, len(ask.path.point)),
        *_offer_points(ask, days),
        *tier_points(ask, facts, monthly),
        *(Point("not known", what, "nothing is counted for it", Basis(())) for what in drift.not_known),
    )
    answer = _answer(ask, table, levers, points, drift, days)
    return RealPrice(answer, drift.bridge, bridge, levers, table.measured, table.levered, monthly, drift.not_known)


def span_days(ask: PriceAsk) -> float:
    """Measured days, from the first request to the last; UserError where no instants are known."""
    firsts = [demand.first_at for demand in ask.demands if demand.first_at is not None]
    lasts = [demand.last_at for demand in ask.demands if demand.last_at is not None]
    if not firsts or not lasts:
        raise UserError(f"workloads.{ask.workload}", "no instants", "give usage with times, or span_days")
    return max((max(lasts) - min(firsts)) / _DAY, _SHORTEST_DAYS)


def _models(ask: PriceAsk) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*(demand.model for demand in ask.demands), *ask.needs.models)))


def _bands(ask: PriceAsk) -> tuple[int, ...]:
    return ask.demands[0].band_starts


def _usd(amount: Money) -> float:
    return amount.picos / 1e12


def _with_words(item: LeverWorth, number: int, table: Worth) -> LeverWorth:
    return LeverWorth(
        item.name,
        item.step,
        item.alone,
        item.closed,
        why_lever(LEVERS[number], item, table),
        item.basis,
        item.low,
        item.high,
    )


def _lever_bridge(ask: PriceAsk, table: Worth, levers: Sequence[LeverWorth], volume: float) -> Bridge:
    """Every lever, exact on the measured span, stretched by the forecast volume; one without worth has no bar."""
    measured = Basis((Ground.MEASURED,))
    months = len(ask.path.point)
    note = f"the measured span at the prices of {ask.at}, stretched to the use of {months} months"
    start = Step("as it runs", _usd(table.measured) * volume, note, measured)
    steps = tuple(
        Step(item.name, -_usd(item.step) * volume, item.why, item.basis) for item in levers if item.step.picos
    )
    end = Step("with every lever", _usd(table.levered) * volume, "before limits and moves", measured)
    return Bridge(f"{ask.workload}: what each lever is worth", start, steps, end)


def _lever_point(item: LeverWorth, days: float) -> Point:
    """A lever as evidence: its worth a month at the measured pace."""
    month = DAYS_PER_MONTH / days
    value = f"{_usd(item.step) * month:,.2f} USD a month"
    if item.low is not None and item.high is not None and item.low != item.high:
        value += f" ({_usd(item.low) * month:,.2f} to {_usd(item.high) * month:,.2f})"
    if item.closed is not None and item.closed.picos:
        value += f"; {_usd(item.closed) * month:,.2f} more if all of it were allowed"
    return Point(f"lever: {item.name}", value, item.why, item.basis)


def _cache_points(ask: PriceAsk, days: float) -> Iterator[Point]:
    """Each model's cache: what its idle gaps let either life read, and what that costs where it runs now."""
    market = BookMarket(ask.book, ask.at)
    for demand in ask.demands:
        prompt = sum(row.input + row.cached for row in demand.rows)
        if not any(row.cached for row in demand.rows):
            yield Point(f"cache of {demand.model}", "nothing is cached", "no cache lever", Basis((Ground.MEASURED,)))
            continue
        yield _cache_point(demand, market, DAYS_PER_MONTH / days / 1e12, prompt)


def _cache_point(demand: Demand, market: Market, month: float, prompt: int) -> Point:
    follow = sum(gap.requests for gap in demand.gaps) or 1
    texts = []
    costs: dict[str, float] = {}
    for life, name, edge in (("5m", "5 minutes", 300), ("1h", "1 hour", 3600)):
        within = sum(gap.requests for gap in demand.gaps if gap.upto_s is not None and gap.upto_s <= edge)
        read = sum(getattr(row, f"here_{life}") for row in demand.rows) / prompt
        text = f"{name}: {within / follow:.1%} of follow-ups come in time, {read:.1%} of prompt tokens are read"
        try:
            costs[life] = _cost(demand, life, market) * month
        except NoPrice:
            texts.append(f"{text}, not sold where it runs")
            continue
        texts.append(f"{text}, {costs[life]:,.2f} USD a month")
    now = f"now {measured_life(demand).replace('_', ' ')}, {_cost(demand, AS_SENT, market) * month:,.2f}"
    best = min(costs, key=lambda life: costs[life], default="")
    speaks = {"5m": "a life of 5 minutes", "1h": "a life of 1 hour"}.get(best, "nothing")
    return Point(f"cache of {demand.model}", "; ".join((*texts, now)), speaks, Basis((Ground.MEASURED,)))


def _cost(demand: Demand, life: str, market: Market) -> int:
    return sum(demand_cost((row,), row.offer, life, market, demand.band_starts, joined=False) for row in demand.rows)


def _token_points(ask: PriceAsk) -> Iterator[Point]:
    """A line for every allowed model whose tokenizer counts differently."""
    ratio = token_ratio(ask.snapshot, ask.at)
    for demand in ask.demands:
        for model in ask.needs.models:
            found = ratio(demand.model, model)
            if found.across:
                value = f"{float(found.point):.2f} ({float(found.low):.2f} to {float(found.high):.2f})"
                what = f"tokens of {model} for one of {demand.model}, for the same text"
                yield Point(
                    what, value, "counts are scaled before it is priced", basis_of(ask.snapshot, found.claim_ids)
                )


def _bridge_points(bridge: Bridge, months: int) -> Iterator[Point]:
    """The bridge in words, for readers of the answer alone: its ends and every step between."""
    start, end = bridge.start, bridge.end
    yield Point(f"early use: {start.name}", f"{start.amount_usd:,.2f} USD", start.why, start.basis)
    for item in bridge.steps:
        value = f"{item.amount_usd:+,.2f} USD over {months} months"
        yield Point(f"early use misses: {item.name}", value, item.why, item.basis)
    yield Point(end.name, f"{end.amount_usd:,.2f} USD over {months} months", end.why, end.basis)


def _offer_points(ask: PriceAsk, days: float) -> Iterator[Point]:
    """What is offered and not signed: its worth on what runs where it holds, and whether it still stands."""
    market = BookMarket(ask.book, ask.at)
    grounds = {"offered": Ground.QUOTE, "assumed": Ground.ASSUMPTION}
    for name, contract in ask.contracts.items():
        if contract.status not in grounds or contract.kind not in {"discount", "spend-commitment"}:
            continue
        rows = [
            (demand, row) for demand in ask.demands for row in demand.rows if row.offer.surface in contract.surfaces
        ]
        here = sum(demand_cost((row,), row.offer, AS_SENT, market, demand.band_starts) for demand, row in rows)
        worth_usd = here / 1e12 * float(contract.discount_percent) / 100 / days * DAYS_PER_MONTH
        value = f"{worth_usd:,.2f} USD a month on what runs on {', '.join(contract.surfaces)} now"
        gone = contract.expires is not None and contract.expires < ask.at
        speaks = f"ask again: it lapsed on {contract.expires}" if gone else "commitments, judged over all workloads"
        basis = Basis((Ground.MEASURED, grounds[contract.status]), note=contract.source)
        yield Point(f"{contract.status}, not counted: {name}, {contract.discount_percent} % off", value, speaks, basis)


def _answer(
    ask: PriceAsk, table: Worth, levers: Sequence[LeverWorth], points: tuple[Point, ...], drift: Drift, days: float
) -> Answer:
    month = DAYS_PER_MONTH / days
    now, then = _usd(table.measured) * month, _usd(table.levered) * month
    ranked = sorted((item for item in levers if item.step.picos > 0), key=lambda item: -item.step.picos)
    equal = [listing(BookMarket(ask.book, ask.at), model, _bands(ask)) for model in _models(ask)[: len(ask.demands)]]
    common = all(found.equal and len(found.prices) > 1 for found in equal)
    same = "the same per token on every surface that lists it in global scope" if common else "not the same everywhere"
    share = (now - then) / now if now else 0.0
    bridge = drift.bridge
    missed = bridge.end.amount_usd - bridge.start.amount_usd
    sentence = (
        f"At list, {now:,.2f} USD a month as it runs, {same}; the levers are worth {now - then:,.2f} of it "
        f"({share:.1%}). "
        f"Over {len(ask.path.point)} months early use would be {abs(missed):,.2f} USD "
        f"{'short of' if missed >= 0 else 'above'} the forecast of {bridge.end.amount_usd:,.2f}."
    )
    if ranked:
        margin = "; ".join(f"{item.name} {_usd(item.step) * month:,.2f} USD a month" for item in ranked[:3])
    else:
        shut = [item for item in levers if item.closed is not None and item.closed.picos]
        margin = "no open lever gains anything" + "".join(
            f"; {item.name} would bring {_usd(item.closed or Money(0)) * month:,.2f} USD a month if it were allowed"
            for item in shut
        )
    verdict = ranked[0].name if ranked else "as it runs"
    basis = joined([*(item.basis for item in levers), *(point.basis for point in points[: len(equal)])])
    return Answer("price", verdict, sentence, margin, points, basis, _next_change(ask))


def _next_change(ask: PriceAsk) -> date | None:
    """The next day on which a price of the present offers begins or ends."""
    offers = {(offer.surface, offer.model) for demand in ask.demands for offer, _ in demand.offers}
    days = [
        day
        for cell in ask.book.cells
        if (cell.surface, cell.model) in offers
        for day in (cell.valid_from, cell.valid_until)
        if day is not None and day > ask.at
    ]
    return min(days, default=None)
