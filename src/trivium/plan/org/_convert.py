"""Decoded tables as values of a kind; what a field does not take is refused by the type that the field has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from trivium.catalog.refusal import refused
from trivium.core import UserError

DAYS = (date(1990, 1, 1), date(2199, 12, 31))  # every month around one of them exists
NUMBER_MAX = 10**15  # beyond every amount, count and weight of an organisation; sums of such numbers stay exact


def converted(raw: Any, kind: type[Any], where: str) -> Any:
    """The table as a value of `kind`; UserError names the field, the value, and what the field takes."""
    plain = _plain(raw)
    try:
        found = msgspec.convert(plain, kind, strict=False)
    except msgspec.ValidationError as error:
        raise refused(plain, kind, where, str(error)) from error
    for path, value in _leaves(found, where):
        if isinstance(value, date):
            if not DAYS[0] <= value <= DAYS[1]:
                raise UserError(path, str(value), f"give a day from {DAYS[0]} to {DAYS[1]}")
        elif not value.is_finite() or abs(value) > NUMBER_MAX:
            raise UserError(path, str(value), f"give a number of at most {NUMBER_MAX:,}")
    return found


def _plain(raw: Any) -> Any:
    """Numbers as the text they were written as, so that a number and a string say the same amount."""
    if isinstance(raw, dict):
        return {str(name): _plain(value) for name, value in raw.items()}
    if isinstance(raw, list):
        return [_plain(value) for value in raw]
    if isinstance(raw, (Decimal, int)) and not isinstance(raw, bool):
        return str(raw)
    return raw


def _leaves(value: Any, where: str) -> Iterator[tuple[str, Decimal | date]]:
    """Every number and day of a value, with its place in the file."""
    if isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            yield from _leaves(getattr(value, field), f"{where}.{field}")
    elif isinstance(value, dict):
        for name, entry in value.items():
            yield from _leaves(entry, f"{where}.{name}")
    elif isinstance(value, tuple):
        for number, entry in enumerate(value):
            yield from _leaves(entry, f"{where}[{number}]")
    elif isinstance(value, (Decimal, int)) and not isinstance(value, bool):
        yield where, Decimal(value)
    elif isinstance(value, date):
        yield where, value
