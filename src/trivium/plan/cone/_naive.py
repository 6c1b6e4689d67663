"""The forecast to beat: the last value, or the one a day ago, with the spread of past changes."""

from __future__ import annotations

from datetime import timedelta
from statistics import NormalDist

import numpy as np

from trivium.core import UserError
from trivium.plan.cone._values import DAY, Array, Cone, History


def naive(history: History, horizon: int, *, scenarios: int = 400, base: timedelta | None = None) -> Cone:
    """`horizon` steps of the history: what came last, give or take normal past changes, which add up step by step.

    Below a day's step it is what came at that time yesterday. `paths` are quantiles in order, not futures: each step is
    right by itself and the scenarios are not to be summed. `base` is as in `fit`: by default the last step.
    """
    lag = max(1, round(DAY / history.step)) if history.step < DAY else 1
    if horizon < 1 or history.values.shape[1] <= lag:
        raise UserError("horizon", horizon, f"needs a history longer than {lag} steps and at least one step ahead")
    steps = 1 if base is None else min(max(1, round(base / history.step)), history.values.shape[1])
    values = _filled(history.values)
    changes = values[:, lag:] - values[:, :-lag]
    spread = np.sqrt((changes**2).mean(axis=1))
    normal = np.array([NormalDist().inv_cdf((n + 0.5) / scenarios) for n in range(scenarios)])
    paths = np.empty((len(values), scenarios, horizon))
    for t in range(horizon):
        last = values[:, -lag + t % lag]
        paths[:, :, t] = np.maximum(last[:, None] + np.sqrt(t // lag + 1) * spread[:, None] * normal, 0.0)
    mean = values[:, -steps:].mean(axis=1)
    mean = np.where(mean > 0, mean, np.maximum(values.mean(axis=1), 1e-12))
    return Cone(history.names, history.end, history.step, paths / mean[:, None, None], mean)


def _filled(values: Array) -> Array:
    """What was not observed takes the last value before it; before the first there is nothing to take but zero."""
    at = np.where(np.isfinite(values), np.arange(values.shape[1]), -1)
    last = np.maximum.accumulate(at, axis=1)
    filled: Array = np.where(last >= 0, np.take_along_axis(np.nan_to_num(values), np.maximum(last, 0), axis=1), 0.0)
    return filled
