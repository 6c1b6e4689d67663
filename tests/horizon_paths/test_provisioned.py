"""Provisioned throughput: both methods agree with each other and with an independent model, and sums can be redone."""

from __future__ import annotations

import linopy
import numpy as np
import pytest
import xarray as xr

from horizon_paths.worlds import months, world
from trivium.core import UserError
from trivium.plan.horizon import Instance, Pool, Provisioned, SpendCommitment, Term, peak_factors, solve_provisioned

CAPACITY = 20.0


def pools(instance: Instance, *, whole: bool) -> tuple[Pool, ...]:
    """A pool per surface, hired by the month or for half a year; the price is a fraction of what a full unit saves."""
    found = []
    for surface, name in enumerate(instance.surfaces):
        offers = tuple(int(offer) for offer in np.flatnonzero(instance.surface_of == surface))
        terms = (Term(1, 0.6 * CAPACITY), Term(6, (0.4 + 0.05 * surface) * CAPACITY))
        found.append(Pool(name, offers, CAPACITY, terms, whole=whole, units_max=8.0))
    return tuple(found)


def linopy_objective(instance: Instance, provisioned: Provisioned) -> float:
    """The same problem stated anew: shares of every offer and pool, units from the lots that run."""
    workloads, offers, length = instance.unit_cost_usd.shape
    scenarios = len(instance.probability)
    model = linopy.Model()
    names = {"w": range(workloads), "p": range(offers), "t": range(length), "s": range(scenarios)}
    share = model.add_variables(
        lower=0, coords=[names["w"], names["p"], names["s"], names["t"]], dims=["w", "p", "s", "t"]
    )
    upper = xr.DataArray(instance.feasible.astype(float), dims=["w", "p", "t"], coords={k: names[k] for k in "wpt"})
    model.add_constraints(share <= upper)
    placed = share.sum("p")
    money = instance.unit_cost_usd[:, :, None, :] * instance.demand[:, None] * instance.month_weight
    cost = (share * xr.DataArray(money, dims=["w", "p", "s", "t"])).sum(["w", "p", "t"])
    fixed = 0
    for number, pool in enumerate(provisioned.pools):
        part = model.add_variables(lower=0, coords=[names["w"], names["s"], names["t"]], dims=["w", "s", "t"])
        allowed = instance.feasible[:, list(pool.offers)].any(axis=1).astype(float)
        model.add_constraints(part <= xr.DataArray(allowed, dims=["w", "t"], coords={k: names[k] for k in "wt"}))
        placed = placed + part
        running = 0
        for term in pool.terms:
            kind = {"integer": True} if pool.whole else {}
            lots = model.add_variables(lower=0, upper=pool.units_max, coords=[range(length)], dims=["first"], **kind)
            runs = np.array(
                [[float(first <= t < first + term.months) for first in range(length)] for t in range(length)]
            )
            running = running + (lots * xr.DataArray(runs, dims=["t", "first"], coords={"t": names["t"]})).sum("first")
            fixed = (
                fixed
                + (
                    lots * xr.DataArray(instance.month_weight @ runs * term.price_usd_per_unit_month, dims=["first"])
                ).sum()
            )
        busy = np.asarray(provisioned.peak_factor) * np.asarray(provisioned.load_per_demand)
        load = instance.demand * busy[:, None, None]
        model.add_constraints(
            (part * xr.DataArray(load, dims=["w", "s", "t"])).sum("w") <= running * pool.capacity_per_unit
        )
        del number
    model.add_constraints(placed == 1)
    level = model.add_variables()
    excess = model.add_variables(lower=0, coords=[names["s"]], dims=["s"])
    model.add_constraints(excess - cost + level >= 0)
    chance = xr.DataArray(instance.probability, dims=["s"])
    risk = level + (excess * chance).sum() / (1 - instance.risk_level)
    model.add_objective(fixed + (1 - instance.risk_weight) * (cost * chance).sum() + instance.risk_weight * risk)
    model.solve("highs", output_flag=False, mip_rel_gap=0.0)
    return float(model.objective.value)


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_both_methods_find_what_an_independent_model_finds(seed: int, whole: bool) -> None:
    rng = np.random.default_rng(seed)
    instance = world(rng, 4, 4, 2, 9, 4)
    provisioned = Provisioned(pools(instance, whole=whole), np.ones(4), rng.uniform(1.0, 2.0, 4))
    expected = linopy_objective(instance, provisioned)
    for method in ("extensive", "benders"):
        found = solve_provisioned(instance, provisioned, gap=1e-7, method=method)
        assert found.objective_usd == pytest.approx(expected, rel=2e-6), method
        assert found.lower_bound_usd <= expected * (1 + 1e-6), method
        assert found.gap <= 2e-6, method
        assert found.without_usd > found.objective_usd, method  # the case is not empty


def test_capacity_is_used_by_the_peak() -> None:
    """100 USD of demand; a unit carries 50 and costs 20: two units save 60; at peak factor 2 it takes four."""
    instance = months(np.ones((1, 1, 1)), np.full((1, 1, 1), 100.0))
    pool = Pool("p", (0,), 50.0, (Term(1, 20.0),))
    assert solve_provisioned(instance, Provisioned((pool,), [1.0], [1.0])).objective_usd == pytest.approx(2 * 20)
    busy = solve_provisioned(instance, Provisioned((pool,), [1.0], [2.0]))
    assert (busy.objective_usd, busy.lots[0].units) == (pytest.approx(4 * 20), 4.0)
    assert busy.without_usd == pytest.approx(100)


def test_a_whole_unit_is_not_bought_for_half_its_worth() -> None:
    """The third unit would carry 20 of 120 and cost 25; half of it would be worth buying, the whole is not."""
    instance = months(np.ones((1, 1, 1)), np.full((1, 1, 1), 120.0))
    for whole, expected in ((True, 2 * 25 + 20), (False, 2.4 * 25)):
        pool = Pool("p", (0,), 50.0, (Term(1, 25.0),), whole=whole)
        found = solve_provisioned(instance, Provisioned((pool,), [1.0], [1.0]), gap=1e-9)
        assert found.objective_usd == pytest.approx(expected)


def test_a_term_is_paid_to_its_end_or_the_horizons() -> None:
    """One busy month of four, the first: three months at 9 cost 27 and a month's hire 26; as the last it costs 9."""
    for busy, expected in ((0, 26.0), (3, 9.0)):
        demand = np.zeros((1, 1, 4))
        demand[0, 0, busy] = 100.0
        pool = Pool("p", (0,), 100.0, (Term(1, 26.0), Term(3, 9.0)))
        found = solve_provisioned(months(np.ones((1, 1, 4)), demand), Provisioned((pool,), [1.0], [1.0]))
        assert found.objective_usd == pytest.approx(expected)
        assert [lot.cost_usd for lot in found.lots] == [pytest.approx(expected)]


def test_held_units_cost_nothing_more_and_are_used_first() -> None:
    instance = months(np.ones((1, 1, 2)), np.full((1, 1, 2), 100.0))
    pool = Pool("p", (0,), 50.0, (Term(1, 20.0),), held_units=[1.0, 0.0])
    found = solve_provisioned(instance, Provisioned((pool,), [1.0], [1.0]))
    assert found.objective_usd == pytest.approx(1 * 20 + 2 * 20)
    assert found.units.tolist() == [[2.0, 2.0]]


def test_a_pool_carries_only_what_may_run_there() -> None:
    feasible = np.ones((2, 2, 1), dtype=bool)
    feasible[1, 1] = False
    instance = months(np.ones((2, 2, 1)), np.full((2, 1, 1), 100.0), feasible=feasible)
    pool = Pool("p", (1,), 100.0, (Term(1, 10.0),))
    found = solve_provisioned(instance, Provisioned((pool,), np.ones(2), np.ones(2)))
    assert found.objective_usd == pytest.approx(10 + 100)


def test_a_pool_of_many_needs_less_than_many_pools() -> None:
    """Two workloads that are busy in turn: each peaks at twice its mean, their sum never moves."""
    own, pooled = peak_factors(
        np.array([[2.0, 0.0, 2.0, 0.0], [0.0, 2.0, 0.0, 2.0], [0.0, 0.0, 0.0, 0.0]]), quantile=1.0
    )
    assert (own.tolist(), pooled) == ([2.0, 2.0, 1.0], 1.0)


@pytest.mark.parametrize(
    ("provisioned", "field"),
    [
        (Provisioned((Pool("p", (), 1.0, (Term(1, 1.0),)),), [1.0], [1.0]), "pools[p].offers"),
        (Provisioned((Pool("p", (0,), 0.0, (Term(1, 1.0),)),), [1.0], [1.0]), "pools[p].capacity_per_unit"),
        (Provisioned((Pool("p", (0,), 1.0, (Term(0, 1.0),)),), [1.0], [1.0]), "pools[p].terms[0]"),
        (Provisioned((Pool("p", (0,), 1.0, ()),), [1.0], [1.0]), "pools"),
        (Provisioned((Pool("p", (0,), 1.0, (Term(1, 1.0),)),), [1.0], [0.5]), "provisioned.peak_factor"),
        (Provisioned((Pool("p", (0,), 1.0, (Term(1, 1.0),)),), [1.0, 1.0], [1.0]), "provisioned.load_per_demand"),
        (Provisioned((Pool("p", (0,), 1.0, (Term(1, 1.0),), held_units=[-1.0]),), [1.0], [1.0]), "pools[p].held_units"),
    ],
)
def test_a_wrong_input_is_named(provisioned: Provisioned, field: str) -> None:
    instance = months(np.ones((1, 1, 1)), np.ones((1, 1, 1)))
    with pytest.raises(UserError) as caught:
        solve_provisioned(instance, provisioned)
    assert caught.value.field == field


def test_what_the_problem_does_not_hold_is_refused() -> None:
    instance = months(np.ones((1, 1, 1)), np.ones((1, 1, 1)), commitments=(SpendCommitment((0,), 0, 1),))
    plain = Provisioned((Pool("p", (0,), 1.0, (Term(1, 1.0),)),), [1.0], [1.0])
    with pytest.raises(UserError, match="commitments"):
        solve_provisioned(instance, plain)
    with pytest.raises(UserError, match="method"):
        solve_provisioned(months(np.ones((1, 1, 1)), np.ones((1, 1, 1))), plain, method="guess")
    nowhere = months(np.ones((1, 1, 1)), np.ones((1, 1, 1)), feasible=np.zeros((1, 1, 1), dtype=bool))
    with pytest.raises(UserError, match="w0"):
        solve_provisioned(nowhere, plain)
