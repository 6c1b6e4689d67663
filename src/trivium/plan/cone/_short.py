"""Weeks and months ahead from a history of days: what four simulated weeks come to, shifted as halves of it differ.

A few weeks of history cannot tell a level that wanders from one that is about to shift, and a workload used on three
days of fourteen may be silent for a week. So the days are simulated, with their silences, and each workload's level is
shifted as the second halves of histories were above or below the first; those used daily lend each other their spreads,
and so do those used now and then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from trivium.plan.cone._fast import Fast, fit_fast, sample_fast
from trivium.plan.cone._slow import Slow, sample_growth
from trivium.plan.cone._values import DAY, WEEK, Array, History, Prior

DAYS_LEAST, DAYS_MOST = 4, 42  # below, days say nothing; from six weeks on, weeks speak for themselves
_AHEAD = 28  # days that are simulated; later steps are like these, grown
_LENDING = 4.0  # what the population's spread of shifts weighs against a workload's own
_POPULATION = 4.0  # what the supposed spread weighs against the population's, in workloads
_LEAST = 0.05  # spread of a shift that is always supposed
_HELD = 3.0  # a shift beyond twenty times is not told from a beginning or an end


@dataclass(frozen=True, slots=True)
class Short:
    """The fitted days."""

    days: History
    fast: Fast
    shift: Array  # (W,) spread of the shift of a workload's level, in logarithms
    shift_seen: float  # degrees of freedom
    halves: int  # days of a half of the history


def is_short(history: History) -> bool:
    """Whether days say more about the weeks to come than weeks do."""
    days = history.values.shape[1] * history.step / DAY
    return history.step < WEEK and DAYS_LEAST <= days < DAYS_MOST


def in_days(history: History) -> History:
    """The history in whole days, counted back from its end; means over what was seen, NaN for less than half a day."""
    per_day = round(DAY / history.step)
    days = history.values.shape[1] // per_day
    kept = history.values[:, history.values.shape[1] - days * per_day :].reshape(len(history.names), days, per_day)
    seen = np.isfinite(kept).sum(axis=2)
    mean = np.where(2 * seen >= per_day, np.nansum(kept, axis=2) / np.maximum(seen, 1), np.nan)
    return History(history.names, history.end - days * DAY, DAY, mean)


def fit_short(history: History, prior: Prior) -> Short:
    """Fit the days and the spread of shifts."""
    days = in_days(history)
    half = days.values.shape[1] // 2
    first, second = (_mean(part) for part in (days.values[:, :half], days.values[:, -half:]))
    both = (first > 0) & (second > 0)
    ratio = np.where(both, np.log(np.where(both, second, 1.0) / np.where(both, first, 1.0)), 0.0)
    moved = np.clip(ratio - (np.median(ratio[both]) if both.any() else 0.0), -_HELD, _HELD)
    daily = (np.nan_to_num(days.values, nan=1.0) > 0).all(axis=1)
    everyone = np.where(daily, _typical(moved[both & daily], prior), _typical(moved[both & ~daily], prior))
    own = np.where(both, (_LENDING * everyone + moved**2) / (_LENDING + 1), everyone)
    return Short(days, fit_fast(days), np.sqrt(own), 2 * _LENDING, half)


def _typical(moved: Array, prior: Prior) -> float:
    """The variance of shifts, which none rules by itself, held towards the supposed one."""
    measured = (float(np.median(np.abs(moved))) / 0.6745) ** 2 if len(moved) else 0.0
    return (_POPULATION * prior.shift_own_sd**2 + len(moved) * measured) / (_POPULATION + len(moved))


def _mean(values: Array) -> Array:
    """The mean while used, over the last axis: silence is simulated, and is no shift."""
    used = values > 0
    mean: Array = np.where(used, values, 0.0).sum(axis=-1) / np.maximum(used.sum(axis=-1), 1)
    return mean


def sample_short(
    short: Short, slow: Slow, steps: int, scenarios: int, rng: np.random.Generator, step: timedelta
) -> Array:
    """Future use per workload, scenario and step of a week or more, in the history's unit."""
    per_step = max(1, round(step / DAY))
    blocks = max(1, _AHEAD // per_step)
    ahead = min(per_step, _AHEAD)
    days = sample_fast(short.fast, short.days, blocks * ahead, scenarios, rng)
    simulated = days.reshape(*days.shape[:2], blocks, ahead).mean(axis=3)
    already = _mean(days[:, :, : short.halves])  # what the simulated days make a half of the history vary
    varied = np.log(np.where(already > 0, already, np.nan))
    varied = np.where(np.isfinite(varied), varied - np.nan_to_num(_middle(varied)), 0.0)
    rest = np.sqrt(np.maximum(short.shift**2 - (varied**2).mean(axis=1), _LEAST**2))
    freedom = rng.chisquare(short.shift_seen, simulated.shape[:2]) / short.shift_seen
    shift = rest[:, None] * rng.standard_normal(simulated.shape[:2]) / np.sqrt(freedom)
    simulated *= np.exp(np.clip(shift, -_HELD, _HELD))[:, :, None]
    growth = sample_growth(slow, steps, scenarios, rng, step)
    ends, returns = slow.ends.draw(scenarios, rng), slow.returns.draw(scenarios, rng)
    ratio = step / slow.step
    alive = simulated[:, :, -1] > 0
    used = _while_used(simulated)
    paths = np.empty((*simulated.shape[:2], steps))
    for t in range(steps):
        if t < blocks:
            paths[:, :, t] = simulated[:, :, t] * growth[:, :, t]
            continue
        chance = np.where(alive, 1 - (1 - ends) ** ratio, 1 - (1 - returns) ** ratio)
        alive ^= rng.random(alive.shape) < chance
        like = simulated[:, :, t % blocks]
        paths[:, :, t] = np.where(alive, np.where(like > 0, like, used), 0.0) * growth[:, :, t]
    return paths


def _middle(logs: Array) -> Array:
    """The mean of what is known, by workload."""
    known = np.isfinite(logs)
    mean: Array = np.where(known, logs, 0.0).sum(axis=1, keepdims=True) / np.maximum(
        known.sum(axis=1, keepdims=True), 1
    )
    return mean


def _while_used(simulated: Array) -> Array:
    """The mean of the blocks with use, by scenario; where there are none, by workload."""
    used = simulated > 0
    mean = simulated.sum(axis=2) / np.maximum(used.sum(axis=2), 1)
    all_scenarios = simulated.sum(axis=(1, 2)) / np.maximum(used.sum(axis=(1, 2)), 1)
    found: Array = np.where(mean > 0, mean, all_scenarios[:, None])
    return found
