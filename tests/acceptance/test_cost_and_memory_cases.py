"""What users of other gateways suffered with caches lost in silence and with memory that grew; each case a test.

LL and CC are the issues of litellm and claude-code.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from acceptance.support import Scripted
from gateway.support import (
    AUTH,
    MESSAGE,
    SECRET,
    Answer,
    Caller,
    MemoryInbound,
    MemorySink,
    MemoryTransport,
    World,
    ask,
    error_answer,
    json_answer,
    sse_answer,
    stream,
    table,
    world,
)
from gateway_upstream.test_through_the_lab import MODEL, SNAPSHOT, SURFACES, site
from trivium.app._cache import BookCachePrices
from trivium.core import Closed, Decision, Money, Opened, SystemClock
from trivium.gateway.affinity import Affinity
from trivium.gateway.seams import TransportError
from trivium.gateway.signers import Signers
from trivium.pricing import PriceBook

BOOK = PriceBook.from_snapshot(SNAPSHOT)
MARK = {"type": "ephemeral"}


async def test_d20_the_loss_of_190_thousand_cached_tokens_is_told_in_dollars() -> None:
    """CC#83272: a fallback silently threw away a cache of 190 thousand tokens; the bill was the first to tell."""
    usage = {"input_tokens": 3, "output_tokens": 6, "cache_read_input_tokens": 190_000}
    caches = json_answer({**MESSAGE, "usage": usage})
    overloaded = error_answer(529, "overloaded_error")
    answers = {"anthropic": [caches, overloaded], "vertex": [caches]}
    at = Scripted(answers, cache_prices=BookCachePrices(lambda: BOOK))
    body = {"messages": [{"role": "user", "content": [{"type": "text", "text": "hello", "cache_control": MARK}]}]}
    for _ in range(3):
        assert (await at.post(body, x_claude_code_session_id="s")).status == 200
    decisions = [Decision.decode(opened.decision) for opened in at.sink.opened_events]
    moved = [found for found in decisions if found is not None and found.affinity == "moved"]
    # 190,000 tokens x (6.25 - 0.50) USD a million; once, for the session then stays where its new cache is
    assert [(found.lost_tokens, found.lost) for found in moved] == [(190_000, Money.from_usd("1.0925"))]
    assert [found.affinity for found in decisions if found] == ["new", "kept", "moved", "kept"]


@pytest.mark.parametrize("surface", SURFACES)
async def test_d20_a_client_of_bedrock_reads_its_cache_on_every_surface(tmp_path: Path, surface: str) -> None:
    """CC#60830: behind Bedrock a client read less than 2 % of its prompt from the cache."""
    turns: list[dict[str, Any]] = []
    read = prompt = 0
    async with site(tmp_path, surface) as at:
        for number in range(6):
            text = {"type": "text", "text": f"[[lab out=9]] question {number}", "cache_control": MARK}
            body = {
                "anthropic_version": "bedrock-2023-05-31",
                "max_tokens": 50,
                "system": [{"type": "text", "text": "rule " * 6000, "cache_control": MARK}],
                "messages": [*turns, {"role": "user", "content": [text]}],
            }
            reply = await Caller(at.gateway).send(
                "POST",
                f"/model/us.anthropic.{MODEL}/invoke",
                headers={"authorization": f"Bearer {SECRET}", "content-type": "application/json"},
                body=json.dumps(body).encode(),
            )
            assert reply.status == 200, reply.body
            usage = reply.json()["usage"]
            read += usage["cache_read_input_tokens"]
            prompt += sum(usage[f"{name}input_tokens"] for name in ("", "cache_read_", "cache_creation_"))
            plain = {"type": "text", "text": text["text"]}
            turns += [{"role": "user", "content": [plain]}, {"role": "assistant", "content": reply.json()["content"]}]
    assert read / prompt > 0.8  # five of six requests find the system prompt and what was said before


class Forgetful(MemorySink):
    """Keeps nothing, as a ledger keeps nothing in memory."""

    async def opened(self, event: Opened) -> None:
        await asyncio.sleep(0)

    async def closed(self, event: Closed) -> None:
        await asyncio.sleep(0)


class Anything(MemoryTransport):
    """Answers by the number of the request, and remembers none: whole, streamed, refused, broken, never."""

    def __init__(self) -> None:
        super().__init__({})
        self.number = 0

    async def send(self, outbound: Any, timeouts: Any) -> MemoryInbound:
        self.number += 1
        match self.number % 7:
            case 0:
                raise TransportError("connection reset", sent=True)
            case 1:
                answer = error_answer(429, "rate_limit_error")
            case 2 if outbound.stream:
                answer = sse_answer(stream()[:5], cut=True)
            case 3 if outbound.stream:
                answer = sse_answer(stream()[:4], hold=asyncio.Event())
            case _:
                answer = sse_answer() if outbound.stream else json_answer()
        return MemoryInbound(answer)


def small(entries: int) -> tuple[World, Anything]:
    """A gateway whose tables are full soon."""
    at = world(
        {"anthropic": [Answer()], "vertex": [Answer()]},
        routes=table("anthropic", "vertex", weights=(1, 1)),
        sink=Forgetful(),
        breaker_failures=1000,
        retry_ratio=1.0,
    )
    transport, clock = Anything(), SystemClock()
    parts = at.gateway._parts
    tools = replace(parts.tools, transport=transport, signers=Signers(clock, entries_max=entries))
    at.gateway._parts = replace(parts, tools=tools, affinity=Affinity(clock, entries_max=entries))
    return at, transport


async def one(at: World, number: int) -> None:
    """A request of a session, a prefix and a conversation of its own; every ninth client leaves."""
    streamed = number % 2 == 0
    text = {"type": "text", "text": f"prefix {number} " * 20, "cache_control": MARK}
    thought = {"type": "thinking", "thinking": "hm", "signature": f"sig{number}" * 20}
    turns = [
        {"role": "user", "content": [text]},
        {"role": "assistant", "content": [thought, {"type": "text", "text": "so"}]},
        {"role": "user", "content": f"go on {number}"},
    ]
    headers = {**AUTH, "x-claude-code-session-id": f"session-{number}"}
    caller = Caller(at.gateway)
    if number % 9 == 0 or streamed:  # some answers of the surface never end: their clients leave
        asyncio.get_running_loop().call_later(0.02, caller.leave)
    with contextlib.suppress(asyncio.CancelledError):
        await caller.send("POST", "/v1/messages", headers=headers, body=ask(stream=streamed, messages=turns))


async def many(at: World, first: int, count: int) -> None:
    for start in range(first, first + count, 50):
        await asyncio.gather(*(one(at, number) for number in range(start, start + 50)))


async def test_d22_memory_does_not_grow_with_requests_sessions_errors_and_disconnects() -> None:
    """LL#12685, LL#27954, LL#15128, LL#38193: gateways grew to 4 and 40 GiB, until they were killed."""
    at, _ = small(100)
    await many(at, 0, 400)  # the tables are full, and everything that is built once is built
    tracemalloc.start()
    try:
        await many(at, 10_000, 200)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        await many(at, 20_000, 2000)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert at.gateway.in_flight == 0
    assert (after - before) / 2000 < 50, f"{after - before} bytes in 2,000 requests"


async def test_d22_what_is_remembered_of_sessions_prefixes_and_signers_is_bounded() -> None:
    """LL#15128: tables by user, session and key were never emptied."""
    at, _ = small(100)
    await many(at, 0, 300)
    parts = at.gateway._parts
    assert len(parts.affinity._homes) == 100
    assert len(parts.tools.signers._issuers) <= 100
    circuits: Any = parts.breaker
    assert len(circuits._states) <= 2
    assert len(parts.waiting._lines) <= 4  # two surfaces, streams and whole answers
    assert not any(line.waits for line in parts.waiting._lines.values())


async def test_d22_names_that_clients_invent_are_remembered_nowhere() -> None:
    """LL#12685: one time series for each model name that anybody ever sent."""
    at, _ = small(100)
    await many(at, 0, 100)

    def kept() -> tuple[int, int, int]:
        return (
            at.gateway.metrics.render().count(b"\n"),
            len(at.gateway.metrics._children),
            len(at.gateway._parts.waiting._lines),
        )

    async def invented(number: int) -> int:
        body = ask(model=f"claude-invented-{number}", metadata={"user_id": f"user-{number}"})
        headers = {**AUTH, f"x-made-up-{number}": "1", "anthropic-beta": f"beta-{number}"}
        return (await Caller(at.gateway).send("POST", "/v1/messages", headers=headers, body=body)).status

    assert await invented(0) == 404
    before = kept()
    assert {await invented(number) for number in range(1, 200)} == {404}
    assert kept() == before
