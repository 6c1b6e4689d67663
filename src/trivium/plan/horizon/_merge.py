"""Workloads that no price tells apart become one, so that what is asked many times is asked of a small instance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from trivium.plan.horizon._groups import surface_costs
from trivium.plan.horizon._instance import Instance, Ints

_DIGITS = 10  # proportions that agree to so many digits are equal


def merge(instance: Instance) -> tuple[Instance, Ints]:
    """The same problem over fewer workloads and one offer a surface, and the new row (W,) of each workload.

    Workloads are one where their prices stand in the same proportion on every surface in every month: each such row
    runs wherever the others do, so demand adds up in units of its price. Every optimum, bill and bound of the merged
    instance is that of the first, as long as a change treats workloads alike.
    """
    cost = surface_costs(instance)  # (W, K, T)
    able = np.isfinite(cost)
    first = np.where(able, cost, np.inf).reshape(len(cost), -1).min(axis=1)
    unit = np.where((first > 0) & np.isfinite(first), first, 1.0)
    rows = np.round(np.where(able, cost / unit[:, None, None], -1.0), _DIGITS).reshape(len(cost), -1)
    _, kept, of = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    of = of.reshape(-1)
    demand = np.zeros((len(kept), *instance.demand.shape[1:]))
    for workload, row in enumerate(of):  # one pass over memory, no copy of the demand
        demand[row] += instance.demand[workload] * unit[workload]
    merged = replace(
        instance,
        workloads=tuple(instance.workloads[index] for index in kept),
        offers=instance.surfaces,
        surface_of=np.arange(len(instance.surfaces)),
        demand=demand,
        unit_cost_usd=np.where(able, cost / unit[:, None, None], 0.0)[kept],
        feasible=able[kept],
    )
    return merged, of
