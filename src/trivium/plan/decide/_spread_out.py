"""Diversification as a hard requirement: at least so many surfaces, none with more than a share of the expected spend.

The cheapest assignment of whole parts to surfaces that keeps both is an integer programme (each part stays on one
surface for the horizon); where no assignment of whole parts keeps the largest share, parts are divided.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trivium.core import UserError
from trivium.plan._milp import Milp
from trivium.plan.decide._deals import Array
from trivium.plan.decide._joint_moves import Moves
from trivium.plan.decide._scenes import Scenes

_SLACK = 1e-6


@dataclass(frozen=True, slots=True)
class Spreading:
    """`share_max` of the expected spend at list on one surface; `surfaces_min` of them in use over the horizon."""

    share_max: float = 1.0
    surfaces_min: int = 1

    @property
    def asked(self) -> bool:
        """Whether anything is required at all."""
        return self.share_max < 1 or self.surfaces_min > 1


def holds(scenes: Scenes, shares: Array, moves: Moves, wanted: Spreading) -> bool:
    """Whether a placement keeps both."""
    if not wanted.asked:
        return True
    spend = scenes.spend(shares).sum(axis=2).mean(axis=1)
    total = float(spend.sum())
    used = int(moves.used(shares).any(axis=(0, 2)).sum())
    return used >= wanted.surfaces_min and (total <= 0 or float(spend.max()) <= wanted.share_max * total * (1 + _SLACK))


def spread_out(scenes: Scenes, priced: Array, moves: Moves, wanted: Spreading) -> Array | None:
    """The cheapest placement that keeps both, parts staying where they are put once it is open; None if there is none.

    `priced` is what a month of each part costs on each surface (W, K, T), infinite where it may not run.
    """
    parts, surfaces, months = priced.shape
    cost = np.full((parts, surfaces), np.inf)
    listed = np.zeros((parts, surfaces, surfaces))  # expected spend on each surface of a part that is put on one
    paths = np.zeros((parts, surfaces, surfaces, months))
    every = np.arange(months)
    for part in range(parts):
        for surface in range(surfaces):
            path = moves.path_to(part, priced[part], surface)
            if path is not None:
                cost[part, surface] = priced[part, path, every].sum()
                np.add.at(listed[part, surface], path, scenes.mean_usd[part, path, every])
                paths[part, surface, path, every] = 1.0
    for whole in (True, False):
        found = _assign(cost, listed, moves, wanted, whole=whole)
        if found is not None:
            return np.asarray(np.einsum("ws,wskt->wkt", found, paths))
    return None


def cannot(scenes: Scenes, wanted: Spreading) -> UserError:
    """The error for an organisation that nothing can spread out as wanted."""
    return UserError(
        "organisation.surfaces_min, organisation.surface_share_max_percent",
        (wanted.surfaces_min, round(wanted.share_max * 100, 1)),
        f"no placement keeps both over the whole horizon on {', '.join(scenes.surfaces)}, each from its opening on: "
        "lower one, or widen needs",
    )


def _assign(cost: Array, listed: Array, moves: Moves, wanted: Spreading, *, whole: bool) -> Array | None:
    parts, surfaces = cost.shape
    scale = 1e3 / max(float(np.where(np.isfinite(cost), cost, 0.0).max()), 1e-9)
    model = Milp()
    column: dict[tuple[int, int], int] = {}
    for part in range(parts):
        for surface in range(surfaces):
            if np.isfinite(cost[part, surface]):
                move = 0.0 if moves.home[part] == surface else float(moves.switch_usd[part, surface])
                column[part, surface] = model.variable((cost[part, surface] + move) * scale, 1.0, integer=whole)
    opened = [model.variable(float(moves.onboard_usd[surface]) * scale, 1.0) for surface in range(surfaces)]
    for part in range(parts):
        model.row(1.0, 1.0, [(column[part, s], 1.0) for s in range(surfaces) if (part, s) in column])
    for surface in range(surfaces):
        mine = [(column[part, surface], 1.0) for part in range(parts) if (part, surface) in column]
        model.row(None, 0.0, [*mine, (opened[surface], -float(parts))])  # used only if opened
        least = 1.0 if whole else _SLACK
        model.row(None, 0.0, [(opened[surface], least), *((index, -1.0) for index, _ in mine)])  # opened only if used
        unit = scale * 1e-3
        model.row(
            None,
            0.0,
            [
                (index, float(listed[part, s, surface] - wanted.share_max * listed[part, s].sum()) * unit)
                for (part, s), index in column.items()
            ],
        )
    model.row(float(wanted.surfaces_min), float(surfaces), [(index, 1.0) for index in opened])
    values = model.minimise()
    if values is None:
        return None
    found = np.zeros((parts, surfaces))
    for (part, surface), index in column.items():
        found[part, surface] = max(values[index], 0.0)
    found[found < _SLACK] = 0.0
    return np.asarray(found / found.sum(axis=1, keepdims=True))
