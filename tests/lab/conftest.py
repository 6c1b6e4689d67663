"""A lab that stands at noon of 2026-11-22, and plain calls into it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp
import msgspec
import pytest

from trivium.core import ManualClock
from trivium.lab import LabServer

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
Post = Callable[..., Awaitable[tuple[int, Any, aiohttp.ClientResponse]]]


@pytest.fixture
async def lab() -> AsyncIterator[LabServer]:
    async with LabServer(["anthropic", "foundry"], clock=ManualClock(NOON), seed=1) as server:
        yield server


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
def post(lab: LabServer, session: aiohttp.ClientSession) -> Post:
    """POST a Messages body to the anthropic surface: status, decoded body (or events), response."""

    async def send(
        body: dict[str, Any],
        *,
        path: str = "/v1/messages",
        version: str = "2023-06-01",
        betas: str = "",
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any, aiohttp.ClientResponse]:
        sent = {"x-api-key": lab.key(), "anthropic-version": version, **(headers or {})}
        if betas:
            sent["anthropic-beta"] = betas
        async with session.post(lab.url() + path, data=msgspec.json.encode(body), headers=sent) as response:
            data = await response.read()
            if response.content_type == "text/event-stream":
                return response.status, events_of(data), response
            return response.status, msgspec.json.decode(data), response

    return send


def events_of(data: bytes) -> list[dict[str, Any]]:
    """The events of a whole stream, each in the exact form `event: T`, `data: {…}`, blank line."""
    events = []
    for part in data.decode().split("\n\n")[:-1]:
        first, second = part.split("\n")
        event = msgspec.json.decode(second.removeprefix("data: "))
        assert first == f"event: {event['type']}"
        events.append(event)
    return events
