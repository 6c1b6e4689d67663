"""Price and aggregate a table of usage, exact to the last pico-dollar, on all cores.

A table of usage is a column of keys and a column of counts per unit. A key stands for an offer in a window
in which its prices do not change; `Keys` assigns them, and raises for what has no price before any row is
priced. The prompt length of each row selects the band.

    keys = Keys(book)
    key = keys.encode(offers, offer_codes, days)          # NoPrice, AmbiguousOffer
    table = keys.table()
    picos = price_table(table, key, {"input": …, "output": …})            # one int64 a row
    amounts = total(table, key, counts, groups)                           # one Python int a group

Needs the `columnar` extra (numpy, numba).
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trivium.core import NoPrice, Offer, UserError
from trivium.core.errors import PriceError
from trivium.core.usage import PROMPT_UNITS, TOKEN_UNITS, TOOL_UNITS, UNITS
from trivium.pricing._book import PriceBook, RateCard
from trivium.pricing._cells import Segment, day_of

Column = NDArray[Any]  # one dimension, integers
_KEYS_MAX = 65_536  # keys are 16 bits wide: memory is what limits the speed
_COUNT_BITS = 31
_THRESHOLDS_MIN = 2  # tables with fewer thresholds share one compiled kernel
_NEVER = 2**62  # a prompt length that no row reaches
_ROWS_PER_TASK_MIN = 1 << 16
_SPREAD_BITS = 2  # a group's partial sums, so that runs of one group do not wait for themselves
_SPREAD_GROUPS_MAX = 4_096  # beyond this the partial sums would leave the cache
_LANES = 8
_MISSING = 1 << 31
_EPOCH = date(1970, 1, 1)
_LOW_HALF = np.uint64(0xFFFF_FFFF)


@dataclass(frozen=True, slots=True, eq=False)
class RateTable:
    """Whole pico-dollar rates by key and band, laid out for the kernel."""

    cards: tuple[RateCard, ...]  # what each key stands for; any day of its window
    thresholds: tuple[int, ...]  # prompt lengths above which the next band begins, ascending
    rates: NDArray[np.uint32]  # by key, band and lane; the top bit marks a unit without a price
    count_max: int  # the largest count for which the price of a row fits 63 bits
    book_digest: str


class Keys:
    """Assigns a small integer to every (offer, price window) of a book that a table of usage needs."""

    def __init__(self, book: PriceBook) -> None:
        self._book = book
        self._change_days = tuple((day - _EPOCH).days for day in book.change_days())
        self._known: dict[tuple[Offer, int], int] = {}
        self._codes: dict[object, int] = {}
        self._cards: list[RateCard] = []

    def code(self, offer: Offer, at: date) -> int:
        """The key of an offer on a day (or at an aware instant); NoPrice, AmbiguousOffer."""
        return self._code(offer, bisect_right(self._change_days, (day_of(at) - _EPOCH).days))

    def encode(
        self, offers: Sequence[Offer], offer_codes: Column, days: Column | date, *, first_row: int = 0
    ) -> NDArray[np.uint16]:
        """A key per row, for rows that name an offer by its position and a UTC day (datetime64[D], or one for all).

        Raises NoPrice or AmbiguousOffer for an offer that cannot be priced on one of its days. `first_row` is the
        number of the first row, for messages, where a table comes in parts.
        """
        codes = _integers("offer_codes", offer_codes)
        _within("offer_codes", codes, len(offers) - 1, first_row)
        if isinstance(days, date):
            days = np.full(len(codes), day_of(days), "datetime64[D]")
        numbers = _day_numbers(days, len(codes), first_row)
        first, last = (int(numbers.min()), int(numbers.max())) if len(numbers) else (0, 0)
        windows = np.searchsorted(self._change_days, np.arange(first, last + 1), side="right").astype(np.int64)
        width = len(self._change_days) + 1
        seen = np.zeros(len(offers) * width, np.bool_)
        kernels = load_kernels()
        kernels.mark(seen, codes, numbers, first, windows, width)
        keys = np.zeros(len(seen), np.uint16)
        for pair in np.flatnonzero(seen).tolist():
            offer, window = offers[pair // width], pair % width
            try:
                keys[pair] = self._code(offer, window)
            except PriceError as error:
                row = int(((codes == pair // width) & (windows[numbers - first] == window)).argmax())
                self._raise_at(row + first_row, offer, days[row].item(), error)
        coded = np.empty(len(codes), np.uint16)
        kernels.place(keys, codes, numbers, first, windows, width, coded)
        return coded

    def table(self) -> RateTable:
        """The rates of every key assigned so far."""
        return _rate_table(tuple(self._cards), self._book.digest)

    def _raise_at(self, row: int, offer: Offer, day: date, error: PriceError) -> None:
        """Say the same of the row's own day: a window is priced on the day it begins."""
        try:
            self._book.card(offer, day)
        except PriceError as exact:
            raise type(exact)(f"row {row}: {exact}", exact.keys) from error

    def _code(self, offer: Offer, window: int) -> int:
        asked = (offer, window)
        if asked not in self._known:
            day = self._change_days[window - 1] if window else self._change_days[0] - 1 if self._change_days else 0
            card = self._book.card(offer, _EPOCH + timedelta(days=day))
            same = (card.offer, tuple((unit, _ids(found)) for unit, found in sorted(card.units.items())))
            if same not in self._codes:
                if len(self._cards) == _KEYS_MAX:
                    raise UserError("keys", _KEYS_MAX + 1, f"price tables with at most {_KEYS_MAX} keys at a time")
                self._codes[same] = len(self._cards)
                self._cards.append(card)
            self._known[asked] = self._codes[same]
        return self._known[asked]


def price_table(
    table: RateTable, key: Column, counts: Mapping[str, Column], *, first_row: int = 0
) -> NDArray[np.int64]:
    """The exact price of every row in pico-dollars; NoPrice, AmbiguousOffer, UserError (row, unit, count).

    `counts` maps units to integer columns; a unit that is not given was not consumed.
    """
    usage = _Columns.of(table, key, counts, first_row)
    prices = np.empty(len(usage.key), np.uint64)
    kernels = load_kernels()

    def run(first: int, last: int) -> int:
        return int(kernels.price_rows(*usage.arguments(), first, last, prices))

    usage.check(_in_parallel(run, len(usage.key), _workers() * 4))
    for unit, rows, tool_counts in usage.tools():
        amounts = [rate * count for rate, count in zip(usage.tool_rates(unit, rows), tool_counts.tolist(), strict=True)]
        for row, amount in zip(rows.tolist(), amounts, strict=True):
            whole = int(prices[row]) + amount
            if whole >= 2**63:
                raise UserError(
                    f"row {row + first_row}: {unit}", int(counts[unit][row]), "the price of a row must fit 63 bits"
                )
            prices[row] = whole
    return prices.view(np.int64)


def total(
    table: RateTable,
    key: Column,
    counts: Mapping[str, Column],
    groups: Column | None = None,
    *,
    first_row: int = 0,
) -> tuple[int, ...]:
    """The exact sum of prices per group in pico-dollars, however large; the same refusals as `price_table`.

    `groups` gives each row the number of its group, from 0; without it the groups are the keys. The result has
    one Python int per group, in order of their numbers; the sum of it is the grand total.
    """
    usage = _Columns.of(table, key, counts, first_row)
    group = usage.key if groups is None else _group_column(groups, len(usage.key), first_row)
    size = len(table.cards) if groups is None else int(group.max(initial=0)) + 1
    if len(usage.key) == 0:
        return (0,) * (len(table.cards) if groups is None else 0)
    spread_bits = _SPREAD_BITS if size <= _SPREAD_GROUPS_MAX else 0
    kernels = load_kernels()
    partial: list[NDArray[np.uint64]] = []

    def run(first: int, last: int) -> int:
        sums = np.zeros((size << spread_bits) * 2, np.uint64)
        seen = int(kernels.total_rows(*usage.arguments(), first, last, group, spread_bits, sums))
        partial.append(sums)
        return seen

    usage.check(_in_parallel(run, len(usage.key), _workers() * (4 if size <= _SPREAD_GROUPS_MAX else 1)))
    amounts = _whole_sums(partial, size)
    for unit, rows, tool_counts in usage.tools():
        rates = usage.tool_rates(unit, rows)
        for owner, rate, count in zip(group[rows].tolist(), rates, tool_counts.tolist(), strict=True):
            amounts[owner] += rate * count
    return tuple(amounts)


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """Usage in the form the kernel takes: a 16-bit key and five token columns of one width."""

    table: RateTable
    key: NDArray[np.uint16]
    tokens: tuple[Column, ...]
    counts: Mapping[str, Column]
    first_row: int

    @classmethod
    def of(cls, table: RateTable, key: Column, counts: Mapping[str, Column], first_row: int) -> _Columns:
        keys = _integers("key", key)
        if len(keys) and not table.cards:
            raise UserError("key", int(keys[0]), "assign keys with Keys before the table is made")
        if keys.dtype != np.uint16:
            _within("key", keys, len(table.cards) - 1, first_row)
            keys = keys.astype(np.uint16)
        unknown = sorted(set(counts) - set(UNITS))
        if unknown:
            raise UserError("counts", ", ".join(unknown), f"use the units {', '.join(UNITS)}")
        given = {unit: _integers(unit, column, len(keys)) for unit, column in counts.items()}
        wide = any(given[unit].dtype.itemsize == 8 for unit in TOKEN_UNITS if unit in given)  # noqa: PLR2004  bytes
        kind = np.dtype(np.int64 if wide else np.int32)
        nothing = np.zeros(len(keys), kind)
        tokens = tuple(_as_kind(given.get(unit, nothing), kind) for unit in TOKEN_UNITS)
        return cls(table, np.ascontiguousarray(keys), tokens, given, first_row)

    def arguments(self) -> tuple[Any, ...]:
        """What every kernel takes before the rows it shall work on."""
        thresholds = tuple(np.uint64(threshold) for threshold in self.table.thresholds)
        return (self.table.rates, np.uint64(len(self.table.cards) - 1), thresholds, self.key, *self.tokens)

    def check(self, seen: int) -> None:
        """Accept the OR of all counts and flags, or raise for the first row that is wrong."""
        if seen > self.table.count_max:
            self._raise_first()

    def _raise_first(self) -> None:
        _within("key", self.key, len(self.table.cards) - 1, self.first_row)
        for unit, column in zip(TOKEN_UNITS, self.tokens, strict=True):
            _within(unit, column, self.table.count_max, self.first_row)
        bands = len(self.table.thresholds) + 1
        prompt = np.zeros(len(self.key), np.int64)
        for unit in PROMPT_UNITS:
            prompt += self.tokens[TOKEN_UNITS.index(unit)]
        slot = self.key.astype(np.int64) * bands
        for edge in self.table.thresholds:
            slot += prompt > edge
        for lane, (unit, column) in enumerate(zip(TOKEN_UNITS, self.tokens, strict=True)):
            wrong = (self.table.rates[slot * _LANES + lane] >= _MISSING) & (column > 0)
            if wrong.any():
                row = int(wrong.argmax())
                self._raise_unpriced(row, unit, int(prompt[row]))

    def _raise_unpriced(self, row: int, unit: str, prompt_tokens: int) -> None:
        try:
            self.table.cards[int(self.key[row])].cell(unit, prompt_tokens)
        except PriceError as error:
            raise type(error)(f"row {row + self.first_row}: {error}", error.keys) from error

    def tools(self) -> list[tuple[str, NDArray[np.intp], Column]]:
        """Per server tool: the rows that used it and how often."""
        found = []
        for unit in TOOL_UNITS:
            if unit in self.counts:
                _within(unit, self.counts[unit], self.table.count_max, self.first_row)
                rows = np.flatnonzero(self.counts[unit])
                found.append((unit, rows, self.counts[unit][rows]))
        return found

    def tool_rates(self, unit: str, rows: NDArray[np.intp]) -> list[int]:
        """The rate of a tool for each of the rows that used it."""
        used = self.key[rows]
        rates: dict[int, int] = {}
        for code in np.unique(used).tolist():
            segments = self.table.cards[code].units.get(unit, ())
            if len(segments) != 1 or len(segments[0].cells) != 1 or not _unbounded(segments[0]):
                row = int(rows[int((used == code).argmax())])
                self._raise_unpriced(row, unit, 0)
                raise NoPrice(
                    f"row {row + self.first_row}: {unit} is priced by prompt length; price these rows one by one"
                )
            rates[code] = segments[0].cell.rate_picos
        return [rates[code] for code in used.tolist()]


def _rate_table(cards: tuple[RateCard, ...], digest: str) -> RateTable:
    found = sorted({edge for card in cards for edge in _edges(card)})
    thresholds = tuple(found + [_NEVER] * (_THRESHOLDS_MIN - len(found)))
    bands = len(thresholds) + 1
    lengths = [0, *(threshold + 1 for threshold in thresholds)]  # one prompt length in every band
    rates = np.zeros((len(cards), bands, _LANES), np.uint32)
    for code, card in enumerate(cards):
        for band, prompt_tokens in enumerate(lengths):
            for lane, unit in enumerate(TOKEN_UNITS):
                rates[code, band, lane] = _rate(card, unit, prompt_tokens)
    largest = int((rates & np.uint32(_MISSING - 1)).astype(np.int64).sum(axis=2).max(initial=1))
    bits = min(_COUNT_BITS, 63 - largest.bit_length())
    return RateTable(cards, thresholds, rates.ravel(), 2**bits - 1, digest)


def _rate(card: RateCard, unit: str, prompt_tokens: int) -> int:
    """The rate as the kernel wants it: missing where there is none, or more than one."""
    try:
        rate = card.cell(unit, prompt_tokens).rate_picos
    except PriceError:
        return _MISSING
    if rate >= _MISSING:
        raise UserError(f"rate of {unit} of {card.offer}", rate, f"columns take rates below {_MISSING} pico-dollars")
    return rate


def _edges(card: RateCard) -> set[int]:
    """The prompt lengths after which a token rate of the card may change."""
    found = [segment for unit in TOKEN_UNITS for segment in card.units.get(unit, ())]
    lower = {segment.prompt_min - 1 for segment in found if segment.prompt_min > 0}
    return lower | {segment.prompt_max for segment in found if segment.prompt_max is not None}


def _ids(found: Sequence[Segment]) -> tuple[object, ...]:
    return tuple((part.prompt_min, part.prompt_max, tuple(cell.id for cell in part.cells)) for part in found)


def _day_numbers(days: Column, rows: int, first_row: int) -> NDArray[np.int64]:
    """Days since 1970 of every row."""
    if days.dtype != np.dtype("datetime64[D]") or days.shape != (rows,):
        raise UserError("days", f"{days.dtype}{list(days.shape)}", f"give {rows} days as datetime64[D]")
    if np.isnat(days).any():
        raise UserError(f"row {int(np.isnat(days).argmax()) + first_row}: days", "NaT", "give every row its day")
    return np.ascontiguousarray(days).view(np.int64)


def _unbounded(segment: Segment) -> bool:
    return segment.prompt_min == 0 and segment.prompt_max is None


def _integers(name: str, column: Column, rows: int | None = None) -> Column:
    if column.ndim != 1 or column.dtype.kind not in "iu" or (rows is not None and len(column) != rows):
        shape = f"{column.dtype}{list(column.shape)}"
        raise UserError(name, shape, f"give a column of integers{'' if rows is None else f', {rows} rows'}")
    return column


def _as_kind(column: Column, kind: np.dtype[Any]) -> Column:
    """The column at the kernel's width; an unsigned one is read as signed, so that its excess is refused."""
    if column.dtype.itemsize == kind.itemsize:
        return np.ascontiguousarray(column).view(kind)
    return np.ascontiguousarray(column, kind)


def _group_column(groups: Column, rows: int, first_row: int) -> Column:
    column = _integers("groups", groups, rows)
    _within("groups", column, 2**32 - 1, first_row)
    return np.ascontiguousarray(column, np.uint32)


def _within(name: str, column: Column, largest: int, first_row: int = 0) -> None:
    """Raise for the first row whose value is negative or too large."""
    if len(column) == 0 or (int(column.min()) >= 0 and int(column.max()) <= largest):
        return
    row = int(((column < 0) | (column > largest)).argmax())
    raise UserError(f"row {row + first_row}: {name}", int(column[row]), f"give a whole number from 0 to {largest}")


def _whole_sums(partial: Sequence[NDArray[np.uint64]], size: int) -> list[int]:
    """Pairs of (low word, carries) of all tasks as one Python int per group."""
    words = np.stack(partial).reshape(len(partial), size, -1, 2)
    low, carries = words[..., 0], words[..., 1]
    lowest, upper = (low & _LOW_HALF).sum(axis=(0, 2)), (low >> np.uint64(32)).sum(axis=(0, 2))
    carried = carries.sum(axis=(0, 2))
    columns = (lowest.tolist(), upper.tolist(), carried.tolist())
    return [first + (second << 32) + (third << 64) for first, second, third in zip(*columns, strict=True)]


def _in_parallel(run: Callable[[int, int], int], rows: int, tasks: int) -> int:
    """Run over all rows in parts, on all cores (the kernels release the interpreter); the OR of the results."""
    parts = max(1, min(tasks, rows // _ROWS_PER_TASK_MIN))
    edges = [rows * part // parts for part in range(parts + 1)]
    if parts == 1:
        return run(0, rows) if rows else 0
    seen = 0
    with ThreadPoolExecutor(_workers()) as pool:
        for result in pool.map(lambda span: run(*span), pairwise(edges)):
            seen |= result
    return seen


def _workers() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load_kernels() -> ModuleType:
    """The compiled loops, loaded when first needed: numba takes a moment to import."""
    try:
        from trivium.pricing import _kernels as kernels  # noqa: PLC0415  see above
    except ImportError as error:
        raise UserError("columnar pricing", error.name or str(error), "install trivium[columnar]") from error
    return kernels
