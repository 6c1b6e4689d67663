"""What could go otherwise: a surface that fails, inputs at their ends, and other plans for the same work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from trivium.plan.decide._advice import Offered, Risk
from trivium.plan.decide._deals import Array, Deal, bill
from trivium.plan.decide._joint import best_levels
from trivium.plan.decide._joint_moves import Moves
from trivium.plan.decide._scenes import Scenes, spread
from trivium.plan.decide._ways import Way
from trivium.plan.decision import Loss, Rival, Swing


def losses(
    parts: Sequence[str], chosen: Sequence[Sequence[tuple[Way, int]]], options: Sequence[Mapping[str, Way]]
) -> tuple[Loss, ...]:
    """For every surface in use: the share of the spend that could go on elsewhere, and what it would cost more there.

    `parts` names the workload of each, `chosen` its ways with their hundredths. A part goes on if some other surface
    may serve it in the first month; that its quota there holds the extra load is stated as a note by the caller.
    """
    used = sorted({way.offer.surface for ways in chosen for way, _ in ways})
    total = sum(way.usd_per_month * share / 100 for ways in chosen for way, share in ways)
    found = []
    for surface in used:
        goes_on, extra, stopped = 0.0, 0.0, set()
        for workload, ways, there in zip(parts, chosen, options, strict=True):
            others = [other for name, other in there.items() if name != surface]
            for way, share in ways:
                cost = way.usd_per_month * share / 100
                if way.offer.surface != surface:
                    goes_on += cost
                elif others:
                    goes_on += cost
                    extra += min(other.usd_per_month for other in others) * share / 100 - cost
                else:
                    stopped.add(workload)
        continues = 100 * goes_on / total if total else 100.0
        note = "caches are written anew there; quotas there must hold the extra load"
        found.append(Loss(surface, continues, tuple(sorted(stopped)), extra, note))
    return tuple(found)


def swings(
    scenes: Scenes,
    shares: Array,
    deals: Sequence[Deal],
    ends: Mapping[str, tuple[str, str, Array, Array]],
    moves_usd: float = 0.0,
) -> tuple[Swing, ...]:
    """The cost of the plan as it is, moves included, with one input at each end.

    `ends`: name → (low, high, factor, factor).

    A factor multiplies the list spend (K, S, T) and may be any shape that spreads to it. Widest first.
    """
    spend = scenes.spend(shares)
    found = []
    for name, (low, high, at_low, at_high) in ends.items():
        costs = [float(bill(spend * factor, deals, scenes.month_weight).total.mean()) for factor in (at_low, at_high)]
        found.append(Swing(name, low, high, costs[0] + moves_usd, costs[1] + moves_usd))
    return tuple(sorted(found, key=lambda swing: (-abs(swing.high_usd - swing.low_usd), swing.input)))


def one_platform(scenes: Scenes, surface: int, moves: Moves) -> Array | None:
    """Everything on one surface from its opening on; None if some part may not run there in some month of it."""
    shares = np.zeros_like(scenes.unit_usd)
    months = np.arange(len(scenes.starts))
    for part, cost in enumerate(scenes.unit_usd):
        path = moves.path_to(part, cost, surface)
        if path is None:
            return None
        shares[part, path, months] = 1.0
    return shares


def cheapest_list(scenes: Scenes) -> Array:
    """Each part in each month where its list price is least, whatever a move costs; left out where it has no way."""
    shares = np.zeros_like(scenes.unit_usd)
    best = np.argmin(scenes.unit_usd, axis=1)
    rows, months = np.indices(best.shape)
    shares[rows, best, months] = np.isfinite(scenes.unit_usd[rows, best, months])
    return shares


def rival(
    name: str,
    scenes: Scenes,
    shares: Array | None,
    in_force: Sequence[Deal],
    offers: Sequence[Offered],
    risk: Risk,
    moves_usd: float,
) -> Rival:
    """Another placement on the plan's terms: contracts in force, the best levels of the same offers, moves paid."""
    if shares is None:
        return Rival(name, None, "it cannot carry every workload")
    _, totals = best_levels(scenes, shares, in_force, offers, risk)
    return Rival(name, spread(totals + moves_usd, risk.level))
