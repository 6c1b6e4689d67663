"""A soak: replay after replay under faults, lost surfaces and killed gateways, and after each the books are balanced.

`make soak ARGS="--minutes 10 --seed 1"`. Lab and gateway run as processes of their own. In every round sessions drawn
from the shipped profile are replayed while the lab misbehaves, surfaces are lost, clients leave, route tables and keys
change; in the first half of the time gateways are killed with -9 and started again on the same ledger. After each
round three views must agree, request by request: what the client saw, what the ledger holds, what the lab billed.
In the second half one gateway lives on, and neither its memory nor its open files may grow. Exit 1 if anything does
not hold; the seed that is printed brings the same sessions, faults and mishaps again, if not at the same microsecond.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from bench._soak_books import Books, Entry
from bench._soak_chaos import Chaos, Round, Routes, Running, arm, disarm, settle, spaced
from bench._soak_client import Door, Seen, drive

from trivium import catalog
from trivium.cli._up.offers import carriers
from trivium.cli._up.site import lab
from trivium.cli._up.trace import PINNED, Chosen, Kind, with_workload
from trivium.core import Money, SystemClock
from trivium.figures import table
from trivium.lab.profile import draw, shipped_profile
from trivium.lab.replay import select
from trivium.ledger import Ledger
from trivium.pricing import PriceBook

LEAVE_SHARE = 0.03  # of clients that do not wait for their answer's end
ROUND_S_MAX = 240.0
BUSY = frozenset({429, 500, 502, 503, 504, 529})  # what a client may be told while surfaces fail
SPOILT = "the table of before stays in force"  # what the gateway's log has to say of half a table
WARM_UP = 2  # rounds before the gateway's memory is looked at
SAMPLES_MIN = 6
MEMORY_GROWTH_MAX, MEMORY_GROWTH_KIB_MAX = 1.15, 16 * 1024
FILES_GROWTH_MAX = 8


@dataclass(slots=True)
class Totals:
    """What the whole soak saw."""

    seed: int
    rounds: int = 0
    requests: int = 0
    seconds: float = 0.0
    saw: Counter[str] = field(default_factory=Counter)  # what clients saw
    did: Counter[str] = field(default_factory=Counter)  # what was done to them
    struck: Counter[str] = field(default_factory=Counter)  # faults
    reaped: int = 0
    looked: Counter[str] = field(default_factory=Counter)
    memory_kib: list[int] = field(default_factory=list)  # of the last gateway, after each round
    files: list[int] = field(default_factory=list)
    served: list[int] = field(default_factory=list)


class Soak:
    """One soak over one lab and one ledger."""

    def __init__(self, folder: Path, seed: int, book_at: datetime) -> None:
        self.folder = folder
        self.rng = np.random.default_rng(seed)
        self.totals = Totals(seed)
        self.snapshot = catalog.load().snapshot(book_at.date())
        self.books = Books(PriceBook.from_snapshot(self.snapshot))
        self.broken = self.books.broken

    def run(self, seconds: float, requests: int) -> None:
        """Rounds until the time is over, at least two: one with a killed gateway, one without."""
        began = time.monotonic()
        with (
            lab(self.folder) as (said, process),
            contextlib.closing(Running(self.folder, said, process)) as running,
            Ledger.open(self.folder / "ledger.db", clock=SystemClock(), book=lambda: self.books.book) as ledger,
        ):
            while self.totals.rounds < 2 or time.monotonic() - began < seconds:
                early = time.monotonic() - began < seconds / 2
                kill = self.totals.rounds == 0 or bool(early and self.rng.uniform() < 0.6)
                self._round(running, ledger, requests, kill=kill)
                self.totals.seconds = time.monotonic() - began
                self._show(max(seconds - self.totals.seconds, 0))
            self._end(running, ledger)

    def _round(self, running: Running, ledger: Ledger, requests: int, *, kill: bool) -> None:
        """One replay under faults, and its balance."""
        totals, rng, site = self.totals, self.rng, running.site
        chosen = self._choose(requests)
        routes = Routes(carriers(chosen.pairs(), self.snapshot, self.books.book, chosen.start), site.routes)
        chosen = chosen.only(routes.pairs)
        routes.rewrite(rng)
        tags = {"round": str(totals.rounds)}
        made = {name: ledger.keys.create(name, tags=tags) for name, _ in routes.pairs}
        keys = {name: (record.key_id, secret) for name, (record, secret) in made.items()}
        site.control("POST", "/reset")
        arm(site, rng)
        seen, now = asyncio.run(
            self._drive(chosen, Round(running, ledger, Door(site.gateway_url, keys), routes, tags), kill)
        )
        hits = disarm(running.site)
        left = settle(running.site, ledger, killed=bool(kill))
        if left and not kill:
            self.broken.append(f"open: {left} attempts of round {totals.rounds} stayed open without a kill")
        reaped = now.reaped + (len(ledger.reap(timedelta(0))) if kill else 0)
        for key_id, _ in now.door.keys.values():
            ledger.keys.revoke(key_id)
        totals.reaped += reaped
        totals.rounds += 1
        totals.requests += len(seen)
        totals.did.update(now.done)
        totals.struck.update(hits)
        totals.saw.update(one.state for one in seen)
        self.broken += now.broken
        self._clients(seen, now, hits)
        self._balance(running, ledger, seen, tags, reaped)
        self._resources(running, fresh=kill)

    def _choose(self, requests: int) -> Chosen:
        seed = int(self.rng.integers(1, 2**31))
        events = draw(shipped_profile(), seed, PINNED, sessions=max(requests // 15, 8))
        turns = [with_workload(found) for found in select(events, requests_min=requests, seed=seed)]
        sessions = [spaced(found, f"soak-{self.totals.rounds}-{number}") for number, found in enumerate(turns)]
        return Chosen(Kind.DRAWN, "soak", tuple(map(tuple, sessions)), len(events))

    async def _drive(self, chosen: Chosen, now: Round, kill: bool) -> tuple[list[Seen], Round]:
        now.door.gateway = now.running.number
        now.door.open.set()
        chaos_rng, client_rng = self.rng.spawn(2)
        chaos = Chaos(now, chaos_rng, chosen.requests, kill=kill)
        async with asyncio.timeout(ROUND_S_MAX), asyncio.TaskGroup() as group:
            group.create_task(chaos.run())
            seen = await drive(
                chosen.conversations, now.door, client_rng, leave_share=LEAVE_SHARE, on_done=chaos.on_done
            )
            chaos.end()
        return seen, now

    def _clients(self, seen: list[Seen], now: Round, hits: dict[str, int]) -> None:
        """Clients see whole answers, errors in their form, and a lost connection only when a gateway was killed."""
        looked = self.totals.looked
        garbled = [one for one in seen if one.state == "garbled"]
        if len(garbled) > hits.get("garbage", 0):
            self.broken.append(f"grammar: {garbled[0].at}: {garbled[0].detail}")
        looked["grammar"] += sum(one.stream and one.status == 200 for one in seen)
        for one in seen:
            if one.state == "lost":
                looked["lost"] += 1
                killed_at = now.running.killed_at.get(one.gateway)
                if killed_at is None or one.started > killed_at or one.ended < killed_at - 1:
                    self.broken.append(f"lost: {one.at}: status {one.status}, {one.detail}, without a kill")
            elif one.state == "refused" and one.status == 401:
                looked["keys"] += 1
                if one.started > now.revoked_at.get(one.key_id, float("inf")) or one.key_id not in now.revoked_at:
                    self.broken.append(f"keys: {one.at} was refused, although its key was good")
            elif one.state == "refused" and one.status not in BUSY:
                self.broken.append(f"refused: {one.at}: status {one.status}, {one.detail}")
        count, strayed = now.routes.strayed(seen)
        looked["routes"] += count
        self.broken += strayed

    def _balance(self, running: Running, ledger: Ledger, seen: list[Seen], tags: dict[str, str], reaped: int) -> None:
        where = {f"tag:{name}": value for name, value in tags.items()}
        entries = [Entry(event, ledger.rating(event.opened.event_id)) for event in ledger.events(where=where)]
        abandoned = sum(entry.event.closed.outcome.value == "abandoned" for entry in entries)
        if abandoned != reaped:
            self.broken.append(f"reap: {reaped} reaped, {abandoned} abandoned")
        self.books.balance(seen, entries, running.site.control("GET", "/bill?lines=1")["lines"])
        rows = ledger.spend(())
        self.books.whole_ledger(ledger.path, rows[0].amount if rows else Money(0))

    def _resources(self, running: Running, *, fresh: bool) -> None:
        """Memory and open files of the gateway, at rest."""
        totals = self.totals
        if fresh:
            totals.memory_kib.clear()
            totals.files.clear()
            totals.served.clear()
            return
        process = Path(f"/proc/{running.site.gateway.pid}")
        if process.exists():
            (line,) = [text for text in (process / "status").read_text().splitlines() if text.startswith("VmRSS")]
            totals.memory_kib.append(int(line.split()[1]))
            totals.files.append(len(list((process / "fd").iterdir())))
            totals.served.append(totals.requests)

    def _end(self, running: Running, ledger: Ledger) -> None:
        """What can be said only at the end: growth, the ledger's own check."""
        self.broken += [f"verify: {finding}" for finding in ledger.verify()]
        self.broken += growth(self.totals.memory_kib[WARM_UP:], self.totals.files[WARM_UP:])
        running.close()
        self.broken += [f"log: {line[:300]}" for line in complaints(running.log)]
        self.totals.looked["log"] += running.log.count("\n")

    def _show(self, left_s: float) -> None:
        t, memory = self.totals, self.totals.memory_kib
        text = (
            f"{left_s:5.0f} s left · rounds {t.rounds} · requests {t.requests} · whole {t.saw['whole']} · "
            f"kills {t.did['gateways killed']} · reaped {t.reaped} · "
            f"gateway {f'{memory[-1] / 1024:.0f} MiB' if memory else '-'} · broken {len(self.broken)}"
        )
        print(text, file=sys.stderr, end="\r" if sys.stderr.isatty() else "\n", flush=True)


def complaints(log: str) -> list[str]:
    """Lines of gateways' logs that are errors, but for what was done to their route table on purpose."""
    errors = ('"level": "error"', '"level": "critical"')
    return [line for line in log.splitlines() if any(mark in line for mark in errors) and SPOILT not in line]


def growth(memory_kib: list[int], files: list[int]) -> list[str]:
    """What grew: the last third of the samples against the first, by their medians."""
    if len(memory_kib) < SAMPLES_MIN:
        return []
    third = len(memory_kib) // 3
    found = []
    first, last = (float(np.median(part)) for part in (memory_kib[:third], memory_kib[-third:]))
    if last > first * MEMORY_GROWTH_MAX and last > first + MEMORY_GROWTH_KIB_MAX:
        found.append(f"memory: grew from {first / 1024:.0f} to {last / 1024:.0f} MiB")
    first, last = (float(np.median(part)) for part in (files[:third], files[-third:]))
    if last > first + FILES_GROWTH_MAX:
        found.append(f"files: grew from {first:.0f} to {last:.0f}")
    return found


def as_json(soak: Soak) -> dict[str, Any]:
    """The figures for a program; money as decimal strings."""
    t, sums = soak.totals, soak.books.sums
    return {
        "seed": t.seed,
        "seconds": round(t.seconds, 1),
        "rounds": t.rounds,
        "requests": t.requests,
        "clients_saw": dict(t.saw),
        "done": dict(t.did),
        "faults": dict(t.struck),
        "attempts": dict(sums.attempts),
        "reaped": t.reaped,
        "bill_lines": sums.lines,
        "lab_usd": str(sums.lab),
        "ledger_exact_usd": str(sums.exact),
        "ledger_estimated_usd": str(sums.estimated),
        "lab_of_estimated_usd": str(sums.estimated_lab),
        "lab_of_unknown_usd": str(sums.unknown_lab),
        "upper_bounds_usd": str(sums.upper),
        "checked": {**sums.checked, **t.looked},
        "memory_kib": t.memory_kib,
        "files": t.files,
        "broken": soak.broken,
    }


def as_text(soak: Soak) -> str:
    """The same for a person."""
    figures = as_json(soak)
    rows = []
    for name, value in figures.items():
        if name in {"memory_kib", "files"}:
            text = f"{value[0]} … {value[-1]} ({len(value)} rounds of one gateway)" if value else "-"
        elif isinstance(value, dict):
            text = " · ".join(f"{key} {count:,}" for key, count in sorted(value.items())) or "-"
        else:
            text = str(len(value) if name == "broken" else value)
        rows.append((name.replace("_", " "), text))
    wide = max(len(text) for _, text in rows) + 40
    lines = ["", table(("figure", "value"), rows, align="ll").terminal(wide)]
    lines += [f"  BROKEN  {sentence}" for sentence in soak.broken[:30]]
    lines.append("every invariant held" if not soak.broken else f"{len(soak.broken)} times an invariant was broken")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, help="of everything that is drawn; without it a new one, which is printed")
    parser.add_argument("--requests", type=int, default=400, help="requests a round, at least")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--keep", type=Path, help="work in this new folder and leave ledger and logs there")
    options = parser.parse_args(arguments)
    seed = int.from_bytes(os.urandom(4), "big") if options.seed is None else options.seed
    print(f"seed {seed}", file=sys.stderr, flush=True)
    with contextlib.ExitStack() as stack:
        if options.keep:
            options.keep.mkdir(parents=True)
            folder = options.keep.resolve()
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trivium-soak-")))
        soak = Soak(folder, seed, SystemClock().now())
        soak.run(options.minutes * 60, options.requests)
    print(json.dumps(as_json(soak), indent=2) if options.json else as_text(soak))
    return 1 if soak.broken else 0


if __name__ == "__main__":
    sys.exit(main())
