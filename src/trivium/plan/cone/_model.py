"""Fitting the cone and sampling it: the slow part for weeks and months, the fast part for hours and days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

import numpy as np

from trivium.core import UserError
from trivium.plan.cone._fast import Fast, fit_fast, has_fast, sample_fast
from trivium.plan.cone._short import Short, fit_short, is_short, sample_short
from trivium.plan.cone._slow import Slow, fit_slow, sample_growth, sample_slow
from trivium.plan.cone._values import DAY, EVERY, MONTH, WEEK, Array, Belief, Cone, History, Prior, default_prior


@dataclass(frozen=True)
class ConeModel:
    """A fitted cone: parameters with what is not known about them, and sentences naming what was supposed."""

    history: History
    prior: Prior
    beliefs: Mapping[str, Belief]
    base: Array  # mean use a step of the history over the base period
    base_steps: int
    slow: Slow
    assumptions: tuple[str, ...]

    @cached_property
    def fast(self) -> Fast | None:
        """The part for steps below a week, fitted when first asked for; None where the history has no such steps."""
        return fit_fast(self.history) if has_fast(self.history) else None

    @cached_property
    def short(self) -> Short | None:
        """The part for weeks and months where the history is of days; None where it is longer, shorter or of weeks."""
        return fit_short(self.history, self.prior) if is_short(self.history) else None

    def sample(self, steps: int, scenarios: int, rng: np.random.Generator, *, step: timedelta = MONTH) -> Cone:
        """`steps` steps from the end of the history on, each relative to the base period."""
        if steps < 1 or scenarios < 1:
            raise UserError("steps, scenarios", (steps, scenarios), "ask for at least one of each")
        if step < self.history.step:
            raise UserError("step", step, f"the history has steps of {self.history.step}: ask for no shorter ones")
        if step < WEEK and self.fast is not None:
            paths = self._sample_fast(self.fast, steps, scenarios, rng, step)
        elif self.short is not None:
            paths = sample_short(self.short, self.slow, steps, scenarios, rng, step)
        else:
            paths = sample_slow(self.slow, steps, scenarios, rng, step)
        return Cone(self.history.names, self.history.end, step, paths / self.base[:, None, None], self.base)

    def _sample_fast(self, fast: Fast, steps: int, scenarios: int, rng: np.random.Generator, step: timedelta) -> Array:
        per_step = step // self.history.step
        if per_step * self.history.step != step:
            raise UserError("step", step, f"give a multiple of the history's step of {self.history.step}")
        fine = sample_fast(fast, self.history, steps * per_step, scenarios, rng)
        growth = sample_growth(self.slow, steps, scenarios, rng, step)
        mean: Array = fine.reshape(*fine.shape[:2], steps, per_step).mean(axis=3)
        return mean * growth


def fit(
    history: History,
    *,
    beliefs: Mapping[str, Belief] | None = None,
    prior: Prior | None = None,
    base: timedelta = MONTH,
) -> ConeModel:
    """Fit the cone; `base` is the span at the end of the history whose mean use is 1.0."""
    believed = dict(beliefs or {})
    unknown = sorted(set(believed) - set(history.names) - {EVERY})
    if unknown:
        raise UserError("beliefs", unknown, f"name a workload of the history, or {EVERY} for all")
    never = [name for name, row in zip(history.names, history.values, strict=True) if not (row > 0).any()]
    if never:
        raise UserError("history", never, "these were never used: growth of nothing is nothing; leave them out")
    supposed = default_prior() if prior is None else prior
    base_steps = min(max(1, round(base / history.step)), history.values.shape[1])
    means, silent = _base(history, base_steps)
    slow = fit_slow(history, believed, supposed)
    said = _assumptions(history, believed, supposed, silent)
    return ConeModel(history, supposed, believed, means, base_steps, slow, said)


def _base(history: History, steps: int) -> tuple[Array, list[str]]:
    """Mean use over the base period; where there was none, over all that was seen, and the names of those."""
    last = history.values[:, -steps:]
    seen = np.isfinite(last)
    means = np.where(seen, np.nan_to_num(last), 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    silent = np.flatnonzero(means <= 0)
    for w in silent:
        means[w] = float(np.nanmean(history.values[w]))
    return means, [history.names[w] for w in silent]


def _assumptions(history: History, beliefs: Mapping[str, Belief], prior: Prior, silent: list[str]) -> tuple[str, ...]:
    months = history.values.shape[1] * history.step / MONTH
    sources = dict(prior.sources)
    said: list[str] = []
    for name, belief in beliefs.items():
        low, point, high = (f"{100 * value:+.1f} %" for value in belief.quantiles)
        whom = "all workloads" if name == EVERY else name
        note = f" ({belief.note})" if belief.note else ""
        said.append(f"growth of {whom}: {point} a month, 10 to 90 %: {low} to {high}, as believed{note}")
    if EVERY not in beliefs and not set(history.names) <= set(beliefs) and months < 24:  # noqa: PLR2004  two years
        said.append(
            f"growth is known from {months:.1f} months of history only; it is held towards "
            f"{100 * np.expm1(prior.growth):+.1f} % a month, give or take {100 * prior.growth_common_sd:.0f} points"
            f"{_because(sources, 'growth')}"
        )
    if months < 12:  # noqa: PLR2004  a year
        said.append(
            f"with {months:.1f} months of history a workload's use is supposed to wander by about "
            f"{100 * prior.walk_own_sd:.0f} % a month of its own and {100 * prior.walk_common_sd:.0f} % with the others"
            f"{_because(sources, 'spread')}"
        )
        said.append(
            f"growth is supposed to change every {1 / max(prior.change_common_hazard, 1e-9):.0f} months in common "
            f"and every {1 / max(prior.change_own_hazard, 1e-9):.0f} for a workload alone{_because(sources, 'change')}"
        )
        said.append(
            f"a workload is supposed to end with a chance of {100 * prior.vanish_hazard:.0f} % a month where its "
            f"history does not say otherwise{_because(sources, 'vanish')}"
        )
    said.append(
        f"no workload is supposed to be used more than {prior.ceiling:.0f} times as much as at the end of its history"
    )
    if history.step >= WEEK or months < 24:  # noqa: PLR2004  a season must be seen twice to be told from growth
        said.append("no season of the year is supposed: it would have to be seen twice")
    days = history.values.shape[1] * history.step / DAY
    if history.step < DAY and days < 2:  # noqa: PLR2004  a day must be seen twice
        said.append("no hour of the day is told from another: it would have to be seen twice")
    if history.step < WEEK and days < 14:  # noqa: PLR2004  a week must be seen twice
        said.append("no weekday is told from another: it would have to be seen twice")
    if silent:
        said.append(
            f"not used in the base period, so measured against their mean over the history: {', '.join(silent)}"
        )
    return tuple(said)


def _because(sources: Mapping[str, str], name: str) -> str:
    return f" ({sources[name]})" if name in sources else ""
