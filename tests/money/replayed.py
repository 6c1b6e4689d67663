"""Drawn sessions replayed through the gateway against the lab, on one route and with one cache life."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from gateway.support import AUTH, Caller, MemorySink, Ring, record
from trivium.catalog import load
from trivium.core import (
    ANY,
    Closed,
    ManualClock,
    Money,
    Offer,
    Opened,
    Outcome,
    Route,
    RouteTable,
    SystemClock,
    Target,
    UsageEvent,
)
from trivium.gateway import (
    AiohttpTransport,
    Gateway,
    GatewaySettings,
    OpenAdmission,
    SnapshotFacts,
    SurfaceSettings,
    trace_stamp,
)
from trivium.gateway.credentials import ApiKey
from trivium.lab import LabServer
from trivium.lab.profile import draw, shipped_profile
from trivium.lab.replay import PlannedRequest, plan_conversation, select

DAY = datetime(2026, 4, 15, tzinfo=UTC)
SNAPSHOT = load().snapshot(DAY.date())
_PROMPT_MAX = 400_000  # tokens; aiohttp warns of request bodies above a mebibyte
_KEPT_SHARE = 0.98  # of the prompt before, where a conversation is appended to
_CACHE, _HOUR = b'"cache_control":{"type":"ephemeral"}', b'"cache_control":{"type":"ephemeral","ttl":"1h"}'


@dataclass(frozen=True)
class Replay:
    """What was recorded, and what the lab billed for it."""

    events: tuple[UsageEvent, ...]
    bill: Money


def sessions(
    model: str, *, requests_min: int, pause_factor: float = 1.0, seed: int = 7, rewrites: bool = False
) -> list[list[UsageEvent]]:
    """Whole drawn conversations on one model; `pause_factor` stretches the time between their turns.

    Without `rewrites` only conversations whose prompts grow by appending.
    """
    events = draw(shipped_profile(), seed, DAY, sessions=max(requests_min // 5, 4))
    chosen: list[list[UsageEvent]] = []
    for turns in select(events, requests_min=len(events), seed=3):
        if max(event.closed.usage.prompt_tokens for event in turns) > _PROMPT_MAX:
            continue
        if (rewrites or _appends(turns)) and sum(map(len, chosen)) < requests_min:
            chosen.append([_moved(event, turns[0].opened.at, model, pause_factor, seed) for event in turns])
    return chosen


def _appends(turns: Sequence[UsageEvent]) -> bool:
    before = 0
    for event in turns:
        if (event.closed.usage.cache_read or 0) < _KEPT_SHARE * before:
            return False
        before = event.closed.usage.prompt_tokens
    return True


def _moved(event: UsageEvent, first: datetime, model: str, pause_factor: float, seed: int) -> UsageEvent:
    opened = event.opened
    offer = replace(opened.offer, model=model)
    at = first + (opened.at - first) * pause_factor
    return replace(event, opened=replace(opened, at=at, offer=offer, session=f"{opened.session}-{seed}"))


async def replayed(conversations: Sequence[Sequence[UsageEvent]], offer: Offer, life: str = "5m") -> Replay:
    """Every request once, in order of trace time, through a gateway that sends all of them to one offer."""
    clock, sink = ManualClock(DAY), MemorySink()
    place = f"anthropic/{offer.scope}"
    table = RouteTable((Route(ANY, ANY, (Target(offer, 1),)),), "1")
    async with LabServer(("anthropic",), clock=clock, wall=SystemClock(), trace_time=True) as lab:
        gateway = Gateway(
            GatewaySettings(surfaces={place: SurfaceSettings("anthropic", lab.base_url("anthropic"), offer.scope)}),
            sink=sink,
            keys=Ring(record(created_at=DAY)),
            routes=lambda: table,
            facts=SnapshotFacts(lambda: SNAPSHOT, clock),
            admission=OpenAdmission(),
            clock=clock,
            transport=AiohttpTransport(trust_env=False),
            credentials={place: ApiKey(lab.key("anthropic"))},
            stamp=trace_stamp(clock),
        )
        try:
            for request in _in_order(conversations):
                await _send(gateway, request, life)
        finally:
            await gateway.close()
        return Replay(_recorded(sink), lab.bill.total())


def _in_order(conversations: Sequence[Sequence[UsageEvent]]) -> list[PlannedRequest]:
    planned = [list(plan_conversation(turns)) for turns in conversations]
    return list(heapq.merge(*planned, key=lambda request: request.at))


async def _send(gateway: Gateway, request: PlannedRequest, life: str) -> None:
    headers = {
        **AUTH,
        "x-claude-code-session-id": request.session,
        "x-trivium-trace-time": request.at.isoformat(),
        **({"anthropic-beta": ",".join(request.betas)} if request.betas else {}),
    }
    body = request.body if life == "5m" else request.body.replace(_CACHE, _HOUR)
    reply = await Caller(gateway).send("POST", "/v1/messages", headers=headers, body=body)
    assert reply.status == 200, reply.body[:400]


def _recorded(sink: MemorySink) -> tuple[UsageEvent, ...]:
    sink.check()
    ends: dict[str, Closed] = {closed.event_id: closed for closed in sink.closed_events}
    found: list[Opened] = sorted(sink.opened_events, key=lambda opened: (opened.at, opened.event_id))
    assert all(closed.outcome is Outcome.OK for closed in ends.values())
    return tuple(UsageEvent(opened, ends[opened.event_id]) for opened in found)
