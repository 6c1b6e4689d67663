"""What each surface is paid month by month: what the decision tells, else an approximation.

Where it does not tell it, a workload's forecast over the horizon is spread over the months like its median demand, and
within a month over its stages by what each of them costs (by their shares, where a decision does not tell that). The
parts add up to the forecast of the plan; the split between months is then an approximation, and is named so where it is
shown.
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
    if decision.spend:
        told = dict(decision.spend)
        return {name: told[name] for name in sorted(told, key=lambda name: (-sum(told[name]), name))}
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
    costs = [stage.usd_per_month for stage in here]
    weights = costs if all(cost > 0 for cost in costs) else [stage.share_percent for stage in here]
    found: dict[str, float] = {}
    for stage, weight in zip(here, weights, strict=True):
        found[stage.offer.surface] = found.get(stage.offer.surface, 0.0) + weight / sum(weights)
    return found
