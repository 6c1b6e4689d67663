"""The days to remember as a calendar file: all-day events with alarms, the same bytes for the same decision."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import UTC, datetime, timedelta

from icalendar import Alarm, Calendar, Event

from trivium.core import Checkpoint
from trivium.plan.decision import Decision
from trivium.plan.report._lines import on_lines

_ALARMS = (timedelta(days=-14), timedelta(days=-1))


def calendar_ics(decision: Decision) -> bytes:
    """The checkpoints as iCalendar (RFC 5545).

    An event keeps its UID from plan to plan as long as its subject and its claims stay, so that importing the calendar
    of a later plan moves events instead of doubling them; its SEQUENCE grows with the day of the plan.
    """
    decision = on_lines(decision)
    calendar = Calendar()
    calendar.add("prodid", "-//Trivium//Plan//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("x-wr-calname", f"Trivium: {decision.organisation}" if decision.organisation else "Trivium")
    seen: Counter[str] = Counter()
    for point in sorted(decision.checkpoints):
        key = "\x1f".join((decision.organisation, point.subject, *(sorted(point.claim_ids) or (point.reason,))))
        seen[key] += 1
        calendar.add_component(_event(point, f"{key}\x1f{seen[key]}", decision))
    made: bytes = calendar.to_ical()
    return made


def _event(point: Checkpoint, key: str, decision: Decision) -> Event:
    event = Event()
    event.add("uid", hashlib.sha256(key.encode()).hexdigest()[:32] + "@trivium")
    event.add("dtstamp", datetime(decision.at.year, decision.at.month, decision.at.day, tzinfo=UTC))
    event.add("sequence", decision.at.toordinal())
    event.add("dtstart", point.due)
    event.add("dtend", point.due + timedelta(days=1))
    event.add("summary", f"{point.subject}: {point.reason}")
    event.add("description", _description(point, decision))
    event.add("transp", "TRANSPARENT")
    for before in _ALARMS:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", point.subject)
        alarm.add("trigger", before)
        event.add_component(alarm)
    return event


def _description(point: Checkpoint, decision: Decision) -> str:
    lines = [f"{point.subject}: {point.reason}."]
    if point.claim_ids:
        lines.append("Rests on: " + ", ".join(point.claim_ids))
    if point.due < decision.at:
        lines.append(f"It was overdue when the plan was made ({decision.at}).")
    lines.append(f"From the plan of {decision.at}, catalogue {decision.snapshot_digest[:12]}.")
    return "\n".join(lines)
