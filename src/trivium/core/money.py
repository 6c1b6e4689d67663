"""Exact amounts of US dollars: a whole number of pico-dollars, never a float.

One pico-dollar is 10**-12 USD. A price of p USD per million tokens is p * 10**6 pico-dollars per
token, so every published rate, halved for batch and multiplied by 1.1 for a region, is a whole number.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal, DecimalException

from trivium.core.errors import UserError

PICOS_PER_USD = 10**12
PICOS_PER_TOKEN_PER_USD_MTOK = 10**6
_WIDE = Context(prec=400)  # far beyond any amount, so that scaling never rounds


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An exact amount in pico-dollars; Python integers, so no sum overflows."""

    picos: int

    @classmethod
    def from_usd(cls, amount: Decimal | str) -> Money:
        """The amount for a decimal number of dollars; raises UserError if it is finer than a pico-dollar."""
        try:
            scaled = Decimal(amount).scaleb(12, _WIDE)
            whole = int(scaled)
        except (DecimalException, ValueError, OverflowError) as error:
            raise UserError("amount_usd", str(amount), "give a finite decimal number of dollars") from error
        if scaled != whole:
            raise UserError("amount_usd", str(amount), "give at most 12 decimal places")
        return cls(whole)

    @property
    def usd(self) -> Decimal:
        """The amount in dollars, exact."""
        return Decimal(self.picos).scaleb(-12, _WIDE)

    def __add__(self, other: Money) -> Money:
        return Money(self.picos + other.picos)

    def __sub__(self, other: Money) -> Money:
        return Money(self.picos - other.picos)

    def __neg__(self) -> Money:
        return Money(-self.picos)

    def __mul__(self, count: int) -> Money:
        return Money(self.picos * count)

    __rmul__ = __mul__

    def __str__(self) -> str:
        """The exact decimal string in dollars, without exponent or trailing zeros: `0.0123`."""
        whole, part = divmod(abs(self.picos), PICOS_PER_USD)
        sign = "-" if self.picos < 0 else ""
        fraction = f"{part:012d}".rstrip("0")
        return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"

    def rounded(self, places: int = 2) -> str:
        """For reading only: the amount rounded half-even to `places` decimals, with thousands separators."""
        return f"{self.usd:,.{places}f}"


ZERO = Money(0)


def rate_picos(usd_per_mtok: Decimal | str) -> int:
    """Pico-dollars per token for a price in USD per million tokens; raises UserError if it is not whole."""
    scaled = Decimal(usd_per_mtok) * PICOS_PER_TOKEN_PER_USD_MTOK
    if scaled != int(scaled):
        raise UserError("price_usd_per_mtok", str(usd_per_mtok), "a rate must be a whole number of pico-dollars")
    return int(scaled)
