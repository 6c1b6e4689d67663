"""Pricing against the memory of this machine and against Polars, in one run on the same rows.

A row in memory is a 16-bit key and five 32-bit counts: 22 bytes in, and 8 bytes out where a price a row is written.
All engines give the same exact total, or the run fails. Only the ratios survive a change of machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from trivium.core import TOKEN_UNITS, Offer, PriceError, Usage
from trivium.pricing import PriceBook, columnar, price
from trivium.pricing.tables import price_file

DAY = date(2026, 11, 22)
COUNTS_MAX = {"input": 3_000, "output": 2_000, "cache_read": 200_000, "cache_write_5m": 5_000, "cache_write_1h": 100}
KEY_BYTES, COUNT_BYTES, PRICE_BYTES = 2, 4 * len(TOKEN_UNITS), 8
BANDWIDTH_SHARE_MIN, POLARS_RATIO_MIN, PARQUET_ROWS_PER_S_MIN = 0.5, 4.0, 20e6


@dataclass(frozen=True)
class Line:
    """One figure; `share` is of the measured read bandwidth."""

    name: str
    value: float
    unit: str
    share: float | None = None
    note: str = ""


class Rows:
    """Seeded usage of every offer whose five token classes have a price, in memory as integer columns."""

    def __init__(self, book: PriceBook, rows: int) -> None:
        rng = np.random.default_rng(20261122)
        self.offers = sold(book)
        self.codes = rng.integers(0, len(self.offers), rows).astype(np.uint16)
        keys = columnar.Keys(book)
        self.key = keys.encode(self.offers, self.codes, DAY)
        self.table = keys.table()
        self.counts = {unit: rng.integers(0, top, rows, np.int32) for unit, top in COUNTS_MAX.items()}

    def __len__(self) -> int:
        return len(self.key)


def sold(book: PriceBook) -> list[Offer]:
    """The offers that have a price for each of the five token classes on the day, at any prompt length."""
    named = {Offer(cell.surface, cell.scope, cell.model, cell.tier) for cell in book.cells}
    found = []
    for offer in sorted(named):
        try:
            for length in (1, 1_000_000):
                for unit in TOKEN_UNITS:
                    book.cell(offer, unit, DAY, length)
        except PriceError:
            continue
        found.append(offer)
    return found


def best(run: Callable[[], object], repeats: int) -> float:
    """The shortest of several runs in seconds, after one to warm up: what the machine can do when left alone."""
    run()
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return min(taken)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def read_bandwidth(repeats: int) -> float:
    """Bytes a second that all cores together can read: the sum of an array far larger than the caches."""
    numbers = np.ones(64_000_000, np.int64)
    cores = _cores()
    parts = np.array_split(numbers, cores)
    with ThreadPoolExecutor(cores) as pool:
        return float(numbers.nbytes) / best(lambda: list(pool.map(np.sum, parts)), repeats * 2)


def polars_frames(rows: Rows) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The same rows and rates for Polars: a usage frame, and one line of rates per key and band."""
    usage = pl.DataFrame({"key": rows.key, **rows.counts})
    bands = len(rows.table.thresholds) + 1
    rates = rows.table.rates.reshape(-1, bands, 8)[:, :, : len(TOKEN_UNITS)].astype(np.int64)
    columns = {f"{unit}_{band}": rates[:, band, lane] for band in range(bands) for lane, unit in enumerate(TOKEN_UNITS)}
    return usage, pl.DataFrame({"key": np.arange(len(rates), dtype=np.uint16), **columns})


def _prompt() -> pl.Expr:
    return pl.sum_horizontal(pl.col("input", "cache_read", "cache_write_5m", "cache_write_1h").cast(pl.Int64))


def polars_join(rows: Rows) -> Callable[[], int]:
    """Join the rates by key, choose the band, multiply as 64-bit integers, sum as 128-bit ones."""
    usage, rates = polars_frames(rows)
    first, second = rows.table.thresholds[:2]
    banded = [
        pl.when(pl.col("prompt") > second)
        .then(pl.col(f"{unit}_2"))
        .when(pl.col("prompt") > first)
        .then(pl.col(f"{unit}_1"))
        .otherwise(pl.col(f"{unit}_0"))
        * pl.col(unit).cast(pl.Int64)
        for unit in TOKEN_UNITS
    ]
    query = (
        usage.lazy()
        .with_columns(prompt=_prompt())
        .join(rates.lazy(), on="key")
        .select(pl.sum_horizontal(*banded).cast(pl.Int128).sum())
    )
    return lambda: int(query.collect().item())


def polars_group(rows: Rows) -> Callable[[], int]:
    """Sum the counts by key and band first, then price the few sums: less work, and exact as well."""
    usage, rates = polars_frames(rows)
    first, second = rows.table.thresholds[:2]
    band = (pl.col("prompt") > first).cast(pl.UInt8) + (pl.col("prompt") > second).cast(pl.UInt8)
    query = (
        usage.lazy()
        .with_columns(prompt=_prompt())
        .with_columns(band=band)
        .group_by("key", "band")
        .agg(pl.col(*TOKEN_UNITS).cast(pl.Int64).sum())
        .join(rates.lazy(), on="key")
    )

    def run() -> int:
        return sum(
            line[unit] * line[f"{unit}_{line['band']}"] for line in query.collect().to_dicts() for unit in TOKEN_UNITS
        )

    return run


def in_memory(rows: Rows, bandwidth: float, repeats: int) -> list[Line]:
    """The kernels and Polars on the same rows; raises if their totals differ by a pico-dollar."""
    expected = sum(columnar.total(rows.table, rows.key, rows.counts))
    found = []
    for name, bytes_per_row, run in (
        ("total by offer", KEY_BYTES + COUNT_BYTES, lambda: columnar.total(rows.table, rows.key, rows.counts)),
        (
            "price of every row",
            KEY_BYTES + COUNT_BYTES + PRICE_BYTES,
            lambda: columnar.price_table(rows.table, rows.key, rows.counts),
        ),
    ):
        rate = len(rows) / best(run, repeats)
        share = rate * bytes_per_row / bandwidth
        found.append(Line(name, rate, "rows/s", share, f"{bytes_per_row} bytes a row"))
    for name, query in (("Polars, join", polars_join(rows)), ("Polars, group then price", polars_group(rows))):
        if query() != expected:
            raise SystemExit(f"{name} does not give the same total")
        rate = len(rows) / best(query, max(2, repeats // 2))
        found.append(Line(name, rate, "rows/s", rate * (KEY_BYTES + COUNT_BYTES) / bandwidth))
    return found


def from_parquet(rows: Rows, book: PriceBook, count: int, folder: Path, repeats: int) -> list[Line]:
    """A file with names and days of offers, priced by the product, and one that carries keys."""
    count = min(count, len(rows))
    codes, counts = rows.codes[:count], {unit: column[:count] for unit, column in rows.counts.items()}
    expected = sum(columnar.total(rows.table, rows.key[:count], counts))
    kind = pl.Enum(
        sorted({name for offer in rows.offers for name in (offer.surface, offer.scope, offer.model, offer.tier)})
    )
    names = {
        part: pl.Series([getattr(offer, part) for offer in rows.offers], dtype=pl.String).gather(codes)
        for part in ("surface", "scope", "model", "tier")
    }
    days = np.full(count, np.datetime64(DAY))
    words, named, keyed = folder / "words.parquet", folder / "named.parquet", folder / "keyed.parquet"
    pl.DataFrame({**names, "at": days, **counts}).write_parquet(words)
    pl.DataFrame({**{part: series.cast(kind) for part, series in names.items()}, "at": days, **counts}).write_parquet(
        named
    )
    pl.DataFrame({"key": rows.key[:count], **counts}).write_parquet(keyed)

    def by_key() -> int:
        frame = pl.read_parquet(keyed)
        columns = {unit: frame[unit].to_numpy() for unit in TOKEN_UNITS}
        return sum(columnar.total(rows.table, frame["key"].to_numpy(), columns))

    found = []
    for name, run in (
        ("Parquet with keys", by_key),
        ("Parquet with names as categories", lambda: price_file(named, book).amount.picos),
        ("Parquet with names as text", lambda: price_file(words, book).amount.picos),
    ):
        if run() != expected:
            raise SystemExit(f"{name} does not give the same total")
        found.append(Line(name, count / best(run, repeats), "rows/s"))
    return found


def one_by_one(book: PriceBook, rows: Rows, calls: int) -> Line:
    """Calls of `price` a second, each with its breakdown."""
    usages = [
        Usage(*values) for values in zip(*(rows.counts[unit][:1000].tolist() for unit in TOKEN_UNITS), strict=True)
    ]
    offers = [rows.offers[code] for code in rows.codes[:1000]]

    def run() -> None:
        for number in range(calls):
            price(usages[number % 1000], offers[number % 1000], DAY, book)

    return Line("price(), one request with its breakdown", calls / best(run, 2), "calls/s")


def start_times() -> list[Line]:
    """Seconds that a fresh interpreter needs, beyond starting at all."""
    trivium = "from trivium.cli import main; main()"
    request = ["price", "--surface", "anthropic", "--scope", "global", "--model", "claude-opus-5", "--input", "1"]
    nothing = _started("pass", [])
    return [
        Line("start: import trivium.pricing", _started("import trivium.pricing", []) - nothing, "s"),
        Line("start: trivium price", _started(trivium, request) - nothing, "s"),
    ]


def _started(code: str, arguments: list[str]) -> float:
    command = [sys.executable, "-c", code, *arguments]
    return best(lambda: subprocess.run(command, check=True, capture_output=True), 3)


def missed(lines: list[Line]) -> list[str]:
    """The targets that this run did not reach."""
    value = {line.name: line.value for line in lines}
    share = {line.name: line.share or 0.0 for line in lines}
    ours, polars = "total by offer", max(rate for name, rate in value.items() if name.startswith("Polars"))
    found = []
    if share[ours] < BANDWIDTH_SHARE_MIN:
        found.append(f"{ours}: {share[ours]:.0%} of the read bandwidth, wanted {BANDWIDTH_SHARE_MIN:.0%}")
    if value[ours] < POLARS_RATIO_MIN * polars:
        found.append(f"{ours}: {value[ours] / polars:.1f} times Polars, wanted {POLARS_RATIO_MIN:.0f}")
    if value["Parquet with keys"] < PARQUET_ROWS_PER_S_MIN:
        found.append(f"Parquet: {value['Parquet with keys'] / 1e6:.0f} M rows/s, wanted 20")
    return found


def report(lines: list[Line]) -> None:
    """Print the table; the ratio to Polars is to its fastest way."""
    polars = max(line.value for line in lines if line.name.startswith("Polars"))
    print(f"{'':42} {'':>16} {'of read':>8} {'x Polars':>9}")
    for line in lines:
        value = f"{line.value:.3f} {line.unit}" if line.unit == "s" else f"{line.value / 1e6:,.2f} M {line.unit}"
        if line.unit == "bytes/s":
            value = f"{line.value / 1e9:.1f} GB/s"
        ratio = f"{line.value / polars:.1f}" if line.unit == "rows/s" else ""
        share = "" if line.share is None else f"{line.share:.0%}"
        print(f"{line.name:42} {value:>16} {share:>8} {ratio:>9}  {line.note}".rstrip())


def shipped_book() -> PriceBook:
    """Every price that the catalogue carries."""
    from trivium.catalog import load

    return PriceBook.from_snapshot(load().snapshot(DAY))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000_000, help="rows in memory")
    parser.add_argument("--parquet-rows", type=int, default=5_000_000, help="rows of each file")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each engine; the shortest counts")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--check", action="store_true", help="exit 1 if a target is missed")
    chosen = parser.parse_args(arguments)
    book = shipped_book()
    rows = Rows(book, chosen.rows)
    bandwidth = read_bandwidth(chosen.repeats)
    lines = [Line("memory, all cores reading", bandwidth, "bytes/s")]
    lines += in_memory(rows, bandwidth, chosen.repeats)
    with tempfile.TemporaryDirectory() as folder:
        lines += from_parquet(rows, book, chosen.parquet_rows, Path(folder), max(2, chosen.repeats // 2))
    lines += [one_by_one(book, rows, 50_000), *start_times()]
    failed = missed(lines)
    if chosen.json:
        print(json.dumps({"rows": len(rows), "lines": [asdict(line) for line in lines], "missed": failed}, indent=2))
    else:
        print(f"{len(rows):,} rows, {len(rows.offers)} offers, {_cores()} cores")
        report(lines)
        for sentence in failed:
            print(f"missed: {sentence}")
    if chosen.check and failed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
