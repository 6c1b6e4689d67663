"""Columns by name: aliases, a mapping given by hand, and cells read with the row they stand in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from trivium.core import Money, UserError

_NOT_NAME = re.compile(r"[^a-z0-9]")


def plain(name: str) -> str:
    """A column's name without case, spaces and punctuation: `User Principal Name` is `userPrincipalName`."""
    return _NOT_NAME.sub("", name.casefold())


@dataclass(frozen=True, slots=True)
class Field:
    """A field that a reader asks for, and the names it goes by."""

    name: str
    aliases: tuple[str, ...] = ()
    required: bool = False

    @property
    def names(self) -> frozenset[str]:
        """All of them, plain."""
        return frozenset(plain(name) for name in (self.name, *self.aliases))


@dataclass(frozen=True)
class Table:
    """Rows of text with the place of each field among the columns."""

    source: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    place: Mapping[str, int]

    @property
    def unknown(self) -> tuple[str, ...]:
        """Columns that no field uses."""
        used = set(self.place.values())
        return tuple(name for number, name in enumerate(self.header) if number not in used)

    def has(self, field: str) -> bool:
        """Whether there is a column for it."""
        return field in self.place

    def text(self, row: Sequence[str], field: str) -> str:
        """A cell, stripped; empty without such a column."""
        return row[self.place[field]].strip() if field in self.place else ""

    def number(self, row: Sequence[str], field: str, line: int) -> Decimal | None:
        """A cell as an exact number from zero up; None if it is empty."""
        text = self.text(row, field).replace(",", "")
        if not text:
            return None
        try:
            found = Decimal(text)
        except InvalidOperation as error:
            raise UserError(self._where(field, line), text, "give a number") from error
        if not found.is_finite() or found < 0:
            raise UserError(self._where(field, line), text, "give a number from zero up")
        return found

    def count(self, row: Sequence[str], field: str, line: int) -> int | None:
        """A cell as a whole number from zero up; None if it is empty."""
        found = self.number(row, field, line)
        if found is None:
            return None
        if found != int(found):
            raise UserError(self._where(field, line), str(found), "give a whole number")
        return int(found)

    def usd(self, row: Sequence[str], field: str, line: int) -> Money | None:
        """A cell as exact dollars (a discount or a refund may be negative); None if it is empty."""
        text = self.text(row, field).replace(",", "").replace("$", "")
        if not text:
            return None
        try:
            return Money.from_usd(text)
        except UserError as error:
            raise UserError(self._where(field, line), text, error.remedy) from error

    def day(self, row: Sequence[str], field: str, line: int) -> date | None:
        """A cell as a UTC day: ISO, with or without a time; None if it is empty."""
        text = self.text(row, field)
        if not text:
            return None
        try:
            return date.fromisoformat(text[:10])
        except ValueError as error:
            raise UserError(self._where(field, line), text, "give a day such as 2026-11-01") from error

    def _where(self, field: str, line: int) -> str:
        return f"{self.source}:{line}: {self.header[self.place[field]]}"


def place_fields(
    source: str, header: Sequence[str], fields: Iterable[Field], mapping: Mapping[str, str]
) -> Mapping[str, int] | None:
    """The column of each field, by mapping first, then by name; None if a required one is missing.

    UserError if the mapping names what is not there.
    """
    names = [plain(name) for name in header]
    known = {field.name: field for field in fields}
    found: dict[str, int] = {}
    for name, column in mapping.items():
        if name not in known:
            raise UserError("columns", name, f"fields of this report: {', '.join(known)}")
        if plain(column) not in names:
            raise UserError(f"columns.{name}", column, f"{source} has the columns {', '.join(header)}")
        found[name] = names.index(plain(column))
    for field in known.values():
        if field.name in found:
            continue
        at = next((number for number, name in enumerate(names) if name in field.names), None)
        if at is not None:
            found[field.name] = at
        elif field.required:
            return None
    return found
