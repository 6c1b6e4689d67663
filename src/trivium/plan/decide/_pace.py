"""The measured pace of each workload: one series of volume, in which a token counts as much as it costs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from trivium.core import NoPrice
from trivium.plan._demand import Demand
from trivium.plan._market import Market
from trivium.plan._watch import watches
from trivium.plan.cone import MONTH, History

Array = NDArray[np.float64]
_HOUR, _DAY, _WEEK = 60, 24 * 60, 7 * 24 * 60  # minutes
_MONTH = MONTH // timedelta(minutes=1)
_WEEKS_FROM_DAYS, _DAYS_FROM_DAYS = 56, 3


@dataclass(frozen=True)
class Pace:
    """Volume per step: values (workloads, steps), the first step at `start`. Whole steps only."""

    names: tuple[str, ...]
    start: datetime
    step: timedelta
    values: NDArray[np.float64]


def measure_pace(demands: Sequence[Demand], market: Market, watched: Collection[str] | None = None) -> Pace:
    """Steps of a week where there are eight of them, of a day where there are three, else of an hour.

    No step is finer than what a source of totals tells apart. A workload that is not among `watched` has no volume
    here: it was measured at another time.
    """
    names = tuple(dict.fromkeys(demand.workload for demand in demands))
    demands = [demand for demand in demands if watched is None or demand.workload in watched]
    stretches = [(stretch, demand) for demand in demands for stretch in demand.stretches]
    first = min((stretch.minute for stretch, _ in stretches), default=0)
    last = max((stretch.minute + stretch.minutes - 1 for stretch, _ in stretches), default=0)
    step = _step(last - first, max((stretch.minutes for stretch, _ in stretches), default=1))
    first = _begin(first, last, step)
    count = max((last + 1 - first) // step, 1)  # the last step is not whole and is left out
    values = np.zeros((len(names), count))
    weights = {id(demand): _weights(demand, market) for demand in demands}
    for stretch, demand in stretches:
        per_input, per_output, per_read, per_write = weights[id(demand)]
        amount = (
            per_input * stretch.input
            + per_output * stretch.output
            + per_read * stretch.joined_5m
            + per_write * (stretch.cached - stretch.joined_5m)
        )
        _lay(values[names.index(demand.workload)], stretch.minute - first, stretch.minutes, step, amount)
    return Pace(names, datetime.fromtimestamp(first * 60, UTC), timedelta(minutes=step), values)


def _step(minutes: int, coarsest: int) -> int:
    """How long a step is, in minutes, for a history so long, of which the coarsest stretch is so long."""
    days = minutes / _DAY
    step = _WEEK if days >= _WEEKS_FROM_DAYS else _DAY if days >= _DAYS_FROM_DAYS else _HOUR
    return next((longer for longer in (step, _DAY, _WEEK) if longer >= max(step, coarsest)), _MONTH)


def _lay(row: Array, begin: int, minutes: int, step: int, amount: float) -> None:
    """Lays an amount evenly over its stretch of time; what falls outside the steps is left out."""
    for column in range(max(begin // step, 0), min((begin + minutes - 1) // step + 1, len(row))):
        shared = min(begin + minutes, (column + 1) * step) - max(begin, column * step)
        row[column] += amount * shared / minutes


def _begin(first: int, last: int, step: int) -> int:
    """Where the first step begins: a day or an hour of which more than a 24th had passed is not whole and left out."""
    line = min(step, _DAY)
    floor = first - first % line
    late = (first - floor) * 24 > line and floor + line + step <= last
    return floor + line if late else floor


def completed(history: History, names: Sequence[str]) -> History:
    """A history with every workload in it: those it does not know go with the others, each of which counts alike."""
    missing = tuple(name for name in names if name not in history.names)
    if not missing:
        return history
    usual = np.nanmean(history.values, axis=1, keepdims=True)
    shape = np.nanmean(np.where(usual > 0, history.values / np.where(usual > 0, usual, 1.0), np.nan), axis=0)
    rows = np.repeat(shape[None, :], len(missing), axis=0)
    return History((*history.names, *missing), history.start, history.step, np.concatenate([history.values, rows]))


def against_measured(history: History, base: Array, demands: Sequence[Demand]) -> Array:
    """What the history's base period is of each workload's measured pace, (W,).

    A forecast is relative to the base, the end of the history; costs are those of the measured span, which may be
    longer or earlier. Where the two share no time, the measured pace is taken for that of the base.
    """
    found = np.ones(len(history.names))
    begins = [history.start + number * history.step for number in range(history.values.shape[1])]
    for watched in watches(demands):
        shared = [min(begin + history.step, watched.until) - max(begin, watched.since) for begin in begins]
        weight = np.array([max(time / history.step, 0.0) for time in shared])
        for name in watched.workloads:
            row = history.names.index(name)
            seen = np.isfinite(history.values[row]) & (weight > 0)
            total = float((history.values[row][seen] * weight[seen]).sum())
            if total > 0:
                found[row] = base[row] * float(weight[seen].sum()) / total
    return found


def _weights(demand: Demand, market: Market) -> tuple[float, float, float, float]:
    """What an input, output, read and written token cost at home, in pico-dollars; plain tokens without a price."""
    try:
        rates: Mapping[str, object] = market.rates(demand.home, demand.band_starts)[0]
    except NoPrice:
        return 1.0, 5.0, 0.1, 1.25

    def rate(unit: str) -> float:
        found = rates.get(unit)
        return float(getattr(found, "picos", 0))

    return rate("input"), rate("output"), rate("cache_read"), rate("cache_write_5m")
