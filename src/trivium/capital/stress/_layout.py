"""A network laid out for clearing: what each claim is worth at stake, and the same as dues quarter by quarter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trivium.capital.clearing import CashNetwork, Due, cash_network
from trivium.capital.stress._scenarios import quarters_of
from trivium.capital.stress._values import Network, Obligation

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Claim:
    """One obligation in the value layer: who, what is at stake, what the supplier sells to others, in which class."""

    debtor: int
    creditor: int | None
    at_stake: float
    resale: float
    rank: int  # from 0, the most senior
    commitment: bool


@dataclass(frozen=True, eq=False)
class Layout:
    """A network as arrays; `outside` is before resale, tranches and guarantees."""

    network: Network
    classes: int
    claims: tuple[Claim, ...]
    outside: Floats
    stakes: Floats  # (N, N), the row holds of the column, at its mark


def lay_out(network: Network) -> Layout:
    """What every party has outside, and what is at stake between them, as of today.

    A commitment counts what cannot be cancelled in time: the firm share, and the rest within its notice. If the debtor
    fails, `avoidable` is not spent and `resale` is sold to others; only the rest is a claim (of the lowest rank). While
    it performs, the debtor pays the whole, so what is not at stake is taken from its outside assets.
    """
    index = {name: number for number, name in enumerate(network.names)}
    ranks = sorted({item.rank for item in network.obligations}) or [1]  # a class for each that is there
    outside = np.array(
        [party.cash + party.assets + network.present(party.income) for party in network.parties], dtype=float
    )
    claims = []
    for item in network.obligations:
        whole = network.present(within_notice(item))
        at_stake = whole * claim_share(item)
        rank = len(ranks) - 1 if item.kind == "commitment" else ranks.index(item.rank)
        creditor = index[item.creditor] if item.creditor else None
        resale = whole * item.resale if item.kind == "commitment" else 0.0
        outside[index[item.debtor]] -= whole - at_stake
        claims.append(Claim(index[item.debtor], creditor, at_stake, resale, rank, item.kind == "commitment"))
    stakes = np.zeros((len(index), len(index)))
    for holding in network.holdings:
        stakes[index[holding.holder], index[holding.issuer]] += holding.share * holding.mark
    return Layout(network, len(ranks), tuple(claims), outside, stakes)


def within_notice(item: Obligation) -> tuple[float, ...]:
    """What falls due by quarter if notice is given today."""
    return tuple(
        amount if t < quarters_of(item.notice_days) else amount * item.firm_share for t, amount in enumerate(item.due)
    )


def claim_share(item: Obligation) -> float:
    """What part of what remains is a claim after a default: of a debt all, of a commitment what nobody saves or buys.

    Resale counts at the price agreed in the contract, whatever the market then gives: that risk is the supplier's.
    """
    return 1.0 if item.kind == "debt" else max(1.0 - item.avoidable - item.resale, 0.0)


def cash_layer(network: Network, extra_cash: Floats) -> tuple[CashNetwork, Floats]:
    """The dues by quarter and the income (Q, N); `extra_cash` is what tranches bring or take at the start."""
    lowest = max((item.rank for item in network.obligations), default=1)
    cash = [party.cash + party.undrawn_credit for party in network.parties]
    opening = np.array(cash) + extra_cash
    income = np.array([party.income for party in network.parties], dtype=float).T.copy()
    income[0] += np.minimum(opening, 0.0)
    made = cash_network(
        network.names,
        network.quarters,
        np.maximum(opening, 0.0),
        [_due(item, network.quarters, lowest) for item in network.obligations],
        costs=([party.alpha for party in network.parties], [party.beta for party in network.parties]),
        cure_quarters=network.cure_quarters,
        notice=network.notice,
    )
    return made, income


def _due(item: Obligation, quarters: int, lowest: int) -> Due:
    commitment, notice = item.kind == "commitment", quarters_of(item.notice_days)
    firm_share = item.firm_share if commitment else 1.0
    firm = tuple(amount * firm_share for amount in item.due)
    loose = tuple(amount * (1 - firm_share) for amount in item.due)
    share = claim_share(item)
    ended = tuple((sum(firm[t:]) + sum(loose[t : t + notice])) * share for t in range(quarters))
    return Due(
        item.debtor,
        item.creditor or None,
        firm,
        loose,
        notice,
        item.rank,
        ended,
        lowest if commitment else None,
        ends_with_creditor=commitment,
    )
