"""A linear program laid down in blocks of numpy arrays, and the solver it is passed to."""

from __future__ import annotations

from dataclasses import dataclass, field

import highspy
import numpy as np
from numpy.typing import NDArray

from trivium.plan._milp import _Quiet

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(slots=True)
class Program:
    """Columns and entries on their way to HiGHS."""

    cost: list[Floats] = field(default_factory=list)
    lower: list[Floats] = field(default_factory=list)
    upper: list[Floats] = field(default_factory=list)
    entries: list[tuple[Ints, Ints, Floats]] = field(default_factory=list)
    row_lower: list[Floats] = field(default_factory=list)
    row_upper: list[Floats] = field(default_factory=list)
    columns: int = 0
    rows: int = 0

    def variables(self, cost: Floats | float, upper: Floats | float, count: int, lower: float = 0.0) -> Ints:
        self.cost.append(np.broadcast_to(np.asarray(cost, dtype=np.float64), count))
        self.lower.append(np.full(count, lower))
        self.upper.append(np.broadcast_to(np.asarray(upper, dtype=np.float64), count))
        self.columns += count
        return np.arange(self.columns - count, self.columns)

    def constraints(self, lower: float, upper: float, count: int) -> Ints:
        self.row_lower.append(np.full(count, lower))
        self.row_upper.append(np.full(count, upper))
        self.rows += count
        return np.arange(self.rows - count, self.rows)

    def put(self, rows: Ints, columns: Ints, values: Floats | float) -> None:
        rows, columns = np.broadcast_arrays(rows, columns)
        flat = np.broadcast_to(np.asarray(values, dtype=np.float64), rows.shape)
        self.entries.append((rows.ravel(), columns.ravel(), flat.ravel()))

    def finish(self) -> highspy.HighsLp:
        rows, columns, values = (np.concatenate(part) for part in zip(*self.entries, strict=True))
        order = np.lexsort((rows, columns))
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = self.columns, self.rows
        program.col_cost_ = np.concatenate(self.cost)
        program.col_lower_, program.col_upper_ = np.concatenate(self.lower), np.concatenate(self.upper)
        program.row_lower_, program.row_upper_ = np.concatenate(self.row_lower), np.concatenate(self.row_upper)
        program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        counts = np.bincount(columns, minlength=self.columns)
        program.a_matrix_.start_ = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        program.a_matrix_.index_ = rows[order].astype(np.int32)
        program.a_matrix_.value_ = values[order]
        return program


def quiet_solver(seconds: float | None = None) -> highspy.Highs:
    """HiGHS on one thread, silent and repeatable."""
    solver = _Quiet()  # type: ignore[no-untyped-call]  # the binding ships half its types
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("random_seed", 0)
    if seconds is not None:
        solver.setOptionValue("time_limit", seconds)
    return solver
