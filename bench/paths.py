"""Paths with moves and stays, and provisioned throughput, at full size and beside the extensive forms, in one run.

Seeded worlds; the gap is proven by the solver's own bound. The extensive form of the paths is an independent model
(linopy, HiGHS), that of the throughput is one program over all scenarios. Only the ratios survive a change of machine.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from horizon_paths.independent import Independent
from horizon_paths.worlds import world
from trivium.plan.horizon import (
    Instance,
    Moves,
    Pool,
    Provisioned,
    SpendCommitment,
    Term,
    solve_paths,
    solve_provisioned,
)

SEED = 20261125
SECONDS_MAX = 120.0
PATHS_GAP, UNITS_GAP = 0.005, 0.001


@dataclass(frozen=True)
class Line:
    """One solve."""

    name: str
    size: str
    seconds: float
    gap: float | None  # None: not told
    objective_usd: float
    note: str = ""


def committed(instance: Instance, form: str) -> Instance:
    """One commitment a surface over yearly periods: any size, or one of three sizes with rising discounts."""
    length = len(instance.month_weight)
    year = float(instance.demand.mean(axis=1).sum(axis=0)[: min(12, length)].sum())
    found = []
    for surface, discount in enumerate((0.10, 0.08, 0.12, 0.05)[: len(instance.surfaces)]):
        periods = max(length // 12, 1)
        if form == "any size":
            found.append(SpendCommitment((surface,), 0, length, periods, "covered", discount, high_usd=10 * year))
        else:
            tiers = tuple((share * year, cut) for share, cut in ((0.1, 0.05), (0.2, 0.08), (0.4, 0.1)))
            found.append(SpendCommitment((surface,), 0, length, periods, form, tiers=tiers))
    yearly = 0.9 ** (np.arange(length) // 12)
    return replace(instance, commitments=tuple(found), month_weight=yearly)


def moves_of(instance: Instance, rng: np.random.Generator) -> Moves:
    workloads, offers, _ = instance.unit_cost_usd.shape
    month = instance.demand.mean(axis=(1, 2))
    switch = month[:, None, None] * rng.uniform(0.05, 0.5, (workloads, offers, offers))
    opening = np.where(np.arange(len(instance.surfaces)) < 2, 0.0, month.sum() * 0.05)
    return Moves(rng.integers(0, 2, workloads), switch, opening, min_stay_months=6)


def size_of(instance: Instance) -> str:
    workloads, offers, length = instance.unit_cost_usd.shape
    return f"{workloads} x {offers} x {length} x {len(instance.probability)}"


def paths(
    workloads: int, offers: int, length: int, scenarios: int, form: str, gap: float
) -> tuple[Line, Instance, Moves]:
    rng = np.random.default_rng(SEED)
    surfaces = min(4, offers)
    instance = committed(world(rng, workloads, offers, surfaces, length, scenarios, level=0.9), form)
    moves = moves_of(instance, rng)
    begin = time.perf_counter()
    found = solve_paths(instance, moves, gap=gap)
    taken = time.perf_counter() - begin
    note = f"{len(found.moves)} moves, {found.branches} branches, {found.paths_tried} paths"
    line = Line(f"paths, commitments: {form}", size_of(instance), taken, found.gap, found.objective_usd, note)
    return line, instance, moves


def paths_beside(workloads: int, offers: int, length: int, scenarios: int) -> list[Line]:
    ours, instance, moves = paths(workloads, offers, length, scenarios, "any size", 1e-4)
    begin = time.perf_counter()
    value = Independent(instance, moves, 6, gap=1e-4).solve(seconds=300.0)
    taken = time.perf_counter() - begin
    theirs = Line("  extensive form, linopy", ours.size, taken, None, value, f"{taken / ours.seconds:.1f} times ours")
    return [ours, theirs]


def units(scenarios: int, methods: tuple[str, ...], *, whole: bool, length: int = 36) -> list[Line]:
    rng = np.random.default_rng(SEED)
    instance = world(rng, 60, 12, 4, length, scenarios, level=0.9)
    capacity = float(instance.demand.mean(axis=1).sum(axis=0)[0]) / 50
    prices = ((1, 0.7), (6, 0.5), (12, 0.4))
    pools = tuple(
        Pool(
            name,
            tuple(int(offer) for offer in np.flatnonzero(instance.surface_of == surface)),
            capacity,
            tuple(Term(months, share * (1 + 0.05 * surface) * capacity) for months, share in prices),
            whole=whole,
        )
        for surface, name in enumerate(instance.surfaces)
    )
    provisioned = Provisioned(pools, np.ones(60), rng.uniform(1.2, 2.5, 60))
    lines = []
    for method in methods:
        begin = time.perf_counter()
        found = solve_provisioned(instance, provisioned, gap=UNITS_GAP, method=method)
        taken = time.perf_counter() - begin
        kind = "whole units" if whole else "any units"
        note = f"{found.rounds} rounds, saves {1 - found.objective_usd / found.without_usd:.1%}"
        lines.append(
            Line(f"throughput, {kind}, {method}", size_of(instance), taken, found.gap, found.objective_usd, note)
        )
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="a tenth of the size, to see that it runs")
    arguments = parser.parse_args()
    full = (20, 6, 24, 10) if arguments.quick else (200, 12, 36, 50)
    lines = [paths(*full, form, PATHS_GAP)[0] for form in ("any size", "covered", "take-or-pay")]
    lines += paths_beside(6, 4, 12, 4) if arguments.quick else paths_beside(20, 6, 12, 10)
    if arguments.quick:
        lines += units(5, ("benders", "extensive"), whole=True, length=12)
    else:
        lines += units(200, ("benders",), whole=True) + units(200, ("benders",), whole=False)
        lines += units(20, ("benders", "extensive"), whole=False)
    if arguments.json:
        print(json.dumps([asdict(line) for line in lines]))
    else:
        load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
        print(f"{os.cpu_count()} cores, load {load}; gap asked: paths {PATHS_GAP:.1%}, throughput {UNITS_GAP:.1%}")
        for line in lines:
            gap = "" if line.gap is None else f"gap {line.gap:.3%}"
            usd = f"{line.objective_usd:,.1f}"
            print(f"{line.name:34} {line.size:17} {line.seconds:6.1f} s  {gap:12} {usd:>12}  {line.note}")
    slow = [line for line in lines if line.seconds > SECONDS_MAX and not line.name.startswith(" ")]
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
