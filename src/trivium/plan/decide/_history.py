"""Earlier use of each workload from a table, one row a workload and day or month, for the demand cone."""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from trivium.core import UserError
from trivium.plan._months import add_months
from trivium.plan.cone import DAY, MONTH, History

_VALUES = ("value", "tokens")
_MONTH_LETTERS = len("2026-11")
Cell = tuple[int, date, str, float]  # line, first day, workload, amount


def read_history(path: Path, workloads: Collection[str], at: date) -> History:
    """Days or months of `period,workload,value` (or `tokens`); a row that is missing is use nobody observed.

    Each period must be over before the day `at`. Workloads without usage are left out; those of the usage that it lacks
    go with the others. UserError names the line.
    """
    months, cells = _cells(path, at)
    known = {name for _, _, name, _ in cells}
    names = sorted(set(workloads) & known)
    if not names:
        wanted = ", ".join(sorted(set(workloads)))
        raise UserError(f"{path}: workload", ", ".join(sorted(known)), f"give rows for what is in the usage: {wanted}")
    days = [day for _, day, name, _ in cells if name in names]
    first, last = min(days), max(days)

    def column(day: date) -> int:
        return (day.year - first.year) * 12 + day.month - first.month if months else (day - first).days

    values = np.full((len(names), column(last) + 1), np.nan)
    for line, day, name, amount in cells:
        if name not in names:
            continue
        row = names.index(name)
        if not np.isnan(values[row, column(day)]):
            raise UserError(f"{path}:{line}", f"{day} {name}", "give each workload once a period")
        values[row, column(day)] = amount
    return History(tuple(names), _midnight(first), MONTH if months else DAY, values)


def _cells(path: Path, at: date) -> tuple[bool, list[Cell]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            header = reader.fieldnames or []
            measure = next((name for name in _VALUES if name in header), "")
            if not measure or not {"period", "workload"} <= set(header):
                raise UserError(f"{path}: columns", ", ".join(header), "give period, workload, and value or tokens")
            read = list(_rows(path, reader, measure, at))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError("usage.history", str(path), f"make it a readable table ({error})") from error
    if not read:
        raise UserError("usage.history", str(path), "give at least one row")
    months = read[0][0]
    for monthly, cell in read:
        if monthly != months:
            raise UserError(f"{path}:{cell[0]}: period", str(cell[1]), "give days or months, and not both")
    return months, [cell for _, cell in read]


def _rows(path: Path, reader: csv.DictReader[str], measure: str, at: date) -> Iterator[tuple[bool, Cell]]:
    for line, row in enumerate(reader, 2):
        text, name, amount = ((row.get(key) or "").strip() for key in ("period", "workload", measure))
        months = len(text) == _MONTH_LETTERS
        try:
            day = date.fromisoformat(f"{text}-01" if months else text)
        except ValueError as error:
            raise UserError(f"{path}:{line}: period", text, "give a day (2026-11-01) or a month (2026-11)") from error
        end = add_months(day, 1) if months else day + timedelta(days=1)
        if end > at:  # a plan stands at the beginning of its day: a part of a period is not the use of a whole one
            raise UserError(
                f"{path}:{line}: period", text, f"leave out what is not over before the day of the plan, {at}"
            )
        if not name:
            raise UserError(f"{path}:{line}: workload", name, "give a name")
        if amount:
            yield months, (line, day, name, _amount(path, line, measure, amount))


def _amount(path: Path, line: int, measure: str, text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found) or found < 0:
        raise UserError(f"{path}:{line}: {measure}", text, "give a number from zero up; leave it empty if not observed")
    return found


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
