"""The future in numbers: unit costs of every part on every surface and month, demand in scenarios, and spreads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from trivium.plan.decide._parts import Part
from trivium.plan.decide._ways import Ways
from trivium.plan.decision import Spread

Array = NDArray[np.float64]
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Scenes:
    """Parts, surfaces and months, and the demand of every part in every scenario, relative to the measured month."""

    parts: tuple[Part, ...]
    surfaces: tuple[str, ...]
    starts: tuple[date, ...]
    unit_usd: Array  # (W, K, T); infinite where the part may not run
    demand: Array  # (W, S, T)
    month_weight: Array  # (T,)

    @property
    def feasible(self) -> NDArray[np.bool_]:
        """Where a part may run."""
        return np.isfinite(self.unit_usd)

    @property
    def mean_usd(self) -> Array:
        """What a month of each part is expected to cost on each surface (W, K, T); infinite where it may not run."""
        mean = (self.demand.mean(axis=1) * self.month_weight)[:, None, :]
        return np.asarray(np.where(self.feasible, np.where(self.feasible, self.unit_usd, 0.0) * mean, np.inf))

    def spend(self, shares: Array) -> Array:
        """List spend (K, S, T) of a placement (W, K, T), discounted to the day of the plan."""
        cost = np.where(shares > 0, self.unit_usd, 0.0) * shares * self.month_weight
        return np.asarray(np.einsum("wkt,wst->kst", cost, self.demand, optimize=True))

    def part_spend(self, shares: Array) -> Array:
        """List spend (W, S, T) of a placement, by part."""
        cost = (np.where(shares > 0, self.unit_usd, 0.0) * shares).sum(axis=1) * self.month_weight
        return np.asarray(cost[:, None, :] * self.demand)


def unit_costs(ways: Ways) -> Array:
    """The cost of a month at the measured pace, (W, K, T)."""
    found = np.full((len(ways.best), len(ways.surfaces), len(ways.months)), np.inf)
    for part, months in enumerate(ways.best):
        for month, options in enumerate(months):
            for number, surface in enumerate(ways.surfaces):
                if surface in options:
                    found[part, number, month] = options[surface].usd_per_month
    return found


def spread(totals: Array, level: float) -> Spread:
    """Mean, mean of the worst `1 - level`, and quantiles (inverse of the empirical distribution) of equal scenarios."""
    ordered = np.sort(totals)
    count = len(ordered)
    picked = [float(ordered[min(int(np.ceil(q * count)) - 1, count - 1)]) for q in LEVELS]
    return Spread(float(ordered.mean()), cvar(ordered, level), (picked[0], picked[1], picked[2], picked[3], picked[4]))


def cvar(totals: Array, level: float) -> float:
    """Mean of the dearest share `1 - level` of equally likely scenarios (Rockafellar and Uryasev 2000), exact."""
    ordered = np.sort(totals)[::-1]
    tail = (1 - level) * len(ordered)
    if tail <= 0:
        return float(ordered[0])
    whole = int(tail)
    rest = tail - whole
    total = float(ordered[:whole].sum()) + (rest * float(ordered[whole]) if rest > 0 and whole < len(ordered) else 0.0)
    return total / tail


def objective(totals: Array, weight: float, level: float) -> float:
    """What is minimised: (1 - weight) times the mean plus weight times the CVaR."""
    return (1 - weight) * float(totals.mean()) + weight * cvar(totals, level)
