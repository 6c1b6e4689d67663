"""Demand from totals: counts are kept, the band is that of the mean prompt, the busiest minute is as stated."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from trivium.core import Offer, UserError
from trivium.plan import Total, demand_from_totals

HOME = Offer("anthropic", "global", "claude-sonnet-5")
START = datetime(2026, 4, 15, tzinfo=UTC)
SIX_HOURS = timedelta(hours=6)


def test_counts_are_kept_and_spans_follow_each_other() -> None:
    totals = [Total("chat", HOME, START + SIX_HOURS * n, SIX_HOURS, 360, 36_000, 7_200) for n in range(4)]
    (demand,) = demand_from_totals(totals)
    assert (demand.requests, demand.usage.input, demand.usage.output) == (1_440, 144_000, 28_800)
    assert (demand.first_at, demand.last_at) == (START, START + timedelta(days=1))
    # 360 requests in 360 minutes: one a minute
    assert [minute.requests for minute in demand.minutes] == [1, 1, 1, 1]


def test_the_busiest_minute_is_the_stated_multiple_of_the_mean_one() -> None:
    total = Total("chat", HOME, START, SIX_HOURS, 3_600, 360_000, 72_000, peak_over_mean=Fraction("5.3"))
    (demand,) = demand_from_totals([total])
    assert demand.peak()["requests"] == 53  # 10 a minute
    assert demand.peak()["input"] == 5_300


def test_a_span_is_in_the_band_of_its_mean_prompt_with_what_is_cached() -> None:
    total = Total("chat", HOME, START, SIX_HOURS, 10, 1_000_000, 10, cached=1_500_000, read=1_000_000)
    (demand,) = demand_from_totals([total], (0, 200_001))
    assert [(row.band, row.cached, row.read, row.write_5m) for row in demand.rows] == [
        (1, 1_500_000, 1_000_000, 500_000)
    ]


def test_impossible_totals_are_refused() -> None:
    with pytest.raises(UserError, match="span"):
        demand_from_totals([Total("chat", HOME, START, timedelta(0), 1, 1, 1)])
    with pytest.raises(UserError, match="reads"):
        demand_from_totals([Total("chat", HOME, START, SIX_HOURS, 1, 1, 1, cached=1, read=2)])
