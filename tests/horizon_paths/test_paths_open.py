"""A surface that is not open yet carries nothing before its month: by hand, and against every possibility."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from horizon_paths.test_paths_brute import cost_of, objective
from horizon_paths.worlds import months, world
from trivium.core import UserError
from trivium.plan.horizon import Instance, Moves, SpendCommitment, solve_paths

TWO = months(np.array([[[1.0] * 4, [0.5] * 4]]), np.full((1, 1, 4), 100.0))  # 100 USD a month here, 50 there


def test_what_runs_today_stays_until_the_other_surface_is_open() -> None:
    """Open from month 2: 2 months at 100, 2 at 50, a move for 10 and an opening for 20."""
    found = solve_paths(TWO, Moves([0], [10.0], [0.0, 20.0], open_from_month=[0, 2]))
    assert found.offer.tolist() == [[0, 0, 1, 1]]
    assert found.objective_usd == pytest.approx(2 * 100 + 2 * 50 + 10 + 20)
    assert (found.lower_bound_usd, found.moves[0].month) == (pytest.approx(330), 2)


def test_a_surface_that_is_open_carries_from_the_first_month() -> None:
    found = solve_paths(TWO, Moves([0], [10.0], [0.0, 20.0], open_from_month=[0, 0]))
    assert (found.offer.tolist(), found.objective_usd) == ([[1, 1, 1, 1]], pytest.approx(4 * 50 + 30))


def test_the_minimum_stay_begins_with_the_move_and_not_with_the_wait() -> None:
    """Stays of 3 months: open from month 2, the horizon's end cuts the stay, which is allowed."""
    found = solve_paths(TWO, Moves([0], [10.0], [0.0, 20.0], 3, open_from_month=[0, 2]))
    assert found.offer.tolist() == [[0, 0, 1, 1]]


def test_a_new_workload_begins_where_it_can_be_open_first_and_pays_nothing_before() -> None:
    """The first surface opens in month 1, the cheaper one in month 3: two months at 100, then one at 50."""
    found = solve_paths(TWO, Moves([-1], [0.0], [7.0, 20.0], open_from_month=[1, 3]))
    assert found.offer.tolist() == [[-1, 0, 0, 1]]
    assert found.objective_usd == pytest.approx(2 * 100 + 50 + 7 + 20)
    assert [(move.month, move.before, move.after) for move in found.moves] == [(1, None, 0), (3, 0, 1)]
    assert found.opened.tolist() == [True, True]


def test_a_surface_that_opens_after_the_horizon_carries_nothing() -> None:
    found = solve_paths(TWO, Moves([0], [0.0], [0.0, 0.0], open_from_month=[0, 9]))
    assert (found.offer.tolist(), found.opened.tolist()) == ([[0, 0, 0, 0]], [True, False])


@pytest.mark.parametrize(
    ("start", "opens", "field"),
    [
        ([0], [1, 0], "open_from_month"),  # it runs there already
        ([0], [0], "open_from_month"),
        ([0], [0, -1], "open_from_month"),
    ],
)
def test_a_month_that_contradicts_the_rest_is_refused(start: list[int], opens: list[int], field: str) -> None:
    with pytest.raises(UserError, match=field):
        solve_paths(TWO, Moves(start, [0.0], [0.0, 0.0], open_from_month=opens))


def test_what_may_not_stay_where_it_runs_and_has_nowhere_to_go_is_named() -> None:
    feasible = np.array([[[False] * 4, [True] * 4]])
    with pytest.raises(UserError, match=r"feasible\[w0\]"):
        solve_paths(replace(TWO, feasible=feasible), Moves([0], [0.0], [0.0, 0.0], open_from_month=[0, 2]))


def _paths(
    instance: Instance, workload: int, moves: Moves, stay: int, opens: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], float]]:
    """Every sequence of offers that keeps openings and stays, -1 where nothing is open yet; with its moves' cost."""

    def may(offer: int, month: int) -> bool:
        return bool(instance.feasible[workload, offer, month]) and month >= opens[instance.surface_of[offer]]

    offers, length = len(instance.offers), len(instance.month_weight)
    start = int(moves.start[workload])
    begin = next(t for t in range(length) if any(may(p, t) for p in range(offers)))
    for path in product(range(offers), repeat=length - begin):
        if not all(may(offer, begin + month) for month, offer in enumerate(path)):
            continue
        cost, before, entered, kept = 0.0, start, -stay, True
        for month, offer in enumerate(path, begin):
            if offer != before:
                kept = kept and month - entered >= stay
                if before >= 0:
                    cost += np.asarray(moves.switch_cost_usd)[workload, before, offer] * instance.month_weight[month]
                entered = month
            before = offer
        if kept:
            yield (*[-1] * begin, *path), cost


def _best(instance: Instance, moves: Moves, stay: int, opens: tuple[int, ...]) -> float:
    best = np.inf
    count = range(len(instance.workloads))
    options = [((0.0, 0.0), *commit.tiers) for commit in instance.commitments]
    for combination in product(*(list(_paths(instance, w, moves, stay, opens)) for w in count)):
        paths = [path for path, _ in combination]
        used = sorted({int(instance.surface_of[offer]) for path in paths for offer in path if offer >= 0})
        fixed = sum(cost for _, cost in combination) + sum(np.asarray(moves.onboard_cost_usd)[used])
        idle = np.array(paths) < 0
        served = replace(instance, demand=np.where(idle[:, None, :], 0.0, instance.demand))
        for sizes in product(*options):
            value = objective(instance, cost_of(served, tuple(tuple(max(o, 0) for o in p) for p in paths), sizes))
            best = min(best, fixed + value)
    return float(best)


@pytest.mark.parametrize("opens", [(0, 1), (0, 2), (0, 3), (1, 2), (2, 1)])
@pytest.mark.parametrize(("stay", "form"), [(1, "covered"), (2, "take-or-pay")])
@pytest.mark.parametrize("seed", range(3))
def test_the_answer_is_the_best_of_all_that_wait_for_the_opening(
    opens: tuple[int, ...], stay: int, form: str, seed: int
) -> None:
    """Two workloads, three offers on two surfaces, four months, two commitments of two sizes; bound and answer meet."""
    rng = np.random.default_rng(seed)
    instance = replace(world(rng, 2, 3, 2, 4, 4), month_weight=np.array([1.0, 1.0, 0.9, 0.9]))
    month = float(instance.demand.mean(axis=1).sum(axis=0)[0])
    commitments = (
        SpendCommitment((0,), 0, 4, 2, form, tiers=((0.8 * month, 0.1), (1.6 * month, 0.2))),  # type: ignore[arg-type]
        SpendCommitment((1,), 2, 4, 2, form, tiers=((0.6 * month, 0.1), (1.2 * month, 0.4))),  # type: ignore[arg-type]
    )
    instance = replace(instance, commitments=commitments)
    start = [0, -1] if opens[0] == 0 else [-1, -1]
    switch = rng.uniform(0.0, 0.3, (2, 3, 3)) * month
    moves = Moves(start, switch, [0.0, 0.2 * month], stay, opens)
    found = solve_paths(instance, moves, gap=0.0)
    expected = _best(instance, moves, stay, opens)
    assert found.objective_usd == pytest.approx(expected, rel=1e-6)
    assert found.lower_bound_usd == pytest.approx(expected, rel=1e-6)
    for path in found.offer:
        assert all(offer < 0 or t >= opens[instance.surface_of[offer]] for t, offer in enumerate(path))
