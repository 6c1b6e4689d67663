"""The bounds of the Herfindahl index are reached, and no division of what is open goes beyond them."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from scipy.optimize import minimize

from trivium.capital.dependence._bounds import least_squares, most_squares

F = Fraction


def test_three_chips_of_which_one_is_behind_each_dollar_are_a_third_to_all() -> None:
    chips = {("amazon", "google", "nvidia"): F(1)}
    assert (least_squares({}, chips), most_squares({}, chips, F(0))) == (F(1, 3), 1)


def test_what_is_one_of_two_cannot_be_a_third_ones() -> None:
    """60 % a; 40 % b or c: least 60^2 + 20^2 + 20^2, most 60^2 + 40^2, never 100^2."""
    sure, several = {"a": F(3, 5)}, {("b", "c"): F(2, 5)}
    assert least_squares(sure, several) == F(3600 + 400 + 400, 10_000)
    assert most_squares(sure, several, F(0)) == F(3600 + 1600, 10_000)


def test_what_is_one_of_two_fills_the_smaller_first() -> None:
    """50 % a, 10 % b, 40 % a or b: all of it b's makes 50 and 50; all of it a's makes 90 and 10."""
    sure, several = {"a": F(1, 2), "b": F(1, 10)}, {("a", "b"): F(2, 5)}
    assert least_squares(sure, several) == F(1, 2)
    assert most_squares(sure, several, F(0)) == F(81 + 1, 100)


def test_what_nobody_states_adds_nothing_or_is_the_largest_ones() -> None:
    assert least_squares({"a": F(3, 5)}, {}) == F(9, 25)
    assert most_squares({"a": F(3, 5)}, {}, F(2, 5)) == 1
    assert most_squares({}, {}, F(1)) == 1
    assert least_squares({}, {}) == most_squares({}, {}, F(0)) == 0


@pytest.mark.parametrize("seed", range(12))
def test_no_division_goes_beyond_them_and_a_general_solver_finds_the_least(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = "abcd"
    sure = {name: F(int(rng.integers(0, 7))) for name in names}
    groups = [
        tuple(sorted(rng.choice(list(names), rng.integers(2, 4), replace=False).tolist()))
        for _ in range(rng.integers(1, 4))
    ]
    several = {group: F(int(rng.integers(1, 10))) for group in groups}
    places = [(group, name) for group in several for name in group]

    def squares(parts: np.ndarray) -> float:
        whole = {name: float(share) for name, share in sure.items()}
        for (_, name), part in zip(places, parts, strict=True):
            whole[name] += part
        return sum(value**2 for value in whole.values())

    kept = [
        {
            "type": "eq",
            "fun": lambda parts, g=group: (
                sum(p for (of, _), p in zip(places, parts, strict=True) if of == g) - float(several[g])
            ),
        }
        for group in several
    ]
    start = [float(several[group]) / len(group) for group, _ in places]
    found = minimize(squares, start, bounds=[(0, None)] * len(places), constraints=kept, method="SLSQP")
    assert float(least_squares(sure, several)) == pytest.approx(found.fun, rel=1e-6)
    ends = [
        squares(
            np.array([float(several[group]) * (choice[list(several).index(group)] == name) for group, name in places])
        )
        for choice in product(*several)
    ]
    assert float(most_squares(sure, several, F(0))) == pytest.approx(max(ends), rel=1e-12)
