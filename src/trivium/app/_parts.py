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
        """The record, narrowed to its workload's models, surfaces and scopes."""
        record = self._keys.find(secret_sha256)
        entry = self._workloads.get(record.workload) if record else None
        if record is None or entry is None:
            return record
        return replace(
            record,
            models=_narrower(record.models, entry.models),
            surfaces=_narrower(record.surfaces, entry.surfaces),
            scopes=_narrower(record.scopes, entry.scopes),
            tags={**entry.tags, **record.tags},
        )


_NOTHING = ("(nothing: the key and its workload allow different ones)",)


def _narrower(mine: tuple[str, ...], theirs: tuple[str, ...]) -> tuple[str, ...]:
    if not mine or not theirs:
        return mine or theirs
    return tuple(name for name in mine if name in theirs) or _NOTHING


class RouteFile:
    """The route table of a file, read again when the file changes; a bad or missing one is told and the old table kept.

    At the start there is no table of before, so a bad file is an error: routes carry what may go where. Without any
    file, requests go by `fallback`, unless a table is `required`.
    """

    def __init__(self, path: Path, fallback: RouteTable, clock: Clock, *, required: bool = False) -> None:
        self._path = path
        self._fallback = fallback
        self._clock = clock
        self._table: RouteTable | None = None  # the last one of the file; None: there never was a file
        self._seen: tuple[int, int, int] | None = None
        self._complaint = ""  # said once, not at every look
        self._checked_ns = clock.monotonic_ns()
        self._look()
        if required:
            self.require()
        elif self._table is None:
            _log.warning(
                "routes: there is no %s: requests go by the order of the settings, to any surface and scope of them; "
                "paths.routes_required = true makes that an error",
                self._path,
            )

    def require(self) -> None:
        """Raise UserError if there is no table of the file to serve by."""
        if self._table is None:
            self._look()
        if self._table is None:
            raise missing_routes(self._path)

    def __call__(self) -> RouteTable:
        """The table in force; looks at the file at most four times a second."""
        now_ns = self._clock.monotonic_ns()
        if now_ns - self._checked_ns >= _STAT_INTERVAL_NS:
            self._checked_ns = now_ns
            try:
                self._look()
            except UserError as error:
                if str(error) != self._complaint:
                    _log.error("routes: %s; the table of before stays in force", error)
                self._complaint = str(error)
            else:
                self._complaint = ""
        return self._fallback if self._table is None else self._table

    def fall_back_to(self, table: RouteTable) -> None:
        """What to use as long as there was no file."""
        self._fallback = table

    def _look(self) -> None:
        """Read the file if it is not the one last read; raises UserError when it cannot be used."""
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            self._seen = None
            if self._table is None:
                return
            raise UserError("route table", str(self._path), "it is gone: put it back; to do without, restart") from None
        except OSError as error:
            raise UserError("route table", str(self._path), f"make it readable ({error.strerror})") from error
        seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if seen == self._seen:
            return
        self._seen = seen
        self._table = read_routes(self._path)
        _log.info("routes: version %s with %d routes", self._table.version, len(self._table.routes))


def missing_routes(path: Path) -> UserError:
    """What is wrong where a route table is required and there is none."""
    remedy = (
        f"there is no such file, and paths.routes_required asks for it: write it with "
        f"`trivium plan --write-routes {path}`, or take that setting out"
    )
    return UserError("paths.routes", str(path), remedy)


def read_routes(path: Path) -> RouteTable:
    """The route table of a file; raises UserError that names the file, the place and the remedy."""
    try:
        return RouteTable.from_json(path.read_text())
    except UserError as error:
        remedy = f"{error.remedy}, or write it anew with `trivium plan --write-routes`"
        raise UserError(f"{path}: {error.field}", error.value, remedy) from error
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise UserError("route table", str(path), f"make it readable ({reason})") from error


def default_routes(offers: Mapping[str, Offer]) -> RouteTable:
    """Any workload and model to the first configured upstream, the others as fallbacks in the order of the settings."""
    if not offers:
        return RouteTable((), "none")
    targets = tuple(Target(offer, 1 if number == 0 else 0) for number, offer in enumerate(offers.values()))
    return RouteTable((Route(ANY, ANY, targets, "default: the order of the settings"),), "default")


class BookShelf:
    """The price book of a day, cut once; `as_of` pins the day, else it is the clock's."""

    def __init__(self, catalog: Catalog, clock: Clock, as_of: date | None = None) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._stock = (catalog, as_of)
        self._cut: tuple[date, Snapshot, PriceBook] | None = None

    def snapshot(self) -> Snapshot:
        """The snapshot of the day."""
        return self._current()[1]

    def book(self) -> PriceBook:
        """The book of the day."""
        return self._current()[2]

    def take(self, other: BookShelf) -> None:
        """Give out what another shelf holds from now on."""
        cut = other._current()
        with self._lock:
            self._stock, self._cut = other._stock, cut

    def _current(self) -> tuple[date, Snapshot, PriceBook]:
        with self._lock:
            catalog, as_of = self._stock
            day = as_of or self._clock.now().date()
            if self._cut is None or self._cut[0] != day:
                snapshot = catalog.snapshot(day)
                self._cut = (day, snapshot, PriceBook.from_snapshot(snapshot))
            return self._cut
