"""models.dev: its `api.json`, one object per vendor with the models it sells."""

from __future__ import annotations

from typing import Any

from trivium.catalog.audit._collect import Collector, day, every, items, mapping, number
from trivium.catalog.audit._names import is_claude
from trivium.catalog.audit._values import WHOLE, Band, Table

_UNITS = {"input": "input", "output": "output", "cache_read": "cache_read", "cache_write": "cache_write_5m"}
_OVER_200K: Band = (200_001, None)  # the schema's own name for its long band


def detect(document: Any) -> bool:
    """Whether a document has the shape of this format."""
    vendors = _vendors(document)
    return bool(vendors) and any(isinstance(mapping(vendor).get("models"), dict) for vendor in vendors.values())


def _vendors(document: Any) -> Any:
    outer = mapping(document)
    return mapping(outer.get("providers")) or outer


def read(document: Any, into: Collector) -> Table:
    """The entries of every Claude model of a vendor that is one of the catalogue's surfaces."""
    for vendor, raw in _vendors(document).items():
        for key, found in mapping(mapping(raw).get("models")).items():
            model = mapping(found)
            cost = mapping(model.get("cost"))
            place = into.place(key, vendor) if cost and is_claude(key) else None
            if place is None:
                continue
            into.saw_day(day(model.get("last_updated")))
            parts: dict[Band, tuple[str, Any]] = {
                WHOLE: ("cost", cost),
                _OVER_200K: ("cost.context_over_200k", cost.get("context_over_200k")),
            }
            for index, tier in enumerate(items(cost.get("tiers"))):
                size = number(mapping(mapping(tier).get("tier")).get("size"))
                if size is not None:
                    parts[int(size) + 1, None] = (f"cost.tiers[{index}]", tier)
            for band, (name, prices) in parts.items():
                for field, unit in _UNITS.items():
                    where = f"{vendor}/{key}.{name}.{field}"
                    into.add(f"{vendor}/{key}", where, place, unit, number(mapping(prices).get(field)), band=band)
    return into.table(every(("standard",), tuple(_UNITS.values())))
