"""Placement and commitments together: candidates by dynamic programming, judged by the exact bill in every scenario.

For every set of surfaces that may be opened and every choice of which offered contracts to price in, each part's
cheapest path over the months is found (moves paid, at the mean demand); the bill of each path set is then computed in
every scenario under every level of the contracts, and the least objective wins. It is an upper bound that needs no
solver; where the `horizon` solver runs, its bound says how far from the optimum this can be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from trivium.plan.decide._advice import Offered, Risk
from trivium.plan.decide._deals import Array, Deal, bill
from trivium.plan.decide._joint_moves import Moves, entries, moves_cost
from trivium.plan.decide._scenes import Scenes, objective
from trivium.plan.decide._spread_out import Spreading, cannot, holds, spread_out

_SETS_MAX = 64
_ROUNDS = 4
_TIE = 1e-9  # of a month's cost
_SAME = 1e-9  # relative: objectives that differ by less are equal
_FAR = 1e30  # a cost no path would choose; infinities would become NaN in sums


@dataclass(frozen=True)
class Outcome:
    """Shares (W, K, T) of 0 or 1, the deals to sign, and what it costs in every scenario, moves included."""

    shares: Array
    signed: tuple[Deal, ...]
    totals: Array
    moves_usd: float
    objective: float
    placements: tuple[Array, ...]  # what was judged, for the curves


def optimise(
    scenes: Scenes,
    moves: Moves,
    in_force: Sequence[Deal],
    offers: Sequence[Offered],
    risk: Risk,
    wanted: Spreading = Spreading(),  # noqa: B008  frozen
    also: Sequence[Array] = (),
    last: Sequence[Array] = (),
) -> Outcome:
    """The best of all candidates that spread out as wanted, and of those given; UserError if none can.

    Among equals `also` wins, then what stays where it is, then `last`.
    """
    seen: dict[bytes, Outcome] = {}

    def tried(shares: Array) -> None:
        if shares.tobytes() not in seen and holds(scenes, shares, moves, wanted):
            cost = moves_cost(shares, moves)
            signed, totals = best_levels(scenes, shares, in_force, offers, risk)
            value = objective(totals + cost, risk.weight, risk.level)
            seen[shares.tobytes()] = Outcome(shares, signed, totals + cost, cost, value, ())

    for shares in (*also, *_candidates(scenes, moves, in_force, offers, wanted), *last):
        tried(shares)
    if not seen:
        raise cannot(scenes, wanted)
    wins = _least(seen.values())
    for _ in range(_ROUNDS):  # what an offer covers, gathered where it holds
        for surface in sorted({surface for offer in offers for surface in offer.levels[0].surfaces}):
            tried(gathered(scenes, wins.shares, surface, moves))
        before, wins = wins, _least(seen.values())
        if wins is before:
            break
    return replace(wins, placements=tuple(found.shares for found in seen.values()))


def _least(found: Iterable[Outcome]) -> Outcome:
    """The least objective; among equals the one found first."""
    best: Outcome | None = None
    for outcome in found:
        if best is None or outcome.objective < best.objective - _SAME * max(best.objective, 1.0):
            best = outcome
    if best is None:
        raise ValueError("nothing was tried")
    return best


def gathered(scenes: Scenes, shares: Array, surface: int, moves: Moves) -> Array:
    """A placement with everything that may run on a surface from its opening on moved there."""
    found = shares.copy()
    months = np.arange(len(scenes.starts))
    for part, cost in enumerate(scenes.unit_usd):
        path = moves.path_to(part, cost, surface)
        if path is not None:
            found[part] = 0.0
            found[part, path, months] = 1.0
    return found


def _candidates(
    scenes: Scenes, moves: Moves, in_force: Sequence[Deal], offers: Sequence[Offered], wanted: Spreading
) -> Iterator[Array]:
    """Path sets for every set of open surfaces and every choice of contracts to price in."""
    mean = scenes.mean_usd
    openings = {month for month in moves.opens if 0 < month < len(scenes.starts)}
    firsts = (0, *sorted(openings)) if moves.min_stay_months > 1 else (0,)
    for factors in _price_factors(scenes, in_force, offers):
        priced = mean * factors
        for allowed in _open_sets(scenes, moves):
            for first in firsts:
                paths = cheapest_paths(priced, moves, allowed, first)
                if paths is not None:
                    yield paths
        if wanted.asked and (apart := spread_out(scenes, priced, moves, wanted)) is not None:
            yield apart


def _price_factors(scenes: Scenes, in_force: Sequence[Deal], offers: Sequence[Offered]) -> Iterator[Array]:
    """What a dollar at list costs at the margin, (K, T), for each choice of offers: all, none, and each by itself."""
    horizon = len(scenes.starts)

    def factor(deals: Sequence[Deal]) -> Array:
        found = np.ones((len(scenes.surfaces), horizon))
        for deal in deals:
            discount = max((d for _, d in deal.tiers), default=0.0) if deal.kind == "volume-tiers" else deal.discount
            found[list(deal.surfaces)] *= 1 - discount * deal.shares(horizon)
        return found

    choices = [(None, offer.levels[-1]) for offer in offers]
    for combination in (
        product(*choices) if len(choices) <= _ROUNDS else ([None] * len(choices), [c[1] for c in choices])
    ):
        yield factor([*in_force, *(deal for deal in combination if deal is not None)])
    if any(deal.kind == "spend-commitment" for deal in in_force):
        yield factor([])  # a commitment that cannot be filled has no margin to gain


def _open_sets(scenes: Scenes, moves: Moves) -> Iterator[tuple[int, ...]]:
    """Sets of surfaces: those in use with every set of others, as far as that is not too many."""
    everything = range(len(scenes.surfaces))
    used = tuple(sorted({number for number in moves.home if number is not None}))
    others = [number for number in everything if number not in used]
    yield tuple(everything)  # every part has a way on some of them
    count = 0
    for size in range(len(others) + 1):
        for added in combinations(others, size):
            count += 1
            if count <= _SETS_MAX:
                yield tuple(sorted((*used, *added)))
    for number in everything:
        yield (number,)


def cheapest_paths(cost: Array, moves: Moves, allowed: Sequence[int], first: int = 0) -> Array | None:
    """Each part's cheapest path (W, K, T) over some surfaces; None if some part cannot run there at all.

    `cost` is what a month on a surface costs. A part that cannot be on them at once, since none is open or fits, stays
    where it runs until it can. With a minimum stay, moves happen only at its multiples from there, or from the month
    `first` for what may stay so long: every stay is then long enough, at the price of not trying the months between.
    """
    parts, surfaces, months = cost.shape
    month = np.arange(months)
    able = np.isfinite(cost)
    blocked = np.ones(surfaces, dtype=bool)
    blocked[list(allowed)] = False
    free = able & ~blocked[:, None]
    if moves.opens:
        free &= month >= np.array(moves.opens)[:, None]
    for part, waits in enumerate(moves.waits):
        free[part, :, :waits] = False
    served = np.asarray(free.any(axis=1))  # (W, T)
    begins = np.where(served.any(axis=1), served.argmax(axis=1), months)
    shares = np.zeros((parts, surfaces, months))
    for part, home in enumerate(moves.home):
        begin = int(begins[part])
        if home is not None and begin < first:
            begins[part] = begin = max(begin, int(np.logical_and.accumulate(able[part, home, :first]).sum()))
        waits = moves.waits[part] if moves.waits else 0
        before = np.full(begin, -1 if home is None else home)
        before[:waits] = cost[part, :, : min(waits, begin)].argmin(axis=0)
        if begin == months or (before < 0).any() or not able[part, before, month[:begin]].all():
            return None
        shares[part, before, month[:begin]] = 1.0
    costs = np.where(free, cost, _FAR)
    for begin in np.unique(begins):
        rows = np.flatnonzero(begins == begin)
        if not _lay_paths(costs[rows, :, begin:], moves, rows, shares[:, :, begin:]):
            return None
    return shares


def _lay_paths(costs: Array, moves: Moves, rows: NDArray[np.intp], shares: Array) -> bool:
    """The cheapest paths of some parts from a month on, written into their shares; whether each of them has one."""
    months, stay = costs.shape[2], max(moves.min_stay_months, 1)
    starts = list(range(0, months, stay))
    blocks = np.minimum(np.add.reduceat(costs, starts, axis=2), _FAR)
    every = np.arange(len(rows))
    tie = _TIE * blocks.min(axis=(1, 2))[:, None]  # among equals a part stays where it is
    value = blocks[:, :, 0] + entries(moves, tie, rows)
    came = np.zeros((len(starts), *value.shape), dtype=np.int64)
    for number in range(1, len(starts)):
        cheapest = value.argmin(axis=1)
        moved = value[every, cheapest][:, None] + moves.switch_usd[rows] + tie
        stays = value <= moved
        came[number] = np.where(stays, np.arange(value.shape[1]), cheapest[:, None])
        value = np.where(stays, value, moved) + blocks[:, :, number]
    last = value.argmin(axis=1)
    if (value[every, last] >= _FAR).any():
        return False
    path = np.zeros((len(rows), len(starts)), dtype=np.int64)
    path[:, -1] = last
    for number in range(len(starts) - 1, 0, -1):
        path[:, number - 1] = came[number, every, path[:, number]]
    for number, start in enumerate(starts):
        shares[rows, path[:, number], start : start + stay] = 1.0
    return True


def best_levels(
    scenes: Scenes, shares: Array, in_force: Sequence[Deal], offers: Sequence[Offered], risk: Risk
) -> tuple[tuple[Deal, ...], Array]:
    """The best level of every offer for a placement: one after the other until none changes."""
    spend = scenes.spend(shares)
    chosen: list[Deal | None] = [None] * len(offers)
    totals = bill(spend, in_force, scenes.month_weight).total
    value = objective(totals, risk.weight, risk.level)
    for _ in range(_ROUNDS):
        changed = False
        for number, offer in enumerate(offers):
            others = [*in_force, *(deal for index, deal in enumerate(chosen) if deal is not None and index != number)]
            for deal in (None, *offer.levels):
                if deal == chosen[number]:
                    continue
                tried = bill(spend, others if deal is None else [*others, deal], scenes.month_weight).total
                worth = objective(tried, risk.weight, risk.level)
                if worth < value - 1e-9:
                    chosen[number], totals, value, changed = deal, tried, worth, True
        if not changed:
            break
    return tuple(deal for deal in chosen if deal is not None), totals
