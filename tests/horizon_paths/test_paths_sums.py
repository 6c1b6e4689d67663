"""What a plan with moves decides, on sums that can be redone by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from horizon_paths.worlds import months, world
from trivium.core import UserError
from trivium.plan.horizon import Instance, Moves, SpendCommitment, solve_paths


def two_offers(length: int, late: float, *, workloads: int = 1) -> Instance:
    """100 USD a month on the first offer; on the second `late` from month 1 on, 100 before."""
    unit = np.ones((workloads, 2, length))
    unit[:, 1, 1:] = late
    return months(unit, np.full((workloads, 1, length), 100.0))


def test_a_move_is_made_when_it_saves_more_than_it_costs() -> None:
    """Three months at 80 instead of 100 save 60: a move at 59 is made and leaves 400 - 60 + 59; one at 61 is not."""
    instance = two_offers(4, 0.8)
    made = solve_paths(instance, Moves([0], [59.0], [0.0, 0.0]))
    assert made.offer.tolist() == [[0, 1, 1, 1]]
    assert made.objective_usd == pytest.approx(399)
    assert [(move.month, move.before, move.after, move.cost_usd) for move in made.moves] == [(1, 0, 1, 59.0)]
    stays = solve_paths(instance, Moves([0], [61.0], [0.0, 0.0]))
    assert (stays.offer.tolist(), stays.objective_usd, stays.moves) == ([[0, 0, 0, 0]], pytest.approx(400), ())


def test_a_surface_is_opened_once_for_all_who_move_there() -> None:
    """Each of two workloads would save 60; opening costs 100: together they pay for it, one alone does not."""
    together = solve_paths(two_offers(4, 0.8, workloads=2), Moves([0, 0], [0.0, 0.0], [0.0, 100.0]), gap=0.0)
    assert (together.objective_usd, together.onboarding_usd) == (pytest.approx(800 - 120 + 100), 100.0)
    assert together.opened.tolist() == [True, True]
    alone = solve_paths(two_offers(4, 0.8), Moves([0], [0.0], [0.0, 100.0]), gap=0.0)
    assert (alone.objective_usd, alone.onboarding_usd) == (pytest.approx(400), 0.0)
    assert alone.opened.tolist() == [True, False]


def test_a_minimum_stay_forbids_the_short_visit() -> None:
    """Offer 1 costs 50 in month 1 alone: a visit saves 50; with a stay of two months it costs 50 + 120 against 200."""
    unit = np.array([[[1.0, 1.0, 1.0, 1.0], [1.3, 0.5, 1.2, 1.3]]])
    instance = months(unit, np.full((1, 1, 4), 100.0))
    visit = solve_paths(instance, Moves([0], [5.0], [0.0, 0.0]))
    assert (visit.offer.tolist(), visit.objective_usd) == ([[0, 1, 0, 0]], pytest.approx(100 + 50 + 200 + 10))
    stay = solve_paths(instance, Moves([0], [5.0], [0.0, 0.0], min_stay_months=2))
    assert (stay.offer.tolist(), stay.objective_usd) == ([[0, 1, 1, 0]], pytest.approx(100 + 50 + 120 + 100 + 10))
    long = solve_paths(instance, Moves([0], [5.0], [0.0, 0.0], min_stay_months=[1, 3]))
    assert (long.offer.tolist(), long.objective_usd) == ([[0, 0, 0, 0]], pytest.approx(400))


def test_a_retirement_forces_the_move_and_its_cost() -> None:
    instance = two_offers(3, 1.0)
    instance.feasible[0, 0, 2] = False
    found = solve_paths(instance, Moves([0], [70.0], [0.0, 0.0]))
    assert found.objective_usd == pytest.approx(370)
    assert found.offer[0, 2] == 1


def test_a_commitment_draws_workloads_together() -> None:
    """Two workloads at 100 a month; a plan of 160 covers 200 at 20 % off, which neither fills alone: 320 beats 400."""
    unit = np.ones((2, 2, 2))
    instance = months(
        unit, np.full((2, 1, 2), 100.0), commitments=(SpendCommitment((1,), 0, 2, 2, "covered", tiers=((160.0, 0.2),)),)
    )
    found = solve_paths(instance, Moves([0, 0], [30.0, 30.0], [0.0, 0.0]), gap=0.0)
    assert found.objective_usd == pytest.approx(2 * 160 + 2 * 30)
    assert [signed.amount_usd for signed in found.signed] == [pytest.approx(160)]
    dear = solve_paths(instance, Moves([0, 0], [45.0, 45.0], [0.0, 0.0]), gap=0.0)
    assert dear.objective_usd == pytest.approx(400)  # 320 + 90 would be 410
    assert [signed.amount_usd for signed in dear.signed] == [0.0]


def test_risk_shrinks_a_commitment() -> None:
    """Demand of 100 or 20, even chances, 30 % off: at the mean a cover of 100 costs 70 against 100 or 20.

    Cover of 20 costs 14: then 94 or 14, mean 54, worst 94. Cover of 100 costs 70 in both. ω = 0 takes 54, ω = 1 70.
    """
    demand = np.array([[[100.0], [20.0]]])
    commitment = SpendCommitment((0,), 0, 1, 1, "covered", 0.3, high_usd=1000.0)
    for weight, amount, expected in ((0.0, 14.0, 54.0), (1.0, 70.0, 70.0)):
        instance = months(np.ones((1, 1, 1)), demand, commitments=(commitment,), risk_weight=weight)
        found = solve_paths(instance, Moves([0], [0.0], [0.0]), gap=0.0)
        assert found.signed[0].amount_usd == pytest.approx(amount)
        assert found.objective_usd == pytest.approx(expected)


def test_the_bound_holds_and_the_answer_keeps_the_rules_at_a_middling_size() -> None:
    rng = np.random.default_rng(7)
    instance = world(rng, 30, 8, 4, 24, 10)
    month = float(instance.demand.mean(axis=1).sum(axis=0)[0])
    commitments = tuple(
        SpendCommitment((surface,), 0, 24, 2, form, tiers=((2 * month, 0.06), (5 * month, 0.1)))
        for surface, form in enumerate(("covered", "take-or-pay", "covered", "take-or-pay"))
    )
    instance = replace(instance, commitments=commitments)
    moves = Moves(rng.integers(0, 2, 30), np.full(30, 0.01 * month), [0.0, 0.0, 0.5 * month, 0.5 * month], 6)
    found = solve_paths(instance, moves, gap=0.01)
    assert 0.0 <= found.gap <= 0.01
    assert found.lower_bound_usd <= found.objective_usd
    for workload, path in enumerate(found.offer):
        assert instance.feasible[workload, path, np.arange(24)].all()
        entries = [month for month in range(24) if path[month] != (path[month - 1] if month else moves.start[workload])]
        assert all(later - earlier >= 6 for earlier, later in pairwise(entries))
    assert (
        solve_paths(instance, moves, gap=0.01).objective_usd == found.objective_usd
    )  # the same input, the same answer


PLAIN = months(np.ones((1, 2, 2)), np.ones((1, 1, 2)))
FREE = Moves([0], [0.0], [0.0, 0.0])


@pytest.mark.parametrize(
    ("instance", "moves", "field"),
    [
        (PLAIN, replace(FREE, start=[2]), "moves.start"),
        (PLAIN, replace(FREE, switch_cost_usd=[-1.0]), "moves.switch_cost_usd"),
        (PLAIN, replace(FREE, switch_cost_usd=[0.0, 0.0]), "moves.switch_cost_usd"),
        (PLAIN, replace(FREE, onboard_cost_usd=[0.0]), "moves.onboard_cost_usd"),
        (PLAIN, replace(FREE, min_stay_months=0), "moves.min_stay_months"),
        (replace(PLAIN, feasible=np.zeros((1, 2, 2), dtype=bool)), FREE, "feasible[w0]"),
    ],
)
def test_a_wrong_input_is_named(instance: Instance, moves: Moves, field: str) -> None:
    with pytest.raises(UserError) as caught:
        solve_paths(instance, moves)
    assert caught.value.field == field


def test_stays_that_nothing_can_keep_are_named() -> None:
    """Each offer is open in one month of two and every stay lasts two: there is no path."""
    feasible = np.array([[[True, False], [False, True]]])
    with pytest.raises(UserError) as caught:
        solve_paths(replace(PLAIN, feasible=feasible), Moves([-1], [0.0], [0.0, 0.0], min_stay_months=2))
    assert caught.value.field == "moves.min_stay_months"


@pytest.mark.parametrize("form", ["covered", "take-or-pay"])
def test_the_gap_is_proven_at_the_size_of_an_organisation(form: str) -> None:
    """200 workloads, 12 offers, 36 months, 50 scenarios, a commitment of three sizes a surface: one per cent."""
    rng = np.random.default_rng(11)
    instance = world(rng, 200, 12, 4, 36, 50, level=0.9)
    year = float(instance.demand.mean(axis=1).sum(axis=0)[:12].sum())
    tiers = ((0.1 * year, 0.05), (0.2 * year, 0.08), (0.4 * year, 0.1))
    commitments = tuple(SpendCommitment((surface,), 0, 36, 3, form, tiers=tiers) for surface in range(4))
    instance = replace(instance, commitments=commitments, month_weight=np.ones(36))
    month = instance.demand.mean(axis=(1, 2))
    moves = Moves(rng.integers(0, 2, 200), 0.2 * month, [0.0, 0.0, 0.05 * month.sum(), 0.05 * month.sum()], 6)
    assert solve_paths(instance, moves, gap=0.01).gap <= 0.01
