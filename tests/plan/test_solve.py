"""The optimum equals brute force to the last pico-dollar, and no answer escapes the independent checker."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest

from trivium.core import UserError
from trivium.plan._problem import Column, Problem, Row, check, improve, moves, with_rows, without_group
from trivium.plan._solve import solve_problem


def compositions(parts: int, places: int) -> Iterator[tuple[int, ...]]:
    """Every way to divide `parts` over `places`."""
    if places == 1:
        yield (parts,)
        return
    for first in range(parts + 1):
        for rest in compositions(parts - first, places - 1):
            yield (first, *rest)


def brute_force(problem: Problem) -> tuple[int, tuple[int, int, int]] | None:
    """The least cost within the quotas and, among those answers, the least moves; by trying every division."""
    best: tuple[int, tuple[int, int, int]] | None = None
    ways = [list(compositions(problem.parts, len(columns))) for columns in problem.by_workload.values()]
    for choice in product(*ways):
        shares = [0] * len(problem.columns)
        for columns, divided in zip(problem.by_workload.values(), choice, strict=True):
            for index, share in zip(columns, divided, strict=True):
                shares[index] = share
        if check(problem, shares):
            continue
        found = (problem.cost(shares), moves(problem, shares))
        best = found if best is None else min(best, found)
    return best


def between(rng: np.random.Generator, low: int, high: int) -> int:
    """A whole number, both ends included, as a Python integer."""
    return int(rng.integers(low, high, endpoint=True))


def random_problem(rng: np.random.Generator) -> Problem:
    workloads, parts = between(rng, 1, 3), between(rng, 1, 4)
    dear = (5, 1000, 10**15)[between(rng, 0, 2)]  # small amounts make ties, large ones need all digits
    columns: list[Column] = []
    for workload in range(workloads):
        current = between(rng, 0, 2)
        for rank in range(between(rng, 1, 3)):
            cost = between(rng, 0, dear)
            split = cost + (0, 0, between(rng, 0, dear // 3 + 1))[between(rng, 0, 2)]
            columns.append(Column(workload, cost, split, moved=rank != current, rank=rank))
    groups = between(rng, 0, 2)
    limits = tuple((0, between(rng, 1, 300), 10**9)[between(rng, 0, 2)] for _ in range(groups))
    rows = tuple(
        Row(group, {index: between(rng, 0, 200) for index in range(len(columns)) if rng.random() < 0.5})
        for group in range(groups)
        for _ in range(between(rng, 1, 3))
    )
    return Problem(tuple(columns), limits, rows, parts)


@pytest.mark.parametrize("seed", range(400))
def test_the_optimum_equals_brute_force_exactly(seed: int) -> None:
    """Same cost to the last unit; where quotas cannot be kept, the solver says which."""
    problem = random_problem(np.random.default_rng(seed))
    solution = solve_problem(problem)
    expected = brute_force(problem)
    assert check(problem, solution.shares, solution.limits) == ()
    assert problem.cost(solution.shares) == solution.cost
    if expected is None:
        assert solution.overrun(problem) != ()
    else:
        assert solution.overrun(problem) == ()
        assert solution.cost == expected[0]


@pytest.mark.parametrize("seed", range(200))
def test_among_equals_the_fewest_parts_move(seed: int) -> None:
    problem = random_problem(np.random.default_rng(10_000 + seed))
    expected = brute_force(problem)
    solution = solve_problem(problem)
    if expected is not None:
        assert moves(problem, solution.shares)[:2] == expected[1][:2]


def two_way(limit: int, split_loss: int = 0) -> Problem:
    """One workload, 100 parts, two offers at 1,000 and 1,200; the cheap one has a quota, the load is 10."""
    columns = (Column(0, 1000, 1000 + split_loss), Column(0, 1200, 1200 + split_loss, moved=True, rank=1))
    return Problem(columns, (limit,), (Row(0, {0: 10}),))


def test_a_quota_divides_a_workload_where_dividing_is_cheaper() -> None:
    """A quota of 6 admits 60 of 100 parts of a load of 10: 60 x 1,000 + 40 x 1,200 = 108,000."""
    solution = solve_problem(two_way(6))
    assert solution.shares == (60, 40)
    assert solution.cost == 60 * 1000 + 40 * 1200


def test_a_workload_moves_whole_where_dividing_loses_more_cache_than_it_saves() -> None:
    """Divided: 60 x 1,150 + 40 x 1,350 = 123,000 against 100 x 1,200 = 120,000 whole."""
    solution = solve_problem(two_way(6, split_loss=150))
    assert solution.shares == (0, 100)
    assert solution.cost == 120_000


def test_quotas_that_cannot_be_kept_are_overrun_least_and_named() -> None:
    """Load 10 on either offer, limits 4 and 5: one part in ten cannot be placed; the raised limits admit it."""
    columns = (Column(0, 1000, 1000), Column(0, 1000, 1000))
    problem = Problem(columns, (4, 5), (Row(0, {0: 10}), Row(1, {1: 10})))
    solution = solve_problem(problem)
    assert check(problem, solution.shares) != ()
    assert check(problem, solution.shares, solution.limits) == ()
    # relative overruns weigh the same for every quota: a tenth of the load is a smaller share of 5 than of 4
    assert solution.limits == (4, 6)
    assert solution.overrun(problem) == (1,)


def test_a_limit_of_zero_closes_an_offer() -> None:
    assert solve_problem(two_way(0)).shares == (0, 100)


def test_differences_below_float_precision_still_decide() -> None:
    """10**17 and 10**17 - 1 are one float; the exact step tells them apart."""
    near = Problem(
        (Column(0, 10**17, 10**17), Column(0, 10**17 - 1, 10**17 - 1, moved=True), Column(0, 0, 0, moved=True))
    )
    closed = with_rows(Problem(near.columns, (0,), (), 100), [Row(0, {2: 1})])
    assert solve_problem(closed).shares == (0, 100, 0)
    assert improve(closed, (100, 0, 0), closed.limits) == (0, 100, 0)


def test_the_checker_finds_each_kind_of_fault() -> None:
    problem = two_way(6)
    assert [v.what for v in check(problem, (100,))] == ["columns"]
    assert [v.what for v in check(problem, (110, -10))] == ["negative", "quota"]
    assert [v.what for v in check(problem, (50, 40))] == ["placed"]
    assert [(v.what, v.excess) for v in check(problem, (61, 39))] == [("quota", 610 - 600)]
    assert check(without_group(problem, 0), (100, 0)) == ()


def test_a_split_cheaper_than_the_whole_is_refused() -> None:
    with pytest.raises(UserError, match="split"):
        Problem((Column(0, 10, 9),))


@pytest.mark.parametrize("seed", range(60))
def test_another_offer_never_raises_the_optimum(seed: int) -> None:
    rng = np.random.default_rng(20_000 + seed)
    problem = random_problem(rng)
    before = solve_problem(problem)
    extra = Column(0, between(rng, 0, 1000), 2000, moved=True, rank=9)
    after = solve_problem(Problem((*problem.columns, extra), problem.limits, problem.rows, problem.parts))
    if not before.overrun(problem):
        assert after.cost <= before.cost


@pytest.mark.parametrize("seed", range(60))
def test_doubling_every_cost_doubles_the_optimum(seed: int) -> None:
    problem = random_problem(np.random.default_rng(30_000 + seed))
    doubled = tuple(Column(c.workload, 2 * c.cost, 2 * c.split_cost, c.moved, c.rank) for c in problem.columns)
    twice = solve_problem(Problem(doubled, problem.limits, problem.rows, problem.parts))
    once = solve_problem(problem)
    if not once.overrun(problem):
        assert twice.cost == 2 * once.cost
