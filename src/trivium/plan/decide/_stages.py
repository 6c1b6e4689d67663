"""From shares per month to stages: spans of months in which a part runs on one way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from trivium.plan.decide._deals import Array
from trivium.plan.decide._parts import Part
from trivium.plan.decide._quota import Held
from trivium.plan.decide._ways import Way, Ways
from trivium.plan.decision import Stage

_WHOLE = 100


@dataclass(frozen=True)
class Laid:
    """A placement over all months: shares (W, K, T), and the ways behind them."""

    shares: Array
    ways: tuple[tuple[tuple[tuple[Way, int], ...], ...], ...]  # [part][month]: (way, hundredths)


def lay(shares: Array, ways: Ways, held: Held | None) -> Laid:
    """The paths, with the first month's division kept for as long as its ways are to be had."""
    result = shares.copy()
    told = []
    for part, months in enumerate(ways.best):
        divided = held.shares[part] if held is not None and held.repaired else ()
        row = []
        for month, options in enumerate(months):
            mine = _of_month(divided, options) if divided else ()
            if mine:
                result[part, :, month] = 0.0
                for way, share in mine:
                    result[part, ways.surfaces.index(way.offer.surface), month] += share / _WHOLE
            else:
                surface = ways.surfaces[int(np.argmax(shares[part, :, month]))]
                mine = ((options[surface], _WHOLE),)
            row.append(mine)
        told.append(tuple(row))
    return Laid(result, tuple(told))


def _of_month(divided: Sequence[tuple[Way, int]], options: object) -> tuple[tuple[Way, int], ...]:
    """The division of the first month in a later one: the same surfaces, that month's ways; nothing if one is gone."""
    found = []
    for way, share in divided:
        if not isinstance(options, dict) or way.offer.surface not in options:
            return ()
        found.append((options[way.offer.surface], share))
    return tuple(found)


def stages(parts: Sequence[Part], laid: Laid, starts: Sequence[date]) -> tuple[Stage, ...]:
    """Runs of equal months; shares are hundredths of the whole (workload, model)."""
    found: list[Stage] = []
    for part, months in zip(parts, laid.ways, strict=True):
        began = 0
        for month in range(1, len(months) + 1):
            if month == len(months) or _key(months[month]) != _key(months[began]):
                found += [
                    Stage(
                        part.workload,
                        part.model,
                        way.offer,
                        way.cache_life,
                        starts[began],
                        starts[month - 1],
                        round(share * part.fraction),
                    )
                    for way, share in months[began]
                ]
                began = month
    return tuple(found)


def _key(ways: Sequence[tuple[Way, int]]) -> tuple[tuple[str, str, int], ...]:
    return tuple(sorted((str(way.offer), way.cache_life, share) for way, share in ways))
