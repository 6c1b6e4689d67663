"""Units of provisioned throughput to a proven gap: cuts until cost and bound meet, then whole units."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trivium.plan.horizon._paths_terms import objective_usd
from trivium.plan.horizon._provisioned_blocks import Block, Load, cost_of_all
from trivium.plan.horizon._provisioned_master import Lots, Master, Risk

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BLOCK_MONTHS = 12
_INWARDS = 0.5  # how far a trial point lies from the master's answer towards the best known
_FORGET_ROUNDS = 8
_WHOLE_ROUNDS = 60
_WHOLE_SECONDS = 60.0  # of the solver, over all rounds
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Bought:
    """The best lots found, what they cost, the bound, and how often the scenarios were asked."""

    lots: Floats
    scenario_usd: Floats
    value: float
    bound: float
    without: float  # with nothing bought
    rounds: int


class Search:
    """The master and the blocks of one problem; `run` may be called once."""

    def __init__(self, load: Load, lots: Lots, held: Floats, risk: Risk, gap: float) -> None:
        _, _, scenarios, months = load.shape
        spans = [tuple(range(low, min(low + _BLOCK_MONTHS, months))) for low in range(0, months, _BLOCK_MONTHS)]
        self._lots, self._held, self._risk, self._gap = lots, held, risk, gap
        self._blocks = [Block(load, scenario, span) for scenario in range(scenarios) for span in spans]
        self._scenario = np.array([block.scenario for block in self._blocks])
        floor = np.zeros(len(self._blocks))
        self._master = Master(lots, held, risk, [(block.scenario, block.months) for block in self._blocks], floor)
        self._best: Bought | None = None
        self._bound = -np.inf
        self._without = np.inf
        self._seen = held
        self._rounds = 0

    def run(self, rounds_max: int) -> Bought:
        """Cuts to the gap (a quarter of it where whole units still have to be found), then whole units."""
        whole = bool(self._lots.whole.any())
        with ThreadPoolExecutor(max_workers=2) as executor:
            relaxed = self._relax(executor, rounds_max, self._gap / 4 if whole else self._gap)
            if whole:
                self._best = None
                self._round_up(executor, relaxed)
        assert self._best is not None  # noqa: S101  both ways leave a priced answer
        best = self._best
        return Bought(
            best.lots, best.scenario_usd, best.value, min(self._bound, best.value), self._without, self._rounds
        )

    def _relax(self, executor: ThreadPoolExecutor, rounds_max: int, gap: float) -> Floats:
        theta = np.full(len(self._blocks), -np.inf)
        point = np.zeros(len(self._lots.pool))
        while self._rounds < rounds_max:
            costs = self._ask(executor, point)
            units = self._lots.units(point, self._held)
            self._cut_off(costs, units, theta)
            stage, theta = self._master.solve()
            self._bound = max(self._bound, stage.value)
            assert self._best is not None  # noqa: S101  set by the first question
            if self._best.value - self._bound <= gap * abs(self._best.value):
                break
            self._seen = self._lots.units(stage.bought, self._held)
            point = _INWARDS * self._best.lots + (1.0 - _INWARDS) * stage.bought
            self._master.forget(_FORGET_ROUNDS)
        assert self._best is not None  # noqa: S101  as above
        return self._best.lots

    def _cut_off(self, costs: Sequence[tuple[float, Floats]], units: Floats, theta: Floats) -> None:
        """Adds the cuts that the master's last answer breaks."""
        broken = [
            number
            for number, ((cost, slope), block) in enumerate(zip(costs, self._blocks, strict=True))
            if cost + float((slope * (self._seen - units)[:, list(block.months)]).sum())
            > theta[number] + _TOLERANCE * cost
        ]
        self._master.cut(np.array(broken, dtype=np.int64), units, costs)

    def _ask(self, executor: ThreadPoolExecutor, bought: Floats) -> list[tuple[float, Floats]]:
        """The real cost of these lots in every scenario; kept if it is the least so far."""
        self._rounds += 1
        costs = cost_of_all(self._blocks, self._lots.units(bought, self._held), executor)
        overflow = np.zeros(len(self._risk.probability))
        np.add.at(overflow, self._scenario, [cost for cost, _ in costs])
        scenario_usd = overflow + float(self._lots.price_usd @ bought)
        risk = self._risk
        value = float(objective_usd(scenario_usd, risk.probability, risk.weight, risk.level))
        if not bought.any():
            self._without = value
        if self._best is None or value < self._best.value:
            self._best = Bought(bought, scenario_usd, value, self._bound, self._without, self._rounds)
        return costs

    def _round_up(self, executor: ThreadPoolExecutor, relaxed: Floats) -> None:
        """Whole lots: the relaxed ones rounded, then the master's own, each priced and cut, until the gap is met."""
        whole = self._lots.whole
        theta = np.full(len(self._blocks), -np.inf)
        for shift in (0.5, 0.25, 0.75):
            point = np.where(whole, np.minimum(np.floor(relaxed + shift), self._lots.most), relaxed)
            self._seen = self._lots.units(point, self._held)
            self._cut_off(self._ask(executor, point), self._seen, theta)
        seconds = _WHOLE_SECONDS
        for _ in range(_WHOLE_ROUNDS):
            assert self._best is not None  # noqa: S101  set by the loop above
            best = self._best
            stage, bound, taken = self._master.solve_whole(seconds, self._gap / 2, best.lots)
            seconds -= taken
            self._bound = max(self._bound, min(bound, best.value))
            if stage is None or best.value - self._bound <= self._gap * abs(best.value) or seconds <= 0.0:
                return
            self._seen = self._lots.units(stage.bought, self._held)
            before = self._best.value
            self._cut_off(self._ask(executor, stage.bought), self._seen, theta)
            if (stage.bought == best.lots).all() and self._best.value >= before:
                return
