"""How much provisioned throughput to hold, month by month: units bought now, overflow at on-demand prices later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trivium.core import UserError
from trivium.plan.horizon._instance import Instance
from trivium.plan.horizon._paths_terms import cvar_usd, objective_usd
from trivium.plan.horizon._provisioned_blocks import Load
from trivium.plan.horizon._provisioned_extensive import solve_extensive
from trivium.plan.horizon._provisioned_master import Lots, Risk
from trivium.plan.horizon._provisioned_search import Bought, Search

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SCALED_TOTAL = 1e4  # HiGHS's tolerances are absolute
_EXTENSIVE_MAX = 60_000  # workload-pool-month-scenarios up to which one program is quicker than Benders' method
_ROUNDS_MAX = 200


@dataclass(frozen=True, slots=True)
class Term:
    """A price for holding a unit at least so many months; it comes from a quote or a marked assumption."""

    months: int
    price_usd_per_unit_month: float


@dataclass(frozen=True, slots=True)
class Pool:
    """Capacity that carries what would run on these offers.

    A unit carries `capacity_per_unit` of load (see `Provisioned`); `held_units` are already signed, a number a month,
    and cost nothing more here. Months of a term beyond the horizon are not paid here: say so where the plan is shown.
    """

    name: str
    offers: tuple[int, ...]
    capacity_per_unit: float
    terms: tuple[Term, ...]
    units_max: float = float("inf")
    whole: bool = True
    held_units: Sequence[float] | Floats = ()


@dataclass(frozen=True, slots=True)
class Provisioned:
    """Pools, and what they must carry.

    One unit of a workload's demand in a month is a mean load of `load_per_demand` (W,), and `peak_factor` (W,) times
    that at the busy moments that the pool has to carry: capacity is used by the peak and not by the mean. Workloads
    that share a pool do not peak together: `peak_factors` measures both kinds of factor.
    """

    pools: tuple[Pool, ...]
    load_per_demand: Sequence[float] | Floats
    peak_factor: Sequence[float] | Floats


@dataclass(frozen=True, slots=True)
class Lot:
    """Units of a pool to take from the start of a month, for a term."""

    pool: int
    term: Term
    month: int
    units: float
    cost_usd: float  # over its months inside the horizon


@dataclass(frozen=True, slots=True)
class ProvisionedSolution:
    """What to buy, the units that then run, what it costs in every scenario, and the bound no answer can beat.

    Forecasts. `without_usd` is the objective with the units held and nothing bought.
    """

    lots: tuple[Lot, ...]
    units: Floats  # (G, T)
    scenario_usd: Floats  # (S,)
    expected_usd: float
    cvar_usd: float
    objective_usd: float
    lower_bound_usd: float
    units_usd: float
    without_usd: float
    method: str  # extensive · benders
    rounds: int

    @property
    def gap(self) -> float:
        """How far the answer can be from the optimum, as a share of its own objective."""
        return (self.objective_usd - self.lower_bound_usd) / abs(self.objective_usd) if self.objective_usd else 0.0


def peak_factors(load: Floats, quantile: float = 0.99) -> tuple[Floats, float]:
    """Peak over mean of each workload (W,), and of their sum, from load (W, N) in equal windows.

    A workload that never ran has factor 1.
    """
    if load.ndim != 2 or not load.size or (load < 0).any():  # noqa: PLR2004  workloads by windows
        raise UserError("load", f"shape {load.shape}", "workloads by windows, none below 0")
    mean, total = load.mean(axis=1), load.sum(axis=0)
    peak = np.quantile(load, quantile, axis=1)
    own = np.divide(peak, mean, out=np.ones_like(mean), where=mean > 0)
    pooled = float(np.quantile(total, quantile) / total.mean()) if total.any() else 1.0
    return np.maximum(own, 1.0), max(pooled, 1.0)


def solve_provisioned(
    instance: Instance, provisioned: Provisioned, *, gap: float = 0.001, method: str = "auto"
) -> ProvisionedSolution:
    """Units to a proven `gap`: one program where it is small, Benders' method where scenarios are many.

    What does not fit the units of a month runs on the workload's cheapest feasible offer. Spend commitments are no part
    of this problem: an instance that has some is refused.
    """
    if instance.commitments:
        hint = "solve it without, at the prices that the commitments leave"
        raise UserError("commitments", str(len(instance.commitments)), hint)
    load = _load(instance, provisioned)
    total = float(load.overflow_usd.sum(axis=(0, 2)) @ instance.probability)
    scale = _SCALED_TOTAL / total if total > 0 else 1.0
    scaled = Load(load.overflow_usd * scale, load.use, load.fits)
    held = np.stack([_held(pool, load.shape[3]) for pool in provisioned.pools])
    lots, terms = _lots(provisioned, instance.month_weight, scale)
    risk = Risk(np.asarray(instance.probability), instance.risk_weight, instance.risk_level)
    if method not in {"auto", "extensive", "benders"}:
        raise UserError("method", method, "auto, extensive or benders")
    small = load.use.size <= _EXTENSIVE_MAX
    if method == "extensive" or (method == "auto" and small):
        bought, method = solve_extensive(scaled, lots, held, risk, gap), "extensive"
    else:
        bought, method = Search(scaled, lots, held, risk, gap).run(_ROUNDS_MAX), "benders"
    return _solution(bought, lots, terms, held, risk, scale, method)


def _load(instance: Instance, provisioned: Provisioned) -> Load:
    unit, feasible, demand = instance.unit_cost_usd, instance.feasible, instance.demand
    workloads, offers, months = unit.shape
    cheapest = np.where(feasible, unit, np.inf).min(axis=1)  # (W, T)
    stranded, month = np.nonzero(~np.isfinite(cheapest))
    if len(stranded):
        name = f"feasible[{instance.workloads[stranded[0]]}]"
        raise UserError(name, f"no offer in month {month[0]}", "overflow needs an on-demand offer in every month")
    peak = _row(provisioned.peak_factor, workloads, "peak_factor", 1.0)
    load = _row(provisioned.load_per_demand, workloads, "load_per_demand", 0.0)
    overflow = (cheapest * instance.month_weight)[:, None, :] * demand
    fits = np.zeros((workloads, len(provisioned.pools), months), dtype=bool)
    use = np.empty((workloads, len(provisioned.pools), demand.shape[1], months))
    for number, pool in enumerate(provisioned.pools):
        if not pool.offers or min(pool.offers) < 0 or max(pool.offers) >= offers:
            raise UserError(f"pools[{pool.name}].offers", str(pool.offers), f"offers of 0 to {offers - 1}")
        if not (np.isfinite(pool.capacity_per_unit) and pool.capacity_per_unit > 0):
            hint = "what one unit carries, above 0"
            raise UserError(f"pools[{pool.name}].capacity_per_unit", str(pool.capacity_per_unit), hint)
        fits[:, number] = feasible[:, list(pool.offers)].any(axis=1)
        use[:, number] = demand * (peak * load / pool.capacity_per_unit)[:, None, None]
    return Load(overflow, use, fits)


def _row(values: Sequence[float] | Floats, count: int, name: str, least: float) -> Floats:
    row = np.asarray(values, dtype=np.float64)
    if row.shape != (count,) or not (np.isfinite(row).all() and (row >= least).all()):
        raise UserError(f"provisioned.{name}", f"shape {row.shape}", f"{count} numbers of {least:g} or more")
    return row


def _held(pool: Pool, months: int) -> Floats:
    held = np.asarray(pool.held_units, dtype=np.float64) if len(pool.held_units) else np.zeros(months)
    if held.shape != (months,) or not (np.isfinite(held).all() and (held >= 0).all()):
        raise UserError(
            f"pools[{pool.name}].held_units", f"shape {held.shape}", f"{months} numbers of 0 or more, or none"
        )
    return held


def _lots(provisioned: Provisioned, month_weight: Floats, scale: float) -> tuple[Lots, list[Term]]:
    months = len(month_weight)
    paid = np.concatenate([[0.0], np.cumsum(month_weight)])
    rows: list[tuple[float, ...]] = []
    terms: list[Term] = []
    for number, pool in enumerate(provisioned.pools):
        for kind, term in enumerate(pool.terms):
            if term.months < 1 or not (
                np.isfinite(term.price_usd_per_unit_month) and term.price_usd_per_unit_month >= 0
            ):
                hint = "months of 1 or more, at a price of 0 or more"
                raise UserError(f"pools[{pool.name}].terms[{kind}]", str(term), hint)
            for first in range(months):
                last = min(first + term.months, months)
                price = term.price_usd_per_unit_month * float(paid[last] - paid[first]) * scale
                rows.append((number, kind, first, last, price, pool.units_max, float(pool.whole)))
                terms.append(term)
    if not rows:
        raise UserError("pools", "no terms", "a pool is bought at the price of a term: a quote or a marked assumption")
    table = np.array(rows, dtype=np.float64)
    pool_of, kind_of, begin, end = table[:, :4].astype(np.int64).T
    return Lots(pool_of, kind_of, begin, end, table[:, 4], table[:, 5], table[:, 6] > 0), terms


def _solution(
    bought: Bought, lots: Lots, terms: Sequence[Term], held: Floats, risk: Risk, scale: float, method: str
) -> ProvisionedSolution:
    scenario = bought.scenario_usd / scale
    value = float(objective_usd(scenario, risk.probability, risk.weight, risk.level))
    taken = [
        Lot(int(lots.pool[row]), terms[row], int(lots.first[row]), float(bought.lots[row]), cost)
        for row in map(int, np.flatnonzero(bought.lots > 1e-9))  # noqa: PLR2004  a billionth of a unit is none
        for cost in (float(lots.price_usd[row] * bought.lots[row]) / scale,)
    ]
    return ProvisionedSolution(
        lots=tuple(taken),
        units=lots.units(bought.lots, held),
        scenario_usd=scenario,
        expected_usd=float(scenario @ risk.probability),
        cvar_usd=float(cvar_usd(scenario, risk.probability, risk.level)),
        objective_usd=value,
        lower_bound_usd=min(bought.bound / scale, value),
        units_usd=sum(lot.cost_usd for lot in taken),
        without_usd=bought.without / scale,
        method=method,
        rounds=bought.rounds,
    )
