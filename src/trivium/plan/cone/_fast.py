"""The fast part of the cone, in steps below a week: the hour of the day, the weekday, a wandering level, and silence.

A workload is silent or used; how likely it is to change depends on how long it has been so, and on its own record.
While it is used, the logarithm of its use follows a season and a level that is drawn to its mean; what the level missed
in the past, all workloads together, is what it will miss. Use beyond all that a workload has shown is possible, and the
rarer the longer its record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from trivium.plan.cone._values import DAY, WEEK, Array, Flags, History, Index

_SMOOTHING = (0.1, 0.2, 0.35, 0.5, 0.7, 0.9)
_DAMPING = (0.85, 0.95, 0.99)
_RUNS = np.array([2**n for n in range(11)])  # how long a workload has been as it is: the first length of each class
_SUPPOSED = 0.3 / _RUNS  # chance a step of a change where none was seen: what has lasted long lasts on
_SUPPOSED_STEPS = 2.0  # what that weighs
_LENDING = 6.0  # what the population's rate weighs against a workload's own, in steps
_LEAST = 1e-12  # a series that never misses has no spread to divide by
_SPREAD_LENDING = 1.5  # the same for the size of what the level misses
_SEASON_LENDING = 0.7
_OPTIMISM = 1.1  # misses inside the history are smaller than those to come: season and mean were fitted to them
_ENOUGH = 20  # misses, below which their own shape says nothing
_FEW = np.array([-1.3, -0.8, -0.4, -0.1, 0.1, 0.4, 0.8, 1.3])  # taken for their shape then
MEMORY = 1500  # steps: two months of hours, four years of days
_FADE = 0.94  # weight of the last miss but one: spreads come in spells


@dataclass(frozen=True, slots=True)
class Fast:
    """The fitted fast part."""

    season: Array  # (W, phases)
    level: Array  # (W,) at the end
    mean: Array  # (W,) what the level is drawn to
    smoothing: float
    damping: float
    carry: float  # what of a miss lasts, as far as misses further ahead are larger
    spread: Array  # (W,) of what the level misses
    spread_seen: Array  # (W,) how many misses it rests on
    common_sd: float
    common_seen: float
    misses: Array  # standardised, of all workloads
    back_spread: float  # how much larger the miss is at the return from silence
    low: Array
    high: Array
    slack: Array
    used: Flags
    length: Index  # steps for which a workload has been as it is
    ends: tuple[Array, Array]  # by class of length: events and exposure of the population
    returns: tuple[Array, Array]
    own_ends: tuple[Array, Array]  # by workload: events, and what the population's rates would have made
    own_returns: tuple[Array, Array]


def has_fast(history: History) -> bool:
    """Whether steps are short enough to say something about days, and there are enough of them."""
    return history.step < WEEK and history.values.shape[1] >= 4  # noqa: PLR2004  fewer say nothing about steps


def phases(start: datetime, step: timedelta, count: int) -> tuple[Index, Index]:
    """Step of the day and weekday of `count` steps from `start` on; zero where the step hides it."""
    at = [start + n * step for n in range(count)]
    per_day = max(1, round(DAY / step)) if step < DAY else 1
    midnight = [(when.hour * 3600 + when.minute * 60 + when.second) / DAY.total_seconds() for when in at]
    of_day = np.array([int(part * per_day + 1e-9) % per_day for part in midnight], dtype=np.intp)
    return of_day, np.array([when.weekday() for when in at], dtype=np.intp)


def fit_fast(whole: History) -> Fast:
    """Fit season, level, spreads and silence to the last `MEMORY` steps."""
    before = max(0, whole.values.shape[1] - MEMORY)
    history = History(whole.names, whole.start + before * whole.step, whole.step, whole.values[:, before:])
    values = history.values
    active = values > 0
    logs = np.where(active, np.log(np.where(active, values, 1.0)), np.nan)
    of_day, weekday = phases(history.start, history.step, values.shape[1])
    season = _season(logs, of_day, weekday, history)
    flat = logs - season[:, of_day * 7 + weekday]
    furthest = max(1, min(max(4, round(DAY / history.step)), 24, values.shape[1] // 2))
    ahead = sorted({1, max(1, furthest // 4), max(1, furthest // 2), furthest})
    tried = [(_score(flat, one, other, ahead), one, other) for one in _SMOOTHING for other in _DAMPING]
    _, smoothing, damping = min(tried)
    carry = _carry(flat, smoothing, damping, ahead)
    level, mean, missed, _, _ = _follow(flat, smoothing, damping)
    long_ago = ~np.isfinite(level)  # not used in these steps: should it return, then as it was
    with np.errstate(divide="ignore"):
        level[long_ago] = mean[long_ago] = np.log(_mean(whole.values[long_ago]))
    return _spreads(values, active, season, (smoothing, damping, carry), level, mean, missed)


def _mean(values: Array) -> Array:
    """The mean use while used."""
    used = values > 0
    mean: Array = np.where(used, values, 0.0).sum(axis=1) / np.maximum(used.sum(axis=1), 1)
    return mean


def _further(flat: Array, smoothing: float, damping: float, ahead: Sequence[int]) -> list[Array]:
    """What the level misses so many steps ahead, in absolute terms."""
    *_, levels, means = _follow(flat, smoothing, damping)
    misses = []
    for steps in ahead:
        foretold = means[:, :-steps] + damping**steps * (levels[:, :-steps] - means[:, :-steps])
        missed = np.abs(flat[:, steps:] - foretold)
        misses.append(missed[np.isfinite(missed)])
    return misses


def _score(flat: Array, smoothing: float, damping: float, ahead: Sequence[int]) -> float:
    """How well the level foretells: the mean logarithm of what it misses, which no tail rules."""
    misses = np.concatenate(_further(flat, smoothing, damping, ahead))
    return float(np.log(misses + 0.05).mean()) if len(misses) else 0.0


def _carry(flat: Array, smoothing: float, damping: float, ahead: Sequence[int]) -> float:
    """How much of a miss must last for misses further ahead to be as large as they were.

    A part c that lasts and fades with the damping d makes the variance h steps ahead 1 + c² (d² + d⁴ + … + d^(2(h-1)))
    times that of one step; c² is fitted to the ratios of squared medians.
    """
    misses = _further(flat, smoothing, damping, ahead)
    if len(misses) < 2 or min(len(part) for part in misses) < _ENOUGH:  # noqa: PLR2004  one step has no ratio
        return smoothing
    first = max(float(np.median(misses[0])), 1e-9)
    above = np.array([(float(np.median(part)) / first) ** 2 - 1 for part in misses[1:]])
    sums = np.array([sum(damping ** (2 * k) for k in range(1, steps)) for steps in ahead[1:]])
    return float(np.sqrt(np.clip((above * sums).sum() / (sums**2).sum(), 0.0, 1.0)))


def _spreads(
    values: Array,
    active: Flags,
    season: Array,
    smooth: tuple[float, float, float],
    level: Array,
    mean: Array,
    missed: Array,
) -> Fast:
    count, steps = values.shape
    seen = np.isfinite(missed)
    after_use, after_none = np.zeros_like(active), np.zeros_like(active)
    after_use[:, 1:], after_none[:, 1:] = active[:, :-1], values[:, :-1] == 0
    steady = seen & after_use
    fade = _FADE ** np.arange(steps - 1, -1, -1.0)
    squares = np.where(steady, np.nan_to_num(missed) ** 2, 0.0)
    weight = steady * fade
    typical = float(np.median(missed[steady] ** 2)) * 2.2 if steady.any() else 0.25
    capped = np.minimum(squares, 25 * np.maximum(typical, 1e-6))
    spread_seen = weight.sum(axis=1)
    spread = np.sqrt(((capped * fade).sum(axis=1) + _SPREAD_LENDING * typical) / (spread_seen + _SPREAD_LENDING))
    # spreads as they were known before each miss, so that the misses' shape is that of forecasts
    known_squares = np.zeros((count, steps))
    known_weight = np.zeros((count, steps))
    a = b = np.zeros(count)
    for n in range(steps):
        known_squares[:, n], known_weight[:, n] = a, b
        a, b = _FADE * a + capped[:, n], _FADE * b + steady[:, n]
    known = (known_squares + _SPREAD_LENDING * typical) / (known_weight + _SPREAD_LENDING)
    before = np.sqrt(np.maximum(known, _LEAST))
    standard = missed / before
    misses = standard[steady]
    back = standard[seen & after_none]
    back_spread = 1.5
    if min(len(back), len(misses)) >= _ENOUGH:
        back_spread = max(1.0, float(np.std(back)) / max(float(np.std(misses)), 1e-9))
    logs = np.log(np.where(active, values, 1.0))
    number = np.maximum(active.sum(axis=1), 1)
    low = np.minimum(level, np.where(active, logs, np.inf).min(axis=1))
    high = np.maximum(level, np.where(active, logs, -np.inf).max(axis=1))
    slack = np.minimum(spread, 1.0) * 1.0 / np.sqrt(number) + 1.2 / number
    common_sd, common_seen = _common(values, missed, steady)
    used, length, ends, returns, own_ends, own_returns = _silence(values)
    return Fast(
        season,
        level,
        mean,
        *smooth,
        spread,
        spread_seen,
        common_sd,
        common_seen,
        misses if len(misses) >= _ENOUGH else _FEW,
        back_spread,
        low,
        high,
        slack,
        used,
        length,
        ends,
        returns,
        own_ends,
        own_returns,
    )


def _season(logs: Array, of_day: Index, weekday: Index, history: History) -> Array:
    """By workload and phase (seven times the step of the day, plus the weekday), in logarithms."""
    count, steps = logs.shape
    per_day = max(1, round(DAY / history.step)) if history.step < DAY else 1
    season = np.zeros((count, per_day * 7))
    window = max(1, round(DAY / history.step)) if history.step < DAY else 1
    days = steps * history.step / DAY
    if window > 1 and days >= 2:  # noqa: PLR2004  a day must be seen twice
        profile = _profile(logs - _smooth(logs, window), of_day, per_day)
        season += np.repeat(profile, 7, axis=1)
    if days >= 14:  # noqa: PLR2004  a week must be seen twice
        rest = logs - season[:, of_day * 7 + weekday]
        week = 7 * window
        profile = _profile(rest - _smooth(rest, week), weekday, 7)
        season += np.tile(profile, (1, per_day))
    return season


def _profile(rest: Array, phase: Index, size: int) -> Array:
    sums = np.zeros((len(rest), size))
    counts = np.zeros((len(rest), size))
    held = np.clip(rest, -1.5, 1.5)
    for p in range(size):
        part = held[:, phase == p]
        sums[:, p], counts[:, p] = np.nansum(part, axis=1), np.isfinite(part).sum(axis=1)
    everyone = sums.sum(axis=0) / np.maximum(counts.sum(axis=0), 1)
    own = (sums + _SEASON_LENDING * everyone) / (counts + _SEASON_LENDING)
    profile: Array = own - own.mean(axis=1, keepdims=True)
    return profile


def _smooth(logs: Array, window: int) -> Array:
    """A centred moving mean over `window` steps of what is known."""
    known = np.isfinite(logs)
    filled = np.where(known, logs, 0.0)
    count, steps = logs.shape

    def sums(field: Array) -> Array:
        total = np.concatenate([np.zeros((count, 1)), np.cumsum(field, axis=1)], axis=1)
        left = np.clip(np.arange(steps) - window // 2, 0, None)
        right = np.clip(left + window, None, steps)
        left = np.clip(right - window, 0, None)
        windowed: Array = total[:, right] - total[:, left]
        return windowed

    mean: Array = sums(filled) / np.maximum(sums(known.astype(float)), 1.0)
    return mean


def _follow(flat: Array, smoothing: float, damping: float) -> tuple[Array, Array, Array, Array, Array]:
    """Follow the level: its end, what it is drawn to, what it missed at each step, and the course of the two."""
    count, steps = flat.shape
    level = np.full(count, np.nan)
    mean = np.full(count, np.nan)
    missed = np.full((count, steps), np.nan)
    levels, means = np.full((2, count, steps), np.nan)
    seen = np.zeros(count)
    for n in range(steps):
        here = np.isfinite(flat[:, n])
        begun = np.isfinite(level)
        level = np.where(begun, mean + damping * (level - mean), level)
        first, again = here & ~begun, here & begun
        missed[again, n] = flat[again, n] - level[again]
        level[again] += smoothing * missed[again, n]
        level[first] = flat[first, n]
        seen += here
        rate = np.maximum(1.0 / np.maximum(seen, 1.0), 0.02)
        mean[again] += rate[again] * (flat[again, n] - mean[again])
        mean[first] = flat[first, n]
        levels[:, n], means[:, n] = level, mean
    return level, mean, missed, levels, means


def _common(values: Array, missed: Array, steady: Flags) -> tuple[float, float]:
    """The spread of what all miss together: products of the misses of different workloads, weighted by use."""
    share = np.nan_to_num(values).sum(axis=1)
    weight = np.where(steady, (share / share.sum())[:, None], 0.0)
    held = np.clip(np.nan_to_num(missed), -1.5, 1.5)
    both = (weight * held).sum(axis=0) ** 2 - (weight**2 * held**2).sum(axis=0)
    pairs = weight.sum(axis=0) ** 2 - (weight**2).sum(axis=0)
    if pairs.sum() <= 0:
        return 0.0, 0.0
    return float(np.sqrt(max(both.sum() / pairs.sum(), 0.0))), float((pairs > 0).sum())


def _class(length: Index) -> Index:
    return np.searchsorted(_RUNS, length, side="right") - 1


def _silence(
    values: Array,
) -> tuple[Flags, Index, tuple[Array, Array], tuple[Array, Array], tuple[Array, Array], tuple[Array, Array]]:
    """How workloads fall silent and return, by how long they have been as they are."""
    count, steps = values.shape
    used = np.zeros(count, dtype=bool)
    begun = np.zeros(count, dtype=bool)
    length = np.ones(count, dtype=np.intp)
    exposure, events = np.zeros((2, len(_RUNS))), np.zeros((2, len(_RUNS)))
    record: list[tuple[Flags, Index, Flags, Flags]] = []
    for n in range(steps):
        known = np.isfinite(values[:, n])
        now = values[:, n] > 0
        at_risk = known & begun
        kind = _class(length)
        record.append((used.copy(), kind, at_risk & (now != used), at_risk))
        changed = known & (now != used)
        length = np.where(changed, 1, length + 1)
        used = np.where(known, now, used)
        begun |= known & now
    for was, kind, event, at_risk in record:
        for state in (0, 1):
            rows = at_risk & (was == bool(state))
            exposure[state] += np.bincount(kind[rows], minlength=len(_RUNS))
            events[state] += np.bincount(kind[rows & event], minlength=len(_RUNS))
    rate = (events + _SUPPOSED_STEPS * _SUPPOSED) / (exposure + _SUPPOSED_STEPS)
    own = np.zeros((2, 2, count))  # state, events or expected
    for was, kind, event, at_risk in record:
        for state in (0, 1):
            rows = at_risk & (was == bool(state))
            own[state, 0] += rows & event
            own[state, 1] += np.where(rows, rate[state][kind], 0.0)
    return (
        used,
        length,
        (events[1], exposure[1]),
        (events[0], exposure[0]),
        (own[1, 0], own[1, 1]),
        (own[0, 0], own[0, 1]),
    )


def sample_fast(fast: Fast, history: History, steps: int, scenarios: int, rng: np.random.Generator) -> Array:
    """Future use per workload, scenario and step of the history; zero where a workload is silent."""
    count = len(fast.level)
    shape = (count, scenarios)
    of_day, weekday = phases(history.end, history.step, steps)
    seen = fast.spread_seen[:, None] + _SPREAD_LENDING
    spread = _OPTIMISM * fast.spread[:, None] * np.sqrt(seen / rng.chisquare(np.broadcast_to(seen, shape)))
    common = fast.common_sd * np.sqrt((fast.common_seen + 2) / rng.chisquare(fast.common_seen + 2, scenarios))
    used = np.broadcast_to(fast.used[:, None], shape).copy()
    length = np.broadcast_to(fast.length[:, None], shape).copy()
    ends = _chances(fast.ends, fast.own_ends, scenarios, rng)
    returns = _chances(fast.returns, fast.own_returns, scenarios, rng)
    level = np.broadcast_to(fast.level[:, None], shape).copy()
    mean = fast.mean[:, None]
    misses = fast.misses
    paths = np.empty((count, scenarios, steps))
    own_part = np.sqrt(np.maximum(spread**2 - common[None, :] ** 2, 0.1 * spread**2))
    rows = np.arange(count)[:, None]
    for t in range(steps):
        kind = _class(length)
        chance = np.where(used, ends[rows, np.arange(scenarios), kind], returns[rows, np.arange(scenarios), kind])
        changes = rng.random(shape) < chance
        back = changes & ~used
        used ^= changes
        length = np.where(changes, 1, length + 1)
        level = mean + fast.damping * (level - mean)
        own = misses[rng.integers(0, len(misses), shape)] * own_part * np.where(back, fast.back_spread, 1.0)
        missed = own + common * rng.standard_normal(scenarios)
        season = fast.season[:, of_day[t] * 7 + weekday[t]][:, None]
        room = fast.slack[:, None] * rng.standard_exponential(shape)
        logs = np.clip(level + season + missed, fast.low[:, None] - room, fast.high[:, None] + room)
        missed = logs - level - season
        paths[:, :, t] = np.where(used, np.exp(logs), 0.0)
        level = np.where(used, level + fast.carry * missed, level)
    return paths


def _chances(
    everyone: tuple[Array, Array], own: tuple[Array, Array], scenarios: int, rng: np.random.Generator
) -> Array:
    """Chance of a change by workload, scenario and class of length, with what is not known about it."""
    events, exposure = everyone
    first = events + _SUPPOSED_STEPS * _SUPPOSED
    rate = rng.beta(first, exposure + _SUPPOSED_STEPS - first, (scenarios, len(_RUNS)))
    happened, expected = own
    lend = 1.5
    frailty = rng.gamma(happened[:, None] + lend, 1.0, (len(happened), scenarios)) / (expected[:, None] + lend)
    odds = -np.log1p(-np.minimum(rate, 0.999))[None, :, :] * frailty[:, :, None]
    chance: Array = 1.0 - np.exp(-odds)
    return chance
