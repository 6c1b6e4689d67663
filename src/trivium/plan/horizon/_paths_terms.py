"""What signed contracts make of list spend: the bill of every scenario, for sizes that are given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Option:
    """One size a commitment may take: what is paid or spent at least per period, and the discount it buys."""

    amount_usd: float
    discount: float


@dataclass(frozen=True, slots=True)
class Deal:
    """One commitment over its periods; a period is a span of atoms, the smallest pieces of spend that are told apart.

    Covered: the amount is paid and covers list spend of amount / (1 - discount). Take-or-pay: all spend has the
    discount, and the period costs the amount at least. `options` are the sizes to choose one from; without them the
    size lies anywhere in [low, high], at `discount`.
    """

    take_or_pay: bool
    spans: tuple[tuple[int, ...], ...]
    weights: tuple[float, ...]  # of each period's payment
    parts: tuple[float, ...]  # of each period, how much lies inside the horizon: so much of the amount counts
    discount: float = 0.0
    low_usd: float = 0.0
    high_usd: float = 0.0
    options: tuple[Option, ...] = ()
    counts: float = 1.0  # take-or-pay: the share of the discounted spend that burns the amount down

    @property
    def paid(self) -> float:
        """How often the amount is paid over the horizon, each time by its weight."""
        return sum(weight * part for weight, part in zip(self.weights, self.parts, strict=True))


@dataclass(frozen=True, slots=True)
class Terms:
    """Atoms of spend, the deals on them, and the objective (1 - ω)·E + ω·CVaR."""

    atom: Ints  # (K, T) the atom that spend on a surface in a month belongs to
    atom_weight: Floats  # (A,)
    deals: tuple[Deal, ...]
    cover: tuple[tuple[int, int, int], ...]  # see cover_order
    probability: Floats  # (S,)
    risk_weight: float
    risk_level: float

    @property
    def atoms(self) -> int:
        """How many pieces of spend are told apart."""
        return len(self.atom_weight)

    def objective_usd(self, cost: Floats) -> Floats:
        """(1 - ω)·E + ω·CVaR of costs (…, S)."""
        return objective_usd(cost, self.probability, self.risk_weight, self.risk_level)

    def bill_usd(self, spend: Floats, sizes: Sequence[Option]) -> Floats:
        """Cost (…, S) of list spend (…, A, S) under one size a deal.

        Cover is given to the earliest-ending period first, which is the most cover there is while each deal lies on one
        surface (Glover 1967); the amounts themselves are the same in every scenario and are part of the cost.
        """
        open_usd = np.array(spend, dtype=np.float64)
        cost = np.zeros(spend.shape[:-2] + spend.shape[-1:])
        room: dict[tuple[int, int], Floats] = {}
        for number, (deal, size) in enumerate(zip(self.deals, sizes, strict=True)):
            if not deal.take_or_pay:
                cost += size.amount_usd * deal.paid
                for period, part in enumerate(deal.parts):
                    room[number, period] = np.full(cost.shape, part * size.amount_usd / (1.0 - size.discount))
        for atom, number, period in self.cover:
            covered = np.minimum(open_usd[..., atom, :], room[number, period])
            open_usd[..., atom, :] -= covered
            room[number, period] -= covered
        rate = np.broadcast_to(self.atom_weight, (self.atoms,)).copy()
        for deal, size in zip(self.deals, sizes, strict=True):
            if deal.take_or_pay:
                for span, weight, part in zip(deal.spans, deal.weights, deal.parts, strict=True):
                    atoms = list(span)
                    owed = deal.counts * (1.0 - size.discount) * open_usd[..., atoms, :].sum(axis=-2)
                    cost += weight * np.maximum(part * size.amount_usd - owed, 0.0)
                    rate[atoms] -= size.discount * self.atom_weight[atoms]
        return np.asarray(cost + np.einsum("a,...as->...s", rate, open_usd))


def cover_order(atom: Ints, deals: Sequence[Deal]) -> tuple[tuple[int, int, int], ...]:
    """(atom, deal, period) in the order in which cover is given: by month, among periods the one that ends first."""
    first = {int(item): int(np.argwhere(atom == item)[:, 1].min()) for item in np.unique(atom)}
    pieces = [
        (first[item], max(first[other] for other in span), item, number, period)
        for number, deal in enumerate(deals)
        if not deal.take_or_pay
        for period, span in enumerate(deal.spans)
        for item in span
    ]
    return tuple((item, number, period) for _, _, item, number, period in sorted(pieces))


def cvar_usd(cost: Floats, probability: Floats, level: float) -> Floats:
    """The mean of the worst 1 - level of costs (…, S)."""
    tail = 1.0 - level
    order = np.argsort(-cost, axis=-1, kind="stable")
    worst, chance = np.take_along_axis(cost, order, axis=-1), probability[order]
    taken = np.clip(tail - (np.cumsum(chance, axis=-1) - chance), 0.0, chance)
    return np.asarray((taken * worst).sum(axis=-1) / tail)


def objective_usd(cost: Floats, probability: Floats, weight: float, level: float) -> Floats:
    """(1 - ω)·E + ω·CVaR of costs (…, S)."""
    return np.asarray((1.0 - weight) * (cost @ probability) + weight * cvar_usd(cost, probability, level))
