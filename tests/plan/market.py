"""A small market by hand, and events whose amounts a reviewer can add up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from trivium.core import TOKEN_UNITS, Closed, Offer, Opened, Outcome, Quality, Usage, UsageEvent, rate_picos
from trivium.plan import BookMarket, Facts, Frame
from trivium.pricing import PriceBook

AT = date(2026, 4, 15)
START = datetime(2026, 4, 15, tzinfo=UTC)
HOME = Offer("anthropic", "global", "opus")


@dataclass(frozen=True, slots=True)
class HandCell:
    """A price cell typed by hand, in the shape the catalogue gives."""

    id: str
    surface: str
    model: str
    scope: str
    tier: str
    unit: str
    band: tuple[int, int | None]
    rate_picos: int
    amount_usd: Decimal
    valid_from: date | None = None
    valid_until: date | None = None
    status: str = "documented"
    claim_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HandSnapshot:
    """A snapshot with nothing but cells."""

    cells: tuple[HandCell, ...]
    as_of: date = AT


def sold(
    key: str,
    rates: str,
    band: tuple[int, int | None] = (0, None),
    *,
    status: str = "documented",
    until: date | None = None,
) -> Iterator[HandCell]:
    """The cells of `surface/scope/model/tier`: USD per Mtok of input, output, read, 5-minute and 1-hour write."""
    surface, scope, model, tier = key.split("/")
    for unit, amount in zip(TOKEN_UNITS, rates.split(), strict=True):
        name = f"{key}/{unit}/{band[0]}"
        rate, claim = rate_picos(amount), f"claim:{key}"
        yield HandCell(
            name, surface, model, scope, tier, unit, band, rate, Decimal(amount), None, until, status, (claim,)
        )


OPUS = "5 25 0.5 6.25 10"
OPUS_BATCH = "2.5 12.5 0.25 3.125 5"
CELLS = (
    *sold("anthropic/global/opus/standard", OPUS),
    *sold("anthropic/us/opus/standard", "5.5 27.5 0.55 6.875 11"),
    *sold("anthropic/global/opus/batch", OPUS_BATCH),
    *sold("bedrock/global/opus/standard", OPUS),
    *sold("bedrock/geo/opus/standard", "5.5 27.5 0.55 6.875 11"),
    *sold("vertex/global/opus/standard", OPUS),
    *sold("anthropic/global/haiku/standard", "1 5 0.1 1.25 2"),
)


def book_of(cells: Sequence[HandCell] = CELLS) -> PriceBook:
    return PriceBook.from_snapshot(HandSnapshot(tuple(cells)))


def frame_of(cells: Sequence[HandCell] = CELLS, facts: Facts | None = None) -> Frame:
    return Frame(BookMarket(book_of(cells), AT), facts or Facts(), AT)


def turn(
    at_s: float,
    usage: Usage,
    *,
    offer: Offer = HOME,
    workload: str = "chat",
    session: str = "s1",
    tags: dict[str, str] | None = None,
    quality: Quality = Quality.EXACT,
    outcome: Outcome = Outcome.OK,
    endpoint: str = "messages",
) -> UsageEvent:
    """One finished request, `at_s` seconds after the start."""
    at = START + timedelta(seconds=at_s)
    name = f"{workload}:{session}:{at_s}"
    return UsageEvent(
        Opened(name, name, 1, at, offer, workload, session=session, tags=tags or {}, endpoint=endpoint),
        Closed(name, at + timedelta(seconds=5), outcome, usage, quality),
    )
