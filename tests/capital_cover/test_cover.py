"""Years of cover and shortfalls: closed forms that a reader can redo, and simulations held against them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from trivium.capital.cover import (
    Growth,
    Means,
    break_even_growth,
    grown_years,
    passage_share,
    revenue_usd,
    shortfall,
    static_years,
)
from trivium.core import UserError

STEADY = Growth(47, 0.5, 0.6)


def test_the_articles_one_and_a_half_to_two_years_are_30_over_19_and_over_14() -> None:
    assert static_years(30, 14) == pytest.approx(2.143, abs=5e-4)
    assert static_years(30, 19) == pytest.approx(1.579, abs=5e-4)


@pytest.mark.parametrize(
    ("factor", "run_rate", "years"), [(10, 14, 0.773), (10, 19, 0.666), (2, 14, 1.313), (2, 19, 1.067)]
)
def test_growth_shortens_them(factor: float, run_rate: float, years: float) -> None:
    assert grown_years(30, run_rate, math.log(factor)) == pytest.approx(years, abs=5e-4)


def test_without_growth_cover_is_static_and_with_too_much_shrinking_it_never_comes() -> None:
    assert grown_years(30, 15, 0.0) == static_years(30, 15) == 2
    assert grown_years(30, 15, 1e-9) == pytest.approx(2)
    assert grown_years(30, 15, -0.6) == math.inf  # 15/0.6 = 25 in all
    assert grown_years(30, 15, 0.0, share=0.5) == 4


def test_quantiles_are_the_closed_form() -> None:
    """R0 exp((0.5 - 0.18) 3 + 0.6 sqrt(3) z) for z = -1.645, 0, 1.645."""
    found = [STEADY.quantile_usd(3, share) for share in (0.05, 0.5, 0.95)]
    assert found == pytest.approx([22.215, 122.750, 678.259], abs=5e-4)


def test_growth_fades_by_half_each_half_life() -> None:
    fading = Growth(1, 1.0, growth_end=0.2, half_life_years=0.5)
    step = 1e-5
    for years, rate in ((0.0, 1.0), (0.5, 0.6), (1.0, 0.4), (40.0, 0.2)):
        slope = (fading.drift(years + step) - fading.drift(years)) / step
        assert slope == pytest.approx(rate, abs=1e-4)


def test_growth_that_fades_over_ages_does_not_fade_yet() -> None:
    fading = Growth(1, 1.0, growth_end=0.2, half_life_years=1e300)
    assert fading.drift(3) == pytest.approx(3 * 1.0, rel=1e-12)


def test_a_certain_future_passes_a_level_or_does_not() -> None:
    """exp(-0.5) = 0.607 after a year: under 0.7, over 0.5."""
    falling = Growth(1, -0.5)
    assert [passage_share(falling, level, 1, 4, 2) for level in (0.7, 0.5)] == [1.0, 0.0]


def test_simulated_revenue_has_the_closed_forms_mean_and_spread() -> None:
    """Over three years: mean R0 (e^(3 mu) - 1) / mu = 327.2788, standard deviation 277.0427."""
    total = revenue_usd(STEADY, 12, 100_000).sum(axis=1)
    assert total.mean() == pytest.approx(327.2788, rel=4 * 277.0427 / 327.2788 / math.sqrt(100_000))
    assert total.std() == pytest.approx(277.0427, rel=0.03)


def test_simulated_quantiles_are_the_cones() -> None:
    """The run rate at the end of a short quarter stands for R_t: the share of futures under each quantile is right."""
    fading = Growth(47, 1.0, 0.5, growth_end=0.15, half_life_years=1.0)
    quarters = revenue_usd(fading, 8, 40_000, steps=64)
    middle = quarters[:, -1] * 4  # about the run rate in the middle of the last quarter
    for share in (0.1, 0.5, 0.9):
        below = float((middle < fading.quantile_usd(1.875, share)).mean())
        assert below == pytest.approx(share, abs=0.01)


def test_first_passage_is_the_reflection_formulas_at_any_step() -> None:
    """0.397553 below 30 within three years; monthly, weekly and quarterly steps agree with it and with each other."""
    assert STEADY.passage_below(30, 3) == pytest.approx(0.397553, abs=5e-7)
    for steps in (12, 36, 156):
        assert passage_share(STEADY, 30, 3, steps, 40_000) == pytest.approx(0.397553, abs=0.006)


def test_a_watch_without_the_bridge_would_miss_a_tenth() -> None:
    """The error that the correction removes: weekly looks see 0.3575."""
    rng = np.random.default_rng(1)
    step = 3 / 156
    logs = np.cumsum((0.5 - 0.18) * step + 0.6 * math.sqrt(step) * rng.standard_normal((40_000, 156)), axis=1)
    seen = float((logs.min(axis=1) <= math.log(30 / 47)).mean())
    assert seen == pytest.approx(0.3575, abs=0.008)


def test_a_certain_future_falls_short_in_the_quarter_where_the_sum_says() -> None:
    """Revenue 4 a year, half of it free: 0.5 a quarter. Dues of 1 a quarter on 1 of cash: 0.5, 0, then short by 0.5."""
    flat = Growth(4, 0.0)
    found = shortfall(revenue_usd(flat, 4, 2), Means(0.5, 1.0), [1.0] * 4)
    assert found.by_quarter == (0, 0, 1, 1)
    assert (found.first_quarter_5, found.first_quarter_50) == (3, 3)
    assert found.gap_mean_usd == pytest.approx(1.0)  # 1 + 4 x 0.5 - 4 x 1
    assert found.gap_tail_usd == pytest.approx(1.0)
    paid = shortfall(revenue_usd(flat, 4, 2), Means(0.5, 1.0, inflow_usd=(0, 0, 1, 0)), [1.0] * 4)
    assert paid.probability == 0
    spent = shortfall(revenue_usd(flat, 4, 2), Means(0.5, 1.0, outflow_usd=(1, 0, 0, 0)), [1.0] * 4)
    assert spent.by_quarter == (1, 1, 1, 1)


def test_a_finer_step_does_not_move_the_probability() -> None:
    """Dues fall at ends of quarters, so only the integral inside a quarter is approximated."""
    growth, means, due = Growth(47, 0.6, 0.5), Means(0.45, 20), [10.0] * 20
    coarse, fine = (shortfall(revenue_usd(growth, 20, 40_000, steps=steps), means, due) for steps in (4, 32))
    apart = 4 * math.hypot(coarse.standard_error, fine.standard_error)
    assert coarse.probability == pytest.approx(fine.probability, abs=apart)
    assert 0.05 < fine.probability < 0.95


def test_break_even_growth_is_the_least_at_which_a_certain_future_pays() -> None:
    """One year, dues of 15 at its end, all of R0 = 10 free: (e^g - 1) / g x 10 = 15 has g = 0.7628."""
    due = [0.0, 0.0, 0.0, 15.0]
    found = break_even_growth(Growth(10, 0.0), Means(1.0), due, share=0.05, paths=2)
    assert found is not None
    assert 10 * math.expm1(found) / found == pytest.approx(15, rel=2e-3)
    assert break_even_growth(Growth(10, 0.0), Means(1.0), [1e9] * 4, share=0.05, paths=2) is None


def test_break_even_growth_rises_with_the_dues() -> None:
    growth = Growth(47, 0.5, 0.5, growth_end=0.1)
    found = [
        break_even_growth(growth, Means(0.45, 20), [due] * 16, share=0.1, paths=2_000) for due in (8.0, 12.0, 16.0)
    ]
    assert None not in found
    assert found == sorted(found, key=lambda rate: rate or 0)
    assert len(set(found)) == 3


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Growth(0, 0.5), "run_rate_usd"),
        (lambda: Growth(1e300, 0.5), "run_rate_usd"),
        (lambda: Growth(1, math.nan), "growth"),
        (lambda: Growth(1, 690.0), "growth"),
        (lambda: Growth(1, 0.5, 1e200), "spread"),
        (lambda: Growth(1, 0.5, -0.1), "spread"),
        (lambda: Growth(1, 0.5, half_life_years=0), "half_life_years"),
        (lambda: Means(0.0), "share_of_revenue"),
        (lambda: Means(0.5, -1), "cash_usd"),
        (lambda: revenue_usd(STEADY, 4, 3), "paths"),
        (lambda: shortfall(revenue_usd(STEADY, 4, 2), Means(0.5), [1.0]), "due_usd"),
        (lambda: shortfall(revenue_usd(STEADY, 4, 2), Means(0.5, inflow_usd=(1.0,)), [1.0] * 4), "inflow_usd"),
        (lambda: STEADY.quantile_usd(1, 1.0), "share"),
        (lambda: grown_years(1, 1, 0.1, share=0), "share"),
    ],
)
def test_wrong_input_is_named(make: Any, field: str) -> None:
    with pytest.raises(UserError, match=field):
        make()
