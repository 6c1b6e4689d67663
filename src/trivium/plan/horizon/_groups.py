"""Exact aggregation: what an optimum cannot tell apart becomes one group.

Within a surface only the cheapest offer is ever used. Workloads and months whose prices stand in the same proportion on
every surface, may run on the same surfaces and fall under the same periods of the same contracts are one group: scaling
a row by a constant changes nothing about where it runs. What is kept of a group is its spend at its cheapest list price
in every scenario. The optimum is the same as that of the extensive form (tested).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trivium.core import UserError
from trivium.plan.horizon._instance import Instance
from trivium.plan.horizon._paths_input import periods_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_DIGITS = 10  # proportions that agree to so many digits are equal


@dataclass(frozen=True)
class Groups:
    """G groups: `base_usd` (G, S) is their spend at the cheapest list price, `ratio` (G, K) the other surfaces' to it.

    `touched` (G, C) is the period of each commitment that a group falls under, -1 for none. `weight` (G,) discounts.
    """

    base_usd: Floats
    ratio: Floats
    touched: Ints
    weight: Floats
    of: Ints  # (W, T): the group of a workload's month

    @property
    def cheapest_usd(self) -> Floats:
        """The cost of every scenario (S,) without any contract."""
        return np.asarray(self.weight @ self.base_usd)


def surface_costs(instance: Instance) -> Floats:
    """The cheapest feasible list price of a unit on each surface (W, K, T); infinite where there is none."""
    priced = np.where(instance.feasible, instance.unit_cost_usd, np.inf)
    workloads, _, months = priced.shape
    found = np.full((workloads, len(instance.surfaces), months), np.inf)
    for surface in range(len(instance.surfaces)):
        mine = instance.surface_of == surface
        if mine.any():
            found[:, surface, :] = priced[:, mine, :].min(axis=1)
    return found


def group(instance: Instance) -> Groups:
    """Aggregate an instance; UserError names a workload that may run nowhere in some month."""
    cost = surface_costs(instance)
    base = cost.min(axis=1)  # (W, T)
    if not np.isfinite(base).all():
        workload, month = np.argwhere(~np.isfinite(base))[0]
        where = f"feasible[{instance.workloads[workload]}, month {month}]"
        raise UserError(where, "no offer", "every workload needs an offer in every month: widen its needs")
    with np.errstate(invalid="ignore", divide="ignore"):
        # what is free somewhere runs there, and nowhere else
        ratio = np.where(base[:, None, :] > 0, cost / base[:, None, :], np.where(cost > 0, np.inf, 1.0))
    touched = _touched(instance)
    workloads, surfaces, months = cost.shape
    keys = np.concatenate(
        [
            np.round(np.where(np.isfinite(ratio), ratio, -1.0), _DIGITS).transpose(0, 2, 1).reshape(-1, surfaces),
            np.broadcast_to(touched, (workloads, months, touched.shape[1])).reshape(workloads * months, -1),
            np.broadcast_to(instance.month_weight[None, :, None], (workloads, months, 1)).reshape(-1, 1),
        ],
        axis=1,
    )
    rows, of = np.unique(keys, axis=0, return_inverse=True)
    of = of.reshape(workloads, months)
    spend = instance.demand * base[:, None, :]
    count = len(rows)
    flat = spend.transpose(0, 2, 1).reshape(workloads * months, -1)
    order = np.argsort(of.ravel(), kind="stable")
    starts = np.searchsorted(of.ravel()[order], np.arange(count))
    total = np.add.reduceat(flat[order], starts, axis=0)
    found = np.where(rows[:, :surfaces] < 0, np.inf, rows[:, :surfaces])
    marks = rows[:, surfaces:-1].astype(np.int64)
    return Groups(np.asarray(total), found, marks, rows[:, -1], of)


def _touched(instance: Instance) -> Ints:
    """The period of each commitment that a month falls under, (T, C); -1 for none."""
    months = len(instance.month_weight)
    found = np.full((months, len(instance.commitments)), -1, dtype=np.int64)
    for number, commitment in enumerate(instance.commitments):
        for period, (low, high, _) in enumerate(periods_of(commitment, months)):
            found[low:high, number] = period
    return found


def scenario_cost(instance: Instance, price_factor: Sequence[float] | Floats | None = None) -> Floats:
    """The cost of every scenario (S,) with each workload where it is cheapest, list prices times a factor (K,)."""
    cost = surface_costs(instance)
    if price_factor is not None:
        cost = cost * np.asarray(price_factor, dtype=np.float64)[None, :, None]
    best = cost.min(axis=1) * instance.month_weight
    workloads, scenarios, _ = instance.demand.shape
    found = np.zeros(scenarios)
    for workload in range(workloads):  # one pass over memory, no copy of the demand
        found += instance.demand[workload] @ best[workload]
    return found
