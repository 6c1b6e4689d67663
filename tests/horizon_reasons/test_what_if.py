"""A change answered without a program is the optimum of the changed instance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from horizon_paths.worlds import months, world
from trivium.core import UserError
from trivium.plan.horizon import Change, SpendCommitment, commitment_curve, merge, solve, what_if

PLAIN = months(np.array([[[2.0, 2.0], [3.0, 3.0]]]), np.array([[[10.0, 10.0], [20.0, 20.0]]]))


def test_a_discount_moves_what_it_makes_cheaper() -> None:
    """10 and 10 units, or 20 and 20, at 2 USD or at 3 USD less 40 %: 1.8 a unit: 36 or 72 USD; the tail half is 72."""
    found = what_if(PLAIN, Change(price_factor=(1.0, 0.6)))
    assert found.scenario_usd.tolist() == pytest.approx([36.0, 72.0])
    assert found.expected_usd == pytest.approx(54.0)
    assert found.cvar_usd == pytest.approx(72.0)
    assert found.objective_usd == pytest.approx(0.5 * 54.0 + 0.5 * 72.0)
    assert found.moved.all()


def test_growth_compounds_from_the_second_month_on() -> None:
    """10 units at 2 USD, then 11: 42 USD; twice of it in the other scenario."""
    found = what_if(PLAIN, Change(growth_per_month=0.1))
    assert found.scenario_usd.tolist() == pytest.approx([42.0, 84.0])
    assert not found.moved.any()


def test_a_signed_plan_covers_what_takes_least_of_it() -> None:
    """A plan of 12 USD at 25 % covers 16 USD of list price: 5 1/3 of 10 units at 3 USD, which would cost 2 each."""
    one = np.array([[[2.0], [3.0]]])
    plan = SpendCommitment((1,), 0, 1, discount=0.25, low_usd=12.0, signed=True)
    found = what_if(months(one, np.full((1, 1, 1), 10.0), commitments=(plan,)), Change())
    assert found.scenario_usd.tolist() == pytest.approx([20.0 - 2.0 * 16.0 / 3.0 + 12.0])


@given(st.integers(0, 10_000), st.floats(0.3, 1.5), st.floats(-0.05, 0.1), st.booleans())
@settings(max_examples=25, deadline=None)
def test_it_is_the_optimum_of_the_changed_instance(seed: int, factor: float, growth: float, covered: bool) -> None:
    """Whatever the prices and the demand, with a plan of any size or none, twelve months in two periods."""
    rng = np.random.default_rng(seed)
    instance = replace(world(rng, 5, 4, 3, 12, 3), month_weight=np.ones(12))
    change = Change(price_factor=(1.0, factor, 1.0), growth_per_month=growth)
    if covered:
        size = float(rng.uniform(0.0, 500.0))
        plan = SpendCommitment((1, 2), -3, 18, 3, discount=float(rng.uniform(0, 0.5)), low_usd=size, signed=True)
        instance = replace(instance, commitments=(plan,))
    answer = solve(change.apply(instance), gap=0.0)
    assert what_if(instance, change).objective_usd == pytest.approx(answer.objective_usd, rel=1e-6)


def test_the_curve_is_the_same_what_if_at_every_level() -> None:
    instance = replace(world(np.random.default_rng(5), 6, 4, 2, 12, 4), month_weight=np.ones(12))
    plan = SpendCommitment((1,), 0, 12, 2, discount=0.3)
    levels = [0.0, 100.0, 500.0, 2000.0]
    saved = commitment_curve(instance, plan, levels)
    for level, row in zip(levels, saved, strict=True):
        signed = replace(instance, commitments=(replace(plan, low_usd=level, signed=True),))
        after = what_if(signed, Change()).scenario_usd
        assert what_if(instance, Change()).scenario_usd - after == pytest.approx(row, rel=1e-9, abs=1e-6)


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_merging_changes_no_optimum(seed: int) -> None:
    """Workloads whose prices stand in the same proportion are one row, and every scenario costs what it did."""
    rng = np.random.default_rng(seed)
    few = world(rng, 3, 4, 2, 8, 3)
    scale = rng.uniform(0.1, 9.0, 9)
    of = np.arange(9) % 3
    many = replace(
        few,
        workloads=tuple(f"w{number}" for number in range(9)),
        demand=rng.lognormal(0, 1, (9, 3, 8)),
        unit_cost_usd=few.unit_cost_usd[of] * scale[:, None, None],
        feasible=few.feasible[of],
        commitments=(SpendCommitment((1,), 0, 8, 1, discount=0.3, high_usd=1000.0),),
    )
    small, row = merge(many)
    assert len(small.workloads) <= 3
    assert [len(set(row[of == kind])) for kind in range(3)] == [1, 1, 1]
    assert solve(small).objective_usd == pytest.approx(solve(many).objective_usd, rel=1e-7)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (Change(price_factor=(1.0,)), "price_factor"),
        (Change(price_factor=(1.0, -1.0)), "price_factor"),
        (Change(growth_per_month=-1.0), "growth_per_month"),
        (Change(demand_factor=-0.5), "demand_factor"),
    ],
)
def test_a_change_that_cannot_be_is_named(change: Change, field: str) -> None:
    with pytest.raises(UserError) as caught:
        what_if(PLAIN, change)
    assert caught.value.field == field


def test_what_needs_a_program_is_refused() -> None:
    offered = replace(PLAIN, commitments=(SpendCommitment((0,), 0, 2, high_usd=1.0),))
    with pytest.raises(UserError, match="solve"):
        what_if(offered, Change())


def test_a_workload_without_an_offer_is_named() -> None:
    nowhere = replace(PLAIN, feasible=np.zeros((1, 2, 2), dtype=bool))
    with pytest.raises(UserError) as caught:
        what_if(nowhere, Change())
    assert caught.value.field == "feasible[w0, month 0]"
