"""Large programmes of commitments by cuts: each scenario is a small programme that stays live, sizes are the master's.

With the sizes held, scenarios have nothing in common (L-shaped method). What a scenario costs is convex in the sizes,
so its cost and slopes at any trial are a bound everywhere. The master's value is a proven bound; trials stay near the
best.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray

from trivium.plan._milp import quiet
from trivium.plan._solve import SolverFailed

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_DISTANCE = 1e-7  # from the bound, as a share
_ROUNDS_MAX = 60
_BOX = 0.01  # first trials: this far from the start, as a share of the range
_EDGE = 1e-9


@dataclass(frozen=True)
class Blocks:
    """One scenario's programme and what differs between scenarios: bounds of placements, rows of what is shared."""

    program: highspy.HighsLp
    sizes: Ints  # columns that are signed
    placed: Ints  # columns that are placed
    placed_most: Floats  # (placed, S)
    shared: Ints  # rows
    shared_most: Floats  # (shared, S)
    total: Floats  # (S,): the first row's level


@dataclass(frozen=True)
class Cut:
    """The best trial: sizes, what each scenario costs and places there, and the bound on the objective."""

    sizes: Floats
    costs: Floats
    placed: Floats  # (placed, S)
    bound: float


class _Live:
    """A solver for each scenario, in the order of their cost, so that a neighbour's basis is a good beginning."""

    def __init__(self, blocks: Blocks) -> None:
        self.blocks = blocks
        self.sizes = blocks.sizes.astype(np.int32)
        self.order: list[int] = np.argsort(blocks.total).tolist()
        self.solvers = [quiet() for _ in self.order]
        self.cold = True
        columns, rows = blocks.placed.astype(np.int32), blocks.shared.tolist()
        for scenario, solver in enumerate(self.solvers):
            for name, value in (("threads", 1), ("random_seed", 0), ("presolve", "off")):
                solver.setOptionValue(name, value)
            solver.passModel(blocks.program)
            solver.changeColsBounds(len(columns), columns, np.zeros(len(columns)), blocks.placed_most[:, scenario])
            for row, most in zip(rows, blocks.shared_most[:, scenario].tolist(), strict=True):
                solver.changeRowBounds(row, -np.inf, most)
            solver.changeRowBounds(0, float(blocks.total[scenario]), float(blocks.total[scenario]))

    def at(self, sizes: Floats) -> tuple[Floats, Floats]:
        """Costs (S,) and slopes (S, sizes) at a trial."""
        costs, slopes = np.zeros(len(self.solvers)), np.zeros((len(self.solvers), len(sizes)))
        before: highspy.Highs | None = None
        for scenario in self.order:
            solver = self.solvers[scenario]
            solver.changeColsBounds(len(sizes), self.sizes, sizes, sizes)
            if self.cold and before is not None:
                solver.setBasis(before.getBasis())
            solver.run()
            if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
                raise SolverFailed("a scenario could not be placed")
            costs[scenario] = solver.getInfo().objective_function_value
            slopes[scenario] = np.array(solver.getSolution().col_dual)[self.sizes]
            before = solver
        self.cold = False
        return costs, slopes

    def placed(self) -> Floats:
        """What each scenario places at the last trial."""
        found = [np.array(solver.getSolution().col_value)[self.blocks.placed] for solver in self.solvers]
        return np.stack(found, axis=1)


class _Master:
    """Columns: sizes, η, the forecast of each scenario, its excess over η."""

    def __init__(self, lower: Floats, upper: Floats, risk: tuple[Floats, float, float]) -> None:
        probability, omega, level = risk
        self.count, self.scenarios = len(lower), len(probability)
        self.solver = quiet()
        self.solver.setOptionValue("threads", 1)
        cost = [np.zeros(self.count), np.array([omega]), (1 - omega) * probability, omega / (1 - level) * probability]
        least = [lower, np.array([-np.inf if omega else 0.0]), np.zeros(2 * self.scenarios)]
        most = [upper, np.array([np.inf if omega else 0.0]), np.full(2 * self.scenarios, np.inf)]
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = self.count + 1 + 2 * self.scenarios, 0
        program.col_cost_, program.col_lower_ = np.concatenate(cost), np.concatenate(least)
        program.col_upper_ = np.concatenate(most)
        program.a_matrix_.start_ = np.zeros(program.num_col_ + 1, dtype=np.int32)
        self.solver.passModel(program)
        self.theta = self.count + 1
        for number in range(self.scenarios if omega else 0):  # excess ≥ forecast - η
            terms = np.array([self.count, self.theta + number, self.theta + self.scenarios + number], dtype=np.int32)
            self.solver.addRow(0.0, np.inf, 3, terms, np.array([1.0, -1.0, 1.0]))

    def learn(self, sizes: Floats, costs: Floats, slopes: Floats) -> None:
        """A forecast is no less than its cost at a trial and the slopes from there."""
        for number in range(self.scenarios):
            terms = np.array([*range(self.count), self.theta + number], dtype=np.int32)
            level = float(costs[number] - slopes[number] @ sizes)
            self.solver.addRow(level, np.inf, len(terms), terms, np.array([*(-slopes[number]), 1.0]))

    def trial(self, lower: Floats, upper: Floats) -> tuple[Floats, float]:
        """The best sizes between two bounds, and the value there."""
        columns = np.arange(self.count, dtype=np.int32)
        self.solver.changeColsBounds(self.count, columns, lower, upper)
        self.solver.run()
        if self.solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise SolverFailed("the master of the commitments has no answer")
        value = self.solver.getInfo().objective_function_value
        return np.clip(np.array(self.solver.getSolution().col_value)[: self.count], lower, upper), float(value)


def cut(
    blocks: Blocks,
    bounds: tuple[Floats, Floats],
    start: Floats,
    risk: tuple[Floats, float, float],
    value: Callable[[Floats], float],
) -> Cut | None:
    """Sizes within `bounds` to a ten-millionth from the bound; None where the rounds do not suffice."""
    lower, upper = bounds
    live, master = _Live(blocks), _Master(lower, upper, risk)
    trial, best, best_usd, bound, box = start, start, np.inf, -np.inf, _BOX
    costs = np.zeros(0)
    for _ in range(_ROUNDS_MAX):
        costs, slopes = live.at(trial)
        master.learn(trial, costs, slopes)
        found = value(costs)
        if found < best_usd:
            best, best_usd = trial, found
        else:
            box /= 2
        wide = box * (upper - lower)
        low, high = np.maximum(lower, best - wide), np.minimum(upper, best + wide)
        trial, forecast = master.trial(low, high)
        if (((trial > low + _EDGE) | (low <= lower)) & ((trial < high - _EDGE) | (high >= upper))).all():
            bound = max(bound, forecast)  # no edge of the box holds it: convex, so it is the least everywhere
        else:
            box = min(box * 1.5, 1.0)
        if best_usd - bound <= _DISTANCE * abs(best_usd):
            costs, _ = live.at(best)
            return Cut(best, costs, live.placed(), min(bound, best_usd))
    return None
