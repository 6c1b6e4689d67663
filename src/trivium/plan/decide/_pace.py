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
from trivium.plan.cone import History

Array = NDArray[np.float64]
_HOUR, _DAY, _WEEK = 60, 24 * 60, 7 * 24 * 60  # minutes
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

    A workload that is not among `watched` has no volume here: it was measured at another time.
    """
    names = tuple(dict.fromkeys(demand.workload for demand in demands))
    demands = [demand for demand in demands if watched is None or demand.workload in watched]
    minutes = [minute.minute for demand in demands for minute in demand.minutes]
    first, last = (min(minutes), max(minutes)) if minutes else (0, 0)
    days = (last - first) / _DAY
    step = _WEEK if days >= _WEEKS_FROM_DAYS else _DAY if days >= _DAYS_FROM_DAYS else _HOUR
    first = _begin(first, last, step)
    count = max((last - first) // step, 1)  # the last step is not whole and is left out
    values = np.zeros((len(names), count))
    for demand in demands:
        row, (per_input, per_output, per_read, per_write) = names.index(demand.workload), _weights(demand, market)
        for minute in demand.minutes:
            column = (minute.minute - first) // step
            if 0 <= column < count:
                values[row, column] += (
                    per_input * minute.input
                    + per_output * minute.output
                    + per_read * minute.joined_5m
                    + per_write * (minute.cached - minute.joined_5m)
                )
    return Pace(names, datetime.fromtimestamp(first * 60, UTC), timedelta(minutes=step), values)


def _begin(first: int, last: int, step: int) -> int:
    """Where the first step begins: a day or an hour of which more than a 24th had passed is not whole and left out."""
    line = _DAY if step == _WEEK else step
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
