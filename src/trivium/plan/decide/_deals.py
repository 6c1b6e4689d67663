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
        remaining_usd=float(contract.remaining_usd) if contract.remaining_usd and begins < at else None,
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
    """What is paid, by surface, scenario and month; what a commitment is paid for is spread evenly over its months."""

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


def bill(spend: Array, deals: Sequence[Deal], weight: Array | None = None) -> Bill:
    """The bill of a spend at list prices (K, S, T) under all deals at once.

    `weight` (T,) discounts to the day of the plan: `spend` and what is paid are then discounted, while amounts that
    are committed and thresholds of tiers are held against what is spent in the dollars of its month.
    """
    paid = spend.copy() if weight is None else spend / weight
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
        shortfall |= _commit(paid, group)
    return Bill(paid if weight is None else paid * weight, shortfall)


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
    """Apply the commitments on one set of surfaces: cover first, then take-or-pay on what no cover has taken.

    Cover goes to spend as it comes, from the year that ends first. Of several take-or-pay commitments each counts the
    same spend, their discounts add up, and what one is paid for nothing fills no other.
    """
    rows, horizon = list(group[0].surfaces), paid.shape[2]
    still = paid[rows]  # a copy: what is not covered yet
    due = np.zeros_like(still)  # what is paid for the commitments themselves
    years = [(high, low, deal, share) for deal in group for low, high, share in deal.periods(horizon)]
    years.sort(key=lambda year: (year[0], year[1], year[2].name))
    lost = {deal.name: np.zeros(paid.shape[1]) for deal in group}
    off = np.zeros(horizon)
    for high, low, deal, share in years:
        amount = _due(deal, low, high, share)
        if deal.form == "covered":
            taken = _cover(still[:, :, low:high], amount / (1 - deal.discount))
            lost[deal.name] += amount - taken * (1 - deal.discount)
            due[:, :, low:high] += _evenly(paid[rows], low, high, np.full(len(taken), amount))
    for high, low, deal, _ in years:
        if deal.form != "covered":
            off[low:high] += deal.discount
    rate = np.maximum(1 - off, 0.0)
    for high, low, deal, share in years:
        if deal.form != "covered":
            net = (rate * still)[:, :, low:high].sum(axis=(0, 2))  # after every discount: what is really paid counts
            counted = deal.other_usd * share + deal.counts * net
            missing = np.maximum(_due(deal, low, high, share) - counted, 0.0)
            lost[deal.name] += missing
            due[:, :, low:high] += _evenly(paid[rows], low, high, missing)
    paid[rows] = still * rate + due
    return lost


def _cover(still: Array, room: float) -> Array:
    """Take list spend (R, S, months) out as it comes, up to `room`; what was taken in each scenario."""
    month = still.sum(axis=0)
    before = np.cumsum(month, axis=1) - month
    left = np.clip(month - np.maximum(room - before, 0.0), 0.0, None)
    still *= np.divide(left, month, out=np.zeros_like(month), where=month > 0)
    return np.asarray((month - left).sum(axis=1))


def _evenly(paid: Array, low: int, high: int, amount: Array) -> Array:
    """An amount of each scenario over months alike, and over surfaces like their spend in these months."""
    spent = paid[:, :, low:high].sum(axis=2)  # (R, S)
    total = spent.sum(axis=0)
    share = np.divide(spent, total, out=np.full_like(spent, 1 / len(spent)), where=total > _NOTHING)
    return np.asarray(np.repeat((share * amount / (high - low))[:, :, None], high - low, axis=2))


def _due(deal: Deal, low: int, high: int, share: float) -> float:
    """What a year of the deal asks of the months low to high; of the year that runs already, what remains of it."""
    if low == 0 and deal.remaining_usd is not None:
        whole = min((-deal.first // YEAR + 1) * YEAR, deal.months) + deal.first  # months until that year ends
        return deal.remaining_usd * (high - low) / whole
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
