"""LiteLLM's `model_prices_and_context_window.json`, and the tables that descend from it (tokencost, tokencostauto)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from trivium.catalog.audit._collect import Collector, every, mapping, number
from trivium.catalog.audit._names import GLOBAL, VENDORS, Place
from trivium.catalog.audit._values import WHOLE, Table
from trivium.core.usage import TOKEN_UNITS

MTOK = Decimal(10**6)
_SECONDS = Decimal(3600)
_FIELD = re.compile(
    r"(?P<unit>input_cost_per_token|output_cost_per_token|cache_read_input_token_cost|cache_creation_input_token_cost)"
    r"(?P<hour>_above_1hr)?(?:_above_(?P<above>\d+)k_tokens)?(?P<batch>_batches)?"
)
_UNITS = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write_5m",
}


def detect(document: Any) -> bool:
    """Whether a document has the shape of this format."""
    if not isinstance(document, dict):
        return False
    rows = [row for row in document.values() if isinstance(row, dict)]
    return any("litellm_provider" in row or "input_cost_per_token" in row for row in rows)


def read(document: Any, into: Collector) -> Table:
    """The entries of every Claude row of a vendor that is one of the catalogue's surfaces."""
    for key, raw in document.items():
        row = mapping(raw)
        if key == "sample_spec" or not any(_FIELD.fullmatch(name) or "per_second" in name for name in row):
            continue
        vendor = str(row.get("litellm_provider") or _vendor_of(key))
        place = into.place(key, vendor)
        if place is not None:
            _read_row(key, row, place, into)
    return into.table(every(("standard", "batch", "fast"), TOKEN_UNITS) | {("tool", "web_search")})


def _vendor_of(key: str) -> str:
    """The vendor where a row does not say it: the first folder, or the shape of the id."""
    first = key.split("/", 1)[0]
    if first in VENDORS and "/" in key:
        return first
    return "bedrock" if "anthropic." in key else ("anthropic" if "/" not in key else first)


def _read_row(key: str, row: Mapping[str, Any], place: Place, into: Collector) -> None:
    scopes = _multiplied(key, row, place)
    for name, value in row.items():
        found = _FIELD.fullmatch(name)
        per_token = number(value)
        if found is None or per_token is None:
            continue
        unit = "cache_write_1h" if found["hour"] else _UNITS[found["unit"]]
        if found["hour"] and found["unit"] != "cache_creation_input_token_cost":
            continue
        band = (int(found["above"]) * 1000 + 1, None) if found["above"] else WHOLE
        for label, scope, tier, factor in scopes:
            if found["batch"]:
                if tier == "fast":
                    continue
                tier = "batch"  # noqa: PLW2901  the batch price of the same scope
            where = f"{key}.{name}{label}"
            into.add(key, where, place, unit, per_token * MTOK * factor, tier=tier, scope=scope, band=band)
    _read_items(key, row, place, into)


def _multiplied(key: str, row: Mapping[str, Any], place: Place) -> list[tuple[str, str, str, Decimal]]:
    """The scopes and tiers that a row prices: its own, and those it derives by a factor."""
    one = Decimal(1)
    found = [("", place.scope, place.tier, one)]
    if place.scope != GLOBAL or place.tier != "standard" or "/" in key.removeprefix("vertex_ai/"):
        return found
    factors = {name: number(value) for name, value in mapping(row.get("provider_specific_entry")).items()}
    us, fast = factors.get("us"), factors.get("fast")
    if us:
        found.append((" * provider_specific_entry.us", "us", "standard", us))
    if fast:
        found.append((" * provider_specific_entry.fast", GLOBAL, "fast", fast))
    if us and fast:
        found.append((" * provider_specific_entry.us * fast", "us", "fast", us * fast))
    uplift = number(row.get("regional_endpoint_uplift_multiplier"))
    if uplift:
        found.append((" * regional_endpoint_uplift_multiplier", "in-region", "standard", uplift))
    return found


def _read_items(key: str, row: Mapping[str, Any], place: Place, into: Collector) -> None:
    search = mapping(row.get("search_context_cost_per_query"))
    usd = number(search.get("search_context_size_medium"))
    if usd is not None:
        where = f"{key}.search_context_cost_per_query.search_context_size_medium"
        into.add(key, where, place, "web_search", usd, tier="tool", model=place.model and "*")
    if place.tier.startswith("provisioned"):
        for name in ("input_cost_per_second", "cost_per_second"):
            per_second = number(row.get(name))
            if per_second is not None:
                into.add(key, f"{key}.{name}", place, "model_unit_hours", per_second * _SECONDS)
                return
