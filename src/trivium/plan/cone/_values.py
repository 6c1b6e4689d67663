"""The values of the demand cone: what was used, what is believed, what is supposed, and the paths that follow."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from trivium.core import UserError

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Index = NDArray[np.intp]

MONTH = timedelta(days=365.25 / 12)
WEEK = timedelta(days=7)
DAY = timedelta(days=1)
EVERY = "*"  # a belief about all workloads together
_Z90 = 1.2815515655446004


@dataclass(frozen=True, slots=True)
class History:
    """Use per workload in steps of equal length; zero is no use, NaN is not observed.

    `values[w, n]` belongs to the step that starts at `start + n * step`. A calendar month is a step of `MONTH`.
    """

    names: tuple[str, ...]
    start: datetime
    step: timedelta
    values: Array

    def __post_init__(self) -> None:
        values = np.asarray(self.values, dtype=np.float64)
        object.__setattr__(self, "values", values)
        if values.ndim != 2 or values.shape[0] != len(self.names):  # noqa: PLR2004  workloads and steps
            raise UserError("values", values.shape, f"give one row for each of the {len(self.names)} workloads")
        if not self.names or values.shape[1] == 0:
            raise UserError("values", values.shape, "give at least one workload and one step")
        if len(set(self.names)) != len(self.names):
            twice = sorted({name for name in self.names if self.names.count(name) > 1})
            raise UserError("names", twice, "name each workload once")
        if EVERY in self.names:
            raise UserError("names", EVERY, "the name stands for all workloads together: choose another")
        if self.step <= timedelta(0):
            raise UserError("step", self.step, "give a positive length of time")
        if self.step < WEEK and self.step != DAY and DAY % self.step != timedelta(0):
            raise UserError("step", self.step, "below a week give days, or parts of a day that fill it")
        if self.start.tzinfo is None:
            raise UserError("start", self.start, "give a time with its zone")
        bad = [self.names[w] for w in np.flatnonzero(((values < 0) | np.isinf(values)).any(axis=1))]
        if bad:
            raise UserError("values", bad, "use is a finite number from zero up; NaN where it was not observed")

    @property
    def end(self) -> datetime:
        """The end of the last step."""
        return self.start + int(self.values.shape[1]) * self.step

    def until(self, steps: int) -> History:
        """The first `steps` steps: what was known then."""
        return History(self.names, self.start, self.step, self.values[:, :steps])


@dataclass(frozen=True, slots=True)
class Belief:
    """Growth a month that someone answers for: 10, 50 and 90 % quantiles, 0.05 for five percent."""

    growth_per_month_low: float
    growth_per_month_point: float
    growth_per_month_high: float
    note: str = ""

    def __post_init__(self) -> None:
        low, point, high = self.quantiles
        if not (-1 < low <= point <= high < math.inf):
            raise UserError("growth", self.quantiles, "give low ≤ point ≤ high as fractions a month, above -1")

    @property
    def quantiles(self) -> tuple[float, float, float]:
        """Low, point and high in that order."""
        return self.growth_per_month_low, self.growth_per_month_point, self.growth_per_month_high

    @property
    def log_growth(self) -> tuple[float, float, float]:
        """Middle, spread below and spread above it, in the logarithm of use a month."""
        low, point, high = (math.log1p(value) for value in self.quantiles)
        return point, max((point - low) / _Z90, 1e-4), max((high - point) / _Z90, 1e-4)


@dataclass(frozen=True, slots=True)
class Prior:
    """What is supposed where history is too short to know, in the logarithm of use, per month; see `prior.toml`."""

    growth: float
    growth_common_sd: float
    growth_own_sd: float
    walk_common_sd: float
    walk_own_sd: float
    change_common_hazard: float  # growth is drawn anew at this rate, and use jumps
    change_own_hazard: float
    jump_common_sd: float
    jump_own_sd: float
    shift_own_sd: float  # of a level within weeks, where the history is of weeks
    vanish_hazard: float
    return_hazard: float
    ceiling: float  # times the present level: no workload is supposed to be used more
    sources: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if name not in {"sources", "growth"} and not (0 <= value < math.inf):
                raise UserError(f"prior.{name}", value, "give a number from zero up")


@cache
def default_prior() -> Prior:
    """The shipped prior with its sources."""
    table = tomllib.loads(resources.files(__package__).joinpath("prior.toml").read_text(encoding="utf-8"))
    return Prior(**table["values"], sources=tuple(table["source"].items()))


@dataclass(frozen=True, slots=True)
class Cone:
    """Sampled futures of use: `paths[w, s, t]` is the mean of step t in scenario s; 1.0 is the base period's mean.

    `base[w]` is that mean in the history's own unit per step of the history, for those who want weights.
    """

    names: tuple[str, ...]
    start: datetime
    step: timedelta
    paths: Array
    base: Array

    def quantiles(self, levels: Sequence[float]) -> Array:
        """Quantiles over scenarios, indexed by workload, level and step."""
        return np.moveaxis(np.quantile(self.paths, list(levels), axis=1), 0, 1)

    def total(self, weights: Mapping[str, float] | Sequence[float] | Array | None = None) -> Array:
        """The weighted sum over workloads, by scenario and step; without weights, in units of the history."""
        if weights is None:
            given = self.base
        elif isinstance(weights, Mapping):
            missing, unknown = set(self.names) - set(weights), set(weights) - set(self.names)
            if missing or unknown:
                raise UserError("weights", sorted(missing | unknown), "give one weight for each workload of the cone")
            given = np.array([weights[name] for name in self.names], dtype=np.float64)
        else:
            given = np.asarray(weights, dtype=np.float64)
        if given.shape != (len(self.names),):
            raise UserError("weights", given.shape, f"give one weight for each of {len(self.names)} workloads")
        summed: Array = np.einsum("w,wst->st", given, self.paths)
        return summed

    def total_quantiles(
        self, levels: Sequence[float], weights: Mapping[str, float] | Sequence[float] | Array | None = None
    ) -> Array:
        """Quantiles of `total`, indexed by level and step."""
        return np.quantile(self.total(weights), list(levels), axis=0)
