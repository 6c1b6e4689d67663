"""Placement: choices and quotas become a problem in whole numbers; the minutes that can bind are added as needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trivium.plan._candidates import Choice
from trivium.plan._facts import Quota
from trivium.plan._problem import Column, Problem, Row, with_rows, without_group
from trivium.plan._solve import Solution, solve_problem

_ROWS_AT_ONCE = 40  # minutes of a quota added per round; the worst ones first
Binding = Mapping[int, Mapping[int, Row]]  # per quota: the rows of the minutes in which it could be overrun at all


@dataclass(frozen=True)
class Placement:
    """The solved problem with the names of what its numbers stand for."""

    choices: tuple[Choice, ...]
    quotas: tuple[Quota, ...]
    problem: Problem
    solution: Solution
    owners: tuple[tuple[int, int], ...]  # per column: (choice, candidate)
    binding: Binding

    def shares(self, choice: int) -> tuple[tuple[int, int], ...]:
        """(candidate, parts) of one choice, those that are used."""
        return tuple(
            (candidate, parts)
            for (owner, candidate), parts in zip(self.owners, self.solution.shares, strict=True)
            if owner == choice and parts
        )

    def cost_without(self, group: int) -> int:
        """The optimal cost with one quota lifted, times parts."""
        others = {other: rows for other, rows in self.binding.items() if other != group}
        return _grow(without_group(self.problem, group), others, ties=False)[1].cost


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
    binding = {group: _binding_rows(choices, owners, group, quota) for group, quota in enumerate(quotas)}
    start = Problem(tuple(columns), tuple(quota.limit for quota in quotas), (), parts)
    problem, solution = _grow(start, binding)
    return Placement(tuple(choices), tuple(quotas), problem, solution, tuple(owners), binding)


def _preference(choice: Choice, candidate: int) -> tuple[bool, bool, bool, str, str]:
    """Among equals: where most of it runs now, then the same surface, then names; short cache life first."""
    found, home = choice.candidates[candidate], choice.demand.home
    return (found.offer != home, found.offer.surface != home.surface, found.life != "5m", str(found.offer), found.life)


def _grow(problem: Problem, binding: Binding, *, ties: bool = True) -> tuple[Problem, Solution]:
    """Solve, add the minutes the answer overruns, and again until none is left; ties are broken at the end."""
    held: dict[int, set[int]] = {group: set() for group in binding}
    breaking = False
    while True:
        solution = solve_problem(problem, ties=breaking)
        new = _overrun(problem, solution, binding, held)
        if new:
            problem, breaking = with_rows(problem, new), False
        elif breaking or not ties:
            return problem, solution
        else:
            breaking = True


def _overrun(problem: Problem, solution: Solution, binding: Binding, held: dict[int, set[int]]) -> list[Row]:
    new = []
    for group, rows in binding.items():
        room = solution.limits[group] * problem.parts
        over = [(problem.load(row, solution.shares) - room, minute) for minute, row in rows.items()]
        over = [(excess, minute) for excess, minute in over if excess > 0 and minute not in held[group]]
        for _, minute in sorted(over, reverse=True)[:_ROWS_AT_ONCE]:
            held[group].add(minute)
            new.append(rows[minute])
    return new


def _binding_rows(
    choices: Sequence[Choice], owners: Sequence[tuple[int, int]], group: int, quota: Quota
) -> dict[int, Row]:
    """Rows of the minutes in which a quota could be overrun at all: were every choice to run where it draws most."""
    covered: list[tuple[int, Mapping[int, int]]] = []
    ways: dict[tuple[int, str], Mapping[int, int]] = {}  # offers of one choice draw alike in one cache life
    for column, (owner, candidate) in enumerate(owners):
        choice = choices[owner]
        found = choice.candidates[candidate]
        if quota.covers(found.offer):
            drawn = ways[owner, found.life] = quota.drawn(choice.demand, found.life)
            covered.append((column, drawn))
    most: dict[int, dict[int, int]] = {}
    for (owner, _), drawn in ways.items():
        for minute, load in drawn.items():
            heaviest = most.setdefault(minute, {})
            heaviest[owner] = max(heaviest.get(owner, 0), load)
    tight = [minute for minute, loads in most.items() if sum(loads.values()) > quota.limit]
    return {
        minute: Row(group, {column: load for column, drawn in covered if (load := drawn.get(minute, 0))})
        for minute in tight
    }
