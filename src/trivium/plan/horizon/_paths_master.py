"""The restricted master of the column generation: shares of known paths, contracts and risk in one live program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray

from trivium.plan.horizon._paths_program import Program, quiet_solver
from trivium.plan.horizon._paths_terms import Deal, Option, Terms

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_INFINITY = highspy.kHighsInf
_PIVOTS_MAX = 20_000  # a solve from the last basis takes hundreds; a degenerate one can cycle for ever
_STRATEGIES = (1, 4)  # the dual simplex method from the last basis, then the primal one afresh


class Stuck(Exception):
    """The linear program could be neither solved nor shown to be empty."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Paths: whose, what the moves cost, list spend per atom and scenario, months on each surface as a share."""

    owner: Ints  # (N,)
    path: Ints  # (N, T)
    move_usd: Floats  # (N,)
    spend: Floats  # (N, A, S)
    share: Floats  # (N, K)

    def take(self, rows: Ints) -> Columns:
        """These rows only."""
        return Columns(self.owner[rows], self.path[rows], self.move_usd[rows], self.spend[rows], self.share[rows])

    def join(self, more: Columns) -> Columns:
        """Both, one after the other."""
        return Columns(
            np.concatenate([self.owner, more.owner]),
            np.concatenate([self.path, more.path]),
            np.concatenate([self.move_usd, more.move_usd]),
            np.concatenate([self.spend, more.spend]),
            np.concatenate([self.share, more.share]),
        )


@dataclass(frozen=True, slots=True)
class Relaxed:
    """An optimum of the restricted master and its duals."""

    value: float
    artificial: float
    shares: Floats  # (N,)
    sizes: tuple[tuple[float, ...], ...]  # a deal's size, or the weight of each of its options
    opened: Floats  # (K,)
    spend_price: Floats  # (A, S) what one more dollar of list spend costs
    open_price: Floats  # (W, K) what a workload's use of a surface costs
    convexity: Floats  # (W,)


class Master:
    """A live program: columns are added, bounds are moved, and each solve starts from the last basis."""

    def __init__(self, terms: Terms, open_usd: Floats, workloads: int, spend_max: Floats, penalty: Floats) -> None:
        self._terms = terms
        self._workloads, self._surfaces = workloads, len(open_usd)
        self._program = Program()
        self._sizes: list[Ints] = []
        self._lay_base(open_usd, penalty)
        for deal in terms.deals:
            self._sizes.append(self._lay_sizes(deal))
        self._lay_cover()
        for number, deal in enumerate(terms.deals):
            if deal.take_or_pay:
                self._lay_take_or_pay(number, deal, spend_max)
        self._solver = quiet_solver()
        self._solver.setOptionValue("simplex_iteration_limit", _PIVOTS_MAX + 5 * self._program.rows)
        self._fixed = self._program.columns
        self._solver.passModel(self._program.finish())
        self._columns = 0

    def _lay_base(self, open_usd: Floats, penalty: Floats) -> None:
        terms, program = self._terms, self._program
        atoms, scenarios = terms.atoms, len(terms.probability)
        convexity = program.constraints(1.0, 1.0, self._workloads)
        self._artificial = program.variables(penalty, _INFINITY, self._workloads)
        program.put(convexity, self._artificial, 1.0)
        self._convexity = convexity
        self._spend = program.constraints(0.0, 0.0, atoms * scenarios).reshape(atoms, scenarios)
        self._risk = program.constraints(-_INFINITY, 0.0, scenarios)
        self._mean = (1.0 - terms.risk_weight) * terms.probability
        weight = np.repeat(terms.atom_weight, scenarios).reshape(atoms, scenarios)
        self._unpaid = program.variables((weight * self._mean).ravel(), _INFINITY, atoms * scenarios).reshape(
            weight.shape
        )
        program.put(self._spend, self._unpaid, -1.0)
        program.put(np.broadcast_to(self._risk, weight.shape), self._unpaid, weight)
        level = program.variables(terms.risk_weight, _INFINITY, 1, lower=-_INFINITY)
        tail = terms.risk_weight * terms.probability / (1.0 - terms.risk_level)
        excess = program.variables(tail, _INFINITY, scenarios)
        program.put(self._risk, level, -1.0)
        program.put(self._risk, excess, -1.0)
        self._open = program.variables(open_usd, 1.0, self._surfaces)
        count = self._workloads * self._surfaces
        self._use = program.constraints(-_INFINITY, 0.0, count).reshape(self._workloads, self._surfaces)
        program.put(self._use, np.broadcast_to(self._open, self._use.shape), -1.0)

    def _lay_sizes(self, deal: Deal) -> Ints:
        program, pays = self._program, 0.0 if deal.take_or_pay else deal.paid
        if not deal.options:
            high = max(deal.high_usd, deal.low_usd)
            return program.variables(pays, high, 1, lower=deal.low_usd)
        sizes = program.variables(
            np.array([pays * option.amount_usd for option in deal.options]), 1.0, len(deal.options)
        )
        program.put(program.constraints(1.0, 1.0, 1), sizes, 1.0)
        return sizes

    def _lay_cover(self) -> None:
        terms, program = self._terms, self._program
        scenarios = len(terms.probability)
        for number, deal in enumerate(terms.deals):
            if deal.take_or_pay:
                continue
            if deal.options:
                reach = np.array([option.amount_usd / (1.0 - option.discount) for option in deal.options])
            else:
                reach = np.array([1.0 / (1.0 - deal.discount)])
            for span, part in zip(deal.spans, deal.parts, strict=True):
                room = program.constraints(-_INFINITY, 0.0, scenarios)
                program.put(room[:, None], self._sizes[number][None, :], -part * reach[None, :])
                for atom in span:
                    covered = program.variables(0.0, _INFINITY, scenarios)
                    program.put(self._spend[atom], covered, -1.0)
                    program.put(room, covered, 1.0)

    def _lay_take_or_pay(self, number: int, deal: Deal, spend_max: Floats) -> None:
        """Discounted spend is a variable per option, open only under its option; a single option needs no limit."""
        terms, program, sizes = self._terms, self._program, self._sizes[number]
        scenarios = len(terms.probability)
        options = deal.options or (Option(1.0, deal.discount),)
        for span, weight, part in zip(deal.spans, deal.weights, deal.parts, strict=True):
            floor = program.constraints(0.0, _INFINITY, scenarios)
            short = program.variables(weight * self._mean, _INFINITY, scenarios)
            program.put(floor, short, 1.0)
            program.put(self._risk, short, weight)
            amounts = np.array([part * option.amount_usd for option in options])
            program.put(floor[:, None], sizes[None, :], -amounts[None, :])
            for atom in span:
                program.put(floor, self._unpaid[atom], deal.counts)
                rate = terms.atom_weight[atom]
                within = program.constraints(-_INFINITY, 0.0, scenarios)
                program.put(within, self._unpaid[atom], -1.0)
                for size, option in zip(sizes, options, strict=True):
                    if option.discount == 0.0:
                        continue
                    saved = option.discount
                    bought = program.variables(-rate * saved * self._mean, _INFINITY, scenarios)
                    program.put(within, bought, 1.0)
                    program.put(floor, bought, -saved * deal.counts)
                    program.put(self._risk, bought, -rate * saved)
                    if deal.options:
                        limit = program.constraints(-_INFINITY, 0.0, scenarios)
                        program.put(limit, bought, 1.0)
                        program.put(limit, np.full(scenarios, size), -spend_max[atom])

    def add(self, columns: Columns) -> None:
        """Offers more paths."""
        starts, indices, values = [0], [], []
        for owner, spend, share in zip(columns.owner, columns.spend, columns.share, strict=True):
            atom, scenario = np.nonzero(spend)
            surface = np.flatnonzero(share)
            indices += [self._convexity[owner : owner + 1], self._spend[atom, scenario], self._use[owner, surface]]
            values += [np.ones(1), spend[atom, scenario], share[surface]]
            starts.append(starts[-1] + 1 + len(atom) + len(surface))
        count = len(columns.owner)
        self._solver.addCols(
            count,
            columns.move_usd,
            np.zeros(count),
            np.full(count, _INFINITY),
            starts[-1],
            np.array(starts[:-1], dtype=np.int32),
            np.concatenate(indices).astype(np.int32),
            np.concatenate(values),
        )
        self._columns += count

    def restrict(
        self, allowed: NDArray[np.bool_], opened: tuple[Floats, Floats], sizes: Sequence[tuple[Floats, Floats] | None]
    ) -> None:
        """Bounds of a branch: which columns may be used, how far each surface opens, each deal's sizes."""
        if self._columns:
            numbers = np.arange(self._fixed, self._fixed + self._columns, dtype=np.int32)
            upper = np.where(allowed, _INFINITY, 0.0)
            self._solver.changeColsBounds(self._columns, numbers, np.zeros(self._columns), upper)
        self._solver.changeColsBounds(
            self._surfaces,
            self._open.astype(np.int32),
            np.ascontiguousarray(opened[0]),
            np.ascontiguousarray(opened[1]),
        )
        for variables, bounds in zip(self._sizes, sizes, strict=True):
            if bounds is not None:
                self._solver.changeColsBounds(len(variables), variables.astype(np.int32), bounds[0], bounds[1])

    def fix_spend(self, spend: Floats) -> None:
        """List spend (A, S) is given: what remains are the sizes."""
        rows = self._spend.ravel().astype(np.int32)
        self._solver.changeRowsBounds(len(rows), rows, -spend.ravel(), -spend.ravel())  # type: ignore[attr-defined]  # the stubs omit it

    def solve(self) -> Relaxed | None:
        """The optimum; None if the bounds leave nothing. Stuck if HiGHS finds neither."""
        for strategy in _STRATEGIES:
            self._solver.setOptionValue("simplex_strategy", strategy)
            self._solver.run()
            status = self._solver.getModelStatus()
            if status == highspy.HighsModelStatus.kInfeasible:
                return None
            if status == highspy.HighsModelStatus.kOptimal:
                solution = self._solver.getSolution()
                values, duals = np.array(solution.col_value), np.array(solution.row_dual)
                return self._relaxed(float(self._solver.getInfo().objective_function_value), values, duals)
            self._solver.clearSolver()
        raise Stuck

    def solve_whole(self, seconds: float, gap: float) -> tuple[Relaxed | None, float]:
        """The best whole choice among the columns, and a bound on every such choice."""
        solver = quiet_solver(seconds)
        solver.setOptionValue("mip_rel_gap", gap)
        solver.setOptionValue("mip_abs_gap", 0.0)
        solver.setOptionValue("mip_feasibility_tolerance", 1e-9)
        program = self._solver.getLp()
        whole = np.zeros(program.num_col_, dtype=bool)
        whole[self._fixed :] = True
        whole[self._open] = True
        for deal, sizes in zip(self._terms.deals, self._sizes, strict=True):
            whole[sizes] = bool(deal.options)
        program.integrality_ = [
            highspy.HighsVarType.kInteger if flag else highspy.HighsVarType.kContinuous for flag in whole
        ]
        solver.passModel(program)
        solver.run()
        info = solver.getInfo()
        bound = float(info.mip_dual_bound)
        if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            done = solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible
            return None, (np.inf if done else bound)
        values = np.array(solver.getSolution().col_value)
        found = self._relaxed(float(info.objective_function_value), values, np.zeros(program.num_row_))
        return found, bound

    def _relaxed(self, value: float, values: Floats, duals: Floats) -> Relaxed:
        return Relaxed(
            value,
            float(values[self._artificial].sum()),
            values[self._fixed :],
            tuple(tuple(float(values[index]) for index in sizes) for sizes in self._sizes),
            values[self._open],
            -duals[self._spend],
            -duals[self._use],
            duals[self._convexity],
        )
