"""The soak's troublemaker: what happens at which answer of a round is drawn from the seed before the round begins."""

from __future__ import annotations

import asyncio
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from bench._soak_client import Door, Seen

from trivium.cli._up.site import SURFACES, Site, gateway, with_default
from trivium.core import Offer, Route, RouteTable, Target
from trivium.ledger import Ledger
from trivium.plan import write_routes

FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "status", "status": 429, "probability": 0.05},
    {"kind": "status", "status": 529, "probability": 0.05},
    {"kind": "status", "status": 500, "probability": 0.03},
    {"kind": "delay", "seconds": 0.05, "probability": 0.2},
    {"kind": "cut", "after_bytes": 0, "probability": 0.02},
    {"kind": "cut", "after_bytes": 700, "probability": 0.04},
    {"kind": "silence", "after_bytes": 400, "seconds": 0.3, "probability": 0.05},
    {"kind": "garbage", "after_bytes": 500, "probability": 0.03},
    {"kind": "error_event", "probability": 0.05},
    {"kind": "late_error", "after_events": 1, "probability": 0.03},
    {"kind": "late_error", "after_events": 4, "probability": 0.03},
    {"kind": "truncated_event", "after_events": 4, "probability": 0.03},
)
IN_THE_AIR: tuple[dict[str, Any], ...] = (  # armed just before a gateway is killed, so that it dies with work at hand
    {"kind": "delay", "seconds": 0.2, "count": 3},
    {"kind": "silence", "after_bytes": 600, "seconds": 0.3, "count": 3},
)
SETTLE_S = 0.6  # longer than any fault lasts: after so long without a new bill line the lab has said all
ROUTES_SEEN_S = 1.0  # the gateway looks at the file four times a second
_UNAUTHORISED = 401
Pairs = Mapping[tuple[str, str], tuple[Offer, ...]]


class Running:
    """A lab that stays, and a gateway that is killed and started again; one ledger for all of them."""

    def __init__(self, folder: Path, said: Mapping[str, Any], lab_process: Any) -> None:
        self.folder, self.said, self._lab_process = folder, said, lab_process
        self.log = ""  # what gateways that are gone have logged
        self.number = 0
        self.killed_at: dict[int, float] = {}
        self._start()

    def _start(self) -> None:
        self._stack = ExitStack()
        url, process = self._stack.enter_context(gateway(self.folder, self.said, 0))
        self.site = Site(self.folder, url, self.said, process, self._lab_process)

    def kill(self) -> None:
        """SIGKILL, now."""
        self.site.gateway.kill()
        self.site.gateway.wait()
        self.killed_at[self.number] = time.monotonic()

    def restart(self) -> None:
        """A new gateway on the same ledger."""
        self._stack.close()
        self.log += (self.folder / "gateway.log").read_text()
        self._start()
        self.number += 1

    def close(self) -> None:
        """End the gateway in order."""
        self._stack.close()
        self.log += (self.folder / "gateway.log").read_text()


@dataclass(slots=True)
class Routes:
    """The route tables of a round: since when each has been in force, and which surfaces it allows."""

    pairs: Pairs
    path: Path
    written: list[tuple[float, dict[tuple[str, str], frozenset[str]]]] = field(default_factory=list)

    def rewrite(self, rng: np.random.Generator) -> None:
        """A table drawn anew: some of the surfaces that carry a pair, with new weights."""
        routes = []
        for (workload, model), offers in sorted(self.pairs.items()):
            chosen = rng.permutation(len(offers))[: int(rng.integers(1, len(offers) + 1))]
            targets = tuple(Target(offers[int(index)], int(rng.integers(0, 4))) for index in chosen)
            routes.append(Route(workload, model, targets, "drawn by the soak"))
        write_routes(with_default(RouteTable(tuple(routes), f"soak {len(self.written)}")), self.path)
        allowed = {
            (route.workload, route.model): frozenset(target.offer.surface for target in route.targets)
            for route in routes
        }
        self.written.append((time.monotonic(), allowed))

    def spoil(self) -> None:
        """Half a table: the gateway must keep the one before."""
        text = self.path.read_text()
        other = self.path.with_suffix(".new")
        other.write_text(text[: len(text) // 2])
        other.replace(self.path)

    def strayed(self, seen: Sequence[Seen]) -> tuple[int, list[str]]:
        """How many answers had one table over their whole life, and those that came from a surface it leaves out."""
        looked, found = 0, []
        for (since, allowed), (until, _) in zip(self.written, [*self.written[1:], (float("inf"), {})], strict=True):
            for one in seen:
                if one.surface and one.started > since + ROUTES_SEEN_S and one.ended < until:
                    looked += 1
                    if one.surface not in allowed[one.workload, one.model]:
                        found.append(f"routes: {one.at} was served by {one.surface}, which the table leaves out")
        return looked, found


@dataclass(slots=True)
class Round:
    """What a round's chaos works on, and what it did."""

    running: Running
    ledger: Ledger
    door: Door
    routes: Routes
    tags: Mapping[str, str]
    revoked_at: dict[str, float] = field(default_factory=dict)
    done: dict[str, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    reaped: int = 0


class Chaos:
    """Does what is due after so many answers, one thing at a time, beside the clients, who do not wait for it."""

    def __init__(self, now: Round, rng: np.random.Generator, requests: int, *, kill: bool) -> None:
        self._round, self._rng = now, rng
        self._count = 0
        self._news = asyncio.Event()
        self._over = False
        victim = SURFACES[int(rng.integers(len(SURFACES)))] if rng.uniform() < 0.6 else ""
        plan: list[tuple[float, Callable[[], Awaitable[None]]]] = [
            (rng.uniform(0, 0.4), self._rewrite),
            (rng.uniform(0.4, 0.5), self._spoil),
            (rng.uniform(0.55, 0.9), self._rewrite),
            (rng.uniform(0.1, 0.9), self._rotate),
            (rng.uniform(0.1, 0.9), self._rotate),
            (rng.uniform(0.1, 0.9), self._reload),
        ]
        if victim:
            drain = bool(rng.uniform() < 0.5)
            plan.append((rng.uniform(0.1, 0.5), lambda: self._surface(victim, "kill", {"drain": drain})))
            plan.append((rng.uniform(0.5, 0.8), lambda: self._surface(victim, "revive", {})))
        if kill:
            plan.append((rng.uniform(0.15, 0.85), self._kill))
        self._plan = sorted(((int(share * requests), action) for share, action in plan), key=lambda item: item[0])

    async def on_done(self, count: int) -> None:
        """To be told after each answer."""
        self._count = count
        self._news.set()

    def end(self) -> None:
        """The last answer is in; what is still to do is done, so that no gateway dies after its round."""
        self._over = True
        self._news.set()

    async def run(self) -> None:
        """Until everything planned is done."""
        for due, action in self._plan:
            while self._count < due and not self._over:
                self._news.clear()
                await self._news.wait()
            await action()

    def _did(self, what: str) -> None:
        self._round.done[what] = self._round.done.get(what, 0) + 1

    async def _rewrite(self) -> None:
        await asyncio.to_thread(self._round.routes.rewrite, self._rng)
        self._did("route tables")

    async def _spoil(self) -> None:
        await asyncio.to_thread(self._round.routes.spoil)
        self._did("spoilt tables")

    async def _reload(self) -> None:
        """Other settings while requests are in the air: pings now come early, or late again."""
        path = self._round.running.folder / "trivium.toml"
        lines = [line for line in path.read_text().splitlines() if not line.startswith("ping_interval_s")]
        lines.insert(lines.index("[gateway]") + 1, f"ping_interval_s = {0.1 if self._rng.uniform() < 0.7 else 15.0}")
        other = path.with_suffix(".new")
        other.write_text("\n".join(lines) + "\n")
        other.replace(path)
        self._did("settings reloaded")

    async def _surface(self, name: str, verb: str, body: Mapping[str, Any]) -> None:
        await asyncio.to_thread(self._round.running.site.control, "POST", f"/surfaces/{name}/{verb}", body)
        if verb == "kill":
            self._did("surfaces drained" if body["drain"] else "surfaces crashed")

    async def _rotate(self) -> None:
        """A new key for one workload; the old one is worth nothing from the moment its revocation returns."""
        now = self._round
        workload = sorted(now.door.keys)[int(self._rng.integers(len(now.door.keys)))]
        old_id, old_secret = now.door.keys[workload]
        record, secret = await asyncio.to_thread(now.ledger.keys.create, workload, tags=now.tags)
        now.door.keys[workload] = (record.key_id, secret)
        await asyncio.to_thread(now.ledger.keys.revoke, old_id)
        now.revoked_at[old_id] = time.monotonic()
        status = await asyncio.to_thread(_ask_models, now.door.url, old_secret)
        if status != _UNAUTHORISED:
            now.broken.append(f"keys: a revoked key was answered with {status}")
        self._did("keys rotated")

    async def _kill(self) -> None:
        now = self._round
        for fault in IN_THE_AIR:
            await asyncio.to_thread(now.running.site.control, "POST", "/faults", fault)
        await asyncio.sleep(float(self._rng.uniform(0.01, 0.15)))
        now.door.open.clear()
        await asyncio.to_thread(now.running.kill)
        if self._rng.uniform() < 0.5:  # else the reaper comes when a new gateway is at work
            reaped = await asyncio.to_thread(now.ledger.reap, timedelta(0))
            now.reaped += len(reaped)
        await asyncio.to_thread(now.routes.rewrite, self._rng)  # a new gateway must not find the spoilt one
        await asyncio.to_thread(now.running.restart)
        now.door.url, now.door.gateway = now.running.site.gateway_url, now.running.number
        now.door.open.set()
        self._did("gateways killed")


def arm(site: Site, rng: np.random.Generator) -> None:
    """Four faults, some at one surface only."""
    for number in rng.choice(len(FAULTS), size=4, replace=False):
        fault = FAULTS[int(number)]
        where = SURFACES[int(rng.integers(len(SURFACES)))] if rng.uniform() < 0.4 else "*"
        site.control("POST", "/faults", {**fault, "surface": where})


def disarm(site: Site) -> dict[str, int]:
    """No more faults, every surface alive; how often each kind struck."""
    hits: dict[str, int] = {}
    for fault in site.control("GET", "/faults")["faults"]:
        hits[fault["kind"]] = hits.get(fault["kind"], 0) + fault["hits"]
    site.control("DELETE", "/faults")
    for name in SURFACES:
        site.control("POST", f"/surfaces/{name}/revive")
    return hits


def settle(site: Site, ledger: Ledger, *, killed: bool, patience_s: float = 20.0) -> int:
    """Wait until the lab bills nothing more and the gateway has closed everything; how many attempts stay open."""
    end = time.monotonic() + patience_s
    before, since = -1, time.monotonic()
    while True:
        billed, left = site.control("GET", "/bill")["requests"], len(ledger.open_attempts())
        if billed != before:
            before, since = billed, time.monotonic()
        quiet = time.monotonic() - since > SETTLE_S
        if (quiet and (left == 0 or killed)) or time.monotonic() > end:
            return left
        time.sleep(0.1)


def spaced(turns: Sequence[Any], session: str) -> list[Any]:
    """The turns as a session of its own, at least a minute apart: so each attempt tells its request by its time."""
    found: list[Any] = []
    for event in turns:
        at = event.opened.at if not found else max(event.opened.at, found[-1].opened.at + timedelta(minutes=1))
        found.append(replace(event, opened=replace(event.opened, at=at, session=session)))
    return found


def _ask_models(url: str, secret: str) -> int:
    headers = {"x-api-key": secret, "anthropic-version": "2023-06-01"}
    request = urllib.request.Request(f"{url}/v1/models", headers=headers)  # noqa: S310  loopback
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310  loopback
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
