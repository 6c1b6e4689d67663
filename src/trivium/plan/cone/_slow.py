"""The slow part of the cone, in steps of a week or more: a common level, each workload's own, and whether it is used.

The common level is what workloads have in common (one workload alone is all of it); a workload's own level is its
distance to it. A workload with a belief of its own leaves the common growth and keeps the common shocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np

from trivium.plan.cone._bank import Filtered, Grid, draw, make_grid, pooled, run
from trivium.plan.cone._values import EVERY, MONTH, WEEK, Array, Belief, Flags, History, Index, Prior

_GROWTH_SPREADS = ((0.5, 0.35), (1.0, 0.45), (1.7, 0.2))  # multiples of the supposed spread of growth, and weights
_PARTS = (0.2104, 0.6745, 1.3830)  # quantiles in the middle of the three equal parts of half a normal
_PART_SD = 0.443  # what each part keeps, so that all together have the spread of the whole
_POPULATION_MONTHS = 36.0  # how many months of one workload the supposed rates of vanishing and returning weigh
_OWN_MONTHS = 48.0  # and how many the population's rates weigh against a workload's own record


@dataclass(frozen=True, slots=True)
class Rates:
    """Chances a step that use ends, or comes back: events and exposure, of all and of each workload."""

    events: Array  # (W,)
    exposure: Array
    supposed: float  # chance a step
    step_months: float

    def draw(self, scenarios: int, rng: np.random.Generator) -> Array:
        """Chance a step, by workload and scenario, with what is not known about it."""
        weigh = _POPULATION_MONTHS / self.step_months
        hits, misses = self.events.sum(), (self.exposure - self.events).sum()
        everyone = rng.beta(weigh * self.supposed + hits + 1e-9, weigh * (1 - self.supposed) + misses + 1e-9, scenarios)
        everyone = np.clip(everyone, 1e-6, 1 - 1e-6)
        own = _OWN_MONTHS / self.step_months
        first = own * everyone[None, :] + self.events[:, None]
        second = own * (1 - everyone[None, :]) + (self.exposure - self.events)[:, None]
        drawn: Array = rng.beta(np.maximum(first, 1e-9), np.maximum(second, 1e-9))
        return drawn


@dataclass(frozen=True, slots=True)
class Slow:
    """The fitted slow part."""

    step: timedelta
    steps: int
    free: Flags  # (W,) bool: has no belief of its own
    common: Filtered | None
    own: Filtered | None
    believed: Filtered | None
    used: Flags  # (W,) bool: was used in its last step
    ends: Rates
    returns: Rates
    common_share: float  # of the variance of a workload's walk
    ceiling: float  # times the level at the end of the history

    @property
    def parts(self) -> tuple[Filtered | None, Filtered | None, Filtered | None]:
        """Common, own, believed."""
        return self.common, self.own, self.believed


def coarse(history: History) -> tuple[timedelta, Array]:
    """The history in steps of a week where its own are shorter, counted back from its end; means over what was seen."""
    if history.step >= WEEK:
        return history.step, history.values
    per_week = min(int(WEEK / history.step), history.values.shape[1])
    weeks = history.values.shape[1] // per_week
    kept = history.values[:, history.values.shape[1] - weeks * per_week :].reshape(len(history.names), weeks, per_week)
    seen = np.isfinite(kept)
    count = seen.sum(axis=2)
    mean = np.nansum(kept, axis=2) / np.maximum(count, 1)
    return per_week * history.step, np.where(2 * count >= per_week, mean, np.nan)


def fit_slow(history: History, beliefs: Mapping[str, Belief], prior: Prior) -> Slow:
    """Fit common and own levels, growth, and the rates of vanishing and returning."""
    step, values = coarse(history)
    months = step / MONTH
    with np.errstate(divide="ignore"):
        logs = np.where(values > 0, np.log(np.where(values > 0, values, 1.0)), np.nan)
    free = np.array([name not in beliefs for name in history.names])
    common, own = _fit_free(logs[free], months, beliefs.get(EVERY), prior)
    believed = _fit_believed(history, logs, months, beliefs, prior)
    used, ends, returns = _rates(values, months, prior)
    return Slow(
        step,
        values.shape[1],
        free,
        common,
        own,
        believed,
        used,
        ends,
        returns,
        _common_share(common, own, prior),
        prior.ceiling,
    )


def _fit_free(
    logs: Array, months: float, belief: Belief | None, prior: Prior
) -> tuple[Filtered | None, Filtered | None]:
    if len(logs) == 0:
        return None, None
    if len(logs) == 1:
        growths = _growths(belief, prior.growth, float(np.hypot(prior.growth_common_sd, prior.growth_own_sd)))
        return run(logs, months, _lone_grid(growths, prior)), None
    weights = _weights(logs)
    shared = _shared(logs, weights)
    alike = 1.0 / float((weights**2).sum() / weights.sum() ** 2)
    jumps = prior.change_own_hazard * prior.jump_own_sd**2
    growths = _growths(belief, prior.growth, float(np.hypot(prior.growth_common_sd, prior.growth_own_sd / alike**0.5)))
    grid = make_grid(
        walk_sd=float(np.sqrt(prior.walk_common_sd**2 + (prior.walk_own_sd**2 + jumps) / alike)),
        growths=growths,
        hazard=prior.change_common_hazard,
        jump_sd=prior.jump_common_sd,
    )
    own_grid = make_grid(
        walk_sd=prior.walk_own_sd,
        growths=_growths(None, 0.0, prior.growth_own_sd),
        hazard=prior.change_own_hazard,
        jump_sd=prior.jump_own_sd,
    )
    return run(shared[None, :], months, grid), pooled(logs - shared, months, own_grid)


def _fit_believed(
    history: History, logs: Array, months: float, beliefs: Mapping[str, Belief], prior: Prior
) -> Filtered | None:
    fitted = []
    for w, name in enumerate(history.names):
        if name in beliefs:
            grid = _lone_grid(_growths(beliefs[name], 0.0, 0.0), prior)
            fitted.append(run(logs[w : w + 1], months, grid))
    if not fitted:
        return None
    spreads: dict[str, Any] = {field: np.stack([getattr(one.grid, field) for one in fitted]) for field in _SPREADS}
    grid = replace(fitted[0].grid, **spreads)
    parts = ("weight", "level", "growth", "level_var", "covariance", "growth_var")
    return Filtered(grid, *(np.concatenate([getattr(one, part) for one in fitted]) for part in parts))


_SPREADS = ("walk", "noise", "growth", "growth_sd", "hazard", "weight")


def _lone_grid(growths: tuple[tuple[float, float, float], ...], prior: Prior) -> Grid:
    """A series with nothing beside it: common and own movement in one."""
    hazards = prior.change_common_hazard, prior.change_own_hazard
    jumps = hazards[0] * prior.jump_common_sd**2 + hazards[1] * prior.jump_own_sd**2
    return make_grid(
        walk_sd=float(np.hypot(prior.walk_common_sd, prior.walk_own_sd)),
        growths=growths,
        hazard=sum(hazards),
        jump_sd=float(np.sqrt(jumps / sum(hazards))) if sum(hazards) else 0.0,
    )


def _growths(belief: Belief | None, mean: float, sd: float) -> tuple[tuple[float, float, float], ...]:
    if belief is None:
        return tuple((mean, sd * scale, weight) for scale, weight in _GROWTH_SPREADS)
    point, below, above = belief.log_growth
    sides = ((-1.0, below), (1.0, above))
    return tuple((point + sign * z * side, _PART_SD * side, 1 / 6) for sign, side in sides for z in _PARTS)


def _weights(logs: Array) -> Array:
    """Steady workloads say more about what is common: inverse variance of steps, held towards the typical."""
    steps = np.diff(logs, axis=1)
    with np.errstate(invalid="ignore"):
        centred = steps - np.nan_to_num(np.nanmean(np.where(np.isfinite(steps), steps, 0.0), axis=0))
    seen = np.isfinite(centred)
    squares = np.where(seen, np.nan_to_num(centred) ** 2, 0.0).sum(axis=1)
    typical = squares.sum() / max(seen.sum(), 1) or 1.0
    weights: Array = 1.0 / ((squares + 4 * typical) / (seen.sum(axis=1) + 4))
    return weights


def _shared(logs: Array, weights: Array) -> Array:
    """The common level: the weighted mean of each workload's change since it was last seen; NaN where none was."""
    shared = np.full(logs.shape[1], np.nan)
    offset = np.full(len(logs), np.nan)
    level = 0.0
    for n in range(logs.shape[1]):
        here = np.isfinite(logs[:, n])
        known = here & np.isfinite(offset)
        if known.any():
            level = float(np.average((logs[:, n] - offset)[known], weights=weights[known]))
        elif here.any() and not np.isfinite(offset).any():
            level = float(np.average(logs[here, n], weights=weights[here]))
        if here.any():
            shared[n] = level
            offset[here] = logs[here, n] - level
    return shared


def _rates(values: Array, months: float, prior: Prior) -> tuple[Flags, Rates, Rates]:
    seen = np.isfinite(values[:, 1:]) & np.isfinite(values[:, :-1])
    before, after = values[:, :-1] > 0, values[:, 1:] > 0
    begun = np.maximum.accumulate(values > 0, axis=1)[:, :-1]  # before its first use a workload has not vanished
    used = np.array([bool(row[np.isfinite(row)][-1] > 0) if np.isfinite(row).any() else False for row in values])

    def rates(exposed: Flags, event: Flags, hazard: float) -> Rates:
        chance = 1.0 - float(np.exp(-hazard * months))
        return Rates((exposed & event).sum(axis=1).astype(float), exposed.sum(axis=1).astype(float), chance, months)

    ends = rates(seen & before, ~after, prior.vanish_hazard)
    returns = rates(seen & ~before & begun, after, prior.return_hazard)
    return used, ends, returns


def _common_share(common: Filtered | None, own: Filtered | None, prior: Prior) -> float:
    if common is None or own is None:
        both = prior.walk_common_sd**2 + prior.walk_own_sd**2
        return prior.walk_common_sd**2 / both if both else 0.0
    shared = float((common.weight.sum(axis=2) * common.grid.walk).sum())
    alone = float((own.weight.sum(axis=2) * own.grid.walk).sum(axis=1).mean())
    return shared / (shared + alone)


@dataclass(slots=True)
class _Walker:
    """One set of series going forward: level, growth, and the spreads of the points they were drawn with."""

    grid: Grid
    point: Index
    level: Array
    growth: Array

    def _of(self, field: Array) -> Array:
        return np.take_along_axis(field, self.point, axis=1) if field.ndim > 1 else field[self.point]

    def walk_sd(self, months: float) -> Array:
        return np.sqrt(self._of(self.grid.walk) * months)

    def noise_sd(self) -> Array:
        return np.sqrt(self._of(self.grid.noise))

    def change(self, months: float, rng: np.random.Generator) -> None:
        """Where growth changes, draw it anew and let the level jump."""
        changed = rng.random(self.level.shape) < -np.expm1(-self._of(self.grid.hazard) * months)
        count = int(changed.sum())
        if count:
            anew = self._of(self.grid.growth) + self._of(self.grid.growth_sd) * mirrored(rng, self.level.shape)
            self.growth = np.where(changed, anew, self.growth)
            self.level[changed] += self.grid.jump * rng.standard_normal(count)


def mirrored(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Standard normals whose second half of scenarios (the last axis) mirrors the first: means are exact."""
    half = rng.standard_normal((*shape[:-1], (shape[-1] + 1) // 2))
    return np.concatenate([half, -half], axis=-1)[..., : shape[-1]]


@dataclass(slots=True)
class _Walk:
    """All series of the slow part going forward together."""

    slow: Slow
    scenarios: int
    rng: np.random.Generator
    common: _Walker | None
    own: _Walker | None
    believed: _Walker | None

    def advance(self, gap: timedelta) -> None:
        """Let time pass: changes of growth, growth, and the walk; what believed workloads share is the common shock."""
        months = gap / MONTH
        shock = mirrored(self.rng, (1, self.scenarios))
        for walker in (self.common, self.own, self.believed):
            if walker is not None:
                walker.change(months, self.rng)
                walker.level += walker.growth * months
        if self.common is not None:
            self.common.level += self.common.walk_sd(months) * shock
        if self.own is not None:
            self.own.level += self.own.walk_sd(months) * _centred(mirrored(self.rng, self.own.level.shape))
        if self.believed is not None:
            share = self.slow.common_share
            alone = mirrored(self.rng, self.believed.level.shape)
            self.believed.level += self.believed.walk_sd(months) * (np.sqrt(share) * shock + np.sqrt(1 - share) * alone)

    def levels(self, noise: float = 0.0) -> Array:
        """Logarithms by workload and scenario, seen through noise of that part of a step's own."""
        logs = np.empty((len(self.slow.free), self.scenarios))
        for walker, rows, more in (
            (self.common, self.slow.free, False),
            (self.own, self.slow.free, True),
            (self.believed, ~self.slow.free, False),
        ):
            if walker is not None:
                seen = walker.level
                if noise:
                    seen = seen + noise * walker.noise_sd() * mirrored(self.rng, walker.level.shape)
                logs[rows] = logs[rows] + seen if more else seen
        return logs


def _walk(slow: Slow, scenarios: int, rng: np.random.Generator) -> _Walk:
    walkers = (None if part is None else _Walker(part.grid, *draw(part, scenarios, rng)) for part in slow.parts)
    return _Walk(slow, scenarios, rng, *walkers)


def sample_slow(slow: Slow, steps: int, scenarios: int, rng: np.random.Generator, step: timedelta) -> Array:
    """Future use per workload, scenario and step, in the history's unit; zero where a workload is not used."""
    count = len(slow.free)
    paths = np.empty((count, scenarios, steps))
    walk = _walk(slow, scenarios, rng)
    most = walk.levels() + np.log(slow.ceiling)
    quiet = float(np.sqrt(min(1.0, slow.step / step)))  # noise is the mean of several of the history's steps
    alive = np.broadcast_to(slow.used[:, None], (count, scenarios)).copy()
    ends, returns = slow.ends.draw(scenarios, rng), slow.returns.draw(scenarios, rng)
    for t in range(steps):
        gap = (step + slow.step) / 2 if t == 0 else step  # from the middle of one to the middle of the next
        walk.advance(gap)
        ratio = gap / slow.step
        chance = np.where(alive, 1 - (1 - ends) ** ratio, 1 - (1 - returns) ** ratio)
        alive ^= rng.random(alive.shape) < chance
        paths[:, :, t] = np.where(alive, np.exp(np.minimum(walk.levels(quiet), most)), 0.0)
    return paths


def sample_growth(slow: Slow, steps: int, scenarios: int, rng: np.random.Generator, step: timedelta) -> Array:
    """How the level moves from the end of the history on, as a factor, without noise and without silence."""
    walk = _walk(slow, scenarios, rng)
    start = walk.levels()
    factors = np.empty((len(slow.free), scenarios, steps))
    for t in range(steps):
        walk.advance(step)
        factors[:, :, t] = np.exp(np.clip(walk.levels() - start, -700.0, np.log(slow.ceiling)))
    return factors


def _centred(shocks: Array) -> Array:
    """Own movements cancel: what is left over in their mean is the common level's already."""
    count = len(shocks)
    centred: Array = (shocks - shocks.mean(axis=0)) / np.sqrt(1 - 1 / count)
    return centred
