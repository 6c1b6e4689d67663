"""Writing records: exactly once by event id, rated in the same transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from trivium.core import (
    Clock,
    Closed,
    DuplicateEvent,
    LedgerError,
    Opened,
    Outcome,
    OutOfOrder,
    UsageEvent,
    UserError,
)
from trivium.ledger import _rows as rows
from trivium.ledger._rate import Books, Draft, Pricer, rate
from trivium.pricing import PriceBook, PriceLine

Record = Opened | Closed | UsageEvent

_PriceRow = tuple[str, int, str, tuple[str, ...]]  # unit, rate, cell, claims

NEW, KNOWN = "new", "known"


@dataclass(slots=True)
class _Known:
    """What the ledger holds of one event, as rows."""

    seq: int
    opened: tuple[Any, ...]
    closed: tuple[Any, ...] | None = None
    closed_revision: int = -1
    rating_revision: int = -1


@dataclass(slots=True)
class _Interned:
    """Ids of price rows and books that are committed, so that most ratings look nothing up."""

    price_rows: dict[_PriceRow, int] = field(default_factory=dict)
    books: dict[str, int] = field(default_factory=dict)


class Recorder:
    """Applies records to the ledger; one instance per store."""

    def __init__(self, clock: Clock, book: Books, pricer: Pricer) -> None:
        self._clock = clock
        self._book = book
        self._pricer = pricer
        self._interned = _Interned()
        self._restored: tuple[int, int] | None = None

    def forget(self) -> None:
        """Drop what is remembered of the file's content: it was replaced."""
        self._interned = _Interned()

    def begin(self, connection: Connection) -> _Batch:
        """Start a batch inside a transaction; call `remember` on it once that is committed."""
        # Another process may have replaced the content; ids of before would name other rows, or none.
        found = connection.exec_driver_sql(_LAST_RESTORE).first()
        restored = None if found is None else (int(found[0]), int(found[1]))
        if restored != self._restored:
            self.forget()
            self._restored = restored
        return _Batch(connection, self._clock, self._book(), self._pricer, self._interned)


class _Batch:
    """Records collected for one transaction. Conflicts are found before anything is written."""

    def __init__(
        self, connection: Connection, clock: Clock, book: PriceBook | None, pricer: Pricer, interned: _Interned
    ) -> None:
        self._connection = connection
        self._book = book
        self._pricer = pricer
        self._interned = interned
        self._fresh = _Interned()
        self._now_us = rows.to_us(clock.now())
        self._known: dict[str, _Known] = {}
        self._next_seq = int(_scalar(connection, "SELECT coalesce(max(seq), 0) + 1 FROM attempts_opened"))
        self._opened: list[tuple[Any, ...]] = []
        self._closed: list[tuple[Any, ...]] = []
        self._ratings: list[tuple[Any, ...]] = []
        self._lines: list[tuple[Any, ...]] = []
        self._pruned_us = _scalar(connection, "SELECT max(before_us) FROM prunes") or 0

    def apply(self, records: Sequence[Record]) -> list[str | LedgerError | UserError]:
        """Take the records in order; for each NEW, KNOWN or the error that refuses it alone."""
        self._load({_event_id(record) for record in records} - self._known.keys())
        outcomes: list[str | LedgerError | UserError] = []
        for record in records:
            try:
                if isinstance(record, UsageEvent):
                    outcomes.append(self._take_event(record))
                elif isinstance(record, Opened):
                    outcomes.append(self._take_opened(record, rows.opened_row(record)))
                else:
                    self._take_closed(record)
                    outcomes.append(NEW)
            except (LedgerError, UserError) as error:
                outcomes.append(error)
        return outcomes

    def flush(self) -> None:
        """Write what was taken."""
        # By name: a newer process that takes over may have added columns while this one still writes.
        opened = f"attempts_opened (seq, {rows.OPENED_COLUMNS}, recorded_at_us)"
        _insert(self._connection, opened, 1 + rows.OPENED_WIDTH + 1, self._opened)
        closed = f"attempts_closed (opened_seq, revision, {rows.CLOSED_COLUMNS}, recorded_at_us)"
        _insert(self._connection, closed, 2 + rows.CLOSED_WIDTH + 1, self._closed)
        _insert(self._connection, f"ratings ({_RATING_COLUMNS})", 9, self._ratings)
        _insert(self._connection, f"rating_lines ({_LINE_COLUMNS})", 5, self._lines)
        for pending in (self._opened, self._closed, self._ratings, self._lines):
            pending.clear()

    def remember(self) -> None:
        """The transaction is committed: keep the ids it brought."""
        self._interned.price_rows.update(self._fresh.price_rows)
        self._interned.books.update(self._fresh.books)

    def rerate(self, opened_seq: int, event: UsageEvent, revision: int, reason: str) -> Draft:
        """Rate an attempt anew. A new rating stands beside the one it supersedes, if it says something new."""
        draft = rate(event.opened, event.closed, self._book, self._pricer)
        if draft.amount_picos is not None or draft.reason != reason:
            self._add_rating(opened_seq, revision + 1, draft)
        return draft

    def _take_event(self, event: UsageEvent) -> str:
        opened, closed = event.opened, event.closed
        if closed.event_id != opened.event_id:
            raise UserError("closed.event_id", closed.event_id, f"give the id of the opened record, {opened.event_id}")
        opened_row, closed_row = rows.opened_row(opened), rows.closed_row(closed)
        known = self._known.get(opened.event_id)
        if known is not None:
            self._same_opened(known, opened_row)
            if known.closed is not None and known.closed == closed_row:
                return KNOWN
            if known.closed is not None and not _superseded_by(known, closed):
                what = rows.differences(known.closed, closed_row, rows.CLOSED_COLUMNS)
                raise DuplicateEvent(f"event {opened.event_id} is known with another end: {what}")
        else:
            self._take_opened(opened, opened_row)
        self._add_closed(self._known[opened.event_id], opened, closed, closed_row)
        return NEW

    def _take_opened(self, opened: Opened, row: tuple[Any, ...]) -> str:
        known = self._known.get(opened.event_id)
        if known is not None:
            self._same_opened(known, row)
            return KNOWN
        if row[3] < self._pruned_us:
            raise OutOfOrder(
                f"event {opened.event_id} of {opened.at.isoformat()} lies in a pruned period (before "
                f"{rows.from_us(self._pruned_us).isoformat()}), whose totals are final: use another ledger (--db)"
            )
        seq, self._next_seq = self._next_seq, self._next_seq + 1
        self._known[opened.event_id] = _Known(seq, row)
        self._opened.append((seq, *row, self._now_us))
        return NEW

    def _take_closed(self, closed: Closed) -> None:
        known = self._known.get(closed.event_id)
        if known is None:
            raise OutOfOrder(f"event {closed.event_id} is closed but was never opened")
        if known.closed is not None and not _superseded_by(known, closed):
            raise OutOfOrder(f"event {closed.event_id} is closed already, as {known.closed[1]}")
        self._add_closed(known, rows.opened_from(known.opened), closed, rows.closed_row(closed))

    def _add_closed(self, known: _Known, opened: Opened, closed: Closed, row: tuple[Any, ...]) -> None:
        known.closed = row
        known.closed_revision += 1
        known.rating_revision += 1
        self._closed.append((known.seq, known.closed_revision, *row, self._now_us))
        self._add_rating(known.seq, known.rating_revision, rate(opened, closed, self._book, self._pricer))

    def _add_rating(self, opened_seq: int, revision: int, draft: Draft) -> None:
        book_id = None if self._book is None else self._book_id(self._book)
        self._ratings.append(
            (
                *(opened_seq, revision, draft.amount_picos, draft.reason, draft.lower_picos, draft.upper_picos),
                *(draft.scope, book_id, self._now_us),
            )
        )
        for number, line in enumerate(draft.lines):
            self._lines.append((opened_seq, revision, number, self._price_row_id(line), line.count))

    def _same_opened(self, known: _Known, row: tuple[Any, ...]) -> None:
        if known.opened != row:
            what = rows.differences(known.opened, row, rows.OPENED_COLUMNS)
            raise DuplicateEvent(f"event {row[0]} is known with other content: {what}")

    def _price_row_id(self, line: PriceLine) -> int:
        key = (line.unit, line.rate_picos, line.cell_id, line.claim_ids)
        found = self._interned.price_rows.get(key) or self._fresh.price_rows.get(key)
        if found is None:
            values = (*key[:3], rows.to_json(line.claim_ids))
            found = _intern(self._connection, "price_rows", "unit, rate_picos, cell_id, claim_ids", values)
            self._fresh.price_rows[key] = found
        return found

    def _book_id(self, book: PriceBook) -> int:
        found = self._interned.books.get(book.digest) or self._fresh.books.get(book.digest)
        if found is None:
            found = _scalar(self._connection, "SELECT book_id FROM books WHERE digest = ?", (book.digest,))
            if found is None:
                found = _intern(self._connection, "books", "digest, as_of", (book.digest, book.as_of.isoformat()))
            self._fresh.books[book.digest] = found
        return found

    def _load(self, event_ids: Iterable[str]) -> None:
        wanted = rows.to_json(tuple(event_ids))
        if wanted == "[]":
            return
        found = self._connection.exec_driver_sql(_LOOKUP, (wanted,))
        for seq, closed_revision, rating_revision, *rest in found:
            opened, closed = tuple(rest[: rows.OPENED_WIDTH]), tuple(rest[rows.OPENED_WIDTH :])
            known = _Known(seq, opened)
            if closed_revision is not None:
                known.closed, known.closed_revision = closed, closed_revision
            if rating_revision is not None:
                known.rating_revision = rating_revision
            self._known[opened[0]] = known


_RATING_COLUMNS = "opened_seq, revision, amount_picos, reason, lower_picos, upper_picos, scope, book_id, rated_at_us"
_LINE_COLUMNS = "opened_seq, revision, line, price_row_id, count"
_LAST_RESTORE = "SELECT seq, at_us FROM audit WHERE action = 'restore' ORDER BY seq DESC LIMIT 1"
_LOOKUP = f"""
SELECT o.seq, c.revision, (SELECT max(r.revision) FROM ratings r WHERE r.opened_seq = o.seq),
       {rows.qualified(rows.OPENED_COLUMNS, "o")}, {rows.qualified(rows.CLOSED_COLUMNS, "c")}
FROM attempts_opened o
LEFT JOIN attempts_closed c ON c.opened_seq = o.seq
     AND c.revision = (SELECT max(revision) FROM attempts_closed WHERE opened_seq = o.seq)
WHERE o.event_id IN (SELECT value FROM json_each(?))
"""  # noqa: S608  built from constants alone


def _superseded_by(known: _Known, closed: Closed) -> bool:
    """Whether a reaped attempt's true end has come after all: it replaces what the reaper had to assume."""
    return (
        known.closed is not None
        and known.closed[1] == Outcome.ABANDONED.value
        and closed.outcome is not Outcome.ABANDONED
    )


def _event_id(record: Record) -> str:
    return record.opened.event_id if isinstance(record, UsageEvent) else record.event_id


def _scalar(connection: Connection, statement: str, values: tuple[Any, ...] = ()) -> Any:
    return connection.exec_driver_sql(statement, values).scalar()


def _insert(connection: Connection, table: str, width: int, values: list[tuple[Any, ...]]) -> None:
    if values:
        places = ", ".join("?" * width)
        connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({places})", values)  # noqa: S608  names above


def _intern(connection: Connection, table: str, columns: str, values: tuple[Any, ...]) -> int:
    """The id of a row with these values, which is inserted if it is not there yet."""
    matches = " AND ".join(f"{column.strip()} = ?" for column in columns.split(","))
    found = _scalar(connection, f"SELECT rowid FROM {table} WHERE {matches}", values)  # noqa: S608  names above
    if found is None:
        places = ", ".join("?" * len(values))
        statement = f"INSERT INTO {table} ({columns}) VALUES ({places})"  # noqa: S608  names above
        found = connection.exec_driver_sql(statement, values).lastrowid
    return int(found)
