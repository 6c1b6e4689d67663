"""The sink says a record is recorded only once it is durable, and loses none however the process ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

import trivium
from ledger import world
from ledger.sync_witness import SyncWitness, why_unavailable
from trivium.core import Closed, DuplicateEvent, LedgerError, Opened, OutOfOrder
from trivium.ledger import GroupCommitSink

watched = pytest.mark.skipif(bool(why_unavailable()), reason=why_unavailable())
TESTS = Path(__file__).parent.parent


async def test_an_attempt_is_opened_closed_and_rated_once(tmp_path: Path) -> None:
    with world.ledger(tmp_path) as ledger:
        async with ledger.sink() as sink:
            await sink.opened(world.opened())
            assert [open_.event_id for open_ in ledger.open_attempts()] == ["e1"]
            await sink.closed(world.closed())
        assert list(ledger.events()) == [world.event()]
        assert str(ledger.rating("e1").amount) == "0.01"


async def test_the_same_start_twice_is_one_and_another_content_is_refused(tmp_path: Path) -> None:
    with world.ledger(tmp_path) as ledger:
        async with ledger.sink() as sink:
            await asyncio.gather(sink.opened(world.opened()), sink.opened(world.opened()))
            with pytest.raises(DuplicateEvent, match="workload"):
                await sink.opened(world.opened(workload="other"))
        assert len(ledger.open_attempts()) == 1


async def test_an_end_without_a_start_or_a_second_end_is_out_of_order(tmp_path: Path) -> None:
    with world.ledger(tmp_path) as ledger:
        async with ledger.sink() as sink:
            with pytest.raises(OutOfOrder, match="never opened"):
                await sink.closed(world.closed())
            await sink.opened(world.opened())
            await sink.closed(world.closed())
            with pytest.raises(OutOfOrder, match="closed already"):
                await sink.closed(world.closed())
        assert ledger.spend()[0].attempts == 1


async def test_one_refused_record_does_not_touch_its_batch(tmp_path: Path) -> None:
    with world.ledger(tmp_path) as ledger:
        async with ledger.sink() as sink:
            results = await asyncio.gather(
                *(sink.opened(world.opened(f"e{number}")) for number in range(50)),
                sink.closed(world.closed("stranger")),
                return_exceptions=True,
            )
        assert [type(result) for result in results if result is not None] == [OutOfOrder]
        assert len(ledger.open_attempts()) == 50


async def test_many_records_share_few_commits(tmp_path: Path) -> None:
    with world.ledger(tmp_path) as ledger:
        async with ledger.sink() as sink:
            await asyncio.gather(*(sink.opened(world.opened(f"e{number}")) for number in range(500)))
            assert sink.records == 500
            assert sink.batches < 50


async def test_close_commits_what_waits_and_then_refuses(tmp_path: Path) -> None:
    with world.ledger(tmp_path) as ledger:
        sink = ledger.sink()
        async with asyncio.TaskGroup() as group:
            for number in range(100):
                group.create_task(sink.opened(world.opened(f"e{number}")))
            await asyncio.sleep(0)
            await sink.close()
        assert len(ledger.open_attempts()) == 100
        with pytest.raises(LedgerError, match="sink is closed"):
            await sink.opened(world.opened("late"))


async def test_a_cancelled_caller_leaves_its_record_recorded(tmp_path: Path) -> None:
    with world.ledger(tmp_path) as ledger:
        async with ledger.sink() as sink:
            async with asyncio.TaskGroup() as group:
                task = group.create_task(sink.opened(world.opened()))
                await asyncio.sleep(0)
                task.cancel()
            await sink.opened(world.opened("e2"))
        assert {open_.event_id for open_ in ledger.open_attempts()} == {"e1", "e2"}


async def test_a_failed_commit_reaches_every_waiter_and_the_sink_goes_on() -> None:
    outcomes: list[Exception | None] = [LedgerError("disk full"), ValueError("defect"), None]

    def commit(records: Sequence[Opened | Closed]) -> list[str]:
        if (error := outcomes.pop(0)) is not None:
            raise error
        return ["new"] * len(records)

    async with GroupCommitSink(commit) as sink:
        with pytest.raises(LedgerError, match="disk full"):
            await sink.opened(world.opened())
        with pytest.raises(LedgerError, match="ValueError: defect"):
            await sink.opened(world.opened())
        await sink.opened(world.opened())


async def test_callers_wait_when_the_queue_is_full() -> None:
    gate, sizes = threading.Event(), []

    def commit(records: Sequence[Opened | Closed]) -> list[str]:
        gate.wait(5)
        sizes.append(len(records))
        return ["new"] * len(records)

    async with GroupCommitSink(commit, pending_max=4) as sink, asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(sink.opened(world.opened(f"e{number}")))
        await asyncio.sleep(0.05)
        assert len(sink._queue) <= 4
        gate.set()
    assert sum(sizes) == 20
    assert max(sizes) <= 4


async def test_a_ledger_that_cannot_be_written_forbids_the_attempt(tmp_path: Path) -> None:
    with world.ledger(tmp_path) as ledger:
        async with ledger.sink() as sink:
            raw = sqlite3.connect(tmp_path / "ledger.db")
            raw.execute("DROP TABLE rating_lines")
            raw.execute("ALTER TABLE attempts_opened RENAME TO elsewhere")
            raw.close()
            with pytest.raises(LedgerError, match="attempts_opened"):
                await sink.opened(world.opened())


@watched
async def test_each_acknowledged_record_was_fsynced_and_survives_a_power_cut(tmp_path: Path) -> None:
    """Every acknowledgement has an fsync of the log behind it; what was synced holds all that was acknowledged."""
    durable, cut = tmp_path / "durable", tmp_path / "cut"
    durable.mkdir()
    cut.mkdir()
    with SyncWitness(durable) as witness, world.ledger(tmp_path) as ledger:
        async with ledger.sink() as sink:
            for number in range(30):
                before = witness.wal_syncs
                await sink.opened(world.opened(f"e{number}"))
                assert witness.wal_syncs > before
        with ledger._store.reading() as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        for name in ("ledger.db", "ledger.db-wal"):
            (durable / name).replace(cut / name)
    with world.ledger(cut) as ledger:
        assert len(ledger.open_attempts()) == 30
        assert ledger.verify() == ()


@watched
def test_the_witness_tells_full_from_normal(tmp_path: Path) -> None:
    """The test above can fail: with synchronous=NORMAL the same commits bring no fsync at all."""
    durable = tmp_path / "durable"
    durable.mkdir()
    counts = {}
    with SyncWitness(durable) as witness:
        for mode in ("NORMAL", "FULL"):
            connection = sqlite3.connect(tmp_path / f"{mode}.db", isolation_level=None)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA synchronous={mode}")
            connection.execute("CREATE TABLE t (x)")
            before = witness.wal_syncs
            for number in range(10):
                connection.execute("INSERT INTO t VALUES (?)", (number,))
            counts[mode] = witness.wal_syncs - before
            connection.close()
    assert counts == {"NORMAL": 0, "FULL": 10}


async def test_an_import_by_another_process_and_the_gateway_record_side_by_side(tmp_path: Path) -> None:
    """Two openings of the file share only SQLite's own locks, as two processes do."""
    imported = [world.event(f"import-{number}") for number in range(6000)]
    with world.ledger(tmp_path) as mine, world.ledger(tmp_path) as other:
        async with mine.sink() as sink, asyncio.TaskGroup() as group:
            group.create_task(asyncio.to_thread(other.append, imported))
            for number in range(40):
                await sink.opened(world.opened(f"live-{number}"))
                await sink.closed(world.closed(f"live-{number}"))
        (total,) = mine.spend()
        assert (total.attempts, total.open, total.unpriced) == (6040, 0, 0)
        assert mine.verify() == ()


_WRITER = """
import asyncio, sys
from pathlib import Path
from ledger import world

async def main(folder, start):
    with world.ledger(Path(folder)) as ledger:
        async with ledger.sink() as sink, asyncio.TaskGroup() as group:
            async def client(number):
                for turn in range(100_000):
                    name = f"{start}-{number}-{turn}"
                    await sink.opened(world.opened(name))
                    print("opened", name, flush=True)
                    await sink.closed(world.closed(name))
                    print("closed", name, flush=True)
            for number in range(8):
                group.create_task(client(number))

asyncio.run(main(sys.argv[1], sys.argv[2]))
"""


def test_nothing_acknowledged_is_lost_to_kill_9(tmp_path: Path) -> None:
    """Ten writers are killed at moments that differ; every acknowledged record is there, once, and rated."""
    told: dict[str, set[str]] = {"opened": set(), "closed": set()}
    for kill in range(10):
        ours = Path(trivium.__file__).parents[1]  # not what another checkout installed
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(ours)])}
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(tmp_path), str(kill)],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        ) as writer:
            assert writer.stdout is not None
            for number, line in enumerate(writer.stdout):
                kind, name = line.split()
                told[kind].add(name)
                if number == 20 + 37 * kill:
                    os.kill(writer.pid, signal.SIGKILL)
                    break
            for line in writer.stdout:  # acknowledged before the kill, read after it
                if line.endswith("\n"):
                    kind, name = line.split()
                    told[kind].add(name)
    with world.ledger(tmp_path) as ledger:
        ended = {event.opened.event_id for event in ledger.events()}
        left = {opened.event_id for opened in ledger.open_attempts()}
        assert told["closed"] <= ended
        assert told["opened"] <= ended | left
        assert ended & left == set()
        assert len(told["closed"]) > 500, json.dumps({kind: len(names) for kind, names in told.items()})
        assert ledger.spend()[0].amount.picos == len(ended) * 10**10  # 0.01 USD each
        assert ledger.verify() == ()
