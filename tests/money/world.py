"""Usage whose amounts a reviewer can add up, on the catalogue's own prices of one day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache

from trivium.catalog import Snapshot, load
from trivium.core import Closed, Offer, Opened, Outcome, Quality, Usage, UsageEvent
from trivium.plan import Demand, band_starts, demand_from_events
from trivium.plan.money import Path, PriceAsk
from trivium.plan.org import Needs
from trivium.pricing import PriceBook

AT = date(2026, 11, 22)
START = datetime(2026, 11, 1, tzinfo=UTC)
OPUS = Offer("anthropic", "global", "claude-opus-5")  # 5/25 USD/Mtok
SONNET_46 = Offer("anthropic", "global", "claude-sonnet-4-6")  # 3/15, the older tokenizer


@cache
def snapshot(at: date = AT) -> Snapshot:
    return load().snapshot(at)


@cache
def book(at: date = AT) -> PriceBook:
    return PriceBook.from_snapshot(snapshot(at))


def event(at_s: float, usage: Usage, offer: Offer = OPUS, session: str = "s", workload: str = "search") -> UsageEvent:
    at, name = START + timedelta(seconds=at_s), f"{workload}:{session}:{at_s}"
    opened = Opened(name, name, 1, at, offer, workload, session=session)
    return UsageEvent(opened, Closed(name, at + timedelta(seconds=3), Outcome.OK, usage, Quality.EXACT))


def demand(events: Iterable[UsageEvent], at: date = AT) -> tuple[Demand, ...]:
    return demand_from_events(events, band_starts=band_starts(book(at)))


def ask(demands: Sequence[Demand], needs: Needs | None = None, **more: object) -> PriceAsk:
    given: dict[str, object] = {"path": Path.flat(12), "span_days": 30.4375, **more}
    return PriceAsk("search", tuple(demands), needs or Needs(), snapshot(), book(), AT, **given)  # type: ignore[arg-type]
