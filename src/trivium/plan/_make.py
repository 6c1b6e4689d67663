"""From demand, requirements, prices and facts to a plan. Plain values in, a value out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal

from trivium.core import Money, NoPrice, PriceError, UserError
from trivium.plan._candidates import Candidate, Choice, Frame, choose_from, lives, requirements_for, scopes_of
from trivium.plan._demand import Demand
from trivium.plan._facts import Requirement
from trivium.plan._levers import Prices, best_cost, levers
from trivium.plan._market import claims_of
from trivium.plan._place import Placement, place
from trivium.plan._plan import Plan, Share, Unplaced, WorkloadPlan
from trivium.plan._quotas import quota_findings
from trivium.plan._reasons import checkpoints, fallbacks, quota_reasons, requirement_reasons, runner_up
from trivium.plan._watch import watches

_DAY = timedelta(days=1)


def make_plan(
    demands: Sequence[Demand],
    requirements: Iterable[Requirement],
    frame: Frame,
    prices: Prices | None = None,
    *,
    parts: int = 100,
) -> Plan:
    """The cheapest placement that meets every requirement and quota, with its reasons.

    A demand without an admissible offer, or whose present use has no price that day, stands in `unplaced` with the
    reason; NoPrice if nothing can be placed.
    """
    if not demands:
        raise UserError("demand", "none", "give usage to plan on: a ledger with requests, or a trace")
    known = requirements_for(demands, requirements)
    _refuse_strangers(known, requirements)
    prices = prices or Prices(frame.market, frame.market)
    found = [choose_from(demand, known[demand.workload], frame) for demand in demands]
    failures = {number: error for number, choice in enumerate(found) if (error := _unplaceable(choice, prices))}
    choices = tuple(choice for number, choice in enumerate(found) if number not in failures)
    if not choices:
        raise next(iter(failures.values()))
    placement = place(choices, frame.facts.quotas, parts)
    table, baseline, opened = levers(choices, prices, frame)
    items = tuple(_workload(number, placement, prices, frame) for number in range(len(choices)))
    cost = sum((item.cost for item in items), Money(0))
    used = [(choice, _used(placement, number)) for number, choice in enumerate(choices)]
    findings = quota_findings(placement, frame.facts, _span_days([choice.demand for choice in choices]))
    reasons = quota_reasons(placement)
    ids = {name for item in items for name in item.claim_ids}
    ids |= {name for finding in findings if finding.breaks for name in finding.claim_ids}
    ids |= {name for reason in reasons for name in reason.claim_ids}
    dates = checkpoints(used, frame)
    ids |= {name for checkpoint in dates for name in checkpoint.claim_ids}
    return Plan(
        at=frame.at,
        as_of=None,
        span_days=_span_days([choice.demand for choice in choices]),
        baseline=baseline,
        cost=cost,
        workloads=items,
        levers=table,
        remainder=opened - cost,
        quotas=findings,
        reasons=reasons,
        checkpoints=dates,
        unplaced=tuple(
            Unplaced(
                found[number].demand.workload, found[number].demand.model, found[number].demand.requests, str(error)
            )
            for number, error in failures.items()
        ),
        assumptions=_assumptions(choices, prices, frame, parts),
        claim_ids=tuple(sorted(ids)),
    )


def _refuse_strangers(known: Iterable[str], requirements: Iterable[Requirement]) -> None:
    names = set(known)
    for requirement in requirements:
        if requirement.workload not in names:
            raise UserError("workload", requirement.workload, f"use one of {', '.join(sorted(names))}")


def _unplaceable(choice: Choice, prices: Prices) -> PriceError | None:
    """Why a demand cannot be placed, None if it can."""
    if not choice.candidates:
        return _nowhere(choice)
    try:
        best_cost(choice, frozenset(), prices)
    except PriceError as error:
        return error
    return None


def _nowhere(choice: Choice) -> NoPrice:
    why = "; ".join(f"{out.offer}: {out.reason}" for out in choice.excluded[:8])
    name = f"{choice.demand.workload}/{choice.demand.model}"
    return NoPrice(f"no offer meets what {name} needs: {why}", tuple(str(out.offer) for out in choice.excluded))


def _used(placement: Placement, number: int) -> tuple[Candidate, ...]:
    choice = placement.choices[number]
    return tuple(choice.candidates[candidate] for candidate, _ in placement.shares(number))


def _workload(number: int, placement: Placement, prices: Prices, frame: Frame) -> WorkloadPlan:
    choice, parts = placement.choices[number], placement.problem.parts
    used = _used(placement, number)
    # a divided workload's share is an expectation; its amount is rounded once, to the pico-dollar
    cost = round_half_even(placement.problem.workload_cost(placement.solution.shares, number), parts)
    demand = choice.demand
    rates = [rate for found in used for rate in claims_of(demand, found.offer, found.life, frame.market)]
    shares = tuple(
        Share(choice.candidates[c].offer, choice.candidates[c].life, share) for c, share in placement.shares(number)
    )
    on_chosen = {c.life: Money(c.cost) for c in choice.candidates if c.offer == used[0].offer}
    return WorkloadPlan(
        workload=demand.workload,
        model=demand.model,
        requests=demand.requests,
        baseline=Money(best_cost(choice, frozenset(), prices)),
        cost=Money(cost),
        shares=tuple(sorted(shares, key=lambda share: (-share.percent, share.offer))),
        reasons=requirement_reasons(choice, frame),
        runner_up=runner_up(choice, used, cost),
        fallbacks=fallbacks(choice, used),
        cache_costs=on_chosen,
        claim_ids=tuple(sorted({name for rate in rates for name in rate.claim_ids})),
        excluded=choice.excluded,
        why=_why(choice, used),
    )


def _why(choice: Choice, used: Sequence[Candidate]) -> str:
    if len(used) > 1:
        return "divided because no single offer holds its peak within the quotas"
    chosen = used[0]
    home = choice.demand.home
    out = [excluded.reason for excluded in choice.excluded if excluded.offer == home]
    if out and chosen.offer.surface != home.surface:
        return f"the cheapest offer that meets its requirements; {home.surface} is out: {out[0]}"
    least = min(candidate.cost for candidate in choice.candidates)
    equal = sorted({c.offer.surface for c in choice.candidates if c.cost == least} - {chosen.offer.surface})
    if chosen.cost > least:
        return "cheapest within the quotas"
    homes = {offer for offer, _ in choice.demand.offers}
    others = sorted({offer.surface for offer in homes} - {chosen.offer.surface})
    if chosen.offer in homes and others:
        alike = f"; the same cost on {', '.join(equal)}" if equal else ""
        return f"gathered here, where it runs in part (now also on {', '.join(others)}){alike}"
    if equal and chosen.offer in homes:
        return f"stays: the same cost on {', '.join(equal)}, and a move gains nothing"
    if chosen.offer in homes:
        return "stays: the cheapest offer that meets its requirements"
    return "the cheapest offer that meets its requirements"


def round_half_even(numerator: int, parts: int) -> int:
    """The nearest whole number to a fraction, ties to even."""
    quotient, rest = divmod(numerator, parts)
    return quotient + (2 * rest > parts or (2 * rest == parts and quotient % 2 == 1))


def _span_days(demands: Sequence[Demand]) -> Decimal:
    """Measured days; of workloads measured at different times, those of the longest measurement."""
    timed = [demand for demand in demands if demand.first_at is not None and demand.last_at is not None]
    spans = [watched.until - watched.since for watched in watches(timed)] if timed else []
    longest = max(spans, default=timedelta(0))
    return (Decimal(int(longest.total_seconds())) / Decimal(int(_DAY.total_seconds()))).quantize(Decimal("0.001"))


def _assumptions(choices: Sequence[Choice], prices: Prices, frame: Frame, parts: int) -> tuple[str, ...]:
    found = [
        f"prices of {frame.at} for all of the measured usage; the future is taken to be like the measured span",
        f"an offer whose retirement falls within {frame.horizon.days} days of {frame.at} is out",
        "quotas are kept in every measured clock minute; a divided workload loads each offer by its share",
        f"a workload divides by session into {parts} parts; reads of prefixes that other sessions wrote become writes",
    ]
    if any(len(lives(choice.demand)) > 1 for choice in choices):
        found.append(
            "cache life: a prefix lives on if the next request of the conversation comes within the life, counted from "
            "the request before; all writes take the chosen life"
        )
    if any(choice.requirement.batchable for choice in choices):
        found.append("a batch finds nothing in the cache")
    found += _defaults(choices, frame)
    found += frame.facts.assumptions
    if not prices.has_contracts:
        found.append("list prices: no contract is known")
    if unknown := sum(choice.demand.unknown for choice in choices):
        found.append(f"{unknown} requests with unknown usage are left out of the demand")
    return tuple(dict.fromkeys(found))


def _defaults(choices: Sequence[Choice], frame: Frame) -> list[str]:
    """Requirements that nobody stated, as sentences over the workloads that share them."""
    said: dict[str, list[str]] = {}
    for choice in choices:
        need, demand = choice.requirement, choice.demand
        if not need.scopes:  # of each model by itself
            where = ", ".join(scopes_of(demand, need))
            said.setdefault(f"residency is where it runs now ({where})", []).append(f"{demand.workload}/{demand.model}")
        if not need.models:
            said.setdefault("keeps the models it uses", []).append(demand.workload)
        if not need.batchable:
            said.setdefault("interactive: no batch", []).append(demand.workload)
        if not need.surfaces:
            said.setdefault(f"may use {', '.join(frame.surfaces)}", []).append(demand.workload)
    found = [f"{', '.join(dict.fromkeys(names))}: {what}" for what, names in said.items()]
    unknown = sorted({what for choice in choices for what in choice.unknown})
    if unknown:
        found.append(f"taken as offered, because no claim says: {', '.join(unknown)}")
    return found
