"""What affinity is worth: real Claude Code sessions over three surfaces, with it, without it, and on one alone.

Hit rates and costs of one run stand side by side; the bar is the hit rate of the single surface less 2 %. The trace
lies beside the checkout; without it the benchmark says so and passes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench._affinity_world import (
    SURFACES,
    WEIGHTS,
    Books,
    CachedSurfaces,
    Request,
    gateway,
    requests,
    send,
    table,
)

from trivium.app._cache import BookCachePrices
from trivium.catalog import load
from trivium.core import Decision, ManualClock, Money, PriceError, RouteTable, UsageEvent
from trivium.lab.replay import select
from trivium.ledger.importers import claude_code_trace
from trivium.pricing import PriceBook, price

TRACE = Path(__file__).resolve().parents[2] / "shared/traces/claude_code"
START = datetime(2026, 11, 2, tzinfo=UTC)
SEED = 20261125
_OK = 200
BAR = 0.98  # of the single surface's hit rate
OUTAGE = timedelta(minutes=10)


@dataclass(frozen=True)
class Line:
    """One way to route the same requests."""

    name: str
    requests: int
    failed: int
    hit_rate: float  # prompt tokens read from a cache / prompt tokens
    cost_usd: str
    moved: int  # attempts that left a living cache
    lost_usd: str  # what that cost, as the decisions say
    unpriced: int
    seconds: float


@dataclass(frozen=True)
class Way:
    """How requests are routed: the table for each, whether clients name sessions, when a surface is down."""

    name: str
    routes: Callable[[datetime], RouteTable]
    session: bool = True
    down: Callable[[str, datetime], bool] = lambda _surface, _at: False


def ways(asked: Sequence[Request]) -> list[Way]:
    """The same requests by six ways; the outage begins in the middle of them, at the surface with the most weight."""
    alone, fixed, turned = table(SURFACES[:1]), table(), table(weights=WEIGHTS[::-1])
    drawn = np.random.default_rng(SEED)
    shares = np.array(WEIGHTS) / sum(WEIGHTS)
    middle = asked[len(asked) // 2].at

    def at_random(_at: datetime) -> RouteTable:
        # one surface a request, drawn by weight: the gateway has nothing to keep to
        return table((SURFACES[drawn.choice(len(SURFACES), p=shares)],), (1,))

    def down(surface: str, at: datetime) -> bool:
        return surface == SURFACES[0] and middle <= at < middle + OUTAGE

    return [
        Way("single surface", lambda _at: alone),
        Way("affinity by session", lambda _at: fixed),
        Way("affinity by prefix", lambda _at: fixed, session=False),
        Way("weights turned midway", lambda at: fixed if at < middle else turned),
        Way("one down for 10 minutes", lambda _at: fixed, down=down),
        Way("no affinity", at_random),
    ]


async def run(way: Way, asked: Sequence[Request], book: PriceBook) -> Line:
    """Send every request on the trace's time and add up."""
    clock, books = ManualClock(START), Books()
    surfaces, prices = CachedSurfaces(clock, way.down), BookCachePrices(lambda: book)
    to = gateway(clock, surfaces, lambda: way.routes(clock.now()), books, prices)
    began, failed = time.perf_counter(), 0
    for request in asked:
        clock.set(request.at)
        status = await send(to, request, session=way.session)
        failed += status != _OK
    read = sum(usage.cache_read or 0 for _, usage in books.uses)
    prompt = sum(usage.prompt_tokens for _, usage in books.uses)
    cost, unpriced = Money(0), 0
    for opened, usage in books.uses:
        try:
            cost += price(usage, opened.offer, opened.at, book).amount
        except PriceError:
            unpriced += 1
    decisions = [Decision.decode(opened.decision) for opened, _ in books.uses]
    moves = [found for found in decisions if found is not None and found.affinity == "moved"]
    lost = sum((found.lost for found in moves if found.lost is not None), Money(0))
    seconds = round(time.perf_counter() - began, 1)
    return Line(way.name, len(asked), failed, read / prompt, str(cost), len(moves), str(lost), unpriced, seconds)


def chosen(events: Sequence[UsageEvent], requests_min: int) -> list[Request]:
    """Whole recorded sessions with at least so many requests, by time."""
    return requests([event for turns in select(events, requests_min=requests_min, seed=SEED) for event in turns])


def recorded() -> list[UsageEvent]:
    """The trace, its sessions two minutes apart."""
    options = claude_code_trace.ImportOptions(start=START)
    return list(claude_code_trace.read(TRACE, options))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000, help="at least so many, in whole sessions")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not TRACE.exists():
        print(
            "affinity: there is no Claude Code trace beside this checkout (shared/traces/claude_code)", file=sys.stderr
        )
        return 0
    asked = chosen(recorded(), options.requests)
    book = PriceBook.from_snapshot(load([]).snapshot(START.date()))
    lines: list[Line] = []
    for way in ways(asked):
        print(f"affinity: {way.name}, {len(asked):,} requests", file=sys.stderr)
        lines.append(asyncio.run(run(way, asked, book)))
    single = lines[0]
    missed = [line.name for line in lines[1:-1] if line.hit_rate < BAR * single.hit_rate]
    if options.json:
        print(json.dumps({"lines": [asdict(line) for line in lines], "bar": BAR, "missed": missed}))
        return 1 if missed else 0
    print(
        f"{'':<26}{'requests':>9}{'failed':>8}{'hit rate':>10}{'of single':>11}{'USD':>10}{'of single':>11}"
        f"{'moved':>7}{'lost USD':>10}"
    )
    for line in lines:
        usd, alone = float(line.cost_usd), float(single.cost_usd)
        print(
            f"{line.name:<26}{line.requests:>9,}{line.failed:>8}{line.hit_rate:>10.2%}"
            f"{line.hit_rate / single.hit_rate:>11.4f}{usd:>10.2f}{usd / alone:>11.3f}"
            f"{line.moved:>7}{float(line.lost_usd):>10.2f}"
        )
    if single.unpriced:
        print(f"{single.unpriced:,} requests for models that are sold no longer are not in the sums")
    print(f"bar: {BAR:.0%} of the single surface's hit rate: {'missed by ' + ', '.join(missed) if missed else 'kept'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
