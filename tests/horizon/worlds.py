"""Small seeded instances with equal workloads, gaps in what is feasible, and prices that change on a day."""

from __future__ import annotations

import numpy as np

from trivium.plan.horizon import Instance, SpendCommitment


def world(
    seed: int,
    commitments: tuple[SpendCommitment, ...] = (),
    *,
    omega: float = 0.5,
    shape: tuple[int, int, int, int] = (4, 4, 6, 3),
    weights: tuple[float, ...] = (),
    surfaces: int = 3,
) -> Instance:
    """Workloads, offers, months and scenarios as in `shape`; half of the workloads are others made larger."""
    workloads, offers, length, scenarios = shape
    rng = np.random.default_rng(seed)
    kinds = max(workloads // 2, 1)
    unit = np.repeat(rng.uniform(0.8, 1.3, (kinds, offers))[:, :, None], length, axis=2)
    unit[:, 1, length // 2 :] *= 0.8  # a price cut
    feasible = rng.random((kinds, offers)) < 0.75
    feasible[:, 0] = True
    kind = np.arange(workloads) % kinds
    scale = rng.lognormal(0.0, 0.7, workloads)
    chance = rng.uniform(0.5, 1.5, scenarios)
    return Instance(
        workloads=tuple(f"w{number}" for number in range(workloads)),
        offers=tuple(f"o{number}" for number in range(offers)),
        surfaces=tuple(f"k{number}" for number in range(surfaces)),
        surface_of=np.arange(offers) % surfaces,
        demand=10 * np.exp(np.cumsum(rng.normal(0.0, 0.3, (workloads, scenarios, length)), axis=2)),
        unit_cost_usd=unit[kind] * scale[:, None, None],
        feasible=np.repeat(feasible[kind][:, :, None], length, axis=2),
        probability=chance / chance.sum(),
        risk_weight=omega,
        risk_level=0.6,
        commitments=commitments,
        month_weight=np.array(weights) if weights else np.ones(length),
    )
