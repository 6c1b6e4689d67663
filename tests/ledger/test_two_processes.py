"""What another process does to a ledger while a gateway writes into it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trivium.catalog import load
from trivium.core import Closed, LedgerError, Money, Offer, Opened, Outcome, Quality, SystemClock, Usage
from trivium.ledger import GroupCommitSink, Ledger
from trivium.pricing import PriceBook

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
USAGE = Usage(input=1000, output=10, cache_read=0, cache_write_5m=0, cache_write_1h=0)


async def record(sink: GroupCommitSink, event_id: str, model: str) -> None:
    await sink.opened(Opened(event_id, f"req_{event_id}", 1, AT, Offer("anthropic", "global", model), "coding"))
    await sink.closed(Closed(event_id, AT, Outcome.OK, USAGE, Quality.EXACT))


async def test_a_gateway_goes_on_recording_after_another_process_restored_its_ledger(tmp_path: Path) -> None:
    """Ids of price rows and books that a gateway remembers are of the file that was replaced."""
    book = PriceBook.from_snapshot(load([]).snapshot(AT.date()))
    with Ledger.open(tmp_path / "ledger.db", clock=SystemClock(), book=lambda: book) as ledger:
        empty = ledger.backup(tmp_path / "empty.db")
        async with ledger.sink() as sink:
            await record(sink, "evt_1", "claude-haiku-4-5")
            await record(sink, "evt_2", "claude-opus-5")
            with Ledger.open(tmp_path / "ledger.db", clock=SystemClock()) as elsewhere:
                elsewhere.restore(empty)
            await record(sink, "evt_3", "claude-opus-5")
            await record(sink, "evt_4", "claude-haiku-4-5")
        assert ledger.verify() == ()
        assert ledger.rating("evt_3").amount == Money.from_usd("0.00525")  # 1000 x 5 + 10 x 25 dollars a million
        assert ledger.rating("evt_4").amount == Money.from_usd("0.00105")  # 1000 x 1 + 10 x 5
        assert all("claude-haiku-4-5" in line.cell_id for line in ledger.rating("evt_4").lines)


def test_a_key_look_up_in_a_damaged_file_is_the_ledgers_error(tmp_path: Path) -> None:
    """The gateway answers 503 to it; a bare error of the driver would be called its own fault."""
    path = tmp_path / "ledger.db"
    with Ledger.open(path, clock=SystemClock()) as ledger:
        ledger.keys.create("coding")
        assert len(ledger.keys.list()) == 1
        with closing(sqlite3.connect(path)) as other:
            page, size = other.execute(
                "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_master WHERE name = 'keys'"
            ).fetchone()
            other.execute("INSERT INTO audit (at_us, action, detail) VALUES (1, 'probe', '{}')")
            other.commit()
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with path.open("r+b") as file:
            file.seek((page - 1) * size)
            file.write(b"\xff" * size)
        with pytest.raises(LedgerError, match=r"ledger\.db: database disk image is malformed"):
            ledger.keys.find("x" * 64)
