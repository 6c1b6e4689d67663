"""What parts would ask of reserved capacity: mean tokens a minute, and how much more at busy moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from trivium.plan._demand import BandUsage, Minute
from trivium.plan.decide._deals import Array
from trivium.plan.decide._parts import Part
from trivium.plan.decide._ways import Ratio
from trivium.plan.horizon import peak_factors
from trivium.plan.org import Contract

_WINDOW = 10  # minutes over which capacity is taken to be used evenly
_MINUTES_PER_DAY = 24 * 60
_WHOLE = 0.99  # of the tokens: below it the minutes at hand are samples and not all there were
_BUSY_MIN = 0.01  # of the windows: below it the 99th percentile says nothing


@dataclass(frozen=True)
class Load:
    """Input-equivalent tokens a minute at the measured pace, by part; `peak` times that when the pool is busiest.

    `measured` tells whether the busy moments were measured together, or each part's own was taken.
    """

    per_minute: Array  # (W,)
    peak: float
    measured: bool


def load_of(
    parts: Sequence[Part], rows: NDArray[np.intp], contract: Contract, ratio: Ratio, days: Sequence[float]
) -> Load:
    """The load of some parts. Every prompt token counts as one, read from a cache or not."""
    weight = float(contract.output_weight)
    means = np.zeros(len(parts))
    series: dict[int, dict[int, float]] = {}
    complete = True
    for number in map(int, rows):
        part = parts[number]
        factor = float(part.fraction * Fraction(ratio(part.model, contract.model)))
        total = sum(_tokens(row, weight) for row in part.demand.rows)
        means[number] = factor * total / (days[number] * _MINUTES_PER_DAY)
        windows = series.setdefault(number, {})
        for minute in part.demand.minutes:
            window = minute.minute // _WINDOW
            windows[window] = windows.get(window, 0.0) + factor * _tokens(minute, weight) / _WINDOW
        seen = sum(_tokens(minute, weight) for minute in part.demand.minutes)
        complete = complete and seen >= _WHOLE * total
    if not means.any():
        return Load(means, 1.0, measured=True)
    if complete:
        return Load(means, _pooled(list(series.values())), measured=True)
    own = [_WINDOW * max(series[n].values(), default=0.0) / means[n] if means[n] else 1.0 for n in map(int, rows)]
    return Load(means, max(float(np.average(own, weights=means[rows])), 1.0), measured=False)


def _tokens(counts: BandUsage | Minute, weight: float) -> float:
    return counts.input + counts.cached + weight * counts.output


def _pooled(series: Sequence[dict[int, float]]) -> float:
    first = min(min(windows) for windows in series if windows)
    last = max(max(windows) for windows in series if windows)
    load = np.zeros((len(series), last - first + 1))
    for row, windows in enumerate(series):
        for window, amount in windows.items():
            load[row, window - first] = amount
    total = load.sum(axis=0)
    if (total > 0).mean() <= _BUSY_MIN:
        return float(total.max() / total.mean())
    return peak_factors(load)[1]


def filled(use: Array, worth: Array, room: Array) -> Array:
    """The share of each part's use (W, S, T) that a pool carries, the dearest a unit of room first: exact for one pool.

    `worth` (W, T) is what a unit of use costs elsewhere, `room` (T,) what there is of it.
    """
    share = np.zeros_like(use)
    for month in range(use.shape[2]):
        order = np.argsort(-worth[:, month], kind="stable")
        asked = use[order, :, month]
        before = np.cumsum(asked, axis=0) - asked
        taken = np.clip(room[month] - before, 0.0, asked)
        share[order, :, month] = np.divide(taken, asked, out=np.zeros_like(asked), where=asked > 0)
    return share
