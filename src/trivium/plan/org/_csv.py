"""Usage from a table of totals: one row a workload, model and day or month, columns named by a mapping.

A table has no single requests: prompts of a row are taken to be equal, and its busiest minute to be a stated multiple
of its mean one (`plan.demand_from_totals`).
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import TextIO

from trivium.catalog.refusal import near_or_all
from trivium.core import SURFACES, Offer, UserError
from trivium.plan._demand import Demand
from trivium.plan._totals import Total, demand_from_totals
from trivium.plan.org._convert import DAYS

NEEDED = ("period", "workload", "model", "requests", "input_tokens", "output_tokens")
OPTIONAL = ("surface", "scope", "cache_read_tokens", "cache_write_tokens", "peak_over_mean")
PEAK_OVER_MEAN = Fraction("5.3")  # volume-weighted p99 of ten minutes over the mean, ServeGen: shared by no two sources
_DIGITS_MAX = 15
_MONTH_PARTS, _DECEMBER = 2, 12


def read_usage_csv(path: Path, columns: Mapping[str, str], band_starts: Sequence[int] = (0,)) -> tuple[Demand, ...]:
    """Demand of a CSV file (gzipped if its name ends in .gz); `columns`: our name → theirs, where they differ.

    UserError names file, line, column and remedy.
    """
    for name in columns:
        if name not in (*NEEDED, *OPTIONAL):
            raise UserError(f"usage.columns.{name}", columns[name], f"use one of {', '.join((*NEEDED, *OPTIONAL))}")
    return demand_from_totals(_totals(path, columns), band_starts)


def _totals(path: Path, columns: Mapping[str, str]) -> Iterator[Total]:
    try:
        with _opened(path) as file:
            reader = csv.DictReader(file)
            header = reader.fieldnames or []
            for name in NEEDED:
                if columns.get(name, name) not in header:
                    remedy = f"name its column in usage.columns.{name}; the file has {', '.join(header) or 'no header'}"
                    raise UserError(f"{path}: column", columns.get(name, name), remedy)
            for line, row in enumerate(reader, 2):
                yield _Row(path, line, row, columns).total()
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:  # what is compressed fails while it is read
        raise UserError("usage.csv", str(path), f"make it a readable CSV file in UTF-8 ({error})") from error


def _opened(path: Path) -> TextIO:
    if path.name.endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8")
    return path.open(encoding="utf-8")


class _Row:
    """One row, by our names."""

    def __init__(self, path: Path, line: int, row: Mapping[str, str | None], columns: Mapping[str, str]) -> None:
        self._where, self._row, self._columns = f"{path}:{line}", row, columns

    def total(self) -> Total:
        """The row as a total; its tokens beside the cache are `input_tokens`."""
        start, span = self._period()
        read, written = self._count("cache_read_tokens"), self._count("cache_write_tokens")
        factor = self._text("peak_over_mean")
        return Total(
            workload=self._needed("workload"),
            offer=Offer(self._surface(), self._text("scope") or "global", self._needed("model")),
            at=start,
            span=span,
            requests=self._count("requests"),
            input=self._count("input_tokens"),
            output=self._count("output_tokens"),
            cached=read + written,
            read=read,
            peak_over_mean=self._fraction(factor) if factor else PEAK_OVER_MEAN,
        )

    def _surface(self) -> str:
        name = self._text("surface") or "anthropic"
        if name not in SURFACES:
            raise self._bad("surface", name, near_or_all(name, SURFACES))
        return name

    def _period(self) -> tuple[datetime, timedelta]:
        start, span = self._span(self._needed("period"))
        if not DAYS[0] <= start.date() <= DAYS[1]:
            raise self._bad("period", self._text("period"), f"give a day from {DAYS[0]} to {DAYS[1]}")
        return start, span

    def _span(self, text: str) -> tuple[datetime, timedelta]:
        try:
            if text.count("-") == _MONTH_PARTS - 1:
                year, month = map(int, text.split("-"))
                first = date(year, month, 1)
                following = date(year + month // _DECEMBER, month % _DECEMBER + 1, 1)
                return _midnight(first), following - first
            return _midnight(date.fromisoformat(text)), timedelta(days=1)
        except ValueError as error:
            raise self._bad("period", text, "give a day (2026-11-01) or a month (2026-11)") from error

    def _text(self, name: str) -> str:
        return (self._row.get(self._columns.get(name, name)) or "").strip()

    def _needed(self, name: str) -> str:
        text = self._text(name)
        if not text:
            raise self._bad(name, text, "give a value")
        return text

    def _count(self, name: str) -> int:
        text = self._text(name)
        if not text and name in OPTIONAL:
            return 0
        digits = text.replace(",", "").removesuffix(".0")
        if not digits.isdecimal():
            raise self._bad(name, text, "give a whole number from zero up: a gap is not zero")
        if len(digits) > _DIGITS_MAX:
            raise self._bad(name, text, f"give a number of at most {_DIGITS_MAX} digits")
        return int(digits)

    def _fraction(self, text: str) -> Fraction:
        try:
            found = Fraction(text)
        except (ValueError, ZeroDivisionError) as error:
            raise self._bad("peak_over_mean", text, "give a number of 1 or more") from error
        if found < 1:
            raise self._bad("peak_over_mean", text, "give a number of 1 or more")
        return found

    def _bad(self, name: str, value: str, remedy: str) -> UserError:
        return UserError(f"{self._where}: {self._columns.get(name, name)}", value, remedy)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
