"""A ledger of a hand-made world: a million input tokens cost 5 USD on every surface, so an attempt is 5 USD."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from ledger import world
from trivium.core import Closed, Offer, Opened, Outcome, Quality, Usage, UsageEvent
from trivium.ledger import Ledger
from trivium.pricing import PriceBook

MODEL = "claude-opus-5"
SURFACES = ("anthropic", "bedrock", "vertex", "claude-aws", "foundry")
FIRST = datetime(2026, 11, 1, 12, tzinfo=UTC)


def offer(surface: str, model: str = MODEL) -> Offer:
    return Offer(surface, "global", model)


def book() -> PriceBook:
    """5 USD per million input tokens of the model, everywhere."""
    cells = [world.cell("input", "5", offer=offer(name)) for name in SURFACES]
    cells += [world.cell(unit, "0", offer=offer(name)) for name in SURFACES for unit in ("output", "cache_read")]
    return PriceBook(cells, date(2026, 4, 15))


def attempt(
    name: str,
    workload: str,
    surface: str,
    day: int = 0,
    *,
    outcome: Outcome = Outcome.OK,
    request: str = "",
    number: int = 1,
    model: str = MODEL,
) -> UsageEvent:
    """One attempt of a million input tokens, `day` days after the first; one that failed used nothing."""
    at = FIRST + timedelta(days=day, seconds=number)
    usage = Usage(input=1_000_000) if outcome is Outcome.OK else Usage()
    start = Opened(name, request or name, number, at, offer(surface, model), workload)
    return UsageEvent(start, Closed(name, at + timedelta(seconds=1), outcome, usage, Quality.EXACT))


def repeated(workload: str, surface: str, times: int, day: int = 0) -> list[UsageEvent]:
    """So many attempts of one workload, one a day."""
    return [attempt(f"{workload}-{surface}-{n}", workload, surface, day + n) for n in range(times)]


def filled(folder: Path, events: Sequence[UsageEvent]) -> Path:
    """A ledger with these attempts; its path."""
    path = folder / "ledger.db"
    with Ledger.open(path, clock=world.clock(), book=book) as ledger:
        ledger.append(sorted(events, key=lambda event: event.opened.at))
    return path


def money(usd: str) -> int:
    """An amount in pico-dollars."""
    return int(Decimal(usd) * 10**12)
