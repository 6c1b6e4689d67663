"""Amounts and days as the report writes them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

_BILLION = 10**9


def billions(usd: Fraction | Decimal | float) -> str:
    """An amount in bn USD, three places at most."""
    text = f"{float(Fraction(usd) / _BILLION):,.3f}"
    return text.rstrip("0").rstrip(".")


def after_quarters(day: date, quarters: int | None) -> str:
    """The month so many quarters after a day; `never` for None."""
    if quarters is None:
        return "never"
    month = day.year * 12 + day.month - 1 + 3 * quarters
    return f"{month // 12}-{month % 12 + 1:02d}"
