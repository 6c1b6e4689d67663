"""What every reader of a format shares: numbers without float, bounded files, entries placed by their ids."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from trivium.catalog._expand import plain
from trivium.catalog.audit._names import Models, Place, is_claude, place_of
from trivium.catalog.audit._values import WHOLE, Band, Entry, Table
from trivium.core import UserError

FILE_BYTES_MAX = 64 * 2**20  # ten times the largest public table
_USD_MAX = Decimal(10**9)
_DEEP = 60


def read_bytes(path: Path, limit: int = FILE_BYTES_MAX) -> bytes:
    """The content of a file of bounded size; raises UserError if it cannot be read or is larger."""
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise UserError("file", str(path), f"give a file that can be read ({error.strerror})") from error
    if len(content) > limit:
        raise UserError("file", str(path), f"give a file of at most {limit // 2**20} MiB")
    return content


def read_text(path: Path, limit: int = FILE_BYTES_MAX) -> str:
    """The content as text in UTF-8, without a byte order mark."""
    try:
        return read_bytes(path, limit).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(str(path), f"byte {error.start}", "save the file as UTF-8") from error


def parse_json(text: str, name: str) -> Any:
    """A JSON document with every number as an exact Decimal; raises UserError naming the line."""
    try:
        return json.loads(text, parse_float=Decimal, parse_int=_whole, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise UserError(name, f"line {error.lineno}, column {error.colno}", f"give valid JSON ({error.msg})") from error
    except (RecursionError, InvalidOperation, ValueError) as error:
        raise UserError(name, str(error)[:80], "give JSON of ordinary depth with finite numbers") from error


def _whole(text: str) -> Decimal:
    if len(text) > _DEEP:
        raise ValueError("a number of absurd length")
    return Decimal(text)


def _refuse(text: str) -> Decimal:
    raise ValueError(f"{text} is not a number")


def number(value: object) -> Decimal | None:
    """A price, None if the value is absent, not a number, or out of any sensible range."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        found = Decimal(str(value).strip().lstrip("$").replace("_", ""))
    except InvalidOperation:
        return None
    return found if found.is_finite() and 0 <= found <= _USD_MAX and found.adjusted() > -_DEEP else None


def day(value: object) -> date | None:
    """A date in ISO form, None if it is none."""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value[:10])
        except ValueError:
            return None
    return None


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> Sequence[Any]:
    """The value if it is a JSON array, else an empty one."""
    return value if isinstance(value, list) else ()


@dataclass
class Collector:
    """Gathers the entries of one table."""

    format: str
    models: Models
    entries: list[Entry] = field(default_factory=list)
    unknown: dict[str, Entry] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    newest: date | None = None

    def saw_day(self, stated: date | None) -> None:
        """Note a day that the table states, so that the newest is known."""
        if stated is not None and (self.newest is None or stated > self.newest):
            self.newest = stated

    def place(self, key: str, vendor: str) -> Place | None:
        """Where an id belongs; counts it as skipped if its vendor is none of our surfaces, or it names no version."""
        if not is_claude(key):
            return None
        found = place_of(key, vendor, self.models)
        if found is None:
            self.skip(vendor)
        elif not found.model and not self.models.versioned(key.rsplit("/", 1)[-1]):
            self.skip("aliases without a version")
            return None
        return found

    def skip(self, vendor: str) -> None:
        """Count an id that cannot be compared."""
        self.skipped[vendor] = self.skipped.get(vendor, 0) + 1

    def add(  # noqa: PLR0913  an entry has as many parts as a price has
        self,
        key: str,
        where: str,
        place: Place,
        unit: str,
        usd: Decimal | None,
        *,
        tier: str = "",
        scope: str = "",
        band: Band = WHOLE,
        window: tuple[date | None, date | None] = (None, None),
        model: str = "",
    ) -> None:
        """Add one price; a price of an unknown model is kept apart, the first one of each id."""
        if usd is None:
            return
        usd = plain(usd)
        entry = Entry(
            key,
            where,
            place.surface,
            scope or place.scope,
            model or place.model,
            tier or place.tier,
            unit,
            usd,
            band,
            *window,
            place.marks,
        )
        self.saw_day(window[0])
        if entry.model:
            self.entries.append(entry)
        elif unit == "input" or key not in self.unknown:
            self.unknown[key] = entry

    def table(self, fields: frozenset[tuple[str, str]]) -> Table:
        """The table as read."""
        return Table(
            self.format,
            tuple(self.entries),
            fields,
            self.newest,
            tuple(self.unknown.values()),
            dict(sorted(self.skipped.items())),
        )


def every(tiers: tuple[str, ...], units: tuple[str, ...]) -> frozenset[tuple[str, str]]:
    """The (tier, unit) pairs of a schema."""
    return frozenset((tier, unit) for tier in tiers for unit in units)
