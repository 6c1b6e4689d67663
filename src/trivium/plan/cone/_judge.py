"""Judging a cone by what came: coverage of its intervals, their width, and the pinball loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trivium.core import UserError
from trivium.plan.cone._values import Array

LEVELS = (0.5, 0.8, 0.95)
TOLERANCE = 0.05


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often central intervals of a stated level held what came, over n values."""

    level: float
    stated: float
    observed: float
    n: int
    tolerance: float = TOLERANCE

    @property
    def holds(self) -> bool:
        """Whether stated and observed agree within the tolerance."""
        return abs(self.stated - self.observed) <= self.tolerance


def coverage(
    sampled: Sequence[Array], realised: Sequence[Array], levels: Sequence[float] = LEVELS, tolerance: float = TOLERANCE
) -> tuple[Coverage, ...]:
    """Coverage over any number of forecasts: samples (…, S, T) beside what came (…, T); NaN came not and is left out.

    Where many scenarios equal what came (a workload that is silent), the value lies at no single quantile; it counts as
    inside in the proportion in which the span of its quantiles is: a forecast that is right is covered as stated.
    """
    low, high = _spans(sampled, realised)
    found = []
    for level in levels:
        inside = np.clip(np.minimum(high, (1 + level) / 2) - np.maximum(low, (1 - level) / 2), 0.0, None)
        width = high - low
        share = np.where(width > 0, inside / np.where(width > 0, width, 1.0), 0.0)
        observed = float(share.mean()) if len(share) else float("nan")
        found.append(Coverage(level, level, observed, len(share), tolerance))
    return tuple(found)


def _spans(sampled: Sequence[Array], realised: Sequence[Array]) -> tuple[Array, Array]:
    """Where what came lies among the scenarios: the quantiles of its rank, from and to."""
    lows, highs = [], []
    for paths, came in zip(sampled, realised, strict=True):
        if paths.shape[:-2] + paths.shape[-1:] != came.shape:
            raise UserError("realised", came.shape, f"give one value for each step of the forecast {paths.shape}")
        known = np.isfinite(came)
        there = came[..., None, :]
        below = (paths < there).sum(axis=-2)[known]
        equal = (paths == there).sum(axis=-2)[known]
        scenarios = paths.shape[-2]
        lows.append(below / (scenarios + 1))
        highs.append((below + equal + 1) / (scenarios + 1))
    return np.concatenate(lows), np.concatenate(highs)


def pinball(
    sampled: Sequence[Array],
    realised: Sequence[Array],
    levels: Sequence[float] = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975),
) -> float:
    """The mean pinball loss over the levels, in the unit of the values; smaller is better."""
    losses = []
    for paths, came in zip(sampled, realised, strict=True):
        quantiles = np.quantile(paths, list(levels), axis=-2)
        known = np.isfinite(came)
        for level, quantile in zip(levels, quantiles, strict=True):
            gap = (came - quantile)[known]
            losses.append(np.maximum(level * gap, (level - 1) * gap))
    return float(np.mean(np.concatenate(losses)))


def mean_width(sampled: Sequence[Array], level: float) -> float:
    """The mean width of the central interval of a level, in the unit of the values."""
    widths = []
    for paths in sampled:
        low, high = np.quantile(paths, [(1 - level) / 2, (1 + level) / 2], axis=-2)
        widths.append((high - low).ravel())
    return float(np.mean(np.concatenate(widths)))
