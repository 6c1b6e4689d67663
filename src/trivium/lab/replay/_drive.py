"""Drive planned conversations through a gateway: order of trace time, each conversation one request at a time."""

from __future__ import annotations

import asyncio
import heapq
import json
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp

from trivium.core import Usage, UsageEvent, UserError
from trivium.lab.replay._bodies import PlannedRequest, plan_conversation

_VERSION = "2023-06-01"
_TIMEOUT = aiohttp.ClientTimeout(total=120)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came back for one request."""

    request: PlannedRequest
    status: int
    surface: str
    attempts: int
    usage: Usage | None  # None when the answer carried none
    error: str = ""
    request_id: str = ""  # as the gateway named it; the ledger has it too
    began_s: float = 0.0  # of the machine's monotonic clock
    first_s: float = 0.0  # from then to the head of the answer, which the gateway keeps back until content shows

    @property
    def ok(self) -> bool:
        """Whether the client got a whole answer."""
        return self.status == 200 and self.usage is not None and not self.error  # noqa: PLR2004  HTTP's own number


@dataclass(frozen=True, slots=True)
class Client:
    """How to reach the gateway: its address and the key for each recorded event's workload."""

    base_url: str
    key_for: Callable[[UsageEvent], str]
    concurrency: int = 8
    headers: Mapping[str, str] = field(default_factory=dict)


async def replay(
    conversations: Sequence[Sequence[UsageEvent]],
    client: Client,
    on_done: Callable[[int, Replayed], Awaitable[None]],
) -> list[Replayed]:
    """Send every request once and return what came back, in order of completion.

    `on_done` is awaited after each with the count so far: it shows progress and may pull a surface down.
    Every second request of a conversation is switched to streaming.
    """
    if client.concurrency < 1:
        raise UserError("concurrency", client.concurrency, "give 1 or more")
    schedule = _Schedule(conversations)
    done: list[Replayed] = []
    connector = aiohttp.TCPConnector(limit=client.concurrency)
    async with aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT, auto_decompress=False) as session:

        async def worker() -> None:
            while (queued := await schedule.take()) is not None:
                request = next(queued.requests, None)
                if request is not None:
                    began_s = time.monotonic()
                    answer = replace(await _send(session, client, request), began_s=began_s)
                    done.append(answer)
                    await on_done(len(done), answer)
                await schedule.give_back(queued, request)

        async with asyncio.TaskGroup() as group:
            for _ in range(client.concurrency):
                group.create_task(worker())
    return done


@dataclass(order=True, slots=True)
class _Queued:
    """A conversation that can send its next request; earliest trace time first."""

    at: float
    number: int
    requests: Iterator[PlannedRequest] = field(compare=False)


class _Schedule:
    """Hands out conversations by the trace time of their latest request, one worker each."""

    def __init__(self, conversations: Sequence[Sequence[UsageEvent]]) -> None:
        self._ready = [
            _Queued(
                turns[0].opened.at.timestamp(),
                number,
                plan_conversation(turns, streaming=_alternate(len(turns), number)),
            )
            for number, turns in enumerate(conversations)
            if turns
        ]
        heapq.heapify(self._ready)
        self._busy = 0
        self._changed = asyncio.Condition()

    async def take(self) -> _Queued | None:
        """The next conversation, or None when nothing is left and no worker can bring one back."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._ready or self._busy == 0)
            if not self._ready:
                return None
            self._busy += 1
            return heapq.heappop(self._ready)

    async def give_back(self, queued: _Queued, last: PlannedRequest | None) -> None:
        """Return a conversation after a request; `last` None says it has ended."""
        async with self._changed:
            self._busy -= 1
            if last is not None:
                heapq.heappush(self._ready, _Queued(last.at.timestamp(), queued.number, queued.requests))
            self._changed.notify_all()


def _alternate(count: int, number: int) -> list[bool]:
    return [(turn + number) % 2 == 0 for turn in range(count)]


async def _send(session: aiohttp.ClientSession, client: Client, request: PlannedRequest) -> Replayed:
    headers = {
        "content-type": "application/json",
        "anthropic-version": _VERSION,
        "x-api-key": client.key_for(request.event),
        "x-claude-code-session-id": request.session,
        "x-trivium-trace-time": request.at.isoformat(),
        **client.headers,
    }
    if request.betas:
        headers["anthropic-beta"] = ",".join(request.betas)
    began_s = time.monotonic()
    try:
        async with session.post(f"{client.base_url}/v1/messages", data=request.body, headers=headers) as response:
            first_s = time.monotonic() - began_s
            payload = await response.read()
            surface = response.headers.get("x-trivium-surface", "")
            attempts = int(response.headers.get("x-trivium-attempts", "1"))
            request_id = response.headers.get("request-id", "")
            status = response.status
    except (aiohttp.ClientError, TimeoutError) as error:
        return Replayed(request, 0, "", 1, None, f"{type(error).__name__}: {error}")
    if status != 200:  # noqa: PLR2004  HTTP's own number
        text = payload[:300].decode(errors="replace")
        return Replayed(request, status, surface, attempts, None, text, request_id, first_s=first_s)
    usage, error_text = _read_stream(payload) if request.stream else _read_message(payload)
    return Replayed(request, status, surface, attempts, usage, error_text, request_id, first_s=first_s)


def _read_message(payload: bytes) -> tuple[Usage | None, str]:
    try:
        return _usage(json.loads(payload)["usage"]), ""
    except (ValueError, KeyError, TypeError) as error:
        return None, f"no usage in the answer: {error}"


def _read_stream(payload: bytes) -> tuple[Usage | None, str]:
    """Usage of a stream: the start event's counts overlaid by the last cumulative ones."""
    counts: dict[str, Any] = {}
    stopped = False
    for line in payload.split(b"\n"):
        if not line.startswith(b"data:") or b'"content_block' in line[:40]:
            continue
        try:
            event = json.loads(line[5:])
            kind = event["type"]
        except (ValueError, KeyError, TypeError):
            return None, f"an event that is none: {line[:60]!r}"
        if kind == "message_start":
            counts.update(event["message"]["usage"])
        elif kind == "message_delta":
            counts.update({name: value for name, value in event["usage"].items() if value is not None})
        elif kind == "error":
            return None, json.dumps(event["error"])
        stopped = stopped or kind == "message_stop"
    if not counts or not stopped:
        return None, "the stream ended before message_stop"
    return _usage(counts), ""


def _usage(counts: Mapping[str, Any]) -> Usage:
    split = counts.get("cache_creation") or {}
    hour = int(split.get("ephemeral_1h_input_tokens") or 0)
    return Usage(
        input=int(counts["input_tokens"]),
        output=int(counts["output_tokens"]),
        cache_read=int(counts.get("cache_read_input_tokens") or 0),
        cache_write_5m=int(counts.get("cache_creation_input_tokens") or 0) - hour,
        cache_write_1h=hour,
    )
