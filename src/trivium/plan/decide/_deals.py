"""Contracts in numbers, and the bill of a spend under them: discounts, then volume tiers, then commitments.

Forecast amounts in US dollars, as arrays (surfaces, scenarios, months). A period is twelve months from the contract's
start. Under a commitment of m a year with a discount d on spend L at list:

    take-or-pay   bill = (1 - d)·L + max(m - other - counts·(1 - d)·L, 0)      (EDP, MACC, Google commitments)
    covered       bill = m + max(L - m / (1 - d), 0)                           (savings-plan form)

A period that the horizon cuts counts with the same part of m. What else the organisation buys there (`other`) burns a
commitment down too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from trivium.core import UserError
from trivium.plan.org import Contract

Array = NDArray[np.float64]
YEAR = 12
_NOTHING = 1e-9  # USD: a spend below it has no shape to keep


@dataclass(frozen=True, slots=True)
class Deal:
    """A contract over the months of the horizon; `amount_usd` a year where it is a commitment."""

    name: str
    kind: str  # discount · volume-tiers · spend-commitment
    surfaces: tuple[int, ...]
    first: int  # month of the horizon in which it begins, negative if it began before
    months: int
    form: str = "take-or-pay"
    amount_usd: float = 0.0
    discount: float = 0.0
    counts: float = 1.0
    other_usd: float = 0.0
    tiers: tuple[tuple[float, float], ...] = ()  # (from USD a year, discount on what is above)
    remaining_usd: float | None = None  # of the year that runs when the horizon begins

    def periods(self, horizon: int) -> list[tuple[int, int, float]]:
        """(first month, end, share of a year) of each year of the contract inside the horizon."""
        found = []
        for start in range(self.first, self.first + self.months, YEAR):
            end = min(start + YEAR, self.first + self.months)
            low, high = max(start, 0), min(end, horizon)
            if low < high:
                found.append((low, high, (high - low) / YEAR))
        return found


def deal_of(name: str, contract: Contract, surfaces: Sequence[str], at: date) -> Deal | None:
    """A contract of the file in numbers; None if none of its surfaces is in use or it has ended."""
    indices = tuple(number for number, surface in enumerate(surfaces) if surface in contract.surfaces)
    begins = contract.starts or at
    first = (begins.year - at.year) * YEAR + begins.month - at.month
    if not indices or first + contract.term_months <= 0 or contract.kind in {"provisioned", "reserved"}:
        return None
    return Deal(
        name=name,
        kind=contract.kind,
        surfaces=indices,
        first=first,
        months=contract.term_months,
        form=contract.form,
        amount_usd=float(contract.commitment_usd_per_year or 0),
        discount=float(contract.discount_percent) / 100,
        counts=float(contract.counts_percent) / 100,
        other_usd=float(contract.other_spend_usd_per_year),
        tiers=tuple((float(tier.from_usd), float(tier.discount_percent) / 100) for tier in contract.tiers),
        remaining_usd=float(contract.remaining_usd) if contract.remaining_usd and first < 0 else None,
    )


def check_deals(deals: Sequence[Deal], surfaces: Sequence[str]) -> None:
    """Deals of one kind must cover the same surfaces or none in common, else their order would decide the bill."""
    for number, deal in enumerate(deals):
        for other in deals[:number]:
            common = set(deal.surfaces) & set(other.surfaces)
            if deal.kind == other.kind and common and set(deal.surfaces) != set(other.surfaces):
                names = ", ".join(surfaces[index] for index in sorted(common))
                hint = f"give it the same surfaces as contracts.{other.name}, or none of them"
                raise UserError(f"contracts.{deal.name}.surfaces", names, hint)


@dataclass(frozen=True)
class Bill:
    """What is paid, by surface, scenario and month; commitments are spread over their months like the spend."""

    paid: Array  # (K, S, T)
    shortfall: Mapping[str, Array]  # per commitment (S,): paid for nothing

    @property
    def total(self) -> Array:
        """Per scenario."""
        return np.asarray(self.paid.sum(axis=(0, 2)))

    @property
    def monthly(self) -> Array:
        """Per scenario and month."""
        return np.asarray(self.paid.sum(axis=0))


def bill(spend: Array, deals: Sequence[Deal]) -> Bill:
    """The bill of a spend at list prices (K, S, T) under all deals at once."""
    paid = spend.copy()
    for deal in deals:
        if deal.kind == "discount":
            for low, high, _ in deal.periods(spend.shape[2]):
                for index in deal.surfaces:
                    paid[index, :, low:high] *= 1 - deal.discount
    for deal in deals:
        if deal.kind == "volume-tiers":
            for low, high, share in deal.periods(spend.shape[2]):
                _rescale(paid, deal.surfaces, low, high, lambda total, d=deal, s=share: tiered(total, d.tiers, s))
    shortfall: dict[str, Array] = {}
    for group in _groups([deal for deal in deals if deal.kind == "spend-commitment"]):
        for name, lost in _commit(paid, group).items():
            shortfall[name] = shortfall.get(name, np.zeros(spend.shape[1])) + lost
    return Bill(paid, shortfall)


def tiered(total: Array, tiers: Sequence[tuple[float, float]], share: float = 1.0) -> Array:
    """A spend under marginal discounts whose thresholds are for a year, of which `share` has passed."""
    saved = np.zeros_like(total)
    for number, (start, discount) in enumerate(tiers):
        end = tiers[number + 1][0] * share if number + 1 < len(tiers) else np.inf
        saved += discount * np.clip(total - start * share, 0.0, end - start * share)
    return np.asarray(total - saved)


def _groups(deals: Sequence[Deal]) -> list[list[Deal]]:
    found: dict[tuple[int, ...], list[Deal]] = {}
    for deal in deals:
        found.setdefault(deal.surfaces, []).append(deal)
    return list(found.values())


def _commit(paid: Array, group: Sequence[Deal]) -> dict[str, Array]:
    """Apply the commitments on one set of surfaces, the one that began first before the others."""
    lost: dict[str, Array] = {}
    horizon = paid.shape[2]
    for deal in sorted(group, key=lambda deal: (deal.first, deal.name)):
        for low, high, share in deal.periods(horizon):
            due = _due(deal, low, share)

            def after(total: Array, deal: Deal = deal, due: float = due, share: float = share) -> Array:
                if deal.form == "covered":
                    covered = due / (1 - deal.discount)
                    lost[deal.name] = lost.get(deal.name, 0.0) + np.maximum(covered - total, 0.0) * (1 - deal.discount)
                    return np.asarray(due + np.maximum(total - covered, 0.0))
                net = (1 - deal.discount) * total
                missing = np.maximum(due - deal.other_usd * share - deal.counts * net, 0.0)
                lost[deal.name] = lost.get(deal.name, 0.0) + missing
                return np.asarray(net + missing)

            _rescale(paid, deal.surfaces, low, high, after)
    return lost


def _due(deal: Deal, low: int, share: float) -> float:
    if low == 0 and deal.first < 0 and deal.remaining_usd is not None:
        return deal.remaining_usd
    return deal.amount_usd * share


def _rescale(paid: Array, surfaces: Sequence[int], low: int, high: int, after: object) -> None:
    """Replace the total of some surfaces over some months by a function of it, keeping its shape."""
    rows = list(surfaces)
    block = paid[rows, :, low:high]
    total = block.sum(axis=(0, 2))
    new = after(total)  # type: ignore[operator]  # a plain callable; NumPy's own stubs do not say more
    scale = np.divide(new, total, out=np.zeros_like(total), where=total > _NOTHING)
    block = block * scale[None, :, None]
    idle = (total <= _NOTHING) & (new > 0)  # nothing was bought, yet a commitment is due: spread it evenly
    if idle.any():
        block[:, idle, :] = (new[idle] / (len(rows) * (high - low)))[None, :, None]
    paid[rows, :, low:high] = block
