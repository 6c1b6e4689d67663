"""The ledger's own export: whole events, as `trivium ledger export` writes them; refused if it was cut short."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from trivium.core import Closed, Offer, Opened, Outcome, Quality, Usage, UsageEvent, UserError
from trivium.ledger._export import FORMAT, READS
from trivium.ledger.importers._common import BadRow, ImportOptions, Source, json_lines

NAME = "ledger_export"


class _Offer(msgspec.Struct, forbid_unknown_fields=True):
    surface: str
    scope: str
    model: str
    tier: str


class _Opened(msgspec.Struct, forbid_unknown_fields=True):
    event_id: str
    request_id: str
    attempt: int
    at: datetime
    offer: _Offer
    workload: str
    key_id: str
    session: str
    endpoint: str
    stream: bool
    tags: dict[str, str]
    prompt_bytes: int
    max_output_tokens: int | None
    decision: str = ""  # version 1 has none


class _Closed(msgspec.Struct, forbid_unknown_fields=True):
    event_id: str
    at: datetime
    outcome: Outcome
    quality: Quality
    usage: dict[str, int | None]
    http_status: int | None
    ttft_ms: int | None
    latency_ms: int | None
    upstream_request_id: str
    stop_reason: str
    error_type: str
    usage_lower: dict[str, int | None] | None = None
    usage_upper: dict[str, int | None] | None = None


class _Event(msgspec.Struct, forbid_unknown_fields=True):
    opened: _Opened
    closed: _Closed


def read(path: Path, options: ImportOptions = ImportOptions()) -> Iterator[UsageEvent]:  # noqa: B008  frozen
    """The events in the order of the file. Options other than tags and workload are not applied: it is a copy."""
    seen, end = 0, None
    header = False
    for opened, line in json_lines(path, options):
        if not header:
            _check_header(path, line)
            header = True
        elif "end" in line:
            end = line["end"]
        else:
            seen += 1
            try:
                yield _event(opened, line, options)
            except BadRow as bad:
                options.refuse(bad)
    if not header or end != seen:
        told = "has no end" if end is None else f"says it holds {end!r}"
        raise UserError(str(path), seen, f"{seen} events read, but the file {told}: it was cut short; export it again")


def _check_header(path: Path, line: dict[str, Any]) -> None:
    if line.get("format") != FORMAT:
        raise UserError(f"{path}: format", line.get("format"), f"give a file that begins with the format {FORMAT}")
    if line.get("version") not in READS:
        raise UserError(
            f"{path}: version", line.get("version"), f"this program reads versions {READS[0]} to {READS[-1]}"
        )


def _event(opened: Source, line: dict[str, Any], options: ImportOptions) -> UsageEvent:
    try:
        event = msgspec.convert(line, _Event)
        ended = msgspec.structs.asdict(event.closed)
        counts = {
            name: Usage(**ended[name]) for name in ("usage", "usage_lower", "usage_upper") if ended[name] is not None
        }
    except (msgspec.ValidationError, TypeError) as error:
        raise opened.bad("event", str(line)[:60], str(error)) from error
    except UserError as error:
        raise opened.bad(error.field, error.value, error.remedy) from error
    if event.opened.at.tzinfo is None or event.closed.at.tzinfo is None:
        raise opened.bad("at", event.opened.at.isoformat(), "give instants with a time zone")
    values = msgspec.structs.asdict(event.opened)
    values["offer"] = Offer(**msgspec.structs.asdict(event.opened.offer))
    start = Opened(**values)
    if options.workload is not None or options.tags:
        named = {"workload": start.workload, "model": start.offer.model, "session": start.session}
        workload = options.workload_of(start.workload, named)
        start = replace(start, workload=workload, tags={**start.tags, **options.tags})
    return UsageEvent(start, Closed(**ended | counts))
