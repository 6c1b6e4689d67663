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
    first -= first % (_DAY if step == _WEEK else step)
    count = max((last - first) // step, 1)  # the last step is not whole and is left out
    values = np.zeros((len(names), count))
    for demand in demands:
        row, (per_input, per_output, per_read, per_write) = names.index(demand.workload), _weights(demand, market)
        for minute in demand.minutes:
            column = (minute.minute - first) // step
            if column < count:
                values[row, column] += (
                    per_input * minute.input
                    + per_output * minute.output
                    + per_read * minute.joined_5m
                    + per_write * (minute.cached - minute.joined_5m)
                )
    return Pace(names, datetime.fromtimestamp(first * 60, UTC), timedelta(minutes=step), values)


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
