"""Small joints between rooms: keys with their workload's scope, a route file that reloads, today's price book."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from trivium.app.settings import WorkloadEntry
from trivium.catalog import Catalog, Snapshot
from trivium.core import ANY, Clock, KeyRecord, KeyRing, Offer, Route, RouteTable, Target, UserError
from trivium.pricing import PriceBook

_log = logging.getLogger("trivium.app")
_STAT_INTERVAL_NS = 250_000_000


class ScopedKeys:
    """A key ring whose records also carry the scope that the settings give their workload: the narrower one wins."""

    def __init__(self, keys: KeyRing, workloads: Mapping[str, WorkloadEntry]) -> None:
        self._keys = keys
        self._workloads = workloads

    def find(self, secret_sha256: str) -> KeyRecord | None:
        """The record, narrowed to its workload's models and surfaces."""
        record = self._keys.find(secret_sha256)
        entry = self._workloads.get(record.workload) if record else None
        if record is None or entry is None:
            return record
        return replace(
            record,
            models=_narrower(record.models, entry.models),
            surfaces=_narrower(record.surfaces, entry.surfaces),
            tags={**entry.tags, **record.tags},
        )


_NOTHING = ("(nothing: the key and its workload allow different ones)",)


def _narrower(mine: tuple[str, ...], theirs: tuple[str, ...]) -> tuple[str, ...]:
    if not mine or not theirs:
        return mine or theirs
    return tuple(name for name in mine if name in theirs) or _NOTHING


class RouteFile:
    """The route table of a file, read again when the file changes; a bad file is reported and the old table kept."""

    def __init__(self, path: Path, fallback: RouteTable, clock: Clock) -> None:
        self._path = path
        self._fallback = fallback
        self._clock = clock
        self._table = fallback
        self._seen: tuple[int, int, int] | None = None
        self._checked_ns: int | None = None

    def __call__(self) -> RouteTable:
        """The table in force; looks at the file at most four times a second."""
        now_ns = self._clock.monotonic_ns()
        if self._checked_ns is None or now_ns - self._checked_ns >= _STAT_INTERVAL_NS:
            self._checked_ns = now_ns
            self._look()
        return self._table

    def _look(self) -> None:
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            self._table, self._seen = self._fallback, None
            return
        seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._table = RouteTable.from_json(self._path.read_text())
            _log.info("routes: version %s with %d routes", self._table.version, len(self._table.routes))
        except (UserError, OSError, UnicodeDecodeError):
            _log.exception("routes: the file is not usable; the table of before stays in force")


def default_routes(offers: Mapping[str, Offer]) -> RouteTable:
    """Any workload and model to the first configured upstream, the others as fallbacks in the order of the settings."""
    if not offers:
        return RouteTable((), "none")
    targets = tuple(Target(offer, 1 if number == 0 else 0) for number, offer in enumerate(offers.values()))
    return RouteTable((Route(ANY, ANY, targets, "default: the order of the settings"),), "default")


class BookShelf:
    """The price book of a day, cut once; `as_of` pins the day, else it is the clock's."""

    def __init__(self, catalog: Catalog, clock: Clock, as_of: date | None = None) -> None:
        self._catalog = catalog
        self._clock = clock
        self._as_of = as_of
        self._lock = threading.Lock()
        self._cut: tuple[date, Snapshot, PriceBook] | None = None

    def snapshot(self) -> Snapshot:
        """The snapshot of the day."""
        return self._current()[1]

    def book(self) -> PriceBook:
        """The book of the day."""
        return self._current()[2]

    def _current(self) -> tuple[date, Snapshot, PriceBook]:
        day = self._as_of or self._clock.now().date()
        with self._lock:
            if self._cut is None or self._cut[0] != day:
                snapshot = self._catalog.snapshot(day)
                self._cut = (day, snapshot, PriceBook.from_snapshot(snapshot))
            return self._cut
