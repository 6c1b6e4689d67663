"""Histories, beliefs and cones refuse what they cannot mean, and hand on what they say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from trivium.core import UserError
from trivium.plan.cone import MONTH, Belief, Cone, History, fit

START = datetime(2026, 1, 1, tzinfo=UTC)


def history(values: list[list[float]], step: timedelta = MONTH) -> History:
    return History(tuple(f"w{n}" for n in range(len(values))), START, step, np.array(values, dtype=float))


@pytest.mark.parametrize(
    ("names", "values", "field"),
    [
        (("a",), [[1.0], [2.0]], "values"),
        (("a", "a"), [[1.0], [2.0]], "names"),
        (("*",), [[1.0]], "names"),
        (("a",), [[-1.0]], "values"),
        (("a",), [[np.inf]], "values"),
        (("a",), [[]], "values"),
    ],
)
def test_a_history_that_cannot_be_meant_is_refused_by_field(
    names: tuple[str, ...], values: list[list[float]], field: str
) -> None:
    with pytest.raises(UserError) as refused:
        History(names, START, MONTH, np.array(values))
    assert refused.value.field == field


def test_a_history_needs_a_zone_and_a_step() -> None:
    with pytest.raises(UserError, match="zone"):
        History(("a",), datetime(2026, 1, 1), MONTH, np.ones((1, 1)))  # noqa: DTZ001  the fault under test
    with pytest.raises(UserError, match="positive"):
        History(("a",), START, timedelta(0), np.ones((1, 1)))


def test_a_belief_is_ordered() -> None:
    with pytest.raises(UserError, match="low ≤ point ≤ high"):
        Belief(0.1, 0.05, 0.2)


def test_a_workload_that_was_never_used_has_no_cone() -> None:
    with pytest.raises(UserError, match="never used"):
        fit(history([[1.0, 2.0], [0.0, 0.0]]))


def test_a_belief_about_an_unknown_workload_is_refused() -> None:
    with pytest.raises(UserError, match="beliefs"):
        fit(history([[1.0, 2.0]]), beliefs={"other": Belief(0, 0, 0)})


def test_totals_are_weighted_by_name_and_by_the_base_without_weights() -> None:
    paths = np.array([[[1.0, 2.0], [3.0, 4.0]], [[10.0, 20.0], [30.0, 40.0]]])
    cone = Cone(("a", "b"), START, MONTH, paths, np.array([5.0, 0.5]))
    assert cone.total({"b": 1.0, "a": 2.0}).tolist() == [[12.0, 24.0], [36.0, 48.0]]
    assert cone.total().tolist() == [[10.0, 20.0], [30.0, 40.0]]
    assert cone.total_quantiles([0.5], [1.0, 0.0]).tolist() == [[2.0, 3.0]]
    assert cone.quantiles([0.0, 1.0]).tolist() == [[[1.0, 2.0], [3.0, 4.0]], [[10.0, 20.0], [30.0, 40.0]]]
    with pytest.raises(UserError, match="each workload"):
        cone.total({"a": 1.0})
