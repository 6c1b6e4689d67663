"""What moves cost: to open a surface, to move a part into it, and how long it must then stay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trivium.plan.decide._deals import Array


@dataclass(frozen=True)
class Moves:
    """What moves cost: per part and surface entered, and once per surface that the organisation does not use yet."""

    home: tuple[int | None, ...]  # surface index of each part now; None: on none of these
    switch_usd: Array  # (W, K)
    onboard_usd: Array  # (K,), 0 where it is in use
    min_stay_months: int = 1
    opens: tuple[int, ...] = ()  # (K,) the first month in which a surface may carry anything; empty: all may at once
    waits: tuple[int, ...] = ()  # (W,) months before a part may be placed; empty: none waits

    def idle(self, part: int) -> int:
        """The months before a part begins that runs nowhere yet: nothing of it is used in them."""
        return self.waits[part] if self.waits and self.home[part] is None else 0

    def used(self, shares: Array) -> NDArray[np.bool_]:
        """Where a placement (W, K, T) has a part run; what has not begun runs nowhere."""
        found = np.asarray(shares > 0)
        for part in range(len(self.home)):
            found[part, :, : self.idle(part)] = False
        return found

    def path_to(self, part: int, cost: Array, surface: int) -> NDArray[np.int64] | None:
        """A part on a surface as soon as it may be, where it runs until then; None if it may not run there throughout.

        `cost` (K, T) is infinite where the part may not be.
        """
        months = np.arange(cost.shape[1])
        waits = self.waits[part] if self.waits else 0
        begin = max(self.opens[surface] if self.opens else 0, waits)
        home = self.home[part]
        before = surface if home is None else home
        path = np.where(months < begin, before, surface)
        path[:waits] = cost[:, :waits].argmin(axis=0)
        fits = np.isfinite(cost[path, months]).all() and (begin < len(months) or begin == 0)
        return path if fits else None


def moves_cost(shares: Array, moves: Moves) -> float:
    """What the moves of a placement cost: every entry of a part into a surface, and each surface opened."""
    used = moves.used(shares)
    entered = used.copy()
    entered[:, :, 1:] &= ~used[:, :, :-1]
    for part, home in enumerate(moves.home):
        if home is not None:
            entered[part, home, 0] = False
    switching = float((entered.sum(axis=2) * moves.switch_usd).sum())
    opened = float(moves.onboard_usd[used.any(axis=(0, 2))].sum())
    return switching + opened


def entries(moves: Moves, tie: Array, rows: NDArray[np.intp]) -> Array:
    """What it costs some parts to be on a surface where they begin: a move, unless they are there now."""
    found = moves.switch_usd[rows] + tie
    for number, part in enumerate(rows):
        home = moves.home[part]
        if home is not None and home < found.shape[1]:
            found[number, home] = 0.0
    return np.asarray(found)
