"""Volume tiers by exact enumeration.

A bill under marginal volume discounts is concave in the spend, so an optimum has every group whole on the surface that
is cheapest under the marginal discounts of some state of tiers. Trying every state, billing each for what it really
spends, and keeping the cheapest of each period and scenario is therefore exact; and since CVaR is monotone, it is the
optimum for the mean, the tail, and any mixture of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from trivium.core import UserError
from trivium.plan.horizon._groups import Groups, group
from trivium.plan.horizon._instance import Instance, SpendCommitment

Floats = NDArray[np.float64]

_STATES_MAX = 20_000


@dataclass(frozen=True, slots=True)
class VolumeTiers:
    """Marginal discounts of one surface: `discounts[i]` on what a period spends above `from_usd[i]`."""

    surface: int
    from_usd: tuple[float, ...]
    discounts: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.from_usd) != len(self.discounts):
            raise UserError("discounts", self.discounts, f"give one for each of {len(self.from_usd)} thresholds")
        if any(after <= before for before, after in pairwise(self.from_usd)) or min(self.from_usd, default=0) < 0:
            raise UserError("from_usd", self.from_usd, "give thresholds from 0 up, in rising order")
        if any(after < before for before, after in pairwise(self.discounts)):
            raise UserError("discounts", self.discounts, "give discounts that do not fall: the bill must be concave")

    def bill(self, spend: Floats) -> Floats:
        """What a period's list spend costs."""
        saved = np.zeros_like(spend)
        for number, (start, discount) in enumerate(zip(self.from_usd, self.discounts, strict=True)):
            end = self.from_usd[number + 1] if number + 1 < len(self.from_usd) else np.inf
            saved += discount * np.clip(spend - start, 0.0, end - start)
        return np.asarray(spend - saved)


@dataclass(frozen=True)
class VolumeSolution:
    """The least bill of every scenario, (S,), and how many states of tiers were tried in each period."""

    scenario_usd: Floats
    states: int


def solve_volume(instance: Instance, tiers: Sequence[VolumeTiers], periods: int) -> VolumeSolution:
    """The least bill under volume tiers that are settled in `periods` equal parts of the horizon. No commitments."""
    if instance.commitments:
        raise UserError(
            "commitments", len(instance.commitments), "leave them out: volume tiers are solved by themselves"
        )
    months = len(instance.month_weight)
    if not 1 <= periods <= months:
        raise UserError("periods", periods, f"give 1 to {months}")
    by_surface = {tier.surface: tier for tier in tiers}
    if len(by_surface) != len(tiers) or any(not 0 <= s < len(instance.surfaces) for s in by_surface):
        raise UserError("tiers", [tier.surface for tier in tiers], "give each surface of the instance at most once")
    surfaces = len(instance.surfaces)
    choices = [(0.0, *by_surface[k].discounts) if k in by_surface else (0.0,) for k in range(surfaces)]
    states = np.array(list(product(*choices)))
    if len(states) > _STATES_MAX:
        raise UserError("tiers", f"{len(states):,} states", f"give fewer tiers: at most {_STATES_MAX:,} states")
    # a commitment of nothing cuts the months into the periods in which tiers are settled
    cut = SpendCommitment(tuple(range(surfaces)), 0, months, periods, signed=True)
    groups = group(replace(instance, commitments=(cut,)))
    total = np.zeros(instance.demand.shape[1])
    for period in range(periods):
        total += _period(groups, np.flatnonzero(groups.touched[:, 0] == period), states, by_surface)
    return VolumeSolution(total, len(states))


def _period(groups: Groups, mine: NDArray[np.int64], states: Floats, tiers: dict[int, VolumeTiers]) -> Floats:
    ratio, base, weight = groups.ratio[mine], groups.base_usd[mine], groups.weight[mine]
    if not len(mine):
        return np.zeros(base.shape[1])
    if np.ptp(weight) > 0:
        raise UserError("month_weight", "varies within a period", "weigh the months of a period alike")
    best: Floats | None = None
    priced = ratio[None, :, :] * (1 - states)[:, None, :]  # (states, G, K)
    chosen = priced.argmin(axis=2)
    _, unique = np.unique(chosen, axis=0, return_index=True)
    for state in unique:
        bill = np.zeros(base.shape[1])
        for surface in np.unique(chosen[state]):
            there = chosen[state] == surface
            spend = ratio[there, surface] @ base[there]
            bill += tiers[surface].bill(spend) if surface in tiers else spend
        best = bill if best is None else np.minimum(best, bill)
    return np.asarray(best * weight[0]) if best is not None else np.zeros(base.shape[1])
