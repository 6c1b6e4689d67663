"""Backups are whole, restores lose nothing, pruning keeps the totals, and what was tampered with is found."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from ledger import world
from trivium.core import LedgerCorrupt, LedgerError, Offer, OutOfOrder, Resource, Usage, UserError
from trivium.ledger import Ledger, _schema
from trivium.ledger._store import MIGRATIONS, Store

MAY = datetime(2026, 5, 1, tzinfo=UTC)


def test_the_migrations_make_exactly_the_tables_the_code_expects(tmp_path: Path) -> None:
    with world.ledger(tmp_path) as ledger, ledger._store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, _schema.metadata) == []
        primary = {table.name: [c.name for c in table.primary_key] for table in _schema.metadata.sorted_tables}
        for table, columns in primary.items():
            info = connection.exec_driver_sql(f"PRAGMA table_info({table})").all()
            assert [row[1] for row in info] == [column.name for column in _schema.metadata.tables[table].columns]
            assert [row[1] for row in sorted(info, key=lambda row: row[5]) if row[5]] == columns


def test_the_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [_schema.HEAD]


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    with world.ledger(tmp_path) as ledger:
        path = ledger.path
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
        raw.commit()
    with pytest.raises(LedgerError, match="newer Trivium"):
        world.ledger(tmp_path)


def test_a_file_of_another_program_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as raw:
        raw.execute("CREATE TABLE notes (x)")
    with pytest.raises(LedgerError, match="SQLite file of something else"):
        world.ledger(tmp_path)


def test_migrating_says_from_where_to_where(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.touch()
    assert Ledger.migrate_file(path) == (None, _schema.HEAD)
    assert Ledger.migrate_file(path) == (_schema.HEAD, _schema.HEAD)
    with pytest.raises(UserError, match="there is no ledger"):
        Ledger.migrate_file(tmp_path / "none.db")


@pytest.mark.parametrize("table", _schema.APPEND_ONLY)
def test_no_row_of_any_table_can_be_changed_or_deleted(tmp_path: Path, table: str) -> None:
    with world.ledger(tmp_path) as ledger:
        ledger.append([world.event("old", at=world.NOON - timedelta(days=2)), world.event()])
        ledger.prune(date(2026, 4, 15), keep_tags=["team"])
        ledger.keys.revoke(ledger.keys.create("chat")[0].key_id)
        ledger.append_demand([world_demand()])
        ledger.note("test", {})
        file = Resource("file", "file_1", "anthropic", "chat", "key_1", "req_1", world.NOON)
        ledger.resources._register(file)
        ledger.resources._mark(file, "forgotten")
        column = next(iter(_schema.metadata.tables[table].columns)).name
        with closing(sqlite3.connect(ledger.path)) as raw:
            for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"):  # noqa: S608  constants
                with pytest.raises(sqlite3.IntegrityError, match="the ledger only grows"):
                    raw.execute(statement)  # a trigger fires by row: the refusal shows that there is one


def world_demand() -> object:
    from trivium.ledger import DemandRow

    return DemandRow("servegen", "m", "1", 0, 21_600, 10, 1000, 100, imputed=False)


def test_demand_is_recorded_once_beside_the_events(tmp_path: Path) -> None:
    row = world_demand()
    with world.ledger(tmp_path) as ledger:
        first, second = ledger.append_demand([row, row]), ledger.append_demand([row])  # type: ignore[list-item]
        assert ((first.new, first.known), (second.new, second.known)) == ((1, 1), (0, 1))
        assert list(ledger.demand()) == [row]
        assert ledger.spend()[0].attempts == 0


def test_a_backup_is_whole_and_a_restore_keeps_what_was_there(tmp_path: Path) -> None:
    with world.ledger(tmp_path) as ledger:
        ledger.append([world.event("e1")])
        record, _ = ledger.keys.create("chat")
        steps: list[tuple[int, int]] = []
        copy = ledger.backup(tmp_path / "copies" / "one.db", progress=lambda done, total: steps.append((done, total)))
        assert steps[-1][0] == steps[-1][1] > 0
        assert [path.name for path in copy.parent.iterdir()] == ["one.db"]
        ledger.append([world.event("e2")])
        ledger.keys.revoke(record.key_id)

        kept = ledger.restore(copy)
        assert [event.opened.event_id for event in ledger.events()] == ["e1"]
        assert ledger.keys.list() == (record,)
        assert [note[1:] for note in ledger.notes()] == [("restore", {"from": str(copy), "kept": str(kept)})]
        ledger.append([world.event("e3")])  # what was remembered of the old file is forgotten
        assert ledger.verify() == ()

        assert kept is not None
        ledger.restore(kept)
        assert [event.opened.event_id for event in ledger.events()] == ["e1", "e2"]


def test_a_backup_never_overwrites_and_a_broken_one_is_not_restored(tmp_path: Path) -> None:
    with world.ledger(tmp_path) as ledger:
        ledger.append([world.event(f"e{number}") for number in range(200)])
        copy = ledger.backup(tmp_path / "copy.db")
        with pytest.raises(UserError, match="does not exist yet"):
            ledger.backup(copy)
        with pytest.raises(UserError, match="give the path of a backup"):
            ledger.restore(tmp_path / "none.db")
        page = bytearray(copy.read_bytes())
        page[4096 * 3 : 4096 * 6] = b"\x00" * 4096 * 3
        copy.write_bytes(page)
        with pytest.raises(LedgerCorrupt):
            ledger.restore(copy)
        (tmp_path / "text.db").write_text("no database at all")
        with pytest.raises(LedgerCorrupt, match="no backup"):
            ledger.restore(tmp_path / "text.db")
        with closing(sqlite3.connect(tmp_path / "other.db")) as raw:
            raw.execute("CREATE TABLE notes (x)")
        with pytest.raises(LedgerCorrupt, match="no backup"):
            ledger.restore(tmp_path / "other.db")
        assert ledger.spend()[0].attempts == 200


def _filled(ledger: Ledger) -> None:
    ledger.append(
        [
            world.event("a", at=MAY, workload="chat", tags={"team": "blue", "turn": "1"}),
            world.event("b", at=MAY + timedelta(hours=3), workload="chat", tags={"team": "red", "turn": "2"}),
            world.event("c", at=MAY + timedelta(days=1), request_id="r", usage=Usage(cache_read=9000, input=1000)),
            world.event("d", at=MAY + timedelta(days=1), request_id="r", attempt=2),
            world.event("e", at=MAY + timedelta(days=1), offer=Offer("vertex", "eu", "claude-opus-5")),
            world.event("f", at=MAY + timedelta(days=2)),
        ]
    )
    ledger._commit([world.opened("g", at=MAY)])


def test_pruning_keeps_every_total(tmp_path: Path) -> None:
    clock = world.clock(MAY + timedelta(days=10))
    with world.ledger(tmp_path, clock=clock) as ledger:
        _filled(ledger)
        groupings = [
            ["workload"],
            ["day"],
            ["month", "model"],
            ["surface", "scope", "tier"],
            ["tag:team"],
            ["outcome"],
            [],
        ]
        before = [ledger.spend(by) for by in groupings]
        looked = ledger.prune(date(2026, 5, 3), keep_tags=["team"], dry_run=True)
        assert [ledger.spend(by) for by in groupings] == before
        assert len(list(ledger.events())) == 6

        done = ledger.prune(date(2026, 5, 3), keep_tags=["team"])
        assert done == looked
        assert (done.attempts, done.summaries, done.kept_open, done.kept_unpriced) == (4, 3, 1, 1)
        assert [event.opened.event_id for event in ledger.events()] == ["e", "f"]
        assert [ledger.spend(by) for by in groupings] == before
        assert [row.keys[0] for row in ledger.spend(["tag:turn"])] == ["(pruned)", ""]
        assert ledger.verify() == ()
        ledger.prune(date(2026, 5, 4), keep_tags=["team"])
        assert [ledger.spend(by) for by in groupings] == before


def test_a_pruned_period_is_final(tmp_path: Path) -> None:
    with world.ledger(tmp_path, clock=world.clock(MAY + timedelta(days=10))) as ledger:
        _filled(ledger)
        ledger.prune(date(2026, 5, 3))
        with pytest.raises(OutOfOrder, match="pruned period"):
            ledger.append([world.event("a", at=MAY)])
        with pytest.raises(UserError, match="start of a day"):
            ledger.spend(["workload"], since=MAY + timedelta(hours=1))
        with pytest.raises(UserError, match="pruned up to 2026-05-03"):
            ledger.prune(date(2026, 5, 2))
        with pytest.raises(UserError, match="whole days"):
            ledger.prune(MAY + timedelta(hours=1))
        with pytest.raises(UserError, match="a day that has come"):
            ledger.prune(date(2027, 1, 1))
        (day,) = ledger.spend(since=MAY + timedelta(days=1), until=MAY + timedelta(days=2))
        assert (day.attempts, day.requests, day.unpriced) == (3, 2, 1)


@pytest.mark.parametrize(
    ("damage", "check"),
    [
        ("DELETE FROM attempts_opened WHERE event_id = 'e1'", "references"),
        ("DELETE FROM rating_lines WHERE line = 0", "amounts"),
        ("UPDATE ratings SET amount_picos = amount_picos + 1", "amounts"),
        ("UPDATE attempts_closed SET input = input + 1", "counts"),
        ("UPDATE attempts_closed SET cache_read = 1", "counts"),
        ("DELETE FROM ratings", "ratings"),
        ("UPDATE attempts_closed SET revision = 1", "ends"),
        ("UPDATE ratings SET amount_picos = NULL", "amounts"),
        ("INSERT INTO prune_permit VALUES (1)", "guards"),
        ("DROP TRIGGER ratings_no_update", "guards"),
    ],
)
def test_what_was_tampered_with_is_found(tmp_path: Path, damage: str, check: str) -> None:
    with world.ledger(tmp_path) as ledger:
        ledger.append([world.event("e1"), world.event("e2")])
        assert ledger.verify() == ()
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as raw:
        triggers = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            raw.execute(f"DROP TRIGGER {name}")
        if damage.startswith("DROP"):
            triggers = [(name, sql) for name, sql in triggers if name not in damage]
        else:
            raw.execute(damage)
        for _, sql in triggers:
            raw.execute(sql)
        raw.commit()
    with world.ledger(tmp_path) as ledger:
        assert check in {finding.check for finding in ledger.verify()}


def test_two_processes_may_open_a_new_ledger_at_once(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def migrate(_number: int) -> str | None:
        store = Store(tmp_path / "ledger.db")
        try:
            store.migrate()
            return store.revision()
        finally:
            store.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(migrate, range(4))) == [_schema.HEAD] * 4
