"""The type of a workload: a transparent score of measured figures, its margin, and what would flip it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from questions.support import AT, HOME, demand, snapshot
from trivium.plan import BandUsage, Demand, Gap, Minute
from trivium.plan.decision import Answer, Ground
from trivium.plan.org import Needs, Tuning
from trivium.plan.questions import shape_of, workload_type
from trivium.plan.questions._signals import SIGNALS, TYPES
from trivium.plan.questions._type import score

DAY = datetime(2026, 11, 1, tzinfo=UTC)


def _people() -> Demand:
    """20 conversations of 10 requests, streamed, half of the prompt from a cache, half of the follow-ups slow."""
    row = BandUsage(HOME, 0, 200, 4_000_000, 50_000, 4_000_000, 4_000_000, 0, 0)
    gaps = (Gap(60, 90, 0), Gap(300, 90, 0))
    minutes = (Minute(0, 200, 4_000_000, 50_000, 4_000_000, 0, 0),)
    last = DAY + timedelta(days=2)
    return Demand(
        "desk",
        HOME.model,
        (row,),
        minutes=minutes,
        gaps=gaps,
        sessions=20,
        conversations=20,
        streamed=200,
        first_at=DAY,
        last_at=last,
    )


def _machines() -> Demand:
    """100,000 single requests of 500 tokens, spread evenly over the 1,440 minutes of a day."""
    row = BandUsage(HOME, 0, 100_800, 72_000_000, 1_440_000)
    minutes = tuple(Minute(minute, 70, 50_000, 1_000, 0, 0, 0) for minute in range(1440))
    return Demand(
        "feed",
        HOME.model,
        (row,),
        minutes=minutes,
        sessions=100_800,
        conversations=100_800,
        first_at=DAY,
        last_at=DAY + timedelta(days=1),
    )


def _ask(found: Demand, needs: Needs | None = None) -> Answer:
    return workload_type([found], needs or Needs(), snapshot(), AT)


def test_the_shape_is_counted_as_defined() -> None:
    shape = shape_of([_people()])
    assert (shape.requests, shape.days, shape.requests_per_day) == (200, 2.0, 100.0)
    assert shape.cache_share == 0.5  # 4 of 8 million
    assert shape.requests_per_conversation == 10
    assert shape.long_gap_share == 0.5  # 90 of 180
    assert shape.stream_share == 1.0
    assert shape.burstiness is None  # 200 requests in 48 hours are too few for any span


def test_an_even_load_has_a_burstiness_of_one() -> None:
    assert shape_of([_machines()]).burstiness == pytest.approx(1.0)


def test_a_busy_hundredth_of_the_minutes_shows_and_less_does_not_count_as_idle() -> None:
    """20 of 1,440 minutes carry ten times the rest: the 99th percentile is among them (14 lie above it)."""
    even = _machines()
    busy = tuple(replace(m, input=500_000, output=10_000) if m.minute < 20 else m for m in even.minutes)
    mean = (20 * 510_000 + 1420 * 51_000) / 1440
    row = replace(even.rows[0], input=20 * 500_000 + 1420 * 50_000, output=20 * 10_000 + 1420 * 1_000)
    assert shape_of([replace(even, rows=(row,), minutes=busy)]).burstiness == pytest.approx(510_000 / mean)


def test_few_requests_a_minute_are_looked_at_by_ten_minutes_or_by_the_hour() -> None:
    """360 minutes with 3 requests each: 30 in ten minutes; in the last ten of them all are ten times as large."""
    minutes = tuple(Minute(m, 3, 1000 if m >= 590 else 100, 0, 0, 0, 0) for m in range(240, 600))
    used = 350 * 100 + 10 * 1000
    row = BandUsage(HOME, 0, 360 * 3, used, 0)
    found = Demand("desk", HOME.model, (row,), minutes=minutes, first_at=DAY, last_at=DAY + timedelta(minutes=360))
    # 36 spans: none lies above the 99th percentile, which is the busiest: 10,000 over a mean of 45,000 / 36
    assert shape_of([found]).burstiness == pytest.approx(10_000 * 36 / used)
    sparse = replace(found, last_at=DAY + timedelta(days=30))
    assert shape_of([sparse]).burstiness is None


def test_minutes_that_do_not_hold_all_that_was_used_say_nothing_of_bursts() -> None:
    """Totals per day come with one stated busiest minute and not with the others."""
    even = _machines()
    assert shape_of([replace(even, minutes=even.minutes[:1])]).burstiness is None


def test_people_are_an_integrated_workflow_and_a_feed_is_inference() -> None:
    assert _ask(_people()).verdict == "integrated workflow"
    assert _ask(_machines()).verdict == "high-volume inference"


def test_a_wish_to_tune_is_the_one_thing_that_speaks_for_customisation() -> None:
    assert _ask(_machines()).points[0].what != "a model is to be tuned"
    wished = _ask(_people(), Needs(tuning=Tuning()))
    assert wished.verdict == "customisation"
    assert "No platform is documented to tune any Claude" in wished.sentence


def test_nothing_known_is_unknown_and_not_a_guess() -> None:
    empty = workload_type((), Needs(), snapshot(), AT)
    assert (empty.verdict, empty.margin) == ("unknown", "")


def test_what_records_do_not_know_is_not_counted_as_zero() -> None:
    """A trace without caches and streams says nothing of either."""
    names = [point.what for point in _ask(_machines()).points]
    assert "answers that are streamed" not in names
    assert "prompt tokens read from a cache" not in names


def test_what_would_flip_it_flips_it() -> None:
    """The margin names a value of requests a day below which the verdict changes; just there it does."""
    needs = Needs(batchable_percent=50, users=30)
    steady = demand(requests=60_000)
    answer = workload_type([replace(steady, last_at=DAY + timedelta(days=1))], needs, snapshot(), AT)
    assert "it would be" in answer.margin
    other = Needs(batchable_percent=50)
    assert workload_type([steady], other, snapshot(), AT).verdict == "high-volume inference"


def test_every_point_has_a_basis_and_the_score_shows_its_weights() -> None:
    answer = _ask(_people(), Needs(place="terminal", users=12))
    assert all(point.basis.grounds for point in answer.points)
    place = next(point for point in answer.points if point.what == "where it is used")
    assert (place.value, place.speaks_for, place.basis.grounds) == (
        "terminal",
        "integrated workflow (4.0 of 4)",
        (Ground.STATED,),
    )


def test_at_list_prices_no_platform_is_ahead_and_the_article_is_answered() -> None:
    answer = _ask(_machines())
    price = next(point for point in answer.points if point.what.startswith("list price of claude-opus-5"))
    assert price.value == "the same on anthropic, bedrock, claude-aws, foundry, vertex (input 5, output 25)"
    assert price.speaks_for == "no platform"
    article = [point for point in answer.points if point.what.startswith("the article")]
    assert any("contradicted at list price" in point.value for point in article)
    assert all(point.speaks_for == "no platform" for point in article)


def test_what_is_not_counted_is_shown_and_is_no_basis() -> None:
    answer = _ask(_machines())
    shown = [point for point in answer.points if point.what.startswith(("the article", "said of"))]
    said = {name for point in shown for name in point.basis.claim_ids}
    assert {"article.S072", "silicon.gcp.ironwood-tpu-v7.efficiency_claim"} <= said
    assert said.isdisjoint(answer.basis.claim_ids)
    assert answer.basis.grade in {"reported", "documented"}


def test_work_in_microsoft_products_has_their_integration_as_evidence() -> None:
    answer = _ask(_people(), Needs(place="teams", users=12))
    assert any(point.speaks_for == "microsoft-copilot" for point in answer.points)


@given(st.integers(1, 10**7), st.integers(0, 10**6), st.integers(1, 30), st.booleans())
def test_points_are_shares_of_a_hundred(requests: int, cached: int, days: int, streamed: bool) -> None:
    found = replace(
        demand(requests=requests, cached=cached), streamed=requests * streamed, last_at=DAY + timedelta(days=days)
    )
    result = score(shape_of([found]), Needs(place="api"))
    assert sum(result.points.values()) == pytest.approx(100)
    assert set(result.points) == set(TYPES)
    assert 0 <= result.margin <= 100


def test_every_signal_says_why_its_ends_lie_where_they_do() -> None:
    for signal in SIGNALS:
        assert signal.why
        assert signal.low < signal.high
        assert signal.at_low in {"", *TYPES}
        assert signal.at_high in TYPES
