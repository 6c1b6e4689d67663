"""Contracts in numbers, and the bill of a spend under them: discounts, then volume tiers, then commitments.

Forecast amounts in US dollars, as arrays (surfaces, scenarios, months). A period is twelve months from the contract's
start, counted in days: a month that a contract begins, renews or ends in is cut there, its spend even over its days.
Under a commitment of m a year with a discount d on spend L at list:

    take-or-pay   bill = (1 - d)·L + max(m - other - counts·(1 - d)·L, 0)      (EDP, MACC, Google commitments)
    covered       bill = m + max(L - m / (1 - d), 0)                           (savings-plan form)

A period that the horizon cuts counts with the same part of m. What else the organisation buys there (`other`) burns a
commitment down too. A dollar burns one take-or-pay commitment down, that of the period which ends first, unless another
stacks: it counts every dollar, whatever the others do with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from trivium.core import UserError
from trivium.plan._in_force import place, years
from trivium.plan._months import add_months
from trivium.plan.org import MONTHS_MAX, Contract

Array = NDArray[np.float64]
YEAR = 12
_NOTHING = 1e-9  # USD: a spend below it has no shape to keep


@dataclass(frozen=True, slots=True)
class Period:
    """A year of a contract, or what is left of its term: in months of the horizon, and the part that lies inside it."""

    low: float
    high: float
    end: float  # without the horizon
    share: float  # of a year's amount, inside the horizon
    runs: bool  # when the horizon begins, it is under way already


@dataclass(frozen=True, slots=True)
class Deal:
    """A contract over the months of the horizon; `amount_usd` a year where it is a commitment."""

    name: str
    kind: str  # discount · volume-tiers · spend-commitment
    surfaces: tuple[int, ...]
    first: float  # month of the horizon in which it begins, negative if it began before
    months: float
    form: str = "take-or-pay"
    amount_usd: float = 0.0
    discount: float = 0.0
    counts: float = 1.0
    other_usd: float = 0.0
    tiers: tuple[tuple[float, float], ...] = ()  # (from USD a year, discount on what is above)
    remaining_usd: float | None = None  # of the year that runs when the horizon begins
    stacks: bool = False  # it counts what other commitments count too
    years: tuple[tuple[float, float, float], ...] = ()  # (begin, end, of a year's amount); none: every twelve months

    def within(self, horizon: int) -> list[Period]:
        """Its periods as far as they lie inside the horizon."""
        found = []
        for start, end, share in self.years or self._even():
            low, high = max(start, 0), min(end, horizon)
            if low < high:
                found.append(Period(low, high, end, share * (high - low) / (end - start), start < 0))
        return found

    def periods(self, horizon: int) -> list[tuple[float, float, float]]:
        """(begin, end, share of a year) of each year of the contract inside the horizon, in months."""
        return [(period.low, period.high, period.share) for period in self.within(horizon)]

    def shares(self, horizon: int) -> Array:
        """The share of each month's days on which it is in force."""
        months = np.arange(horizon)
        found = np.zeros(horizon)
        for period in self.within(horizon):
            found += np.clip(np.minimum(period.high, months + 1) - np.maximum(period.low, months), 0.0, None)
        return found

    def due_usd(self, period: Period) -> float:
        """What a period asks of its part inside the horizon; of the year that runs already, what remains of it."""
        if period.runs and self.remaining_usd is not None:
            return self.remaining_usd * (period.high - period.low) / period.end
        return self.amount_usd * period.share

    def _even(self) -> list[tuple[float, float, float]]:
        last, count = self.first + self.months, int(-(-self.months // YEAR))
        starts = [self.first + YEAR * number for number in range(count)]
        return [(start, min(start + YEAR, last), min(YEAR, last - start) / YEAR) for start in starts]


def deal_of(name: str, contract: Contract, surfaces: Sequence[str], at: date) -> Deal | None:
    """A contract of the file in numbers; None if none of its surfaces is in use or it has ended."""
    indices = tuple(number for number, surface in enumerate(surfaces) if surface in contract.surfaces)
    if not indices or contract.kind in {"provisioned", "reserved"}:
        return None
    days = years(contract, at, add_months(at, MONTHS_MAX))
    found = tuple((place(at, first), place(at, end), share) for first, end, share in days if end > at)
    if not found:
        return None
    begins = contract.starts or at
    first = place(at, begins)
    return Deal(
        name=name,
        kind=contract.kind,
        surfaces=indices,
        first=first,
        months=found[-1][1] - first,
        form=contract.form,
        amount_usd=float(contract.commitment_usd_per_year or 0),
        discount=float(contract.discount_percent) / 100,
        counts=float(contract.counts_percent) / 100,
        other_usd=float(contract.other_spend_usd_per_year),
        tiers=tuple((float(tier.from_usd), float(tier.discount_percent) / 100) for tier in contract.tiers),
        remaining_usd=float(contract.remaining_usd) if contract.remaining_usd and begins < at else None,
        stacks=contract.stacks,
        years=found,
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


@dataclass(frozen=True)
class _Pieces:
    """The months of the horizon, cut where any deal begins, ends or starts a new year."""

    edges: Array  # (P + 1,)
    month: NDArray[np.int64]  # (P,)
    length: Array  # (P,) of a month

    def between(self, period: Period) -> tuple[int, int]:
        """The pieces of a period."""
        return int(np.searchsorted(self.edges, period.low)), int(np.searchsorted(self.edges, period.high))


def _pieces(deals: Sequence[Deal], horizon: int) -> _Pieces:
    cuts = {float(day) for deal in deals for period in deal.within(horizon) for day in (period.low, period.high)}
    edges = np.array(sorted(cuts.union(map(float, range(horizon + 1)))))
    return _Pieces(edges, np.floor(edges[:-1]).astype(np.int64), np.diff(edges))


def bill(spend: Array, deals: Sequence[Deal], weight: Array | None = None) -> Bill:
    """The bill of a spend at list prices (K, S, T) under all deals at once.

    `weight` (T,) discounts to the day of the plan: `spend` and what is paid are then discounted, while amounts that
    are committed and thresholds of tiers are held against what is spent in the dollars of its month.
    """
    horizon = spend.shape[2]
    cut = _pieces(deals, horizon)
    whole = len(cut.month) == horizon
    paid = spend.copy() if weight is None else spend / weight
    if not whole:
        paid = paid[:, :, cut.month] * cut.length
    _discount(paid, deals, cut, horizon)
    shortfall: dict[str, Array] = {}
    for group in _groups([deal for deal in deals if deal.kind == "spend-commitment"]):
        shortfall |= _commit(paid, group, cut, horizon)
    if not whole:
        paid = np.add.reduceat(paid, np.searchsorted(cut.month, np.arange(horizon)), axis=2)
    return Bill(paid if weight is None else paid * weight, shortfall)


def _discount(paid: Array, deals: Sequence[Deal], cut: _Pieces, horizon: int) -> None:
    """Discounts, then volume tiers on what they leave."""
    for deal in deals:
        if deal.kind == "discount":
            for low, high in map(cut.between, deal.within(horizon)):
                paid[list(deal.surfaces), :, low:high] *= 1 - deal.discount
    for deal in deals:
        if deal.kind == "volume-tiers":
            for period in deal.within(horizon):
                low, high = cut.between(period)
                share = period.share
                _rescale(paid, deal.surfaces, low, high, lambda total, d=deal, s=share: tiered(total, d.tiers, s))


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


@dataclass(frozen=True, slots=True)
class _Owed:
    """What a commitment asks of a period."""

    deal: Deal
    period: Period
    low: int  # pieces
    high: int
    amount: float


def _commit(paid: Array, group: Sequence[Deal], cut: _Pieces, horizon: int) -> dict[str, Array]:
    """Apply the commitments on one set of surfaces: cover first, then take-or-pay on what no cover has taken.

    Both go to spend as it comes, the period that ends first before the others. Discounts of several take-or-pay
    commitments add up, each dollar that is left to pay counts for one of them, and what one is paid for nothing fills
    no other.
    """
    rows = list(group[0].surfaces)
    still = paid[rows]  # a copy: what is not covered yet
    due = np.zeros_like(still)  # what is paid for the commitments themselves
    every = [
        _Owed(deal, period, *cut.between(period), deal.due_usd(period))
        for deal in group
        for period in deal.within(horizon)
    ]
    every.sort(key=lambda owed: (owed.period.end, owed.deal.name, owed.low))
    lost = {deal.name: np.zeros(paid.shape[1]) for deal in group}
    off = np.zeros(paid.shape[2])
    for owed in every:
        deal, low, high = owed.deal, owed.low, owed.high
        if deal.form == "covered":
            taken = _cover(still[:, :, low:high], owed.amount / (1 - deal.discount))
            lost[deal.name] += owed.amount - taken * (1 - deal.discount)
            due[:, :, low:high] += _evenly(paid[rows], cut, low, high, np.full(len(taken), owed.amount))
        else:
            off[low:high] += deal.discount
    rate = np.maximum(1 - off, 0.0)
    net = (rate * still).sum(axis=0)  # (S, pieces) after every discount: what is really paid counts
    free = net.copy()  # what no commitment has counted yet
    for owed in every:
        deal, low, high = owed.deal, owed.low, owed.high
        if deal.form != "covered":
            wanted = np.maximum(owed.amount - deal.other_usd * owed.period.share, 0.0)
            if deal.stacks:
                counted = deal.counts * net[:, low:high].sum(axis=1)
            else:
                counted = _burn(free[:, low:high], wanted, deal.counts)
            missing = np.maximum(wanted - counted, 0.0)
            lost[deal.name] += missing
            due[:, :, low:high] += _evenly(paid[rows], cut, low, high, missing)
    paid[rows] = still * rate + due
    return lost


def _burn(free: Array, wanted: float, counts: float) -> Array:
    """Take dollars (S, pieces) out as they come until they count for what is wanted; what they count, by scenario."""
    if not counts:
        return np.zeros(len(free))
    before = np.cumsum(free, axis=1) - free
    taken = np.clip(wanted / counts - before, 0.0, free)
    free -= taken
    return np.asarray(counts * taken.sum(axis=1))


def _cover(still: Array, room: float) -> Array:
    """Take list spend (R, S, months) out as it comes, up to `room`; what was taken in each scenario."""
    month = still.sum(axis=0)
    before = np.cumsum(month, axis=1) - month
    left = np.clip(month - np.maximum(room - before, 0.0), 0.0, None)
    still *= np.divide(left, month, out=np.zeros_like(month), where=month > 0)
    return np.asarray((month - left).sum(axis=1))


def _evenly(paid: Array, cut: _Pieces, low: int, high: int, amount: Array) -> Array:
    """An amount of each scenario over days alike, and over surfaces like their spend on these days."""
    spent = paid[:, :, low:high].sum(axis=2)  # (R, S)
    total = spent.sum(axis=0)
    share = np.divide(spent, total, out=np.full_like(spent, 1 / len(spent)), where=total > _NOTHING)
    days = cut.length[low:high] / (cut.edges[high] - cut.edges[low])
    return np.asarray((share * amount)[:, :, None] * days)


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
