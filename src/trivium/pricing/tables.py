"""Price a file of usage: CSV row by row, Parquet in columns; exact totals per offer, and the priced rows on request.

Columns: `surface`, `scope` and `model` name the offer, `tier` (else standard) and `at` (a day or an instant,
UTC where none is said; else one day for all) may; every unit of usage that is a column is counted. Other
columns pass through. An empty count is unknown, which is not zero, and is refused.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from trivium.core import Money, Offer, TriviumError, Usage, UserError, parse_utc
from trivium.core.errors import FactError, PriceError
from trivium.core.files import replacing
from trivium.core.usage import COUNT_MAX, UNITS
from trivium.pricing._book import PriceBook
from trivium.pricing._price import price

if TYPE_CHECKING:
    from polars import DataFrame, LazyFrame, Series

OFFER_COLUMNS = ("surface", "scope", "model")
Canonical = Callable[[Offer], Offer]
Progress = Callable[[int, int], None]  # done, of; bytes of CSV, rows of Parquet
_UNKNOWN = "write 0 if there were none: an empty count is unknown"
_DIGITS_MAX = 20
_PROGRESS_ROWS = 20_000
_BATCH_ROWS = 2_000_000
_OFFERS_MAX = 10_000_000  # combinations of the names in a batch


@dataclass(slots=True)
class OfferTotal:
    """What all rows of one offer come to."""

    offer: Offer
    rows: int = 0
    picos: int = 0

    @property
    def amount(self) -> Money:
        """The exact sum."""
        return Money(self.picos)


@dataclass(slots=True)
class FileTotal:
    """What a file comes to: by offer (its scope as the book names it) and by unit."""

    book_digest: str
    rows: int = 0
    offers: dict[Offer, OfferTotal] = field(default_factory=dict)
    usage: dict[str, int] = field(default_factory=dict)

    @property
    def amount(self) -> Money:
        """The exact sum of all rows."""
        return Money(sum(total.picos for total in self.offers.values()))

    def add(self, offer: Offer, rows: int, picos: int) -> None:
        """Count rows of an offer."""
        total = self.offers.setdefault(offer, OfferTotal(offer))
        total.rows += rows
        total.picos += picos
        self.rows += rows


def _same(offer: Offer) -> Offer:
    return offer


def _silent(_done: int, _of: int) -> None:
    """No progress shown."""


def price_file(
    path: Path,
    book: PriceBook,
    *,
    at: date | None = None,
    out: Path | None = None,
    canonical: Canonical = _same,
    progress: Progress = _silent,
) -> FileTotal:
    """Price every row of a CSV or Parquet file; with `out`, write the rows with their amounts in the same format.

    `at` is the day for rows without one. `canonical` turns names in use elsewhere into the book's. Raises
    UserError, NoPrice or AmbiguousOffer that name the row and the field.
    """
    kind = path.suffix.lower()
    if kind not in {".csv", ".parquet"}:
        raise UserError("usage file", str(path), "give a .csv or .parquet file")
    if not path.is_file():
        raise UserError("usage file", str(path), "give a file that exists")
    if out is not None and out.suffix.lower() != kind:
        raise UserError("out", str(out), f"rows are written as they were read: name a {kind} file")
    if out is not None and out.resolve() == path.resolve():
        raise UserError("out", str(out), "name another file: the usage is not overwritten")
    reader = _price_csv if kind == ".csv" else _price_parquet
    return reader(path, book, at, out, canonical, progress)


def _checked_columns(path: Path, names: Sequence[str], at: date | None) -> tuple[str, ...]:
    """The units that the file counts; raises UserError for what is missing."""
    for name in OFFER_COLUMNS:
        if name not in names:
            raise UserError(f"{path.name}: columns", ", ".join(names), f"add a column {name}")
    if "at" not in names and at is None:
        raise UserError(f"{path.name}: columns", ", ".join(names), "add a column at, or name one day for all rows")
    units = tuple(unit for unit in UNITS if unit in names)
    if not units:
        raise UserError(f"{path.name}: columns", ", ".join(names), f"add counts: {', '.join(UNITS)}")
    return units


# --- CSV ---------------------------------------------------------------------------------------------------


def _price_csv(
    path: Path, book: PriceBook, at: date | None, out: Path | None, canonical: Canonical, progress: Progress
) -> FileTotal:
    size = path.stat().st_size
    total = FileTotal(book.digest)
    with path.open("rb") as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text:
        rows = csv.DictReader(text, strict=True)
        header = _header(path.name, rows)
        units = _checked_columns(path, header, at)
        total.usage = dict.fromkeys(units, 0)
        with _CsvOut(out, header) as priced:
            read = _CsvRow(path.name, units, at, canonical)
            for number, row in enumerate(_lines(path.name, rows), 1):
                where = f"{path.name}:{rows.line_num}"
                offer, day, usage = read.parse(row, where)
                try:
                    found = price(usage, offer, day, book)
                except PriceError as error:
                    raise type(error)(f"{where}: {error}", error.keys) from error
                total.add(found.offer, 1, found.amount.picos)
                for unit in units:
                    total.usage[unit] += usage.get(unit) or 0
                priced.write(row, found.amount, found.offer, book.digest)
                if number % _PROGRESS_ROWS == 0:
                    progress(raw.tell(), size)
    progress(size, size)
    return total


def _header(name: str, rows: csv.DictReader[str]) -> Sequence[str]:
    try:
        return rows.fieldnames or ()
    except (csv.Error, UnicodeDecodeError) as error:
        raise _not_csv(name, rows, error) from error


def _lines(name: str, rows: csv.DictReader[str]) -> Iterator[dict[str, str]]:
    try:
        yield from rows
    except (csv.Error, UnicodeDecodeError) as error:
        raise _not_csv(name, rows, error) from error


def _not_csv(name: str, rows: csv.DictReader[str], error: Exception) -> UserError:
    return UserError(f"{name}:{rows.line_num + 1}", str(error), "give comma-separated values in UTF-8")


class _CsvRow:
    """Reads rows; remembers the offers and days it has seen, since files repeat them."""

    def __init__(self, name: str, units: tuple[str, ...], at: date | None, canonical: Canonical) -> None:
        self._name, self._units, self._at, self._canonical = name, units, at, canonical
        self._offers: dict[tuple[str | None, ...], Offer] = {}
        self._days: dict[str, date] = {}

    def parse(self, row: Mapping[str, Any], where: str) -> tuple[Offer, date, Usage]:
        """The offer, the UTC day and the counts of a row."""
        if None in row or None in row.values():  # DictReader's marks for too many and too few fields
            raise UserError(where, list(row.values()), "give every row as many fields as the header")
        named = (row["surface"], row["scope"], row["model"], row.get("tier") or "standard")
        if named not in self._offers:
            self._offers[named] = _canonical_offer(named, where, self._canonical)
        counts = {unit: _count(row[unit], unit, where) for unit in self._units}
        return self._offers[named], self._day(row.get("at", ""), where), Usage(**counts)

    def _day(self, text: str, where: str) -> date:
        if text not in self._days:
            self._days[text] = _parse_day(text, where, self._at)
        return self._days[text]


def _canonical_offer(named: tuple[str, ...], where: str, canonical: Canonical) -> Offer:
    try:
        return canonical(Offer(*named))
    except FactError as error:
        raise type(error)(f"{where}: {error}") from error


def _parse_day(text: str, where: str, otherwise: date | None) -> date:
    if not text and otherwise is not None:
        return otherwise
    try:
        return parse_utc(text).date()
    except ValueError as error:
        raise UserError(f"{where}: at", text, "give a day such as 2026-11-22 or an ISO 8601 instant") from error


def _count(text: str, unit: str, where: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX and (count := int(text)) <= COUNT_MAX:
        return count
    remedy = _UNKNOWN if not text.strip() else f"give a whole number from 0 to {COUNT_MAX}"
    raise UserError(f"{where}: {unit}", text, remedy)


class _CsvOut:
    """Writes rows with their amounts, if anybody wants them; after a failure the file is as it was."""

    def __init__(self, path: Path | None, names: Sequence[str]) -> None:
        self._path, self._names = path, (*names, "amount_usd", "priced_scope", "book_digest")
        self._open = ExitStack()
        self._writer: csv.DictWriter[str] | None = None

    def __enter__(self) -> Self:
        if self._path is not None:
            raw = self._open.enter_context(replacing(self._path))
            file = io.TextIOWrapper(raw, encoding="utf-8", newline="")
            self._open.callback(file.detach)
            self._writer = csv.DictWriter(file, self._names)
            self._writer.writeheader()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def write(self, row: Mapping[str, str], amount: Money, offer: Offer, digest: str) -> None:
        """One priced row."""
        if self._writer is not None:
            self._writer.writerow(
                {**row, "amount_usd": str(amount), "priced_scope": offer.scope, "book_digest": digest}
            )


# --- Parquet -----------------------------------------------------------------------------------------------


def _price_parquet(
    path: Path, book: PriceBook, at: date | None, out: Path | None, canonical: Canonical, progress: Progress
) -> FileTotal:
    try:
        import numpy as np  # noqa: PLC0415  the columnar extra may be absent
        import polars as pl  # noqa: PLC0415  the same

        from trivium.pricing import columnar  # noqa: PLC0415  the same
    except ImportError as error:
        raise UserError(
            "Parquet", error.name or str(error), "install trivium[columnar], or give a .csv file"
        ) from error
    try:
        scan = pl.scan_parquet(path)
        names = scan.collect_schema().names()
        rows = int(scan.select(pl.len()).collect().item())
    except pl.exceptions.PolarsError as error:
        raise UserError("usage file", str(path), f"give a readable Parquet file ({error})") from error
    units = _checked_columns(path, names, at)
    wanted = [name for name in (*OFFER_COLUMNS, "tier", "at", *units) if name in names]
    total = FileTotal(book.digest, usage=dict.fromkeys(units, 0))
    keys = columnar.Keys(book)
    amounts = []
    for first, frame in _read_ahead(scan.select(wanted), rows):
        batch = _Batch(path.name, frame, first, units, canonical)
        offers, codes = batch.offers()
        try:
            key = keys.encode(offers, codes, batch.days(at), first_row=first)
            table = keys.table()
            counts = batch.counts()
            picos = columnar.total(table, key, counts, first_row=first)
            if out is not None:
                amounts.append(columnar.price_table(table, key, counts, first_row=first))
        except (PriceError, UserError) as error:
            raise _in_file(path.name, error) from error
        for card, count, amount in zip(
            table.cards, np.bincount(key, minlength=len(picos)).tolist(), picos, strict=True
        ):
            if count:
                total.add(card.offer, count, amount)
        for unit in units:
            total.usage[unit] += int(counts[unit].sum(dtype=np.int64))
        progress(min(first + _BATCH_ROWS, rows), rows)
    if out is not None:
        column = np.concatenate(amounts) if amounts else np.zeros(0, np.int64)
        scan.collect().with_columns(amount_picos=pl.Series(column)).write_parquet(out)
    return total


def _read_ahead(scan: LazyFrame, rows: int) -> Iterator[tuple[int, DataFrame]]:
    """The parts of a file with the number of their first row; the next is read while one is priced."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(scan.slice(0, _BATCH_ROWS).collect)
        for first in range(0, rows, _BATCH_ROWS):
            frame = coming.result()
            coming = pool.submit(scan.slice(first + _BATCH_ROWS, _BATCH_ROWS).collect)
            yield first, frame


def _in_file(name: str, error: TriviumError) -> TriviumError:
    if isinstance(error, UserError):
        return UserError(f"{name}: {error.field}", error.value, error.remedy)
    if isinstance(error, PriceError):
        return type(error)(f"{name}: {error}", error.keys)
    return error


class _Batch:
    """A part of a Parquet file as the columns that pricing takes."""

    def __init__(
        self, name: str, frame: DataFrame, first_row: int, units: tuple[str, ...], canonical: Canonical
    ) -> None:
        self._name, self._frame, self._first_row = name, frame, first_row
        self._units, self._canonical = units, canonical
        for column in frame.columns:
            if frame[column].null_count():
                row = first_row + int(frame[column].is_null().arg_max() or 0)
                remedy = _UNKNOWN if column in units else "give a value"
                raise UserError(f"{name}: row {row}: {column}", None, remedy)

    def counts(self) -> dict[str, Any]:
        """The integer column of every unit."""
        for unit in self._units:
            if not self._frame[unit].dtype.is_integer():
                raise UserError(f"{self._name}: {unit}", str(self._frame[unit].dtype), "give a column of integers")
        return {unit: self._frame[unit].to_numpy() for unit in self._units}

    def offers(self) -> tuple[list[Offer], Any]:
        """Every offer that occurs, and each row's position in that list."""
        import numpy as np  # noqa: PLC0415  the columnar extra is there, or no batch were

        from trivium.pricing.columnar import load_kernels  # noqa: PLC0415  the same

        mixed = np.zeros(len(self._frame), np.int32)
        parts: list[list[str]] = []
        size = 1
        kernels = load_kernels()
        for name in (*OFFER_COLUMNS, "tier"):
            if name not in self._frame.columns:
                parts.append(["standard"])
                continue
            values, codes, position = self._categories(self._frame[name])
            parts.append(values)
            size *= len(values)
            if size > _OFFERS_MAX:
                raise UserError(f"{self._name}: {name}", f"{len(values)} different names", "give names of offers")
            if len(values) > 1:
                kernels.mix(mixed, len(values), codes, position)
        seen = np.zeros(size, np.bool_)
        seen[mixed] = True
        found = np.flatnonzero(seen)
        position = np.zeros(size, np.int32)
        position[found] = np.arange(len(found))
        offers = []
        for code in found.tolist():
            row = self._first_row + int((mixed == code).argmax())
            offers.append(_canonical_offer(_unmix(code, parts), f"{self._name}: row {row}", self._canonical))
        return offers, position[mixed]

    def _categories(self, column: Series) -> tuple[list[str], Any, Any]:
        """The words that occur in a column, each row's code, and the position of a code's word among them."""
        import numpy as np  # noqa: PLC0415  as above
        import polars as pl  # noqa: PLC0415  as above

        if column.dtype.base_type() not in {pl.String, pl.Categorical, pl.Enum}:
            raise UserError(f"{self._name}: {column.name}", str(column.dtype), "give a column of names")
        coded = column.cast(pl.Categorical) if column.dtype == pl.String else column
        words = coded.unique()
        physical = words.to_physical().to_numpy()
        position = np.zeros(int(physical.max(initial=0)) + 1, np.int32)
        position[physical] = np.arange(len(physical))
        return words.cast(pl.String).to_list() or [""], coded.to_physical().to_numpy(), position

    def days(self, otherwise: date | None) -> Any:
        """The UTC day of every row, or one for all."""
        import polars as pl  # noqa: PLC0415  as above

        if "at" not in self._frame.columns:
            return otherwise
        column = self._frame["at"]
        if column.dtype == pl.Date:
            return column.to_numpy().astype("datetime64[D]")
        if column.dtype == pl.Datetime:
            instants = column.dt.convert_time_zone("UTC") if column.dtype.time_zone else column  # type: ignore[attr-defined]  # a Datetime has one
            return instants.dt.date().to_numpy().astype("datetime64[D]")
        if column.dtype == pl.String:
            words = column.unique().to_list()
            known = {word: _parse_day(word, f"{self._name}: {word!r}", None) for word in words}
            return column.replace_strict(known, return_dtype=pl.Date).to_numpy().astype("datetime64[D]")
        raise UserError(f"{self._name}: at", str(column.dtype), "give days or instants")


def _unmix(code: int, parts: Sequence[Sequence[str]]) -> tuple[str, ...]:
    named = []
    for values in reversed(parts):
        code, position = divmod(code, len(values))
        named.append(values[position])
    return tuple(reversed(named))
