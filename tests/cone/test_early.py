"""What an early estimate misses, and the naive forecast, as sums a reviewer can redo."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from trivium.core import UserError
from trivium.plan.cone import DAY, MONTH, Belief, History, extrapolation_error, fit, naive

START = datetime(2026, 1, 1, tzinfo=UTC)
RNG = np.random.default_rng(5)


def history(values: list[list[float]]) -> History:
    return History(("a", "b")[: len(values)], START, MONTH, np.array(values))


def test_a_measured_year_is_compared_without_a_forecast() -> None:
    total, first, second = extrapolation_error(history([[10.0, 20.0, 30.0], [10.0, 10.0, 10.0]]), 3, RNG)
    assert (total.first_month, total.estimate, total.months_measured) == (20.0, 60.0, 3.0)
    assert (total.low, total.point, total.high, total.mean) == pytest.approx((1.5,) * 4)  # 90 / (20 * 3)
    assert first.point == pytest.approx(2.0)  # 60 / 30
    assert second.point == pytest.approx(1.0)


def test_what_is_not_measured_yet_is_the_cones() -> None:
    grown = history([[10.0, 12.0]])
    model = fit(grown, beliefs={"a": Belief(0.09, 0.10, 0.11)})
    total, one = extrapolation_error(grown, 12, np.random.default_rng(1), model=model, scenarios=4000)
    assert (one.months_measured, one.estimate) == (2.0, 120.0)
    compounded = (10 + 12 + sum(12 * 1.1**n for n in range(1, 11))) / 120  # 1.94
    assert one.point == pytest.approx(compounded, rel=0.12)
    assert one.low < one.point < one.high
    assert total.name == "*"


def test_a_workload_that_began_later_has_no_estimate_and_the_total_bears_it() -> None:
    total, _, late = extrapolation_error(history([[10.0, 10.0], [0.0, 10.0]]), 2, RNG)
    assert late.point == np.inf
    assert total.point == pytest.approx(1.5)  # 30 / 20


def test_a_first_month_that_is_not_over_is_refused() -> None:
    with pytest.raises(UserError, match="first month is not over"):
        extrapolation_error(History(("a",), START, DAY, np.ones((1, 10))), 12, RNG)


def test_the_naive_forecast_is_the_last_value_give_or_take_its_changes() -> None:
    cone = naive(history([[10.0, 12.0, 10.0]]), 4, scenarios=2001)
    low, middle, high = cone.quantiles([0.158655, 0.5, 0.841345])[0] * 10  # one standard deviation: changes of +2, -2
    assert middle == pytest.approx([10.0] * 4)
    assert high - middle == pytest.approx([2.0, 2.0 * 2**0.5, 2.0 * 3**0.5, 4.0], rel=0.01)
    assert middle - low == pytest.approx(high - middle, rel=0.01)


def test_the_naive_forecast_of_hours_is_yesterdays() -> None:
    values = np.tile(np.arange(1.0, 25.0), 3)[None, :]
    cone = naive(History(("a",), START, DAY / 24, values), 24, scenarios=5)
    assert (cone.paths[0, 2] * cone.base[0]).tolist() == values[0, :24].tolist()
