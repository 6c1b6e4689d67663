"""Coverage, width and loss are what closed forms say, also where forecasts have lumps."""

from __future__ import annotations

import numpy as np
import pytest

from trivium.core import UserError
from trivium.plan.cone import coverage, mean_width, pinball

GRID = (np.arange(999) + 1) / 1000  # the quantiles of a uniform forecast


def test_a_right_forecast_is_covered_as_stated() -> None:
    came = (np.arange(4000) + 0.5) / 4000
    sampled = np.broadcast_to(GRID[None, :, None], (4000, 999, 1))
    for found in coverage([sampled], [came[:, None]]):
        assert found.observed == pytest.approx(found.stated, abs=0.002)
        assert (found.n, found.holds) == (4000, True)


def test_a_forecast_half_as_wide_covers_half_as_often() -> None:
    came = (np.arange(4000) + 0.5) / 4000
    narrow = 0.25 + GRID / 2
    observed = coverage([np.broadcast_to(narrow[None, :, None], (4000, 999, 1))], [came[:, None]])
    assert [one.observed for one in observed] == pytest.approx([0.25, 0.40, 0.475], abs=0.002)
    assert [one.holds for one in observed] == [False, False, False]


def test_silence_foretold_as_often_as_it_comes_is_covered_as_stated() -> None:
    """Seven of ten are silent and the rest is uniform: a lump at zero must not count as always inside."""
    sampled = np.concatenate([np.zeros(700), (np.arange(300) + 1) / 301])
    came = np.concatenate([np.zeros(2800), (np.arange(1200) + 0.5) / 1200])
    for found in coverage([np.broadcast_to(sampled[None, :, None], (4000, 1000, 1))], [came[:, None]]):
        assert found.observed == pytest.approx(found.stated, abs=0.005)


def test_silence_that_was_not_foretold_lies_outside() -> None:
    observed = coverage([np.ones((1, 999, 1))], [np.zeros((1, 1))], [0.95])
    assert observed[0].observed == 0.0


def test_what_has_not_come_is_left_out() -> None:
    assert coverage([np.ones((2, 9, 1))], [np.array([[1.0], [np.nan]])])[0].n == 1


def test_forecast_and_outcome_must_have_the_same_steps() -> None:
    with pytest.raises(UserError, match="one value for each step"):
        coverage([np.ones((2, 9, 3))], [np.ones((2, 4))])


def test_pinball_loss_and_width_are_the_closed_form() -> None:
    paths = np.array([[[0.0], [1.0], [2.0], [3.0], [4.0]]])
    assert pinball([paths], [np.array([[6.0]])], [0.5]) == 2.0  # (6 - 2) * 0.5
    assert pinball([paths], [np.array([[1.0]])], [0.75]) == 0.5  # (3 - 1) * 0.25
    assert mean_width([paths], 0.5) == 2.0  # 3 - 1
