"""The proof: the horizon's path solver on the same problem gives a bound no plan can beat, and often a better plan.

It takes discounts, and commitments whose every dollar counts. What it does not take (volume tiers, shares that count,
spreading over surfaces) leaves the decision without a bound, and the decision says so. Commitments on one surface may
each count a dollar there, and one that is cut within a month the whole of it: the bound is then lower than it could be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor
from typing import Literal

import numpy as np

from trivium.core import TriviumError
from trivium.plan.decide._advice import Offered, Risk
from trivium.plan.decide._deals import YEAR, Array, Deal, Period, bill
from trivium.plan.decide._joint_moves import Moves
from trivium.plan.decide._scenes import Scenes
from trivium.plan.horizon import Instance, SpendCommitment, solve_paths
from trivium.plan.horizon import Moves as PathMoves

_CELLS_MAX = 400 * 36 * 200  # parts times months times scenarios: seconds; beyond it the proof takes minutes
_GAP = 0.002
_BRANCHES_MAX = 60
_ALIKE = 1e-12


@dataclass(frozen=True)
class Bound:
    """The least objective any plan can have, and the solver's own placement (W, K, T), to be judged like any other.

    Without a bound `lower_usd` is None and `why` says what stands in the way.
    """

    lower_usd: float | None
    shares: Array | None = None
    why: str = ""


@dataclass(frozen=True)
class _Unproven(Exception):
    why: str


def bound(
    scenes: Scenes, moves: Moves, in_force: Sequence[Deal], offers: Sequence[Offered], risk: Risk, *, spread: bool
) -> Bound:
    """Solve the same problem over paths; see the module."""
    if spread:
        return Bound(None, why="it must spread over surfaces")
    try:
        instance = _instance(scenes, in_force, offers, risk)
        starts, switch = _moves(moves, len(scenes.surfaces))
        terms = PathMoves(starts, switch, moves.onboard_usd, moves.min_stay_months, moves.opens)
        answer = solve_paths(instance, terms, gap=_GAP, branches_max=_BRANCHES_MAX)
    except _Unproven as unproven:
        return Bound(None, why=unproven.why)
    except TriviumError as error:
        return Bound(None, why=f"the solver gave none: {error}")
    shares = np.zeros_like(scenes.unit_usd)
    rows, months = np.indices(answer.offer.shape)
    path = np.where(answer.offer < 0, scenes.unit_usd.argmin(axis=1), answer.offer)  # what waits has one way alone
    shares[rows, path, months] = 1.0
    return Bound(answer.lower_bound_usd, shares)


def _instance(scenes: Scenes, in_force: Sequence[Deal], offers: Sequence[Offered], risk: Risk) -> Instance:
    horizon, scenarios = len(scenes.starts), scenes.demand.shape[1]
    if len(scenes.parts) * horizon * scenarios > _CELLS_MAX:
        raise _Unproven(f"{len(scenes.parts):,} parts are too many to prove in seconds")
    unit = np.where(scenes.feasible, scenes.unit_usd, 0.0)
    every = [*in_force, *(offer.levels[0] for offer in offers)]
    _apart(every, offers)
    weight = scenes.month_weight
    signed = [row for deal in in_force if deal.kind != "discount" for row in _rows((deal,), weight, signed=True)]
    unit *= _paid(in_force, every, len(scenes.surfaces), horizon)
    return Instance(
        workloads=tuple(part.name for part in scenes.parts),
        offers=scenes.surfaces,
        surfaces=scenes.surfaces,
        surface_of=np.arange(len(scenes.surfaces)),
        demand=scenes.demand,
        unit_cost_usd=unit,
        feasible=scenes.feasible,
        probability=np.full(scenarios, 1 / scenarios),
        risk_weight=risk.weight,
        risk_level=risk.level,
        commitments=(*signed, *(row for offer in offers for row in _rows(offer.levels, weight, signed=False))),
        month_weight=scenes.month_weight,
    )


def _apart(deals: Sequence[Deal], offers: Sequence[Offered]) -> None:
    """The path solver discounts only what no cover has taken; the bill takes a discount off before: not the same."""
    covers = {
        index for deal in deals if deal.kind == "spend-commitment" and deal.form == "covered" for index in deal.surfaces
    }
    for offer in offers:
        if offer.levels[0].kind == "discount" and covers & set(offer.levels[0].surfaces):
            raise _Unproven(f"contract {offer.name} is a discount on what another commitment covers")


def _moves(moves: Moves, surfaces: int) -> tuple[list[int], Array]:
    """Where each part starts, and what each move costs; what starts on none of the surfaces enters for nothing."""
    switch = np.repeat(moves.switch_usd[:, None, :], surfaces, axis=1)
    for surface in range(surfaces):
        switch[:, surface, surface] = 0.0
    return [-1 if surface is None else surface for surface in moves.home], switch


def _due(deal: Deal) -> float:
    """The amount of a period of the deal: a year, or all of a shorter one."""
    return deal.amount_usd * min(deal.months, YEAR) / YEAR


def _rows(levels: Sequence[Deal], month_weight: Array, *, signed: bool) -> Iterator[SpendCommitment]:
    """A deal of equal periods in whole months as it is; of any other, each period by itself over whole months."""
    deal = levels[0]
    discount = deal.kind == "discount"  # offered: a take-or-pay of nothing
    usual = discount or (
        deal.kind == "spend-commitment" and all(level.counts == 1 and not level.other_usd for level in levels)
    )
    if not usual:
        raise _Unproven(f"contract {deal.name} is of a kind that the proof does not take")
    form: Literal["covered", "take-or-pay"] = "covered" if deal.form == "covered" and not discount else "take-or-pay"
    if _whole(deal):
        yield SpendCommitment(
            surfaces=deal.surfaces,
            first_month=int(deal.first),
            months=int(deal.months),
            periods=int(max(deal.months // YEAR, 1)),
            form=form,
            tiers=tuple((0.0 if discount else _due(level), level.discount) for level in levels),
            signed=signed,
        )
        return
    for period in deal.within(len(month_weight)):
        low, high = floor(period.low), ceil(period.high)
        part = _part(period, month_weight)
        if form == "covered" and part < 1 - _ALIKE:
            raise _Unproven(f"contract {deal.name} is cut within a month, and a later dollar weighs less")
        yield SpendCommitment(
            surfaces=deal.surfaces,
            first_month=low,
            months=high - low,
            form=form,
            tiers=tuple((0.0 if discount else level.due_usd(period) * part, level.discount) for level in levels),
            signed=signed,
        )


def _part(period: Period, month_weight: Array) -> float:
    """The part of what is due to count, so that whole months weigh it with no more than its own days do."""
    months = np.arange(floor(period.low), ceil(period.high))
    days = np.minimum(period.high, months + 1) - np.maximum(period.low, months)
    weight = month_weight[months]
    return min(float(weight @ days / days.sum() / weight.mean()), 1.0)


def _whole(deal: Deal) -> bool:
    """Whether it has equal periods in whole months, and all of them ask for the same."""
    length = deal.years[0][1] - deal.years[0][0] if deal.years else min(deal.months, YEAR)
    alike = all(end - start == length and share == length / YEAR for start, end, share in deal.years)
    even = alike and deal.months % length == 0 and length == min(deal.months, YEAR)
    return deal.remaining_usd is None and even and float(deal.first).is_integer() and float(deal.months).is_integer()


def _paid(in_force: Sequence[Deal], every: Sequence[Deal], surfaces: int, horizon: int) -> Array:
    """What list prices are multiplied by (K, T) before any row: signed discounts, and what the rows take too much.

    Rows discount a month that is cut as a whole; the factor takes that back, so that no price is above what is paid,
    and what it counts for is never less than what really counts. Where a cover is about, dearer list spend would use
    it up sooner: there the discount stays too much.
    """
    one = np.ones((surfaces, 1, horizon))
    less = [deal for deal in in_force if deal.kind == "discount"]
    floors = [deal for deal in in_force if deal.kind == "spend-commitment" and deal.form != "covered"]
    discounted = bill(one, less).paid[:, 0]
    paid = bill(one, [*less, *(replace(deal, amount_usd=0.0, remaining_usd=None) for deal in floors)]).paid[:, 0]
    rows = np.zeros_like(paid)
    for deal in floors:
        for period in deal.within(horizon):
            rows[list(deal.surfaces), floor(period.low) : ceil(period.high)] += deal.discount
    covered = [index for deal in every if deal.form == "covered" for index in deal.surfaces]
    keep = rows >= 1
    keep[covered] = True
    return np.where(keep, discounted, paid / np.where(keep, 1.0, 1 - rows))
