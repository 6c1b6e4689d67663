"""Surfaces that are not open yet: nothing may run there before their month, and what is new waits for the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from trivium.core import UserError
from trivium.plan.horizon._instance import Instance
from trivium.plan.horizon._paths_price import Ways

Ints = NDArray[np.int64]


def opened_in_time(
    instance: Instance, ways: Ways, open_from_month: Sequence[int] | Ints
) -> tuple[Instance, Ways, int | None]:
    """The same problem in which no path is on a surface before it opens, and the number of the offer that is waiting.

    Waiting costs nothing and nothing is billed in it. It is an offer of its own, on a surface of its own, so that
    paths, programs and bounds know of it like of any other; None if no workload has to wait. Only what is new may.
    """
    surfaces = len(instance.surfaces)
    opens = np.zeros(surfaces, dtype=np.int64) if len(open_from_month) == 0 else np.asarray(open_from_month)
    if opens.shape != (surfaces,) or not np.issubdtype(opens.dtype, np.integer) or (opens < 0).any():
        raise UserError("moves.open_from_month", f"shape {opens.shape}", f"{surfaces} months of 0 or more")
    runs = np.flatnonzero(ways.start >= 0)
    early = runs[opens[instance.surface_of[ways.start[runs]]] > 0]
    if early.size:
        hint = "0 for every surface on which a workload runs before the first month"
        raise UserError("moves.open_from_month", instance.workloads[early[0]], hint)
    months = np.arange(len(instance.month_weight))
    feasible = instance.feasible & (months >= opens[instance.surface_of][:, None])
    served = np.asarray(feasible.any(axis=1))  # (W, T)
    begin = np.where(served.any(axis=1), served.argmax(axis=1), len(months))
    waits = (months < begin[:, None]) & instance.feasible.any(axis=1)
    waits[ways.start >= 0] = False
    if not waits.any():
        return replace(instance, feasible=feasible), replace(ways, feasible=feasible), None
    feasible = np.concatenate([feasible, waits[:, None, :]], axis=1)
    switch = np.pad(ways.switch_usd, ((0, 0), (0, 1), (0, 1)))
    stay = np.append(ways.stay_months, 1)
    wider = replace(
        instance,
        offers=(*instance.offers, "waiting"),
        surfaces=(*instance.surfaces, "waiting"),
        surface_of=np.append(instance.surface_of, surfaces),
        unit_cost_usd=np.pad(instance.unit_cost_usd, ((0, 0), (0, 1), (0, 0))),
        feasible=feasible,
    )
    return wider, replace(ways, feasible=feasible, switch_usd=switch, stay_months=stay), len(instance.offers)
