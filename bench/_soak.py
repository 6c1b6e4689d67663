"""A soak: replay after replay under faults, lost surfaces and killed gateways, and after each the books are balanced.

`make soak ARGS="--minutes 10 --seed 1"`. Lab and gateway run as processes of their own. In every round drawn sessions
are replayed while the lab misbehaves; in some the gateway is killed with -9 and started again on the same ledger.
Then it must hold: what a client saw complete is in the ledger, once, with the lab's own counts and amount; nothing
in the ledger is unknown to the lab; what the lab billed beyond that belongs to attempts the ledger knows as broken;
no attempt stays open; the gateway's memory and files do not grow. Exit 1 if anything does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from trivium import catalog
from trivium.cli._up.offers import carriers
from trivium.cli._up.site import SURFACES, Site, gateway, lab, spread
from trivium.cli._up.trace import PINNED, Chosen, Kind, _with_workload
from trivium.core import Outcome, SystemClock
from trivium.lab.profile import draw, shipped_profile
from trivium.lab.replay import Client, Replayed, replay, select
from trivium.ledger import Ledger
from trivium.plan import write_routes
from trivium.pricing import PriceBook

FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "status", "status": 429, "probability": 0.05},
    {"kind": "status", "status": 529, "probability": 0.05},
    {"kind": "status", "status": 500, "probability": 0.03},
    {"kind": "delay", "seconds": 0.05, "probability": 0.2},
    {"kind": "cut", "after_bytes": 700, "probability": 0.03},
    {"kind": "garbage", "after_bytes": 500, "probability": 0.02},
    {"kind": "error_event", "probability": 0.05},
    {"kind": "late_error", "after_events": 4, "probability": 0.03},
    {"kind": "truncated_event", "after_events": 4, "probability": 0.03},
)
GROWTH_MAX = 1.35  # resident memory of the last round over that of the second, same process
FILES_GROWTH_MAX = 20


@dataclass
class Totals:
    """What the whole soak saw."""

    rounds: int = 0
    requests: int = 0
    whole: int = 0
    failed: int = 0
    kills: int = 0
    reaped: int = 0
    broken: list[str] = field(default_factory=list)


class Soak:
    """One soak over one lab and one ledger."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.rng = np.random.default_rng(seed)
        self.totals = Totals()
        self.seen: dict[str, Replayed] = {}
        self.memory: list[int] = []
        self.files: list[int] = []
        snapshot = catalog.load().snapshot(SystemClock().now().date())
        self.snapshot, self.book = snapshot, PriceBook.from_snapshot(snapshot)

    def run(self, seconds: float, requests: int) -> Totals:
        """Rounds until the time is over, at least two."""
        end = time.monotonic() + seconds
        with lab(self.folder) as (said, lab_process):
            stack = contextlib.ExitStack()
            with stack:
                url, process = stack.enter_context(gateway(self.folder, said, 0))
                while self.totals.rounds < 2 or time.monotonic() < end:
                    site = Site(self.folder, url, said, process, lab_process)
                    killed = self._round(site, requests)
                    if killed:
                        stack.pop_all().close()
                        url, process = stack.enter_context(gateway(self.folder, said, 0))
                        self.memory.clear()
                        self.files.clear()
                    self._balance(Site(self.folder, url, said, process, lab_process), killed=killed)
                    self._show(max(end - time.monotonic(), 0))
        return self.totals

    def _round(self, site: Site, requests: int) -> bool:
        """One replay under faults; whether the gateway was killed in it."""
        seed = int(self.rng.integers(1, 2**31))
        events = draw(shipped_profile(), seed, PINNED, sessions=max(requests // 15, 8))
        chosen = Chosen(
            Kind.DRAWN,
            "soak",
            tuple(_with_workload(turns) for turns in select(events, requests_min=requests, seed=seed)),
            len(events),
        )
        offers = carriers(chosen.pairs(), self.snapshot, self.book, chosen.start)
        chosen = chosen.only(offers)
        write_routes(spread(offers), site.routes)
        with Ledger.open(site.ledger, clock=SystemClock()) as ledger:
            keys = {w: ledger.keys.create(w)[1] for w in {turns[0].opened.workload for turns in chosen.conversations}}
        for number in self.rng.choice(len(FAULTS), size=3, replace=False):
            site.control("POST", "/faults", FAULTS[int(number)])
        victim = SURFACES[int(self.rng.integers(len(SURFACES)))] if self.rng.uniform() < 0.5 else None
        kill_at = int(chosen.requests * self.rng.uniform(0.3, 0.8)) if self.rng.uniform() < 0.4 else None

        async def on_done(count: int, _: Replayed) -> None:
            if victim is not None and count == chosen.requests // 3:
                drain = bool(self.rng.uniform() < 0.5)
                await asyncio.to_thread(site.control, "POST", f"/surfaces/{victim}/kill", {"drain": drain})
            if victim is not None and count == 2 * chosen.requests // 3:
                await asyncio.to_thread(site.control, "POST", f"/surfaces/{victim}/revive")
            if count == kill_at:
                site.gateway.kill()

        client = Client(site.gateway_url, lambda event: keys[event.opened.workload])
        answers = asyncio.run(replay(chosen.conversations, client, on_done))
        site.control("DELETE", "/faults")
        if victim is not None:
            site.control("POST", f"/surfaces/{victim}/revive")
        self.totals.rounds += 1
        self.totals.requests += len(answers)
        self.totals.whole += sum(answer.ok for answer in answers)
        self.totals.failed += sum(not answer.ok for answer in answers)
        self.seen |= {answer.request_id: answer for answer in answers if answer.ok}
        return kill_at is not None

    def _balance(self, site: Site, *, killed: bool) -> None:
        """Hold the ledger against the lab's bill and against what clients saw."""
        broken = self.totals.broken
        time.sleep(0.3)  # a cancelled attempt is closed after its client was told
        with Ledger.open(site.ledger, clock=SystemClock(), book=lambda: self.book) as ledger:
            left = len(ledger.open_attempts())
            if left and not killed:
                broken.append(f"round {self.totals.rounds}: {left} attempts stayed open without a kill")
            if killed:
                self.totals.kills += 1
                self.totals.reaped += len(ledger.reap(timedelta(0)))
            events = list(ledger.events())
            findings = ledger.verify()
        broken += [f"round {self.totals.rounds}: verify: {finding}" for finding in findings]
        whole = [event for event in events if event.closed.outcome is Outcome.OK]
        ids = Counter(event.opened.request_id for event in whole)
        broken += [f"request {name} is in the ledger {count} times" for name, count in ids.items() if count > 1]
        by_id = {event.opened.request_id: event for event in whole}
        for name, answer in self.seen.items():
            event = by_id.get(name)
            if event is None:
                broken.append(f"request {name} was answered and is not in the ledger")
            elif answer.usage is not None and _tokens(event.closed.usage) != _tokens(answer.usage):
                broken.append(f"request {name}: the client saw {answer.usage}, the ledger {event.closed.usage}")
        self._against_bill(site, events)
        self._resources(site)

    def _against_bill(self, site: Site, events: list[Any]) -> None:
        lines = site.control("GET", "/bill?lines=1")["lines"]
        billed = Counter(
            (line["surface"], line["model"], tuple(sorted((u, n) for u, n in line["tokens"].items() if n)))
            for line in lines
        )
        recorded = Counter(
            (event.opened.offer.surface, event.opened.offer.model, _tokens(event.closed.usage))
            for event in events
            if event.closed.outcome is Outcome.OK
        )
        unknown = recorded - billed
        if unknown:
            self.totals.broken.append(f"{sum(unknown.values())} records the lab did not bill: {unknown.most_common(1)}")
        beyond = sum((billed - recorded).values())
        uncertain = sum(event.closed.outcome not in {Outcome.OK, Outcome.REFUSED} for event in events)
        if beyond > uncertain:
            self.totals.broken.append(f"{beyond} billed answers and only {uncertain} attempts that ended uncertainly")

    def _resources(self, site: Site) -> None:
        """Memory and open files of the gateway, from the second round of a process on."""
        status = Path(f"/proc/{site.gateway.pid}/status")
        if not status.exists():
            return
        (line,) = [text for text in status.read_text().splitlines() if text.startswith("VmRSS")]
        self.memory.append(int(line.split()[1]))
        self.files.append(len(list(Path(f"/proc/{site.gateway.pid}/fd").iterdir())))
        if len(self.memory) > 3 and self.memory[-1] > GROWTH_MAX * self.memory[1]:
            self.totals.broken.append(f"memory grew from {self.memory[1]} to {self.memory[-1]} KiB")
        if len(self.files) > 3 and self.files[-1] > self.files[1] + FILES_GROWTH_MAX:
            self.totals.broken.append(f"open files grew from {self.files[1]} to {self.files[-1]}")

    def _show(self, left_s: float) -> None:
        t = self.totals
        memory = f"{self.memory[-1] / 1024:.0f} MiB" if self.memory else "-"
        text = (
            f"{left_s:5.0f} s left · rounds {t.rounds} · requests {t.requests} · whole {t.whole} · failed {t.failed} · "
            f"kills {t.kills} · reaped {t.reaped} · gateway {memory} · broken {len(t.broken)}"
        )
        print(text, file=sys.stderr, end="\r" if sys.stderr.isatty() else "\n", flush=True)


def _tokens(usage: Any) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((unit, count) for unit, count in usage if count))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--requests", type=int, default=400, help="requests a round, at least")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="trivium-soak-") as folder:
        totals = Soak(Path(folder), options.seed).run(options.minutes * 60, options.requests)
    if options.json:
        print(json.dumps({"seed": options.seed, **vars(totals)}, indent=2))
    else:
        print(
            f"\nseed {options.seed}: {totals.rounds} rounds, {totals.requests} requests, {totals.whole} whole, ", end=""
        )
        print(f"{totals.failed} failed under faults, {totals.kills} kills, {totals.reaped} attempts reaped")
        for sentence in totals.broken:
            print(f"  BROKEN  {sentence}")
        print("every invariant held" if not totals.broken else f"{len(totals.broken)} invariants broken")
    return 1 if totals.broken else 0


if __name__ == "__main__":
    sys.exit(main())
