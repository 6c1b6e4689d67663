"""Tables of usage: the same amounts as one by one, whatever their size, order, width and grouping."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from pricing.hand_book import hand_cells, offer_cells, tool_cell
from trivium.core import TOKEN_UNITS, AmbiguousOffer, NoPrice, Offer, Usage, UserError
from trivium.pricing import PriceBook, price

np = pytest.importorskip("numpy")
pytest.importorskip("numba")
columnar = pytest.importorskip("trivium.pricing.columnar")

TODAY = date(2026, 11, 22)
OFFERS = (
    Offer("anthropic", "global", "claude-haiku-5-5"),  # a band at 100K
    Offer("anthropic", "global", "claude-sonnet-4-6"),  # a band at 200K, in its window alone
    Offer("bedrock", "us", "claude-opus-5"),
    Offer("anthropic", "us", "claude-opus-5", "fast"),
    Offer("foundry", "us", "claude-opus-5"),
)
DAYS = tuple(np.datetime64(day) for day in ("2026-02-20", "2026-03-12", "2026-03-13", "2026-11-22"))
COUNTS_MAX = {"input": 150_000, "output": 64_000, "cache_read": 250_000, "cache_write_5m": 30_000, "cache_write_1h": 9}


class Table:
    """Random usage, seeded: offers, days and counts that fall on both sides of every band."""

    def __init__(self, rows: int, seed: int, dtype: Any = np.int32, days: tuple[Any, ...] = DAYS) -> None:
        rng = np.random.default_rng(seed)
        self.offer_codes = rng.integers(0, len(OFFERS), rows)
        self.days = np.array(days, "datetime64[D]")[rng.integers(0, len(days), rows)]
        self.counts = {unit: rng.integers(0, top, rows).astype(dtype) for unit, top in COUNTS_MAX.items()}
        for unit in ("cache_read", "cache_write_5m", "cache_write_1h"):
            self.counts[unit] *= rng.integers(0, 2, rows).astype(dtype)

    def encoded(self, book: PriceBook) -> tuple[Any, Any]:
        keys = columnar.Keys(book)
        key = keys.encode(OFFERS, self.offer_codes, self.days)
        return keys.table(), key

    def one_by_one(self, book: PriceBook) -> list[int]:
        columns = [self.counts[unit].tolist() for unit in TOKEN_UNITS]
        rows = zip(self.offer_codes.tolist(), self.days.tolist(), *columns, strict=True)
        return [price(Usage(*counts), OFFERS[code], day, book).amount.picos for code, day, *counts in rows]


def one_key(book: PriceBook, offer: Offer, day: date = TODAY) -> tuple[Any, Any]:
    keys = columnar.Keys(book)
    return np.full(1, keys.code(offer, day), np.uint16), keys.table()


def test_a_million_random_records_cost_the_same_one_by_one_and_in_columns(book: PriceBook) -> None:
    table = Table(1_000_000, seed=20261122)
    rates, key = table.encoded(book)
    expected = table.one_by_one(book)
    assert columnar.price_table(rates, key, table.counts).tolist() == expected
    assert sum(columnar.total(rates, key, table.counts)) == sum(expected)


@pytest.mark.parametrize("rows", [0, 1, 7, 8, 9, 255, 256, 257, 1_023, 200_003])
def test_every_length_is_priced_to_its_last_row(book: PriceBook, rows: int) -> None:
    table = Table(rows, seed=rows)
    rates, key = table.encoded(book)
    priced = columnar.price_table(rates, key, table.counts)
    assert priced.dtype == np.int64
    assert priced[:500].tolist() == table.one_by_one(book)[:500]
    assert sum(columnar.total(rates, key, table.counts)) == sum(priced.tolist())


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64])
def test_the_width_of_a_column_does_not_change_an_amount(book: PriceBook, dtype: Any) -> None:
    table = Table(1_000, seed=1)
    table.counts = {unit: column % 30_000 for unit, column in table.counts.items()}
    rates, key = table.encoded(book)
    narrow = {unit: column.astype(dtype) for unit, column in table.counts.items()}
    assert columnar.price_table(rates, key, narrow).tolist() == table.one_by_one(book)
    assert columnar.price_table(rates, key.astype(np.int64), narrow).tolist() == table.one_by_one(book)


def test_columns_of_different_widths_strides_and_missing_ones_are_taken_as_they_are(book: PriceBook) -> None:
    table = Table(2_000, seed=2)
    rates, key = table.encoded(book)
    some: dict[str, Any] = {
        "input": table.counts["input"][::2].astype(np.int64),
        "output": table.counts["output"][::2],
    }
    table.offer_codes, table.days = table.offer_codes[::2], table.days[::2]
    zero = np.zeros(1_000, np.int32)
    table.counts = {unit: some.get(unit, zero) for unit in TOKEN_UNITS}
    assert columnar.price_table(rates, key[::2], some).tolist() == table.one_by_one(book)


def test_totals_by_group_are_the_sums_of_their_rows_in_any_order(book: PriceBook) -> None:
    table = Table(300_000, seed=3)
    rates, key = table.encoded(book)
    priced = columnar.price_table(rates, key, table.counts).tolist()
    rng = np.random.default_rng(4)
    for size in (1, 5, 9_000):  # on both sides of the size from which partial sums are no longer spread
        groups = rng.integers(0, size, len(key))
        groups[0] = size - 1
        expected = [0] * size
        for group, amount in zip(groups.tolist(), priced, strict=True):
            expected[group] += amount
        assert columnar.total(rates, key, table.counts, groups) == tuple(expected)
        order = rng.permutation(len(key))
        shuffled = {unit: column[order] for unit, column in table.counts.items()}
        assert columnar.total(rates, key[order], shuffled, groups[order]) == tuple(expected)


def test_sums_beyond_64_bits_stay_exact(book: PriceBook) -> None:
    rows, count = 400_000, 2**31 - 1
    code, rates = one_key(book, Offer("anthropic", "us", "claude-opus-5", "fast"))
    key = np.repeat(code, rows)
    counts = {unit: np.full(rows, count, np.int32) for unit in TOKEN_UNITS}
    # 11 + 55 + 1.1 + 13.75 + 22 = 102.85 USD per million of each class: 102_850_000 pico-dollars
    row = 102_850_000 * count
    assert columnar.price_table(rates, key, counts)[-1] == row
    expected = row * rows
    assert expected > 2**64 * 4_000
    assert columnar.total(rates, key, counts) == (expected,)
    assert columnar.total(rates, key, counts, np.arange(rows) % 2) == (expected // 2, expected // 2)


def test_the_band_of_each_row_is_that_of_its_own_prompt(book: PriceBook) -> None:
    code, rates = one_key(book, Offer("anthropic", "global", "claude-haiku-5-5"))
    counts = {"input": np.array([100_000, 100_001, 1]), "cache_read": np.array([0, 0, 100_000])}
    # 100000 * 0.10 · 100001 * 0.50 · 1 * 0.50 + 100000 * 0.05, in millionths of a dollar
    expected = [10_000_000_000, 50_000_500_000, 500_000 + 5_000_000_000]
    assert columnar.price_table(rates, np.repeat(code, 3), counts).tolist() == expected


def test_server_tools_are_added_to_the_rows_that_used_them(book: PriceBook) -> None:
    code, rates = one_key(book, Offer("anthropic", "global", "claude-opus-5"))
    key = np.repeat(code, 4)
    counts = {"input": np.array([1, 1, 0, 0]), "web_search": np.array([0, 3, 0, 2**20]), "web_fetch": np.full(4, 8)}
    expected = [5_000_000, 5_000_000 + 30_000_000_000, 0, 2**20 * 10_000_000_000]
    assert columnar.price_table(rates, key, counts).tolist() == expected
    assert columnar.total(rates, key, counts) == (sum(expected),)
    counts["web_search"] = np.full(4, 2**31 - 1)  # 21 million dollars in one row: beyond 63 bits
    with pytest.raises(UserError, match="63 bits"):
        columnar.price_table(rates, key, counts)
    assert columnar.total(rates, key, counts) == (4 * (2**31 - 1) * 10**10 + 10_000_000,)


def test_days_on_which_nothing_changes_share_a_key(book: PriceBook) -> None:
    days = np.arange("2026-02-01", "2026-12-01", dtype="datetime64[D]")
    keys = columnar.Keys(book)
    key = keys.encode(OFFERS, np.full(len(days), 1), days)
    assert len(set(key.tolist())) == 2  # Sonnet 4.6 with its premium, and without
    changed = [str(day) for day, one, other in zip(days[1:], key, key[1:], strict=False) if one != other]
    assert changed == ["2026-02-17", "2026-03-13"]
    assert keys.encode(OFFERS, np.array([1]), date(2026, 3, 12)) == key[days == np.datetime64("2026-03-12")]


def test_an_offer_without_a_price_raises_before_any_row_is_priced(book: PriceBook) -> None:
    offers = (
        OFFERS[0],
        Offer("anthropic", "eu", "claude-opus-5"),
        Offer("bedrock", "geo-or-regional", "claude-opus-5"),
    )
    keys = columnar.Keys(book)
    days = np.full(3, "2026-11-22", "datetime64[D]")
    with pytest.raises(NoPrice, match=r"row 2: .*on 2026-11-22") as raised:
        keys.encode(offers, np.array([0, 0, 1]), days)
    assert raised.value.keys[:2] == ("anthropic", "eu")
    with pytest.raises(AmbiguousOffer, match="row 1"):
        keys.encode(offers, np.array([0, 2, 0]), TODAY)


def test_a_unit_without_a_price_raises_where_it_was_used_and_nowhere_else(book: PriceBook) -> None:
    code, rates = one_key(book, Offer("bedrock", "global", "claude-opus-4-1"))  # its 1-hour writes have no price
    rows = 100_001
    writes = np.zeros(rows, np.int32)
    key = np.repeat(code, rows)
    counts: Mapping[str, Any] = {"input": np.ones(rows, np.int32), "cache_write_1h": writes}
    assert columnar.total(rates, key, counts) == (15_000_000 * rows,)
    for row in (0, 77_777, rows - 1):
        writes[:] = 0
        writes[row] = 1
        for run in (columnar.price_table, columnar.total):
            with pytest.raises(NoPrice, match=f"row {row}: no price for cache_write_1h") as raised:
                run(rates, key, counts)
            assert raised.value.keys[4] == "cache_write_1h"


def test_a_length_without_a_price_raises_with_the_row() -> None:
    book = PriceBook(offer_cells("anthropic/global/claude-x/standard", "1 5 - - -", (0, 200_000)), TODAY)
    code, rates = one_key(book, Offer("anthropic", "global", "claude-x"))
    with pytest.raises(NoPrice, match=r"row 9: .*this prompt has 200001"):
        columnar.total(rates, np.repeat(code, 10), {"input": np.array([200_000] * 9 + [200_001])})


def test_cells_that_collide_raise_with_the_row(book: PriceBook) -> None:
    twin = offer_cells("bedrock/geo/claude-opus-5/standard", "- 27.5 - - -", window=(TODAY, None))
    collided = PriceBook((*hand_cells(), *twin), TODAY)
    code, rates = one_key(collided, Offer("bedrock", "us", "claude-opus-5"))
    key = np.repeat(code, 3)
    assert columnar.total(rates, key, {"input": np.array([1, 1, 1])}) == (3 * 5_500_000,)
    with pytest.raises(AmbiguousOffer, match="row 2"):
        columnar.total(rates, key, {"output": np.array([0, 0, 1])})


@pytest.mark.parametrize(
    ("unit", "column", "says"),
    [
        ("output", np.array([1, 2, -3], np.int32), r"row 2: output: -3: give a whole number from 0 to 2147483647"),
        ("input", np.array([1, 2**31, 3], np.int64), r"row 1: input: 2147483648"),
        ("input", np.array([1, 2, 2**32 - 1], np.uint32), r"row 2: input"),
        ("cache_read", np.array([-(2**62), 2, 3], np.int64), r"row 0: cache_read"),
        ("web_search", np.array([1, -1, 3], np.int64), r"row 1: web_search: -1"),
        ("input", np.array([1.0, 2.0, 3.0]), r"input: 'float64\[3\]': give a column of integers"),
        ("input", np.array([1, 2]), r"give a column of integers, 3 rows"),
        ("thoughts", np.array([1, 2, 3]), r"counts: 'thoughts': use the units input, output"),
    ],
)
def test_a_wrong_count_is_refused_and_named(book: PriceBook, unit: str, column: Any, says: str) -> None:
    code, rates = one_key(book, Offer("anthropic", "global", "claude-opus-5"))
    for run in (columnar.price_table, columnar.total):
        with pytest.raises(UserError, match=says):
            run(rates, np.repeat(code, 3), {unit: column})


def test_a_key_or_group_outside_the_table_is_refused_and_reads_nothing(book: PriceBook) -> None:
    _, rates = one_key(book, Offer("anthropic", "global", "claude-opus-5"))
    counts = {"input": np.ones(20, np.int32)}
    for wrong in (1, 65_535):
        key = np.zeros(20, np.uint16)
        key[17] = wrong
        with pytest.raises(UserError, match=f"row 17: key: {wrong}"):
            columnar.price_table(rates, key, counts)
    with pytest.raises(UserError, match="row 3: groups: -1"):
        columnar.total(rates, np.zeros(20, np.uint16), counts, np.where(np.arange(20) == 3, -1, 0))
    with pytest.raises(UserError, match="row 0: days"):
        columnar.Keys(book).encode(OFFERS, np.array([0]), np.array(["NaT"], "datetime64[D]"))


def test_a_table_without_keys_has_no_price_for_any_row(book: PriceBook) -> None:
    rates = columnar.Keys(book).table()
    assert columnar.total(rates, np.zeros(0, np.uint16), {}) == ()
    with pytest.raises(UserError, match="assign keys"):
        columnar.price_table(rates, np.zeros(1, np.uint16), {"input": np.ones(1, np.int32)})


def test_many_bands_are_told_apart() -> None:
    edges = (1_000, 2_000, 3_000, 4_000, 5_000)
    cells = [tool_cell("anthropic", "web_search", "0.01")]
    for number, (low, high) in enumerate(zip((0, *(edge + 1 for edge in edges)), (*edges, None), strict=True)):
        cells += offer_cells("anthropic/global/claude-x/standard", f"{number + 1} - - - -", (low, high))
    code, rates = one_key(PriceBook(cells, TODAY), Offer("anthropic", "global", "claude-x"))
    prompts = np.array([1, 1_000, 1_001, 2_000, 2_001, 3_001, 4_001, 5_000, 5_001, 9_999])
    bands = [1, 1, 2, 2, 3, 4, 5, 5, 6, 6]
    expected = [tokens * band * 1_000_000 for tokens, band in zip(prompts.tolist(), bands, strict=True)]
    assert columnar.price_table(rates, np.repeat(code, 10), {"input": prompts}).tolist() == expected
