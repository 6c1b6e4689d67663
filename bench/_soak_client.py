"""The soak's clients: they send planned conversations and hold what comes back to the protocol."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import numpy as np

from trivium.core import Usage, UsageEvent
from trivium.lab.replay import PlannedRequest, plan_conversation

_TIMEOUT = aiohttp.ClientTimeout(total=90)
_UNITS = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")


@dataclass(slots=True)
class Seen:
    """What one client saw of one request."""

    at: str  # trace time, unique in its round: it stands in the lab's bill and leads the ledger's records
    workload: str
    model: str
    stream: bool
    session: str
    key_id: str
    started: float = 0.0
    ended: float = 0.0
    status: int = 0  # 0: no answer at all
    request_id: str = ""
    surface: str = ""
    tokens: dict[str, int] | None = None  # of a whole answer
    state: str = "lost"  # whole · refused · error_event · left · lost (no end) · garbled (against the grammar)
    detail: str = ""
    gateway: int = 0  # which gateway process it was sent to


@dataclass(slots=True)
class Door:
    """Where the gateway is now, and which key each workload has; closed while there is no gateway."""

    url: str
    keys: dict[str, tuple[str, str]]  # workload -> (key id, secret)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    gateway: int = 0


@dataclass(frozen=True, slots=True)
class Patience:
    """After how many bytes, or seconds, a client leaves."""

    size: int | None = None
    seconds: float | None = None


async def drive(
    conversations: Sequence[Sequence[UsageEvent]],
    door: Door,
    rng: np.random.Generator,
    *,
    leave_share: float,
    on_done: Callable[[int], Awaitable[None]],
    clients: int = 8,
) -> list[Seen]:
    """Send every request once, conversations side by side, each one request at a time; some clients leave early."""
    waiting = iter(conversations)
    total = sum(len(turns) for turns in conversations)
    patience = (
        Patience(seconds=float(rng.uniform(0, 0.1))) if rng.uniform() < 0.5 else Patience(size=int(rng.integers(6000)))
        for _ in range(total)
    )
    leaving = iter(rng.uniform(size=total) < leave_share)
    found: list[Seen] = []

    async def client(session: aiohttp.ClientSession) -> None:
        for turns in waiting:
            for request in plan_conversation(turns, streaming=[turn % 2 == 0 for turn in range(len(turns))]):
                await door.open.wait()
                opened = request.event.opened
                seen = Seen(
                    at=request.at.isoformat(),
                    workload=opened.workload,
                    model=opened.offer.model,
                    stream=request.stream,
                    session=request.session,
                    key_id=door.keys[opened.workload][0],
                    gateway=door.gateway,
                )
                await _send(session, door, request, seen, next(patience) if next(leaving) else Patience())
                found.append(seen)
                await on_done(len(found))

    async with (
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=clients), timeout=_TIMEOUT, auto_decompress=False
        ) as session,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(clients):
            group.create_task(client(session))
    return found


async def _send(
    session: aiohttp.ClientSession, door: Door, request: PlannedRequest, seen: Seen, patience: Patience
) -> None:
    headers = {
        "content-type": "application/json",
        "anthropic-version": "2023-06-01",
        "x-api-key": door.keys[seen.workload][1],
        "x-claude-code-session-id": request.session,
        "x-trivium-trace-time": seen.at,
    }
    if request.betas:
        headers["anthropic-beta"] = ",".join(request.betas)
    payload = bytearray()
    ended = False
    seen.started = time.monotonic()
    try:
        async with (
            asyncio.timeout(patience.seconds),
            session.post(f"{door.url}/v1/messages", data=request.body, headers=headers) as response,
        ):
            seen.status = response.status
            seen.request_id = response.headers.get("request-id", "")
            seen.surface = response.headers.get("x-trivium-surface", "")
            async for chunk in response.content.iter_any():
                payload += chunk
                if patience.size is not None and len(payload) > patience.size:
                    seen.state = "left"
                    response.close()
                    return
            ended = True
    except (aiohttp.ClientError, TimeoutError) as error:
        seen.detail = f"{type(error).__name__}: {error}"
        if isinstance(error, TimeoutError) and patience.seconds is not None:
            seen.state = "left"
            return
    finally:
        seen.ended = time.monotonic()
    judge(seen, bytes(payload), ended=ended)


def judge(seen: Seen, payload: bytes, *, ended: bool) -> None:
    """Decide what the answer was. A stream is whole when `message_stop` came and the response ended."""
    if seen.status == 0:
        return
    if seen.status != 200:
        seen.state = "refused" if ended else "lost"
        seen.detail = payload[:300].decode(errors="replace")
        if ended and not _is_envelope(payload):
            seen.state = "garbled"
        return
    if not seen.stream:
        if ended:
            seen.tokens, seen.detail = _whole(payload)
            seen.state = "whole" if seen.tokens is not None else "garbled"
        return
    grammar = Grammar()
    fault = grammar.read(payload)
    seen.detail = fault
    if fault:
        seen.state = "garbled"
    elif grammar.error is not None:
        seen.state, seen.detail = "error_event", json.dumps(grammar.error)
    elif ended and grammar.stopped:
        seen.state, seen.tokens = "whole", tokens_of(grammar.usage)
    elif ended:
        seen.state, seen.detail = "garbled", "the response ended without message_stop and without an error event"


class Grammar:
    """The order of events in a Messages stream: one message, block after block, counts, the end; or an error."""

    def __init__(self) -> None:
        self.usage: dict[str, Any] = {}
        self.error: Any = None
        self.stopped = False
        self._begun = False
        self._block: int | None = None
        self._blocks = 0
        self._counted = False

    def read(self, payload: bytes) -> str:
        """The first thing that is wrong, or nothing. Half an event at the end is not looked at."""
        for number, raw in enumerate(_events(payload)):
            try:
                name, event = _parsed(raw)
            except (ValueError, KeyError, TypeError) as error:
                return f"event {number} cannot be read ({type(error).__name__}): {raw[:80]!r}"
            if name != event["type"]:
                return f"event {number} is named {name} and says {event['type']}"
            wrong = self._take(event)
            if wrong:
                return f"event {number}, {name}: {wrong}"
        return ""

    def _take(self, event: dict[str, Any]) -> str:
        kind = event["type"]
        if self.error is not None or self.stopped:
            return "something after the end"
        if kind == "ping":
            return ""
        if kind == "error":
            self.error = event["error"]
            return "" if isinstance(self.error, dict) and {"type", "message"} <= self.error.keys() else "no envelope"
        if kind == "message_start":
            again, self._begun = self._begun, True
            self.usage.update(event["message"]["usage"])
            return "a second message" if again else ""
        if not self._begun:
            return "before message_start"
        if kind.startswith("content_block"):
            return self._take_block(kind, event["index"])
        if kind == "message_delta":
            self.usage.update({unit: count for unit, count in event["usage"].items() if count is not None})
            self._counted = True
            return "inside a block" if self._block is not None else ""
        if kind == "message_stop":
            self.stopped = True
            return "" if self._counted else "without counts before it"
        return "no such event"

    def _take_block(self, kind: str, index: int) -> str:
        if kind == "content_block_start":
            wrong = self._block is not None or index != self._blocks or self._counted
            self._block = index
            self._blocks += 1
            return "out of order" if wrong else ""
        wrong = self._block != index
        if kind == "content_block_stop":
            self._block = None
        return "of a block that is not open" if wrong else ""


def _events(payload: bytes) -> Iterator[bytes]:
    *whole, _ = payload.replace(b"\r\n", b"\n").split(b"\n\n")
    yield from (raw for raw in whole if raw.strip())


def _parsed(raw: bytes) -> tuple[str, dict[str, Any]]:
    fields = dict(line.split(b":", 1) for line in raw.strip().split(b"\n"))
    event = json.loads(fields[b"data"])
    return fields[b"event"].strip().decode(), event


def _whole(payload: bytes) -> tuple[dict[str, int] | None, str]:
    try:
        message = json.loads(payload)
        if message["type"] != "message" or not message["stop_reason"]:
            return None, f"no whole message: {payload[:80]!r}"
        return tokens_of(message["usage"]), ""
    except (ValueError, KeyError, TypeError) as error:
        return None, f"no message ({type(error).__name__}): {payload[:80]!r}"


def _is_envelope(payload: bytes) -> bool:
    try:
        body = json.loads(payload)
        return body["type"] == "error" and {"type", "message"} <= body["error"].keys()
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def tokens_of(counts: dict[str, Any]) -> dict[str, int]:
    """The five classes of tokens, those with none left out: as the lab's bill has them."""
    hour = int((counts.get("cache_creation") or {}).get("ephemeral_1h_input_tokens") or 0)
    tokens = {
        "input": int(counts["input_tokens"]),
        "output": int(counts["output_tokens"]),
        "cache_read": int(counts.get("cache_read_input_tokens") or 0),
        "cache_write_5m": int(counts.get("cache_creation_input_tokens") or 0) - hour,
        "cache_write_1h": hour,
    }
    return {unit: count for unit, count in tokens.items() if count}


def known_tokens(usage: Usage) -> dict[str, int] | None:
    """The same of the ledger's counts; None if one is unknown."""
    counts = {unit: usage.get(unit) for unit in _UNITS}
    if any(count is None for count in counts.values()):
        return None
    return {unit: count for unit, count in counts.items() if count}
