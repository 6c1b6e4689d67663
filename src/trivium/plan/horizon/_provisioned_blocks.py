"""What a scenario's block of months costs at given units: one live linear program each, started from its last basis."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray

from trivium.plan.horizon._paths_program import quiet_solver

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Load:
    """What overflow costs and what provisioned capacity would carry, for one share of a workload's month.

    `overflow_usd` (W, S, T) is the month at on-demand prices; `use` (W, G, S, T) the units a pool needs to carry all of
    it, where `fits` (W, G, T) says that the pool can.
    """

    overflow_usd: Floats
    use: Floats
    fits: Flags

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Workloads, pools, scenarios, months."""
        workloads, pools, scenarios, months = self.use.shape
        return workloads, pools, scenarios, months


@dataclass(frozen=True, slots=True)
class Shares:
    """The columns of a block: which share of which workload's month goes to which pool, and the rows it lies in."""

    workload: Ints
    pool: Ints
    month: Ints
    whole_row: Ints  # Σ over pools ≤ 1

    @staticmethod
    def of(fits: Flags, months: Sequence[int]) -> Shares:
        """Every share that can be above zero in these months."""
        month, workload, pool = np.nonzero(fits[:, :, list(months)].transpose(2, 0, 1))
        _, row = np.unique(month * fits.shape[0] + workload, return_inverse=True)
        return Shares(workload, pool, np.asarray(months)[month], np.asarray(row).ravel())

    @property
    def rows(self) -> int:
        """How many workload-months there are."""
        return int(self.whole_row.max()) + 1 if len(self.whole_row) else 0


class Block:
    """One scenario over some months: the least overflow cost as a function of units, with its slope."""

    def __init__(self, load: Load, scenario: int, months: Sequence[int]) -> None:
        self.scenario, self.months = scenario, tuple(months)
        pools = load.shape[1]
        shares = Shares.of(load.fits, months)
        self._all_usd = float(load.overflow_usd[:, scenario, list(months)].sum())
        self._rows = np.arange(shares.rows, shares.rows + len(months) * pools, dtype=np.int32)
        self._least = np.full(len(self._rows), -highspy.kHighsInf)
        place = shares.rows + (shares.month - months[0]) * pools + shares.pool
        count = len(shares.workload)
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = count, shares.rows + len(self._rows)
        program.col_cost_ = -load.overflow_usd[shares.workload, scenario, shares.month]
        program.col_lower_, program.col_upper_ = np.zeros(count), np.ones(count)
        program.row_lower_ = np.full(program.num_row_, -highspy.kHighsInf)
        program.row_upper_ = np.concatenate([np.ones(shares.rows), np.zeros(len(self._rows))])
        program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        program.a_matrix_.start_ = np.arange(0, 2 * count + 1, 2, dtype=np.int32)
        program.a_matrix_.index_ = np.stack([shares.whole_row, place], axis=1).ravel().astype(np.int32)
        use = load.use[shares.workload, shares.pool, scenario, shares.month]
        program.a_matrix_.value_ = np.stack([np.ones(count), use], axis=1).ravel()
        self._solver = quiet_solver()
        self._solver.setOptionValue("presolve", "off")
        self._solver.passModel(program)

    def cost(self, units: Floats) -> tuple[float, Floats]:
        """Overflow cost at units (G, T), and its slope (G, months): never above zero."""
        given = np.ascontiguousarray(units[:, list(self.months)].T.ravel())
        self._solver.changeRowsBounds(len(self._rows), self._rows, self._least, given)  # type: ignore[attr-defined]  # the stubs omit it
        self._solver.run()
        if self._solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            self._solver.clearSolver()
            self._solver.run()
        slope = np.minimum(np.array(self._solver.getSolution().row_dual)[self._rows], 0.0)
        value = self._all_usd + float(self._solver.getInfo().objective_function_value)
        return value, slope.reshape(len(self.months), -1).T


def cost_of_all(blocks: Sequence[Block], units: Floats, executor: Executor) -> list[tuple[float, Floats]]:
    """Every block at the same units; HiGHS lets go of Python's lock while it solves."""
    return list(executor.map(lambda block: block.cost(units), blocks, chunksize=16))
