"""The candidates of the joint choice: cheapest paths equal brute force, moves cost what they cost."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivium.plan.decide._joint import cheapest_paths
from trivium.plan.decide._joint_moves import Moves, moves_cost


def brute(cost: np.ndarray, moves: Moves, surfaces: tuple[int, ...]) -> float:
    """The least cost of one part over every path, by trying all of them."""
    months = cost.shape[2]
    best = np.inf
    for path in product(surfaces, repeat=months):
        total = sum(cost[0, surface, month] for month, surface in enumerate(path))
        before = moves.home[0]
        for surface in path:
            if surface != before:
                total += moves.switch_usd[0, surface]
            before = surface
        best = min(best, total)
    return float(best)


@settings(max_examples=60)
@given(data=st.data())
def test_a_path_costs_as_little_as_the_best_of_all_paths(data: st.DataObject) -> None:
    surfaces, months = 3, 4
    prices = st.floats(0, 100) | st.just(np.inf)
    cost = np.array([[[data.draw(prices) for _ in range(months)] for _ in range(surfaces)]])
    home = data.draw(st.none() | st.integers(0, surfaces - 1))
    switch = np.array([[data.draw(st.floats(0, 50)) for _ in range(surfaces)]])
    moves = Moves((home,), switch, np.zeros(surfaces))
    allowed = (0, 1, 2)
    shares = cheapest_paths(cost, moves, allowed)
    expected = brute(cost, moves, allowed)
    if not np.isfinite(expected):
        assert shares is None
        return
    assert shares is not None
    found = float(np.where(shares > 0, cost, 0.0).sum()) + moves_cost(shares, moves)
    assert found == pytest.approx(expected)
    assert shares.sum(axis=1) == pytest.approx(1.0)


def test_a_minimum_stay_is_kept() -> None:
    cost = np.zeros((1, 2, 12))
    cost[0, 0, ::2] = 10.0  # the cheaper surface changes every month
    cost[0, 1, 1::2] = 10.0
    moves = Moves((0,), np.zeros((1, 2)), np.zeros(2), min_stay_months=3)
    shares = cheapest_paths(cost, moves, (0, 1))
    assert shares is not None
    path = shares[0].argmax(axis=0)
    changes = [month for month in range(1, 12) if path[month] != path[month - 1]]
    assert all(month % 3 == 0 for month in changes)


def test_a_surface_is_opened_once_and_entered_as_often_as_parts_come() -> None:
    shares = np.zeros((2, 2, 3))
    shares[0, 0, :1] = shares[0, 1, 1:] = 1.0  # moves in month 1
    shares[1, 1, :] = 1.0  # moves at once
    moves = Moves((0, 0), np.array([[5.0, 7.0], [5.0, 11.0]]), np.array([0.0, 1000.0]))
    assert moves_cost(shares, moves) == pytest.approx(7 + 11 + 1000)
