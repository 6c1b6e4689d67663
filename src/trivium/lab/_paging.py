"""Pages of a list as the first-party API gives them: `limit`, `after_id` and `before_id`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trivium.lab.surfaces._base import invalid

PAGE, PAGE_MAX = 20, 1000


def page(entries: Sequence[Mapping[str, Any]], query: Mapping[str, list[str]]) -> dict[str, Any]:
    """The page of `entries` (each with an `id`) that a query asks for."""
    limit_text = query.get("limit", [str(PAGE)])[0]
    if not limit_text.isdecimal() or not 1 <= int(limit_text) <= PAGE_MAX:
        raise invalid(f"limit: Input should be a whole number from 1 to {PAGE_MAX}")
    limit = int(limit_text)
    ids = [entry["id"] for entry in entries]
    before = query.get("before_id", [""])[0]
    if before in ids:
        end = ids.index(before)
        shown = entries[max(end - limit, 0) : end]
        more = end > limit
    else:
        after = query.get("after_id", [""])[0]
        start = ids.index(after) + 1 if after in ids else 0
        shown = entries[start : start + limit]
        more = start + len(shown) < len(entries)
    return {
        "data": list(shown),
        "has_more": more,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
    }
