"""A surface that says when to come back is left alone until then, on a clock that moves only when told."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from gateway.support import STARTED, Answer, World, ask, error_answer, json_answer, post, world
from trivium.core import ManualClock
from trivium.gateway.guard import Rests, chance
from trivium.gateway.seams import Circuit

HERE = Circuit("vertex", "messages", "m")


def busy(seconds: str, status: int = 429) -> Answer:
    kind = {429: "rate_limit_error", 503: "api_error", 529: "overloaded_error"}[status]
    return error_answer(status, kind, **{"retry-after": seconds})


async def served_by(at: World) -> str:
    response = await post(at, ask())
    assert response.status == 200
    return response.headers["x-trivium-surface"]


def test_of_two_times_the_later_one_counts() -> None:
    clock = ManualClock(STARTED)
    rests = Rests(clock, chance(1))
    assert rests.left_s(HERE) == 0
    rests.rest(HERE, 30)
    rests.rest(HERE, 10)
    assert rests.left_s(HERE) == 30
    assert rests.left_s(HERE._replace(endpoint="count_tokens")) == 0
    clock.advance(timedelta(seconds=29.5))
    assert rests.left_s(HERE) == 0.5
    clock.advance(timedelta(seconds=0.5))
    assert rests.left_s(HERE) == 0


@pytest.mark.parametrize("status", [429, 503, 529])
async def test_a_surface_that_named_a_time_is_passed_over_until_then(status: int) -> None:
    clock = ManualClock(STARTED)
    at = world({"anthropic": [busy("60", status), json_answer()], "vertex": [json_answer()]}, clock=clock)
    assert [await served_by(at) for _ in range(3)] == ["vertex"] * 3
    assert [sent.surface for sent in at.transport.sent] == ["anthropic", "vertex", "vertex", "vertex"]
    clock.advance(timedelta(seconds=59))
    assert await served_by(at) == "vertex"
    clock.advance(timedelta(seconds=1))
    assert await served_by(at) == "anthropic"


async def test_a_rest_is_bounded_and_may_be_switched_off() -> None:
    clock = ManualClock(STARTED)
    answers = {"anthropic": [busy("86400"), json_answer()], "vertex": [json_answer()]}
    at = world(answers, clock=clock, rest_s_max=120)
    assert await served_by(at) == "vertex"
    clock.advance(timedelta(seconds=119))
    assert await served_by(at) == "vertex"
    clock.advance(timedelta(seconds=1))
    assert await served_by(at) == "anthropic"
    at = world(answers, clock=clock, rest_s_max=0)
    assert [await served_by(at) for _ in range(2)] == ["vertex", "anthropic"]


async def test_when_all_rest_for_long_the_client_learns_when_the_first_has_room() -> None:
    clock = ManualClock(STARTED)
    at = world({"anthropic": [busy("90")], "vertex": [busy("40"), json_answer()]}, clock=clock)
    assert (await post(at, ask())).status == 429
    clock.advance(timedelta(seconds=10))
    response = await post(at, ask())
    assert (response.status, response.headers["retry-after"]) == (429, "30")
    assert response.json()["error"]["type"] == "rate_limit_error"
    assert "x-should-retry" not in response.headers
    assert len(at.transport.sent) == 2  # nothing was sent, and nothing recorded
    assert len(at.sink.opened_events) == 2
    clock.advance(timedelta(seconds=30))
    assert await served_by(at) == "vertex"


async def test_when_all_rest_for_a_moment_the_request_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock(STARTED)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        if seconds:  # the transport of the test only yields
            slept.append(seconds)
            clock.advance(timedelta(seconds=seconds))

    at = world({"anthropic": [busy("9")], "vertex": [busy("7"), json_answer()]}, clock=clock)
    assert (await post(at, ask())).status == 429
    clock.advance(timedelta(seconds=3))
    monkeypatch.setattr(asyncio, "sleep", sleep)
    assert await served_by(at) == "vertex"
    (waited_s,) = slept
    assert 4.0 <= waited_s <= 5.0


def test_those_who_wait_for_one_moment_do_not_come_at_once() -> None:
    """None comes before it, none waits a quarter longer, and the same seed gives the same waits."""
    rests, again = (Rests(ManualClock(STARTED), chance(7)) for _ in range(2))
    waits_s = sorted(rests.wait_s(4.0) for _ in range(100))
    assert waits_s == sorted(again.wait_s(4.0) for _ in range(100))
    assert waits_s[0] >= 4.0
    assert waits_s[-1] <= 5.0
    in_tenths = [sum(4.0 + tenth / 10 <= wait_s < 4.1 + tenth / 10 for wait_s in waits_s) for tenth in range(10)]
    assert min(in_tenths) > 0
    assert max(in_tenths) < 25  # of a hundred


async def test_who_wakes_to_find_that_others_were_sent_away_asks_nobody() -> None:
    """Two wait for one surface; the first is told to wait again, and the second is told so without asking."""
    at = world({"anthropic": [busy("0.3"), busy("60")]})
    assert (await post(at, ask())).status == 429
    answers = await asyncio.gather(post(at, ask()), post(at, ask()), post(at, ask()))
    assert [answer.status for answer in answers] == [429, 429, 429]
    assert len(at.transport.sent) < 4
    assert {answer.headers["retry-after"] for answer in answers} == {"60"}


async def test_a_failure_without_a_time_and_a_time_with_another_failure_rest_nothing() -> None:
    for first in (error_answer(429, "rate_limit_error"), error_answer(500, "api_error", **{"retry-after": "60"})):
        at = world({"anthropic": [first, json_answer()], "vertex": [json_answer()]}, clock=ManualClock(STARTED))
        assert [await served_by(at) for _ in range(2)] == ["vertex", "anthropic"]
