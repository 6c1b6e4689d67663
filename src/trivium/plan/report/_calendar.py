"""The days to remember as a calendar file: all-day events with alarms, the same bytes for the same decision."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from icalendar import Alarm, Calendar, Event

from trivium.core import Checkpoint
from trivium.plan.decision import Decision
from trivium.plan.report._lines import on_lines

_ALARMS = (timedelta(days=-14), timedelta(days=-1))


@dataclass(frozen=True, slots=True)
class CalendarOf:
    """Whose days they are, and what found them: `made_by` is `plan`, or the name of another check."""

    organisation: str
    at: date
    snapshot_digest: str
    made_by: str = "plan"


def calendar_ics(decision: Decision) -> bytes:
    """The checkpoints as iCalendar (RFC 5545).

    An event keeps its UID from plan to plan as long as its subject and its claims stay, so that importing the calendar
    of a later plan moves events instead of doubling them; its SEQUENCE grows with the day of the plan.
    """
    return checkpoints_ics(
        decision.checkpoints, CalendarOf(decision.organisation, decision.at, decision.snapshot_digest)
    )


def checkpoints_ics(points: Sequence[Checkpoint], of: CalendarOf) -> bytes:
    """The same of any checkpoints; those that a plan names too have the UID that the plan's calendar gives them."""
    of, points = on_lines(of), on_lines(tuple(points))
    calendar = Calendar()
    calendar.add("prodid", "-//Trivium//Plan//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("x-wr-calname", f"Trivium: {of.organisation}" if of.organisation else "Trivium")
    seen: Counter[str] = Counter()
    for point in sorted(points):
        key = "\x1f".join((of.organisation, point.subject, *(sorted(point.claim_ids) or (point.reason,))))
        seen[key] += 1
        calendar.add_component(_event(point, f"{key}\x1f{seen[key]}", of))
    made: bytes = calendar.to_ical()
    return made


def _event(point: Checkpoint, key: str, of: CalendarOf) -> Event:
    event = Event()
    event.add("uid", hashlib.sha256(key.encode()).hexdigest()[:32] + "@trivium")
    event.add("dtstamp", datetime(of.at.year, of.at.month, of.at.day, tzinfo=UTC))
    event.add("sequence", of.at.toordinal())
    event.add("dtstart", point.due)
    event.add("dtend", point.due + timedelta(days=1))
    event.add("summary", f"{point.subject}: {point.reason}")
    event.add("description", _description(point, of))
    event.add("transp", "TRANSPARENT")
    for before in _ALARMS:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", point.subject)
        alarm.add("trigger", before)
        event.add_component(alarm)
    return event


def _description(point: Checkpoint, of: CalendarOf) -> str:
    lines = [f"{point.subject}: {point.reason}."]
    if point.claim_ids:
        lines.append("Rests on: " + ", ".join(point.claim_ids))
    if point.due < of.at:
        lines.append(f"It was overdue when the {of.made_by} was made ({of.at}).")
    lines.append(f"From the {of.made_by} of {of.at}, catalogue {of.snapshot_digest[:12]}.")
    return "\n".join(lines)
