"""What moves cost: to open a surface, to move a part into it, and how long it must then stay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trivium.plan.decide._deals import Array


@dataclass(frozen=True)
class Moves:
    """What moves cost: per part and surface entered, and once per surface that the organisation does not use yet."""

    home: tuple[int | None, ...]  # surface index of each part now; None: on none of these
    switch_usd: Array  # (W, K)
    onboard_usd: Array  # (K,), 0 where it is in use
    min_stay_months: int = 1


def moves_cost(shares: Array, moves: Moves) -> float:
    """What the moves of a placement cost: every entry of a part into a surface, and each surface opened."""
    used = shares > 0
    entered = used.copy()
    entered[:, :, 1:] &= ~used[:, :, :-1]
    for part, home in enumerate(moves.home):
        if home is not None:
            entered[part, home, 0] = False
    switching = float((entered.sum(axis=2) * moves.switch_usd).sum())
    opened = float(moves.onboard_usd[used.any(axis=(0, 2))].sum())
    return switching + opened


def entries(moves: Moves, tie: Array) -> Array:
    """What it costs a part to be on a surface in the first month: a move, unless it is there now."""
    found = moves.switch_usd + tie
    for part, home in enumerate(moves.home):
        if home is not None and home < found.shape[1]:
            found[part, home] = 0.0
    return np.asarray(found)
