"""The ledger: one file that holds every attempt, what it cost and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import func, select

from trivium.core import (
    UNKNOWN_USAGE,
    Clock,
    Closed,
    LedgerError,
    Money,
    Offer,
    Opened,
    Outcome,
    Quality,
    UsageEvent,
    UserError,
)
from trivium.ledger import _rows as rows
from trivium.ledger import _spend, _upkeep
from trivium.ledger._demand import DemandRow, append_demand, read_demand
from trivium.ledger._keys import KeyStore
from trivium.ledger._rate import Books, Pricer, Rating, RatingLine
from trivium.ledger._record import KNOWN, NEW, Recorder
from trivium.ledger._resources import ResourceStore
from trivium.ledger._schema import audit, books, price_rows, rating_lines, ratings
from trivium.ledger._schema import closed as closed_table
from trivium.ledger._schema import opened as opened_table
from trivium.ledger._sink import GroupCommitSink, Result
from trivium.ledger._store import Store, prepare_folder
from trivium.pricing import PriceBook, price

_BATCH = 4096  # events per transaction of an import: short enough to let the gateway's records in between
_BATCHES = "batches"  # the endpoint of attempts that are requests of a message batch
BATCH_PATIENCE = timedelta(hours=48)  # by then its results are read, or nobody asks for them
Conflict = Callable[[UsageEvent, LedgerError | UserError], None]


@dataclass(frozen=True, slots=True)
class Appended:
    """How many records were new and how many the ledger knew already."""

    new: int
    known: int


@dataclass(frozen=True, slots=True)
class Rerated:
    """What rating anew brought: attempts that now have an amount, and those that still have none, by reason."""

    priced: int
    unpriced: int
    reasons: Mapping[str, int]


class Ledger:
    """Append-only usage events and ratings in one SQLite file. Open it with `Ledger.open`."""

    def __init__(self, store: Store, clock: Clock, book: Books, pricer: Pricer) -> None:
        self._store = store
        self._clock = clock
        self._book = book
        self._recorder = Recorder(clock, book, pricer)
        self.keys = KeyStore(store, clock)
        self.resources = ResourceStore(store, clock)

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        clock: Clock,
        book: Callable[[], PriceBook | None] | None = None,
        pricer: Pricer = price,
        must_exist: bool = False,
    ) -> Ledger:
        """Open a ledger, made and migrated as needed. `book` is asked at each batch; None records all as unpriced."""
        path = Path(path)
        if must_exist and not path.exists():
            raise UserError("db", str(path), "there is no ledger: name one with --db, or fill it with an import")
        prepare_folder(path)
        ledger = cls(Store(path), clock, book or (lambda: None), pricer)
        with ExitStack() as undone:
            undone.callback(ledger.close)
            ledger.migrate()
            undone.pop_all()
        return ledger

    @property
    def path(self) -> Path:
        """The file."""
        return self._store.path

    def close(self) -> None:
        """Close the file; sinks are closed by whoever made them."""
        self.keys.close()
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def migrate(self) -> tuple[str | None, str]:
        """Bring the file to the newest form; the revisions before and after."""
        return self._store.migrate()

    @staticmethod
    def migrate_file(path: Path) -> tuple[str | None, str]:
        """Bring a file to the newest form without opening it as a ledger; the revisions before and after."""
        if not path.exists():
            raise UserError("db", str(path), "there is no ledger: name one with --db")
        store = Store(path)
        try:
            return store.migrate()
        finally:
            store.close()

    def append(self, events: Iterable[UsageEvent], *, on_conflict: Conflict | None = None) -> Appended:
        """Record whole attempts, each once. An id known with other content raises DuplicateEvent.

        With `on_conflict` a refused event is handed over and the rest goes on. Events are committed in batches:
        after an error the same call can be repeated, what was recorded is known by then.
        """
        counts = {NEW: 0, KNOWN: 0}
        remaining = iter(events)
        while batch := list(islice(remaining, _BATCH)):
            with self._store.writing() as connection:
                work = self._recorder.begin(connection)
                for event, result in zip(batch, work.apply(batch), strict=True):
                    if isinstance(result, str):
                        counts[result] += 1
                    elif on_conflict is None:
                        raise result
                    else:
                        on_conflict(event, result)
                work.flush()
            work.remember()
        return Appended(counts[NEW], counts[KNOWN])

    def sink(self, *, window_ms: float = 0.0, pending_max: int = 8192) -> GroupCommitSink:
        """A sink for one event loop; close it before the ledger."""
        return GroupCommitSink(self._commit, window_ms=window_ms, pending_max=pending_max)

    def events(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        workload: str | None = None,
        where: Mapping[str, str] | None = None,
    ) -> Iterator[UsageEvent]:
        """Ended attempts by time of their start, as of one moment; `where` takes the dimensions of `spend`."""
        chosen = dict(where or {}) | ({} if workload is None else {"workload": workload})
        since_us = None if since is None else rows.to_us(since, "since")
        until_us = None if until is None else rows.to_us(until, "until")
        query = (
            select(*_OPENED, *_CLOSED)
            .select_from(opened_table.join(closed_table, _spend.current_closed()))
            .where(*_spend.conditions(since_us, until_us, chosen))
            .order_by(opened_table.c.at_us, opened_table.c.seq)
        )
        with self._store.reading() as connection:
            for row in connection.execution_options(yield_per=1000).execute(query):
                opened = rows.opened_from(row[: rows.OPENED_WIDTH])
                yield UsageEvent(opened, rows.closed_from(opened.event_id, row[rows.OPENED_WIDTH :]))

    def first_at(self) -> datetime | None:
        """When the first attempt it still holds began; None if it is empty. One look at an index."""
        with self._store.reading() as connection:
            first_us = connection.execute(select(func.min(opened_table.c.at_us))).scalar()
        return None if first_us is None else rows.from_us(first_us)

    def event(self, event_id: str) -> UsageEvent:
        """One ended attempt; UserError if the ledger has none of that id."""
        query = (
            select(*_OPENED, *_CLOSED)
            .select_from(opened_table.join(closed_table, _spend.current_closed()))
            .where(opened_table.c.event_id == event_id)
        )
        with self._store.reading() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise UserError("event", event_id, "give the id of an ended attempt of this ledger")
        return UsageEvent(
            rows.opened_from(row[: rows.OPENED_WIDTH]), rows.closed_from(event_id, row[rows.OPENED_WIDTH :])
        )

    def attempts(self, name: str) -> tuple[Opened, ...]:
        """The attempts of a request in order, or the one attempt of that id; UserError if there is none."""
        named = (opened_table.c.request_id == name) | (opened_table.c.event_id == name)
        query = select(*_OPENED).where(named).order_by(opened_table.c.attempt, opened_table.c.seq)
        with self._store.reading() as connection:
            found = tuple(rows.opened_from(row) for row in connection.execute(query))
        if not name or not found:
            raise UserError("request", name, "give the id of a request or of an attempt of this ledger")
        return found

    def ended(self, event_id: str) -> bool:
        """Whether an attempt has an end."""
        query = (
            select(closed_table.c.revision)
            .select_from(opened_table.join(closed_table, closed_table.c.opened_seq == opened_table.c.seq))
            .where(opened_table.c.event_id == event_id)
        )
        with self._store.reading() as connection:
            return connection.execute(query).first() is not None

    def spend(
        self,
        by: Sequence[str] = (),
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        where: Mapping[str, str] | None = None,
    ) -> tuple[_spend.SpendRow, ...]:
        """Totals by dimensions (see DIMENSIONS, or `tag:NAME`), dearest first."""
        with self._store.reading() as connection:
            return _spend.spend(connection, by, since, until, where or {})

    def rating(self, event_id: str) -> Rating:
        """The rating that counts for an attempt; UserError if it has none."""
        return self.ratings(event_id)[-1]

    def ratings(self, event_id: str) -> tuple[Rating, ...]:
        """Every rating an attempt has had, oldest first."""
        query = (
            select(opened_table, ratings, books.c.digest, books.c.as_of, ratings.c.scope.label("rated_scope"))
            .select_from(
                opened_table.join(ratings, ratings.c.opened_seq == opened_table.c.seq).outerjoin(
                    books, books.c.book_id == ratings.c.book_id
                )
            )
            .where(opened_table.c.event_id == event_id)
            .order_by(ratings.c.revision)
        )
        lines = (
            select(rating_lines.c.revision, rating_lines.c.count, price_rows)
            .join(price_rows, price_rows.c.price_row_id == rating_lines.c.price_row_id)
            .join(opened_table, opened_table.c.seq == rating_lines.c.opened_seq)
            .where(opened_table.c.event_id == event_id)
            .order_by(rating_lines.c.revision, rating_lines.c.line)
        )
        with self._store.reading() as connection:
            found = connection.execute(query).mappings().all()
            all_lines = connection.execute(lines).mappings().all()
        if not found:
            raise UserError("event", event_id, "give the id of an ended attempt of this ledger")
        return tuple(_rating(row, [line for line in all_lines if line["revision"] == row["revision"]]) for row in found)

    def open_attempts(
        self, older_than: timedelta = timedelta(0), batches_older_than: timedelta = timedelta(0)
    ) -> tuple[Opened, ...]:
        """Attempts without an end, recorded at least so long ago by the ledger's clock; of batches the longer time."""
        latest_us = rows.to_us(self._clock.now() - older_than)
        batches_us = rows.to_us(self._clock.now() - max(older_than, batches_older_than))
        batch, recorded_us = opened_table.c.endpoint == _BATCHES, opened_table.c.recorded_at_us
        query = (
            select(*_OPENED)
            .select_from(opened_table.outerjoin(closed_table, closed_table.c.opened_seq == opened_table.c.seq))
            .where(closed_table.c.opened_seq.is_(None), recorded_us <= latest_us, ~batch | (recorded_us <= batches_us))
            .order_by(opened_table.c.seq)
        )
        with self._store.reading() as connection:
            return tuple(rows.opened_from(row) for row in connection.execute(query))

    def reap(
        self, older_than: timedelta = timedelta(hours=1), batches_older_than: timedelta = BATCH_PATIENCE
    ) -> tuple[Rating, ...]:
        """End what a crash left open: outcome `abandoned`, usage unknown, the amount between bounds.

        If the true end arrives after all, it replaces the reaper's as a correction. A request of a batch may take a
        day, so it is given up later.
        """
        left = self.open_attempts(older_than, batches_older_than)
        now = self._clock.now()
        ends = [
            Closed(
                event_id=opened.event_id,
                at=max(now, opened.at),
                outcome=Outcome.ABANDONED,
                usage=UNKNOWN_USAGE,
                quality=Quality.UNKNOWN,
                error_type="abandoned",
            )
            for opened in left
        ]
        results = self._commit(ends) if ends else ()
        # Whoever ended an attempt between the look and the commit was first, and is right.
        reaped = [end.event_id for end, result in zip(ends, results, strict=True) if isinstance(result, str)]
        return tuple(self.rating(event_id) for event_id in reaped)

    def rate(self, *, progress: Callable[[int], None] | None = None) -> Rerated:
        """Rate unpriced attempts anew with the present book; a rating is appended only where it says something new."""
        unpriced = self._unpriced()
        priced, reasons = 0, dict[str, int]()
        for start in range(0, len(unpriced), _BATCH):
            with self._store.writing() as connection:
                work = self._recorder.begin(connection)
                for seq, revision, reason, event in unpriced[start : start + _BATCH]:
                    draft = work.rerate(seq, event, revision, reason)
                    if draft.amount_picos is None:
                        reasons[draft.reason] = reasons.get(draft.reason, 0) + 1
                    else:
                        priced += 1
                work.flush()
            work.remember()
            if progress is not None:
                progress(min(start + _BATCH, len(unpriced)))
        return Rerated(priced, len(unpriced) - priced, reasons)

    def append_demand(self, demand: Iterable[DemandRow]) -> Appended:
        """Record aggregates that are demand, not events; each (source, model, client, offset) once."""
        with self._store.writing() as connection:
            return Appended(*append_demand(connection, demand))

    def demand(self) -> Iterator[DemandRow]:
        """The aggregates, in the order of their import."""
        with self._store.reading() as connection:
            yield from read_demand(connection)

    def backup(self, path: Path | str, *, progress: Callable[[int, int], None] | None = None) -> Path:
        """A whole, checked copy of this moment, taken while others go on writing."""
        return _upkeep.backup(self._store, Path(path), progress)

    def restore(self, path: Path | str) -> Path | None:
        """Replace everything by a backup. What was there is kept in a file beside it, whose path is returned."""
        kept = _upkeep.restore(self._store, Path(path), self._clock.now())
        self.keys.close()
        self._recorder.forget()
        self.migrate()
        self.note("restore", {"from": str(path), "kept": "" if kept is None else str(kept)})
        return kept

    def prune(self, before: datetime | date, *, keep_tags: Sequence[str] = (), dry_run: bool = False) -> _upkeep.Pruned:
        """Turn attempts before a day into summaries per day; what is open or unpriced stays.

        Totals stay what they were, by every dimension but the session and the tags that are not kept. With
        `dry_run` nothing is changed.
        """
        return _upkeep.prune(self._store, before, keep_tags, self._clock.now(), dry_run=dry_run)

    def verify(self, *, progress: Callable[[str], None] | None = None) -> tuple[_upkeep.Finding, ...]:
        """Whatever contradicts itself: damaged pages, ends without a start, amounts that their lines do not give."""
        return _upkeep.verify(self._store, progress)

    def note(self, action: str, detail: Mapping[str, str]) -> None:
        """Write down that something was done to the ledger."""
        with self._store.writing() as connection:
            now_us = rows.to_us(self._clock.now())
            connection.execute(audit.insert().values(at_us=now_us, action=action, detail=rows.to_json(detail)))

    def notes(self) -> tuple[tuple[datetime, str, Mapping[str, str]], ...]:
        """What was done to the ledger, oldest first."""
        with self._store.reading() as connection:
            found = connection.execute(select(audit).order_by(audit.c.seq)).mappings().all()
        return tuple((rows.from_us(row["at_us"]), row["action"], rows.tags_from(row["detail"])) for row in found)

    def _commit(self, records: Sequence[Opened | Closed]) -> Sequence[Result]:
        with self._store.writing() as connection:
            work = self._recorder.begin(connection)
            results = work.apply(records)
            work.flush()
        work.remember()
        return results

    def _unpriced(self) -> list[tuple[int, int, str, UsageEvent]]:
        query = (
            select(opened_table.c.seq, ratings.c.revision, ratings.c.reason, *_OPENED, *_CLOSED)
            .select_from(
                opened_table.join(ratings, _spend.current_rating()).join(closed_table, _spend.current_closed())
            )
            .where(ratings.c.amount_picos.is_(None))
            .order_by(opened_table.c.seq)
        )
        found = []
        with self._store.reading() as connection:
            for seq, revision, reason, *rest in connection.execute(query):
                opened = rows.opened_from(rest[: rows.OPENED_WIDTH])
                closed = rows.closed_from(opened.event_id, rest[rows.OPENED_WIDTH :])
                found.append((seq, revision, reason, UsageEvent(opened, closed)))
        return found


def _rating(row: Mapping[Any, Any], lines: Sequence[Mapping[Any, Any]]) -> Rating:
    def money(column: str) -> Money | None:
        return None if row[column] is None else Money(row[column])

    return Rating(
        event_id=row["event_id"],
        amount=money("amount_picos"),
        lines=tuple(
            RatingLine(
                unit=line["unit"],
                count=line["count"],
                rate_picos=line["rate_picos"],
                amount=Money(line["rate_picos"] * line["count"]),
                cell_id=line["cell_id"],
                claim_ids=rows.names_from(line["claim_ids"]),
            )
            for line in lines
        ),
        reason=row["reason"],
        lower=money("lower_picos"),
        upper=money("upper_picos"),
        offer=Offer(row["surface"], row["rated_scope"], row["model"], row["tier"]),
        book_digest=row["digest"],
        book_as_of=None if row["as_of"] is None else date.fromisoformat(row["as_of"]),
        rated_at=rows.from_us(row["rated_at_us"]),
    )


_OPENED = [opened_table.c[name.strip()] for name in rows.OPENED_COLUMNS.split(",")]
_CLOSED = [closed_table.c[name.strip()] for name in rows.CLOSED_COLUMNS.split(",")]
