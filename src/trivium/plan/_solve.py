"""Solve a placement problem with HiGHS, in three steps, each verified in whole numbers.

1. Cost: the least cost within the quotas. The objective is what each column costs above the workload's cheapest,
   so that the common part of the amounts, which is most of them, needs no digits.
2. Fit, only if the quotas cannot be kept: the least overrun, then step 1 within the limits so raised.
3. Ties: among equally cheap answers the one that moves least, then uses fewest offers, then prefers lower ranks.

HiGHS computes in floats; what it answers is checked, and its cost taken, with exact integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from trivium.core import TriviumError
from trivium.plan._milp import Milp
from trivium.plan._problem import Problem, check, excesses, improve, moves, needed_limits

_SCALE = 1e4  # the largest objective coefficient: far above the solver's tolerances, far below its overflow
_ATTEMPTS = 8
_TIE_NODES_MAX = 50  # breaking ties is a courtesy: any answer of the same cost is right


class SolverFailed(TriviumError):
    """HiGHS gave no usable answer."""


@dataclass(frozen=True, slots=True)
class Solution:
    """Parts per column, the exact cost times `parts`, and the limits it kept (raised where they could not be)."""

    shares: tuple[int, ...]
    cost: int
    limits: tuple[int, ...]

    def overrun(self, problem: Problem) -> tuple[int, ...]:
        """Groups whose limit could not be kept."""
        return tuple(group for group, limit in enumerate(problem.limits) if self.limits[group] > limit)


class _Step(Enum):
    COST = "cost"
    FIT = "fit"
    TIES = "ties"


def solve_problem(problem: Problem, *, ties: bool = True) -> Solution:
    """The cheapest placement that keeps every quota; where that is impossible, with the least overrun of quotas.

    Without `ties`, any of the equally cheap answers: enough while the problem still grows.
    """
    limits = problem.limits
    shares = _solve(problem, limits, _Step.COST)
    if shares is None:
        fitted = _solve(problem, limits, _Step.FIT)
        if fitted is None:
            raise SolverFailed("the placement has no answer even with its quotas lifted")
        limits = needed_limits(problem, fitted)
        shares = _solve(problem, limits, _Step.COST) or fitted
    shares = improve(problem, shares, limits)
    if ties:
        shares = _break_ties(problem, shares, limits)
    return Solution(shares, problem.cost(shares), limits)


def _break_ties(problem: Problem, shares: tuple[int, ...], limits: Sequence[int]) -> tuple[int, ...]:
    best = problem.cost(shares)
    found = _solve(problem, limits, _Step.TIES, best)
    if found is None or problem.cost(found) > best:  # only within the solver's tolerance: keep the exact one
        return shares
    if problem.cost(found) == best and moves(problem, found) > moves(problem, shares):
        return shares
    return found


def _solve(problem: Problem, limits: Sequence[int], step: _Step, best: int = 0) -> tuple[int, ...] | None:
    """One step; None if it is infeasible. Repeated with tighter rows if rounding broke a quota."""
    slack = 0.0
    for _ in range(_ATTEMPTS):
        shares = _Build(problem, limits, step, best, slack).solve()
        if shares is None or step is _Step.FIT or not check(problem, shares, limits):
            return shares
        slack = max(slack * 8, 1e-9)
    raise SolverFailed("the solver's answers break a quota by rounding; give fewer parts")


class _Build:
    """The model of one step: a column has a variable for its parts and, if dividing costs, one for running whole."""

    def __init__(self, problem: Problem, limits: Sequence[int], step: _Step, best: int, slack: float) -> None:
        self.problem, self.limits, self.step, self.slack = problem, limits, step, slack
        self.milp = Milp()
        self.above = excesses(problem)
        cheapest = sum(min(problem.columns[i].cost for i in columns) for columns in problem.by_workload.values())
        self.budget = best - cheapest * problem.parts  # what an equally cheap answer may cost above the cheapest ways
        self.largest = max((split for _, split in self.above), default=0) or 1
        self.terms = [self._variables(index) for index in range(len(problem.columns))]
        self._place()
        self._keep_quotas()
        if step is _Step.TIES:
            self._stay_as_cheap()

    def solve(self) -> tuple[int, ...] | None:
        """Parts per column."""
        values = self.milp.minimise(_TIE_NODES_MAX if self.step is _Step.TIES else None)
        if values is None:
            return None
        return tuple(sum(round(values[index]) * parts for index, parts in terms) for terms in self.terms)

    def _variables(self, index: int) -> tuple[tuple[int, int], ...]:
        """The variables of a column, each with the parts that one unit of it places."""
        column, (whole, split) = self.problem.columns[index], self.above[index]
        parts = self.problem.parts
        exact = self.step is _Step.TIES and self.budget == 0
        tie = self._tie_weights()
        if split == whole:
            cost = {_Step.COST: split / self.largest * _SCALE, _Step.FIT: 0.0, _Step.TIES: tie[0] * column.moved}
            part = self.milp.variable(cost[self.step], 0 if exact and split else parts)
            self._count(part, parts, column.rank)
            return ((part, 1),)
        cost = {_Step.COST: split / self.largest * _SCALE, _Step.FIT: 0.0, _Step.TIES: tie[0] * column.moved}
        part = self.milp.variable(cost[self.step], 0 if exact and split else parts - 1)
        self._count(part, parts, column.rank)
        one = {
            _Step.COST: whole / self.largest * _SCALE * parts,
            _Step.FIT: 0.0,
            _Step.TIES: tie[0] * column.moved * parts + tie[1] + column.rank,
        }
        return ((part, 1), (self.milp.variable(one[self.step], 0 if exact and whole else 1), parts))

    def _tie_weights(self) -> tuple[float, float]:
        """What a moved part weighs, and what a used offer weighs, against a rank of 1."""
        ranks = max((column.rank for column in self.problem.columns), default=0)
        used = float((ranks + 1) * 4)
        return used * 8, used

    def _count(self, part: int, parts: int, rank: int) -> None:
        if self.step is _Step.TIES:
            used = self.milp.variable(self._tie_weights()[1] + rank, 1)
            self.milp.row(None, 0.0, [(part, 1.0), (used, -float(parts))])

    def _place(self) -> None:
        for columns in self.problem.by_workload.values():
            terms = [(variable, float(parts)) for index in columns for variable, parts in self.terms[index]]
            self.milp.row(float(self.problem.parts), float(self.problem.parts), terms)

    def _keep_quotas(self) -> None:
        over = {}
        if self.step is _Step.FIT:
            over = {group: self.milp.variable(1.0, None, integer=False) for group in range(len(self.limits))}
        for row in self.problem.rows:
            limit = self.limits[row.group]
            unit = limit or max(row.loads.values(), default=0) or 1
            terms = [
                (variable, load * parts / unit)
                for index, load in row.loads.items()
                if load
                for variable, parts in self.terms[index]
            ]
            if row.group in over:
                terms.append((over[row.group], -float(self.problem.parts)))
            self.milp.row(None, self.problem.parts * (limit / unit) * (1.0 - self.slack), terms)

    def _stay_as_cheap(self) -> None:
        if self.budget <= 0:
            return  # columns that cost more are closed already
        terms = []
        for index, (whole, split) in enumerate(self.above):
            for variable, parts in self.terms[index]:
                above = split if parts == 1 else whole * parts
                if above:
                    terms.append((variable, above / self.budget))
        self.milp.row(None, 1.0, terms)
