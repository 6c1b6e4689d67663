"""Reads an export: which report it is by its header, else by what the caller says it is."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trivium.core import UserError
from trivium.plan.seats import _github as github
from trivium.plan.seats import _microsoft as microsoft
from trivium.plan.seats._fields import Field, Table, place_fields
from trivium.plan.seats._values import SeatUsage

Build = Callable[[Table], SeatUsage | tuple[SeatUsage, ...]]


@dataclass(frozen=True, slots=True)
class Report:
    """A kind of table. Without a documented header it is read only if the caller names it and maps its columns."""

    name: str
    title: str
    fields: tuple[Field, ...]
    build: Build
    documented: bool = True


REPORTS: tuple[Report, ...] = (
    Report("github-billing", "GitHub metered, premium request or AI usage", github.BILLING_FIELDS, github.read_billing),
    Report(github.LEGACY, "GitHub premium requests, before 2025-12", github.LEGACY_FIELDS, github.read_legacy),
    Report(
        microsoft.USER_DETAIL,
        "Microsoft 365 Copilot usage user detail",
        microsoft.USER_FIELDS,
        microsoft.read_user_detail,
    ),
    Report(microsoft.AZURE, "Azure cost details with Copilot meters", microsoft.AZURE_FIELDS, microsoft.read_azure),
    Report(
        microsoft.TELEMETRY,
        "Business Central Copilot telemetry (RT0055)",
        microsoft.TELEMETRY_FIELDS,
        microsoft.read_telemetry,
    ),
    Report(
        microsoft.LICENCES, "licences per user", microsoft.LICENCE_FIELDS, microsoft.read_licences, documented=False
    ),
    Report(
        microsoft.CREDITS,
        "Copilot Credits (Copilot Studio, Power Platform or Microsoft 365 admin centre)",
        microsoft.CREDIT_FIELDS,
        microsoft.read_credits,
        documented=False,
    ),
)


def read_seats(path: Path, *, report: str = "", columns: Mapping[str, str] | None = None) -> tuple[SeatUsage, ...]:
    """An export as values, most often one; `columns` maps our fields to its columns where their names differ.

    UserError names the file, the row and the column of what cannot be read, or the columns of a header nobody knows.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError("FILE", str(path), f"name a file that can be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise UserError("FILE", str(path), "save it as UTF-8") from error
    return read_seats_text(path.name, text, report=report, columns=columns)


def read_seats_text(
    source: str, text: str, *, report: str = "", columns: Mapping[str, str] | None = None
) -> tuple[SeatUsage, ...]:
    """The same from its text."""
    if not text.strip():
        raise UserError(source, "empty", "give an export with rows")
    if text.lstrip()[0] in "[{":
        return (_read_json(source, text),)
    try:
        rows = tuple(tuple(row) for row in csv.reader(io.StringIO(text, newline="")) if row)
    except csv.Error as error:
        raise UserError(source, str(error), "give valid CSV") from error
    header = rows[0]
    chosen, place = _choose(source, header, report, columns or {})
    for line, row in enumerate(rows[1:], 2):
        if len(row) != len(header):
            raise UserError(f"{source}:{line}", len(row), f"the header has {len(header)} columns: quote commas")
    found = chosen.build(Table(source, header, rows[1:], place))
    return found if isinstance(found, tuple) else (found,)


def _choose(
    source: str, header: Sequence[str], report: str, columns: Mapping[str, str]
) -> tuple[Report, Mapping[str, int]]:
    if report:
        known = {item.name: item for item in REPORTS}
        if report not in known:
            raise UserError("report", report, f"use one of {', '.join(known)}")
        chosen = known[report]
        if not chosen.documented and not columns:
            raise UserError("columns", source, _mapping_remedy(chosen, header))
        place = place_fields(source, header, chosen.fields, columns)
        if place is None:
            raise UserError("columns", source, _mapping_remedy(chosen, header))
        return chosen, place
    if columns:
        raise UserError("report", "", f"name the report with its columns: {', '.join(item.name for item in REPORTS)}")
    found = [
        (len(place), item, place)
        for item in REPORTS
        if item.documented and (place := place_fields(source, header, item.fields, {})) is not None
    ]
    if not found:
        names = ", ".join(f"{item.name} ({item.title})" for item in REPORTS)
        raise UserError(
            source,
            ", ".join(header),
            f"no documented export has this header; name the report and map its columns; reports: {names}",
        )
    _, chosen, place = max(found, key=lambda item: item[0])
    return chosen, place


def _mapping_remedy(report: Report, header: Sequence[str]) -> str:
    need = ", ".join(field.name for field in report.fields if field.required)
    more = ", ".join(field.name for field in report.fields if not field.required)
    rest = f" (also {more})" if more else ""
    return f"{report.title}: map {need}{rest} to its columns, which are {', '.join(header)}"


def _read_json(source: str, text: str) -> SeatUsage:
    records = _records(source, text)
    if github.is_metrics(records):
        return github.read_metrics(source, records)
    kind = microsoft.json_kind(records[0])
    if kind == microsoft.COSTS:
        return microsoft.read_costs(source, records)
    if kind == microsoft.USER_DETAIL:
        return microsoft.read_user_detail_json(source, records)
    if kind == microsoft.COUNTS:
        return microsoft.read_user_counts(source, records)
    raise UserError(source, ", ".join(records[0]), "no documented export has records with these fields")


def _records(source: str, text: str) -> list[Mapping[str, Any]]:
    """Records of a JSON document (a list, or the `value` of Graph), or of lines of JSON."""
    try:
        found = json.loads(text, parse_float=str)
    except RecursionError as error:
        raise UserError(source, "nested without end", "give a list of records") from error
    except ValueError:
        found = [_line(source, number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if isinstance(found, dict):
        found = found["value"] if isinstance(found.get("value"), list) else [found]
    if not isinstance(found, list) or not found or not all(isinstance(item, dict) for item in found):
        raise UserError(source, "no records", "give a list of records, Graph's `value`, or one record a line")
    return found


def _line(source: str, number: int, line: str) -> object:
    try:
        return json.loads(line, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{source}:{number}", line[:40], "give one JSON record a line") from error
