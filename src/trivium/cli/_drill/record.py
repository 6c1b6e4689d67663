"""The drill record: what was tried on what, when, and what came of it; a document that can be kept (docs/drill.md)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from trivium import __version__
from trivium.cli._drill.measure import PHASES, Cost, Recovery
from trivium.cli._drill.outage import CONCURRENCY
from trivium.cli._up.site import Pace
from trivium.cli._up.trace import Chosen
from trivium.core import RouteTable

FORMAT = "trivium-drill/1"


@dataclass(frozen=True, slots=True)
class Drill:
    """Everything a drill found."""

    made_at: datetime
    surface: str
    how: str
    seed: int
    chosen: Chosen
    table: RouteTable
    table_text: bytes  # as the gateway read it
    snapshot: str  # digest of the facts
    book: str  # digest of the prices
    pace: Pace
    lost: int
    errors: tuple[str, ...]  # of the first few requests that were lost
    served: Mapping[str, Mapping[str, int]]
    recovery: Recovery
    cost: Cost


def as_json(drill: Drill) -> dict[str, Any]:
    """The record; money as decimal strings in USD, times in seconds or milliseconds as named."""
    cost = drill.cost
    return {
        "format": FORMAT,
        "made_at": drill.made_at.isoformat(),
        "versions": {
            "trivium": __version__,
            "snapshot": drill.snapshot,
            "book": drill.book,
            "route_table": drill.table.version,
            "route_table_sha256": hashlib.sha256(drill.table_text).hexdigest(),
        },
        "drill": {
            "surface": drill.surface,
            "how": drill.how,
            "against": "own site: gateway and emulated surfaces on one machine",
            "seed": drill.seed,
            "concurrency": CONCURRENCY,
            **asdict(drill.pace),
        },
        "workload": {
            "kind": drill.chosen.kind.name.lower(),
            "source": drill.chosen.source,
            "requests": drill.chosen.requests,
            "conversations": len(drill.chosen.conversations),
        },
        "lost_requests": drill.lost,
        "errors": list(drill.errors),
        "recovery": {
            name: value if value is None else round(value, 4) for name, value in asdict(drill.recovery).items()
        },
        "cost": {
            "displaced_requests": cost.displaced_requests,
            "added_usd": str(cost.added),
            "unpriced": cost.unpriced,
        },
        "cache": {
            "moves": cost.cache_moves,
            "lost_tokens": cost.cache_lost_tokens,
            "lost_usd": str(cost.cache_lost),
            "unknown": cost.cache_unknown,
        },
        "attempts": {"extra": cost.extra_attempts, "maybe_billed": cost.maybe_billed},
        "served": {phase: dict(drill.served[phase]) for phase in PHASES},
    }


def text_of(drill: Drill) -> str:
    """The record as it is written to a file."""
    return json.dumps(as_json(drill), indent=2, ensure_ascii=False) + "\n"
