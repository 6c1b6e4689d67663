"""A small hand-made book whose amounts a reviewer can look up: it needs no catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from trivium.core import TOKEN_UNITS, rate_picos

Window = tuple[date | None, date | None]
ALWAYS: Window = (None, None)
ANY_LENGTH: tuple[int, int | None] = (0, None)


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
    claim_ids: tuple[str, ...] = ("claim-1",)


@dataclass(frozen=True, slots=True)
class HandSnapshot:
    """A snapshot with nothing but cells."""

    cells: tuple[HandCell, ...]
    as_of: date = date(2026, 11, 22)


def offer_cells(
    key: str, rates: str, band: tuple[int, int | None] = ANY_LENGTH, window: Window = ALWAYS
) -> Iterator[HandCell]:
    """The cells of `surface/scope/model/tier`: USD per Mtok of input, output, read, 5-minute and 1-hour write."""
    surface, scope, model, tier = key.split("/")
    for unit, amount in zip(TOKEN_UNITS, rates.split(), strict=True):
        if amount == "-":
            continue
        cell_id = f"{key}/{unit}/{band[0]}/{window[0]}"
        rate = rate_picos(amount)
        yield HandCell(cell_id, surface, model, scope, tier, unit, band, rate, Decimal(amount), *window)


def tool_cell(surface: str, unit: str, amount_usd: str, tier: str = "tool") -> HandCell:
    """A server tool's fee per item, for every model of a surface."""
    rate = int(Decimal(amount_usd).scaleb(12))
    cell_id = f"{surface}/global/*/{tier}/{unit}"
    return HandCell(cell_id, surface, "*", "global", tier, unit, ANY_LENGTH, rate, Decimal(amount_usd))


def hand_cells() -> tuple[HandCell, ...]:
    """Opus 5, Haiku 5.5 with its bands, Sonnet 4.6 with its 200K window, a fast tier, one price for all scopes."""
    to_100k, over_100k = (0, 100_000), (100_001, None)
    premium = (date(2026, 2, 17), date(2026, 3, 13))
    return (
        *offer_cells("anthropic/global/claude-opus-5/standard", "5 25 0.50 6.25 10"),
        *offer_cells("anthropic/us/claude-opus-5/standard", "5.5 27.5 0.55 6.875 11"),
        *offer_cells("anthropic/global/claude-opus-5/batch", "2.5 12.5 0.25 3.125 5"),
        *offer_cells("anthropic/global/claude-opus-5/fast", "10 50 1 12.5 20"),
        *offer_cells("anthropic/us/claude-opus-5/fast", "11 55 1.1 13.75 22"),
        *offer_cells("bedrock/global/claude-opus-5/standard", "5 25 0.50 6.25 10"),
        *offer_cells("bedrock/geo/claude-opus-5/standard", "5.5 27.5 0.55 6.875 11"),
        *offer_cells("bedrock/in-region/claude-opus-5/standard", "5.5 27.5 0.55 6.875 11"),
        *offer_cells("bedrock/us-gov/claude-opus-5/standard", "6 30 0.60 7.5 12"),
        *offer_cells("bedrock/all/claude-opus-4-1/standard", "15 75 1.50 18.75 -"),
        *offer_cells("foundry/global/claude-opus-5/standard", "5 25 0.50 6.25 10"),
        *offer_cells("foundry/us-data-zone/claude-opus-5/standard", "5.5 27.5 0.55 6.875 11"),
        *offer_cells("vertex/global/claude-opus-5/standard", "5 25 0.50 6.25 10"),
        *offer_cells("vertex/regional-or-multi-region/claude-opus-5/standard", "5.5 27.5 0.55 6.875 11"),
        *offer_cells("anthropic/global/claude-haiku-5-5/standard", "0.10 0.50 0.01 0.125 0.20", to_100k),
        *offer_cells("anthropic/global/claude-haiku-5-5/standard", "0.50 2.50 0.05 0.625 1.00", over_100k),
        *offer_cells("anthropic/global/claude-sonnet-4-6/standard", "3 15 0.30 3.75 6"),
        *offer_cells("anthropic/global/claude-sonnet-4-6/standard", "6 22.5 0.60 7.5 12", (200_001, None), premium),
        tool_cell("anthropic", "web_search", "0.01"),
        tool_cell("anthropic", "web_fetch", "0"),
    )
