"""simonw/llm-prices: a vendor file with price histories, or the built `current-v1.json` and `historical-v1.json`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from trivium.catalog.audit._collect import Collector, day, every, items, mapping, number
from trivium.catalog.audit._values import WHOLE, Band, Table

_UNITS = {"input": "input", "output": "output", "input_cached": "cache_read"}
_LONG = re.compile(r"-(\d+)k$")


def detect(document: Any) -> bool:
    """Whether a document has the shape of this format."""
    if not isinstance(document, dict):
        return False
    models = document.get("models")
    history = isinstance(models, list) and any("price_history" in mapping(model) for model in models)
    prices = document.get("prices")
    return history or (isinstance(prices, list) and any({"id", "vendor"} <= set(mapping(row)) for row in prices))


def read(document: Any, into: Collector) -> Table:
    """The entries of every Claude model with the windows its history states."""
    into.saw_day(day(document.get("updated_at")))
    for key, vendor, where, row in _rows(document):
        long = _LONG.search(key)
        band: Band = (int(long[1]) * 1000 + 1, None) if long else WHOLE
        place = into.place(_LONG.sub("", key), vendor)
        if place is None:
            continue
        window = (day(row.get("from_date")), day(row.get("to_date")))
        for field, unit in _UNITS.items():
            into.add(
                _LONG.sub("", key), f"{where}.{field}", place, unit, number(row.get(field)), band=band, window=window
            )
    return into.table(every(("standard",), tuple(_UNITS.values())))


def _rows(document: Mapping[str, Any]) -> Iterator[tuple[str, str, str, Mapping[str, Any]]]:
    vendor = str(document.get("vendor", ""))
    for model in map(mapping, items(document.get("models"))):
        key = str(model.get("id", ""))
        for index, row in enumerate(items(model.get("price_history"))):
            yield key, vendor, f"{key}.price_history[{index}]", mapping(row)
    for index, row in enumerate(items(document.get("prices"))):
        found = mapping(row)
        yield str(found.get("id", "")), str(found.get("vendor", "")), f"prices[{index}]", found
