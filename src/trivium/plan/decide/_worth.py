"""What commitments, information and waiting are worth, beside other plans for the same work."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trivium.plan.decide._advice import Judged, Tried, advise, information
from trivium.plan.decide._choose import Chosen
from trivium.plan.decide._deals import Array, Deal, bill
from trivium.plan.decide._joint import gathered
from trivium.plan.decide._joint_moves import moves_cost
from trivium.plan.decide._risks import cheapest_list, one_platform, rival
from trivium.plan.decide._scenes import objective, spread
from trivium.plan.decision import Advice, Basis, Ground, Rival, Step

_QUARTER = 3
_BINS = 10


def rivals(chosen: Chosen) -> tuple[Rival, ...]:
    framed = chosen.framed
    found = [
        Rival(
            "as it runs now",
            spread(
                bill(chosen.now.spend(framed), framed.in_force, framed.scenes.month_weight).total, framed.risk.level
            ),
        )
    ]
    scenes = framed.scenes
    others = [
        (f"all on {surface}", one_platform(scenes, number, framed.moves))
        for number, surface in enumerate(scenes.surfaces)
    ]
    for name, shares in (*others, ("cheapest list price each month", cheapest_list(scenes))):
        moves = moves_cost(shares, framed.moves) if shares is not None else 0.0
        found.append(rival(name, scenes, shares, framed.in_force, framed.offers, framed.risk, moves))
    return tuple(found)


def commitments(chosen: Chosen) -> tuple[tuple[Advice, ...], tuple[tuple[Judged, ...], ...]]:
    """What the plan signs of each offer, and the curve around it; the plan's verdict is the one that is told."""
    framed = chosen.framed

    def tried(shares: Array) -> Tried:
        return Tried(framed.scenes.spend(shares), moves_cost(shares, framed.moves))

    plain = [tried(shares) for shares in (chosen.laid.shares, *chosen.outcome.placements)]
    signed = {deal.name: deal for deal in chosen.outcome.signed}
    advices, every = [], []
    for offer in framed.offers:
        others = [deal for deal in chosen.deals if deal.name != offer.name]
        surfaces, laid = offer.levels[0].surfaces, chosen.laid.shares
        moved = [tried(gathered(chosen.scenes, laid, surface, framed.moves)) for surface in surfaces]
        advice, levels = advise(framed.scenes, (*plain, *moved), others, offer, framed.risk, signed.get(offer.name))
        advices.append(advice)
        every.append(levels)
    return tuple(advices), tuple(every)


def worth_of_knowing(chosen: Chosen, judged: Sequence[Sequence[Judged]]) -> Step | None:
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


def _foregone(deal: Deal, horizon: int) -> float:
    """The part of a contract's months inside the horizon that a quarter's wait gives away."""
    first, end = max(deal.first, 0), min(deal.first + deal.months, horizon)
    return max(min(_QUARTER, end) - first, 0) / (end - first) if end > first else 0.0


def worth_of_waiting(chosen: Chosen, judged: Sequence[Sequence[Judged]]) -> Step | None:
    """A quarter's wait shows one tenth of the scenarios from another; its price is the quarter's discount foregone."""
    if not judged or len(chosen.framed.starts) <= _QUARTER:
        return None
    seen = chosen.framed.scenes.part_spend(chosen.laid.shares)[:, :, :_QUARTER].sum(axis=(0, 2))
    bins = np.array_split(np.argsort(seen, kind="stable"), min(_BINS, len(seen)))
    worth = 0.0
    for offer, levels in zip(chosen.framed.offers, judged, strict=True):
        share = _foregone(offer.levels[0], len(chosen.framed.starts))
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
