"""Edges of money from deals: at face or at present value, all of it or what falls due in one year."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal
from fractions import Fraction

from trivium.capital.deals import Deal, Kind, Stage
from trivium.capital.flow._values import Edge
from trivium.core import UserError

_STAGED = "staged"
_DAYS_A_YEAR = Decimal("365.25")
_EXACT = Context(prec=40)


@dataclass(frozen=True, slots=True)
class Worth:
    """At which worth money is counted. `rate` a year discounts to `as_of` (None: face value); `year`: only its dues.

    A year's dues are discounted from its middle; what fell due before `as_of` counts at face.
    """

    as_of: date
    rate: Decimal | None = None
    year: int | None = None

    def __post_init__(self) -> None:
        if self.rate is not None and not (self.rate.is_finite() and -1 < self.rate < 1):
            raise UserError("rate", str(self.rate), "give a rate a year between -1 and 1, such as 0.08")

    def of(self, deal: Deal) -> int:
        """A deal's amount in whole USD, rounded half-even once."""
        if deal.amount.point is None:
            raise UserError(f"deal {deal.id}: amount", "unknown", "only deals with an amount can be worth something")
        if self.rate is None and self.year is None:
            return round(Fraction(deal.amount.point.usd))
        years = deal.schedule.span if self.year is None else (self.year,)
        return round(
            sum((deal.schedule.due(deal.amount.point, year) * self._factor(year) for year in years), Fraction(0))
        )

    def _factor(self, year: int) -> Fraction:
        ahead = (date(year, 7, 1) - self.as_of).days
        if self.rate is None or ahead <= 0:
            return Fraction(1)
        return Fraction(_EXACT.power(1 + self.rate, -Decimal(ahead) / _DAYS_A_YEAR))


def why_left_out(deal: Deal) -> str:
    """Why a deal is no edge of money, empty if it is one."""
    if not deal.cash:
        return deal.no_cash
    if not deal.counted:
        return deal.not_counted or "not counted"
    if deal.giver == deal.getter:
        return "both are one party"
    if deal.stage is Stage.LETTER_OF_INTENT:
        return "a letter of intent"
    if deal.amount.point is None:
        return "its amount is not known"
    return ""


def money_edges(deals: Iterable[Deal], worth: Worth) -> tuple[Edge, ...]:
    """The edges of money among deals: those that move cash, are counted, have an amount and are more than an intent."""
    found = [
        Edge(
            deal.id,
            deal.giver,
            deal.getter,
            _head(deal),
            worth.of(deal),
            deal.stage.value,
            deal.what.startswith(_STAGED),
        )
        for deal in deals
        if not why_left_out(deal)
    ]
    return tuple(edge for edge in found if edge.usd)


def _head(deal: Deal) -> str:
    """What the money is for. A share of revenue is no purchase: it flows, and belongs to no commitment."""
    return deal.kind.value if deal.kind is Kind.REVENUE_SHARE else deal.head


def counted_twice(deals: Iterable[Deal], edges: Iterable[Edge]) -> int:
    """What lies inside rows that are edges themselves, in USD: a sum over all edges counts it twice."""
    worth = {edge.deal: edge.usd for edge in edges}
    return sum(worth[deal.id] for deal in deals if deal.id in worth and any(name in worth for name in deal.inside))
