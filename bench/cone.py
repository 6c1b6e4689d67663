"""The demand cone judged by what came: on ServeGen up to a day ahead, and on seeded worlds up to 36 months ahead.

Beside it the naive forecast (what came last, or at that time yesterday) and statsmodels' exponential smoothing and
structural model. Coverage of 50, 80 and 95 % intervals; mean width of the 80 % interval; pinball loss; seconds.
Widths and losses are over the mean of what came (ServeGen) or in the logarithm of use (worlds), so that no giant rules.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trivium.ledger import importers
from trivium.plan.cone import DAY, MONTH, Cone, History, coverage, fit, mean_width, naive, pinball

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "cone"))  # the worlds lie with the tests that use them
from worlds import WORLDS  # noqa: E402  found through the line above

SERVEGEN = ROOT.parent / "shared" / "traces" / "servegen" / "client_usage_6h.csv.gz"
COLUMNS = (("n", 7), ("50 %", 6), ("80 %", 6), ("95 %", 6), ("width", 7), ("loss", 7), ("s", 6))
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)  # the trace has no dates: it starts on a day of the week that is not known
SCENARIOS = 300
Array = NDArray[np.float64]


@dataclass
class Row:
    """Forecasts of one method and what came."""

    sampled: list[Array] = field(default_factory=list)
    came: list[Array] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, sampled: Array, came: Array) -> None:
        self.sampled.append(sampled)
        self.came.append(came)


def servegen(path: Path = SERVEGEN) -> History:
    """Tokens in and out, by client and six hours; a client that sent nothing used nothing."""
    rows = list(importers.servegen.read(path, importers.ImportOptions()))
    names = sorted({(row.model, row.client) for row in rows})
    place = {name: n for n, name in enumerate(names)}
    values = np.zeros((len(names), 1 + max(row.offset_s // row.span_s for row in rows)))
    for row in rows:
        values[place[row.model, row.client], row.offset_s // row.span_s] += row.input_tokens + row.output_tokens
    step = timedelta(seconds=rows[0].span_s)
    return History(tuple("/".join(name) for name in names), MONDAY, step, values)


def ets_paths(values: Array, steps: int, seed: int) -> Array:
    """statsmodels: exponential smoothing, damped trend and daily season, on the logarithm of one more than use."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    scale = max(float(values.mean()), 1.0) / 1000
    model = ETSModel(
        np.log1p(values / scale), error="add", trend="add", damped_trend=True, seasonal="add", seasonal_periods=4
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where it does not converge; what it then says is judged all the same
        fitted = model.fit(disp=False)
        paths = fitted.simulate(steps, anchor="end", repetitions=SCENARIOS, rng=seed)
    return np.maximum(np.expm1(np.clip(np.asarray(paths).reshape(steps, SCENARIOS).T, 0, 60)), 0.0) * scale


def structural_paths(values: Array, steps: int, seed: int) -> Array:
    """statsmodels: a level and a trend that wander, on the logarithm of use."""
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    logs = np.log(np.maximum(values, 1e-9 * max(values.max(), 1.0)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as above
        fitted = UnobservedComponents(logs, "local linear trend").fit(disp=False)
        forecast = fitted.get_forecast(steps)
        spread = np.sqrt(np.maximum(np.nan_to_num(forecast.var_pred_mean, posinf=1e6), 0.0))
    normal = np.random.default_rng(seed).standard_normal((SCENARIOS, 1))
    return np.exp(np.clip(np.asarray(forecast.predicted_mean) + spread * normal, -60, 60))


def groups_of(history: History, seed: int = 0) -> dict[str, list[int]]:
    """All clients, those of each model, and thirty draws of twenty: the pools whose totals are foretold."""
    pools: dict[str, list[int]] = {"": list(range(len(history.names)))}
    for n, name in enumerate(history.names):
        pools.setdefault(name.split("/")[0], []).append(n)
    rng = np.random.default_rng(seed)
    for n in range(30):
        pools[f"draw {n}"] = rng.choice(len(history.names), 20, replace=False).tolist()
    return pools


def judge_servegen(history: History, origins: Sequence[int], ets_origins: Sequence[int]) -> dict[tuple[str, str], Row]:
    """Rolling origins: what was known then, and up to four steps of six hours after it."""
    rows: dict[tuple[str, str], Row] = defaultdict(Row)
    pools = groups_of(history)
    use = history.values
    for origin in origins:
        known = np.flatnonzero((use[:, :origin] > 0).any(axis=1))
        steps = min(4, use.shape[1] - origin)
        came = use[known, origin : origin + steps]
        then = History(tuple(history.names[n] for n in known), history.start, history.step, use[known, :origin])
        recent = use[known, origin - 4 : origin].any(axis=1)
        started = time.perf_counter()
        cone = fit(then).sample(steps, SCENARIOS, np.random.default_rng(origin), step=then.step)
        middle = time.perf_counter()
        plain = naive(then, steps, scenarios=SCENARIOS)
        ended = time.perf_counter()
        for method, made, seconds in (("cone", cone, middle - started), ("naive", plain, ended - middle)):
            paths = made.paths * made.base[:, None, None]
            for group, chosen in (("clients", recent | ~recent), ("used that day", recent)):
                rows[group, method].add(paths[chosen], came[chosen])
                rows[group, method].seconds += seconds
        for pool, members in pools.items():
            at = np.flatnonzero(np.isin(known, members))
            group = "all together" if not pool else "pools of 20" if pool.startswith("draw") else "models"
            pooled = History(("pool",), history.start, history.step, use[known[at], :origin].sum(axis=0, keepdims=True))
            rows[group, "cone"].add((cone.paths * cone.base[:, None, None])[at].sum(axis=0), came[at].sum(axis=0))
            if (pooled.values > 0).any():
                total = naive(pooled, steps, scenarios=SCENARIOS)
                rows[group, "naive"].add(total.paths[0] * total.base[0], came[at].sum(axis=0))
        if origin in ets_origins:
            _beside_ets(rows, then, came, cone, plain, origin)
    return rows


def _beside_ets(
    rows: dict[tuple[str, str], Row], then: History, came: Array, cone: Cone, plain: Cone, seed: int
) -> None:
    """Clients used in nine of ten steps, which exponential smoothing can be fitted to, and the total."""
    dense = np.flatnonzero((then.values > 0).mean(axis=1) >= 0.9)[::3]
    group = "steady clients"
    for method, made in (("cone", cone), ("naive", plain)):
        rows[group, method].add((made.paths * made.base[:, None, None])[dense], came[dense])
    started = time.perf_counter()
    paths = np.stack([ets_paths(then.values[n], came.shape[1], seed) for n in dense])
    rows[group, "statsmodels ETS"].add(paths, came[dense])
    rows[group, "statsmodels ETS"].seconds += time.perf_counter() - started
    total = ets_paths(then.values.sum(axis=0), came.shape[1], seed)
    rows["all together", "statsmodels ETS"].add(total, came.sum(axis=0))


def judge_worlds(name: str, months: int, count: int, *, library: bool) -> dict[tuple[str, str], Row]:
    """`count` worlds of one kind: `months` of history, 36 months ahead, per workload and the total, in base periods."""
    rows: dict[tuple[str, str], Row] = defaultdict(Row)
    for seed in range(count):
        rng = np.random.default_rng([seed, months])
        world = WORLDS[name](rng, (1, 4, 8, 12)[seed % 4], months + 36)
        history = world.history(months)
        came = world.use[:, months:]
        started = time.perf_counter()
        cone = fit(history, beliefs=world.beliefs).sample(36, SCENARIOS, rng)
        middle = time.perf_counter()
        plain = naive(history, 36, scenarios=SCENARIOS)
        ended = time.perf_counter()
        for method, made, seconds in (("cone", cone, middle - started), ("naive", plain, ended - middle)):
            rows["workloads", method].add(made.paths, came / made.base[:, None])
            rows["workloads", method].seconds += seconds
        rows["total", "cone"].add(cone.total() / cone.base.sum(), came.sum(axis=0) / cone.base.sum())
        pooled = History(("total",), history.start, MONTH, history.values.sum(axis=0, keepdims=True))
        total = naive(pooled, 36, scenarios=SCENARIOS)
        rows["total", "naive"].add(total.paths[0], came.sum(axis=0) / total.base[0])
        if library:
            started = time.perf_counter()
            paths = np.stack([structural_paths(row, 36, seed) for row in history.values])
            rows["workloads", "statsmodels UC"].add(paths / cone.base[:, None, None], came / cone.base[:, None])
            rows["workloads", "statsmodels UC"].seconds += time.perf_counter() - started
    return rows


def show(title: str, rows: dict[tuple[str, str], Row], measure: Callable[[Array], Array] | None) -> None:
    """One line a group and method; `measure` is applied before widths and losses, coverage does not change with it."""
    names = " ".join(f"{name:>{size}}" for name, size in COLUMNS)
    print(f"\n{title}\n{'group':15} {'method':16} {names}")
    for (group, method), row in rows.items():
        covered = coverage(row.sampled, row.came)
        sampled, came = row.sampled, row.came
        if measure is None:
            mean = float(np.mean(np.concatenate([one.ravel() for one in came])))
            width, loss = mean_width(sampled, 0.8) / mean, pinball(sampled, came) / mean
        else:
            sampled, came = [measure(one) for one in sampled], [measure(one) for one in came]
            width, loss = mean_width(sampled, 0.8), pinball(sampled, came)
        shares = " ".join(f"{100 * one.observed:6.1f}" for one in covered)
        print(
            f"{group:15} {method:16} {covered[0].n:7d} {shares} {width:7.3f} {loss:7.4f} {row.seconds:6.1f}", flush=True
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=120, help="worlds of each kind and length")
    parser.add_argument("--quick", action="store_true", help="fewer origins, fewer worlds, no statsmodels")
    kinds = ["servegen", *WORLDS]
    parser.add_argument("--only", nargs="*", choices=kinds, default=kinds, help="what to judge by")
    args = parser.parse_args()
    if "servegen" in args.only and not SERVEGEN.is_file():
        print(f"ServeGen is not beside the checkout ({SERVEGEN}): left out")
    elif "servegen" in args.only:
        history = servegen()
        last = history.values.shape[1]
        origins = range(12, last, 6 if args.quick else 1)
        ets = () if args.quick else range(20, last - 3, 8)
        per_day = round(DAY / history.step)
        print(f"ServeGen: {len(history.names)} clients, {last} steps, {len(origins)} origins, {per_day} steps ahead")
        show("ServeGen, up to a day ahead (over the mean)", judge_servegen(history, origins, ets), None)
    for name in (name for name in WORLDS if name in args.only):
        for months in (3, 6, 12):
            library = not args.quick and months > 3
            rows = judge_worlds(name, months, 12 if args.quick else args.worlds, library=library)
            show(f"{name} worlds, {months} months known, 36 ahead (in logarithms)", rows, lambda x: np.log(x + 0.01))
    return 0


if __name__ == "__main__":
    sys.exit(main())
