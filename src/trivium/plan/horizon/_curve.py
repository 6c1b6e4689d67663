"""What one covered commitment saves at every level, exactly, in a few milliseconds: by prefix sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from trivium.core import UserError
from trivium.plan.horizon._groups import group
from trivium.plan.horizon._instance import Instance, SpendCommitment
from trivium.plan.horizon._paths_input import periods_of

Floats = NDArray[np.float64]


def commitment_curve(instance: Instance, commitment: SpendCommitment, levels: Sequence[float] | Floats) -> Floats:
    """Saving of each level (USD a period) in each scenario, (levels, S), against having none; months weigh alike.

    A group saves its list spend D for D r of the commitment's cover, so groups are covered in the order of r: the
    saving is a prefix sum, linear between its corners.
    """
    if commitment.form != "covered":
        raise UserError("form", commitment.form, "covered: a take-or-pay bill is no prefix sum")
    if np.ptp(instance.month_weight) > 0:
        raise UserError("month_weight", "varies", "weigh all months alike")
    amounts = np.asarray(levels, dtype=np.float64)
    groups = group(replace(instance, commitments=(commitment,)))
    ratio = groups.ratio[:, list(commitment.surfaces)].min(axis=1)
    scenarios = groups.base_usd.shape[1]
    saving = np.zeros((len(amounts), scenarios))
    for period, (_, _, part) in enumerate(periods_of(commitment, len(instance.month_weight))):
        mine = np.flatnonzero((groups.touched[:, 0] == period) & np.isfinite(ratio))
        order = mine[np.argsort(ratio[mine], kind="stable")]
        used = np.cumsum(groups.base_usd[order] * ratio[order][:, None], axis=0)
        saved = np.cumsum(groups.base_usd[order], axis=0)
        room = part * amounts / (1 - commitment.discount)
        for scenario in range(scenarios):
            corners = np.concatenate([[0.0], used[:, scenario]]), np.concatenate([[0.0], saved[:, scenario]])
            saving[:, scenario] += np.interp(room, *corners) - part * amounts
    return saving * float(instance.month_weight[0])
