"""Placement: choices and quotas become a problem in whole numbers; the minutes that can bind are added as needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trivium.plan._candidates import Choice
from trivium.plan._demand import Minute
from trivium.plan._facts import Quota
from trivium.plan._problem import Column, Problem, Row, with_rows, without_group
from trivium.plan._solve import Solution, solve_problem

_ROWS_AT_ONCE = 40  # minutes of a quota added per round; the worst ones first


@dataclass(frozen=True)
class Placement:
    """The solved problem with the names of what its numbers stand for."""

    choices: tuple[Choice, ...]
    quotas: tuple[Quota, ...]
    problem: Problem
    solution: Solution
    owners: tuple[tuple[int, int], ...]  # per column: (choice, candidate)

    def shares(self, choice: int) -> tuple[tuple[int, int], ...]:
        """(candidate, parts) of one choice, those that are used."""
        return tuple(
            (candidate, parts)
            for (owner, candidate), parts in zip(self.owners, self.solution.shares, strict=True)
            if owner == choice and parts
        )

    def cost_without(self, group: int) -> int:
        """The optimal cost with one quota lifted, times parts."""
        return _solve_growing(without_group(self.problem, group), _Loads(self, skip=group)).cost


def place(choices: Sequence[Choice], quotas: Sequence[Quota], parts: int = 100) -> Placement:
    """The cheapest placement of every choice within the quotas; every choice must have a candidate."""
    columns, owners = [], []
    for number, choice in enumerate(choices):
        homes = {offer for offer, _ in choice.demand.offers}
        order = sorted(range(len(choice.candidates)), key=lambda i: _preference(choice, i))
        for rank, candidate in enumerate(order):
            found = choice.candidates[candidate]
            columns.append(Column(number, found.cost, found.split_cost, found.offer not in homes, rank))
            owners.append((number, candidate))
    limits = tuple(quota.limit for quota in quotas)
    start = Problem(tuple(columns), limits, (), parts)
    blank = Placement(tuple(choices), tuple(quotas), start, Solution((), 0, limits), tuple(owners))
    loads = _Loads(blank)
    problem, solution = loads.grow(start)
    return Placement(tuple(choices), tuple(quotas), problem, solution, tuple(owners))


def _preference(choice: Choice, candidate: int) -> tuple[bool, bool, bool, str, str]:
    """Among equals: where most of it runs now, then the same surface, then names; short cache life first."""
    found, home = choice.candidates[candidate], choice.demand.home
    return (found.offer != home, found.offer.surface != home.surface, found.life != "5m", str(found.offer), found.life)


class _Loads:
    """What every column uses of every quota in every minute, and which of it a problem must hold."""

    def __init__(self, placement: Placement, skip: int | None = None) -> None:
        self.by_group: dict[int, dict[int, Row]] = {}
        for group, quota in enumerate(placement.quotas):
            if group != skip:
                self.by_group[group] = _binding_rows(placement, group, quota)

    def grow(self, problem: Problem, *, ties: bool = True) -> tuple[Problem, Solution]:
        """Solve, add the minutes the answer overruns, and again until none is left; ties are broken at the end."""
        held: dict[int, set[int]] = {group: set() for group in self.by_group}
        breaking = False
        while True:
            solution = solve_problem(problem, ties=breaking)
            new = self._overrun(problem, solution, held)
            if new:
                problem, breaking = with_rows(problem, new), False
            elif breaking or not ties:
                return problem, solution
            else:
                breaking = True

    def _overrun(self, problem: Problem, solution: Solution, held: dict[int, set[int]]) -> list[Row]:
        new = []
        for group, rows in self.by_group.items():
            room = solution.limits[group] * problem.parts
            over = [(problem.load(row, solution.shares) - room, minute) for minute, row in rows.items()]
            over = [(excess, minute) for excess, minute in over if excess > 0 and minute not in held[group]]
            for _, minute in sorted(over, reverse=True)[:_ROWS_AT_ONCE]:
                held[group].add(minute)
                new.append(rows[minute])
        return new


def _solve_growing(problem: Problem, loads: _Loads) -> Solution:
    return loads.grow(problem, ties=False)[1]


def _binding_rows(placement: Placement, group: int, quota: Quota) -> dict[int, Row]:
    """Rows of the minutes in which a quota could be overrun at all."""
    minutes: dict[int, dict[int, int]] = {}
    most: dict[int, dict[int, int]] = {}
    by_choice = _minutes_of(placement.choices)
    for column, (owner, candidate) in enumerate(placement.owners):
        found = placement.choices[owner].candidates[candidate]
        if not quota.covers(found.offer):
            continue
        for minute in by_choice[owner]:
            load = quota.load(minute.counts(found.life))
            if load:
                minutes.setdefault(minute.minute, {})[column] = load
                heaviest = most.setdefault(minute.minute, {})
                heaviest[owner] = max(heaviest.get(owner, 0), load)
    return {minute: Row(group, minutes[minute]) for minute, loads in most.items() if sum(loads.values()) > quota.limit}


def _minutes_of(choices: Sequence[Choice]) -> Mapping[int, tuple[Minute, ...]]:
    return {number: choice.demand.minutes for number, choice in enumerate(choices)}
