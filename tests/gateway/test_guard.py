"""The retry budget and the breaker, on a clock of their own."""

from __future__ import annotations

from datetime import timedelta

from gateway.support import STARTED
from trivium.core import ManualClock
from trivium.gateway.guard import ConsecutiveBreaker, RetryBudget
from trivium.gateway.seams import Circuit

HERE, OTHER = Circuit("vertex", "messages", "m"), Circuit("vertex", "messages", "other")
COUNT = Circuit("vertex", "count_tokens", "m")


def test_extra_attempts_are_a_tenth_of_recent_requests_plus_a_floor() -> None:
    clock = ManualClock(STARTED)
    budget = RetryBudget(clock, ratio=0.1, floor_per_s=0.2)
    for _ in range(30):
        budget.request()
    # 30 / 10 = 3, and 0.2 a second over 10 seconds = 2
    assert [budget.take() for _ in range(6)] == [True] * 5 + [False]
    clock.advance(timedelta(seconds=10))
    assert not budget.take()  # the window before still counts
    clock.advance(timedelta(seconds=10))
    assert [budget.take() for _ in range(3)] == [True, True, False]  # only the floor


def test_an_extra_attempt_that_is_not_made_leaves_its_room_to_others() -> None:
    clock = ManualClock(STARTED)
    budget = RetryBudget(clock, ratio=0, floor_per_s=0.1)
    assert [budget.take() for _ in range(2)] == [True, False]  # 0.1 a second over 10 seconds = 1
    budget.give_back()
    assert [budget.take() for _ in range(2)] == [True, False]
    clock.advance(timedelta(seconds=10))
    budget.give_back()  # it was taken in the window before
    assert [budget.take() for _ in range(2)] == [True, False]
    clock.advance(timedelta(seconds=30))
    budget.give_back()
    assert [budget.take() for _ in range(2)] == [True, False]  # what is long past gives no room


def test_a_breaker_opens_after_failures_in_a_row_and_closes_after_a_probe() -> None:
    clock = ManualClock(STARTED)
    breaker = ConsecutiveBreaker(clock, failures=2, open_s=30)
    breaker.record(HERE, healthy=False)
    breaker.record(HERE, healthy=True)
    breaker.record(HERE, healthy=False)
    assert breaker.allows(HERE)
    breaker.record(HERE, healthy=False)
    assert not breaker.allows(HERE)
    assert breaker.allows(OTHER)
    assert breaker.allows(COUNT)
    clock.advance(timedelta(seconds=30))
    assert [breaker.allows(HERE) for _ in range(2)] == [True, False]  # one probe
    breaker.record(HERE, healthy=False)
    assert not breaker.allows(HERE)
    clock.advance(timedelta(seconds=30))
    assert breaker.allows(HERE)
    breaker.release(HERE)  # the client of the probe left
    assert breaker.allows(HERE)
    breaker.record(HERE, healthy=True)
    assert [breaker.allows(HERE) for _ in range(2)] == [True, True]


def test_a_probe_that_never_reports_is_replaced() -> None:
    clock = ManualClock(STARTED)
    breaker = ConsecutiveBreaker(clock, failures=1, open_s=30)
    breaker.record(HERE, healthy=False)
    clock.advance(timedelta(seconds=30))
    assert breaker.allows(HERE)
    clock.advance(timedelta(seconds=29))
    assert not breaker.allows(HERE)
    clock.advance(timedelta(seconds=1))
    assert breaker.allows(HERE)
