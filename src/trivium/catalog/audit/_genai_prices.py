"""genai-prices: its packaged `data.json` or `data_slim.json` (the same content as its YAML, which is not read here)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from trivium.catalog.audit._collect import Collector, day, every, items, mapping, number
from trivium.catalog.audit._names import Place
from trivium.catalog.audit._values import WHOLE, Band, Table
from trivium.core.usage import TOKEN_UNITS

_UNITS = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write_5m",
    "cache_write_1h_mtok": "cache_write_1h",
}
_TIERS = {("processing", "batch"): "batch", ("speed", "fast"): "fast"}
Window = tuple[date | None, date | None]


def detect(document: Any) -> bool:
    """Whether a document has the shape of this format."""
    providers = document.get("providers") if isinstance(document, dict) else document
    return isinstance(providers, list) and any(
        isinstance(provider, dict) and isinstance(provider.get("models"), list) and "id" in provider
        for provider in providers
    )


def read(document: Any, into: Collector) -> Table:
    """The entries of every Claude model, with the windows that its dated prices state."""
    providers = document["providers"] if isinstance(document, dict) else document
    for provider in map(mapping, providers):
        vendor = str(provider.get("id", ""))
        for model in map(mapping, items(provider.get("models"))):
            key = str(model.get("id", ""))
            place = into.place(key, vendor)
            if place is not None:
                _read_model(f"{vendor}/{key}", model, place, into)
    return into.table(every(("standard", "batch", "fast"), TOKEN_UNITS) | {("tool", "web_search")})


def _read_model(key: str, model: Mapping[str, Any], place: Place, into: Collector) -> None:
    for number_, (window, prices) in enumerate(_windows(model.get("prices"))):
        _read_prices(key, f"{key}.prices[{number_}]", prices, place, into, place.tier, window)
    variants: dict[str, list[Mapping[str, Any]]] = {}
    for variant in map(mapping, items(model.get("price_variants"))):
        pairs = [(str(name), str(value)) for name, value in mapping(variant.get("when")).items()]
        tier = _TIERS.get(pairs[0]) if len(pairs) == 1 else None
        if tier is not None:
            variants.setdefault(tier, []).append(variant)
    for tier, found in variants.items():
        for number_, (window, prices) in enumerate(_windows(found)):
            _read_prices(key, f"{key}.price_variants[{tier}][{number_}]", prices, place, into, tier, window)


def _windows(prices: Any) -> Iterator[tuple[Window, Mapping[str, Any]]]:
    """Prices with the window each holds in: the last one whose start has come wins."""
    if not isinstance(prices, list):
        yield (None, None), mapping(prices)
        return
    dated: list[tuple[date, Mapping[str, Any]]] = []
    for item in map(mapping, prices):
        constraint = mapping(item.get("constraint"))
        if constraint and "start_date" not in constraint:
            continue  # a price by time of day is another kind of price
        dated.append((day(constraint.get("start_date")) or date.min, mapping(item.get("prices"))))
    dated.sort(key=lambda pair: pair[0])
    for (start, found), following in zip(dated, [*dated[1:], None], strict=True):
        yield (start if start != date.min else None, following[0] if following else None), found


def _read_prices(
    key: str, where: str, prices: Mapping[str, Any], place: Place, into: Collector, tier: str, window: Window
) -> None:
    for name, unit in _UNITS.items():
        for band, usd in _bands(prices.get(name)):
            into.add(key, f"{where}.{name}", place, unit, usd, tier=tier, band=band, window=window)
    search = number(prices.get("web_searches_kcount"))
    if search is not None:
        usd = search / 1000
        into.add(key, f"{where}.web_searches_kcount", place, "web_search", usd, tier="tool", model=place.model and "*")


def _bands(value: Any) -> Iterator[tuple[Band, Decimal | None]]:
    if not isinstance(value, dict):
        yield WHOLE, number(value)
        return
    yield WHOLE, number(value.get("base"))
    for tier in map(mapping, items(value.get("tiers"))):
        start = number(tier.get("start"))
        if start is not None:
            yield (int(start) + 1, None), number(tier.get("price"))
