"""Recorded conversations through the real gateway, over surfaces that keep a prompt cache, on the trace's own time.

A recorded request becomes a small Messages body: one block of text stands for a run of tokens, marked for caching where
the lab's replay marks it. Surfaces answer from the lab's prompt cache, one for each surface, and say what was read and
written. Nothing waits: the clock is set to each request's own instant.
"""
# ruff: noqa: ARG002  the signatures are the Protocols'

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any

from bench._gateway_world import OneKey, OneModel

from trivium.core import ANY, Closed, ManualClock, Offer, Opened, Route, RouteTable, Target, Usage, UsageEvent
from trivium.gateway import Gateway, GatewaySettings, OpenAdmission, SurfaceSettings
from trivium.gateway.credentials import ApiKey
from trivium.gateway.seams import CachePrices, Outbound, Timeouts
from trivium.lab.cache import Breakpoint, PromptCache
from trivium.lab.profile import agent
from trivium.lab.replay._bodies import _breakpoints, _cuts, _lengths

SURFACES = ("anthropic", "claude-aws", "foundry")  # three whose adapters speak the first-party wire
WEIGHTS = (50, 30, 20)
SECRET = "sk-trv-" + "a" * 43
_MARK = {"cache_control": {"type": "ephemeral"}}
_LIFE_S = 300
_TOKENS_MIN = 1024  # below it a surface caches nothing


@dataclass(frozen=True, slots=True)
class Request:
    """One recorded request: when, of which session, with which body, and the tokens that each block stands for."""

    at: datetime
    session: str
    model: str
    body: bytes


def requests(events: Sequence[UsageEvent]) -> list[Request]:
    """Every recorded request of whole sessions, by time."""
    conversations: dict[tuple[str, str], list[UsageEvent]] = {}
    for event in events:
        conversations.setdefault((event.opened.session, agent(event)), []).append(event)
    found = [one for turns in conversations.values() for one in _conversation(turns)]
    return sorted(found, key=lambda one: one.at)


def _conversation(turns: list[UsageEvent]) -> Iterator[Request]:
    """Blocks are named by where they were first said; a later request keeps those its recorded prefix covers."""
    turns.sort(key=lambda event: (event.opened.at, event.opened.event_id))
    prompts, kept = _lengths(turns)
    ends: list[int] = []
    names: list[str] = []
    for number, event in enumerate(turns):
        while ends and ends[-1] > kept[number]:
            ends.pop()
            names.pop()
        for end in (*_cuts(kept, number, prompts[number]), prompts[number]):
            if end > (ends[-1] if ends else 0):
                names.append(f"{event.opened.event_id}/{end}/{end - (ends[-1] if ends else 0)}")
                ends.append(end)
        marked = _breakpoints(kept, number, prompts[number])
        blocks = [
            {"type": "text", "text": name} | (_MARK if end in marked else {})
            for name, end in zip(names, ends, strict=True)
        ]
        messages = [{"role": "user", "content": blocks}]
        output = max(event.closed.usage.output or 0, 1)
        body = {"model": event.opened.offer.model, "max_tokens": output, "messages": messages}
        yield Request(event.opened.at, event.opened.session, event.opened.offer.model, json.dumps(body).encode())


class CachedSurfaces:
    """A transport behind which each surface has a prompt cache of its own; one of them may be down for a while."""

    def __init__(self, clock: ManualClock, down: Callable[[str, datetime], bool]) -> None:
        self._clock = clock
        self._down = down
        self._caches = {surface: PromptCache() for surface in SURFACES}

    async def send(self, outbound: Outbound, timeouts: Timeouts) -> _Answer:
        now = self._clock.now()
        if self._down(outbound.surface, now):
            error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
            return _Answer(529, json.dumps(error).encode())
        asked = json.loads(outbound.body)
        usage = self._usage(outbound.surface, asked, now)
        message = {"id": "msg", "type": "message", "role": "assistant", "model": asked["model"]}
        message |= {"content": [{"type": "text", "text": "."}], "stop_reason": "end_turn", "usage": usage}
        return _Answer(200, json.dumps(message).encode())

    def _usage(self, surface: str, asked: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        blocks = [block for message in asked["messages"] for block in message["content"]]
        hashes: list[bytes] = []
        tokens: list[int] = []
        running = blake2b(digest_size=16)
        for block in blocks:
            running.update(block["text"].encode())
            hashes.append(running.digest())
            tokens.append((tokens[-1] if tokens else 0) + int(block["text"].rpartition("/")[2]))
        marks = [Breakpoint(place, _LIFE_S) for place, block in enumerate(blocks) if "cache_control" in block]
        cache, owner = self._caches[surface], (surface, "account", asked["model"])
        found = cache.look_up(owner, hashes, tokens, marks, _TOKENS_MIN, now)
        cache.commit(owner, found, now)
        return {
            "input_tokens": found.input,
            "output_tokens": asked["max_tokens"],
            "cache_read_input_tokens": found.read,
            "cache_creation_input_tokens": found.write_5m,
            "cache_creation": {"ephemeral_5m_input_tokens": found.write_5m, "ephemeral_1h_input_tokens": 0},
        }

    async def close(self) -> None:
        pass


@dataclass
class _Answer:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self.body

    async def close(self) -> None:
        pass


class AnyModel(OneModel):
    """Every name is a model, everywhere."""

    def model_id(self, name: str) -> str:
        return name


@dataclass
class Books:
    """A sink that keeps each attempt with what it used."""

    opened_events: dict[str, Opened] = field(default_factory=dict)
    uses: list[tuple[Opened, Usage]] = field(default_factory=list)

    async def opened(self, event: Opened) -> None:
        self.opened_events[event.event_id] = event

    async def closed(self, event: Closed) -> None:
        self.uses.append((self.opened_events.pop(event.event_id), event.usage))


def table(surfaces: Sequence[str] = SURFACES, weights: Sequence[int] = WEIGHTS) -> RouteTable:
    """One route for everything."""
    pairs = zip(surfaces, weights, strict=False)
    return RouteTable((Route(ANY, ANY, tuple(Target(Offer(name, "global", ANY), weight) for name, weight in pairs)),))


def gateway(
    clock: ManualClock,
    surfaces: CachedSurfaces,
    routes: Callable[[], RouteTable],
    books: Books,
    cache_prices: CachePrices,
) -> Gateway:
    """The real gateway, adapters and routing included, between a key and the cached surfaces."""
    settings = {name: SurfaceSettings(name, f"http://{name}.test", workspace="wrkspc_1") for name in SURFACES}
    return Gateway(
        GatewaySettings(settings),
        sink=books,
        keys=OneKey(SECRET),
        routes=routes,
        facts=AnyModel("any"),
        admission=OpenAdmission(),
        clock=clock,
        transport=surfaces,
        credentials={name: ApiKey("sk-bench") for name in SURFACES},
        cache_prices=cache_prices,
    )


async def send(to: Gateway, request: Request, *, session: bool) -> int:
    """One request as a client sends it; the status."""
    headers = [(b"x-api-key", SECRET.encode()), (b"anthropic-version", b"2023-06-01")]
    if session:
        headers.append((b"x-claude-code-session-id", request.session.encode()))
    messages = [{"type": "http.request", "body": request.body, "more_body": False}]
    status = 0

    async def receive() -> dict[str, Any]:
        if not messages:
            await asyncio.Event().wait()  # the client stays until the gateway has done with it
        return messages.pop()

    async def take(message: Mapping[str, Any]) -> None:
        nonlocal status
        status = message.get("status", status)

    path = "/v1/messages"
    await to({"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": b""}, receive, take)
    return status
