"""Filters of a level with growth that may change: every combination of spreads, every month a change may have been.

One series is a level that walks, grows at a rate, and is seen through noise. At a change the rate is drawn anew and the
level jumps. The filter keeps, per series and per point of a grid of spreads, one Gaussian of (level, growth) for each
time the last change may have been, with its weight; what fits badly is dropped once there are more than `KEPT`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from trivium.plan.cone._values import Array, Flags, Index

KEPT = 10
_RATES = ((0.15, 0.35), (1.45, 0.65))  # multiples of the supposed rate of change, and weights
_POPULATION = 12.0  # the prior over the grid weighs as much as this many series


@dataclass(frozen=True, slots=True)
class Grid:
    """Points of spread: variances of the walk (a month) and of the noise (a step), growth, the point's weight."""

    walk: Array
    noise: Array
    growth: Array
    growth_sd: Array
    hazard: Array  # changes a month
    weight: Array
    jump: float  # standard deviation

    @property
    def size(self) -> int:
        """Number of points."""
        return len(self.walk)


@dataclass(frozen=True, slots=True)
class Filtered:
    """What the history says: per series, point and hypothesis a weight and a Gaussian of level and growth."""

    grid: Grid
    weight: Array  # (N, K, H), sums to one per series
    level: Array
    growth: Array
    level_var: Array
    covariance: Array
    growth_var: Array


@dataclass(slots=True)
class _State:
    log: Array
    level: Array
    growth: Array
    pll: Array
    plg: Array
    pgg: Array

    def fields(self) -> tuple[Array, ...]:
        return self.log, self.level, self.growth, self.pll, self.plg, self.pgg


def make_grid(
    *, walk_sd: float, growths: tuple[tuple[float, float, float], ...], hazard: float, jump_sd: float
) -> Grid:
    """Spreads around the supposed one; `growths` are (mean, sd, weight) of growth."""
    scales = ((0.125, 0.03), (0.25, 0.1), (0.5, 0.26), (1.0, 0.38), (2.0, 0.2), (4.0, 0.03))
    noises = ((0.05, 0.4), (0.6, 0.35), (3.0, 0.25))  # as a multiple of the walk's variance a month
    points = [
        (
            (walk_sd * scale) ** 2,
            max(0.25, scale) ** 2 * walk_sd**2 * noise,
            mean,
            sd,
            hazard * rate,
            scale_weight * noise_weight * weight * rate_weight,
        )
        for scale, scale_weight in scales
        for noise, noise_weight in noises
        for mean, sd, weight in growths
        for rate, rate_weight in (_RATES if hazard > 0 else ((1.0, 1.0),))
    ]
    walk, noise_var, growth, growth_sd, hazards, weight_of = (np.array(column) for column in zip(*points, strict=True))
    return Grid(walk, noise_var, growth, growth_sd, hazards, weight_of / weight_of.sum(), jump_sd)


def run(series: Array, step_months: float, grid: Grid, *, weights: Array | None = None) -> Filtered:
    """Filter the rows of `series` (logarithms, NaN where unknown); `weights` (N, K) replace the grid's own."""
    count = len(series)
    first = np.array(
        [np.flatnonzero(np.isfinite(row))[0] if np.isfinite(row).any() else 0 for row in series], dtype=int
    )
    shape = (count, grid.size, 1)
    start = np.nan_to_num(series[np.arange(count), first])
    state = _State(
        np.broadcast_to(np.log(grid.weight if weights is None else weights)[..., None], shape).copy(),
        np.broadcast_to(start[:, None, None], shape).copy(),
        np.broadcast_to(grid.growth[None, :, None], shape).copy(),
        np.broadcast_to(grid.noise[None, :, None], shape).copy(),
        np.zeros(shape),
        np.broadcast_to(grid.growth_sd[None, :, None] ** 2, shape).copy(),
    )
    for n in range(1, series.shape[1]):
        before = first >= n  # not yet begun: the row keeps its start
        stepped = _step(state, series[:, n], step_months, grid)
        if before.any():
            _keep(stepped, state, before)
        state = _prune(stepped)
    log = state.log - state.log.max(axis=(1, 2), keepdims=True)
    weight = np.exp(log)
    weight /= weight.sum(axis=(1, 2), keepdims=True)
    return Filtered(grid, weight, state.level, state.growth, state.pll, state.plg, state.pgg)


def pooled(series: Array, step_months: float, grid: Grid) -> Filtered:
    """`run`, with the weights of the grid learnt from all series together: few points borrow from many series."""
    filtered = run(series, step_months, grid)
    seen = np.isfinite(series).sum(axis=1) > 1
    if seen.sum() < 2:  # noqa: PLR2004  one series has nobody to borrow from
        return filtered
    evidence = filtered.weight.sum(axis=2) / grid.weight  # likelihood of each point up to a factor per series
    learnt = grid.weight
    for _ in range(20):
        share = evidence[seen] * learnt
        share /= share.sum(axis=1, keepdims=True)
        learnt = (_POPULATION * grid.weight + share.sum(axis=0)) / (_POPULATION + seen.sum())
    weight = filtered.weight * (learnt / grid.weight)[None, :, None]
    return replace(filtered, weight=weight / weight.sum(axis=(1, 2), keepdims=True))


def _step(state: _State, seen: Array, step_months: float, grid: Grid) -> _State:
    walk = grid.walk[None, :, None] * step_months
    changes = -np.expm1(-grid.hazard * step_months)[None, :, None]
    share = np.exp(state.log - state.log.max(axis=2, keepdims=True))
    total = share.sum(axis=2, keepdims=True)
    share /= total
    level = (share * state.level).sum(axis=2, keepdims=True)
    spread = (share * (state.pll + (state.level - level) ** 2)).sum(axis=2, keepdims=True)
    log_all = state.log.max(axis=2, keepdims=True) + np.log(total)
    anew_var = np.broadcast_to(grid.growth_sd[None, :, None] ** 2, level.shape)
    anew = _State(
        log_all + np.log(np.maximum(changes, 1e-300)),
        level + grid.growth[None, :, None] * step_months,
        np.broadcast_to(grid.growth[None, :, None], level.shape),
        spread + walk + grid.jump**2 + step_months**2 * anew_var,
        step_months * anew_var,
        anew_var,
    )
    stay = _State(
        state.log + np.log1p(-changes),
        state.level + state.growth * step_months,
        state.growth,
        state.pll + 2 * step_months * state.plg + step_months**2 * state.pgg + walk,
        state.plg + step_months * state.pgg,
        state.pgg,
    )
    joined = _State(*(np.concatenate(pair, axis=2) for pair in zip(stay.fields(), anew.fields(), strict=True)))
    return _update(joined, seen, grid)


def _update(state: _State, seen: Array, grid: Grid) -> _State:
    known = np.isfinite(seen)[:, None, None]
    gap = np.where(known, np.nan_to_num(seen)[:, None, None] - state.level, 0.0)
    variance = state.pll + grid.noise[None, :, None]
    gain_level, gain_growth = state.pll / variance, state.plg / variance
    likelihood = -0.5 * (np.log(2 * np.pi * variance) + gap**2 / variance)
    return _State(
        state.log + np.where(known, likelihood, 0.0),
        state.level + gain_level * gap,
        state.growth + gain_growth * gap,
        np.where(known, state.pll * (1 - gain_level), state.pll),
        np.where(known, state.plg * (1 - gain_level), state.plg),
        np.where(known, state.pgg - gain_growth * state.plg, state.pgg),
    )


def _keep(stepped: _State, state: _State, rows: Flags) -> None:
    """Rows that have not begun stay as they were; the hypothesis of a change has no weight there."""
    for new, old in zip(stepped.fields(), state.fields(), strict=True):
        new[rows, :, : old.shape[2]] = old[rows]
    stepped.log[rows, :, state.log.shape[2] :] = -np.inf


def _prune(state: _State) -> _State:
    if state.log.shape[2] <= KEPT:
        return state
    best = np.argpartition(-state.log, KEPT - 1, axis=2)[..., :KEPT]
    return _State(*(np.take_along_axis(field, best, axis=2) for field in state.fields()))


def draw(filtered: Filtered, scenarios: int, rng: np.random.Generator) -> tuple[Index, Array, Array]:
    """Per series and scenario: the point of the grid, the level, and the growth; stratified over hypotheses."""
    count, points, hypotheses = filtered.weight.shape
    edges = np.cumsum(filtered.weight.reshape(count, -1), axis=1)
    strata = (np.arange(scenarios) + rng.random((count, scenarios))) / scenarios
    order = np.argsort(rng.random((count, scenarios)), axis=1)
    at = np.take_along_axis(strata, order, axis=1)
    cell = np.stack([np.searchsorted(row / row[-1], u, side="right") for row, u in zip(edges, at, strict=True)])
    cell = np.minimum(cell, points * hypotheses - 1)

    def pick(field: Array) -> Array:
        chosen: Array = np.take_along_axis(field.reshape(count, -1), cell, axis=1)
        return chosen

    growth_sd = np.sqrt(np.maximum(pick(filtered.growth_var), 0.0))
    first, second = rng.standard_normal((2, count, scenarios))
    covariance = pick(filtered.covariance)
    slope = np.divide(covariance, growth_sd, out=np.zeros_like(covariance), where=growth_sd > 0)
    rest = np.sqrt(np.maximum(pick(filtered.level_var) - slope**2, 0.0))
    point: Index = cell // hypotheses
    return point, pick(filtered.level) + slope * first + rest * second, pick(filtered.growth) + growth_sd * first
