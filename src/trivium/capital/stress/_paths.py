"""Many paths of income through the cash layer: in how many of the user's own paths each party is behind, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trivium.capital.clearing import run_cash
from trivium.capital.stress._layout import Floats, cash_layer, lay_out
from trivium.capital.stress._scenarios import Scenario
from trivium.capital.stress._value import tranche_cash, value
from trivium.capital.stress._values import QUARTERS_A_YEAR, Network
from trivium.core import UserError

CELLS_MAX = 20_000_000  # paths x quarters x parties: what fits in memory several times
_QUANTILES = (0.05, 0.5, 0.95)


@dataclass(frozen=True, slots=True)
class InTime:
    """One party over all paths. Shares are counts of the paths given, and no probability of anything.

    `first_behind` are the 5, 50 and 95 % quantiles of the quarter (from 0) over the paths in which it is behind; None
    if there are none. `unpaid` is the mean of what is unpaid at the end.
    """

    party: str
    behind_share: float
    default_share: float
    first_behind: tuple[float, float, float] | None
    unpaid: float


@dataclass(frozen=True, slots=True)
class Paths:
    """What was drawn, and what came of it; `unsolved` quarters are 0 unless something is wrong."""

    count: int
    seed: int
    income_spread: dict[str, float]
    income_common: float
    parties: tuple[InTime, ...]
    unsolved: int


def run_paths(
    network: Network,
    scenario: Scenario | None,
    count: int,
    seed: int,
    progress: Callable[[int, int | None], None] | None = None,
) -> Paths:
    """Draw income around its plan and clear every quarter of every path. UserError if no income spreads.

    Income is its plan times a lognormal walk with a mean of 1: `income_spread` is the standard deviation of its
    logarithm over a year, `income_common` the share of that variance which all parties have in common.
    """
    most = CELLS_MAX // (network.quarters * len(network.parties))
    if not 1 <= count <= most:
        raise UserError("paths", count, f"give 1 to {most:,} for so many quarters and parties")
    after = lay_out((scenario.apply(network.check()) if scenario else network).check())
    spread = np.array([party.income_spread for party in network.parties])
    if not (spread > 0).any():
        raise UserError("parties.income_spread", 0.0, "give at least one party a spread: without it all paths are one")
    made, plan = cash_layer(after.network, tranche_cash(value(after, best=True), after.network))
    walk = walks(spread, network.income_common, (count, network.quarters), np.random.default_rng(seed))
    runs = run_cash(made, np.where(plan > 0, plan * walk, plan), progress=progress)
    found = []
    for i, name in enumerate(network.names):
        late = runs.first_behind[:, i]
        late = late[late >= 0]
        when = tuple(float(q) for q in np.quantile(late, _QUANTILES)) if len(late) else None
        found.append(
            InTime(
                name,
                len(late) / count,
                float((runs.default_quarter[:, i] >= 0).mean()),
                when,  # type: ignore[arg-type]  # as many as quantiles
                float(runs.unpaid[:, i].mean()),
            )
        )
    spreads = dict(zip(network.names, spread.tolist(), strict=True))
    return Paths(count, seed, spreads, network.income_common, tuple(found), runs.unsolved)


def walks(spread: Floats, common: float, shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Factors (paths, quarters, parties) with a mean of 1 and a yearly spread of their logarithm."""
    paths, quarters = shape
    step = spread / QUARTERS_A_YEAR**0.5
    shared = rng.standard_normal((paths, quarters, 1))
    own = rng.standard_normal((paths, quarters, len(spread)))
    shocks = step * (common**0.5 * shared + (1 - common) ** 0.5 * own) - step**2 / 2
    return np.asarray(np.exp(np.cumsum(shocks, axis=1)))
