"""Where the answer flips: cache lives, the discount of each platform; and what quotas cost that bind."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from trivium.plan._facts import Quota
from trivium.plan._market import BookMarket
from trivium.plan.decide._choose import Chosen
from trivium.plan.decide._deals import Array, Deal, bill
from trivium.plan.decide._joint import gathered
from trivium.plan.decide._joint_moves import moves_cost
from trivium.plan.decide._reasons import cache_flip
from trivium.plan.decide._ways import Way
from trivium.plan.decision import Basis, Binding, Flip, Ground

_CENT = 0.005
_ALMOST, _HALVINGS = 1 - 1e-6, 24


def quota_bindings(chosen: Chosen) -> tuple[Binding, ...]:
    """What each broken quota costs: the placement that holds them all against the one with it lifted."""
    held = chosen.held[0]
    placement = held.placement
    if placement is None:
        return ()
    found = []
    for quota, peak, _ in held.broken:
        group = placement.quotas.index(quota)
        lifted = placement.cost_without(group)
        worth = (placement.solution.cost - lifted) / placement.problem.parts / 1e12
        basis = Basis((Ground.MEASURED, Ground.CLAIM), quota.claim_ids, quota.status)
        name = f"{quota.surface} {quota.metric} {quota.limit:,} ({quota.name}): the measured peak is {peak:,}"
        found.append(Binding(name, worth, _covered(chosen, quota), basis))
    return tuple(found)


def _covered(chosen: Chosen, quota: Quota) -> tuple[str, ...]:
    parts = zip(chosen.framed.parts, chosen.framed.ways.every, strict=True)
    return tuple(sorted({part.workload for part, ways in parts if any(quota.covers(way.offer) for way in ways[0])}))


def flips(chosen: Chosen, first: Sequence[Way]) -> tuple[Flip, ...]:
    framed = chosen.framed
    market = BookMarket(framed.given.book, framed.given.at)
    found = [
        flip
        for part, way in zip(framed.parts, first, strict=True)
        if way.offer.tier != "batch" and (flip := cache_flip(part, way.offer, market)) is not None
    ]
    return (*found, *_discount_flips(chosen))


def _discount_flips(chosen: Chosen) -> list[Flip]:
    """The discount on each platform at which moving everything there, from its opening on, costs no more on average.

    Moves are paid, contracts in force stay in force; those that the plan advises to sign are kept or dropped, whichever
    is cheaper for the move. The discount comes before the commitments, like any other.
    """
    framed, scenes = chosen.framed, chosen.scenes
    plan = float(chosen.totals.mean())
    found = []
    for number, surface in enumerate(scenes.surfaces):
        shares = gathered(scenes, chosen.laid.shares, number, framed.moves)
        movers = (shares != chosen.laid.shares).any(axis=(1, 2))
        if not movers.any():
            continue
        spend = scenes.spend(shares)

        def dearer(discount: float, number: int = number, spend: Array = spend, shares: Array = shares) -> float:
            less = Deal("flip", "discount", (number,), 0, len(framed.starts), discount=discount)
            sets = ((*framed.in_force, less), (*chosen.deals, less))
            bills = [float(bill(spend, deals, scenes.month_weight).total.mean()) for deals in sets]
            return min(bills) + moves_cost(shares, framed.moves) - plan

        names = ", ".join(sorted({framed.parts[index].workload for index in np.flatnonzero(movers)}))
        ways = (framed.sold.best[index][0].get(surface) for index in np.flatnonzero(movers))
        ids = tuple(sorted({name for way in ways if way is not None for name in way.claim_ids}))
        grounds = (Ground.MEASURED, Ground.CLAIM, Ground.ASSUMPTION)
        basis = Basis(grounds, ids, note="moves cost what the file says")
        now = "none beyond the contracts counted"
        found.append(Flip(f"discount on {surface}", now, _discount(dearer), f"{names} there", basis))
    return found


def _discount(dearer: Callable[[float], float]) -> str:
    """The least discount at which a move is not dearer; `dearer` falls with it."""
    if dearer(0.0) <= _CENT:
        return "any discount"
    low, high = 0.0, _ALMOST
    if dearer(high) > 0:
        return "no discount is enough"
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if dearer(middle) > 0 else (low, middle)
    return f"{high:.2%}"
