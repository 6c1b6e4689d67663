"""Clearing gives the numbers of the published examples, and of one small enough to do by hand."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from trivium.capital.clearing import Clearing, Tranche, clear, debtrank, from_liabilities, system

EXACT = {"rel": 1e-12, "abs": 1e-12}


def lab_cloud_maker(lab_assets: float, kept: float = 1.0, *tranches: Tranche) -> Clearing:
    """Lab owes cloud 30, cloud owes maker 21 and outside 10, maker owes outside 12; they hold 5 and 10 % of lab."""
    return clear(
        from_liabilities(
            ["lab", "cloud", "maker"],
            [lab_assets, 20, 5],
            [[0, 30, 0], [0, 0, 21], [0, 0, 0]],
            [0, 10, 12],
            equity_holdings=[[0, 0, 0], [0.05, 0, 0], [0.10, 0, 0]],
            alpha=kept,
            beta=kept,
        ),
        tranches,
    )


@pytest.mark.parametrize(
    ("lab_assets", "kept", "paid", "to_maker", "equity"),
    [
        (50, 1.0, (30, 31, 12), 21, (20, 20, 16)),
        (18, 1.0, (18, 31, 12), 21, (0, 7, 14)),
        (6, 1.0, (6, 26, 12), Fraction(546, 31), (0, 0, 5 + Fraction(546, 31) - 12)),
        (18, 0.5, (9, Fraction(29, 2), 12), Fraction("304.5") / 31, (0, 0, 5 + Fraction("304.5") / 31 - 12)),
    ],
)
def test_the_lab_the_cloud_and_the_chip_maker(
    lab_assets: float, kept: float, paid: tuple[float, ...], to_maker: Fraction, equity: tuple[float, ...]
) -> None:
    found = lab_cloud_maker(lab_assets, kept)
    assert found.greatest.payments == pytest.approx([float(value) for value in paid], **EXACT)
    assert found.greatest.payments[1] * 21 / 31 == pytest.approx(float(to_maker), **EXACT)
    assert found.greatest.equity == pytest.approx([float(value) for value in equity], **EXACT)
    assert found.unique
    assert found.greatest.verified
    assert found.least.verified


def test_a_conditional_tranche_with_default_costs_has_two_equilibria() -> None:
    found = lab_cloud_maker(24, 0.4, Tranche("maker", "lab", 10, equity_floor=3))
    best, worst = found.greatest, found.least
    assert best.paid_tranches == (True,)
    assert best.payments == pytest.approx([30, 31, 12], **EXACT)
    assert best.equity == pytest.approx([34 - 30, 20 + 30 + 0.05 * 4 - 31, 5 - 10 + 21 + 0.1 * 4 - 12], **EXACT)
    assert worst.paid_tranches == (False,)
    assert worst.payments == pytest.approx([0.4 * 24, 0.4 * (20 + 9.6), 12], **EXACT)
    assert worst.equity == pytest.approx([0, 0, 5 + 11.84 * 21 / 31 - 12], **EXACT)
    assert worst.equity[2] == pytest.approx(1.020645, abs=1e-6)
    assert not found.unique
    assert not found.monotone, "the outflow is deducted from the investor"
    assert (best.verified, worst.verified, found.cycle) == (True, True, ())
    assert found.gap == pytest.approx([4, 19.2, 4.4 - (5 + 11.84 * 21 / 31 - 12)], **EXACT)


def test_the_same_tranche_without_default_costs_has_one_equilibrium() -> None:
    found = lab_cloud_maker(24, 1.0, Tranche("maker", "lab", 10, equity_floor=3))
    assert found.unique
    assert found.least.paid_tranches == (True,)
    assert found.least.equity == pytest.approx([4, 19.2, 4.4], **EXACT)


def test_a_tranche_booked_at_cost_is_monotone_and_costs_its_investor_nothing() -> None:
    found = lab_cloud_maker(24, 0.4, Tranche("maker", "lab", 10, equity_floor=3, as_asset=True))
    assert found.monotone
    assert found.greatest.equity == pytest.approx([4, 19.2, 14.4], **EXACT)
    assert found.least.paid_tranches == (False,)


def test_tranches_that_undo_each_other_go_in_a_circle_that_is_reported() -> None:
    # The lab pays a start-up 6 if it had 8; its owner, with 5 and half of the lab, pays the lab 5 if it had 7. If both
    # pay, the owner has 5 + 3/2; then the lab cannot pay; if none does, the owner has 5 + 4/2 and can; so can the lab.
    stakes = [[0, 0, 0], [0.5, 0, 0], [0, 0, 0]]
    found = clear(
        system(["lab", "owner", "start-up"], [4, 5, 0], equity_holdings=stakes),
        [Tranche("lab", "start-up", 6, equity_floor=2), Tranche("owner", "lab", 5, equity_floor=2)],
    )
    assert not found.monotone
    assert set(found.cycle) == {(True, True), (True, False), (False, False), (False, True)}


def test_rogers_and_veraart_example_3_3_from_below_does_not_stop_at_what_is_no_fixed_point() -> None:
    found = clear(from_liabilities(["a", "b"], [1, 1], [[0, 2], [2.2, 0]], alpha=0.5, beta=0.5))
    assert found.greatest.payments == pytest.approx([2, 2.2], **EXACT)
    assert found.least.payments == pytest.approx([2, 2.2], **EXACT)  # (1, 1) pays in full: 1 + 1 >= 2
    assert found.greatest.waves == found.least.waves == ()


def test_rogers_and_veraart_section_5_1_circle_of_six() -> None:
    owed = np.zeros((6, 6))
    owed[0, 1] = owed[2, 3] = owed[4, 5] = 2
    owed[1, 2] = owed[3, 4] = owed[5, 0] = 3
    found = clear(from_liabilities("012345", [0, 0.8] * 3, owed, alpha=0.5, beta=0.5))
    assert found.greatest.payments == pytest.approx([4 / 15, 8 / 15] * 3, **EXACT)
    assert found.greatest.waves == (("1", "3", "5"), ("0", "2", "4"))


def test_neva_ring_by_eisenberg_and_noe_and_by_linear_debtrank() -> None:
    lent = np.array([[0, 0.5, 0], [0, 0, 0.5], [0.5, 0, 0]])  # the row lent to the column
    found = clear(from_liabilities("ABC", [10 - 1.2, 5 - 1.2, 3 - 1.2], lent.T, [9, 4, 2]))
    value = found.greatest.payments - [9.5, 4.5, 2.5]  # negative: what creditors of all kinds lose
    assert value == pytest.approx([-0.2269320843, -0.2423887588, -0.2119437939], abs=1e-10)
    exact = np.linalg.solve([[1, -1 / 9, 0], [0, 1, -1 / 5], [-1 / 19, 0, 1]], [-0.2, -0.2, -0.2])
    assert value == pytest.approx(exact, **EXACT)
    assert debtrank(lent, [1, 1, 1], [0.1, 0.1, 0.1]) == pytest.approx([0.2, 0.2, 0.2], **EXACT)
    assert debtrank(lent, [1, 1, 1], [1, 0, 0]) == pytest.approx([1, 0.25, 0.5], **EXACT)


@pytest.mark.parametrize(("share", "book"), [(0.05, 1 / 0.95), (0.27, 1 / 0.73), (0.9, 10.0)])
def test_mutual_holdings_gross_up_the_books_and_not_what_is_held_outside(share: float, book: float) -> None:
    found = clear(system(["a", "b"], [1, 1], equity_holdings=[[0, share], [share, 0]])).greatest
    assert found.equity == pytest.approx([book, book], **EXACT)
    assert found.outside_value == pytest.approx(2, **EXACT)
    assert found.gross_up == pytest.approx(book, **EXACT)


def test_ranked_debt_is_paid_class_by_class() -> None:
    found = clear(
        system(["a", "b"], [7, 1], debt=[[4, 0], [6, 2]], debt_holdings=[np.zeros((2, 2)), [[0, 0], [0.5, 0]]])
    )
    assert found.greatest.payments_by_class == pytest.approx(np.array([[4, 0], [3, 2]]), **EXACT)
    assert found.greatest.equity == pytest.approx([0, 1 + 3 / 2 - 2], **EXACT)


def test_a_failure_below_the_threshold_spreads_by_holdings_in_waves() -> None:
    stakes = [[0, 0], [0.5, 0]]
    found = clear(system(["a", "b"], [9, 6], equity_holdings=stakes, thresholds=[10, 10], failure_costs=[4, 3]))
    assert found.greatest.failures == (("a",), ("b",))  # b alone: 6 + 9/2 = 10.5; after a: 6 + 5/2 = 8.5
    assert found.greatest.equity == pytest.approx([9 - 4, 6 + 5 / 2 - 3], **EXACT)
    assert found.greatest.costs == pytest.approx([4, 3], **EXACT)
    assert clear(system(["a"], [10], thresholds=[10], failure_costs=[4])).greatest.failures == ()


def test_a_failure_that_happens_only_if_expected_is_in_the_least_solution_alone() -> None:
    found = clear(system(["a"], [12], thresholds=[10], failure_costs=[4]))
    assert (found.greatest.failures, found.least.failures) == ((), (("a",),))
    assert found.outside_gap == pytest.approx(4, **EXACT)


def test_a_closed_circle_fed_drop_by_drop_is_solved_at_once() -> None:
    found = clear(from_liabilities(["a", "b"], [1e-6, 0], [[0, 1], [1, 0]]))
    assert found.least.payments == pytest.approx([1, 1], rel=1e-8)
    assert found.least.steps < 20
    dry = clear(from_liabilities(["a", "b"], [0, 0], [[0, 1], [1, 0]]))
    assert dry.greatest.payments == pytest.approx([1, 1], **EXACT)
    assert dry.least.payments == pytest.approx([0, 0], **EXACT)
    assert dry.least.waves == (("a", "b"),), "they default only because it is expected"


def test_a_party_that_is_just_solvent_from_below_leaves_the_least_solution_verified() -> None:
    """p0 gets 1 from p2 and its stakes, and owes 2: exact, by the owners' equations E = a + S E + owed - debt."""
    found = clear(
        from_liabilities(
            ["p0", "p1", "p2"],
            [0, 6, 0],
            [[0, 0, 0], [0, 0, 0], [1, 0, 0]],
            [2, 0, 0],
            equity_holdings=[[0, 0.6875, 0.4375], [0.5625, 0, 0.5], [0.375, 0.25, 0]],
            beta=0.75,
        )
    )
    expected = np.linalg.solve(np.eye(3) - found.system.equity_holdings, [1 - 2, 6, -1])
    assert found.unique
    for end in (found.greatest, found.least):
        assert end.verified
        assert end.equity == pytest.approx(expected, **EXACT)
