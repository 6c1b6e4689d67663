"""Commitments under many scenarios: every size in one run, and aggregation beside the extensive form.

Seeded worlds; bounds are HiGHS's own. The extensive form is the same program with nothing aggregated: each workload's
month is a group of its own. Only the ratios survive a change of machine.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TypeVar

import numpy as np

from trivium.plan.horizon import (
    Instance,
    SpendCommitment,
    VolumeTiers,
    commitment_curve,
    scenario_cost,
    solve,
    solve_volume,
)

Found = TypeVar("Found")

SEED = 20261125
OFFERS, SURFACES = 12, 4
SHARES = (0.1, 0.25, 0.5, 1.0)


@dataclass(frozen=True)
class Line:
    """One measurement."""

    name: str
    size: str
    wall_s: float
    process_s: float
    limit_s: float | None
    note: str = ""


def world(workloads: int, classes: int, months: int, scenarios: int, form: str, *, apart: bool = False) -> Instance:
    """An organisation; `apart` makes prices differ by a little in every workload and month, so that nothing merges."""
    rng = np.random.default_rng(SEED)
    kind = np.arange(workloads) % classes
    price = rng.uniform(0.8, 1.3, (classes, OFFERS))[kind] * rng.lognormal(7.0, 1.0, workloads)[:, None]
    runs = rng.random((classes, OFFERS)) < 0.75
    runs[:, 0] = True
    common = np.cumsum(rng.normal(0.02, 0.08, (scenarios, months)), axis=1)
    own = np.cumsum(rng.normal(0.0, 0.1, (classes, scenarios, months)), axis=2)
    demand = np.exp(common[None] + own)[kind]
    unit = np.repeat(price[:, :, None], months, axis=2)
    if apart:
        unit = unit * (1 + 1e-7 * rng.uniform(size=unit.shape))
    feasible = np.repeat(runs[kind][:, :, None], months, axis=2)
    yearly = float((np.where(feasible, unit, np.inf).min(axis=1) * demand.mean(axis=1)).sum()) * 12 / months
    found = []
    for surface in range(1, SURFACES):
        if form == "tiers":
            tiers = tuple((yearly * share / SURFACES, 0.05 + 0.05 * step) for step, share in enumerate(SHARES))
            found.append(SpendCommitment((surface,), 0, months, months // 12, tiers=tiers))
        elif form == "any size":
            discount = 0.08 + 0.03 * surface
            found.append(SpendCommitment((surface,), 0, months, months // 12, discount=discount, high_usd=yearly))
    return Instance(
        tuple(f"w{number}" for number in range(workloads)),
        tuple(f"o{number}" for number in range(OFFERS)),
        tuple(f"k{number}" for number in range(SURFACES)),
        np.arange(OFFERS) % SURFACES,
        demand,
        unit,
        feasible,
        np.full(scenarios, 1 / scenarios),
        commitments=tuple(found),
    )


def timed(work: Callable[[], Found]) -> tuple[Found, float, float]:
    wall, process = time.perf_counter(), time.process_time()
    found = work()
    return found, time.perf_counter() - wall, time.process_time() - process


def solved(name: str, instance: Instance, gap: float, limit_s: float | None) -> tuple[Line, float]:
    found, wall, process = timed(lambda: solve(instance, gap=gap, time_limit_s=600.0))
    note = f"{found.groups} groups, {found.columns:,} columns, gap {found.gap:.3%}, {found.objective_usd:,.0f} USD"
    return Line(name, size_of(instance), wall, process, limit_s, note), found.objective_usd


def size_of(instance: Instance) -> str:
    workloads, offers, months = instance.unit_cost_usd.shape
    return f"{workloads} x {offers} x {months} x {len(instance.probability)}"


def beside(workloads: int, classes: int, months: int, scenarios: int) -> list[Line]:
    ours, value = solved("recourse, aggregated", world(workloads, classes, months, scenarios, "any size"), 0.0, None)
    theirs, other = solved(
        "  extensive form", world(workloads, classes, months, scenarios, "any size", apart=True), 0.0, None
    )
    apart = (
        f"{theirs.wall_s / ours.wall_s:.1f} times ours, objectives {abs(other / value - 1):.1e} apart; {theirs.note}"
    )
    return [ours, Line(theirs.name, theirs.size, theirs.wall_s, theirs.process_s, None, apart)]


def lines(*, quick: bool) -> list[Line]:
    workloads, months, scenarios = (40, 12, 20) if quick else (1000, 36, 200)
    many, few = (10, 5) if quick else (240, 60)
    found = []
    large = world(workloads, many, months, scenarios, "any size")
    found.append(solved(f"recourse, any size, {many} classes", large, 0.0, 10.0)[0])
    small = world(workloads, few, months, scenarios, "any size")
    found.append(solved(f"recourse, any size, {few} classes", small, 0.0, None)[0])
    tiered = world(workloads, few, months, scenarios, "tiers")
    for gap, limit_s in ((0.005, 20.0), (0.001, 90.0)):
        found.append(solved(f"tiers, {few} classes, to {gap:.1%}", tiered, gap, limit_s)[0])
    plain = world(workloads, few, months, scenarios, "none")
    yearly = float(scenario_cost(plain).mean()) * 12 / months
    steps = tuple(yearly * share for share in (0.05, 0.15, 0.3))
    volume = tuple(VolumeTiers(surface, steps, (0.05, 0.1, 0.2)) for surface in range(SURFACES))
    enumerated, wall, process = timed(lambda: solve_volume(plain, volume, months // 12))
    note = f"{enumerated.states} states a period"
    found.append(Line(f"volume tiers, {few} classes", size_of(plain), wall, process, 1.0, note))
    levels = np.linspace(0, yearly, 400)
    _, wall, process = timed(lambda: commitment_curve(plain, small.commitments[0], levels))
    found.append(Line("curve of 400 levels", size_of(plain), wall, process, None, "grouping included"))
    factor = np.array([0.9, 1.0, 1.1, 1.0])
    runs = [timed(lambda: scenario_cost(plain, factor))[1:] for _ in range(5)]
    wall, process = (float(np.median([run[part] for run in runs])) for part in range(2))
    found.append(Line("what-if, changed prices", size_of(plain), wall, process, 0.1, "median of 5"))
    return found + (beside(10, 5, 12, 4) if quick else beside(200, 60, 12, 20))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="a tenth of the size, to see that it runs")
    arguments = parser.parse_args()
    found = lines(quick=arguments.quick)
    if arguments.json:
        print(json.dumps([asdict(line) for line in found]))
    else:
        load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
        print(f"{os.cpu_count()} cores, load {load}; workloads x offers x months x scenarios")
        for line in found:
            limit = "" if line.limit_s is None else f"limit {line.limit_s:g} s"
            print(
                f"{line.name:34} {line.size:22} {line.wall_s:8.3f} s wall {line.process_s:8.3f} s process"
                f"  {limit:12} {line.note}"
            )
    return 1 if any(line.limit_s is not None and line.process_s > line.limit_s for line in found) else 0


if __name__ == "__main__":
    sys.exit(main())
