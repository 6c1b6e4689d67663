"""Tables in other tools' formats, written from price cells: what a tool would hold if it agreed with the catalogue."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from trivium.catalog import PriceCell

Prices = Mapping[tuple[str, str, int], Decimal]  # (tier, unit, where the band begins) -> USD per million tokens
LITELLM_FIELDS = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cache_read": "cache_read_input_token_cost",
    "cache_write_5m": "cache_creation_input_token_cost",
    "cache_write_1h": "cache_creation_input_token_cost_above_1hr",
}
LITELLM_PROVIDERS = {
    "anthropic": "anthropic",
    "bedrock": "bedrock_converse",
    "vertex": "vertex_ai-anthropic_models",
    "foundry": "azure_ai",
    "github-copilot": "github_copilot",
}
GENAI_FIELDS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write_5m": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
}
MODELS_DEV_FIELDS = {"input": "input", "output": "output", "cache_read": "cache_read", "cache_write_5m": "cache_write"}


def prices_of(
    cells: Iterable[PriceCell], place: tuple[str, str, str], day: date, tiers: tuple[str, ...] = ("standard", "batch")
) -> dict[tuple[str, str, int], Decimal]:
    """What the cells say of (surface, scope, model) on a day, or said last before it; tools and hours apart."""
    found: dict[tuple[str, str], list[PriceCell]] = {}
    for cell in cells:
        started = cell.valid_from is None or cell.valid_from <= day
        if (cell.surface, cell.scope, cell.model) == place and cell.tier in tiers and started:
            found.setdefault((cell.tier, cell.unit), []).append(cell)
    prices: dict[tuple[str, str, int], Decimal] = {}
    for (tier, unit), ones in found.items():
        last = max(cell.valid_until or date.max for cell in ones)
        for cell in ones:
            sold = cell.holds_on(day) or (last <= day and cell.valid_until == last)
            if sold and unit in LITELLM_FIELDS:
                prices[tier, unit, cell.band[0]] = cell.amount_usd
    return prices


def current(cells: Iterable[PriceCell], day: date) -> tuple[PriceCell, ...]:
    """The cells that hold on a day."""
    return tuple(cell for cell in cells if cell.holds_on(day))


def per_token(usd: Decimal) -> float:
    """A price per token as JSON files carry it: a binary float."""
    return float(usd / 10**6)


def litellm_row(provider: str, prices: Prices, tier: str = "standard") -> dict[str, Any]:
    """One row; `tier` names what the plain fields hold (an id of its own for fast)."""
    row: dict[str, Any] = {"litellm_provider": provider, "mode": "chat", "max_input_tokens": 1_000_000}
    for (level, unit, start), usd in prices.items():
        above = f"_above_{start // 1000}k_tokens" if start else ""
        if level == tier:
            row[LITELLM_FIELDS[unit] + above] = per_token(usd)
        elif level == "batch" and tier == "standard":
            row[f"{LITELLM_FIELDS[unit]}{above}_batches"] = per_token(usd)
    return row


def models_dev_cost(prices: Prices) -> dict[str, Any]:
    """The `cost` of a model, long prompts included."""
    cost: dict[str, Any] = {}
    for (tier, unit, start), usd in prices.items():
        if tier != "standard" or unit not in MODELS_DEV_FIELDS:
            continue
        into = cost
        if start:
            tiers = cost.setdefault("tiers", [{"tier": {"type": "context", "size": start - 1}}])
            into = tiers[0]
        into[MODELS_DEV_FIELDS[unit]] = float(usd)
    return cost


def genai_prices(prices: Prices, tier: str) -> dict[str, Any]:
    """A `prices` object of one tier."""
    found: dict[str, Any] = {}
    for (level, unit, start), usd in sorted(prices.items()):
        if level != tier:
            continue
        name = GENAI_FIELDS[unit]
        if start:
            found[name] = {"base": found[name], "tiers": [{"start": start - 1, "price": float(usd)}]}
        else:
            found[name] = float(usd)
    return found


def csv_of(cells: Iterable[PriceCell]) -> str:
    """Every cell as a row: the catalogue's own columns."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        [
            "surface",
            "scope",
            "model",
            "tier",
            "unit",
            "usd_per_mtok",
            "valid_from",
            "valid_until",
            "prompt_min",
            "prompt_max",
        ]
    )
    for cell in cells:
        low, high = cell.band
        offer = (cell.surface, cell.scope, cell.model, cell.tier, cell.unit, format(cell.amount_usd, "f"))
        window = (cell.valid_from or "", cell.valid_until or "")
        writer.writerow([*offer, *window, low or "", "" if high is None else high])
    return text.getvalue()
