"""The placement problem in whole numbers, and the checker that judges any answer to it.

A workload is divided into `parts` equal parts; a column is one way to run it (an offer with a cache life). A
workload that runs whole costs `cost`; divided over several columns, each part costs `split_cost / parts`, because
sessions on different surfaces no longer share cached prefixes. A group is a quota: its rows (one a minute) all
have the same limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from trivium.core import UserError


@dataclass(frozen=True, slots=True)
class Column:
    """One way to run a whole workload; amounts in pico-dollars."""

    workload: int
    cost: int
    split_cost: int
    moved: bool = False  # away from where the workload runs now
    rank: int = 0  # what to prefer among equals: lower first


@dataclass(frozen=True, slots=True)
class Row:
    """One minute of one quota: how much of it each column uses when it runs a whole workload."""

    group: int
    loads: Mapping[int, int]  # column → load


@dataclass(frozen=True)
class Problem:
    """Columns grouped by workload, quotas, and the number of parts a workload divides into."""

    columns: tuple[Column, ...]
    limits: tuple[int, ...] = ()  # per group
    rows: tuple[Row, ...] = ()
    parts: int = 100

    def __post_init__(self) -> None:
        for column in self.columns:
            if not 0 <= column.cost <= column.split_cost:
                raise UserError("column", column, "a split cannot cost less than the whole")
        if self.parts < 1:
            raise UserError("parts", self.parts, "give at least one part")

    @cached_property
    def by_workload(self) -> Mapping[int, tuple[int, ...]]:
        """The columns of every workload, both ascending."""
        found: dict[int, list[int]] = {}
        for index, column in enumerate(self.columns):
            found.setdefault(column.workload, []).append(index)
        return {workload: tuple(found[workload]) for workload in sorted(found)}

    def cost(self, shares: Sequence[int]) -> int:
        """The exact cost of an answer, in pico-dollars times `parts`."""
        return sum(self.workload_cost(shares, workload) for workload in self.by_workload)

    def workload_cost(self, shares: Sequence[int], workload: int) -> int:
        """The exact cost of one workload, in pico-dollars times `parts`."""
        used = [index for index in self.by_workload[workload] if shares[index]]
        if len(used) == 1:
            return self.columns[used[0]].cost * shares[used[0]]
        return sum(self.columns[index].split_cost * shares[index] for index in used)

    def load(self, row: Row, shares: Sequence[int]) -> int:
        """How much of a quota an answer uses in that minute, times `parts`."""
        return sum(load * shares[index] for index, load in row.loads.items())


@dataclass(frozen=True, slots=True)
class Violation:
    """What is wrong with an answer."""

    what: str
    subject: int  # workload or group
    excess: int  # parts missing or too many; or load above the limit, times `parts`


def check(problem: Problem, shares: Sequence[int], limits: Sequence[int] | None = None) -> tuple[Violation, ...]:
    """Every rule an answer breaks: whole parts, all of each workload placed, every quota kept in every minute.

    Shares nothing with the solver but the statement of the problem.
    """
    found = []
    if len(shares) != len(problem.columns):
        return (Violation("columns", 0, len(shares) - len(problem.columns)),)
    found += [Violation("negative", index, share) for index, share in enumerate(shares) if share < 0]
    for workload, columns in problem.by_workload.items():
        placed = sum(shares[index] for index in columns)
        if placed != problem.parts:
            found.append(Violation("placed", workload, placed - problem.parts))
    allowed = problem.limits if limits is None else limits
    worst: dict[int, int] = {}
    for row in problem.rows:
        excess = problem.load(row, shares) - allowed[row.group] * problem.parts
        worst[row.group] = max(worst.get(row.group, 0), excess)
    found += [Violation("quota", group, excess) for group, excess in sorted(worst.items()) if excess > 0]
    return tuple(found)


def needed_limits(problem: Problem, shares: Sequence[int]) -> tuple[int, ...]:
    """For every group the published limit, or what this answer needs if that is more (rounded up)."""
    limits = list(problem.limits)
    for row in problem.rows:
        limits[row.group] = max(limits[row.group], -(-problem.load(row, shares) // problem.parts))
    return tuple(limits)


def moves(problem: Problem, shares: Sequence[int]) -> tuple[int, int, int]:
    """What decides among equally cheap answers: parts moved away, columns used, ranks of what is used."""
    moved = sum(share for share, column in zip(shares, problem.columns, strict=True) if column.moved)
    used = [column for share, column in zip(shares, problem.columns, strict=True) if share]
    return moved, len(used), sum(column.rank for column in used)


def excesses(problem: Problem) -> tuple[tuple[int, int], ...]:
    """Per column, what it costs above the workload's cheapest way: run whole, and run in parts."""
    cheapest = {
        workload: min(problem.columns[index].cost for index in columns)
        for workload, columns in problem.by_workload.items()
    }
    return tuple(
        (column.cost - cheapest[column.workload], column.split_cost - cheapest[column.workload])
        for column in problem.columns
    )


def without_group(problem: Problem, group: int) -> Problem:
    """The same problem with one quota lifted."""
    return Problem(
        problem.columns, problem.limits, tuple(row for row in problem.rows if row.group != group), problem.parts
    )


def with_rows(problem: Problem, rows: Iterable[Row]) -> Problem:
    """The same problem with further minutes of its quotas."""
    return Problem(problem.columns, problem.limits, problem.rows + tuple(rows), problem.parts)


def improve(problem: Problem, shares: Sequence[int], limits: Sequence[int]) -> tuple[int, ...]:
    """The answer after every strict improvement, in exact integers, that changes one workload at a time.

    It catches differences that are too small for floats; the answer of the solver is usually returned as it is.
    """
    current = list(shares)
    better = True
    while better:
        better = False
        for workload, columns in problem.by_workload.items():
            cost = problem.workload_cost(current, workload)
            for changed in _neighbours(problem, current, columns):
                if problem.workload_cost(changed, workload) < cost and not check(problem, changed, limits):
                    current, cost, better = changed, problem.workload_cost(changed, workload), True
    return tuple(current)


def _neighbours(problem: Problem, shares: Sequence[int], columns: Sequence[int]) -> Iterable[list[int]]:
    """Everything on one column, or one part (or all) from one column to another."""
    for target in columns:
        whole = list(shares)
        for index in columns:
            whole[index] = 0
        whole[target] = problem.parts
        yield whole
        for source in columns:
            for parts in {1, shares[source]} if shares[source] else ():
                moved = list(shares)
                moved[source] -= parts
                moved[target] += parts
                yield moved
