"""Everything at once, from a seed: whatever surfaces, clients, budgets and operators do, what must hold holds.

Hedges, failover, breakers, rests, pings, deadlines, budgets that end, clients that leave, reading on, a reload and a
shutdown meet here; each has tests of its own elsewhere.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random  # noqa: TID251  here the generators of this test are made
from typing import Any

import pytest

from gateway.grammar import faults
from gateway.support import (
    AUTH,
    MESSAGE,
    Answer,
    Caller,
    MemoryInbound,
    MemoryTransport,
    PlainCredential,
    World,
    ask,
    error_answer,
    event,
    sse_answer,
    stream,
    world,
)
from trivium.core import Closed, Outcome, Quality, Retry, UpstreamError
from trivium.gateway import Admitted
from trivium.gateway.seams import AdmissionRequest, Outbound, Timeouts, TransportError

SURFACES = ("anthropic", "vertex", "foundry")
CLIENTS = 40
LATE_S = 0.05  # from a client's leaving to the last request that may still go out for it, on a busy machine
ERRORS = {"529": "overloaded_error", "500": "api_error", "400": "invalid_request_error", "503": "overloaded_error"}


@dataclass
class Holds:
    """An admission of which one grant in ten ends after two tokens."""

    random: Random
    settled: dict[str, list[tuple[Closed, ...]]] = field(default_factory=lambda: defaultdict(list))
    granted: int = 0

    async def admit(self, _request: AdmissionRequest) -> Admitted:
        await asyncio.sleep(self.random.choice([0, 0.002]))
        self.granted += 1
        ends = self.random.random() < 0.1
        return Admitted(f"hold_{self.granted}", allows=(lambda _offer, used: (used.output or 0) <= 2) if ends else None)

    async def settle(self, admitted: Admitted, attempts: tuple[Closed, ...]) -> None:
        await asyncio.sleep(self.random.choice([0, 0.002]))
        self.settled[admitted.hold_id].append(attempts)


@dataclass
class Fickle(PlainCredential):
    """A credential that is slow, or not to be had."""

    random: Random
    refreshed: int = 0

    async def headers(self, outbound: Outbound) -> Mapping[str, str]:
        await asyncio.sleep(self.random.choice([0, 0, 0.01]))
        if self.random.random() < 0.05:
            raise UpstreamError(outbound.surface, "no token", retry=Retry.ELSEWHERE)
        return {}


class Chaos(MemoryTransport):
    """Surfaces that do anything. `left` tells when the client of a request left, `late` what was sent after that."""

    def __init__(self, random: Random) -> None:
        super().__init__({})
        self.random = random
        self.left: dict[str, float] = {}
        self.late: list[str] = []

    async def send(self, outbound: Outbound, timeouts: Timeouts) -> MemoryInbound:
        random, client = self.random, json.loads(outbound.body)["metadata"]["user_id"]
        if asyncio.get_running_loop().time() - self.left.get(client, float("inf")) > LATE_S:
            self.late.append(client)
        kind = random.choice(["ok"] * 4 + [*ERRORS, "401", "rests", "reset", "unsent", "cut", "error", "slow", "hangs"])
        await asyncio.sleep(random.choice([0, 0.001, 0.01, 0.03]))
        if kind in {"reset", "unsent"}:
            raise TransportError(kind, sent=kind == "reset")
        if kind == "hangs":
            await asyncio.sleep(random.choice([0.05, 0.2, 5]))
        inbound = MemoryInbound(self._answer(kind, outbound))
        self.inbounds.append(inbound)
        return inbound

    def _answer(self, kind: str, outbound: Outbound) -> Answer:
        random = self.random
        if kind in ERRORS:
            return error_answer(int(kind), ERRORS[kind])
        if kind == "401":
            return error_answer(401, "authentication_error")
        if kind == "rests":
            return error_answer(529, "overloaded_error", **{"retry-after": random.choice(["0.01", "0.05", "60"])})
        if not outbound.stream:
            body = json.dumps({**MESSAGE, "content": [{"type": "text", "text": outbound.surface}]}).encode()
            return Answer(200, [body[:30], body[30:]][: 1 if kind == "cut" else 2], cut=kind == "cut")
        events = stream([f"{outbound.surface}{number} " for number in range(4)])
        some = events[: random.randrange(len(events) - 1)]
        if kind == "cut":
            return sse_answer(some, cut=True, pause_s=random.choice([0, 0.01]))
        if kind == "error":
            return sse_answer([*some, event("error", error={"type": "overloaded_error", "message": "no"})])
        return sse_answer(events, pauses_s=[random.choice([0, 0.02]) if kind == "slow" else 0 for _ in events])


@dataclass
class Client:
    """One request; a client that leaves, or that takes nothing for a while, has no claim on a whole answer."""

    caller: Caller
    streamed: bool
    patient: bool = True


async def visit(at: World, random: Random, number: int) -> Client:
    chaos = at.gateway._transport
    assert isinstance(chaos, Chaos)
    counts = random.random() < 0.1
    client = Client(Caller(at.gateway), streamed=not counts and random.random() < 0.7)
    await asyncio.sleep(random.random() * 0.2)
    if random.random() < 0.1:
        client.caller.block, client.patient = asyncio.Event(), False
        asyncio.get_running_loop().call_later(random.choice([0.05, 0.4]), client.caller.block.set)
    body = ask(stream=client.streamed, metadata={"user_id": f"client_{number}"})
    path = "/v1/messages/count_tokens" if counts else "/v1/messages"
    work = asyncio.ensure_future(client.caller.send("POST", path, headers=AUTH, body=body))
    if random.random() < 0.4:
        await asyncio.sleep(random.random() * 0.1)
        if not work.done() and not client.caller.response.ended:
            chaos.left[f"client_{number}"] = asyncio.get_running_loop().time()
            client.patient = False
        client.caller.leave()
    await asyncio.wait_for(work, 8)
    return client


def at_random(random: Random) -> World:
    """A gateway with settings from the seed."""
    at = world(
        {name: [] for name in SURFACES},
        hedge_after_s=random.choice([{}, {"coding": 0.01}, {"coding": 0.03}]),
        surface={
            "on_disconnect": random.choice(["cancel", "drain"]),
            "drain_s_max": random.choice([0.02, 0.2]),
            "drain_bytes_max": random.choice([300, 10**6]),
        },
        deadline_s=random.choice([0.3, 5]),
        ping_interval_s=random.choice([0.005, 0.02, 15]),
        gate_hold_s=random.choice([0.005, 2]),
        breaker_failures=random.choice([2, 5]),
        breaker_open_s=0.05,
        stall_s=0.2,
        retry_floor_per_s=random.choice([1, 30]),
        retry_after_s_max=0.1,
        extra_attempts_max=random.choice([0, 1, 2, 4]),
    )
    at.sink.delay_s = random.choice([0, 0.002])
    at.gateway.reload(
        at.gateway.settings,
        credentials=dict.fromkeys(SURFACES, Fickle(random)),
        admission=Holds(random),  # type: ignore[arg-type]  # its parameter is named for what it does with it: nothing
        transport=Chaos(random),
    )
    return at


def check_records(at: World, holds: Holds) -> None:
    """Every attempt ended once, within its bounds and the law; every grant was settled once, with its attempts."""
    at.sink.check()
    assert all(len(settlements) == 1 for settlements in holds.settled.values())
    assert len(holds.settled) == holds.granted
    settled = sorted(closed.event_id for (attempts,) in holds.settled.values() for closed in attempts)
    assert settled == sorted(opened.event_id for opened in at.sink.opened_events)
    ends = {closed.event_id: closed for closed in at.sink.closed_events}
    requests = defaultdict(list)
    for opened in at.sink.opened_events:
        requests[opened.request_id].append(opened)
    for attempts in requests.values():
        assert sorted(each.attempt for each in attempts) == list(range(1, len(attempts) + 1))
        assert len(attempts) <= 1 + at.gateway.settings.extra_attempts_max
        assert sum(ends[each.event_id].outcome is Outcome.OK for each in attempts) <= 1
    for closed in ends.values():
        if closed.quality is Quality.EXACT or closed.outcome is Outcome.OK:
            continue
        assert closed.usage_lower is not None
        assert closed.usage_upper is not None
        for unit, count in closed.usage:
            least, most = closed.usage_lower.get(unit) or 0, closed.usage_upper.get(unit)
            assert count is None or (least <= count and (most is None or count <= most))


def check_answer(client: Client) -> None:
    """Whoever waits has an answer that ends; a stream keeps its grammar, and one surface, which is named, wrote it."""
    response = client.caller.response
    assert response.ended or not client.patient
    if not client.streamed or response.status != 200:
        return
    if response.ended:
        assert faults(response.body) == []
    wrote = [name for name in SURFACES if f'"{name}'.encode() in response.body]
    assert len(wrote) <= 1
    assert all(name in response.headers["x-trivium-surface"] for name in wrote)


@pytest.mark.parametrize("seed", [2, 10, 73, 89])
async def test_whatever_happens_at_once_records_holds_and_streams_stay_whole(seed: int) -> None:
    random = Random(seed)  # noqa: S311  it keeps no secret
    at = at_random(random)
    parts = at.gateway._parts
    holds, chaos = parts.admission, at.gateway._transport
    assert isinstance(holds, Holds)
    assert isinstance(chaos, Chaos)
    visits = [asyncio.ensure_future(visit(at, random, number)) for number in range(CLIENTS)]
    await asyncio.sleep(0.1)
    at.gateway.reload(replace(at.gateway.settings, hedge_after_s={}), credentials=parts.credentials)
    if random.random() < 0.5:
        at.gateway.cut_short()
    clients: list[Any] = await asyncio.gather(*visits)
    assert at.gateway.in_flight == 0
    await at.gateway.close()
    check_records(at, holds)
    for client in clients:
        check_answer(client)
    assert chaos.late == []
    assert all(inbound.closed for inbound in chaos.inbounds)
