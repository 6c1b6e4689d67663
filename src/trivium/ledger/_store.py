"""The SQLite file behind the ledger: connections, durability, transactions, migration."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import QueuePool

from trivium.core import LedgerCorrupt, LedgerError, UserError
from trivium.ledger._schema import HEAD

_WRITE = "trivium_write"
_LOCKED = "locked"
_WAL_PAUSE_MS = 10
MIGRATIONS = Path(__file__).parent / "migrations"


class Store:
    """One SQLite file in WAL mode with synchronous=FULL: what is committed survives a power cut.

    Reads run beside the one writer. Writers of this process take turns on a lock, those of other processes
    on SQLite's own.
    """

    def __init__(self, path: Path, *, busy_timeout_ms: int = 30_000) -> None:
        self.path = path
        self._turn = threading.Lock()
        self.engine = _engine(path, busy_timeout_ms)

    def close(self) -> None:
        """Close every idle connection."""
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one consistent state."""
        with _named_errors(self.path), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that holds the write lock from its start; durable when the block ends."""
        with self._turn, _named_errors(self.path):
            connection = self.engine.connect().execution_options(**{_WRITE: True})
            with connection, connection.begin():
                yield connection

    def revision(self) -> str | None:
        """The migration the file stands at, None for an empty file; LedgerError if it is another program's."""
        with self.reading() as connection:
            tables = set(connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars())
            if "alembic_version" not in tables:
                if tables:
                    raise LedgerError(f"{self.path} is a SQLite file of something else: give --db another path")
                return None
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()

    def migrate(self) -> tuple[str | None, str]:
        """Bring the file to the newest form; the revisions before and after. A newer file is refused."""
        before = self.revision()
        if before == HEAD:
            return before, HEAD
        from alembic import command  # noqa: PLC0415  takes longer to import than most commands take to run
        from alembic.config import Config  # noqa: PLC0415  the same
        from alembic.script import ScriptDirectory  # noqa: PLC0415  the same

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if before is not None and before not in known:
            raise LedgerError(f"{self.path} was written by a newer Trivium (revision {before}): upgrade the program")
        with self.writing() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        return before, HEAD


def _engine(path: Path, busy_timeout_ms: int) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=QueuePool,
        pool_size=8,
        max_overflow=8,
        connect_args={"check_same_thread": False, "timeout": busy_timeout_ms / 1000},
    )

    @event.listens_for(engine, "connect")
    def _prepare(raw: Any, _record: object) -> None:
        raw.isolation_level = None  # transactions are ours: Python's driver would begin them too late
        cursor = raw.cursor()
        try:
            cursor.execute(f"PRAGMA busy_timeout={busy_timeout_ms}")
            _to_wal(cursor, busy_timeout_ms)
            cursor.execute("PRAGMA synchronous=FULL")
            cursor.execute("PRAGMA foreign_keys=ON")
        finally:
            cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        write = connection.get_execution_options().get(_WRITE)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _to_wal(cursor: sqlite3.Cursor, busy_timeout_ms: int) -> None:
    """Switch to the write-ahead log. SQLite does not wait for locks here, so two first openers take turns by us."""
    tries = max(busy_timeout_ms // _WAL_PAUSE_MS, 1)
    for number in range(tries):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if _LOCKED not in str(error) or number == tries - 1:
                raise
            time.sleep(_WAL_PAUSE_MS / 1000)
        else:
            return


@contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    """The driver's errors as the ledger's own, with the file and what to do."""
    try:
        yield
    except OperationalError as error:
        raise LedgerError(f"{path}: {error.orig}") from error
    except DatabaseError as error:
        message = str(error.orig)
        if "malformed" in message or "not a database" in message:
            raise LedgerCorrupt(f"{path}: {message}; restore a backup: `trivium ledger restore FILE`") from error
        raise LedgerError(f"{path}: {message}") from error


def prepare_folder(path: Path) -> None:
    """Make the folder of a new ledger; UserError if the path cannot hold one."""
    if path.is_dir():
        raise UserError("db", str(path), "give the path of a file, not of a folder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError("db", str(path), f"give a path that can be written ({error.strerror})") from error
