"""Both ends of what is possible: the greatest and the least solution of a system, and what lies between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from trivium.capital.clearing._system import Flags, Floats, System
from trivium.capital.clearing._walk import State, Walk
from trivium.core import UserError

Waves = tuple[tuple[tuple[str, ...], ...], tuple[tuple[str, ...], ...]]  # defaults, failures
ROUNDS_MAX = 200  # of asking whether tranches are paid; with q tranches a monotone run needs q + 1 at most


@dataclass(frozen=True, slots=True)
class Tranche:
    """Promised money, paid only if the investor keeps at least `equity_floor` after paying, and a condition holds.

    `as_asset`: the investor books a stake at cost instead, so that its own equity does not fall. Without it the outflow
    is deducted; a run with such tranches is not monotone, and may have no solution.
    """

    investor: str
    recipient: str
    amount: float
    equity_floor: float = 0.0
    milestone_met: bool = True
    as_asset: bool = False


@dataclass(frozen=True, eq=False)
class Solution:
    """One equilibrium; arrays are in the order of the parties.

    `recoveries` are shares of what is owed, 1 where nothing is; `costs` is what defaults and failures destroyed.
    `waves` are the parties in default, by when: the first cannot pay though all others do, the second because of the
    first; the last wave of a least solution are those who default only because it is expected. The same for `failures`
    below a threshold. `verified`: the map, asked once more, gives the same.
    """

    assets: Floats
    payments: Floats
    payments_by_class: Floats  # (K, N)
    recoveries: Floats
    equity: Floats
    defaulted: Flags
    failed: Flags
    waves: tuple[tuple[str, ...], ...]
    failures: tuple[tuple[str, ...], ...]
    costs: Floats
    outside_equity: Floats  # the part held by no party
    outside_payments: Floats
    paid_tranches: tuple[bool, ...]
    steps: int
    verified: bool

    @property
    def outside_value(self) -> float:
        """What those outside the network hold: outside assets less what defaults and failures destroyed."""
        return float(self.outside_equity.sum() + self.outside_payments.sum())

    @property
    def gross_up(self) -> float | None:
        """Sum of book equity over what is held of it outside: how far holdings count twice. None if nothing is held."""
        outside = float(self.outside_equity.sum())
        return float(self.equity.sum()) / outside if outside > 0 else None


@dataclass(frozen=True, eq=False)
class Clearing:
    """The greatest and the least solution; `gap` is the value that is there only because all expect it to be.

    `monotone`: both are the very ends, proven. If not, they are what the search from above and from below found, and
    `cycle` lists the states of the tranches between which a search went on for ever; that end is then no equilibrium.
    """

    system: System
    greatest: Solution
    least: Solution
    monotone: bool = True
    cycle: tuple[tuple[bool, ...], ...] = ()

    @property
    def gap(self) -> Floats:
        """Equity of each party in the greatest less that in the least solution."""
        return self.greatest.equity - self.least.equity

    @property
    def outside_gap(self) -> float:
        """Deflating activity: what those outside would lose between the greatest and the least solution."""
        return self.greatest.outside_value - self.least.outside_value

    @property
    def unique(self) -> bool:
        """Whether both ends are the same within the tolerance."""
        apart = np.abs(self.gap) + np.abs(self.greatest.payments - self.least.payments)
        same = bool((apart <= 10 * self.system.tolerance).all())
        return same and self.greatest.paid_tranches == self.least.paid_tranches


def clear(system: System, tranches: Sequence[Tranche] = ()) -> Clearing:
    """Greatest and least solution of a system, with conditional tranches if there are any. UserError for a tranche."""
    _check(system, tranches)
    ends, cycles, stages = [], [], {}
    for sign in (-1, 1):
        (funded, state, steps), paid = _settle(system, tranches, sign)
        walk = Walk(funded)
        if paid[-1] not in stages:
            stages[paid[-1]] = _stages(funded)
        waves = _count(funded, stages[paid[-1]], in_default(walk, state), state.failed)
        ends.append(_solution(walk, state, waves, paid[-1], steps))
        cycles.append(paid[:-1])
    monotone = all(tranche.as_asset for tranche in tranches)
    return Clearing(system, ends[0], ends[1], monotone, cycles[0] or cycles[1])


def greatest_solution(system: System) -> Solution:
    """The greatest solution alone, without waves: half the work of `clear`, for many scenarios."""
    walk = Walk(system)
    state, steps = walk.greatest()
    return _solution(walk, state, ((), ()), (), steps)


def least_solution(system: System) -> Solution:
    """The least solution alone, without waves."""
    walk = Walk(system)
    state, steps = walk.least()
    return _solution(walk, state, ((), ()), (), steps)


def waves_of(system: System, found: Solution) -> Waves:
    """Who defaults, and who fails, because of whom, in a solution of a system; who only as expected, last."""
    return _count(system, _stages(system), found.defaulted, found.failed)


def _check(system: System, tranches: Sequence[Tranche]) -> None:
    for number, tranche in enumerate(tranches):
        for field in ("investor", "recipient"):
            name = getattr(tranche, field)
            if name not in system.parties:
                raise UserError(f"tranches[{number}].{field}", name, f"name one of {', '.join(system.parties)}")
        if not (np.isfinite(tranche.amount) and tranche.amount >= 0):
            raise UserError(f"tranches[{number}].amount", tranche.amount, "give 0 or more")
        if not (np.isfinite(tranche.equity_floor) and tranche.equity_floor >= 0):
            raise UserError(f"tranches[{number}].equity_floor", tranche.equity_floor, "give 0 or more")


_Settled = tuple[System, State, int]


def _settle(system: System, tranches: Sequence[Tranche], sign: int) -> tuple[_Settled, tuple[tuple[bool, ...], ...]]:
    """Solve, ask which tranches are paid, again until nothing changes; the states of a cycle come before the last."""
    paid = tuple(tranche.milestone_met and sign < 0 for tranche in tranches)
    seen: list[tuple[bool, ...]] = []
    steps = 0
    while True:
        funded = with_tranches(system, tranches, paid)
        walk = Walk(funded)
        state, more = walk.greatest() if sign < 0 else walk.least()
        steps += more
        then = _funded(walk, state, tranches, paid)
        if then == paid:
            return (funded, state, steps), (paid,)
        seen.append(paid)
        if then in seen or len(seen) > ROUNDS_MAX:
            cycle = tuple(seen[seen.index(then) :]) if then in seen else tuple(seen)
            return (funded, state, steps), (*cycle, paid)
        paid = then


def with_tranches(system: System, tranches: Sequence[Tranche], paid: Sequence[bool]) -> System:
    """The system after those tranches were paid."""
    outside = system.outside_assets.copy()
    for tranche, flows in zip(tranches, paid, strict=True):
        if flows:
            outside[system.parties.index(tranche.recipient)] += tranche.amount
            if not tranche.as_asset:
                outside[system.parties.index(tranche.investor)] -= tranche.amount
    return replace(system, outside_assets=outside)


def _funded(walk: Walk, state: State, tranches: Sequence[Tranche], paid: Sequence[bool]) -> tuple[bool, ...]:
    """Which tranches the investors would pay, each judged on its equity before that tranche."""
    left = walk.outside(state) + state.income - walk.total
    found = []
    for tranche, flows in zip(tranches, paid, strict=True):
        investor = walk.system.parties.index(tranche.investor)
        before = left[investor] + (tranche.amount if flows and not tranche.as_asset else 0.0)
        enough = before - tranche.amount >= tranche.equity_floor - walk.tolerance[investor]
        found.append(bool(tranche.milestone_met and enough))
    return tuple(found)


def _stages(system: System) -> list[tuple[Flags, Flags]]:
    """All pay in full but those of earlier stages, solved anew each time: the fictitious default algorithm."""
    fallen, failed = np.zeros((2, len(system.parties)), dtype=bool)
    stages: list[tuple[Flags, Flags]] = []
    while True:
        stage = Walk(system, fallen, failed)
        found, _ = stage.greatest()
        left = stage.outside(found) + found.income - stage.total
        more = in_default(stage, found) & ~fallen
        fallible = system.thresholds > stage.tolerance
        below = fallible & ~failed & (np.maximum(left, 0.0) < system.thresholds - stage.tolerance)
        if not (more.any() or below.any()):
            return stages
        stages.append((more, below))
        fallen, failed = fallen | more, failed | below


def _count(system: System, stages: list[tuple[Flags, Flags]], ended: Flags, failing: Flags) -> Waves:
    """The stages by name; who is in default in the solution and in no stage comes last."""
    for more, below in stages:
        ended, failing = ended & ~more, failing & ~below
    every = [*stages, (ended, failing)] if ended.any() or failing.any() else stages
    defaults = [_names(system, more) for more, _ in every]
    failures = [_names(system, below) for _, below in every]
    return _without_empty_ends(defaults), _without_empty_ends(failures)


def _without_empty_ends(waves: list[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """Stages in which only the other kind fell stay, so that the numbers of both agree; not after the last."""
    last = max((number for number, wave in enumerate(waves, start=1) if wave), default=0)
    return tuple(waves[:last])


def _names(system: System, chosen: Flags) -> tuple[str, ...]:
    return tuple(name for name, is_in in zip(system.parties, chosen, strict=True) if is_in)


def in_default(walk: Walk, state: State) -> Flags:
    """Who cannot pay in full what it owes."""
    return np.asarray(~state.owns & (walk.total > 0))


def _solution(walk: Walk, state: State, waves: Waves, paid: tuple[bool, ...], steps: int) -> Solution:
    system = walk.system
    by_class, equity = walk.recovered(state), np.maximum(walk.equity(state), 0.0)
    payments = by_class.sum(axis=0)
    defaulted = in_default(walk, state)
    before = system.outside_assets + state.income
    pot = np.maximum(walk.pot(state), 0.0)
    return Solution(
        assets=walk.outside(state) + state.income,
        payments=payments,
        payments_by_class=by_class,
        recoveries=np.divide(payments, walk.total, out=np.ones_like(payments), where=walk.total > 0),
        equity=equity,
        defaulted=defaulted,
        failed=state.failed.copy(),
        waves=waves[0],
        failures=waves[1],
        costs=np.where(state.owns, system.failure_costs * state.failed, before - np.minimum(pot, walk.total)),
        outside_equity=equity * (1 - system.equity_holdings.sum(axis=0)),
        outside_payments=(by_class * (1 - system.debt_holdings.sum(axis=1))).sum(axis=0),
        paid_tranches=paid,
        steps=steps,
        verified=walk.holds(state),
    )
