"""Continuity rows equal an independent model of the same rows, and their price is what tightening them costs."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import linopy
import numpy as np
import pytest

from horizon_paths.independent import array
from horizon_paths.worlds import months, world
from trivium.core import UserError
from trivium.plan.horizon import Continuity, Instance, SpendCommitment, scenario_cost, solve_continuity

TWO = months(np.array([[[2.0], [3.0]]]), np.full((1, 1, 1), 10.0))


def independent(instance: Instance, rule: Continuity) -> float:
    """Every workload, offer, month and scenario a variable; which surfaces are required, a switch."""
    model = linopy.Model()
    shape = {
        "w": range(len(instance.workloads)),
        "p": range(len(instance.offers)),
        "s": range(len(instance.probability)),
        "t": range(len(instance.month_weight)),
    }
    share = model.add_variables(lower=0, coords=list(shape.values()), dims=list(shape))
    model.add_constraints(share <= array(instance.feasible, "wpt"))
    model.add_constraints(share.sum("p") == 1)
    money = instance.unit_cost_usd[:, :, None, :] * instance.demand[:, None] * instance.month_weight
    bill = share * array(money, "wpst")
    chance = array(instance.probability, "s")
    total = (bill.sum(["w", "p", "t"]) * chance).sum()
    most = float(np.where(instance.feasible[:, :, None], money, 0.0).sum())
    switches = []
    for surface in range(len(instance.surfaces)):
        mine = np.flatnonzero(instance.surface_of == surface)
        spend = (bill.sel(p=mine).sum(["w", "p", "t"]) * chance).sum()
        model.add_constraints(spend - rule.share_max * total <= 0)
        switches.append(model.add_variables(binary=True))
        model.add_constraints(spend - rule.share_min * total - most * switches[-1] >= -most)
    model.add_constraints(sum(switches) >= rule.surfaces_min)
    level = model.add_variables()
    excess = model.add_variables(lower=0, coords=[shape["s"]], dims=["s"])
    model.add_constraints(excess - bill.sum(["w", "p", "t"]) + level >= 0)
    risk = level + (excess * chance).sum() / (1 - instance.risk_level)
    model.add_objective((1 - instance.risk_weight) * total + instance.risk_weight * risk)
    model.solve("highs", output_flag=False, mip_rel_gap=0.0)
    return float(model.objective.value)


@pytest.mark.parametrize(
    ("seed", "omega", "rule"),
    [
        (seed, omega, rule)
        for seed, omega, rule in product(
            (1, 2),
            (0.0, 0.5, 1.0),
            (Continuity(), Continuity(share_max=0.6), Continuity(0.7, 2, 0.25), Continuity(1.0, 3, 0.1)),
        )
    ],
)
def test_it_equals_an_independent_model(seed: int, omega: float, rule: Continuity) -> None:
    instance = replace(world(np.random.default_rng(seed), 5, 4, 3, 4, 4), risk_weight=omega)
    instance = replace(instance, feasible=np.ones_like(instance.feasible))
    found = solve_continuity(instance, rule)
    assert found.objective_usd == pytest.approx(independent(instance, rule), rel=1e-6)
    assert found.shares.sum(axis=1) == pytest.approx(np.ones((5, 4)))
    assert found.spend_share.max() <= rule.share_max + 1e-6
    assert (np.sort(found.spend_share)[::-1][: rule.surfaces_min] >= rule.share_min - 1e-6).all()


def test_without_rows_it_is_the_cheapest_of_every_month() -> None:
    instance = world(np.random.default_rng(3), 6, 4, 3, 6, 4)
    found = solve_continuity(instance, Continuity())
    assert found.scenario_usd == pytest.approx(scenario_cost(instance))
    assert found.price_usd == pytest.approx(0.0, abs=1e-6)
    assert found.tighter_usd == pytest.approx(np.zeros(3), abs=1e-6)


def test_half_the_spend_elsewhere_is_a_sum_to_redo() -> None:
    """10 units: 2 x = 3 (10 - x) spends alike, x = 6: 12 + 12 = 24 USD against 20: continuity costs 4.

    A hundredth less of the cheap one, 0.49 of the spend: 2 x = 0.49 (30 - x), x = 14.7 / 2.49, 24.0964 USD.
    """
    found = solve_continuity(TWO, Continuity(share_max=0.5))
    assert found.objective_usd == pytest.approx(24.0)
    assert found.free_usd == pytest.approx(20.0)
    assert found.price_usd == pytest.approx(4.0)
    assert found.shares[0, :, 0].tolist() == pytest.approx([0.6, 0.4])
    assert found.spend_share.tolist() == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("rule", [Continuity(share_max=0.6), Continuity(1.0, 2, 0.3)])
def test_the_price_of_a_hundredth_is_the_slope(rule: Continuity) -> None:
    """Solved again with a hundredth of a hundredth less room, the objective rises by that part of the price."""
    step = 1e-4
    tight = (
        replace(rule, share_max=rule.share_max - step) if rule.share_max < 1 else replace(rule, share_min=0.3 + step)
    )
    found = solve_continuity(TWO, rule)
    rise = solve_continuity(TWO, tight).objective_usd - found.objective_usd
    assert found.tighter_usd.sum() * step * 100 == pytest.approx(rise, rel=1e-3)
    assert rise > 0


@pytest.mark.parametrize(
    ("instance", "rule", "field"),
    [
        (replace(TWO, feasible=np.array([[[True], [False]]])), Continuity(share_max=0.5), "continuity"),
        (TWO, Continuity(surfaces_min=3, share_min=0.1), "surfaces_min"),
        (replace(TWO, commitments=(SpendCommitment((0,), 0, 1),)), Continuity(), "commitments"),
    ],
)
def test_what_cannot_be_kept_is_refused(instance: Instance, rule: Continuity, field: str) -> None:
    with pytest.raises(UserError) as caught:
        solve_continuity(instance, rule)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("values", "field"),
    [((0.0, 1, 0.0), "share_max"), ((1.0, 0, 0.0), "surfaces_min"), ((1.0, 2, 0.6), "share_min")],
)
def test_a_rule_that_contradicts_itself_is_named(values: tuple[float, int, float], field: str) -> None:
    with pytest.raises(UserError) as caught:
        Continuity(*values)
    assert caught.value.field == field
