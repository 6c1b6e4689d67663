"""What an estimate from early use misses: the first month times the months, beside what came or may come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trivium.core import UserError
from trivium.plan.cone._model import ConeModel, fit
from trivium.plan.cone._values import MONTH, Array, History


@dataclass(frozen=True, slots=True)
class Missed:
    """Use over a span over the estimate from its first month: 1.0 where the estimate is right, 2.0 where it is half."""

    name: str  # a workload, or "*" for the total
    months: int
    months_measured: float  # as many of them are history; the rest is the cone's
    first_month: float  # use in it, in the history's unit
    estimate: float  # first month times months
    low: float  # use over estimate: 10 %, 50 %, 90 % and mean over scenarios; all the same where all is measured
    point: float
    high: float
    mean: float


def extrapolation_error(
    history: History, months: int, rng: np.random.Generator, *, model: ConeModel | None = None, scenarios: int = 1000
) -> tuple[Missed, ...]:
    """For the total and each workload, by how much `months` times the first month misses the use over those months.

    Workloads that were not used in the first month have no estimate: their ratio is infinite, and the total bears them.
    """
    if months < 1:
        raise UserError("months", months, "give one month or more")
    if history.step > MONTH:
        raise UserError("step", history.step, "steps longer than a month have no first month: give shorter ones")
    per_month = MONTH / history.step
    observed = history.values.shape[1]
    if observed < round(per_month):
        span = observed / per_month
        raise UserError("history", f"{span:.2f} months", "the first month is not over: there is no estimate to judge")
    if not (history.values > 0).any():
        raise UserError("history", "no use", "nothing was used: there is nothing to extrapolate")
    needed = round(months * per_month)
    known = min(observed, needed)
    seen = np.isfinite(history.values)
    measured = np.where(seen, np.nan_to_num(history.values), 0.0)
    first = _mean(measured[:, : round(per_month)], seen[:, : round(per_month)]) * per_month
    so_far = _mean(measured[:, :known], seen[:, :known]) * known
    uses = np.broadcast_to(so_far[:, None], (len(so_far), scenarios))
    ahead = needed - known
    if ahead > 0:
        steps = max(1, round(ahead / per_month))
        cone = (fit(history) if model is None else model).sample(steps, scenarios, rng, step=MONTH)
        uses = uses + cone.paths.mean(axis=2) * cone.base[:, None] * ahead
    span = known / per_month
    rows = [_missed("*", months, span, float(first.sum()), uses.sum(axis=0))]
    return (
        *rows,
        *(_missed(name, months, span, float(f), u) for name, f, u in zip(history.names, first, uses, strict=True)),
    )


def _mean(values: Array, seen: Array) -> Array:
    """Mean use a step of what was seen: a gap in the record is not a gap in use."""
    mean: Array = values.sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    return mean


def _missed(name: str, months: int, measured: float, first: float, uses: Array) -> Missed:
    estimate = first * months
    if estimate <= 0:
        ratio = np.full(1, np.inf if float(uses.max()) > 0 else 1.0)
        return Missed(name, months, measured, first, estimate, *(float(ratio[0]),) * 4)
    low, point, high = (float(q) for q in np.quantile(uses / estimate, [0.1, 0.5, 0.9]))
    return Missed(name, months, measured, first, estimate, low, point, high, float((uses / estimate).mean()))
