"""Choosing: frame, optimise, hold the quotas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from trivium.plan.decide._bound import Bound, bound
from trivium.plan.decide._bridges import AsIs, as_is
from trivium.plan.decide._deals import Array, Deal, bill
from trivium.plan.decide._frame import Framed, Given, frame
from trivium.plan.decide._joint import Outcome, optimise
from trivium.plan.decide._joint_moves import moves_cost
from trivium.plan.decide._ladder import laddered
from trivium.plan.decide._quota import WHOLE, Held, hold
from trivium.plan.decide._scenes import Scenes
from trivium.plan.decide._stages import Laid, lay
from trivium.plan.decide._ways import Way


@dataclass(frozen=True)
class Chosen:
    """Everything that was chosen, before it is told."""

    framed: Framed
    proof: Bound
    scenes: Scenes  # those of the frame, with what a divided part really costs
    now: AsIs
    outcome: Outcome
    held: tuple[Held, ...]  # per month; months in which nothing changes share one
    laid: Laid
    deals: tuple[Deal, ...]
    moves_usd: float
    totals: Array  # (S,), moves included

    @cached_property
    def served(self) -> tuple[int, ...]:
        """The first month in which each part is placed and does not wait for a surface to open."""
        return tuple(
            next((month for month, ways in enumerate(months) if not ways[0][0].waiting), 0) for months in self.laid.ways
        )


def choose(given: Given) -> Chosen:
    """Frame and optimise."""
    framed = frame(given)
    problem = (framed.scenes, framed.moves, framed.in_force, framed.offers, framed.risk)
    proof = bound(*problem, spread=framed.spreading.asked)
    also = () if proof.shares is None else (proof.shares,)
    outcome = optimise(*problem, framed.spreading, last=also)
    outcome = laddered(framed.scenes, framed.in_force, framed.offers, framed.risk, outcome)
    held = _hold_months(framed, outcome.shares)
    laid = lay(outcome.shares, framed.scenes.unit_usd, framed.ways, held)
    scenes = replace(framed.scenes, unit_usd=laid.unit_usd)
    deals = (*framed.in_force, *outcome.signed)
    moves_usd = moves_cost(laid.shares, framed.moves)
    totals = bill(scenes.spend(laid.shares), deals, scenes.month_weight).total + moves_usd
    return Chosen(framed, proof, scenes, as_is(framed), outcome, tuple(held), laid, deals, moves_usd, totals)


def _way(framed: Framed, shares: Array, part: int, month: int) -> Way:
    surface = framed.ways.surfaces[int(np.argmax(shares[part, :, month]))]
    return framed.ways.best[part][month][surface]


def _hold_months(framed: Framed, shares: Array) -> list[Held]:
    """Quotas held in every month, anew whenever the wish or what is to be had changes."""
    fine: dict[tuple[object, ...], Held] = {}  # wishes that break nothing, whatever else is to be had
    known: dict[tuple[object, ...], Held] = {}
    found = []
    parts = range(len(framed.parts))
    for month in range(len(framed.starts)):
        wish = [_way(framed, shares, number, month) for number in parts]
        wished = tuple((way.offer, way.cache_life, way.waiting) for way in wish)
        if wished in fine:
            found.append(fine[wished])
            continue
        every = [months[month] for months in framed.ways.every]
        key = (
            wished,
            tuple(tuple((way.offer, way.cache_life, way.span_picos, way.carried) for way in ways) for ways in every),
        )
        if key not in known:
            begun = [number for number in parts if month >= framed.moves.idle(number)]
            known[key] = _hold(framed, wish, every, begun)
        if not known[key].repaired:
            fine[wished] = known[key]
        found.append(known[key])
    return found


def _hold(framed: Framed, wish: Sequence[Way], every: Sequence[Sequence[Way]], begun: Sequence[int]) -> Held:
    """The quotas held by what has begun; the rest is as wished."""
    held = hold(
        [framed.parts[n] for n in begun], [wish[n] for n in begun], [every[n] for n in begun], framed.facts.quotas
    )
    shares: list[tuple[tuple[Way, int], ...]] = [((way, WHOLE),) for way in wish]
    for number, mine in zip(begun, held.shares, strict=True):
        shares[number] = mine
    return replace(held, shares=tuple(shares))
