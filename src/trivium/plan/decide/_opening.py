"""When each surface can be open, and where a part is until then.

A surface that the organisation uses today is open. Any other may carry nothing before the first month that begins when
its opening weeks are over. Until a part has an open surface that it may run on, it waits: what runs today stays where
it runs, at what it costs there, and what runs nowhere yet begins later, without use before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from itertools import count

from trivium.core import NoPrice
from trivium.plan._demand import Demand
from trivium.plan._market import AS_SENT, baseline_cost
from trivium.plan._months import DAYS_PER_MONTH, add_months
from trivium.plan.decide._parts import Part
from trivium.plan.decide._ways import Terms, Way, Ways, month_markets
from trivium.plan.org import Onboarding, Organisation

_DAYS_PER_WEEK = 7
_Months = tuple[Mapping[str, Way], ...]
_Every = tuple[tuple[Way, ...], ...]


def in_use(organisation: Organisation, demands: Sequence[Demand]) -> frozenset[str]:
    """Surfaces that carry requests today, or are said to be open."""
    done = {name for name, entry in organisation.onboarding.items() if entry.done}
    if organisation.about.nothing_runs:
        return frozenset(done)
    return frozenset(done | {offer.surface for demand in demands for offer, _ in demand.offers})


def opening_month(entry: Onboarding, at: date) -> int:
    """The first month, counted from a day, that begins when the opening weeks are over."""
    days = timedelta(days=-(-Fraction(entry.weeks) * _DAYS_PER_WEEK // 1))
    return next(month for month in count() if add_months(at, month) >= at + days)


def opening_months(
    surfaces: Sequence[str], organisation: Organisation, demands: Sequence[Demand], at: date
) -> tuple[int, ...]:
    """The first month in which each surface may carry anything: 0 where it is open; it may lie beyond the horizon."""
    used = in_use(organisation, demands)
    entries = organisation.onboarding
    return tuple(0 if name in used else opening_month(entries.get(name, Onboarding()), at) for name in surfaces)


@dataclass(frozen=True)
class Opened:
    """Ways in time: of each part and month only what is open, or what the part waits on."""

    ways: Ways
    waits: tuple[int, ...]  # [part] months before the first in which it may be placed
    late: Mapping[int, str]  # parts that no open surface can carry within the horizon, and why


def in_time(found: Ways, parts: Sequence[Part], terms: Terms, organisation: Organisation, at: date) -> Opened:
    """Ways without those on surfaces that are not open yet; a part that fits no surface at all is left as it is."""
    demands = [part.demand for part in parts]
    opens = dict(zip(found.surfaces, opening_months(found.surfaces, organisation, demands, at), strict=True))
    best, every, waits, late = [], [], [], {}
    for number, part in enumerate(parts):
        open_best = tuple(
            {name: way for name, way in options.items() if opens[name] <= month}
            for month, options in enumerate(found.best[number])
        )
        open_every = tuple(
            tuple(way for way in ways if opens[way.offer.surface] <= month)
            for month, ways in enumerate(found.every[number])
        )
        begin = next((month for month, options in enumerate(open_best) if options), None)
        if found.best[number][0] and begin is None:
            late[number] = _late(found.best[number], opens, organisation, at)
        if found.best[number][0] and begin:
            waiting = _waiting(part, found.best[number], begin, opens, terms, organisation, at)
            open_best = (*({way.offer.surface: way} for way in waiting), *open_best[begin:])
            open_every = (*((way,) for way in waiting), *open_every[begin:])
        carried = _carried(open_best, open_every) if begin is not None else (open_best, open_every)
        best.append(carried[0])
        every.append(carried[1])
        waits.append(begin or 0)
    there = dict.fromkeys(name for months in best for options in months for name in options)
    surfaces = (*found.surfaces, *(name for name in there if name not in found.surfaces))
    return Opened(replace(found, surfaces=surfaces, best=tuple(best), every=tuple(every)), tuple(waits), late)


def _waiting(
    part: Part,
    best: _Months,
    begin: int,
    opens: Mapping[str, int],
    terms: Terms,
    organisation: Organisation,
    at: date,
) -> list[Way]:
    """What a part is on in each month before `begin`: where it runs, or nothing, on the surface that it waits for."""
    if organisation.about.nothing_runs:
        able = [way for name, way in best[begin].items() if opens[name] == begin] or list(best[begin].values())
        way = min(able, key=lambda way: (way.span_picos, str(way.offer)))
        return [replace(way, span_picos=Fraction(0), usd_per_month=0.0, claim_ids=(), waiting=True)] * begin
    starts = tuple(add_months(at, month) for month in range(begin))
    found = []
    for month, market in enumerate(month_markets(terms.book, starts)):
        try:
            picos = Fraction(baseline_cost(part.demand, market)) * part.fraction
        except NoPrice:  # it is no longer sold: what it would cost at least where it is going
            picos = min((way.span_picos for way in best[month].values()), default=Fraction(0))
        usd = float(picos) / 1e12 / terms.span_days[part.workload] * DAYS_PER_MONTH
        found.append(Way(part.demand.home, AS_SENT, picos, usd, (), waiting=True))
    return found


def _carried(best: _Months, every: _Every) -> tuple[_Months, _Every]:
    """A month between the end of one surface and the opening of the next: it stays where it was, at the last price."""
    kept_best, kept_every = [best[0]], [every[0]]
    for options, ways in zip(best[1:], every[1:], strict=True):
        last = {name: replace(way, waiting=True) for name, way in kept_best[-1].items()}
        kept_best.append(options or last)
        kept_every.append(ways or tuple(last.values()))
    return tuple(kept_best), tuple(kept_every)


def _late(best: _Months, opens: Mapping[str, int], organisation: Organisation, at: date) -> str:
    names = sorted({name for options in best for name in options}, key=lambda name: (opens[name], name))
    told = []
    for name in names:
        weeks = organisation.onboarding.get(name, Onboarding()).weeks
        told.append(f"{name} from {add_months(at, opens[name])} (opening it takes {weeks} weeks)")
    return f"no platform that it may run on is open within the horizon: {', '.join(told)}"
