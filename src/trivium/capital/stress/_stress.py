"""A scenario run: best and worst equilibrium per party beside the network before, and the channels it came through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np

from trivium.capital.clearing import debtrank, run_cash
from trivium.capital.stress._layout import Floats, Layout, cash_layer, lay_out
from trivium.capital.stress._scenarios import Scenario
from trivium.capital.stress._value import CHANNELS, Flows, Value, count_waves, is_monotone, tranche_cash, value
from trivium.capital.stress._values import Network

RUNS = 2 ** len(CHANNELS)  # of one attribution


@dataclass(frozen=True, slots=True)
class End:
    """One party in one equilibrium; amounts are of equity. change = direct + the sum over channels."""

    default: bool
    failed: bool
    recovery: float
    equity: float
    change: float
    direct: float
    channels: dict[str, float]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One party: equity before, both ends after, and whether it pays in time (quarters from 0; None: never behind)."""

    party: str
    before: float
    best: End
    worst: End
    first_behind: int | None
    cash_default: int | None
    distress: float  # linear DebtRank: loss as a share of equity, from the direct loss alone


@dataclass(frozen=True, eq=False)
class Stress:
    """What a scenario does to a network. `gap` is what only expectation holds up: value outside, best less worst.

    `monotone`: both ends are proven the greatest and the least. If not, they are what rounds from the best and from the
    worst settle on, and `cycles` lists what a search that did not settle went through.
    """

    scenario: Scenario | None
    outcomes: tuple[Outcome, ...]
    waves_best: tuple[tuple[str, ...], ...]
    waves_worst: tuple[tuple[str, ...], ...]
    gap: float
    gross_up_before: float | None
    gross_up_best: float | None
    monotone: bool
    cycles: tuple[Any, ...]


def run_stress(
    network: Network, scenario: Scenario | None = None, progress: Callable[[int, int], None] | None = None
) -> Stress:
    """Apply a scenario (None: the network as it is) and clear both layers. UserError for an inconsistent network."""
    before = lay_out(network.check())
    after = lay_out((scenario.apply(network) if scenario else network).check())
    still = value(before, best=True)
    ends = []
    for number, best in enumerate((True, False)):
        found = value(after, best=best)
        shares, direct = _attribution(after, still, found, best=best)
        if progress:
            progress((number + 1) * RUNS, 2 * RUNS)
        ends.append((found, shares, direct))
    (top, *_), (bottom, *_) = ends
    cash = _cash(after, top)
    distress = _distress(before, still, ends[0][2])
    outcomes = tuple(
        Outcome(
            name,
            float(still.solution.equity[i]),
            _end(i, still, *ends[0]),
            _end(i, still, *ends[1]),
            _or_never(cash[0][i]),
            _or_never(cash[1][i]),
            float(distress[i]) + 0.0,
        )
        for i, name in enumerate(network.names)
    )
    return Stress(
        scenario,
        outcomes,
        count_waves(top),
        count_waves(bottom),
        top.solution.outside_value - bottom.solution.outside_value,
        still.solution.gross_up,
        top.solution.gross_up,
        is_monotone(after),
        top.cycle or bottom.cycle,
    )


def _or_never(quarter: Any) -> int | None:
    return int(quarter) if quarter >= 0 else None


def _attribution(after: Layout, still: Value, found: Value, *, best: bool) -> tuple[dict[str, Floats], Floats]:
    """Shapley's value of each channel over all 32 ways to open some: no order is preferred (Shapley 1953)."""
    held = _held(after, still.flows)
    equity: dict[frozenset[str], Floats] = {}
    for size in range(len(CHANNELS)):
        for chosen in combinations(CHANNELS, size):
            equity[frozenset(chosen)] = value(after, best=best, still=held, open_channels=chosen).solution.equity
    equity[frozenset(CHANNELS)] = found.solution.equity
    whole = factorial(len(CHANNELS))
    shares = {}
    for channel in CHANNELS:
        total = np.zeros(len(after.outside))
        for others, worth in equity.items():
            if channel not in others:
                weight = factorial(len(others)) * factorial(len(CHANNELS) - len(others) - 1) / whole
                total = total + weight * (equity[others | {channel}] - worth)
        shares[channel] = total
    return shares, np.asarray(equity[frozenset()] - still.solution.equity)


def _held(after: Layout, flows: Flows) -> Flows:
    """The flows to hold: guarantees that a scenario took away are held as not called."""
    if len(flows.calls) == len(after.network.guarantees):
        return flows
    return Flows(
        flows.payment,
        flows.margin,
        flows.equity,
        flows.guarantee,
        flows.resale,
        np.zeros(len(after.network.guarantees)),
    )


def _end(i: int, still: Value, found: Value, shares: dict[str, Floats], direct: Floats) -> End:
    solution = found.solution
    return End(
        bool(solution.defaulted[i]),
        bool(solution.failed[i]),
        float(solution.recoveries[i]),
        float(solution.equity[i]),
        float(solution.equity[i] - still.solution.equity[i]),
        float(direct[i]),
        {channel: float(share[i]) for channel, share in shares.items()},
    )


def _cash(after: Layout, top: Value) -> tuple[Any, Any]:
    made, income = cash_layer(after.network, tranche_cash(top, after.network))
    runs = run_cash(made, income, workers=1)
    return runs.first_behind[0], runs.default_quarter[0]


def _distress(before: Layout, still: Value, direct: Floats) -> Floats:
    """DebtRank from the direct loss, over claims and stakes as they were."""
    equity = still.solution.equity
    exposures = before.stakes * equity[None, :]
    for claim in before.claims:
        if claim.creditor is not None:
            exposures[claim.creditor, claim.debtor] += claim.at_stake
    shock = np.divide(-direct, equity, out=np.zeros_like(equity), where=equity > 0)
    return debtrank(exposures, equity, np.clip(shock, 0.0, 1.0))
