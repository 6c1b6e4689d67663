"""The fourth question: what depth in Microsoft saves and costs a workload, as a range of dollars a month."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from trivium.catalog import Snapshot
from trivium.core import AmbiguousOffer, NoPrice, Offer, UserError
from trivium.plan._candidates import CACHE_CAPABILITY, Frame, choose_from
from trivium.plan._claims import facts_from
from trivium.plan._demand import Demand
from trivium.plan._facts import Requirement
from trivium.plan._market import AS_SENT, BookMarket, Market, baseline_cost, demand_cost
from trivium.plan._months import DAYS_PER_MONTH
from trivium.plan.decision import Answer, Basis, Ground, Point
from trivium.plan.money import listing
from trivium.plan.money._basis import basis_of, joined
from trivium.plan.org import Microsoft, Onboarding, Organisation
from trivium.plan.seats._rates import stated
from trivium.plan.seats._values import SeatUsage
from trivium.plan.seats._ways import Case, Way, seat_surfaces, ways
from trivium.pricing import PriceBook

FOUNDRY = "foundry"
_HOME = "one platform among others"


@dataclass(frozen=True)
class Depth:
    """The answer, what the work costs as tokens, and every way beside it; all dollars a month."""

    answer: Answer
    tokens_usd: float
    ways: tuple[Way, ...]  # seats and credits; then tokens on Foundry
    saving_low_usd: float  # of the best way that is not blocked, against tokens as they run
    saving_high_usd: float


@dataclass(frozen=True)
class DepthAsk:
    """One workload in one organisation."""

    workload: str
    organisation: Organisation
    demands: tuple[Demand, ...]
    snapshot: Snapshot
    book: PriceBook
    at: date
    span_days: float
    seat_usage: tuple[SeatUsage, ...] = ()


def microsoft_depth(ask: DepthAsk) -> Depth:
    """The range and where it comes from; NoPrice if what runs now has no price, UserError without usage."""
    known = tuple(demand for demand in ask.demands if demand.rows)  # the rest is of unknown counts alone
    if not known:
        raise UserError(f"workloads.{ask.workload}", "no usage", "give usage for it")
    ask = replace(ask, demands=known)
    market = BookMarket(ask.book, ask.at)
    month = DAYS_PER_MONTH / ask.span_days / 1e12
    by_model: dict[str, float] = {}
    for demand in ask.demands:
        by_model[demand.model] = by_model.get(demand.model, 0.0) + baseline_cost(demand, market) * month
    tokens = sum(by_model.values())
    requests = sum(demand.requests for demand in ask.demands) / ask.span_days * DAYS_PER_MONTH
    needs, microsoft = ask.organisation.needs(ask.workload), ask.organisation.microsoft
    case = Case(ask.snapshot, ask.at, ask.demands, needs, microsoft, ask.seat_usage, by_model, requests, ask.span_days)
    foundry = _foundry_way(ask, market, by_model)
    found = (*ways(case), foundry)
    points = (
        Point("tokens as it runs, at list", f"{tokens:,.2f} USD a month", "what the ways stand beside", _measured()),
        *(_way_point(way, tokens) for way in found),
        *_onboarding_points(ask),
        *_claim_points(ask),
        *_usage_points(ask),
        *_equal_points(ask, market),
    )
    open_ways = [way for way in found if not way.blocked and way.low_usd is not None and way.high_usd is not None]
    best = min(open_ways, key=lambda way: (way.high_usd or 0.0, way.low_usd or 0.0), default=None)
    low = tokens - (best.high_usd or 0.0) if best is not None else 0.0
    high = tokens - (best.low_usd or 0.0) if best is not None else 0.0
    answer = _answer(ask, tokens, found, best, (low, high), points)
    return Depth(answer, tokens, found, low, high)


def footprint(microsoft: Microsoft, usage: Sequence[SeatUsage] = ()) -> tuple[str, ...]:
    """What the organisation has of Microsoft, in words; empty for none."""
    counts = (
        (microsoft.m365_seats, "Microsoft 365 seats"),
        (microsoft.m365_copilot_seats, "Microsoft 365 Copilot seats"),
        (microsoft.github_copilot_seats, "GitHub Copilot seats"),
        (microsoft.copilot_studio_credits_per_month, "Copilot Studio credits a month"),
    )
    found = [f"{count:,} {name}" for count, name in counts if count]
    found += [name for has, name in ((microsoft.entra, "Entra"), (microsoft.macc_remaining_usd, "a MACC")) if has]
    found += sorted({f"use of {item.surface}" for item in usage})
    return tuple(found)


def _foundry_way(ask: DepthAsk, market: Market, by_model: Mapping[str, float]) -> Way:
    """The same tokens on Foundry: its list price, onboarding over the horizon, and what a MACC may be worth.

    A model that it does not sell goes on where it runs.
    """
    organisation, months = ask.organisation, ask.organisation.about.horizon_months
    commitment = stated(ask.snapshot, FOUNDRY, "commitment", ask.at)
    ids = [commitment.id] if commitment is not None else []
    picos = 0
    missing: dict[str, str] = {}
    facts = facts_from(ask.snapshot, ask.at, sorted(by_model), tuple(CACHE_CAPABILITY.values()), {})
    frame = Frame(market, facts, ask.at, surfaces=(FOUNDRY,))
    for demand in ask.demands:
        offer = Offer(FOUNDRY, "global", demand.model)
        need = Requirement(demand.workload, scopes=(offer.scope,), surfaces=(FOUNDRY,))
        choice = choose_from(demand, need, frame)
        try:
            cost = demand_cost(demand.rows, offer, AS_SENT, market, demand.band_starts)
        except (NoPrice, AmbiguousOffer):
            missing[demand.model] = "not sold there"
            continue
        if not any(candidate.offer == offer for candidate in choice.candidates):
            missing[demand.model] = next((out.reason for out in choice.excluded if out.offer == offer), "not offered")
            ids += [name for out in choice.excluded if out.offer == offer for name in out.claim_ids]
            continue
        picos += cost
        ids += [name for rate in market.rates(offer, demand.band_starts)[0].values() for name in rate.claim_ids]
    kept = "; ".join(f"{model}: {why}" for model, why in missing.items())
    if len(missing) == len(ask.demands):
        return Way(FOUNDRY, None, None, "", kept, basis_of(ask.snapshot, ids), kept)
    rest = sum(by_model[model] for model in missing)
    listed = picos / 1e12 / ask.span_days * DAYS_PER_MONTH
    low_fee, high_fee = onboarding_usd(organisation.onboarding.get(FOUNDRY), runs_there=_runs_there(ask))
    remaining = organisation.microsoft.macc_remaining_usd
    worth = min(listed, float(remaining) / months) if remaining else 0.0
    low, high = rest + listed + low_fee / months - worth, rest + listed + high_fee / months
    why = (
        f"{listed:,.2f} USD at its list; onboarding {low_fee:,.0f} to {high_fee:,.0f} USD once, over {months} months"
        + (f"; up to {worth:,.2f} of it burns down a MACC that would lapse otherwise" if remaining else "")
        + (f"; goes on where it runs for {rest:,.2f} USD: {kept}" if missing else "")
    )
    more = round(rest + listed - sum(by_model.values()), 2)
    against = f"{more:+,.2f} USD a month against" if more else "the same as"
    even = f"list on Foundry is {against} where it runs"
    grounds = (Ground.MEASURED, Ground.STATED if FOUNDRY in organisation.onboarding or remaining else Ground.ASSUMPTION)
    return Way(
        FOUNDRY,
        low,
        high,
        even,
        why,
        basis_of(ask.snapshot, ids, *grounds),
        yours="" if remaining else _macc_field(ask),
    )


def _macc_field(ask: DepthAsk) -> str:
    return "microsoft.macc_remaining_usd" if footprint(ask.organisation.microsoft, ask.seat_usage) else ""


def _runs_there(ask: DepthAsk) -> bool:
    return any(offer.surface == FOUNDRY for demand in ask.demands for offer, _ in demand.offers)


def onboarding_usd(given: Onboarding | None, *, runs_there: bool) -> tuple[float, float]:
    """What opening a surface and moving the workload costs once, low and high; nothing where it already runs."""
    if runs_there:
        return 0.0, 0.0
    terms = given or Onboarding()
    switch = float(terms.switch_days_per_workload * terms.usd_per_day)
    if terms.done:
        return switch, switch
    fees = float(terms.fees_usd)
    low, high = (float(days * terms.usd_per_day) for days in (terms.days_low, terms.days_high))
    return low + fees + switch, high + fees + switch


def _measured() -> Basis:
    return Basis((Ground.MEASURED,))


def _way_point(way: Way, tokens: float) -> Point:
    name = "tokens on Foundry" if way.surface == FOUNDRY else way.title
    if way.low_usd is None or way.high_usd is None:
        value = f"{way.why}" if way.blocked else f"{way.why}; {way.break_even}" if way.break_even else way.why
        speaks = "not counted" if way.blocked else f"yours to fill: {way.yours}" if way.yours else "nothing"
        return Point(name, value, speaks, way.basis)
    value = f"{way.low_usd:,.2f} to {way.high_usd:,.2f} USD a month; {way.break_even}; {way.why}"
    if way.blocked:
        return Point(name, f"{value}; {way.blocked}", "not counted", way.basis)
    if way.high_usd < tokens:
        speaks = "this way, at either end"
    elif way.low_usd < tokens:
        speaks = "this way at its low end"
    elif way.low_usd == tokens == way.high_usd:
        speaks = "neither"
    else:
        speaks = "tokens as they run"
    more = f"; yours to fill: {way.yours}" if way.yours else ""
    return Point(name, value, speaks + more, way.basis)


def _onboarding_points(ask: DepthAsk) -> Iterator[Point]:
    organisation = ask.organisation
    given = organisation.onboarding.get(FOUNDRY)
    low, high = onboarding_usd(given, runs_there=_runs_there(ask))
    basis = Basis((Ground.STATED if given is not None else Ground.ASSUMPTION,), note="days of work and fees")
    value = "none: it runs there" if _runs_there(ask) else f"{low:,.0f} to {high:,.0f} USD once"
    yield Point("onboarding of Foundry", value, "staying" if high else "Foundry", basis)
    for surface in sorted({offer.surface for demand in ask.demands for offer, _ in demand.offers} - {FOUNDRY}):
        terms = organisation.onboarding.get(surface)
        if terms is not None and not terms.done:
            one, other = onboarding_usd(terms, runs_there=False)
            avoided = f"{one:,.0f} to {other:,.0f} USD once if it went to Foundry instead"
            yield Point(f"onboarding of {surface} avoided", avoided, "Foundry", Basis((Ground.STATED,)))
    entra = organisation.microsoft.entra
    value = "Entra is in use; the days it saves are within the onboarding of Foundry" if entra else "no Entra"
    note = "no claim prices identity: it is in the days of onboarding, which are yours to fill"
    yield Point("identity", value, "Foundry" if entra else "nothing", Basis((Ground.STATED,), note=note))


def _claim_points(ask: DepthAsk) -> Iterator[Point]:
    """What claims say of buying on Foundry and in the Copilots: commitment, eligibility, boundary, defaults."""
    at, snapshot = ask.at, ask.snapshot
    wanted = [
        (FOUNDRY, "commitment", "MACC eligibility", "Foundry, where a MACC would lapse"),
        (FOUNDRY, "purchase_eligibility", "who may buy Claude on Foundry", "a check of your agreement"),
        (
            "foundry:hosted-on-azure",
            "eu_data_boundary",
            "EU Data Boundary, hosted on Azure",
            "other platforms, in the EU",
        ),
        (
            "foundry:hosted-on-anthropic",
            "eu_data_boundary",
            "EU Data Boundary, hosted by Anthropic",
            "other platforms, in the EU",
        ),
    ]
    if "m365-copilot" in seat_surfaces(ask.organisation.needs(ask.workload)) or ask.organisation.microsoft.m365_seats:
        wanted += [
            ("m365-copilot", "eu_data_boundary", "EU Data Boundary, Microsoft 365 Copilot", "tokens, in the EU"),
            ("m365-copilot", "default_state", "Claude in Microsoft 365 Copilot", "an administrator's decision"),
        ]
    for subject, predicate, what, speaks in wanted:
        for claim in snapshot.find(subject=subject, predicate=predicate, at=at):
            yield Point(what, claim.value, speaks, basis_of(snapshot, (claim.id,)))


def _usage_points(ask: DepthAsk) -> Iterator[Point]:
    for item in ask.seat_usage:
        counts = [
            ("seats", item.seats),
            ("active users", item.active),
            ("credits", item.credits),
            ("requests", item.requests),
        ]
        said = [f"{value:,} {name}" for name, value in counts if value is not None]
        said += [f"{item.net.rounded()} USD net"] if item.net is not None else []
        span = f" {item.first_day} to {item.last_day}" if item.first_day is not None else ""
        idle = item.seats is not None and item.active is not None and item.active < item.seats
        speaks = (
            f"{item.seats - item.active:,} seats idle" if idle and item.seats and item.active is not None else "as used"
        )
        yield Point(f"{item.report} ({item.source}){span}", ", ".join(said) or "nothing counted", speaks, _measured())


def _equal_points(ask: DepthAsk, market: Market) -> Iterator[Point]:
    """Whether Foundry's list price is anybody else's too: the evidence that it is one platform among others."""
    for demand in ask.demands:
        found = listing(market, demand.model, demand.band_starts)
        here = [price for price in found.prices if price.offer.surface == FOUNDRY]
        others = [price for price in found.prices if price.offer.surface != FOUNDRY]
        if not here:
            continue
        same = [price.offer.surface for price in others if found.common(price) == found.common(here[0])]
        ids = [name for price in found.prices for name in price.claim_ids]
        value = f"the same per token as on {', '.join(same)}" if same else "its own"
        speaks = "one platform among others" if len(same) == len(others) else "a comparison of prices"
        yield Point(f"Foundry's list price of {demand.model}", value, speaks, basis_of(ask.snapshot, ids))


def _answer(
    ask: DepthAsk,
    tokens: float,
    found: Sequence[Way],
    best: Way | None,
    saving: tuple[float, float],
    points: tuple[Point, ...],
) -> Answer:
    has = footprint(ask.organisation.microsoft, ask.seat_usage)
    low, high = saving
    fields = sorted({way.yours for way in found if way.yours})
    basis = joined(way.basis for way in found)
    even = "; ".join(
        f"{way.title if way.surface != FOUNDRY else 'Foundry'}: {way.break_even}" for way in found if way.break_even
    )
    yours = f" Yours to fill: {', '.join(fields)}." if fields else ""
    if high <= 0:
        ranged = f"costs {-high:,.2f} to {-low:,.2f} USD a month more than the {tokens:,.2f} of tokens where it runs"
    else:
        ranged = f"saves {low:,.2f} to {high:,.2f} USD a month of the {tokens:,.2f} of tokens where it runs"
    name = "" if best is None else "tokens on Foundry" if best.surface == FOUNDRY else best.title
    if not has:
        told = f"the best Microsoft way, {name}, {ranged}." if name else "none of Microsoft's ways can carry this work."
        sentence = (
            "No Microsoft footprint is stated: Foundry is one API platform among others, at list prices and "
            f"onboarding like any; {told}{yours}"
        )
        return Answer("microsoft", _HOME, sentence, even, points, basis)
    if best is None:
        sentence = f"With {', '.join(has)}: no way can be priced yet." + yours
        return Answer("microsoft", "cannot be priced yet", sentence, even, points, basis)
    if low > 0:
        verdict = name
    elif high > 0:
        verdict = f"{name}, at its low end only"
    else:
        verdict = "tokens as they run"
    sentence = f"With {', '.join(has)}: the best way, {name}, {ranged}." + yours
    return Answer("microsoft", verdict, sentence, even, points, basis)
