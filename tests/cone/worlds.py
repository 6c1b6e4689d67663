"""Seeded worlds with known growth: months of use of an organisation's workloads, made without the cone's own code.

All spreads are in the logarithm of use, a month, and are this file's own numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from trivium.plan.cone import EVERY, MONTH, Belief, History

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class World:
    """What was used, and what is believed about it."""

    use: NDArray[np.float64]  # (workloads, months)
    beliefs: dict[str, Belief] = field(default_factory=dict)

    def history(self, months: int) -> History:
        return History(tuple(f"w{n}" for n in range(len(self.use))), START, MONTH, self.use[:, :months])


def wandering(rng: np.random.Generator, workloads: int, months: int) -> World:
    """Growth of 2 % give or take 2.5 points in common and 3 alone, anew every 25 and 12 months, while levels wander."""
    common_walk = 0.06 * np.exp(rng.normal(0, 0.5))
    own_walk = 0.15 * np.exp(rng.normal(0, 0.6, workloads))
    noise = 0.10 * np.exp(rng.normal(0, 0.5, workloads))
    common_growth, own_growth = rng.normal(0.02, 0.025), rng.normal(0, 0.03, workloads)
    common, own = 0.0, rng.normal(0, 1.2, workloads)
    alive = np.ones(workloads, dtype=bool)
    use = np.zeros((workloads, months))
    for n in range(months):
        if rng.random() < 0.04:
            common_growth, common = rng.normal(0.02, 0.025), common + rng.normal(0, 0.08)
        changed = rng.random(workloads) < 0.08
        own_growth = np.where(changed, rng.normal(0, 0.03, workloads), own_growth)
        common += common_growth + rng.normal(0, common_walk)
        own = own + changed * rng.normal(0, 0.25, workloads) + own_growth + rng.normal(0, own_walk)
        if n > 0:
            alive = np.where(alive, rng.random(workloads) > 0.01, rng.random(workloads) < 0.05)
        use[:, n] = alive * np.exp(common + own + rng.normal(0, noise))
    return World(use)


def steady(rng: np.random.Generator, workloads: int, months: int) -> World:
    """Growth between -2 and +7 % a month for ever, give or take 3 points alone, seen through noise of 8 %."""
    growth = rng.uniform(-0.02, 0.07) + rng.normal(0, 0.03, workloads)
    logs = rng.normal(0, 1.2, (workloads, 1)) + growth[:, None] * np.arange(months)
    walk = rng.normal(0, 0.05, (workloads, months)).cumsum(axis=1)
    return World(np.exp(logs + walk + rng.normal(0, 0.08, (workloads, months))))


def broken(rng: np.random.Generator, workloads: int, months: int) -> World:
    """Growth of 2 to 9 % that changes once, in any month, to something between -4 and +4 %, with a step down or up."""
    first, second = rng.uniform(0.02, 0.09), rng.uniform(-0.04, 0.04)
    at = int(rng.integers(1, months))
    growth = np.where(np.arange(months) < at, first, second)
    logs = np.cumsum(growth) + np.where(np.arange(months) < at, 0.0, rng.normal(0, 0.15))
    own = rng.normal(0, 0.15, (workloads, months)).cumsum(axis=1) + rng.normal(0, 1.2, (workloads, 1))
    return World(np.exp(logs + own + rng.normal(0, 0.08, (workloads, months))))


def believed(rng: np.random.Generator, workloads: int, months: int) -> World:
    """Growth drawn from what the organisation believes: 1, 4 and 7 % a month as 10, 50 and 90 %."""
    growth = 0.0392 + 0.0227 * rng.standard_normal()  # ln 1.04; (ln 1.07 - ln 1.01) / (2 * 1.2816)
    shocks = rng.normal(0, 0.06, months)
    own = rng.normal(0, 0.16, (workloads, months)).cumsum(axis=1) + rng.normal(0, 1.2, (workloads, 1))
    common = growth * np.arange(months) + shocks.cumsum()
    use = np.exp(common + own + rng.normal(0, 0.08, (workloads, months)))
    return World(use, {EVERY: Belief(0.01, 0.04, 0.07, "drawn so")})


def saturating(rng: np.random.Generator, workloads: int, months: int) -> World:
    """Adoption that runs into its ceiling: fast growth that ends, which no month of the history shows."""
    middle, pace = rng.uniform(6, 30, (workloads, 1)), rng.uniform(0.1, 0.3, (workloads, 1))
    adopted = 1.0 / (1.0 + np.exp(-pace * (np.arange(months) - middle)))
    walk = rng.normal(0, 0.08, (workloads, months)).cumsum(axis=1)
    return World(adopted * np.exp(rng.normal(0, 1.2, (workloads, 1)) + walk))


WORLDS: dict[str, Callable[[np.random.Generator, int, int], World]] = {
    "wandering": wandering,
    "steady": steady,
    "broken": broken,
    "believed": believed,
    "saturating": saturating,
}
