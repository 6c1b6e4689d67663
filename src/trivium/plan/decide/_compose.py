"""The decision, composed: frame, optimise, hold the quotas, then say what it costs, why, and what would change it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from trivium.core import Checkpoint, Money, NoPrice, Offer
from trivium.plan import _candidates
from trivium.plan._demand import Demand
from trivium.plan._facts import Quota
from trivium.plan._market import BookMarket, baseline_cost
from trivium.plan.decide._advice import Judged, advise, information, judge
from trivium.plan.decide._bridges import AsIs, as_is, first_month_bridge, lever_bridge
from trivium.plan.decide._deals import Array, Deal, bill
from trivium.plan.decide._frame import Framed, Given, frame
from trivium.plan.decide._joint import Outcome, optimise
from trivium.plan.decide._joint_moves import moves_cost
from trivium.plan.decide._quota import Held, hold
from trivium.plan.decide._reasons import bindings, cache_flip, runner_up
from trivium.plan.decide._risks import cheapest_list, losses, one_platform, rival
from trivium.plan.decide._routes import routes_from
from trivium.plan.decide._scenes import LEVELS, Scenes, objective, spread
from trivium.plan.decide._stages import Laid, lay, stages
from trivium.plan.decide._summary import summarise
from trivium.plan.decide._swings import inputs_swung
from trivium.plan.decide._ways import Way
from trivium.plan.decision import (
    Advice,
    Answer,
    Basis,
    Binding,
    Cone,
    Decided,
    Decision,
    Excluded,
    Flip,
    Ground,
    Rival,
    Stage,
    Step,
    WhatIfTrue,
)
from trivium.plan.org import Assumption

Answers = Callable[[Framed, str], tuple[Answer, ...]]  # of one workload, in the order of the questions
Dates = Callable[[Framed, Sequence[Stage]], tuple[Checkpoint, ...]]


@dataclass(frozen=True)
class Voices:
    """Who answers the five questions, and who names the dates."""

    answers: Answers
    dates: Dates
    what_if: Callable[[Framed], tuple[WhatIfTrue, ...]]


@dataclass(frozen=True)
class Chosen:
    """Everything that was chosen, before it is told."""

    framed: Framed
    scenes: Scenes  # those of the frame, with what a divided part really costs
    now: AsIs
    outcome: Outcome
    held: Held
    laid: Laid
    deals: tuple[Deal, ...]
    moves_usd: float
    totals: Array  # (S,), moves included


def choose(given: Given) -> Chosen:
    """Frame and optimise."""
    framed = frame(given)
    outcome = optimise(framed.scenes, framed.moves, framed.in_force, framed.offers, framed.risk, framed.spreading)
    wish = [_way(framed, outcome.shares, number, 0) for number in range(len(framed.parts))]
    held = hold(framed.parts, wish, [months[0] for months in framed.ways.every], framed.facts.quotas)
    laid = lay(outcome.shares, framed.scenes.unit_usd, framed.ways, held)
    scenes = replace(framed.scenes, unit_usd=laid.unit_usd)
    deals = (*framed.in_force, *outcome.signed)
    moves_usd = moves_cost(laid.shares, framed.moves)
    totals = bill(scenes.spend(laid.shares), deals).total + moves_usd
    return Chosen(framed, scenes, as_is(framed), outcome, held, laid, deals, moves_usd, totals)


def _way(framed: Framed, shares: Array, part: int, month: int) -> Way:
    surface = framed.ways.surfaces[int(np.argmax(shares[part, :, month]))]
    return framed.ways.best[part][month][surface]


def decide(given: Given, voices: Voices) -> Decision:
    """The whole decision; UserError names what cannot be used."""
    chosen = choose(given)
    framed, scenes = chosen.framed, chosen.scenes
    about = given.organisation.about
    told = stages(framed.parts, chosen.laid, framed.starts)
    first = [months[0][0][0] for months in chosen.laid.ways]
    advices, judged = _commitments(chosen)
    workloads = _workloads(chosen, told, first, voices)
    bound = bindings(framed.parts, first, framed.terms, given.at, framed.ends[0])
    routes = routes_from(told, _fallbacks(framed, first), f"{given.at}-{given.book.digest[:12]}")
    decision = Decision(
        organisation=about.name or "the organisation",
        at=given.at,
        as_of=given.snapshot.as_of,
        horizon_months=about.horizon_months,
        risk_weight=framed.risk.weight,
        risk_level=framed.risk.level,
        scenarios=about.scenarios,
        seed=about.seed,
        summary=(),
        workloads=workloads,
        total=_total_cone(chosen),
        forecast=spread(chosen.totals, framed.risk.level),
        baseline=spread(bill(chosen.now.spend(framed), framed.in_force).total, framed.risk.level),
        levers=lever_bridge(framed, chosen.now, scenes.spend(chosen.laid.shares), chosen.deals, chosen.moves_usd),
        first_month=first_month_bridge(framed, chosen.now),
        rivals=_rivals(chosen),
        commitments=advices,
        bindings=(*bound, *_quota_bindings(chosen)),
        flips=_flips(chosen, first),
        swings=inputs_swung(scenes, chosen.laid.shares, chosen.deals, framed),
        losses=losses([part.workload for part in framed.parts], first, [months[0] for months in framed.ways.best]),
        waiting=_waiting(chosen, judged),
        information=_information(chosen, judged),
        what_if_true=voices.what_if(framed),
        checkpoints=voices.dates(framed, told),
        assumptions=_assumptions(framed),
        claim_ids=(),
        optimality=_optimality(chosen),
        snapshot_digest=given.snapshot.digest,
        book_digest=given.book.digest,
        routes=routes,
        notes=_notes(chosen),
    )
    return replace(decision, claim_ids=_claims_of(decision, chosen), summary=summarise(decision))


def _workloads(chosen: Chosen, told: Sequence[Stage], first: Sequence[Way], voices: Voices) -> tuple[Decided, ...]:
    framed = chosen.framed
    paid = _by_part(chosen)
    names = dict.fromkeys(part.workload for part in framed.parts)
    found = [_decided(chosen, name, told, first, paid, voices) for name in names]
    for part, excluded in framed.unplaced:
        if part.workload not in names:
            found.append(_without_place(framed, part.workload, excluded))
    return tuple(sorted(found, key=lambda item: (-item.monthly_now_usd, item.workload)))


def _by_part(chosen: Chosen) -> Array:
    """What each part pays in every scenario, (W, S): its list spend, times what its surface's bill is of its list."""
    scenes = chosen.scenes
    spend = scenes.spend(chosen.laid.shares)
    paid = bill(spend, chosen.deals).paid
    rate = np.divide(paid, spend, out=np.ones_like(paid), where=spend > 0)  # (K, S, T)
    cost = np.where(chosen.laid.shares > 0, scenes.unit_usd, 0.0) * chosen.laid.shares * scenes.month_weight
    return np.asarray(np.einsum("wkt,wst,kst->ws", cost, scenes.demand, rate, optimize=True))


def _decided(
    chosen: Chosen, name: str, told: Sequence[Stage], first: Sequence[Way], paid: Array, voices: Voices
) -> Decided:
    framed = chosen.framed
    mine = [number for number, part in enumerate(framed.parts) if part.workload == name]
    demands = {framed.parts[n].model: framed.parts[n].demand for n in mine}
    entry = framed.given.organisation.workloads.get(name)
    dearest = max(mine, key=lambda n: first[n].usd_per_month)
    excluded = {
        out.offer: Excluded(out.offer, out.reason, out.claim_ids) for n in mine for out in framed.ways.excluded[n]
    }
    return Decided(
        workload=name,
        owner=entry.owner if entry is not None else "",
        models=tuple(sorted(demands)),
        measured=Money(sum(_measured(framed, demand) for demand in demands.values())),
        span_days=framed.span_days[name],
        requests=sum(demand.requests for demand in demands.values()),
        monthly_now_usd=float(chosen.now.unit_usd[mine, 0].sum()),
        monthly_plan_usd=sum(way.usd_per_month * share / 100 for n in mine for way, share in chosen.laid.ways[n][0]),
        forecast=spread(paid[mine].sum(axis=0), framed.risk.level),
        demand=_demand_cone(framed, name),
        answers=voices.answers(framed, name),
        stages=tuple(stage for stage in told if stage.workload == name),
        why=_why(chosen, mine, first),
        runner_up=runner_up(first[dearest], framed.ways.best[dearest][0]),
        excluded=tuple(excluded[offer] for offer in sorted(excluded)),
    )


def _measured(framed: Framed, demand: Demand) -> int:
    try:
        return baseline_cost(demand, BookMarket(framed.given.book, framed.given.at))
    except NoPrice:
        return 0


def _why(chosen: Chosen, mine: Sequence[int], first: Sequence[Way]) -> str:
    framed = chosen.framed
    said = []
    for number in mine:
        part, way = framed.parts[number], first[number]
        months = chosen.laid.ways[number]
        options = framed.ways.best[number][0]
        least = min(other.usd_per_month for other in options.values())
        home = part.demand.home
        if len(months[0]) > 1:
            text = "divided: no single offer holds its measured peak within the quotas"
        elif way.offer.surface == home.surface and way.usd_per_month <= least * (1 + 1e-9):
            equal = sorted(s for s, w in options.items() if s != home.surface and w.usd_per_month <= least * (1 + 1e-9))
            text = (
                f"stays; the same cost on {', '.join(equal)}, and a move gains nothing"
                if equal
                else "stays: the cheapest"
            )
        elif way.offer.surface == home.surface:
            text = "stays: what a move would save does not pay for it within the horizon"
        elif home.surface not in options:
            text = f"moves: {home.surface} does not meet its needs"
        else:
            text = "moves: cheaper over the horizon, moves and contracts counted"
        if any(months[m][0][0].offer.surface != months[m - 1][0][0].offer.surface for m in range(1, len(months))):
            text += "; moves again later in the horizon"
        said.append(f"{part.model}{' (may wait)' if part.waits else ''}: {text}")
    return "; ".join(dict.fromkeys(said))


def _without_place(framed: Framed, name: str, excluded: Sequence[_candidates.Excluded]) -> Decided:
    reasons = "; ".join(f"{out.offer}: {out.reason}" for out in excluded[:6])
    part = next(part for part, _ in framed.unplaced if part.workload == name)
    entry = framed.given.organisation.workloads.get(name)
    return Decided(
        workload=name,
        owner=entry.owner if entry is not None else "",
        models=(part.model,),
        measured=Money(_measured(framed, part.demand)),
        span_days=framed.span_days[name],
        requests=part.demand.requests,
        monthly_now_usd=0.0,
        monthly_plan_usd=0.0,
        forecast=spread(np.zeros(1), framed.risk.level),
        demand=_demand_cone(framed, name),
        answers=(),
        stages=(),
        why="",
        runner_up=None,
        excluded=tuple(Excluded(out.offer, out.reason, out.claim_ids) for out in excluded),
        unplaced=f"no platform offers what it needs: {reasons}",
    )


def _demand_cone(framed: Framed, name: str) -> Cone:
    row = framed.cone.names.index(name)
    found = framed.cone.quantiles(LEVELS)[row]
    return Cone(
        name, "times the measured month", framed.starts, LEVELS, tuple(tuple(map(float, line)) for line in found)
    )


def _total_cone(chosen: Chosen) -> Cone:
    framed = chosen.framed
    undiscounted = framed.scenes.month_weight
    monthly = bill(chosen.scenes.spend(chosen.laid.shares), chosen.deals).monthly / undiscounted
    found = np.quantile(monthly, LEVELS, axis=0, method="inverted_cdf")
    return Cone("all workloads", "USD a month", framed.starts, LEVELS, tuple(tuple(map(float, line)) for line in found))


def _rivals(chosen: Chosen) -> tuple[Rival, ...]:
    framed = chosen.framed
    found = [Rival("as it runs now", spread(bill(chosen.now.spend(framed), framed.in_force).total, framed.risk.level))]
    for number, surface in enumerate(framed.scenes.surfaces):
        shares = one_platform(framed.scenes, number)
        moves = moves_cost(shares, framed.moves) if shares is not None else 0.0
        found.append(rival(f"all on {surface}", framed.scenes, shares, framed.in_force, framed.risk, moves))
    cheapest = cheapest_list(framed.scenes)
    moves = moves_cost(cheapest, framed.moves)
    found.append(rival("cheapest list price each month", framed.scenes, cheapest, framed.in_force, framed.risk, moves))
    return tuple(found)


def _commitments(chosen: Chosen) -> tuple[tuple[Advice, ...], tuple[list[Judged], ...]]:
    framed = chosen.framed
    placements = (chosen.laid.shares, *chosen.outcome.placements)
    advices, every = [], []
    for offer in framed.offers:
        others = [deal for deal in chosen.deals if deal.name != offer.name]
        advice, _ = advise(framed.scenes, placements, others, offer, framed.risk)
        advices.append(advice)
        every.append([judge(framed.scenes, placements, others, deal, framed.risk) for deal in (None, *offer.levels)])
    return tuple(advices), tuple(every)


def _information(chosen: Chosen, judged: Sequence[Sequence[Judged]]) -> Step | None:
    if not judged:
        return None
    worth = sum(information(levels, _best(levels, chosen).totals) for levels in judged)
    why = (
        "mean cost of the best commitments less that of choosing them after the fact; nothing can be worth more to know"
    )
    return Step("knowing the demand exactly", worth, why, Basis((Ground.ASSUMPTION,), note="demand cone"))


def _best(levels: Sequence[Judged], chosen: Chosen) -> Judged:
    risk = chosen.framed.risk
    return min(levels, key=lambda found: objective(found.totals, risk.weight, risk.level))


_QUARTER = 3
_BINS = 10


def _waiting(chosen: Chosen, judged: Sequence[Sequence[Judged]]) -> Step | None:
    """A quarter's wait shows one tenth of the scenarios from another; its price is the quarter's discount foregone."""
    if not judged or len(chosen.framed.starts) <= _QUARTER:
        return None
    seen = chosen.framed.scenes.part_spend(chosen.laid.shares)[:, :, :_QUARTER].sum(axis=(0, 2))
    bins = np.array_split(np.argsort(seen, kind="stable"), _BINS)
    share = _QUARTER / len(chosen.framed.starts)
    worth = 0.0
    for levels in judged:
        now = _best(levels, chosen).totals
        without = levels[0].totals
        waited = np.empty_like(now)
        for members in bins:
            picked = min(levels, key=lambda found: float(found.totals[members].mean()))
            waited[members] = share * without[members] + (1 - share) * picked.totals[members]
        worth += float(now.mean() - waited.mean())
    why = (
        "deciding a quarter later, after seeing its use, and paying list prices meanwhile"
        if worth > 0
        else "what a quarter at list prices costs outweighs what it would teach"
    )
    return Step("waiting a quarter", worth, why, Basis((Ground.ASSUMPTION,), note="demand cone"))


def _quota_bindings(chosen: Chosen) -> tuple[Binding, ...]:
    """What each broken quota costs: the placement that holds them all against the one with it lifted."""
    placement = chosen.held.placement
    if placement is None:
        return ()
    found = []
    for quota, peak, _ in chosen.held.broken:
        group = placement.quotas.index(quota)
        lifted = placement.cost_without(group)
        worth = (placement.solution.cost - lifted) / placement.problem.parts / 1e12
        days = max(chosen.framed.span_days.values())
        basis = Basis((Ground.MEASURED, Ground.CLAIM), quota.claim_ids, quota.status)
        name = f"{quota.surface} {quota.metric} {quota.limit:,} ({quota.name}): the measured peak is {peak:,}"
        found.append(Binding(name, worth / days * 30.4375, _covered(chosen, quota), basis))
    return tuple(found)


def _covered(chosen: Chosen, quota: Quota) -> tuple[str, ...]:
    parts = zip(chosen.framed.parts, chosen.framed.ways.every, strict=True)
    return tuple(sorted({part.workload for part, ways in parts if any(quota.covers(way.offer) for way in ways[0])}))


def _flips(chosen: Chosen, first: Sequence[Way]) -> tuple[Flip, ...]:
    framed = chosen.framed
    market = BookMarket(framed.given.book, framed.given.at)
    found = [
        flip
        for part, way in zip(framed.parts, first, strict=True)
        if way.offer.tier != "batch" and (flip := cache_flip(part, way.offer, market)) is not None
    ]
    return (*found, *_discount_flips(chosen))


def _discount_flips(chosen: Chosen) -> list[Flip]:
    """The discount on each platform at which moving everything that may run there pays, moves counted."""
    framed, scenes = chosen.framed, chosen.scenes
    mean = (scenes.demand.mean(axis=1) * scenes.month_weight)[:, None, :]
    plan = np.where(chosen.laid.shares > 0, scenes.unit_usd, 0.0) * chosen.laid.shares * mean
    found = []
    for number, surface in enumerate(scenes.surfaces):
        able = np.isfinite(scenes.unit_usd[:, number, :]).all(axis=1)
        there = (chosen.laid.shares[:, number, :] > 0).all(axis=1)
        movers = able & ~there
        if not movers.any():
            continue
        shares = chosen.laid.shares.copy()
        shares[movers] = 0.0
        shares[movers, number, :] = 1.0
        extra = moves_cost(shares, framed.moves) - chosen.moves_usd
        here = float(plan[movers].sum())
        target = float((scenes.unit_usd[movers, number, :] * mean[movers, 0, :]).sum())
        if target <= 0:
            continue
        flip = 1 - (here - extra) / target
        names = sorted({framed.parts[index].workload for index in np.flatnonzero(movers)})
        text = f"{flip:.2%}" if flip < 1 else "no discount suffices"
        basis = Basis((Ground.MEASURED, Ground.CLAIM, Ground.ASSUMPTION), note="moves cost what the file says")
        found.append(
            Flip(
                f"discount on {surface}",
                "0 % beyond the contracts counted",
                text,
                f"move {', '.join(names)} there",
                basis,
            )
        )
    return found


def _fallbacks(framed: Framed, first: Sequence[Way]) -> dict[tuple[str, str], list[Offer]]:
    found: dict[tuple[str, str], list[Offer]] = {}
    for part, way, months in zip(framed.parts, first, framed.ways.best, strict=True):
        if part.waits:
            continue
        others = [other for surface, other in months[0].items() if surface != way.offer.surface]
        others.sort(key=lambda other: (other.span_picos, str(other.offer)))
        found[part.workload, part.model] = [other.offer for other in others if other.offer.tier != "batch"]
    return found


def _assumptions(framed: Framed) -> tuple[Assumption, ...]:
    found = [
        *framed.given.organisation.assumed,
        *(
            Assumption("demand", "forecast", text, "give a longer history ([usage] history) or a belief (needs.growth)")
            for text in framed.model.assumptions
        ),
        *(
            Assumption("quotas", "tier", text, "name your usage tier in [organisation] quota_tiers")
            for text in framed.facts.assumptions
        ),
    ]
    for number, end, heir in framed.ways.followed:
        part = framed.parts[number]
        why = f"{part.model} is retired wherever {part.workload} may run by {end}"
        value = heir or "nothing known; its last price is carried on"
        found.append(
            Assumption(f"workloads.{part.workload}.needs.models", value, why, "name the model that should follow it")
        )
    unique = {(item.field, item.value, item.why): item for item in found}
    return tuple(unique.values())


def _optimality(chosen: Chosen) -> str:
    count = len(chosen.outcome.placements)
    return f"the best of {count} placements, each with every level of every offer, by the exact bill in every scenario"


def _notes(chosen: Chosen) -> tuple[str, ...]:
    found = []
    if chosen.held.placement is not None:
        over = chosen.held.placement.solution.overrun(chosen.held.placement.problem)
        for group in over:
            quota = chosen.held.placement.quotas[group]
            need = chosen.held.placement.solution.limits[group]
            found.append(f"no placement holds {quota.surface} {quota.metric} {quota.limit:,}: ask for {need:,}")
    return tuple(found)


def _claims_of(decision: Decision, chosen: Chosen) -> tuple[str, ...]:
    """Every claim that any statement names."""
    ids = {name for months in chosen.laid.ways for month in months for way, _ in month for name in way.claim_ids}
    for item in decision.workloads:
        ids |= {name for out in item.excluded for name in out.claim_ids}
        for answer in item.answers:
            ids |= set(answer.basis.claim_ids) | {name for point in answer.points for name in point.basis.claim_ids}
    for group in (decision.bindings, decision.flips, decision.commitments):
        ids |= {name for item in group for name in item.basis.claim_ids}
    ids |= {name for checkpoint in decision.checkpoints for name in checkpoint.claim_ids}
    ids |= {item.claim_id for item in decision.what_if_true}
    return tuple(sorted(ids))
