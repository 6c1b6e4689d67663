"""A thin hand on HiGHS: variables and rows in, values of the minimum out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import highspy
import numpy as np

_TIME_LIMIT_S = 60.0


class _Quiet(highspy.Highs):
    """HiGHS writes a banner to standard output while it is constructed, unless it is silenced in that moment."""

    def enableCallbacks(self) -> None:  # noqa: N802  the binding's name
        self.setOptionValue("output_flag", False)
        super().enableCallbacks()  # type: ignore[no-untyped-call]  # the binding ships half its types


def quiet() -> highspy.Highs:
    """A solver that prints nothing."""
    return _Quiet()  # type: ignore[no-untyped-call]  # the binding ships half its types


@dataclass(slots=True)
class Milp:
    """A minimisation over non-negative variables, integer unless said otherwise."""

    cost: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    integer: list[bool] = field(default_factory=list)
    row_lower: list[float] = field(default_factory=list)
    row_upper: list[float] = field(default_factory=list)
    starts: list[int] = field(default_factory=lambda: [0])
    indices: list[int] = field(default_factory=list)
    coefficients: list[float] = field(default_factory=list)

    def variable(self, cost: float, upper: float | None, *, integer: bool = True) -> int:
        """A new variable from 0 to `upper` (None: no end); its index."""
        self.cost.append(cost)
        self.upper.append(highspy.kHighsInf if upper is None else float(upper))
        self.integer.append(integer)
        return len(self.cost) - 1

    def row(self, lower: float | None, upper: float, terms: Sequence[tuple[int, float]]) -> None:
        """A new row: lower ≤ the sum of coefficient times variable ≤ upper."""
        self.row_lower.append(-highspy.kHighsInf if lower is None else lower)
        self.row_upper.append(upper)
        self.indices.extend(index for index, _ in terms)
        self.coefficients.extend(value for _, value in terms)
        self.starts.append(len(self.indices))

    def minimise(self, nodes_max: int | None = None) -> list[float] | None:
        """Values at the minimum; None if nothing satisfies the rows (or nothing was found in time).

        With `nodes_max` the search ends after so many branches, with the best found: a bound that does not depend on
        the machine's speed.
        """
        if not self.cost:
            return []
        solver = _Quiet()  # type: ignore[no-untyped-call]  # the same
        solver.setOptionValue("threads", 1)
        solver.setOptionValue("random_seed", 0)
        solver.setOptionValue("mip_rel_gap", 0.0)
        solver.setOptionValue("mip_abs_gap", 0.0)
        solver.setOptionValue("mip_feasibility_tolerance", 1e-9)
        solver.setOptionValue("primal_feasibility_tolerance", 1e-9)
        solver.setOptionValue("dual_feasibility_tolerance", 1e-9)
        solver.setOptionValue("time_limit", _TIME_LIMIT_S)
        if nodes_max is not None:
            solver.setOptionValue("mip_max_nodes", nodes_max)
        solver.passModel(self._program())
        solver.run()
        found = solver.getInfo().primal_solution_status
        if found != highspy.SolutionStatus.kSolutionStatusFeasible:
            return None
        return list(solver.getSolution().col_value)

    def _program(self) -> highspy.HighsLp:
        program = highspy.HighsLp()
        program.num_col_ = len(self.cost)
        program.num_row_ = len(self.row_upper)
        program.col_cost_ = np.array(self.cost, dtype=np.double)
        program.col_lower_ = np.zeros(len(self.cost), dtype=np.double)
        program.col_upper_ = np.array(self.upper, dtype=np.double)
        program.row_lower_ = np.array(self.row_lower, dtype=np.double)
        program.row_upper_ = np.array(self.row_upper, dtype=np.double)
        program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        program.a_matrix_.start_ = np.array(self.starts, dtype=np.int32)
        program.a_matrix_.index_ = np.array(self.indices, dtype=np.int32)
        program.a_matrix_.value_ = np.array(self.coefficients, dtype=np.double)
        program.integrality_ = [
            highspy.HighsVarType.kInteger if whole else highspy.HighsVarType.kContinuous for whole in self.integer
        ]
        return program
