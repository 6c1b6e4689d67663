"""From shares per month to stages: spans of months in which a part runs on one way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

import numpy as np

from trivium.core import Offer
from trivium.plan.decide._deals import Array
from trivium.plan.decide._parts import Part
from trivium.plan.decide._quota import Held
from trivium.plan.decide._ways import Way, Ways
from trivium.plan.decision import Stage

_WHOLE = 100


@dataclass(frozen=True)
class Laid:
    """A placement over all months: shares (W, K, T), what a month costs on them (W, K, T), and the ways behind them."""

    shares: Array
    unit_usd: Array
    ways: tuple[tuple[tuple[tuple[Way, int], ...], ...], ...]  # [part][month]: (way, hundredths)


def lay(shares: Array, unit_usd: Array, ways: Ways, held: Sequence[Held]) -> Laid:
    """The paths, and in months in which a quota would be broken the division that holds it.

    A division may use two offers of one surface: what a month costs there is then their weighted mean.
    """
    result, unit = shares.copy(), unit_usd.copy()
    told = []
    for part, months in enumerate(ways.best):
        row = []
        for month, options in enumerate(months):
            if held[month].repaired:
                mine = held[month].shares[part]
                _divide(result[part, :, month], unit[part, :, month], mine, ways.surfaces)
            else:
                mine = _whole(shares[part, :, month], ways.surfaces, options)
            row.append(mine)
        told.append(tuple(row))
    return Laid(result, unit, tuple(told))


def _divide(shares: Array, unit: Array, mine: Sequence[tuple[Way, int]], surfaces: Sequence[str]) -> None:
    shares[:] = 0.0
    cost = np.zeros_like(shares)
    for way, share in mine:
        index = surfaces.index(way.offer.surface)
        shares[index] += share / _WHOLE
        cost[index] += way.usd_per_month * share / _WHOLE
    used = shares > 0
    unit[used] = cost[used] / shares[used]


def _whole(shares: Array, surfaces: Sequence[str], options: Mapping[str, Way]) -> tuple[tuple[Way, int], ...]:
    """The cheapest way of each surface in use, in hundredths that add up."""
    used = [number for number in range(len(surfaces)) if shares[number] > 0]
    parts = [round(float(shares[number]) * _WHOLE) for number in used]
    parts[int(np.argmax(parts))] += _WHOLE - sum(parts)
    return tuple((options[surfaces[number]], share) for number, share in zip(used, parts, strict=True) if share)


def stages(parts: Sequence[Part], laid: Laid, starts: Sequence[date]) -> tuple[Stage, ...]:
    """Runs of equal months; shares are hundredths of the whole (workload, model).

    Months that are carried on, or in which a part waits for a surface to open, have no stage.
    """
    found: dict[tuple[str, str, Offer, str, date, date], Fraction] = {}
    cost: dict[tuple[str, str, Offer, str, date, date], float] = {}
    for part, months in zip(parts, laid.ways, strict=True):
        began = 0
        for month in range(1, len(months) + 1):
            if month == len(months) or _key(months[month]) != _key(months[began]):
                for way, share in months[began]:
                    span = (starts[began], starts[month - 1])
                    key = (part.workload, part.model, way.offer, way.cache_life, *span)
                    if not way.carried and not way.waiting:
                        found[key] = found.get(key, Fraction(0)) + share * part.fraction
                        cost[key] = cost.get(key, 0.0) + way.usd_per_month * share / _WHOLE
                began = month
    return tuple(Stage(*key, _plain(share), cost[key]) for key, share in found.items())


def _plain(share: Fraction) -> float:
    return share.numerator if share.denominator == 1 else float(share)


def _key(ways: Sequence[tuple[Way, int]]) -> tuple[tuple[str, str, bool, bool, int], ...]:
    return tuple(sorted((str(way.offer), way.cache_life, way.carried, way.waiting, share) for way, share in ways))


def waiting_in(parts: Sequence[Part], laid: Laid, starts: Sequence[date]) -> Mapping[tuple[str, str, date], float]:
    """The percentage of a (workload, model) that waits for a surface to open, by the first days of its months."""
    found: dict[tuple[str, str, date], Fraction] = {}
    for part, months in zip(parts, laid.ways, strict=True):
        for start, ways in zip(starts, months, strict=True):
            share = sum((share * part.fraction for way, share in ways if way.waiting), Fraction(0))
            if share:
                key = (part.workload, part.model, start)
                found[key] = found.get(key, Fraction(0)) + share
    return {key: _plain(share) for key, share in found.items()}


def lost_from(parts: Sequence[Part], laid: Laid, starts: Sequence[date]) -> Mapping[tuple[str, str], date]:
    """The first month in which nothing may carry a (workload, model) any more, where there is one."""
    found: dict[tuple[str, str], date] = {}
    for part, months in zip(parts, laid.ways, strict=True):
        for month, ways in enumerate(months):
            if any(way.carried for way, _ in ways):
                key = (part.workload, part.model)
                found[key] = min(found.get(key, starts[month]), starts[month])
                break
    return found
