"""The public trace of Claude Code sessions (WEKA): requests.csv.gz, with sessions.csv beside it.

The trace knows times relative to each session only, so sessions are laid on a calendar: the n-th begins n gaps
after the start, 2026-04-15 if the options name none. A reused prefix counts as a cache read and new input as a
five-minute write. The reuse is an upper bound of what a cache would have served, so the counts are marked as estimated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from trivium.core import Closed, Opened, Outcome, Quality, Usage, UsageEvent, UserError
from trivium.ledger.importers._common import BadRow, ImportOptions, Row, table

NAME = "claude_code_trace"
START = datetime(2026, 4, 15, tzinfo=UTC)  # the day on which replays of this trace are pinned
SESSION_GAP = timedelta(minutes=2)
COLUMNS = (
    *("session", "subagent", "i", "t_s", "stream", "model", "input_tokens", "prefix_reused_tokens"),
    *("new_input_tokens", "output_tokens", "api_time_s", "think_time_s", "ttft_s", "stop"),
)
_SESSION_COLUMNS = ("session", "tool_tokens", "system_tokens")


@dataclass(frozen=True, slots=True)
class _Session:
    start: datetime
    tags: Mapping[str, str]


def read(
    path: Path,
    options: ImportOptions = ImportOptions(),  # noqa: B008  frozen, so one default serves all
    *,
    session_gap: timedelta = SESSION_GAP,
) -> Iterator[UsageEvent]:
    """The requests in the order of the file: session by session, each from its start."""
    start = options.start or START
    gap = session_gap if options.session_gap is None else options.session_gap
    requests, sessions = _files(path)
    known = _sessions(sessions, options) if sessions.exists() else {}
    laid: dict[str, _Session] = {}
    for row in table(requests, COLUMNS, options):
        try:
            name = row.named("session")
            if name not in laid:
                laid[name] = _Session(start + len(laid) * gap, known.get(name, {}))
            yield _event(row, laid[name], options)
        except BadRow as bad:
            options.refuse(bad)


def _files(path: Path) -> tuple[Path, Path]:
    if path.is_dir():
        found = [path / name for name in ("requests.csv.gz", "requests.csv") if (path / name).exists()]
        if not found:
            raise UserError("file", str(path), "give a folder with requests.csv.gz, or the file itself")
        path = found[0]
    return path, path.with_name("sessions.csv")


def _sessions(path: Path, options: ImportOptions) -> dict[str, dict[str, str]]:
    """What belongs to a session as a whole: the size of its tools and of its system prompt."""
    found = {}
    for row in table(path, _SESSION_COLUMNS, ImportOptions(on_bad=options.on_bad)):
        try:
            found[row.named("session")] = {
                name: str(row.count(name)) for name in ("tool_tokens", "system_tokens") if row.text(name)
            }
        except BadRow as bad:
            options.refuse(bad)
    return found


def _event(row: Row, session: _Session, options: ImportOptions) -> UsageEvent:
    name, subagent = row.text("session"), row.text("subagent")
    event_id = f"{NAME}:{name}:{subagent}:{row.count('i')}"
    reused, new, prompt = row.count("prefix_reused_tokens"), row.count("new_input_tokens"), row.count("input_tokens")
    if reused + new != prompt:
        raise row.source.bad("new_input_tokens", new, f"{reused} reused and {new} new must give {prompt}")
    at = session.start + timedelta(microseconds=row.scaled("t_s", 1_000_000) or 0)
    latency_ms = row.scaled("api_time_s", 1000)
    offer = options.offer(row.named("model"))
    tags = {"trace": NAME, "subagent": subagent or "main", **session.tags, **options.tags}
    if think_time := row.text("think_time_s"):
        row.scaled("think_time_s", 1000)  # refused here if it is no time
        tags["think_time_s"] = think_time
    values = {"model": offer.model, "session": name, "subagent": subagent or "main"}
    return UsageEvent(
        Opened(
            event_id=event_id,
            request_id=event_id,
            attempt=1,
            at=at,
            offer=offer,
            workload=options.workload_of("claude-code", values),
            session=name,
            stream=_flag(row),
            tags=tags,
        ),
        Closed(
            event_id=event_id,
            at=at + timedelta(milliseconds=latency_ms or 0),
            outcome=Outcome.OK,
            usage=Usage(output=row.count("output_tokens"), cache_read=reused, cache_write_5m=new),
            quality=Quality.ESTIMATED,
            ttft_ms=row.scaled("ttft_s", 1000),
            latency_ms=latency_ms,
            stop_reason=row.text("stop"),
        ),
    )


def _flag(row: Row) -> bool:
    value = row.text("stream")
    if value not in {"True", "False"}:
        raise row.source.bad("stream", value, "give True or False")
    return value == "True"
