"""Usage that nobody measured here: sessions drawn from a profile, spread over four weeks, scaled to a stated volume."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trivium.core import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from trivium.core import UsageEvent
    from trivium.lab.profile import Profile
    from trivium.plan import BandUsage, Demand, Minute
    from trivium.plan.org import Assumption, Organisation

SHIPPED = "shipped"
_DAYS = 28
_SESSIONS = 300  # enough for totals that vary little from seed to seed, and drawn in a second or two
_COPIES_MAX = 64
_DAYS_PER_MONTH = Fraction(365_25, 12_00)


def from_profile(organisation: Organisation, base: Path, bands: Sequence[int], at: date) -> tuple[Demand, ...]:
    """Demand of the file's one workload as its profile draws it, at `requests_per_month` in the weeks before a day."""
    from trivium.plan import demand_from_events

    wanted = organisation.usage.requests_per_month
    if wanted is None or wanted < 1:
        raise UserError("usage.requests_per_month", wanted, "give how many requests a month to expect: 1 or more")
    name = _workload(organisation)
    start = datetime(at.year, at.month, at.day, tzinfo=UTC) - timedelta(days=_DAYS)
    profile = _read(organisation.usage.profile, base)
    drawn = demand_from_events(_spread(profile, organisation.about.seed, start, name), band_starts=bands)
    first = min(demand.first_at for demand in drawn if demand.first_at)
    last = max(demand.last_at for demand in drawn if demand.last_at)
    days = Fraction((last - first) / timedelta(days=1))
    factor = Fraction(wanted) * days / _DAYS_PER_MONTH / sum(demand.requests for demand in drawn)
    return tuple(_scaled(demand, factor, organisation.about.seed) for demand in drawn)


def assumed(organisation: Organisation) -> tuple[Assumption, ...]:
    """What stands in for usage that nobody has measured."""
    from trivium.plan.org import Assumption

    told = organisation.usage
    remedy = "give measured usage: a trace, a table, or the ledger"
    volume = Assumption("usage.requests_per_month", str(told.requests_per_month), "stated, not measured", remedy)
    why = "sizes, models, cache reads and times are drawn from sessions of someone else"
    return (Assumption("usage.profile", told.profile, why, remedy), volume)


def _workload(organisation: Organisation) -> str:
    names = list(organisation.workloads)
    if len(names) > 1:
        raise UserError("usage.profile", ", ".join(names), "a profile is one workload: leave one in [workloads]")
    return names[0] if names else "profile"


def _read(name: str, base: Path) -> Profile:
    from trivium.lab.profile import load_profile, shipped_profile

    if name == SHIPPED:
        return shipped_profile()
    path = base / name
    try:
        return load_profile(path)
    except OSError as error:
        raise UserError("usage.profile", str(path), f"give `{SHIPPED}` or a profile file ({error.strerror})") from error
    except (UserError, ValueError, RecursionError) as error:
        remedy = f"give `{SHIPPED}`, or a file that `trivium profile measure` wrote ({error})"
        raise UserError("usage.profile", str(path), remedy) from error


def _spread(profile: Profile, seed: int, start: datetime, workload: str) -> Iterator[UsageEvent]:
    """Drawn sessions, all of one day, in turn on each of the days: a session stays whole."""
    from trivium.lab.profile import draw

    days: dict[str, timedelta] = {}
    found = []
    for event in draw(profile, seed, start, sessions=_SESSIONS):
        later = days.setdefault(event.opened.session, timedelta(days=len(days) % _DAYS))
        opened = replace(event.opened, at=event.opened.at + later, workload=workload)
        found.append(replace(event, opened=opened, closed=replace(event.closed, at=event.closed.at + later)))
    found.sort(key=lambda event: (event.opened.at, event.opened.event_id))
    yield from found


def _scaled(demand: Demand, factor: Fraction, seed: int) -> Demand:
    """The same shape with more or less of it; every count is rounded to a whole one."""

    def times(count: int) -> int:
        return round(count * factor)

    def counts(row: BandUsage) -> dict[str, Any]:
        return {item.name: times(getattr(row, item.name)) for item in fields(row)[2:]}

    rows = tuple(replace(row, **counts(row)) for row in demand.rows)
    gaps = tuple(replace(gap, requests=times(gap.requests), cached=times(gap.cached)) for gap in demand.gaps)
    return replace(
        demand,
        rows=rows,
        minutes=_together(demand.minutes, factor, seed),
        gaps=gaps,
        sessions=times(demand.sessions),
        conversations=times(demand.conversations),
        streamed=times(demand.streamed),
    )


def _together(minutes: Sequence[Minute], factor: Fraction, seed: int) -> tuple[Minute, ...]:
    """The minutes of more work: copies at other times, since more people do not all work harder in one minute."""
    import numpy as np

    from trivium.plan import Minute

    if not minutes:
        return ()
    copies = min(max(round(factor), 1), _COPIES_MAX)
    span = _DAYS * 24 * 60
    shifts = np.random.default_rng(seed).integers(0, span, copies)
    names = [item.name for item in fields(Minute)[1:]]
    first = min(minute.minute for minute in minutes)
    at = np.array([minute.minute - first for minute in minutes])
    found = np.zeros((span, len(names)))
    values = np.array([[getattr(minute, name) for name in names] for minute in minutes], dtype=np.float64)
    for shift in shifts:
        np.add.at(found, (at + shift) % span, values)
    found = np.rint(found * float(factor / copies))
    used = np.flatnonzero(found.any(axis=1))
    return tuple(Minute(first + int(minute), *map(int, found[minute])) for minute in used)
