"""Seeded instances for the path and throughput solvers: plain values, as any caller may pass them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Commit:
    """A spend commitment; see the solver's own words on it."""

    surfaces: tuple[int, ...]
    first_month: int
    months: int
    periods: int = 1
    form: str = "covered"
    discount: float = 0.0
    low_usd: float = 0.0
    high_usd: float = 0.0
    tiers: tuple[tuple[float, float], ...] = ()
    signed: bool = False


@dataclass(frozen=True)
class Months:
    """An instance: what the solvers read."""

    workloads: tuple[str, ...]
    offers: tuple[str, ...]
    surfaces: tuple[str, ...]
    surface_of: NDArray[np.int64]
    demand: Floats
    unit_cost_usd: Floats
    feasible: NDArray[np.bool_]
    probability: Floats
    month_weight: Floats
    risk_weight: float = 0.5
    risk_level: float = 0.5
    commitments: tuple[Commit, ...] = ()


def months(
    unit: Floats,
    demand: Floats,
    *,
    surface_of: tuple[int, ...] | None = None,
    feasible: NDArray[np.bool_] | None = None,
    **other: object,
) -> Months:
    """An instance of unit costs (W, P, T) and demand (W, S, T), everything else at its plainest."""
    workloads, offers, length = unit.shape
    places = np.array(surface_of if surface_of is not None else range(offers))
    plain = Months(
        workloads=tuple(f"w{number}" for number in range(workloads)),
        offers=tuple(f"o{number}" for number in range(offers)),
        surfaces=tuple(f"k{number}" for number in range(int(places.max()) + 1)),
        surface_of=places,
        demand=np.asarray(demand, dtype=float),
        unit_cost_usd=np.asarray(unit, dtype=float),
        feasible=np.ones(unit.shape, dtype=bool) if feasible is None else feasible,
        probability=np.full(demand.shape[1], 1.0 / demand.shape[1]),
        month_weight=np.ones(length),
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
) -> Months:
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
