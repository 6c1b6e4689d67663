"""Virtual keys in the ledger: created and revoked by appending, looked up in memory."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from trivium.core import (
    ROUTABLE_SURFACES,
    Clock,
    KeyRecord,
    LedgerError,
    UserError,
    hash_secret,
    new_id,
    new_secret,
)
from trivium.ledger import _rows as rows
from trivium.ledger._schema import key_revocations, keys
from trivium.ledger._store import Store


class KeyStore:
    """The keys of a ledger; a core `KeyRing`. A key created or revoked elsewhere is seen at the next look-up.

    SQLite counts the commits of others (`PRAGMA data_version`); a look-up asks for that number, which costs a few
    microseconds, and reads the keys again only when one was added or revoked.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._watch: Connection | None = None
        self._cursor: Any = None
        self._data_version: int | None = None
        self._newest: tuple[str | None, str | None] | None = None
        self._by_hash: Mapping[str, KeyRecord] = {}

    def find(self, secret_sha256: str) -> KeyRecord | None:
        """The record of a key, revoked or not, or None."""
        with self._lock:
            self._refresh()
            return self._by_hash.get(secret_sha256)

    def list(self) -> tuple[KeyRecord, ...]:
        """Every key, oldest first."""
        with self._lock:
            self._refresh()
            return tuple(self._by_hash.values())

    def create(
        self,
        workload: str,
        *,
        tags: Mapping[str, str] | None = None,
        models: Sequence[str] = (),
        surfaces: Sequence[str] = (),
        expires_at: datetime | None = None,
    ) -> tuple[KeyRecord, str]:
        """A new key and its secret, which is stored nowhere and cannot be shown again."""
        now = self._clock.now()
        if not workload.strip():
            raise UserError("workload", workload, "name the workload whose spend the key carries")
        for surface in surfaces:
            if surface not in ROUTABLE_SURFACES:
                raise UserError("surface", surface, f"use one of {', '.join(ROUTABLE_SURFACES)}")
        if expires_at is not None and expires_at <= now:
            raise UserError("expires", expires_at.isoformat(), "give an instant in the future")
        secret = new_secret()
        record = KeyRecord(
            key_id=new_id("key", self._clock),
            secret_sha256=hash_secret(secret),
            workload=workload,
            created_at=now,
            tags=dict(tags or {}),
            models=tuple(models),
            surfaces=tuple(surfaces),
            expires_at=expires_at,
        )
        with self._store.writing() as connection:
            connection.execute(
                keys.insert().values(
                    key_id=record.key_id,
                    secret_sha256=record.secret_sha256,
                    workload=workload,
                    created_at_us=rows.to_us(now),
                    tags=rows.to_json(record.tags),
                    models=rows.to_json(record.models),
                    surfaces=rows.to_json(record.surfaces),
                    expires_at_us=None if expires_at is None else rows.to_us(expires_at, "expires"),
                )
            )
        return record, secret

    def revoke(self, key_id: str) -> KeyRecord:
        """Revoke a key from now on; revoking it again changes nothing. UserError if there is no such key."""
        with self._store.writing() as connection:
            known = connection.execute(select(keys.c.key_id).where(keys.c.key_id == key_id)).scalar()
            if known is None:
                raise UserError("key", key_id, "give the id of a key that `trivium key list` shows")
            revoked = select(key_revocations.c.key_id).where(key_revocations.c.key_id == key_id)
            if connection.execute(revoked).scalar() is None:
                now_us = rows.to_us(self._clock.now())
                connection.execute(key_revocations.insert().values(key_id=key_id, revoked_at_us=now_us))
        return next(record for record in self.list() if record.key_id == key_id)

    def close(self) -> None:
        """Give back the watching connection."""
        with self._lock:
            if self._watch is not None:
                self._cursor.close()
                self._watch.close()
            self._watch = self._cursor = self._data_version = self._newest = None

    def _refresh(self) -> None:
        try:
            self._look()
        except sqlite3.Error as error:  # the cursor is the driver's own, so its errors are bare
            raise LedgerError(f"{self._store.path}: {error}") from error

    def _look(self) -> None:
        if self._watch is None:
            self._watch = self._store.engine.connect()
            driver: Any = self._watch.connection.driver_connection
            self._cursor = driver.cursor()
        version = self._cursor.execute("PRAGMA data_version").fetchone()[0]
        if version == self._data_version:
            return
        newest = self._cursor.execute(
            "SELECT (SELECT seq || key_id FROM keys ORDER BY seq DESC LIMIT 1),"
            " (SELECT seq || key_id FROM key_revocations ORDER BY seq DESC LIMIT 1)"
        ).fetchone()
        if newest != self._newest:
            self._by_hash = {record.secret_sha256: record for record in self._read()}
            self._newest = newest
        self._data_version = version

    def _read(self) -> Sequence[KeyRecord]:
        query = (
            select(keys, key_revocations.c.revoked_at_us)
            .select_from(keys.outerjoin(key_revocations, keys.c.key_id == key_revocations.c.key_id))
            .order_by(keys.c.seq)
        )
        with self._store.reading() as connection:
            return [_record(row) for row in connection.execute(query).mappings()]


def _record(row: Mapping[Any, Any]) -> KeyRecord:
    expires_us, revoked_us = row["expires_at_us"], row["revoked_at_us"]
    return KeyRecord(
        key_id=row["key_id"],
        secret_sha256=row["secret_sha256"],
        workload=row["workload"],
        created_at=rows.from_us(row["created_at_us"]),
        tags=rows.tags_from(row["tags"]),
        models=rows.names_from(row["models"]),
        surfaces=rows.names_from(row["surfaces"]),
        expires_at=None if expires_us is None else rows.from_us(expires_us),
        revoked_at=None if revoked_us is None else rows.from_us(revoked_us),
    )
