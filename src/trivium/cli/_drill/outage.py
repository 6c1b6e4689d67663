"""The outage: traffic goes on while a surface is taken away and given back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trivium.cli._up.site import Site
from trivium.core import UsageEvent
from trivium.lab.replay import Client, Replayed, replay

HOW: Mapping[str, str] = {
    "dead": "connections are refused; what is under way is answered",
    "hang": "nothing is ever answered",
    "529": "every request is refused as overloaded",
    "lie": "200, and then an error or garbage before any content",
    "cut": "200, and the connection breaks before any content",
}
CONCURRENCY = 16
_FOREVER_S = 3600.0
_FAULTS: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "hang": ({"kind": "delay", "seconds": _FOREVER_S},),
    "529": ({"kind": "status", "status": 529},),
    "lie": ({"kind": "error_event"}, {"kind": "garbage"}),
    "cut": ({"kind": "cut", "after_bytes": 24},),
}


@dataclass(frozen=True, slots=True)
class Course:
    """What came back, and when the surface was away; instants are of the machine's monotonic clock."""

    answers: tuple[Replayed, ...]
    away_s: float
    back_s: float

    def phase(self, answer: Replayed) -> str:
        """`before`, `during` or `after`, by when the request was sent."""
        if answer.began_s < self.away_s:
            return "before"
        return "during" if answer.began_s < self.back_s else "after"


def run(
    site: Site,
    conversations: Sequence[Sequence[UsageEvent]],
    keys: Mapping[str, str],
    surface: str,
    how: str,
    *,
    after_s: float,
    on_progress: Callable[[int, str], None],
) -> Course:
    """Replay; after a third of the requests the surface goes, after two thirds it is back.

    The last third is spread over `after_s` seconds, so that it lasts until a breaker has tried the surface again.
    """
    total = sum(len(turns) for turns in conversations)
    away_at, back_at = total // 3, 2 * total // 3
    pause_s = CONCURRENCY * after_s / max(total - back_at, 1)
    moments: dict[str, float] = {}

    async def on_done(count: int, _: Replayed) -> None:
        phase = "before" if count < away_at else "during" if count < back_at else "after"
        on_progress(count, phase)
        if count == away_at:
            await asyncio.to_thread(_take_away, site, surface, how)
            moments["away"] = time.monotonic()  # from here on it answers nothing
        elif count == back_at:
            moments["back"] = time.monotonic()
            await asyncio.to_thread(_give_back, site, surface, how)
        elif count > back_at:
            await asyncio.sleep(pause_s)

    client = Client(site.gateway_url, lambda event: keys[event.opened.workload], concurrency=CONCURRENCY)
    answers = asyncio.run(replay(conversations, client, on_done))
    site.check()
    return Course(tuple(answers), moments["away"], moments["back"])


def _take_away(site: Site, surface: str, how: str) -> None:
    if how == "dead":
        site.control("POST", f"/surfaces/{surface}/kill", {"drain": True})
    for fault in _FAULTS.get(how, ()):
        site.control("POST", "/faults", {**fault, "surface": surface})


def _give_back(site: Site, surface: str, how: str) -> None:
    if how == "dead":
        site.control("POST", f"/surfaces/{surface}/revive")
    else:
        site.control("DELETE", "/faults")
