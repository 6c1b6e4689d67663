"""Greatest and least fixed point of the clearing map: a walk from above or from below, one kink at a time.

The unknown is the income X of each party from its holdings; who pays what is a function of it, affine between kinks
(solvency, a class of debt that is reached, a threshold of failure). Let F be the map, M its slope at X. From below,
with X <= F(X), the step along (I - M)^-1 (F(X) - X) stays under every fixed point up to the first kink on its way;
there the party changes its state for good. From above it is the same, mirrored. So a walk has at most as many steps as
there are kinks, and ends where the map says the same again. Where M has a closed circle, nothing leaks and the inverse
does not exist, a slope a hair smaller does: the argument needs a direction no longer than the true one.
The limit from below of the plain iteration may be no fixed point (Rogers and Veraart 2013, example 3.3): here it is a
kink, the state changes, and the walk goes on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trivium.capital.clearing._system import Flags, Floats, System

Ints = NDArray[np.int64]

_CONVERGED = 1e-13  # of the largest amount a party sees: what a step would still move
_ROUNDING = 1e-15  # of the same: two kinks nearer than that are one
_SMALL = 1e-6  # of the same: the last correction moves less, or it is none
_DAMPING = 1e-9  # the hair by which the slope of a closed circle is made smaller
_UNIT = 1.0


@dataclass(eq=False)
class State:
    """Where a walk stands. `level`: 0 pays nothing, k <= K pays class k in part, K + 1 pays in full."""

    income: Floats
    level: Ints
    owns: Flags  # the owners have something left, or nothing is missing: assets >= debt
    failed: Flags  # below its threshold, the failure cost is taken


class Walk:
    """The map of one system; those not in `may_default` pay in full whatever happens, for counting waves."""

    def __init__(self, system: System, may_default: Flags | None = None, may_fail: Flags | None = None) -> None:
        count = len(system.parties)
        self.system = system
        self.classes = len(system.debt)
        self.through = np.vstack([np.zeros(count), np.cumsum(system.debt, axis=0)])  # due up to and with a class
        self.total = self.through[-1]
        self.may_default = np.ones(count, dtype=bool) if may_default is None else may_default
        self.scale, self.tolerance = system.scale, system.tolerance
        fallible = system.thresholds > self.tolerance
        self.may_fail = fallible if may_fail is None else fallible & may_fail
        self.everyone = np.arange(count)

    def greatest(self) -> tuple[State, int]:
        """The greatest fixed point and the number of steps to it."""
        paid, most = self.system.most
        income = paid + self.system.equity_holdings @ most
        state = State(income, np.zeros(0, dtype=int), np.zeros(0, dtype=bool), np.zeros(len(income), dtype=bool))
        self._rate(state)
        state.failed = self.may_fail & self._under(state)
        self._rate(state)
        return self._go(state, -1)

    def least(self) -> tuple[State, int]:
        """The least fixed point and the number of steps to it."""
        failed = self.may_fail.copy()
        state = State(self.system.fixed_income.copy(), np.zeros(0, dtype=int), np.zeros(0, dtype=bool), failed)
        self._rate(state)
        state.failed = failed & self._under(state)
        self._rate(state)
        return self._go(state, 1)

    def outside(self, state: State) -> Floats:
        """Outside assets less the cost of failure."""
        return self.system.outside_assets - self.system.failure_costs * state.failed

    def pot(self, state: State) -> Floats:
        """What creditors of a party in default share; a cost beyond what there is counts in full."""
        outside = self.outside(state)
        kept = self.system.alpha * np.maximum(outside, 0.0) + np.minimum(outside, 0.0)
        return kept + self.system.beta * state.income

    def equity(self, state: State) -> Floats:
        """What is left to the owners."""
        return np.where(state.owns, self.outside(state) + state.income - self.total, 0.0)

    def recovered(self, state: State) -> Floats:
        """What each class of debt gets, (K, N)."""
        partly = np.clip(self.pot(state) - self.through[:-1], 0.0, self.system.debt)
        return np.where(state.level > self.classes, self.system.debt, partly)

    def mapped(self, state: State) -> Floats:
        """F: the income that follows from what everybody pays."""
        given = self.system
        received = np.einsum("kij,kj->i", given.debt_holdings, self.recovered(state))
        return np.asarray(given.fixed_income + given.equity_holdings @ self.equity(state) + received)

    def holds(self, state: State) -> bool:
        """Whether the map, asked afresh with the solvency test >=, says the same again."""
        again = State(state.income, state.level, state.owns, state.failed)
        self._rate(again)
        same = bool((again.owns == state.owns).all() and (self._under(state) & self.may_fail == state.failed).all())
        return same and bool((np.abs(self.mapped(again) - state.income) <= self.tolerance).all())

    def _rate(self, state: State) -> None:
        """Set level and ownership by the tests themselves."""
        state.owns = self.outside(state) + state.income >= self.total - self.tolerance
        partly = (self.pot(state) > self.through[:-1]).sum(axis=0)
        state.level = np.where(state.owns | ~self.may_default, self.classes + 1, partly)

    def _under(self, state: State) -> Flags:
        return np.asarray(self.equity(state) < self.system.thresholds - self.tolerance)

    def _slope(self, state: State) -> Floats:
        given = self.system
        found = np.where(state.owns, given.equity_holdings, 0.0)
        for number, holdings in enumerate(given.debt_holdings, start=1):
            found = found + np.where(state.level == number, given.beta * holdings, 0.0)
        return np.asarray(found)

    def _go(self, state: State, sign: int) -> tuple[State, int]:
        steps_max = 20 + 4 * len(self.total) * (self.classes + 4)
        for step in range(1, steps_max):
            missing = np.maximum(sign * (self.mapped(state) - state.income), 0.0)
            if (missing <= _CONVERGED * self.scale).all():
                return self._settled(state), step
            way = self._direction(state, missing)
            kink = sign * (self._kinks(state, sign) - state.income)
            shares = np.divide(np.maximum(kink, 0.0), way, out=np.full_like(way, np.inf), where=way > 0)
            share = min(float(shares.min()), _UNIT)
            state.income = state.income + sign * share * way
            if share < _UNIT:
                reached = (way > 0) & (kink - share * way <= _ROUNDING * self.scale)
                self._cross(state, reached | (shares == share), sign)
        return state, steps_max

    def _settled(self, state: State) -> State:
        """The same with the income that follows from its states.

        Who comes from below pays in full once it is short by less than the tolerance; what its owners lose by that is a
        step back, which the walk does not take.
        """
        try:
            step = _solved(self._slope(state), self.mapped(state) - state.income)
        except np.linalg.LinAlgError:  # a closed circle: any income along it is as good
            return state
        if not (np.abs(step) <= _SMALL * self.scale).all():
            return state
        then = State(state.income + step, state.level, state.owns, state.failed)
        return then if self.holds(then) else state

    def _direction(self, state: State, missing: Floats) -> Floats:
        slope = self._slope(state)
        try:
            way = _solved(slope, missing)
        except np.linalg.LinAlgError:  # a closed circle
            way = np.full_like(missing, -np.inf)
        if not np.isfinite(way).all() or (way < -_CONVERGED * self.scale).any():
            way = _solved((1 - _DAMPING) * slope, missing)
        return np.asarray(np.maximum(way, 0.0))

    def _kinks(self, state: State, sign: int) -> Floats:
        """The income at which each party's next kink lies, in the direction of the walk."""
        outside, given = self.outside(state), self.system
        solvent = self.total - self.tolerance - outside
        safe = solvent + given.thresholds
        kept = self.pot(state) - given.beta * state.income
        edge = state.level if sign > 0 else state.level - 1
        within = (edge >= 0) & (edge < self.classes) if sign > 0 else (edge >= 0) & (edge < self.classes) & ~state.owns
        reach = self.through[np.clip(edge, 0, self.classes), self.everyone] - kept
        reach = np.divide(reach, given.beta, out=np.full_like(reach, sign * np.inf), where=within & (given.beta > 0))
        if sign > 0:
            found = np.where(state.owns, np.where(state.failed, safe, np.inf), np.minimum(solvent, reach))
            return np.asarray(found)
        can_fail = self.may_fail & ~state.failed
        return np.asarray(np.where(state.owns, np.where(can_fail, safe, solvent), reach))

    def _cross(self, state: State, reached: Flags, sign: int) -> None:
        """Beyond its kink a party is in its next state, and stays there or beyond."""
        full = self.classes + 1
        owned, failed = state.owns.copy(), state.failed.copy()
        if sign > 0:
            state.failed = failed & ~(reached & owned & failed)
            solvent = self.outside(state) + state.income >= self.total - self.tolerance - _ROUNDING * self.scale
            state.owns = owned | (reached & solvent)
            state.level = np.where(state.owns | ~self.may_default, full, state.level + (reached & ~owned))
            return
        state.failed = failed | (reached & owned & self.may_fail & ~failed)
        newly = state.failed & ~failed
        lost = newly & (self.outside(state) + state.income < self.total - self.tolerance)
        state.owns = owned & ~(lost | (reached & ~newly))
        ended = owned & ~state.owns & self.may_default
        partly = (self.pot(state) > self.through[:-1]).sum(axis=0)
        state.level = np.where(ended, partly, state.level - (reached & ~owned & self.may_default))


def _solved(slope: Floats, missing: Floats) -> Floats:
    """(I - slope)^-1 missing; only of those whose income others feel is a system made."""
    felt = np.flatnonzero(slope.any(axis=0))
    inner = np.linalg.solve(np.eye(len(felt)) - slope[np.ix_(felt, felt)], missing[felt])
    found = missing + slope[:, felt] @ inner
    found[felt] = inner
    return np.asarray(found)
