"""UW TraceLab rounds (sanitized JSON lines): absolute times and the real split of cache reads and creations.

A round begins when its last input arrived (the user's message, or the results of tools) and ends with its last
output. The trace does not say how long a created cache lives: creations count as five-minute writes, so the counts
are estimates.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from trivium.core import COUNT_MAX, Closed, Opened, Outcome, Quality, Usage, UsageEvent, parse_utc
from trivium.ledger.importers._common import BadRow, ImportOptions, Source, json_lines

NAME = "tracelab"
_INPUTS = {"user_message", "tool_result"}


def read(path: Path, options: ImportOptions = ImportOptions()) -> Iterator[UsageEvent]:  # noqa: B008  frozen
    """The rounds in the order of the file."""
    for opened, row in json_lines(path, options):
        try:
            yield _event(opened, row, options)
        except BadRow as bad:
            options.refuse(bad)


def _event(opened: Source, row: dict[str, Any], options: ImportOptions) -> UsageEvent:
    round_id, session, model = (_text(opened, row, name) for name in ("round_id", "session_id", "model"))
    at, end = _span(opened, row)
    offer = options.offer(model)
    event_id = f"{NAME}:{session}:{round_id}"
    project = str(row.get("project") or "")
    values = {"model": offer.model, "session": session, "project": project}
    return UsageEvent(
        Opened(
            event_id=event_id,
            request_id=event_id,
            attempt=1,
            at=at,
            offer=offer,
            workload=options.workload_of("tracelab", values),
            session=session,
            tags={"trace": NAME, "provider": str(row.get("provider") or ""), "project": project, **options.tags},
        ),
        Closed(
            event_id=event_id,
            at=end,
            outcome=Outcome.OK,
            usage=_usage(opened, row),
            quality=Quality.ESTIMATED,
            latency_ms=round((end - at).total_seconds() * 1000),
        ),
    )


def _usage(opened: Source, row: dict[str, Any]) -> Usage:
    output = _count(opened, row, "output_tokens")
    if row.get("provider") != "claude":
        prefix, new = _count(opened, row, "prefix_tokens"), _count(opened, row, "newly_append_tokens")
        return Usage(input=new, output=output, cache_read=prefix)
    fresh = _count(opened, row, "claude_uncached_input_tokens")
    created = _count(opened, row, "claude_cache_creation_input_tokens")
    read_back = _count(opened, row, "claude_cache_read_input_tokens")
    total = _count(opened, row, "input_tokens_total")
    if fresh + created + read_back != total:
        remedy = f"{fresh} uncached, {created} created and {read_back} read must give it"
        raise opened.bad("input_tokens_total", total, remedy)
    return Usage(input=fresh, output=output, cache_read=read_back, cache_write_5m=created)


def _span(opened: Source, row: dict[str, Any]) -> tuple[datetime, datetime]:
    events = row.get("timing_events")
    if not isinstance(events, list) or not events:
        raise opened.bad("timing_events", events, "give at least one event with a timestamp")
    begin: datetime | None = None
    end: datetime | None = None
    for event in events:
        if not isinstance(event, dict):
            raise opened.bad("timing_events", event, "give objects")
        try:
            at = parse_utc(str(event.get("timestamp")))
        except ValueError as error:
            raise opened.bad("timing_events.timestamp", event.get("timestamp"), "give an ISO instant") from error
        if event.get("event_type") in _INPUTS and end is None:
            begin = at if begin is None else max(begin, at)
        else:
            end = at if end is None else max(end, at)
    begin = begin or end
    if begin is None:
        raise opened.bad("timing_events", events, "give at least one event with a timestamp")
    return begin, max(begin, end or begin)


def _text(opened: Source, row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value:
        raise opened.bad(name, value, "give a text")
    return value


def _count(opened: Source, row: dict[str, Any], name: str) -> int:
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= COUNT_MAX:
        raise opened.bad(name, value, "give a whole number, 0 or more")
    return value
