"""Surfaces and exchanges for tests that need no server, and a lab in a thread for clients that block."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from multidict import CIMultiDict

from trivium.core import ManualClock
from trivium.lab import LabServer
from trivium.lab.models import ModelTable
from trivium.lab.surfaces._base import Call, Exchange, Operation, Refused, Reply, Setup, Surface

CLOUDS = ("bedrock", "vertex", "foundry")
AT = datetime(2026, 11, 22, 15, 10, tzinfo=UTC)
KEYS = {"bedrock-api-key-xyz": "key-account", "ya29.fake": "google-account"}


def setup(options: Mapping[str, Any] | None = None, *, seed: int = 7) -> Setup:
    return Setup(ModelTable.shipped(), ManualClock(AT), seed, KEYS, options or {})


def exchange(
    path: str,
    *,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    request_id: str = "req_1",
    at: datetime = AT,
) -> Exchange:
    bare, _, query = path.partition("?")
    return Exchange(method, bare, query, CIMultiDict(headers or {}), body, at, request_id)


def of_golden(golden: dict[str, Any]) -> Exchange:
    request = golden["request"]
    path, _, query = request["path"].partition("?")
    body = request["body_raw"]
    if body is None and request["body"] is not None:
        body = json.dumps(request["body"])
    headers: CIMultiDict[str] = CIMultiDict((name, value) for name, value in request["headers"])
    return Exchange(request["method"], path, query, headers, (body or "").encode(), AT, "req_golden")


def understand(surface: Surface, request: Exchange, body: dict[str, Any]) -> Call:
    operation = surface.route(request)
    assert operation in {Operation.MESSAGES, Operation.COUNT_TOKENS}
    return surface.read(request, operation, json.loads(json.dumps(body)), "account")


def refusal(surface: Surface, request: Exchange, body: dict[str, Any]) -> Reply:
    try:
        call = understand(surface, request, body)
    except Refused as refused:
        return surface.refuse(refused, request)
    raise AssertionError(f"not refused: {call}")


@contextmanager
def running(**settings: Any) -> Iterator[LabServer]:
    """A lab that serves until the block ends."""
    started: list[LabServer] = []
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        try:
            async with LabServer(CLOUDS, **settings) as lab:
                started.append(lab)
                ready.set()
                await stop.wait()
        finally:
            ready.set()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    ready.wait(20)
    try:
        yield started[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        loop.close()
