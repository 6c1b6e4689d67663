"""Files of usage: CSV and Parquet give the same exact totals, and what is wrong is named by row and field."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from trivium.core import AmbiguousName, Money, NoPrice, Offer, PriceError, UserError
from trivium.pricing import PriceBook
from trivium.pricing.tables import FileTotal, price_file

TODAY = date(2026, 11, 22)
HEADER = ["surface", "scope", "model", "tier", "at", "input", "output", "cache_read", "web_search", "team"]
ROWS: list[list[Any]] = [
    ["anthropic", "global", "claude-haiku-5-5", "standard", "2026-11-22", 100_000, 10, 0, 0, "a"],  # 0.010005
    ["anthropic", "global", "claude-haiku-5-5", "standard", "2026-11-22", 100_000, 10, 1, 0, "b"],  # 0.05002505
    ["bedrock", "us", "claude-opus-5", "standard", "2026-03-01", 1_000, 1_000, 0, 0, "a"],  # 0.033
    ["bedrock", "geo", "claude-opus-5", "standard", "2026-03-02", 1, 0, 0, 0, "a"],  # 0.0000055
    ["anthropic", "us", "claude-opus-5", "fast", "2026-11-22", 0, 0, 0, 7, "b"],  # 0.07
]
# 0.010005 + 0.05002505 + 0.033 + 0.0000055 + 0.07
AMOUNT = "0.16303555"
BOTH = pytest.mark.parametrize("kind", ["csv", "parquet"])

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def run(kind: str, rows: list[list[Any]] = ROWS, header: list[str] = HEADER, name: str = "usage") -> Path:
        path = tmp_path / f"{name}.{kind}"
        if kind == "csv":
            with path.open("w", newline="") as file:
                csv.writer(file).writerows([header, *rows])
        else:
            pl = pytest.importorskip("polars")
            pl.DataFrame(rows, schema=header, orient="row").write_parquet(path)
        return path

    return run


@BOTH
def test_a_file_is_priced_exactly_by_offer_and_in_all(write: Write, book: PriceBook, kind: str) -> None:
    found = price_file(write(kind), book)
    assert (str(found.amount), found.rows, found.book_digest) == (AMOUNT, 5, book.digest)
    amounts = {str(offer): (total.rows, str(total.amount)) for offer, total in found.offers.items()}
    assert amounts == {
        "anthropic/global/claude-haiku-5-5/standard": (2, "0.06003005"),
        "bedrock/geo/claude-opus-5/standard": (2, "0.0330055"),
        "anthropic/us/claude-opus-5/fast": (1, "0.07"),
    }
    assert found.usage == {"input": 201_001, "output": 1_020, "cache_read": 1, "web_search": 7}


def test_priced_rows_are_written_with_everything_that_was_read(write: Write, book: PriceBook, tmp_path: Path) -> None:
    out = tmp_path / "priced.csv"
    price_file(write("csv"), book, out=out)
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["amount_usd"] for row in rows] == ["0.010005", "0.05002505", "0.033", "0.0000055", "0.07"]
    assert [row["team"] for row in rows] == ["a", "b", "a", "a", "b"]
    assert (rows[2]["scope"], rows[2]["priced_scope"], rows[2]["book_digest"]) == ("us", "geo", book.digest)
    pl = pytest.importorskip("polars")
    out = tmp_path / "priced.parquet"
    price_file(write("parquet"), book, out=out)
    frame = pl.read_parquet(out)
    assert frame.columns == [*HEADER, "amount_picos"]
    assert [str(Money(picos)) for picos in frame["amount_picos"]] == [row["amount_usd"] for row in rows]


@BOTH
def test_the_tier_and_the_day_may_be_left_out(write: Write, book: PriceBook, kind: str) -> None:
    path = write(kind, [["anthropic", "global", "claude-sonnet-4-6", 200_001]], ["surface", "scope", "model", "input"])
    assert str(price_file(path, book, at=date(2026, 3, 12)).amount) == "1.200006"
    assert str(price_file(path, book, at=date(2026, 3, 13)).amount) == "0.600003"
    with pytest.raises(UserError, match="add a column at"):
        price_file(path, book)


@pytest.mark.parametrize(
    "at",
    [
        "2026-03-12T23:59:59",
        "2026-03-12T23:59:59Z",
        "2026-03-13T01:00:00+02:00",
        date(2026, 3, 12),
        datetime(2026, 3, 12, 23, 59, tzinfo=UTC),
    ],
)
def test_days_and_instants_are_read_in_utc(write: Write, book: PriceBook, at: object) -> None:
    header = ["surface", "scope", "model", "at", "input"]
    row = ["anthropic", "global", "claude-sonnet-4-6", at, 200_001]
    for kind in ("csv", "parquet"):
        assert str(price_file(write(kind, [row], header), book).amount) == "1.200006"


@pytest.mark.parametrize("kind", ["Categorical", "String"])
def test_names_in_parquet_may_be_text_or_categories(write: Write, book: PriceBook, tmp_path: Path, kind: str) -> None:
    pl = pytest.importorskip("polars")
    path = tmp_path / "other.parquet"
    frame = pl.read_parquet(write("parquet")).with_columns(pl.col(*HEADER[:4]).cast(getattr(pl, kind)))
    pl.concat([frame.reverse()] * 3).write_parquet(path)
    assert price_file(path, book).amount == Money.from_usd(AMOUNT) * 3


@BOTH
def test_names_are_made_canonical_and_an_unknown_one_is_named_with_its_row(
    write: Write, book: PriceBook, kind: str
) -> None:
    def canonical(offer: Offer) -> Offer:
        if offer.model == "opus":
            raise AmbiguousName("'opus' is claude-opus-4 or claude-opus-5")
        return Offer({"aws": "bedrock"}.get(offer.surface, offer.surface), offer.scope, offer.model, offer.tier)

    header = ["surface", "scope", "model", "at", "input"]
    good = ["aws", "us", "claude-opus-5", "2026-11-22", 2]
    assert str(price_file(write(kind, [good], header), book, canonical=canonical).amount) == "0.000011"
    bad = ["aws", "us", "opus", "2026-11-22", 2]
    with pytest.raises(AmbiguousName, match=r"usage.csv:3: |usage.parquet: row 1: "):
        price_file(write(kind, [good, bad], header), book, canonical=canonical)


@pytest.mark.parametrize(
    ("field", "value", "kinds", "says"),
    [
        ("input", -1, "csv parquet", r"(csv:3: input|row 1: input): ('-1'|-1): give a whole number"),
        ("input", 1.5, "csv parquet", r"input: .*give a (whole number|column of integers)"),
        ("input", None, "csv parquet", r"(csv:3: input|row 1: input): ('None'|None|''): write 0 if there were none"),
        ("output", 2**54, "csv parquet", r"(csv:3|row 1): output: .*18014398509481984.*give a whole number from 0 to"),
        ("at", "yesterday", "csv parquet", r"at|yesterday"),
        ("scope", None, "parquet", r"row 1: scope: None: give a value"),
    ],
)
def test_a_wrong_field_is_named_with_its_row_its_value_and_the_remedy(
    write: Write, book: PriceBook, field: str, value: object, kinds: str, says: str
) -> None:
    rows = [list(row) for row in ROWS]
    rows[1][HEADER.index(field)] = value
    for kind in kinds.split():
        with pytest.raises(UserError, match=says):
            price_file(write(kind, rows), book)


@BOTH
@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"scope": "eu"}, "scope global, us"),
        ({"tier": "batchy"}, "tiers sold on that day: batch, fast, standard"),
        ({"model": "claude-opus-9"}, "anthropic has prices for claude-haiku-5-5"),
    ],
)
def test_a_row_without_a_price_is_named(
    write: Write, book: PriceBook, kind: str, changes: dict[str, str], says: str
) -> None:
    rows = [*ROWS, ["anthropic", "us", "claude-opus-5", "standard", "2026-11-22", 1, 1, 0, 0, "c"]]
    for field, value in changes.items():
        rows[5][HEADER.index(field)] = value
    with pytest.raises(PriceError, match=rf"(usage.csv:7|usage.parquet: row 5): .*{says}") as raised:
        price_file(write(kind, rows), book)
    assert isinstance(raised.value, NoPrice)
    assert "2026-11-22" in raised.value.keys


@BOTH
def test_a_file_without_a_needed_column_says_which(write: Write, book: PriceBook, kind: str) -> None:
    with pytest.raises(UserError, match="add a column model"):
        price_file(write(kind, [["anthropic", "us", 1]], ["surface", "scope", "input"]), book, at=TODAY)
    with pytest.raises(UserError, match="add counts: input"):
        price_file(write(kind, [["anthropic", "us", "m"]], ["surface", "scope", "model"]), book, at=TODAY)


@BOTH
def test_a_file_without_rows_costs_nothing(write: Write, book: PriceBook, kind: str) -> None:
    path = write("csv", [], HEADER)
    if kind == "parquet":
        pl = pytest.importorskip("polars")
        path = path.with_suffix(".parquet")
        pl.read_parquet(write("parquet")).clear().write_parquet(path)
    assert price_file(path, book) == FileTotal(
        book.digest, usage=dict.fromkeys(("input", "output", "cache_read", "web_search"), 0)
    )


def test_files_that_cannot_be_read_or_would_be_overwritten_are_refused(
    write: Write, book: PriceBook, tmp_path: Path
) -> None:
    path = write("csv")
    for wrong, says in (
        ({"path": tmp_path / "usage.xlsx"}, "give a .csv or .parquet file"),
        ({"path": tmp_path / "none.csv"}, "give a file that exists"),
        ({"path": path, "out": path}, "not overwritten"),
        ({"path": path, "out": tmp_path / "out.parquet"}, "name a .csv file"),
    ):
        with pytest.raises(UserError, match=says):
            price_file(book=book, **wrong)
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 nothing")
    with pytest.raises(UserError, match="give a readable Parquet file"):
        price_file(broken, book)
    short = tmp_path / "short.csv"
    short.write_text("surface,scope,model,at,input\nanthropic,us\n")
    with pytest.raises(UserError, match=r"short.csv:2: .*as many fields as the header"):
        price_file(short, book)
    foreign = tmp_path / "foreign.csv"
    foreign.write_bytes("surface,scope,modèle\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"foreign.csv:1: .*UTF-8"):
        price_file(foreign, book)


def test_a_file_that_fails_half_way_leaves_no_priced_rows_behind(write: Write, book: PriceBook, tmp_path: Path) -> None:
    rows = [*ROWS, ["anthropic", "mars", "claude-opus-5", "standard", "2026-11-22", 1, 1, 0, 0, "c"]]
    out = tmp_path / "priced.csv"
    with pytest.raises(NoPrice):
        price_file(write("csv", rows), book, out=out)
    assert not out.exists()
    out.write_text("those of last month")
    with pytest.raises(NoPrice):
        price_file(write("csv", rows), book, out=out)
    assert out.read_text() == "those of last month"


def test_progress_ends_at_the_whole_of_the_file(write: Write, book: PriceBook) -> None:
    for kind, whole in (("csv", write("csv", ROWS * 10_000).stat().st_size), ("parquet", 50_000)):
        seen: list[tuple[int, int]] = []
        price_file(write(kind, ROWS * 10_000), book, progress=lambda done, of, seen=seen: seen.append((done, of)))
        assert seen == sorted(seen)
        assert seen[-1] == (whole, whole)
