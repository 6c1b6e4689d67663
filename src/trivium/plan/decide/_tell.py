"""What is told of each workload: money, demand, stages, why, what is out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trivium.core import Money, NoPrice
from trivium.plan import _candidates
from trivium.plan._demand import Demand
from trivium.plan._market import baseline_cost
from trivium.plan.decide._choose import Chosen
from trivium.plan.decide._deals import Array, bill
from trivium.plan.decide._frame import Framed
from trivium.plan.decide._parts import Part
from trivium.plan.decide._reasons import runner_up
from trivium.plan.decide._scenes import LEVELS, spread
from trivium.plan.decide._voices import Voices
from trivium.plan.decide._ways import Way
from trivium.plan.decision import Cone, Decided, Excluded, Stage


def workloads(
    chosen: Chosen, told: Sequence[Stage], first: Sequence[Way], ids: Sequence[str], voices: Voices
) -> tuple[Decided, ...]:
    """Every workload, the dearest first; those without a place too."""
    framed = chosen.framed
    paid = _by_part(chosen)
    names = dict.fromkeys(part.workload for part in framed.parts)
    found = [_decided(chosen, name, told, first, paid, _Said(ids, voices)) for name in names]
    for part, excluded, late in framed.unplaced:
        if part.workload not in names:
            names[part.workload] = None
            found.append(_without_place(framed, part, late or _nowhere(excluded), excluded, voices))
    return tuple(sorted(found, key=lambda item: (-item.monthly_now_usd, item.workload)))


@dataclass(frozen=True)
class _Said:
    """The claims a plan rests on, and who speaks of them."""

    ids: Sequence[str]
    voices: Voices


def _by_part(chosen: Chosen) -> Array:
    """What each part pays in every scenario, (W, S): its list spend, times what its surface's bill is of its list.

    What is paid in months without use there goes by the surface's spend over the horizon, and where there is none at
    all by all spend: so the parts add up to the bill.
    """
    scenes = chosen.scenes
    spend = scenes.spend(chosen.laid.shares)
    paid = bill(spend, chosen.deals, scenes.month_weight).paid
    rate = np.divide(paid, spend, out=np.zeros_like(paid), where=spend > 0)  # (K, S, T)
    idle = np.where(spend > 0, 0.0, paid).sum(axis=2)  # (K, S)
    cost = np.where(chosen.laid.shares > 0, scenes.unit_usd, 0.0) * chosen.laid.shares * scenes.month_weight
    mine = np.einsum("wkt,wst->wks", cost, scenes.demand, optimize=True)
    here, everywhere = mine.sum(axis=0), mine.sum(axis=(0, 1))
    even = np.full((len(mine), len(everywhere)), 1 / len(mine))
    overall = np.divide(mine.sum(axis=1), everywhere, out=even, where=everywhere > 0)[:, None, :]
    share = np.divide(mine, here, out=np.broadcast_to(overall, mine.shape).copy(), where=here > 0)
    used = np.einsum("wkt,wst,kst->ws", cost, scenes.demand, rate, optimize=True)
    return np.asarray(used + (share * idle).sum(axis=1))


def _decided(
    chosen: Chosen, name: str, told: Sequence[Stage], first: Sequence[Way], paid: Array, said: _Said
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
        monthly_plan_usd=sum(
            way.usd_per_month * share / 100 for n in mine for way, share in chosen.laid.ways[n][chosen.served[n]]
        ),
        forecast=spread(paid[mine].sum(axis=0), framed.risk.level),
        demand=_demand_cone(framed, name),
        answers=said.voices.answers(framed, name, told, said.ids),
        stages=tuple(stage for stage in told if stage.workload == name),
        why=_why(chosen, mine, first),
        runner_up=runner_up(first[dearest], framed.sold.best[dearest][chosen.served[dearest]]),
        excluded=tuple(excluded[offer] for offer in sorted(excluded)),
        alternatives=said.voices.instead(framed, name),
    )


def _measured(framed: Framed, demand: Demand) -> int:
    try:
        return baseline_cost(demand, framed.market)
    except NoPrice:
        return 0


def _why(chosen: Chosen, mine: Sequence[int], first: Sequence[Way]) -> str:
    framed = chosen.framed
    said = []
    for number in mine:
        part = framed.parts[number]
        said.append(f"{part.model}{' (may wait)' if part.waits else ''}: {_why_there(chosen, number, first[number])}")
    return "; ".join(dict.fromkeys(said))


def _why_there(chosen: Chosen, number: int, way: Way) -> str:
    framed, begin = chosen.framed, chosen.served[number]
    months, start = chosen.laid.ways[number], chosen.framed.starts[chosen.served[number]]
    options = framed.ways.best[number][begin]
    least = min(other.usd_per_month for other in options.values())
    home = framed.parts[number].demand.home
    if begin and framed.moves.idle(number):
        text = f"begins on {start}: nothing that it may run on is open before"
    elif begin:
        text = f"stays on {home.surface} until {start}: nothing that meets its needs is open before"
    elif len(months[0]) > 1:
        text = "divided: no single offer holds its measured peak within the quotas"
    elif way.offer.surface == home.surface and way.usd_per_month <= least * (1 + 1e-9):
        equal = sorted(s for s, w in options.items() if s != home.surface and w.usd_per_month <= least * (1 + 1e-9))
        text = (
            f"stays; the same cost on {', '.join(equal)}, and a move gains nothing" if equal else "stays: the cheapest"
        )
    elif way.offer.surface == home.surface:
        text = "stays: what a move would save does not pay for it within the horizon"
    elif home.surface not in options:
        text = f"moves: {home.surface} does not meet its needs"
    else:
        text = "moves: cheaper over the horizon, moves and contracts counted"
    after = [
        m for m in range(begin + 1, len(months)) if months[m][0][0].offer.surface != months[m - 1][0][0].offer.surface
    ]
    if not after:
        return text
    there = months[after[0]][0][0].offer.surface
    opens = framed.moves.opens[framed.ways.surfaces.index(there)]
    if way.offer.surface == home.surface and not begin and opens == after[0]:
        moved = f"moves to {there} on {framed.starts[opens]}, when it can be open"
        text = f"{moved}; moves again later in the horizon" if len(after) > 1 else moved
    else:
        text += "; moves again later in the horizon"
    return text


def _nowhere(excluded: Sequence[_candidates.Excluded]) -> str:
    return f"no platform offers what it needs: {_outs(excluded)}"


def _without_place(
    framed: Framed, part: Part, why: str, excluded: Sequence[_candidates.Excluded], voices: Voices
) -> Decided:
    name = part.workload
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
        answers=voices.answers(framed, name, (), ()),
        stages=(),
        why="",
        runner_up=None,
        excluded=tuple(Excluded(out.offer, out.reason, out.claim_ids) for out in excluded),
        alternatives=voices.instead(framed, name),
        unplaced=why,
    )


def _demand_cone(framed: Framed, name: str) -> Cone:
    row = framed.cone.names.index(name)
    found = framed.demand_quantiles[row]
    return Cone(
        name, "times the measured month", framed.starts, LEVELS, tuple(tuple(map(float, line)) for line in found)
    )


def total_cone(chosen: Chosen) -> Cone:
    framed = chosen.framed
    undiscounted = framed.scenes.month_weight
    monthly = bill(chosen.scenes.spend(chosen.laid.shares), chosen.deals, undiscounted).monthly / undiscounted
    found = np.quantile(monthly, LEVELS, axis=0, method="inverted_cdf")
    return Cone("all workloads", "USD a month", framed.starts, LEVELS, tuple(tuple(map(float, line)) for line in found))


def spend_by_surface(chosen: Chosen) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """The expected bill of each surface, month by month, not discounted; surfaces that are never paid are left out."""
    scenes = chosen.scenes
    paid = (
        bill(scenes.spend(chosen.laid.shares), chosen.deals, scenes.month_weight).paid.mean(axis=1)
        / scenes.month_weight
    )
    named = zip(scenes.surfaces, paid, strict=True)
    return tuple((surface, tuple(map(float, row))) for surface, row in named if row.any())


_OUTS_SHOWN = 4


def _outs(excluded: Sequence[_candidates.Excluded]) -> str:
    """Why the offers are out: what is sold but does not fit first, then, in a word, what is not sold at all."""
    sold = [out for out in excluded if not out.reason.startswith(("no price", "no single"))]
    told = [f"{out.offer.surface}/{out.offer.scope}: {out.reason}" for out in sold[:_OUTS_SHOWN]]
    if len(sold) > _OUTS_SHOWN:
        told.append(f"and {len(sold) - _OUTS_SHOWN} more")
    others = sorted({out.offer.surface for out in excluded} - {out.offer.surface for out in sold})
    if others:
        told.append(f"not sold that day on {', '.join(others)}")
    return "; ".join(told) or "nothing is sold that fits"
