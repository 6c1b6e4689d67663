"""Benders' method for provisioned throughput: lots and risk in a live master, cuts from the scenarios' blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray

from trivium.plan.horizon._paths_program import Program, quiet_solver

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lots:
    """What can be bought: one column per pool, term and first month."""

    pool: Ints  # (J,)
    term: Ints  # (J,) which of the pool's terms
    first: Ints  # (J,)
    last: Ints  # (J,) the month after
    price_usd: Floats  # (J,) of one unit over its months
    most: Floats  # (J,)
    whole: NDArray[np.bool_]  # (J,)

    def units(self, bought: Floats, held: Floats) -> Floats:
        """Units (G, T) that run each month, those already held among them."""
        units = held.copy()
        for number in np.flatnonzero(bought):
            units[self.pool[number], self.first[number] : self.last[number]] += bought[number]
        return units


@dataclass(frozen=True, slots=True)
class Risk:
    """(1 - ω)·E + ω·CVaR."""

    probability: Floats
    weight: float
    level: float


@dataclass(frozen=True, slots=True)
class Stage:
    """An answer of the master: what to buy, and the least the whole can cost as far as the cuts know."""

    bought: Floats
    value: float


class Master:
    """Lots, units a month, a forecast θ of each block's cost, and the risk of their sums."""

    def __init__(
        self, lots: Lots, held: Floats, risk: Risk, blocks: Sequence[tuple[int, tuple[int, ...]]], floor: Floats
    ) -> None:
        program = Program()
        pools, months = held.shape
        scenarios = len(risk.probability)
        self._lots = program.variables(lots.price_usd, lots.most, len(lots.pool))
        self._whole = lots.whole
        self._units = program.variables(0.0, highspy.kHighsInf, pools * months).reshape(pools, months)
        runs = program.constraints(0.0, 0.0, pools * months).reshape(pools, months)
        program.row_lower[-1] = program.row_upper[-1] = held.ravel()
        program.put(runs, self._units, 1.0)
        for number in range(len(lots.pool)):
            rows = runs[lots.pool[number], lots.first[number] : lots.last[number]]
            program.put(rows, np.full(len(rows), self._lots[number]), -1.0)
        scenario_of = np.array([scenario for scenario, _ in blocks])
        mean = (1.0 - risk.weight) * risk.probability
        self._theta = program.variables(mean[scenario_of], highspy.kHighsInf, len(blocks))
        program.lower[-1] = floor
        level = program.variables(risk.weight, highspy.kHighsInf, 1, lower=-highspy.kHighsInf)
        tail = risk.weight * risk.probability / (1.0 - risk.level)
        excess = program.variables(tail, highspy.kHighsInf, scenarios)
        rows = program.constraints(-highspy.kHighsInf, 0.0, scenarios)
        program.put(rows, level, -1.0)
        program.put(rows, excess, -1.0)
        program.put(rows[scenario_of], self._theta, 1.0)
        self._blocks = blocks
        self._fixed_rows = program.rows
        self._idle = np.zeros(0, dtype=np.int64)
        self._solver = quiet_solver()
        self._solver.passModel(program.finish())

    def cut(self, numbers: Ints, units: Floats, costs: Sequence[tuple[float, Floats]]) -> None:
        """θ ≥ cost + slope·(units - these units), for these blocks."""
        lower, starts, indices, values = [], [0], [], []
        for number in numbers:
            cost, slope = costs[number]
            months = list(self._blocks[number][1])
            at = slope != 0.0
            indices += [self._theta[number : number + 1], self._units[:, months][at]]
            values += [np.ones(1), -slope[at]]
            starts.append(starts[-1] + 1 + int(at.sum()))
            lower.append(cost - float((slope * units[:, months]).sum()))
        if not lower:
            return
        self._solver.addRows(
            len(lower),
            np.array(lower),
            np.full(len(lower), highspy.kHighsInf),
            starts[-1],
            np.array(starts[:-1], dtype=np.int32),
            np.concatenate(indices).astype(np.int32),
            np.concatenate(values),
        )
        self._idle = np.concatenate([self._idle, np.zeros(len(lower), dtype=np.int64)])

    def solve(self) -> tuple[Stage, Floats]:
        """The relaxation's optimum and θ there."""
        self._solver.run()
        solution = self._solver.getSolution()
        values = np.array(solution.col_value)
        duals = np.array(solution.row_dual)[self._fixed_rows :]
        self._idle = np.where(np.abs(duals) > 0.0, 0, self._idle + 1)
        value = float(self._solver.getInfo().objective_function_value)
        return Stage(np.maximum(values[self._lots], 0.0), value), values[self._theta]

    def forget(self, rounds: int) -> None:
        """Drops the cuts that have not counted for so many solves."""
        stale = np.flatnonzero(self._idle >= rounds)
        if len(stale):
            self._solver.deleteRows(len(stale), (stale + self._fixed_rows).astype(np.int32))
            self._idle = np.delete(self._idle, stale)

    def solve_whole(self, seconds: float, gap: float, start: Floats) -> tuple[Stage | None, float, float]:
        """The best whole lots under the cuts known, the bound that this proves, and the seconds it took."""
        solver = quiet_solver(seconds)
        solver.setOptionValue("mip_rel_gap", gap)
        program = self._solver.getLp()
        kinds = [highspy.HighsVarType.kContinuous] * program.num_col_
        for column in self._lots[self._whole]:
            kinds[int(column)] = highspy.HighsVarType.kInteger
        program.integrality_ = kinds
        solver.passModel(program)
        solver.setSolution(len(self._lots), self._lots.astype(np.int32), start)
        solver.run()
        info = solver.getInfo()
        if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return None, float(info.mip_dual_bound), float(solver.getRunTime())
        values = np.array(solver.getSolution().col_value)[self._lots]
        values = np.where(self._whole, np.round(values), np.maximum(values, 0.0))
        stage = Stage(values, float(info.objective_function_value))
        return stage, float(info.mip_dual_bound), float(solver.getRunTime())
