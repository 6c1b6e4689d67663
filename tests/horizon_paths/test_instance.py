"""An instance that contradicts itself is refused by the name of its field."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from horizon_paths.worlds import months
from trivium.core import UserError
from trivium.plan.horizon import Moves, SpendCommitment, solve_paths

PLAIN = months(np.ones((1, 2, 3)), np.ones((1, 2, 3)))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("surface_of", np.array([0, 2])),
        ("surface_of", np.array([0])),
        ("demand", np.ones((1, 2))),
        ("demand", np.full((1, 2, 3), -1.0)),
        ("demand", np.full((1, 2, 3), np.nan)),
        ("unit_cost_usd", np.ones((2, 2, 3))),
        ("unit_cost_usd", np.full((1, 2, 3), np.inf)),
        ("feasible", np.ones((1, 2, 2), dtype=bool)),
        ("probability", np.array([0.5, 0.4])),
        ("month_weight", np.zeros(3)),
        ("risk_weight", 1.5),
        ("risk_level", 1.0),
    ],
)
def test_a_wrong_field_is_named(field: str, value: object) -> None:
    with pytest.raises(UserError) as caught:
        replace(PLAIN, **{field: value})
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("commitment", "field"),
    [
        (SpendCommitment((2,), 0, 3), "commitments[0].surfaces"),
        (SpendCommitment((), 0, 3), "commitments[0].surfaces"),
        (SpendCommitment((0,), 0, 3, form="barter"), "commitments[0].form"),  # type: ignore[arg-type]  # the point
        (SpendCommitment((0,), 0, 3, periods=4), "commitments[0].periods"),
        (SpendCommitment((0,), 0, 3, discount=1.0), "commitments[0]"),
        (SpendCommitment((0,), 0, 3, tiers=((-1.0, 0.1),)), "commitments[0]"),
        (SpendCommitment((0,), 0, 3, tiers=((1.0, 0.1), (2.0, 0.2)), signed=True), "commitments[0].tiers"),
        (SpendCommitment((0,), 0, 3, low_usd=2.0, high_usd=1.0), "commitments[0].high_usd"),
    ],
)
def test_a_wrong_commitment_is_named(commitment: SpendCommitment, field: str) -> None:
    with pytest.raises(UserError) as caught:
        replace(PLAIN, commitments=(commitment,))
    assert caught.value.field == field


def test_a_price_that_nobody_can_pay_may_be_anything() -> None:
    """Where an offer is not feasible its price is never read: three months at 1 USD and 1 unit are 3."""
    unit = PLAIN.unit_cost_usd.copy()
    unit[0, 1] = np.inf
    feasible = np.ones((1, 2, 3), dtype=bool)
    feasible[0, 1] = False
    instance = replace(PLAIN, unit_cost_usd=unit, feasible=feasible)
    assert solve_paths(instance, Moves([1], [5.0], [0.0, 0.0])).objective_usd == pytest.approx(3 + 5)


def test_what_is_signed_is_paid_though_it_is_too_much() -> None:
    """Three months of 1 USD under a signed plan of 10 a month at 50 % off: 30 are paid."""
    signed = SpendCommitment((0, 1), 0, 3, 3, discount=0.5, low_usd=10.0, signed=True)
    found = solve_paths(replace(PLAIN, commitments=(signed,)), Moves([0], [0.0], [0.0, 0.0]))
    assert found.objective_usd == pytest.approx(30)
    assert found.signed[0].amount_usd == pytest.approx(10)


def test_no_demand_costs_nothing() -> None:
    nothing = replace(PLAIN, demand=np.zeros((1, 2, 3)))
    found = solve_paths(nothing, Moves([0], [1.0], [0.0, 0.0]))
    assert (found.objective_usd, found.gap, found.moves) == (0.0, 0.0, ())
