"""One of three surfaces is dead, hanging, overloaded or lying: who asks gets an answer, and soon loses no time."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

import pytest

from gateway.support import (
    AUTH,
    Answer,
    Caller,
    MemoryInbound,
    MemoryTransport,
    World,
    ask,
    error_answer,
    event,
    json_answer,
    sse_answer,
    table,
    world,
)
from trivium.core import SystemClock
from trivium.gateway.guard import ConsecutiveBreaker
from trivium.gateway.seams import Circuit, Patience, Timeouts, TransportError
from trivium.gateway.waiting import Waiting

SURFACES = ("anthropic", "bedrock", "vertex")
SHARE_MIN = 0.9999
FAST = Patience(0.3, 0.15)
NEVER = asyncio.Event  # of a loop of its own, and never set
LIE = event("error", error={"type": "overloaded_error", "message": "Overloaded"})


def failing(kind: str, *, stream: bool) -> Answer:
    match kind:
        case "dead":
            return Answer(refuse=TransportError("connection refused", sent=False))
        case "hanging":
            return sse_answer(wait=NEVER())
        case "overloaded":
            return error_answer(529, "overloaded_error")
        case "lying":
            return sse_answer([LIE]) if stream else json_answer("garbage")
        case "breaking off":
            return sse_answer([b"event: message_start\ndata: {"], cut=True) if stream else json_answer("{")
    raise AssertionError(kind)


class Shifting(MemoryTransport):
    """Answers at once, streams or whole, from surfaces of which one may fail."""

    def __init__(self) -> None:
        super().__init__({})
        self.failing: tuple[str, str] | None = None
        self.asked: Counter[str] = Counter()

    async def send(self, outbound: Any, timeouts: Timeouts) -> MemoryInbound:
        self.asked[outbound.surface] += 1
        answer = sse_answer() if outbound.stream else json_answer()
        if self.failing is not None and self.failing[0] == outbound.surface:
            answer = failing(self.failing[1], stream=outbound.stream)
        if answer.wait is not None:
            await answer.wait.wait()
        if answer.refuse is not None:
            raise answer.refuse
        await asyncio.sleep(0)
        return MemoryInbound(answer)


def three(**settings: Any) -> tuple[World, Shifting]:
    """Three surfaces, drawn by session."""
    answers = {name: [json_answer()] for name in SURFACES}
    options = {"patience_events": FAST, "patience_whole": FAST} | settings
    at = world(answers, routes=table(*SURFACES, weights=(1, 1, 1)), **options)
    transport = Shifting()
    at.gateway.reload(at.gateway._parts.tools.settings, credentials={}, transport=transport)
    return at, transport


async def one(at: World, number: int) -> tuple[bool, float]:
    """Whether a whole answer came, and the seconds to its first byte."""
    streamed = number % 2 == 0
    caller, first_s = Caller(at.gateway), 0.0
    began_s = time.perf_counter()

    def on_part(message: Any) -> None:
        nonlocal first_s
        if not first_s and message["type"] == "http.response.start":
            first_s = time.perf_counter() - began_s

    caller.on_part = on_part
    headers = {**AUTH, "x-claude-code-session-id": f"s{number}"}
    reply = await caller.send("POST", "/v1/messages", headers=headers, body=ask(stream=streamed))
    whole = reply.body.rstrip().endswith(b'data: {"type": "message_stop"}') if streamed else b'"end_turn"' in reply.body
    return reply.status == 200 and whole and reply.ended, first_s


async def many(at: World, count: int, *, at_once: int = 32, first: int = 0) -> list[tuple[bool, float]]:
    numbers = iter(range(first, first + count))
    done: list[tuple[bool, float]] = []

    async def worker() -> None:
        for number in numbers:
            done.append(await one(at, number))  # noqa: PERF401  workers share the list as they go

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(worker())
    return done


def p90(found: list[tuple[bool, float]]) -> float:
    """Seconds to the first byte; `python -m bench resilience` measures the last hundredth too, on real sockets."""
    return sorted(first_s for _, first_s in found)[int(len(found) * 0.9)]


async def lost_of(kind: str, count: int) -> None:
    """`count` requests while one of three surfaces fails from the first of them on."""
    at, transport = three()
    healthy = await many(at, count // 4)
    assert all(answered for answered, _ in healthy)
    transport.failing = "bedrock", kind
    before = transport.asked["bedrock"]
    outage = await many(at, count, first=count)
    lost = sum(not answered for answered, _ in outage)
    assert 1 - lost / count >= SHARE_MIN, f"{lost} of {count} lost"
    assert transport.asked["bedrock"] - before <= 64 + 10  # who was there when it opened, and then nobody but probes
    extra = sum(transport.asked.values()) - len(at.sink.closed_events)
    assert extra == 0  # every attempt has its record
    assert len(at.sink.closed_events) - len(healthy) - count <= 0.1 * count + 30
    at.sink.check()
    control, _ = three()
    opened, healthy = [], []
    for number in range(200):  # in turns, so that what else the machine does hits both alike
        opened.append(await one(at, 3 * count + number))
        healthy.append(await one(control, 3 * count + number))
    assert p90(opened) - p90(healthy) < 0.005


@pytest.mark.parametrize("kind", ["dead", "hanging", "overloaded", "lying", "breaking off"])
async def test_while_one_of_three_fails_every_request_is_answered(kind: str) -> None:
    await lost_of(kind, 1200)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["dead", "hanging", "overloaded", "lying", "breaking off"])
async def test_of_ten_thousand_requests_at_most_one_is_lost(kind: str) -> None:
    await lost_of(kind, 10_000)


async def test_a_surface_that_hangs_is_left_before_any_request_timed_out() -> None:
    at, transport = three()
    await many(at, 120)
    transport.failing = "bedrock", "hanging"
    began_s = time.perf_counter()
    assert all(answered for answered, _ in await many(at, 60, first=1000))
    assert time.perf_counter() - began_s < 2  # 0.15 s of patience; a first byte may take 120 s
    silent = [closed for closed in at.sink.closed_events if closed.http_status is None]
    assert len(silent) >= 5
    assert {closed.outcome.value for closed in silent} == {"failed"}  # perhaps billed, and said so
    before = transport.asked["bedrock"]
    await many(at, 60, first=2000)
    assert transport.asked["bedrock"] == before


async def test_a_probe_that_hangs_keeps_one_request_for_a_bounded_time() -> None:
    at, transport = three(breaker_open_s=0.2)
    await many(at, 120)
    transport.failing = "bedrock", "hanging"
    await many(at, 60, first=1000)
    await asyncio.sleep(0.25)
    before = transport.asked["bedrock"]
    probed = await many(at, 60, first=2000)
    assert all(answered for answered, _ in probed)
    assert transport.asked["bedrock"] - before == 1
    slow = [first_s for _, first_s in probed if first_s > 0.1]
    assert len(slow) == 1
    assert slow[0] < 0.3 + 0.2  # the bound of a probe, and room for a busy machine


async def test_a_surface_that_comes_back_is_found_by_the_next_probe() -> None:
    at, transport = three(breaker_open_s=0.2)
    await many(at, 120)
    transport.failing = "bedrock", "hanging"
    await many(at, 60, first=1000)
    transport.failing = None
    await asyncio.sleep(0.25)
    before = transport.asked["bedrock"]
    await many(at, 90, first=2000)
    assert transport.asked["bedrock"] - before > 15


async def test_when_streams_show_that_a_surface_hangs_whole_answers_are_not_waited_for_either() -> None:
    """A minute of silence is no sign of anything in a whole answer, but in five streams it is."""
    at, transport = three(patience_whole=Patience(600.0, 60.0))
    await many(at, 240)
    transport.failing = "bedrock", "hanging"
    began_s = time.perf_counter()
    assert all(answered for answered, _ in await many(at, 90, first=1000, at_once=64))
    assert time.perf_counter() - began_s < 3  # 0.15 s until the breaker opens, 0.3 s after being sent


async def test_without_another_surface_nobody_is_given_up() -> None:
    at = world({"anthropic": [json_answer()]}, patience_events=FAST, patience_whole=FAST)
    slow, transport = asyncio.Event(), at.transport
    transport._answers["anthropic"] = [sse_answer(wait=slow)]
    waiting = [asyncio.ensure_future(one(at, 2 * number)) for number in range(8)]
    await asyncio.sleep(0.5)
    slow.set()
    assert all(answered for answered, _ in await asyncio.gather(*waiting))


async def test_a_first_byte_has_its_limit_also_after_the_headers() -> None:
    hold = asyncio.Event()
    answers = {"anthropic": [sse_answer([], hold=hold)], "vertex": [sse_answer()]}
    at = world(answers, surface={"timeouts": Timeouts(stream_first_byte_s=0.05)})
    answered, _ = await one(at, 0)
    assert answered
    assert at.sink.closed_events[0].error_type
    assert at.transport.inbounds[0].closed


async def test_a_burst_beyond_the_budget_waits_for_room_instead_of_failing() -> None:
    """Sixty requests fail at once, and the law allows a tenth of them plus ten: the others wait for later windows."""
    answers = {"anthropic": [error_answer(529, "overloaded_error")], "vertex": [json_answer()]}
    at = world(answers, retry_floor_per_s=1.0, breaker_failures=1000, budget_wait_s_max=0.0)
    done = await asyncio.gather(*(one(at, 2 * number + 1) for number in range(60)))
    assert sum(answered for answered, _ in done) == 16  # 60 / 10 + 10, and the rest were lost
    at = world(answers, retry_floor_per_s=1.0, breaker_failures=1000, budget_wait_s_max=2.0)
    clock = at.gateway._parts.budget
    waiting = [asyncio.ensure_future(one(at, 2 * number + 1)) for number in range(60)]
    while sum(task.done() for task in waiting) < 16:  # noqa: ASYNC110  it ends with tasks, not with an event
        await asyncio.sleep(0.02)
    assert sum(task.done() for task in waiting) == 16
    for _ in range(600):  # traffic goes on elsewhere: a tenth of it is theirs
        clock.request()
    assert all(answered for answered, _ in await asyncio.gather(*waiting))


async def test_in_a_total_outage_nobody_waits_for_room() -> None:
    overloaded = [error_answer(529, "overloaded_error")]
    at = world(dict.fromkeys(SURFACES, overloaded), retry_floor_per_s=0.0, retry_ratio=0.0)
    for number in range(30):
        at.gateway._parts.breaker.trip(Circuit(SURFACES[number % 3], "messages", "claude-sonnet-4-5"))
    began_s = time.perf_counter()
    assert not (await one(at, 1))[0]
    assert time.perf_counter() - began_s < 1


async def test_an_answer_that_began_before_the_outage_does_not_close_the_breaker() -> None:
    breaker = ConsecutiveBreaker(SystemClock(), failures=2, open_s=30)
    circuit = Circuit("vertex", "messages", "m")
    began_ns = SystemClock().monotonic_ns()
    for _ in range(2):
        breaker.record(circuit, healthy=False)
    breaker.record(circuit, healthy=True, began_ns=began_ns)
    assert not breaker.closed(circuit)
    breaker.record(circuit, healthy=True, began_ns=SystemClock().monotonic_ns())
    assert breaker.closed(circuit)


async def test_a_slow_surface_is_not_a_silent_one() -> None:
    """Patience grows with the pace that a circuit shows: three times its slowest answer of late."""
    breaker = ConsecutiveBreaker(SystemClock(), failures=5, open_s=30)
    waiting = Waiting(breaker, waiters=2, events=Patience(10, 0.02), whole=Patience(10, 0.02))
    circuit = Circuit("vertex", "messages", "m")
    line = waiting.line(circuit, events=True)

    async def answered(seconds: float) -> None:
        wait = waiting.begin(line, 60.0, lambda: True)
        await asyncio.sleep(seconds)
        waiting.end(line, wait, status=200)

    await asyncio.gather(*(answered(0.1) for _ in range(30)))
    await asyncio.gather(*(answered(0.2) for _ in range(8)))  # longer than the least, shorter than three times 0.1
    assert breaker.closed(circuit)
    await asyncio.gather(*(answered(2.0) for _ in range(8)))
    assert not breaker.closed(circuit)
    assert not line.waits
