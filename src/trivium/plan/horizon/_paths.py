"""Where each workload runs month by month, when moves cost money, stays last, and contracts are signed on the sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trivium.core import UserError
from trivium.plan.horizon._instance import Instance
from trivium.plan.horizon._paths_input import terms_of
from trivium.plan.horizon._paths_open import opened_in_time
from trivium.plan.horizon._paths_price import Ways
from trivium.plan.horizon._paths_search import Case, Found, Search
from trivium.plan.horizon._paths_terms import cvar_usd, objective_usd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_SCALED_TOTAL = 1e4  # what the cheapest mean month-by-month cost is scaled to: HiGHS's tolerances are absolute


@dataclass(frozen=True, slots=True)
class Moves:
    """What moving costs, and where each workload starts.

    `start` (W,) is the offer a workload runs on before the first month, -1 for a new one, which enters for nothing.
    `switch_cost_usd` is (W,): a move to an offer of another surface; or (W, P, P): a move from one offer to another.
    `onboard_cost_usd` (K,) is paid once if any workload ever runs on the surface: 0 for those in use. A workload that
    enters an offer stays `min_stay_months` (one number, or (P,)), or to the horizon's end; the offer of the start may
    be left at once. `open_from_month` (K,) is the first month in which a surface carries anything (empty: all do at
    once); a new workload begins in the first month in which one that it may run on is open.
    """

    start: Sequence[int] | Ints
    switch_cost_usd: Sequence[float] | Floats
    onboard_cost_usd: Sequence[float] | Floats
    min_stay_months: int | Sequence[int] | Ints = 1
    open_from_month: Sequence[int] | Ints = ()


@dataclass(frozen=True, slots=True)
class Move:
    """A workload changes its offer at the start of a month; `before` is None where it was on none."""

    workload: int
    month: int
    before: int | None
    after: int
    cost_usd: float


@dataclass(frozen=True, slots=True)
class Signed:
    """What is signed of a commitment: the amount a period, and the discount that goes with it."""

    amount_usd: float
    discount: float


@dataclass(frozen=True, slots=True)
class PathSolution:
    """A path per workload, what to sign, what it costs in every scenario, and the bound that no answer can beat.

    Forecasts. `scenario_usd` holds bills, moves and openings; `objective_usd` is (1 - ω)·E + ω·CVaR of it.
    """

    offer: Ints  # (W, T), -1 while a new workload waits for a surface to open
    moves: tuple[Move, ...]
    signed: tuple[Signed, ...]
    opened: Flags  # (K,)
    scenario_usd: Floats  # (S,)
    expected_usd: float
    cvar_usd: float
    objective_usd: float
    lower_bound_usd: float
    switching_usd: float
    onboarding_usd: float
    paths_tried: int
    branches: int

    @property
    def gap(self) -> float:
        """How far the answer can be from the optimum, as a share of its own objective."""
        return (self.objective_usd - self.lower_bound_usd) / abs(self.objective_usd) if self.objective_usd else 0.0


def solve_paths(instance: Instance, moves: Moves, *, gap: float = 0.005, branches_max: int = 200) -> PathSolution:
    """The best paths and commitments to a proven `gap` (a share), or as near as `branches_max` branches come.

    A path is signed now and is the same in every scenario; only the bill varies. Paths are columns that a dynamic
    programme prices against a linear program of contracts and risk; branches decide sizes and surfaces; where few paths
    are left that could better the answer, all are listed and the choice is exact.
    """
    opening = _row(moves.onboard_cost_usd, len(instance.surfaces), "onboard_cost_usd")
    instance, ways, waiting = opened_in_time(instance, _ways(instance, moves), moves.open_from_month)
    if waiting is not None:
        opening = np.append(opening, 0.0)
    unit = np.where(instance.feasible, instance.unit_cost_usd, 0.0)
    _name_the_stranded(instance)
    expected = np.einsum("s,wst->wt", instance.probability, instance.demand)
    total = float((np.where(instance.feasible, unit, np.inf).min(axis=1) * expected).sum())
    scale = _SCALED_TOTAL / total if total > 0 else 1.0
    terms, spend_weight = terms_of(instance, scale)
    scaled = Ways(ways.feasible, ways.switch_usd * scale, ways.stay_months, ways.start, ways.month_weight)
    case = Case(instance.demand * scale, unit, instance.surface_of, scaled, terms, spend_weight, opening * scale)
    found = Search(case, gap, branches_max).run()
    if found is None:
        raise _no_path(instance)
    return _solution(found, case, ways, scale, waiting)


def _name_the_stranded(instance: Instance) -> None:
    stranded, month = np.nonzero(~instance.feasible.any(axis=1))
    if len(stranded):
        name = f"feasible[{instance.workloads[stranded[0]]}]"
        hint = "leave the workload out, or let it stay where it runs until a surface is open"
        raise UserError(name, f"no offer in month {month[0]}", hint)


def _no_path(instance: Instance) -> UserError:
    hint = "shorten min_stay_months, or leave out the workload that no chain of stays carries through"
    return UserError("moves.min_stay_months", f"{len(instance.workloads)} workloads", hint)


def _row(values: Sequence[float] | Floats, count: int, name: str) -> Floats:
    row = np.asarray(values, dtype=np.float64)
    if row.shape != (count,) or not (np.isfinite(row).all() and (row >= 0).all()):
        raise UserError(f"moves.{name}", f"shape {row.shape}", f"{count} amounts of 0 or more")
    return row


def _ways(instance: Instance, moves: Moves) -> Ways:
    workloads, offers, _ = instance.unit_cost_usd.shape
    start = np.asarray(moves.start, dtype=np.int64)
    if start.shape != (workloads,) or (start < -1).any() or (start >= offers).any():
        raise UserError("moves.start", f"shape {start.shape}", f"an offer of 0 to {offers - 1} a workload, -1 for none")
    cost = np.asarray(moves.switch_cost_usd, dtype=np.float64)
    if cost.shape == (workloads,):
        other = instance.surface_of[:, None] != instance.surface_of[None, :]
        cost = cost[:, None, None] * other
    if cost.shape != (workloads, offers, offers) or not (np.isfinite(cost).all() and (cost >= 0).all()):
        hint = "amounts of 0 or more, one a workload or one per workload, offer before and offer after"
        raise UserError("moves.switch_cost_usd", f"shape {cost.shape}", hint)
    stay = np.broadcast_to(np.asarray(moves.min_stay_months, dtype=np.int64), (offers,))
    if (stay < 1).any():
        raise UserError("moves.min_stay_months", str(int(stay.min())), "at least 1")
    return Ways(instance.feasible, cost, stay, start, instance.month_weight)


def _solution(found: Found, case: Case, ways: Ways, scale: float, waiting: int | None) -> PathSolution:
    choice, columns = found.choice, found.columns.take(found.choice.rows)
    order = np.argsort(columns.owner)
    path = columns.path[order]
    opened = np.asarray((columns.share > 0).any(axis=0))
    if waiting is not None:
        path = np.where(path == waiting, -1, path)
    switching, opening = float(columns.move_usd.sum()) / scale, float(case.open_usd @ opened) / scale
    terms = case.terms
    scenario = terms.bill_usd(columns.spend.sum(axis=0), choice.sizes) / scale + switching + opening
    value = float(objective_usd(scenario, terms.probability, terms.risk_weight, terms.risk_level))
    return PathSolution(
        offer=path,
        moves=tuple(_moves(path, ways)),
        signed=tuple(Signed(size.amount_usd / scale, size.discount) for size in choice.sizes),
        opened=opened if waiting is None else opened[:-1],
        scenario_usd=scenario,
        expected_usd=float(scenario @ terms.probability),
        cvar_usd=float(cvar_usd(scenario, terms.probability, terms.risk_level)),
        objective_usd=value,
        lower_bound_usd=min(found.bound / scale, value),
        switching_usd=switching,
        onboarding_usd=opening,
        paths_tried=len(found.columns.owner),
        branches=found.branches,
    )


def _moves(path: Ints, ways: Ways) -> list[Move]:
    found = []
    for workload, row in enumerate(path):
        before = int(ways.start[workload])
        for month, after in enumerate(int(offer) for offer in row):
            if before != after and after >= 0:
                cost = (
                    float(ways.switch_usd[workload, before, after] * ways.month_weight[month]) if before >= 0 else 0.0
                )
                found.append(Move(workload, month, before if before >= 0 else None, after, cost))
            before = after
    return found
