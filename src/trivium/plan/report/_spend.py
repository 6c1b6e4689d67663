"""What each surface is paid month by month, as far as a decision tells it.

A workload's forecast over the horizon is spread over the months like its median demand, and within a month over its
stages by their shares. The parts add up to the forecast of the plan; a batch share is cheaper than its share of the
requests says, so the split between surfaces in one month is an approximation, and is named so where it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from trivium.plan.decision import Cone, Decided, Decision

_HALF = 0.5


def median_of(cone: Cone) -> tuple[float, ...]:
    """The median of a cone, month by month; the level nearest to a half."""
    if not cone.levels:
        return ()
    nearest = min(range(len(cone.levels)), key=lambda number: abs(cone.levels[number] - _HALF))
    return cone.quantiles[nearest]


def spend_by_surface(decision: Decision) -> Mapping[str, tuple[float, ...]]:
    """USD a month for each surface, the dearest first."""
    months = decision.total.months
    found: dict[str, list[float]] = {}
    for item in decision.workloads:
        for number, amount in enumerate(_monthly_usd(item, len(months))):
            for surface, share in _shares(item, months[number]).items():
                found.setdefault(surface, [0.0] * len(months))[number] += amount * share
    return {name: tuple(found[name]) for name in sorted(found, key=lambda name: (-sum(found[name]), name))}


def _monthly_usd(item: Decided, months: int) -> tuple[float, ...]:
    median = median_of(item.demand)[:months]
    total = sum(median)
    if total <= 0:
        return (item.forecast.mean_usd / months,) * months if months else ()
    return tuple(item.forecast.mean_usd * value / total for value in median)


def _shares(item: Decided, month: date) -> Mapping[str, float]:
    here = [stage for stage in item.stages if stage.first_month <= month <= stage.last_month]
    whole = sum(stage.share_percent for stage in here)
    found: dict[str, float] = {}
    for stage in here:
        found[stage.offer.surface] = found.get(stage.offer.surface, 0.0) + stage.share_percent / whole
    return found
