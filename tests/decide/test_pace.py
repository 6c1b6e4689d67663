"""The pace of a history and that of the measured span: what the forecast's 1.0 stands for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from decide.orgs import AT, book, demands, given, organisation
from plan.market import turn
from trivium.core import Offer, Usage
from trivium.plan import Demand, Total, band_starts, demand_from_events, demand_from_totals
from trivium.plan._market import BookMarket
from trivium.plan.cone import MONTH, History
from trivium.plan.decide._choose import choose
from trivium.plan.decide._pace import against_measured, completed, measure_pace

SEARCH = Offer("anthropic", "global", "claude-sonnet-5")


def requests(*per_day: int, start_s: float = 0.0) -> tuple[Demand, ...]:
    """So many equal requests on each day, an hour apart at most."""
    events = [
        turn(start_s + day * 86_400.0 + number * 86_400.0 / count, Usage(1000, 10), offer=SEARCH, workload="search")
        for day, count in enumerate(per_day)
        for number in range(count)
    ]
    return demand_from_events(events, band_starts=band_starts(book()))


def test_a_span_longer_than_a_month_is_forecast_from_its_end_not_from_its_mean() -> None:
    # 28 days of 24, then 28 of 72: the mean is 48, the last month 72 a day
    grown = requests(*[24] * 28, *[72] * 29)
    chosen = choose(given(demands=grown))
    spent = chosen.now.unit_usd[0, 0]
    tokens = 24 * 28 + 72 * 29
    per_request = (1000 * 2 + 10 * 10) / 1e6
    days = chosen.framed.span_days["search"]
    assert spent == pytest.approx(per_request * tokens / days * 30.4375)
    pace = chosen.framed.model.base[0] / chosen.framed.model.history.values[0].mean()
    assert pace == pytest.approx(1.5, rel=0.02)
    assert np.median(chosen.framed.scenes.demand[0, :, 0]) == pytest.approx(1.5, rel=0.25)


def test_what_the_base_is_of_the_measured_pace() -> None:
    measured = requests(*[24] * 8)
    start = datetime(2026, 4, 15, tzinfo=UTC)
    history = History(("search",), start, timedelta(days=8), np.array([[10.0, 20.0, 30.0]]))
    assert against_measured(history, np.array([30.0]), measured) == pytest.approx([3.0])
    later = History(("search",), start + timedelta(days=20), timedelta(days=8), np.array([[10.0, 20.0]]))
    assert against_measured(later, np.array([20.0]), measured) == pytest.approx([1.0])


def test_a_workload_that_the_history_does_not_know_goes_with_the_others() -> None:
    history = History(("search", "mail"), datetime(2026, 1, 1, tzinfo=UTC), MONTH, np.array([[1.0, 3.0], [30.0, 90.0]]))
    found = completed(history, ("search", "agents"))
    assert found.names == ("search", "mail", "agents")
    assert found.values[2] == pytest.approx([0.5, 1.5])
    chosen = choose(given(organisation(), history=replace(history, names=("search", "mail"))))
    assert {part.workload for part in chosen.framed.parts} == {"agents", "search"}
    assert chosen.framed.given.at == AT


def test_a_day_that_had_begun_is_no_step() -> None:
    market = BookMarket(book(), AT)
    noon = measure_pace(requests(*[24] * 6, start_s=43_200.0), market)
    assert np.ptp(noon.values) == pytest.approx(0)
    assert noon.start == datetime(2026, 4, 16, tzinfo=UTC)
    whole = measure_pace(requests(*[24] * 6), market)
    assert whole.start == datetime(2026, 4, 15, tzinfo=UTC)


def test_the_measured_pace_of_three_weeks_is_one() -> None:
    pace = measure_pace(demands(), BookMarket(book(), AT))
    history = History(pace.names, pace.start, pace.step, pace.values)
    assert against_measured(history, pace.values.mean(axis=1), demands()) == pytest.approx([1.0, 1.0])


def month(at: datetime, days: int, requests: int) -> Total:
    return Total("search", SEARCH, at, timedelta(days=days), requests, requests * 1000, requests * 10)


def test_monthly_totals_are_the_history_and_not_one_minute_a_month() -> None:
    july, august = datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 8, 1, tzinfo=UTC)
    totals = [month(july, 31, 3100), month(august, 31, 6200)]
    pace = measure_pace(demand_from_totals(totals), BookMarket(book(), AT))
    assert pace.step == MONTH
    # 62 days hold two steps of 30.4375 days: the first is of July alone, the second has 0.5625 days of July's 100 a day
    weight = 1000 * 2e6 + 10 * 10e6  # pico-dollars a request
    assert pace.values[0] == pytest.approx([3043.75 * weight, (0.5625 * 100 + 29.875 * 200) * weight])


def test_use_that_is_known_by_the_month_goes_on_at_its_pace() -> None:
    starts = [datetime(2026, number, 1, tzinfo=UTC) for number in (1, 2, 3)]
    totals = [month(start, days, 100 * days) for start, days in zip(starts, (31, 28, 31), strict=True)]
    chosen = choose(given(demands=demand_from_totals(totals)))
    assert np.median(chosen.framed.scenes.demand[0, :, 0]) == pytest.approx(1.0, rel=0.2)
