"""Seeded instances for the path and throughput solvers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from trivium.plan.horizon import Instance

Floats = NDArray[np.float64]


def months(
    unit: Floats,
    demand: Floats,
    *,
    surface_of: tuple[int, ...] | None = None,
    feasible: NDArray[np.bool_] | None = None,
    **other: object,
) -> Instance:
    """An instance of unit costs (W, P, T) and demand (W, S, T), everything else at its plainest."""
    workloads, offers, _ = unit.shape
    places = np.array(surface_of if surface_of is not None else range(offers))
    plain = Instance(
        workloads=tuple(f"w{number}" for number in range(workloads)),
        offers=tuple(f"o{number}" for number in range(offers)),
        surfaces=tuple(f"k{number}" for number in range(int(places.max()) + 1)),
        surface_of=places,
        demand=np.asarray(demand, dtype=float),
        unit_cost_usd=np.asarray(unit, dtype=float),
        feasible=np.ones(unit.shape, dtype=bool) if feasible is None else feasible,
        probability=np.full(demand.shape[1], 1.0 / demand.shape[1]),
        risk_level=0.5,
    )
    return replace(plain, **other)  # type: ignore[arg-type]  # any field


def world(
    rng: np.random.Generator,
    workloads: int,
    offers: int,
    surfaces: int,
    length: int,
    scenarios: int,
    level: float = 0.5,
) -> Instance:
    """Demand walks, prices that change on a day, offers that end or begin, as an organisation would meet them."""
    base = rng.lognormal(3.0, 0.8, workloads)
    common = np.cumsum(rng.normal(0.01, 0.1, (scenarios, length)), axis=1)
    own = np.cumsum(rng.normal(0.0, 0.1, (workloads, scenarios, length)), axis=2)
    unit = np.repeat(rng.choice([1.0, 1.0, 1.1], (workloads, offers))[:, :, None], length, axis=2)
    feasible = np.ones((workloads, offers, length), dtype=bool)
    for offer in range(1, offers):
        unit[:, offer, rng.integers(1, length) :] *= rng.uniform(0.75, 1.05)
        if rng.random() < 0.4:
            feasible[:, offer, rng.integers(1, length + 1) :] = False
        feasible[rng.random(workloads) < 0.2, offer] = False
    places = np.arange(offers) % surfaces
    weight = 0.99 ** np.arange(length)
    return months(
        unit,
        base[:, None, None] * np.exp(common[None] + own),
        surface_of=tuple(int(place) for place in places),
        feasible=feasible,
        month_weight=weight,
        risk_level=level,
    )
