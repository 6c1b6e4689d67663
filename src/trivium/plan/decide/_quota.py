"""Quotas at the measured peak: what a placement of the first month uses of each, and the repair where it breaks one.

The repair is exact for what it decides: the placement in whole hundredths that costs least and holds every quota in
every measured minute (`plan._place`), at the prices of the first month.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from trivium.plan._candidates import Candidate, Choice
from trivium.plan._demand import Demand, Minute
from trivium.plan._facts import Quota
from trivium.plan._place import Placement, place
from trivium.plan.decide._parts import Part
from trivium.plan.decide._ways import Way

WHOLE = 100
_PICOS = 10**12


@dataclass(frozen=True)
class Held:
    """The first month's placement that holds every quota: per part, the ways with their hundredths."""

    shares: tuple[tuple[tuple[Way, int], ...], ...]
    broken: tuple[tuple[Quota, int, int], ...]  # (quota, peak, minute) that the wish would have broken
    repaired: bool
    placement: Placement | None = None


def hold(parts: Sequence[Part], wish: Sequence[Way], ways: Sequence[Sequence[Way]], quotas: Sequence[Quota]) -> Held:
    """The wish if every quota holds at every minute, else the cheapest placement that does.

    UserError or NoPrice from `place` if there is none: no division of the parts over their ways holds all quotas.
    """
    demands = [_demand_of(part) for part in parts]
    broken = tuple(found for quota in quotas if (found := _worst(demands, wish, quota)) is not None)
    if not broken:
        return Held(tuple(((way, WHOLE),) for way in wish), (), repaired=False)
    choices = [_choice(*each) for each in zip(parts, demands, wish, ways, strict=True)]
    placement = place(choices, tuple(quotas), WHOLE)
    shares = tuple(
        tuple((ways[number][candidate], share) for candidate, share in placement.shares(number))
        for number in range(len(parts))
    )
    return Held(shares, broken, repaired=True, placement=placement)


def _demand_of(part: Part) -> Demand:
    """The demand with the part's fraction of every minute, rounded up."""
    if part.fraction == 1:
        return part.demand
    return replace(part.demand, minutes=tuple(_part_of(minute, part.fraction) for minute in part.demand.minutes))


def _part_of(minute: Minute, fraction: Fraction) -> Minute:
    counts = (minute.requests, minute.input, minute.output, minute.cached, minute.joined_5m, minute.joined_1h)
    return Minute(minute.minute, *(-(-count * fraction.numerator // fraction.denominator) for count in counts))


def _worst(demands: Sequence[Demand], wish: Sequence[Way], quota: Quota) -> tuple[Quota, int, int] | None:
    """The minute that passes a quota by most, None if none does."""
    loads: dict[int, int] = {}
    for demand, way in zip(demands, wish, strict=True):
        if quota.covers(way.offer):
            for minute, load in quota.drawn(demand, way.cache_life).items():
                loads[minute] = loads.get(minute, 0) + load
    at, load = max(loads.items(), key=lambda item: (item[1], -item[0]), default=(0, 0))
    return (quota, load, at) if load > quota.limit else None


def _choice(part: Part, demand: Demand, mine: Way, options: Sequence[Way]) -> Choice:
    """The part's ways as candidates at what a month of each costs; the wish wins among equals by being its home."""
    rows = tuple(replace(row, offer=mine.offer) for row in demand.rows)
    months = [round(way.usd_per_month * _PICOS) for way in options]  # parts may be of spans of different lengths
    candidates = tuple(
        Candidate(way.offer, way.cache_life, picos, picos) for way, picos in zip(options, months, strict=True)
    )
    return Choice(replace(demand, rows=rows), part.requirement, candidates, ())
