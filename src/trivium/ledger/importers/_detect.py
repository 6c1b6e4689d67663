"""Which importer reads a file: decided by its first line, never by its name."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from trivium.core import UsageEvent, UserError
from trivium.ledger._export import FORMAT
from trivium.ledger.importers import (
    azure_2023,
    claude_code_logs,
    claude_code_trace,
    ledger_export,
    servegen,
    tracelab,
)
from trivium.ledger.importers._common import BadRow, ImportOptions, source

Read = Callable[[Path, ImportOptions], Iterator[UsageEvent]]

_READERS: dict[str, Read] = {
    claude_code_trace.NAME: claude_code_trace.read,
    claude_code_logs.NAME: claude_code_logs.read,
    azure_2023.NAME: azure_2023.read,
    tracelab.NAME: tracelab.read,
    ledger_export.NAME: ledger_export.read,
}
EVENT_FORMATS = tuple(_READERS)
FORMATS = (*EVENT_FORMATS, servegen.NAME)

_MOVABLE = (claude_code_trace.NAME, azure_2023.NAME)  # traces whose dates say nothing about a bill

_TABLES = (
    (claude_code_trace.NAME, claude_code_trace.COLUMNS),
    (azure_2023.NAME, azure_2023.COLUMNS),
    (servegen.NAME, servegen.COLUMNS),
    (servegen.NAME, servegen.SHAPE_COLUMNS),
)
_LOG_LINES_MAX = 50  # a session log may begin with summaries and snapshots


def reader(name: str) -> Read:
    """The importer of a format that holds events; UserError if there is none."""
    if name not in _READERS:
        raise UserError("format", name, f"use one of {', '.join(EVENT_FORMATS)}")
    return _READERS[name]


def check_start(name: str) -> None:
    """UserError if a format's dates are facts that must not be moved."""
    if name not in _MOVABLE:
        raise UserError("start", name, f"only {' and '.join(_MOVABLE)} can be laid on another calendar")


def detect(path: Path) -> str:
    """The name of the importer that reads a file or folder; UserError if none does."""
    if path.is_dir():
        if any((path / name).exists() for name in ("requests.csv.gz", "requests.csv")):
            return claude_code_trace.NAME
        if next(path.rglob("*.jsonl"), None) is not None:
            return claude_code_logs.NAME
        raise UserError("file", str(path), f"no format known here; formats: {', '.join(FORMATS)}")
    with source(path, ImportOptions()) as opened:
        try:
            head = [line for line, _ in zip(opened.lines(), range(_LOG_LINES_MAX), strict=False)]
        except BadRow as error:
            raise UserError("file", str(path), "give a text file in UTF-8, compressed by gzip or not") from error
    found = _table(head) or _lines(head)
    if found is None:
        raise UserError("file", str(path), f"no importer knows this form; name one with --format: {', '.join(FORMATS)}")
    return found


def _table(head: list[str]) -> str | None:
    try:
        columns = set(next(csv.reader(head[:1]), []))
    except csv.Error:  # a field beyond every header's: not a table
        return None
    return next((name for name, wanted in _TABLES if columns.issuperset(wanted)), None)


def _lines(head: list[str]) -> str | None:
    for number, line in enumerate(head):
        try:
            value = msgspec.json.decode(line)
        except (msgspec.DecodeError, RecursionError):
            continue
        if not isinstance(value, dict):
            continue
        if number == 0 and value.get("format") == FORMAT:
            return ledger_export.NAME
        if "round_id" in value and "timing_events" in value:
            return tracelab.NAME
        if "sessionId" in value and "type" in value:
            return claude_code_logs.NAME
    return None
