"""The proof: the horizon's path solver on the same problem gives a bound no plan can beat, and often a better plan.

It takes discounts, and commitments whose every dollar counts. What it does not take (volume tiers, shares that count,
what remains of a running year, spreading over surfaces) leaves the decision without a bound, and the decision says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trivium.core import TriviumError
from trivium.plan.decide._advice import Offered, Risk
from trivium.plan.decide._deals import YEAR, Array, Deal
from trivium.plan.decide._joint_moves import Moves
from trivium.plan.decide._scenes import Scenes
from trivium.plan.horizon import Instance, SpendCommitment, solve_paths
from trivium.plan.horizon import Moves as PathMoves

_CELLS_MAX = 400 * 36 * 200  # parts times months times scenarios: seconds; beyond it the proof takes minutes
_GAP = 0.002
_BRANCHES_MAX = 60


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
    for deal in in_force:
        if deal.kind == "discount":
            for low, high, _ in deal.periods(horizon):
                unit[:, list(deal.surfaces), low:high] *= 1 - deal.discount
    _apart([*in_force, *(offer.levels[0] for offer in offers)], offers)
    signed = [_commitment((deal,), signed=True) for deal in in_force if deal.kind != "discount"]
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
        commitments=(*signed, *(_commitment(offer.levels, signed=False) for offer in offers)),
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


def _commitment(levels: Sequence[Deal], *, signed: bool) -> SpendCommitment:
    deal = levels[0]
    discount = deal.kind == "discount"  # offered: a take-or-pay of nothing
    usual = discount or (
        deal.kind == "spend-commitment"
        and deal.remaining_usd is None
        and all(level.counts == 1 and not level.other_usd for level in levels)
    )
    if not usual or (deal.months % YEAR and deal.months > YEAR):
        raise _Unproven(f"contract {deal.name} is of a kind that the proof does not take")
    return SpendCommitment(
        surfaces=deal.surfaces,
        first_month=deal.first,
        months=deal.months,
        periods=max(deal.months // YEAR, 1),
        form="covered" if deal.form == "covered" and not discount else "take-or-pay",
        tiers=tuple((0.0 if discount else _due(level), level.discount) for level in levels),
        signed=signed,
    )
