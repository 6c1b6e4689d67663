"""What a party has committed to pay, at three degrees of firmness, each with the sum it comes from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from trivium.capital.deals._values import Deal, Kind, Stage, State

_OWED = frozenset({Kind.COMMIT, Kind.LEASE})


@dataclass(frozen=True, slots=True)
class Firmness:
    """What a party committed, in USD: all of it, the contracted part, and what cannot be got out of.

    `rows` are the deals with what each adds to the three; `unknown` those whose amount no source gives.
    """

    party: str
    headline_usd: Fraction
    contracted_usd: Fraction
    firm_usd: Fraction
    rows: tuple[tuple[str, Fraction, Fraction, Fraction], ...]
    unknown: tuple[str, ...]


def commitments(deals: Iterable[Deal], party: str) -> Firmness:
    """The purchase commitments and leases of a party among deals; totals, letters of intent and rights are left out.

    A contract counts in whole, also what of it has been paid, until its last day; from then on nothing of it is owed.
    """
    owed = [
        deal
        for deal in deals
        if (deal.giver, deal.counted) == (party, True)
        and deal.kind in _OWED
        and deal.stage is not Stage.LETTER_OF_INTENT
        and deal.state is not State.ENDED
    ]
    rows = []
    for deal in owed:
        if deal.amount.point is None:
            continue
        whole = Fraction(deal.amount.point.usd)
        contracted = whole if deal.stage is Stage.CONTRACTED else Fraction(0)
        rows.append((deal.id, whole, contracted, deal.firm_usd or Fraction(0)))
    return Firmness(
        party,
        sum((row[1] for row in rows), Fraction(0)),
        sum((row[2] for row in rows), Fraction(0)),
        sum((row[3] for row in rows), Fraction(0)),
        tuple(rows),
        tuple(deal.id for deal in owed if deal.amount.point is None),
    )
