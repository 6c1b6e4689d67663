"""The ways a workload could run: what is sold that day and meets its requirements, and why the rest is out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from trivium.core import ROUTABLE_SURFACES, AmbiguousOffer, NoPrice, Offer
from trivium.plan._demand import Demand
from trivium.plan._facts import Answer, Facts, Requirement, Verdict
from trivium.plan._market import UNCACHED, UNCOUNTED, Market, claims_of, demand_cost

CACHE_CAPABILITY = {"5m": "prompt_caching_5m", "1h": "prompt_caching_1h"}
TOOL_CAPABILITY = {"web_search": "web_search", "web_fetch": "web_fetch", "code_execution_hours": "code_execution"}


@dataclass(frozen=True, slots=True, order=True)
class Candidate:
    """An offer with a cache life, for one demand; exact amounts in pico-dollars."""

    offer: Offer
    life: str  # 5m · 1h · none
    cost: int
    split_cost: int


@dataclass(frozen=True, slots=True, order=True)
class Excluded:
    """An offer that is out, and why."""

    offer: Offer
    reason: str
    claim_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """What one demand may choose from; `unknown` are needs that no claim answers."""

    demand: Demand
    requirement: Requirement
    candidates: tuple[Candidate, ...]
    excluded: tuple[Excluded, ...]
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """What all demands share: prices, facts, the day, the horizon, and the surfaces that may be used at all."""

    market: Market
    facts: Facts
    at: date
    horizon: timedelta = timedelta(days=30)
    surfaces: tuple[str, ...] = ROUTABLE_SURFACES


def lives(demand: Demand) -> tuple[str, ...]:
    """Cache lives worth considering: none to choose where nothing is cached."""
    return ("5m", "1h") if any(row.cached for row in demand.rows) else ("5m",)


def scopes_of(demand: Demand, requirement: Requirement) -> tuple[str, ...]:
    """Region scopes a demand may be served in: those required, else those it runs in now."""
    return requirement.scopes or tuple(sorted({offer.scope for offer, _ in demand.offers}))


def offers_for(demand: Demand, requirement: Requirement, frame: Frame) -> Iterator[Offer]:
    """Every offer the requirement admits by name, whether it exists or not."""
    allowed = requirement.surfaces or frame.surfaces
    surfaces = [name for name in frame.surfaces if name in allowed]
    tiers = sorted({offer.tier for offer, _ in demand.offers} | ({"batch"} if requirement.batchable else set()))
    for model in dict.fromkeys((demand.model, *requirement.models)):
        for surface in surfaces:
            for scope in scopes_of(demand, requirement):
                for tier in tiers:
                    yield Offer(surface, scope, model, tier)


def choose_from(demand: Demand, requirement: Requirement, frame: Frame) -> Choice:
    """Candidates with their exact costs, and what is excluded with its reason."""
    candidates: list[Candidate] = []
    excluded: list[Excluded] = []
    unknown: set[str] = set()
    for offer in offers_for(demand, requirement, frame):
        wrong = _unsold(demand, offer, frame) or _unfit(demand, requirement, offer, frame, unknown)
        if wrong is not None:
            excluded.append(wrong)
            continue
        for life in (UNCACHED,) if offer.tier == "batch" else lives(demand):
            found = _candidate(demand, offer, life, frame)
            (candidates if isinstance(found, Candidate) else excluded).append(found)  # type: ignore[arg-type]  # by kind
    return Choice(demand, requirement, tuple(candidates), tuple(sorted(set(excluded))), tuple(sorted(unknown)))


def _unsold(demand: Demand, offer: Offer, frame: Frame) -> Excluded | None:
    try:
        frame.market.rates(offer, demand.band_starts)
    except (NoPrice, AmbiguousOffer) as error:
        return Excluded(offer, str(error))
    return None


def _candidate(demand: Demand, offer: Offer, life: str, frame: Frame) -> Candidate | Excluded:
    if life == "1h":
        able = frame.facts.capability(offer.surface, offer.model, CACHE_CAPABILITY[life])
        if able.answer is Answer.NO:
            return Excluded(offer, "no one-hour cache life there", able.claim_ids)
    try:
        cost = demand_cost(demand.rows, offer, life, frame.market, demand.band_starts)
        divided = demand_cost(demand.rows, offer, life, frame.market, demand.band_starts, divided=True)
        rates = claims_of(demand, offer, life, frame.market)
    except (NoPrice, AmbiguousOffer) as error:
        return Excluded(offer, str(error))
    weak = sorted({rate.status for rate in rates} & UNCOUNTED)
    if weak:
        ids = tuple(sorted({name for rate in rates if rate.status in UNCOUNTED for name in rate.claim_ids}))
        return Excluded(offer, f"its price is {' and '.join(weak)}: shown, never counted", ids)
    return Candidate(offer, life, cost, max(cost, divided))


def needs(demand: Demand, requirement: Requirement) -> tuple[str, ...]:
    """Capabilities a demand needs: those required, and those its usage shows."""
    shown = [TOOL_CAPABILITY[unit] for unit in demand.units() if unit in TOOL_CAPABILITY]
    if any(row.cached for row in demand.rows):
        shown.append(CACHE_CAPABILITY["5m"])
    return tuple(dict.fromkeys((*requirement.capabilities, *shown)))


def _unfit(demand: Demand, requirement: Requirement, offer: Offer, frame: Frame, unknown: set[str]) -> Excluded | None:
    """The first requirement an offer fails; what no claim answers is collected, not held against it."""
    leaves = frame.facts.retirement(offer.surface, offer.model)
    if leaves is not None and leaves.day <= frame.at + frame.horizon:
        return Excluded(offer, f"the surface retires the model on {leaves.day}", leaves.claim_ids)
    runs_here = any((there.surface, there.model) == (offer.surface, offer.model) for there, _ in demand.offers)
    for name in needs(demand, requirement):
        verdict = frame.facts.capability(offer.surface, offer.model, name)
        if verdict.answer is Answer.NO and not (runs_here and name not in requirement.capabilities):
            return Excluded(offer, f"{name} is not offered there", verdict.claim_ids)
        if verdict.answer is Answer.UNKNOWN and not runs_here:
            unknown.add(f"{name} on {offer.surface}")
    window = frame.facts.capability(offer.surface, offer.model, "context_window_tokens")
    here = frame.facts.capability(demand.home.surface, demand.home.model, "context_window_tokens")
    tokens, needed = _window(window), demand.prompt_tokens_max
    # a window no smaller than the one that served these prompts is not held against an offer, whatever it states
    if tokens is not None and tokens < needed and tokens < (_window(here) or needed) and not runs_here:
        reason = f"its longest prompt has {needed:,} tokens, the context window there {tokens:,}"
        return Excluded(offer, reason, window.claim_ids)
    return None


def _window(verdict: Verdict) -> int | None:
    head = verdict.value.split(" ", 1)[0].replace(",", "")
    return int(head) if head.isdigit() else None


def requirements_for(demands: Sequence[Demand], given: Iterable[Requirement]) -> Mapping[str, Requirement]:
    """A requirement for every workload: the given one, else the defaults."""
    known = {requirement.workload: requirement for requirement in given}
    return {demand.workload: known.get(demand.workload, Requirement(demand.workload)) for demand in demands}
