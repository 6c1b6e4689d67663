"""A run of the list against a stand-in and the lab, both on loopback."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

from certify import bedrock_stand_in, stand_in
from trivium.catalog import Snapshot, load
from trivium.certify import Report, Site, Verdict, chosen, plan, run, shipped_calls
from trivium.core import Money, SystemClock
from trivium.gateway import AiohttpTransport, SnapshotFacts, SurfaceSettings
from trivium.gateway.credentials import ApiKey, Bearer
from trivium.lab import LabServer
from trivium.pricing import PriceBook

MODEL = "claude-haiku-4-5"
AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
STAND_INS = {
    "anthropic": (stand_in.FirstParty, ApiKey, stand_in.KEY),
    "bedrock": (bedrock_stand_in.Bedrock, Bearer, bedrock_stand_in.KEY),
}


@cache
def snapshot() -> Snapshot:
    return load().snapshot(AT.date())


@cache
def book() -> PriceBook:
    return PriceBook.from_snapshot(snapshot())


def site(surface: str, url: str, key: str, transport: AiohttpTransport, model: str = MODEL) -> Site:
    settings = SurfaceSettings(surface, url, scope="global", region="us-east-1")
    credential = STAND_INS[surface][1](key)
    return Site(settings, credential, SnapshotFacts(snapshot, SystemClock()), transport, model)


async def certified(
    surface: str,
    memory: stand_in.Memory,
    *,
    only: Sequence[str] = (),
    budget: str = "0.25",
    key: str = "",
    names: Sequence[str] = (),
) -> Report:
    """What certify says of a stand-in; the too large body is left out unless it is asked for."""
    kind, _, own = STAND_INS[surface]
    calls = chosen(shipped_calls(), only or [call.id for call in shipped_calls() if call.id != "too-large"])
    async with AsyncExitStack() as stack:
        url = stack.enter_context(stand_in.listening(kind, memory))
        lab = await stack.enter_async_context(LabServer([surface], seed=3))
        transport = AiohttpTransport()
        stack.push_async_callback(transport.close)
        live = site(surface, url, key or own, transport)
        other = site(surface, lab.base_url(surface), lab.key(surface), transport)
        planned = plan(calls, live, book(), at=AT, nonce="test")
        return await run(planned, live, other, Money.from_usd(budget), names=names)


def differing(report: Report) -> dict[str, set[str]]:
    """The calls in which an aspect is not the same, by the aspect's name."""
    found: dict[str, set[str]] = {}
    for row in report.rows:
        for aspect, item in row.aspects.items():
            if item.verdict is not Verdict.SAME:
                found.setdefault(aspect.value, set()).add(row.call.id)
    return found


def today() -> date:
    return AT.date()


HERE = Path(__file__).parent
