"""What-if, continuity, a requirement's price, information and waiting: times at the size of an organisation.

Seeded worlds. Wall time beside the process's own: the second counts where the machine is shared. What-ifs are the best
of three, in the order of milliseconds; `--quick` is a tenth of the size.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace

import numpy as np

from trivium.plan.horizon import (
    Change,
    Continuity,
    Instance,
    SpendCommitment,
    merge,
    shadow_prices,
    solve_continuity,
    value_of_information,
    value_of_waiting,
    what_if,
)

SEED = 20261125
OFFERS, SURFACES, MONTHS, RUNS = 12, 4, 36, 3


@dataclass(frozen=True)
class Line:
    """One question."""

    name: str
    size: str
    seconds: float
    own_seconds: float


def world(workloads: int, classes: int, scenarios: int) -> Instance:
    """Classes of workloads at prices in the same proportion, and a demand that walks together and apart."""
    rng = np.random.default_rng(SEED)
    prices = rng.uniform(0.8, 1.3, (classes, OFFERS))
    able = rng.random((classes, OFFERS)) < 0.75
    able[:, 0] = True
    kind = np.arange(workloads) % classes
    unit = prices[kind] * rng.lognormal(0.0, 1.0, workloads)[:, None] * 1000.0
    common = np.cumsum(rng.normal(0.02, 0.08, (scenarios, MONTHS)), axis=1)
    own = np.cumsum(rng.normal(0.0, 0.1, (classes, scenarios, MONTHS)), axis=2)
    return Instance(
        workloads=tuple(f"w{number}" for number in range(workloads)),
        offers=tuple(f"o{number}" for number in range(OFFERS)),
        surfaces=tuple(f"k{number}" for number in range(SURFACES)),
        surface_of=np.arange(OFFERS) % SURFACES,
        demand=np.exp(common[None] + own)[kind],
        unit_cost_usd=np.repeat(unit[:, :, None], MONTHS, axis=2),
        feasible=np.repeat(able[kind][:, :, None], MONTHS, axis=2),
        probability=np.full(scenarios, 1 / scenarios),
    )


def tiers(instance: Instance) -> Instance:
    """Three surfaces offer four levels each, by year."""
    year = what_if(instance, Change()).expected_usd / (MONTHS / 12) / SURFACES
    levels = tuple((year * part, 0.05 + 0.05 * number) for number, part in enumerate((0.1, 0.25, 0.5, 1.0)))
    offers = (SpendCommitment((k,), 0, MONTHS, MONTHS // 12, tiers=levels) for k in range(1, SURFACES))
    return replace(instance, commitments=tuple(offers))


def timed(name: str, instance: Instance, ask: Callable[[], object], runs: int = 1) -> Line:
    """The best of some runs."""
    best = (float("inf"), float("inf"))
    for _ in range(runs):
        wall, own = time.perf_counter(), time.process_time()
        ask()
        best = min(best, (time.perf_counter() - wall, time.process_time() - own))
    size = " x ".join(str(n) for n in (len(instance.workloads), OFFERS, MONTHS, len(instance.probability)))
    return Line(name, size, *best)


def run(*, quick: bool) -> Iterator[Line]:
    """Every question, one after the other."""
    part = 10 if quick else 1
    large = world(1000 // part, 240 // part, 200 // part)
    change = Change(price_factor=(1.0, 0.9, 1.0, 1.05), growth_per_month=0.01)
    size = tiers(large).commitments[0].tiers[-1][0]
    plan = SpendCommitment((1,), 0, MONTHS, MONTHS // 12, discount=0.15, low_usd=size, signed=True)
    signed = replace(large, commitments=(plan,))
    merged = merge(signed)[0]
    offered = tiers(world(1000 // part, 60 // part, 200 // part))
    yield timed("what if: prices and growth", large, lambda: what_if(large, change), RUNS)
    yield timed("what if: with one signed commitment", signed, lambda: what_if(signed, change), RUNS)
    yield timed("merging workloads, once", signed, lambda: merge(signed), RUNS)
    yield timed("what if: with one signed, merged", merged, lambda: what_if(merged, change), RUNS)
    yield timed("continuity: at most 40 % on one surface", large, lambda: solve_continuity(large, Continuity(0.4)))
    yield timed("price of a requirement, no commitment", large, lambda: shadow_prices(large, {"all": free_of(large)}))
    lifted = {"all": free_of(offered)}
    yield timed("price of a requirement, 3 x 4 levels", offered, lambda: shadow_prices(offered, lifted))
    yield timed("value of information, 3 x 4 levels", offered, lambda: value_of_information(offered))
    yield timed("value of waiting a quarter, 3 x 4 levels", offered, lambda: value_of_waiting(offered, 3))


def free_of(instance: Instance) -> np.ndarray:
    return np.ones(instance.feasible.shape, dtype=bool)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="lines as JSON")
    parser.add_argument("--quick", action="store_true", help="a tenth of the size")
    given = parser.parse_args()
    if not given.json:
        print(f"seed {SEED}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    lines = []
    for line in run(quick=given.quick):
        lines.append(line)
        if not given.json:
            print(f"{line.name:44} {line.size:22} {line.seconds:9.3f} s   own {line.own_seconds:8.3f} s", flush=True)
    if given.json:
        print(json.dumps([asdict(line) for line in lines]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
