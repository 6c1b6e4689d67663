"""The filter is Bayes' rule, and the cone means what it says about base, growth, silence and gaps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivium.core import UserError
from trivium.plan.cone import DAY, DEFAULT_PRIOR, EVERY, MONTH, WEEK, Belief, ConeModel, History, fit
from trivium.plan.cone._bank import Grid, run

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def history(values: object, step: timedelta = MONTH) -> History:
    rows = np.array(values, dtype=float)
    return History(tuple(f"w{n}" for n in range(len(rows))), START, step, rows)


def rng(seed: int = 7) -> np.random.Generator:
    return np.random.default_rng(seed)


def one(values: float) -> np.ndarray:
    return np.array([values])


def test_without_changes_the_filter_is_the_regression_of_a_walk_with_drift() -> None:
    """No noise: n changes of variance q and a normal prior give the growth's posterior in closed form."""
    logs = np.array([[0.0, 0.3, 0.2, 0.7, 0.9]])
    filtered = run(logs, 1.0, Grid(one(0.04), one(1e-12), one(0.02), one(0.05), one(0.0), one(1.0), 0.0))
    precision = 1 / 0.05**2 + 4 / 0.04
    mean = (0.02 / 0.05**2 + (0.9 - 0.0) / 0.04) / precision
    kept = filtered.weight[0, 0].argmax()
    assert filtered.weight[0, 0, kept] == pytest.approx(1.0)
    assert filtered.growth[0, 0, kept] == pytest.approx(mean, abs=1e-6)
    assert filtered.growth_var[0, 0, kept] == pytest.approx(1 / precision, abs=1e-6)
    assert filtered.level[0, 0, kept] == pytest.approx(0.9, abs=1e-6)


def test_a_break_is_found_where_it_was() -> None:
    """Ten months at +10 % and ten at -10 %: the growth that counts is the second one."""
    logs = np.concatenate([0.1 * np.arange(10), 0.9 - 0.1 * np.arange(1, 11)])[None, :]
    grid = Grid(one(0.01**2), one(0.01**2), one(0.0), one(0.1), one(0.05), one(1.0), 0.0)
    filtered = run(logs, 1.0, grid)
    growth = float((filtered.weight * filtered.growth).sum())
    assert growth == pytest.approx(-0.1, abs=0.02)


def test_a_gap_in_the_record_widens_and_invents_nothing() -> None:
    whole = fit(history([[1.0, 1.1, 1.0, 1.2, 1.1, 1.2]])).sample(3, 4000, rng())
    gap = fit(history([[1.0, 1.1, 1.0, 1.2, np.nan, np.nan]])).sample(3, 4000, rng())
    width = [float(np.diff(np.log(cone.quantiles([0.25, 0.75])[0, :, 0]))[0]) for cone in (whole, gap)]
    assert width[1] > 1.2 * width[0]
    assert gap.quantiles([0.5])[0, 0, 0] * gap.base[0] == pytest.approx(1.15, rel=0.15)


def test_the_base_period_is_one_and_its_length_is_the_callers() -> None:
    model = fit(history([[8.0, 10.0, 12.0]]), base=2 * MONTH)
    assert (model.base.tolist(), model.base_steps) == ([11.0], 2)
    assert fit(history([[8.0, 10.0, 12.0]])).base.tolist() == [12.0]


def test_a_workload_silent_in_the_base_period_is_named() -> None:
    model = fit(history([[4.0, 8.0, 0.0], [1.0, 1.0, 1.0]]))
    assert model.base[0] == 4.0  # (4 + 8 + 0) / 3
    assert any("w0" in sentence and "not used in the base period" in sentence for sentence in model.assumptions)
    paths = model.sample(6, 2000, rng()).paths
    assert (paths[0, :, 0] == 0).mean() > 0.8  # silent it was, and mostly stays
    assert (paths[1, :, 0] == 0).mean() < 0.05
    assert 0 < (paths[0, :, -1] > 0).mean() < 0.6  # it may return


def test_what_vanishes_often_is_foretold_to_vanish_often() -> None:
    """On and off every other month: about half of the scenarios are silent after a year."""
    on = [[1.0, 0.0] * 9, [0.0, 1.0] * 9]
    paths = fit(history(on)).sample(12, 2000, rng()).paths
    assert 0.3 < (paths[:, :, -1] == 0).mean() < 0.7


def test_one_month_of_history_gives_what_is_believed() -> None:
    """Nothing but growth is allowed: 10, 50 and 90 % after a year are those of the belief, compounded."""
    still = replace(
        DEFAULT_PRIOR,
        walk_common_sd=1e-6,
        walk_own_sd=1e-6,
        change_common_hazard=0.0,
        change_own_hazard=0.0,
        vanish_hazard=0.0,
    )
    belief = Belief(0.01, 0.04, 0.10)
    cone = fit(history([[5.0]]), beliefs={"w0": belief}, prior=still).sample(12, 8000, rng())
    low, point, high = cone.quantiles([0.1, 0.5, 0.9])[0, :, 11]
    assert point == pytest.approx(1.04**12, rel=0.02)  # 1.60
    assert low == pytest.approx(1.01**12, rel=0.03)  # 1.13
    assert high == pytest.approx(1.10**12, rel=0.06)  # 3.14


def test_a_belief_about_one_workload_leaves_the_others_as_they_were() -> None:
    values = [[1.0, 1.0, 1.1], [2.0, 2.1, 2.0], [3.0, 3.0, 3.1]]
    plain = fit(history(values)).sample(24, 4000, rng()).quantiles([0.5])[:, 0, -1]
    told = fit(history(values), beliefs={"w1": Belief(0.08, 0.10, 0.12)}).sample(24, 4000, rng()).quantiles([0.5])
    assert told[1, 0, -1] > 2.5 * plain[1]
    assert told[[0, 2], 0, -1] == pytest.approx(plain[[0, 2]], rel=0.2)


def test_a_belief_about_all_moves_all() -> None:
    values = [[1.0, 1.0], [2.0, 2.0]]
    plain = fit(history(values)).sample(12, 4000, rng()).quantiles([0.5])[:, 0, -1]
    told = fit(history(values), beliefs={EVERY: Belief(0.08, 0.10, 0.12)}).sample(12, 4000, rng())
    assert (told.quantiles([0.5])[:, 0, -1] > 1.5 * plain).all()


def test_what_moves_together_stays_together() -> None:
    """Five workloads with the same shocks: the total is as uncertain as each, not five times less."""
    shared = np.exp(np.cumsum(rng().normal(0, 0.2, 12)))
    together = fit(history(np.outer([1, 2, 3, 4, 5], shared)))
    alone = fit(history(np.exp(rng().normal(0, 0.2, (5, 12)).cumsum(axis=1))))

    def relative(model: ConeModel) -> float:
        cone = model.sample(6, 4000, rng())
        logs = np.log(np.maximum(cone.total()[:, -1], 1e-9))
        parts = np.log(np.maximum(cone.paths[:, :, -1], 1e-9))
        return float(
            np.subtract(*np.quantile(logs, [0.75, 0.25]))
            / np.median(np.subtract(*np.quantile(parts, [0.75, 0.25], axis=1)))
        )

    assert relative(together) > 0.8
    assert relative(alone) < 0.8


def test_the_same_seed_gives_the_same_cone() -> None:
    model = fit(history([[1.0, 2.0, 3.0], [5.0, 4.0, 6.0]]))
    assert (model.sample(4, 50, rng(3)).paths == model.sample(4, 50, rng(3)).paths).all()
    assert (model.sample(4, 50, rng(3)).paths != model.sample(4, 50, rng(4)).paths).any()


@settings(max_examples=15)
@given(st.integers(1, 5), st.integers(1, 8), st.floats(1e-3, 1e9), st.integers(0, 99))
def test_the_unit_of_use_does_not_matter(workloads: int, months: int, unit: float, seed: int) -> None:
    values = np.exp(rng(seed).normal(0, 0.5, (workloads, months)))
    small, large = (fit(history(values * by)).sample(3, 20, rng(seed)).paths for by in (1.0, unit))
    assert large == pytest.approx(small, rel=1e-6)


@settings(max_examples=15)
@given(st.integers(0, 10_000))
def test_no_history_makes_a_path_that_is_not_a_number(seed: int) -> None:
    """Silence, gaps and giants in any mixture, in months, days and hours."""
    draw = rng(seed)
    step = (MONTH, WEEK, DAY, HOUR)[seed % 4]
    values = np.exp(draw.normal(0, 3, (4, int(draw.integers(1, 40)))))
    values[draw.random(values.shape) < 0.3] = 0.0
    values[draw.random(values.shape) < 0.2] = np.nan
    values[:, 0] = 1.0
    model = fit(history(values, step))
    for ahead in (step, MONTH):
        paths = model.sample(3, 20, draw, step=ahead).paths
        assert np.isfinite(paths).all()
        assert (paths >= 0).all()


def test_the_hour_of_the_day_comes_back() -> None:
    """Use from eight to eighteen o'clock, for ten days: tomorrow at noon is busy and at midnight is quiet."""
    hours = np.arange(240) % 24
    busy = np.where((hours >= 8) & (hours < 18), 100.0, 5.0) * np.exp(rng().normal(0, 0.1, (3, 240)))
    middle = fit(history(busy, HOUR)).sample(24, 400, rng(), step=HOUR).quantiles([0.5])[:, 0, :]
    assert (middle[:, 12] > 10 * middle[:, 2]).all()


def test_the_weekend_comes_back() -> None:
    """Five days of use and two of little, for six weeks; 2026-01-01 is a Thursday."""
    days = (3 + np.arange(42)) % 7
    use = np.where(days < 5, 100.0, 20.0) * np.exp(rng().normal(0, 0.1, (2, 42)))
    middle = fit(history(use, DAY)).sample(7, 400, rng(), step=DAY).quantiles([0.5])[:, 0, :]
    assert (middle[:, [2, 3]] < 0.6 * middle[:, [0, 1, 4, 5, 6]].min()).all()  # the third and fourth day from Thursday


def test_use_of_long_ago_is_silence_that_may_end_as_it_was() -> None:
    """Two months of hours are what hours are judged by: what was used before them stays silent, by and large."""
    values = 50.0 * np.exp(rng().normal(0, 0.1, (2, 1700)))
    values[1, 100:] = 0.0
    paths = fit(history(values, HOUR)).sample(24, 400, rng(), step=HOUR).paths
    assert (paths[1] == 0).mean() > 0.95
    assert (paths[0] > 0).mean() > 0.99


def test_two_weeks_of_days_foretell_months_with_their_silences_and_below_the_ceiling() -> None:
    """One workload every day, one on Mondays only: a month of either is rarely nothing, and neither grows for ever."""
    steady = 100.0 * np.exp(rng().normal(0, 0.1, 14))
    rare = np.where(np.arange(14) % 7 == 4, 70.0, 0.0)
    model = fit(history([steady, rare], DAY))
    paths = model.sample(36, 1000, rng()).paths
    assert np.median(paths[:, :, 0], axis=1) == pytest.approx([1.0, 1.0], abs=0.5)
    assert (paths[0, :, 0] == 0).mean() < 0.05
    assert paths.max() < 50 * np.exp(3.0) * 10  # the ceiling times the largest shift times a day above its mean
    week = model.sample(1, 1000, rng(), step=WEEK).quantiles([0.1, 0.9])[0, :, 0]
    month = np.quantile(paths[0, :, 11], [0.1, 0.9])
    assert np.diff(np.log(week))[0] < np.diff(np.log(np.maximum(month, 1e-3)))[0]


def test_days_are_the_mean_of_their_hours_and_shorter_steps_are_refused() -> None:
    model = fit(history(np.exp(rng().normal(0, 0.3, (2, 96))), HOUR))
    cone = model.sample(2, 50, rng(), step=DAY)
    assert (cone.paths.shape, cone.start, cone.step) == ((2, 50, 2), START + 4 * DAY, DAY)
    with pytest.raises(UserError, match="no shorter"):
        model.sample(2, 50, rng(), step=timedelta(minutes=30))
    with pytest.raises(UserError, match="multiple"):
        model.sample(2, 50, rng(), step=timedelta(minutes=90))
    with pytest.raises(UserError, match="part"):
        history([[1.0]], timedelta(hours=5))


def test_a_short_history_says_what_it_supposes_and_a_long_one_less() -> None:
    short = fit(history([[1.0, 1.1]])).assumptions
    long = fit(history([[1.0 + 0.01 * n for n in range(36)]])).assumptions
    assert any("2.0 months of history" in sentence and "ServeGen" in sentence for sentence in short)
    assert any("chance of 1 % a month" in sentence for sentence in short)
    assert len(long) < len(short)
    told = fit(history([[1.0, 1.1]]), beliefs={"w0": Belief(0.01, 0.04, 0.1, "the product owner")}).assumptions
    assert told[0] == "growth of w0: +4.0 % a month, 10 to 90 %: +1.0 % to +10.0 %, as believed (the product owner)"
