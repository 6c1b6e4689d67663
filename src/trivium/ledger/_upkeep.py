"""Keeping a ledger: backup, restore, pruning into summaries, and the check that it does not contradict itself."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path

from sqlalchemy import Connection

from trivium.core import UNITS, LedgerCorrupt, LedgerError, UserError
from trivium.ledger import _rows as rows
from trivium.ledger._schema import APPEND_ONLY
from trivium.ledger._store import Store

_PAGES = 2048  # copied per step of a backup


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a prune did: attempts turned into summary rows, and those it left because they are open or unpriced."""

    before: datetime
    attempts: int
    summaries: int
    kept_open: int
    kept_unpriced: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that contradicts itself."""

    check: str
    subject: str
    detail: str


def backup(store: Store, path: Path, progress: Callable[[int, int], None] | None) -> Path:
    """Copy the file page by page into a new one, check the copy, then give it its name."""
    if path.exists():
        raise UserError("backup", str(path), "name a file that does not exist yet")
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(store.path)) as source, closing(sqlite3.connect(partial)) as target:

            def step(_status: int, remaining: int, total: int) -> None:
                if progress is not None:
                    progress(total - remaining, total)

            source.backup(target, pages=_PAGES, progress=step)
            target.execute("PRAGMA journal_mode=DELETE")  # one file, without companions
            _require_sound(target, partial)
        _sync(partial)
        partial.replace(path)
        _sync(path.parent)
    except (OSError, sqlite3.Error) as error:
        raise LedgerError(f"backup to {path} failed: {error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return path


def restore(store: Store, path: Path, now: datetime) -> Path | None:
    """Check the backup, keep what is there in a file beside it, then put the backup in its place at once."""
    if not path.is_file():
        raise UserError("restore", str(path), "give the path of a backup")
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as source:
        try:
            _require_sound(source, path)
            source.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.Error as error:
            raise LedgerCorrupt(f"{path} is no backup of a ledger: {error}") from error
        kept = None
        if _has_content(store):
            kept = _unused(store.path.with_name(f"{store.path.name}.before-restore-{now:%Y%m%dT%H%M%S}"))
            backup(store, kept, None)
        store.close()
        try:
            with closing(sqlite3.connect(store.path, timeout=30)) as target:
                source.backup(target)
                target.execute("PRAGMA journal_mode=WAL")
        except sqlite3.Error as error:
            raise LedgerError(f"{store.path} is in use: stop the gateway, then restore ({error})") from error
    return kept


def prune(
    store: Store, before: datetime | date, keep_tags: Sequence[str], now: datetime, *, dry_run: bool = False
) -> Pruned:
    """In one transaction: sum by day and dimensions, delete what was summed, write down that it was done."""
    with store.writing() as connection:
        trial = connection.begin_nested()
        result = _prune(connection, before, keep_tags, now)
        if dry_run:
            trial.rollback()
        else:
            trial.commit()
    return result


def _prune(connection: Connection, before: datetime | date, keep_tags: Sequence[str], now: datetime) -> Pruned:
    before = _midnight(before)
    before_us = rows.to_us(before, "before")
    if before > now:
        raise UserError("before", before.date().isoformat(), "give a day that has come")
    last_us = connection.exec_driver_sql("SELECT max(before_us) FROM prunes").scalar()
    if last_us is not None and last_us > before_us:
        raise UserError("before", before.date().isoformat(), f"pruned up to {rows.from_us(last_us).date()} already")
    connection.exec_driver_sql(_CHOOSE, (before_us,))
    attempts = connection.exec_driver_sql("SELECT count(*) FROM temp.prunable").scalar() or 0
    kept_open, kept_unpriced = connection.exec_driver_sql(_KEPT, (before_us,)).one()
    prune_id = connection.exec_driver_sql(
        "INSERT INTO prunes (at_us, before_us, attempts, keep_tags) VALUES (?, ?, ?, ?)",
        (rows.to_us(now), before_us, attempts, rows.to_json(tuple(keep_tags))),
    ).lastrowid
    summaries = _summarize(connection, int(prune_id or 0), keep_tags)
    connection.exec_driver_sql("INSERT INTO prune_permit VALUES (?)", (before_us,))
    for table, column in _PRUNE_ORDER:
        statement = f"DELETE FROM {table} WHERE {column} IN (SELECT seq FROM temp.prunable)"  # noqa: S608  constants
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql("DELETE FROM prune_permit")
    connection.exec_driver_sql("DROP TABLE temp.prunable")
    return Pruned(before, attempts, summaries, kept_open, kept_unpriced)


def verify(store: Store, progress: Callable[[str], None] | None) -> tuple[Finding, ...]:
    """Run every check; no finding means that the ledger agrees with itself."""
    found: list[Finding] = []
    with store.reading() as connection:
        for name, check in _CHECKS:
            if progress is not None:
                progress(name)
            found += [Finding(name, subject, detail) for subject, detail in check(connection)]
    return tuple(found)


def _summarize(connection: Connection, prune_id: int, keep_tags: Sequence[str]) -> int:
    """Write the summary rows; sums of money are put together in Python, where they cannot overflow."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for (
        day,
        *dimensions,
        tags,
        last_of_request,
        amount,
        lower,
        upper,
        unknown,
        in_,
        out,
        read,
        w5,
        w1,
        search,
        fetch,
        code,
    ) in connection.exec_driver_sql(_PRUNABLE_ROWS):
        named = rows.tags_from(tags)
        kept = rows.to_json({name: named.get(name, "") for name in keep_tags})
        sums = groups.setdefault((day, *dimensions, kept), [0] * 15)
        endless = lower is not None and upper is None
        counts = (last_of_request, 1, unknown, in_, out, read, w5, w1, search, fetch, code)
        money = (amount, amount if lower is None else lower, amount if upper is None else upper)
        for place, value in enumerate((*counts, *money, endless)):
            sums[place] += value or 0
    written = [
        (prune_id, *keys, *counts, str(amount), str(lower), None if endless else str(upper))
        for keys, (*counts, amount, lower, upper, endless) in groups.items()
    ]
    if written:
        places = ", ".join("?" * len(written[0]))
        statement = f"INSERT INTO tombstones ({_TOMBSTONE}) VALUES ({places})"  # noqa: S608  built from constants
        connection.exec_driver_sql(statement, written)
    return len(written)


def _midnight(day: datetime | date) -> datetime:
    if not isinstance(day, datetime):
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    if rows.to_us(day, "before") % rows.DAY_US:
        raise UserError("before", day.isoformat(), "give a day: pruning sums whole days (UTC)")
    return day


def _has_content(store: Store) -> bool:
    with store.reading() as connection:
        query = "SELECT EXISTS (SELECT 1 FROM attempts_opened) OR EXISTS (SELECT 1 FROM keys)"
        return bool(connection.exec_driver_sql(query).scalar())


def _unused(path: Path) -> Path:
    """The path, numbered if there is such a file already."""
    names = (path if number == 1 else path.with_name(f"{path.name}-{number}") for number in count(1))
    return next(name for name in names if not name.exists())


def _require_sound(connection: sqlite3.Connection, path: Path) -> None:
    first = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if first != "ok":
        raise LedgerCorrupt(f"{path} is damaged: {first}")


def _sync(path: Path) -> None:
    """Make a file, or the names in a folder, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_Found = Iterator[tuple[str, str]]


def _pages(connection: Connection) -> _Found:
    for (message,) in connection.exec_driver_sql("PRAGMA integrity_check"):
        if message != "ok":
            yield "file", message


def _references(connection: Connection) -> _Found:
    for table, rowid, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        yield f"{table} row {rowid}", f"names a row of {parent} that does not exist"


def _ends(connection: Connection) -> _Found:
    for seq, revisions, highest in connection.exec_driver_sql(
        "SELECT opened_seq, count(*), max(revision) FROM attempts_closed GROUP BY opened_seq"
        " HAVING max(revision) + 1 <> count(*) OR NOT EXISTS (SELECT 1 FROM attempts_opened WHERE seq = opened_seq)"
    ):
        yield f"attempt {seq}", f"{revisions} ends, the highest numbered {highest}: one is missing, or its start is"


def _rated(connection: Connection) -> _Found:
    for (event_id,) in connection.exec_driver_sql(
        "SELECT event_id FROM attempts_opened WHERE EXISTS (SELECT 1 FROM attempts_closed WHERE opened_seq = seq)"
        " AND NOT EXISTS (SELECT 1 FROM ratings WHERE opened_seq = seq)"
    ):
        yield event_id, "ended but never rated"
    for seq, revisions, highest in connection.exec_driver_sql(
        "SELECT opened_seq, count(*), max(revision) FROM ratings GROUP BY opened_seq"
        " HAVING max(revision) + 1 <> count(*)"
    ):
        yield f"attempt {seq}", f"{revisions} ratings, the highest numbered {highest}: one is missing"


def _amounts(connection: Connection) -> _Found:
    for event_id, amount, lines in connection.exec_driver_sql(
        "SELECT o.event_id, r.amount_picos, coalesce(sum(l.count * p.rate_picos), 0) AS lines FROM ratings r"
        " JOIN attempts_opened o ON o.seq = r.opened_seq"
        " LEFT JOIN rating_lines l ON l.opened_seq = r.opened_seq AND l.revision = r.revision"
        " LEFT JOIN price_rows p ON p.price_row_id = l.price_row_id"
        " WHERE r.amount_picos IS NOT NULL GROUP BY r.opened_seq, r.revision HAVING lines <> r.amount_picos"
    ):
        yield event_id, f"amount {amount} pico-USD, its lines give {lines}"
    for (event_id,) in connection.exec_driver_sql(
        "SELECT o.event_id FROM ratings r JOIN attempts_opened o ON o.seq = r.opened_seq"
        " WHERE (r.amount_picos IS NULL AND r.reason = '') OR r.lower_picos > r.upper_picos"
    ):
        yield event_id, "unpriced without a reason, or bounds that cross"


def _counts(connection: Connection) -> _Found:
    """A rated count is the recorded count, and every recorded count is rated."""
    for unit in UNITS:
        rated = _RATED.replace(":unit", unit)
        for event_id, recorded, priced in connection.exec_driver_sql(rated, (unit,)):
            told = "its rating has no line for it" if priced is None else f"it is rated as {priced}"
            yield event_id, f"{unit} is recorded as {recorded}, and {told}"


def _guards(connection: Connection) -> _Found:
    query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    present = {name for (name,) in connection.exec_driver_sql(query)}
    for table in APPEND_ONLY:
        for guard in (f"{table}_no_update", f"{table}_no_delete"):
            if guard not in present:
                yield table, f"the trigger {guard} is gone: rows may have been changed"
    if connection.exec_driver_sql("SELECT count(*) FROM prune_permit").scalar():
        yield "prune_permit", "a permit to delete was left behind"


_CHECKS: tuple[tuple[str, Callable[[Connection], _Found]], ...] = (
    ("pages", _pages),
    ("references", _references),
    ("ends", _ends),
    ("ratings", _rated),
    ("amounts", _amounts),
    ("counts", _counts),
    ("guards", _guards),
)

# Recorded counts beside the line of the rating that counts; the name of the unit is put in its place.
_RATED = """
SELECT o.event_id, c.:unit, l.count
FROM attempts_closed c
JOIN attempts_opened o ON o.seq = c.opened_seq
JOIN ratings r ON r.opened_seq = c.opened_seq
 AND r.revision = (SELECT max(revision) FROM ratings WHERE opened_seq = o.seq)
LEFT JOIN (
  SELECT l.opened_seq, l.revision, l.count FROM rating_lines l
  JOIN price_rows p ON p.price_row_id = l.price_row_id WHERE p.unit = ?
) l ON l.opened_seq = r.opened_seq AND l.revision = r.revision
WHERE c.revision = (SELECT max(revision) FROM attempts_closed WHERE opened_seq = o.seq)
  AND r.amount_picos IS NOT NULL AND coalesce(c.:unit, 0) <> coalesce(l.count, 0)
"""
_CHOOSE = """
CREATE TEMP TABLE prunable AS
SELECT o.seq, o.seq = max(o.seq) OVER (PARTITION BY o.request_id) AS last_of_request FROM attempts_opened o
JOIN ratings r ON r.opened_seq = o.seq AND r.revision = (SELECT max(revision) FROM ratings WHERE opened_seq = o.seq)
WHERE o.at_us < ? AND r.amount_picos IS NOT NULL
"""
_KEPT = """
SELECT coalesce(sum(NOT EXISTS (SELECT 1 FROM attempts_closed WHERE opened_seq = seq)), 0),
       coalesce(sum(EXISTS (SELECT 1 FROM attempts_closed WHERE opened_seq = seq)), 0)
FROM attempts_opened WHERE at_us < ? AND seq NOT IN (SELECT seq FROM temp.prunable)
"""
# A request is counted with its last attempt, so that the sum over any grouping is the number of requests.
_PRUNABLE_ROWS = """
SELECT o.at_us / 86400000000 * 86400000000, o.workload, o.surface, o.scope, o.model, o.tier, o.key_id, o.endpoint,
       c.outcome, c.quality, o.tags,
       p.last_of_request,
       r.amount_picos, r.lower_picos, r.upper_picos,
       (c.input + c.output + c.cache_read + c.cache_write_5m + c.cache_write_1h
        + c.web_search + c.web_fetch + c.code_execution_hours) IS NULL,
       c.input, c.output, c.cache_read, c.cache_write_5m, c.cache_write_1h,
       c.web_search, c.web_fetch, c.code_execution_hours
FROM temp.prunable p
JOIN attempts_opened o ON o.seq = p.seq
JOIN attempts_closed c ON c.opened_seq = o.seq
 AND c.revision = (SELECT max(revision) FROM attempts_closed WHERE opened_seq = o.seq)
JOIN ratings r ON r.opened_seq = o.seq AND r.revision = (SELECT max(revision) FROM ratings WHERE opened_seq = o.seq)
"""
_TOMBSTONE = (
    "prune_id, day_us, workload, surface, scope, model, tier, key_id, endpoint, outcome, quality, tags, requests, "
    "attempts, unknown_usage, input, output, cache_read, cache_write_5m, cache_write_1h, web_search, web_fetch, "
    "code_execution_hours, amount_picos, lower_picos, upper_picos"
)
_PRUNE_ORDER = (
    ("rating_lines", "opened_seq"),
    ("ratings", "opened_seq"),
    ("attempts_closed", "opened_seq"),
    ("attempts_opened", "seq"),
)
