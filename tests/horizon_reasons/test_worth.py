"""Prices of requirements, turning points, information, waiting and rolling on: sums to redo and properties."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from horizon_paths.worlds import months, world
from trivium.core import UserError
from trivium.plan.horizon import (
    Change,
    Instance,
    Level,
    Solution,
    SpendCommitment,
    break_even,
    evaluate,
    roll,
    shadow_prices,
    solve,
    value_of_information,
    value_of_waiting,
)

UNIT = np.array([[[2.0, 2.0], [3.0, 3.0]]])


def coin(plan: SpendCommitment, omega: float = 0.0) -> Instance:
    """Two months at 3 USD a unit on one surface; 0 or 100 units a month, each as likely."""
    return months(
        np.full((1, 1, 2), 3.0), np.array([[[0.0, 0.0], [100.0, 100.0]]]), commitments=(plan,), risk_weight=omega
    )


def test_residency_costs_what_the_other_surface_would_save() -> None:
    """Kept to the offer of 3 USD, 10 units a month for two months cost 60 USD; free, 40: 10 USD a month."""
    kept = np.array([[[False, False], [True, True]]])
    instance = months(UNIT, np.full((1, 1, 2), 10.0), feasible=kept)
    (price,) = shadow_prices(instance, {"EU residency": np.ones((1, 2, 2), dtype=bool)})
    assert price.name == "EU residency"
    assert price.usd == pytest.approx(20.0)
    assert price.usd_per_month == pytest.approx(10.0)
    assert price.low_usd == pytest.approx(20.0)
    assert price.high_usd == pytest.approx(20.0)


def test_a_signed_plan_that_covers_less_than_there_is_would_save_more_if_it_were_larger() -> None:
    """Each dollar of a plan at 25 % covers 4/3 of list price: a hundredth of 30 USD, 0.30, saves 0.10."""
    plan = SpendCommitment((0,), 0, 2, discount=0.25, low_usd=30.0, signed=True)
    instance = months(UNIT[:, :1], np.full((1, 1, 2), 100.0), commitments=(plan,))
    (price,) = shadow_prices(instance, {})
    assert price.name == "commitments[0]"
    assert price.usd == pytest.approx(-0.1)


def test_a_lifted_mask_must_allow_more() -> None:
    instance = months(UNIT, np.ones((1, 1, 2)))
    with pytest.raises(UserError, match="only allows more"):
        shadow_prices(instance, {"less": np.zeros((1, 2, 2), dtype=bool)})


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_lifting_a_requirement_never_costs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    instance = world(rng, 4, 4, 3, 6, 3)
    plan = SpendCommitment((1,), 0, 6, 1, discount=0.3, tiers=((50.0, 0.1), (200.0, 0.3)))
    (price,) = shadow_prices(
        replace(instance, commitments=(plan,)), {"all": np.ones(instance.feasible.shape, dtype=bool)}
    )
    assert price.high_usd >= -1e-6
    assert price.low_usd - 1e-6 <= price.usd <= price.high_usd + 1e-6


def test_the_discount_at_which_the_answer_flips() -> None:
    """3 USD less a discount is cheaper than 2 USD from a third on."""
    instance = months(UNIT, np.full((1, 1, 2), 10.0))

    def discounted(discount: float) -> Instance:
        return Change(price_factor=(1.0, 1 - discount)).apply(instance)

    def where(answer: Solution) -> int:
        return int(answer.shares[0, :, 0].argmax())

    turn = break_even(discounted, where, (0.0, 0.9), tolerance=1e-6)
    assert turn is not None
    assert turn.low <= 1 / 3 <= turn.high
    assert turn.high - turn.low <= 1e-6
    assert (turn.before, turn.after) == (0, 1)
    assert break_even(discounted, where, (0.0, 0.3), tolerance=1e-6) is None


def test_the_growth_at_which_a_commitment_pays() -> None:
    """List price 10 + 10 (1 + g); a plan of 18 USD that covers 36 costs 18: it pays where 20 + 10 g > 18, g > -0.2."""
    plan = SpendCommitment((0,), 0, 2, tiers=((18.0, 0.5),))
    instance = months(np.ones((1, 1, 2)), np.full((1, 1, 2), 10.0), commitments=(plan,))
    turn = break_even(
        lambda growth: Change(growth_per_month=growth).apply(instance),
        lambda answer: answer.levels[0].amount_usd,
        (-0.5, 0.5),
        tolerance=1e-4,
        gap=0.0,
    )
    assert turn is not None
    assert turn.low <= -0.2 <= turn.high
    assert (turn.before, turn.after) == (0.0, 18.0)


@pytest.mark.parametrize(("ends", "tolerance", "field"), [((1.0, 0.0), 0.1, "ends"), ((0.0, 1.0), 0.0, "tolerance")])
def test_ends_that_are_none_are_named(ends: tuple[float, float], tolerance: float, field: str) -> None:
    with pytest.raises(UserError) as caught:
        break_even(lambda _: months(UNIT, np.ones((1, 1, 2))), lambda _: 0, ends, tolerance=tolerance)
    assert caught.value.field == field


def test_knowing_is_worth_the_loss_it_spares() -> None:
    """A plan of 240 USD a month covers 300 (20 %): 480 either way. Without: 0 or 600. Mean 300, the best now.

    Known: 0, or 480: mean 240. Knowing is worth 60.
    """
    worth = value_of_information(coin(SpendCommitment((0,), 0, 2, 2, tiers=((240.0, 0.2),))), gap=0.0)
    assert worth.now_usd == pytest.approx(300.0)
    assert worth.then_usd == pytest.approx(240.0)
    assert worth.usd == pytest.approx(60.0)
    assert worth.low_usd == pytest.approx(60.0)


def test_waiting_a_month_teaches_which_it_is() -> None:
    """Signed a month later: 0, or a month at 300 and one at 240: mean 270, against 300 now: worth 30.

    Later without learning: a plan of one period costs 240 for a mean saving of 150, so none: 300; the month teaches 30.
    """
    plan = SpendCommitment((0,), 0, 2, 2, tiers=((240.0, 0.2),))
    worth, taught = value_of_waiting(coin(plan), 1, bins=2, gap=0.0)
    assert (worth.now_usd, worth.then_usd, worth.usd) == pytest.approx((300.0, 270.0, 30.0))
    assert taught.usd == pytest.approx(30.0)


def test_waiting_costs_where_there_is_nothing_to_learn() -> None:
    """100 units at 3 USD for sure: signed now, 2 x 240; a month later, 300 + 240: waiting costs 60."""
    plan = SpendCommitment((0,), 0, 2, 2, tiers=((240.0, 0.2),))
    sure = months(np.full((1, 1, 2), 3.0), np.full((1, 1, 2), 100.0), commitments=(plan,))
    worth, taught = value_of_waiting(sure, 1, bins=1, gap=0.0)
    assert worth.usd == pytest.approx(-60.0)
    assert taught.usd == pytest.approx(0.0)


@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.5, 1.0]))
@settings(max_examples=10, deadline=None)
def test_knowing_never_costs_and_beats_every_wait(seed: int, omega: float) -> None:
    """Information comes free: at best it changes nothing, and what a month teaches is part of it."""
    rng = np.random.default_rng(seed)
    instance = replace(world(rng, 3, 3, 2, 6, 4), risk_weight=omega, month_weight=np.ones(6))
    spend = float(instance.demand.sum() / 4)
    plan = SpendCommitment((1,), 0, 6, 1, tiers=((spend * 0.4, 0.2), (spend * 0.8, 0.35)))
    instance = replace(instance, commitments=(plan,))
    known = value_of_information(instance, gap=0.0)
    assert known.usd >= -1e-6 * known.now_usd
    if omega == 0.0:
        _, taught = value_of_waiting(instance, 2, bins=2, gap=0.0)
        assert taught.usd >= -1e-6 * taught.now_usd


@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.5, 1.0]))
@settings(max_examples=15, deadline=None)
def test_evaluating_the_answer_gives_its_objective(seed: int, omega: float) -> None:
    """Signing what the solver chose, every scenario at its least, costs what the solver said; no other level less."""
    rng = np.random.default_rng(seed)
    instance = replace(world(rng, 4, 3, 2, 6, 4), risk_weight=omega)
    spend = float(instance.demand.sum() / 4)
    plans = (
        SpendCommitment((1,), 0, 6, 2, discount=0.3, high_usd=spend),
        SpendCommitment((0,), 2, 6, 2, "take-or-pay", tiers=((spend * 0.1, 0.1), (spend * 0.3, 0.2))),
    )
    instance = replace(instance, commitments=plans)
    answer = solve(instance, gap=0.0)
    signed = evaluate(instance, answer.levels)
    assert signed.objective_usd == pytest.approx(answer.objective_usd, rel=1e-6)
    assert evaluate(instance, (Level(0.0, 0.0), Level(spend * 0.3, 0.2))).objective_usd >= answer.objective_usd - 1e-6


def test_levels_are_one_for_each_commitment() -> None:
    with pytest.raises(UserError) as caught:
        evaluate(coin(SpendCommitment((0,), 0, 2)), ())
    assert caught.value.field == "levels"


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_the_months_that_passed_and_those_that_come_are_the_whole(seed: int) -> None:
    """Rolled on by one of two periods, what is signed costs in both halves together what it costs in one."""
    rng = np.random.default_rng(seed)
    instance = replace(world(rng, 4, 3, 2, 8, 3), risk_weight=0.0)
    spend = float(instance.demand.sum() / 3)
    levels = (Level(spend * 0.1, 0.3), Level(spend * 0.05, 0.2))
    plans = (
        SpendCommitment((1,), 0, 8, 2, discount=0.3, high_usd=spend),
        SpendCommitment((0,), 0, 4, 1, "take-or-pay", tiers=((spend * 0.05, 0.2),)),
    )
    instance = replace(instance, commitments=plans)
    rest = roll(instance, 4, levels)
    assert [one.signed for one in rest.commitments] == [True]  # the other has ended
    past = replace(
        instance,
        demand=instance.demand[:, :, :4],
        unit_cost_usd=instance.unit_cost_usd[:, :, :4],
        feasible=instance.feasible[:, :, :4],
        month_weight=instance.month_weight[:4],
        commitments=(replace(plans[0], months=4, periods=1), plans[1]),
    )
    weight = float(instance.month_weight[4])
    parts = evaluate(past, levels).scenario_usd + weight * evaluate(rest, levels[:1]).scenario_usd
    assert parts == pytest.approx(evaluate(instance, levels).scenario_usd, rel=1e-6)


def test_what_was_declined_is_offered_again_from_today() -> None:
    plan = SpendCommitment((0,), 0, 2, 2, tiers=((240.0, 0.2),))
    (again,) = roll(coin(plan), 1, (Level(0.0, 0.0),)).commitments
    assert again == plan


def test_a_newer_forecast_takes_the_place_of_the_old() -> None:
    plan = SpendCommitment((0,), 0, 2, 2, tiers=((240.0, 0.2),))
    newer = np.full((1, 2, 1), 7.0)
    assert (roll(coin(plan), 1, (Level(0.0, 0.0),), newer).demand == newer).all()
