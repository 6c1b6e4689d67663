"""Many futures at once: quarters of revenue, the cash they leave after what falls due, and the first time it fails.

A quarter's revenue is the integral of the run rate over it, from `_STEPS` points a quarter with Brownian motion exact
at each; dues fall at the end of a quarter, so nothing is missed between two looks. Where a level is watched at every
moment instead, `passage_share` corrects each step by the chance of a Brownian bridge to touch the level inside it, so
that it is unbiased in the time step (without it weekly steps miss a tenth of the passages).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trivium.capital.cover._growth import Growth
from trivium.core import UserError

Floats = NDArray[np.float64]
_STEPS = 8  # points a quarter; halving the step moves a shortfall's probability by less than its sampling error
_QUARTER = 0.25
SEED = 20260628
RATE_LEAST = -2.0  # where break-even growth ends to look


@dataclass(frozen=True, slots=True)
class Means:
    """Where the money for dues comes from: a share of revenue, cash at hand, and what else comes in each quarter."""

    share_of_revenue: float
    cash_usd: float = 0.0
    inflow_usd: tuple[float, ...] = ()  # by quarter: tranches that are paid, credit that is drawn
    outflow_usd: tuple[float, ...] = ()  # by quarter: other costs than the dues

    def __post_init__(self) -> None:
        if not 0 < self.share_of_revenue <= 1:
            raise UserError("share_of_revenue", self.share_of_revenue, "give a share above 0 and up to 1")
        if not 0 <= self.cash_usd < math.inf:
            raise UserError("cash_usd", self.cash_usd, "give 0 or more USD")


@dataclass(frozen=True, slots=True)
class Shortfall:
    """What came of many futures. `by_quarter` is the share that has failed by the end of each quarter.

    Quarters of the first failure are counted from 1; None where fewer futures fail than the quantile asks for. The gap
    is the deepest hole of a future in USD, 0 where there is none; `gap_tail_usd` is its mean over the worst 5 percent.
    """

    by_quarter: tuple[float, ...]
    first_quarter_5: int | None
    first_quarter_50: int | None
    gap_mean_usd: float
    gap_tail_usd: float
    standard_error: float
    paths: int

    @property
    def probability(self) -> float:
        """The share of futures that fail within the horizon."""
        return self.by_quarter[-1] if self.by_quarter else 0.0


def revenue_usd(growth: Growth, quarters: int, paths: int, seed: int = SEED, steps: int = _STEPS) -> Floats:
    """Revenue by future and quarter, USD; shape (paths, quarters). Half of the futures mirror the other half."""
    if paths < 2 or paths % 2:  # noqa: PLR2004  pairs
        raise UserError("paths", paths, "give an even number, 2 or more")
    drawn = np.random.default_rng(seed).standard_normal((paths // 2, quarters * steps))
    noise = np.concatenate([drawn, -drawn])
    step = _QUARTER / steps
    times = np.arange(1, quarters * steps + 1) * step
    drift = np.array([growth.drift(float(time)) for time in times]) - growth.spread**2 / 2 * times
    logs = drift + growth.spread * math.sqrt(step) * np.cumsum(noise, axis=1)
    rate = growth.run_rate_usd * np.exp(np.concatenate([np.zeros((paths, 1)), logs], axis=1))
    inside = (rate[:, :-1] + rate[:, 1:]) / 2 * step
    summed: Floats = inside.reshape(paths, quarters, steps).sum(axis=2)
    return summed


def shortfall(revenue: Floats, means: Means, due_usd: Sequence[float]) -> Shortfall:
    """Whether the dues can be paid, by future. `due_usd` is by quarter; UserError if its length is another."""
    paths, quarters = revenue.shape
    for name, given in (("due_usd", due_usd), ("inflow_usd", means.inflow_usd), ("outflow_usd", means.outflow_usd)):
        if len(given) != quarters and (given or name == "due_usd"):
            raise UserError(name, f"{len(given)} quarters", f"give one amount for each of {quarters} quarters")
    extra = np.zeros(quarters)
    extra += np.asarray(means.inflow_usd or [0.0] * quarters) - np.asarray(means.outflow_usd or [0.0] * quarters)
    left = means.cash_usd + np.cumsum(means.share_of_revenue * revenue + extra - np.asarray(due_usd, float), axis=1)
    failed = left < 0
    ever = np.maximum.accumulate(failed, axis=1)
    share = ever.mean(axis=0)
    gap = np.maximum(-left.min(axis=1), 0)
    worst = np.sort(gap)[-max(1, paths // 20) :]
    last = float(share[-1])
    return Shortfall(
        by_quarter=tuple(float(value) for value in share),
        first_quarter_5=_first(share, 0.05),
        first_quarter_50=_first(share, 0.5),
        gap_mean_usd=float(gap.mean()),
        gap_tail_usd=float(worst.mean()),
        standard_error=math.sqrt(last * (1 - last) / paths),
        paths=paths,
    )


def _first(share: Floats, level: float) -> int | None:
    reached = np.nonzero(share >= level)[0]
    return int(reached[0]) + 1 if len(reached) else None


def passage_share(growth: Growth, level_usd: float, years: float, steps: int, paths: int, seed: int = SEED) -> float:
    """The share of futures whose run rate touches a level within some years, watched at every moment.

    Between two points a and b above the level (in logs, measured from it) a Brownian bridge touches it with
    probability exp(-2 a b / (s^2 dt)); the product of the chances not to is the future's own chance to stay above.
    """
    step = years / steps
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((paths, steps))
    times = np.arange(1, steps + 1) * step
    drift = np.array([growth.drift(float(time)) for time in times]) - growth.spread**2 / 2 * times
    logs = drift + growth.spread * math.sqrt(step) * np.cumsum(noise, axis=1)
    above = np.concatenate([np.zeros((paths, 1)), logs], axis=1) - math.log(level_usd / growth.run_rate_usd)
    before, after = above[:, :-1], above[:, 1:]
    room, variance = np.maximum(before, 0) * np.maximum(after, 0), growth.spread**2 * step
    inside = np.exp(-2 * room / variance) if variance else (room == 0).astype(float)
    return float(1 - np.prod(1 - inside, axis=1).mean())


def break_even_growth(
    growth: Growth, means: Means, due_usd: Sequence[float], *, share: float, paths: int, seed: int = SEED
) -> float | None:
    """The least growth rate (continuous, a year) at which at most `share` of futures fall short; None if none up to 5.

    -2 says that this or any less will do. The other parameters stay as they are; where growth fades, it is the rate it
    fades from. Bisection over the same random numbers, so the answer rises with the dues. Read to three places.
    """
    if not 0 < share < 1:
        raise UserError("share", share, "give the accepted probability of a shortfall, between 0 and 1")

    def fails(rate: float) -> bool:
        tried = Growth(growth.run_rate_usd, rate, growth.spread, growth.growth_end, growth.half_life_years)
        return shortfall(revenue_usd(tried, len(due_usd), paths, seed), means, due_usd).probability > share

    low, high = RATE_LEAST, 5.0
    if fails(high):
        return None
    if not fails(low):
        return low
    while high - low > 1e-3:  # noqa: PLR2004  three places
        middle = (low + high) / 2
        low, high = (middle, high) if fails(middle) else (low, middle)
    return high
