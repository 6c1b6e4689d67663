"""What importers share: options, progress by bytes, and rows that are refused by file, line and field."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, DecimalException
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from trivium.core import COUNT_MAX, Offer, UserError, parse_utc

_DATE_SUFFIX = re.compile(r"[-@]\d{8}$")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_PROGRESS_ROWS = 500
_DIGITS_SURELY_SMALL = 9  # a whole number this short needs no check of its size
SKIP_BAD = "correct it, or leave it out and list it with `trivium ledger import --skip-bad`"


class BadRow(UserError):
    """A row that cannot be read: file, line, field, value and remedy."""

    def __init__(self, path: Path, line: int, field_name: str, value: object, remedy: str) -> None:
        self.path = path
        self.line = line
        self.name = field_name
        super().__init__(f"{path}:{line}: {field_name}", value, f"{remedy}; {SKIP_BAD}")
        self.value = value


def undated(model: str) -> str:
    """A model id without its date: `claude-opus-4-5-20251101` is `claude-opus-4-5`."""
    return _DATE_SUFFIX.sub("", model)


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How recorded usage is read; None leaves the format's own default.

    `workload` may hold placeholders that the format offers, such as `{model}` or `{project}`. `on_bad` receives
    rows that are left out; without it the first one raises. `progress` gets bytes read and bytes in all.
    """

    workload: str | None = None
    surface: str | None = None
    scope: str | None = None
    model: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    model_id: Callable[[str], str] = undated
    start: datetime | None = None  # lays a trace on another calendar, where the format allows it
    session_gap: timedelta | None = None  # between the beginnings of sessions, where the format knows none
    on_bad: Callable[[BadRow], None] | None = None
    progress: Callable[[int, int], None] | None = None

    def offer(self, model: str, *, surface: str = "anthropic", scope: str = "global", tier: str = "standard") -> Offer:
        """The offer of a row, with what the options fix in place of the format's defaults."""
        return Offer(self.surface or surface, self.scope or scope, self.model or self.model_id(model), tier)

    def workload_of(self, default: str, values: Mapping[str, str]) -> str:
        """The workload's name with its placeholders filled in; UserError if the format does not offer one."""
        template = default if self.workload is None else self.workload
        if "{" not in template:
            return template

        def fill(match: re.Match[str]) -> str:
            name = match[1]
            if name not in values:
                raise UserError("workload", template, f"this format offers {', '.join(f'{{{v}}}' for v in values)}")
            return values[name]

        return _PLACEHOLDER.sub(fill, template)

    def refuse(self, bad: BadRow) -> None:
        """Hand a bad row over, or raise it."""
        if self.on_bad is None:
            raise bad
        self.on_bad(bad)


class Source:
    """An open file that may be compressed, and how far it has been read."""

    def __init__(self, path: Path, raw: BinaryIO, options: ImportOptions) -> None:
        self.path = path
        self.line = 0
        self._raw = raw
        self._total = path.stat().st_size
        self._progress = options.progress
        opened = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw
        self.text = io.TextIOWrapper(opened, encoding="utf-8-sig", newline="")

    def lines(self) -> Iterator[str]:
        """The lines, counted."""
        try:
            for line in self.text:
                self.line += 1
                if self.line % _PROGRESS_ROWS == 0:
                    self.report()
                yield line
        except (UnicodeDecodeError, EOFError, gzip.BadGzipFile) as error:
            raise BadRow(self.path, self.line + 1, "text", str(error), "give a whole file in UTF-8") from error
        self.report(done=True)

    def report(self, *, done: bool = False) -> None:
        """Tell the progress."""
        if self._progress is not None:
            self._progress(self._total if done else min(self._raw.tell(), self._total), self._total)

    def bad(self, name: str, value: object, remedy: str) -> BadRow:
        """A refusal of the present line."""
        return BadRow(self.path, self.line, name, value, remedy)


@contextmanager
def source(path: Path, options: ImportOptions) -> Iterator[Source]:
    """Open a file for reading; UserError if it cannot be."""
    try:
        raw = path.open("rb")
    except OSError as error:
        raise UserError("file", str(path), f"give a file that can be read ({error.strerror})") from error
    with raw:
        opened = Source(path, raw, options)
        with opened.text:
            yield opened


class Row:
    """One row of a table by column name; every getter refuses by name what it cannot read."""

    __slots__ = ("_at", "_values", "source")

    def __init__(self, opened: Source, at: Mapping[str, int], values: Sequence[str]) -> None:
        self.source = opened
        self._at = at
        self._values = values

    def text(self, name: str) -> str:
        """The text of a column, which may be empty."""
        return self._values[self._at[name]]

    def named(self, name: str) -> str:
        """A text that must not be empty."""
        value = self.text(name)
        if not value:
            raise self.source.bad(name, value, "give a value")
        return value

    def count(self, name: str) -> int:
        """A whole number of tokens or requests; `12.0` is accepted where a table wrote it so."""
        value = self.text(name)
        if value.isascii() and value.isdigit() and len(value) <= _DIGITS_SURELY_SMALL:
            return int(value)
        try:
            number = Decimal(value)
            whole = int(number)
        except (DecimalException, ValueError, OverflowError):  # words, or not finite
            whole, number = -1, Decimal(0)
        if whole != number or not 0 <= whole <= COUNT_MAX:
            raise self.source.bad(name, value, f"give a whole number from 0 to {COUNT_MAX}")
        return whole

    def decimal(self, name: str) -> Decimal | None:
        """A finite number, None if the column is empty."""
        value = self.text(name)
        if not value:
            return None
        try:
            number = Decimal(value)
        except DecimalException as error:
            raise self.source.bad(name, value, "give a number") from error
        if not number.is_finite():
            raise self.source.bad(name, value, "give a finite number")
        return number

    def scaled(self, name: str, factor: int) -> int | None:
        """A non-negative number times a factor, rounded to a whole: seconds to milliseconds or microseconds."""
        value = self.text(name)
        if not value:
            return None
        whole, _, part = value.partition(".")
        if whole.isascii() and whole.isdigit() and part in {"", "0"} and len(whole) <= _DIGITS_SURELY_SMALL:
            return int(whole) * factor
        number = self.decimal(name)
        if number is None or number < 0 or number > COUNT_MAX // factor:
            raise self.source.bad(name, value, "give a number that is not negative")
        return round(number * factor)

    def instant(self, name: str) -> datetime:
        """An ISO date and time; without a zone it is UTC."""
        value = self.text(name)
        try:
            return parse_utc(value)
        except (ValueError, OverflowError) as error:
            raise self.source.bad(name, value, "give a date and time in ISO form") from error


def table(path: Path, columns: Sequence[str], options: ImportOptions) -> Iterator[Row]:
    """The rows of a CSV file that has these columns. Rows of another width go to `on_bad`."""
    with source(path, options) as opened:
        reader = csv.reader(opened.lines())
        header = next(reader, None)
        missing = [name for name in columns if header is None or name not in header]
        if header is None or missing:
            raise UserError(f"{path}: header", header, f"the columns {', '.join(missing)} are missing: wrong format?")
        at = {name: header.index(name) for name in columns}
        try:
            for values in reader:
                if len(values) != len(header):
                    options.refuse(opened.bad("columns", len(values), f"give {len(header)} columns as in the header"))
                    continue
                yield Row(opened, at, values)
        except csv.Error as error:
            raise opened.bad("row", str(error), "give valid CSV") from error


def json_lines(path: Path, options: ImportOptions, *, growing: bool = False) -> Iterator[tuple[Source, dict[str, Any]]]:
    """The objects of a JSON-lines file. Lines that are none go to `on_bad`; empty lines are passed over.

    A file that another program may be `growing` can end in the middle of a line: that line is not there yet.
    """
    decoder = msgspec.json.Decoder(dict[str, Any])
    with source(path, options) as opened:
        for line in opened.lines():
            if not line.strip():
                continue
            try:
                value = decoder.decode(line)
            except (msgspec.DecodeError, RecursionError) as error:
                if growing and not line.endswith("\n"):
                    continue
                options.refuse(opened.bad("line", line.strip()[:60], f"give a JSON object ({error})"))
                continue
            yield opened, value
