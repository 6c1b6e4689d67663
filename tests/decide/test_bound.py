"""The bound is below every plan, whatever day a contract begins, renews or ends on: all plans are tried."""

from dataclasses import dataclass, replace
from datetime import date
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivium.core import UserError
from trivium.plan._months import month_starts
from trivium.plan.decide._advice import Offered, Risk
from trivium.plan.decide._bound import bound
from trivium.plan.decide._deals import Deal, bill, check_deals, deal_of
from trivium.plan.decide._joint_moves import Moves, moves_cost
from trivium.plan.decide._scenes import Scenes, objective
from trivium.plan.org import Contract

AT = date(2026, 10, 1)
MONTHS = 3
SURFACES = ("bedrock", "vertex")
RISK = Risk(0.5, 0.5)


@dataclass(frozen=True)
class Named:
    name: str


def world(unit: np.ndarray, demand: np.ndarray, yearly_rate: float = 0.0) -> Scenes:
    months = unit.shape[2]
    weight = (1 + yearly_rate) ** (-np.arange(months) / 12)
    parts = tuple(Named(f"part {number}") for number in range(len(unit)))
    return Scenes(parts, SURFACES, month_starts(AT, months), unit, demand, weight)  # type: ignore[arg-type]


def still(scenes: Scenes, switch_usd: float) -> Moves:
    shape = len(scenes.parts), len(SURFACES)
    return Moves((0,) * shape[0], np.full(shape, switch_usd), np.zeros(shape[1]), 1, (0, 0), (0,) * shape[0])


def least(scenes: Scenes, moves: Moves, in_force: list[Deal], offers: list[Offered]) -> float:
    """The least objective of all paths under all levels of all offers."""
    best = np.inf
    parts, surfaces, months = scenes.unit_usd.shape
    for paths in product(product(range(surfaces), repeat=months), repeat=parts):
        shares = np.zeros_like(scenes.unit_usd)
        for part, path in enumerate(paths):
            shares[part, path, np.arange(months)] = 1.0
        spend, moved = scenes.spend(shares), moves_cost(shares, moves)
        for levels in product(*((None, *offer.levels) for offer in offers)):
            deals = [*in_force, *(deal for deal in levels if deal is not None)]
            totals = bill(spend, deals, scenes.month_weight).total + moved
            best = min(best, objective(totals, RISK.weight, RISK.level))
    return float(best)


places = st.floats(-13, 2.5)
floors = st.builds(
    Deal,
    st.uuids().map(str),
    st.sampled_from(["spend-commitment", "discount"]),
    st.sampled_from([(0,), (1,), (0, 1)]),
    places,
    st.sampled_from([6, 12, 18, 24]) | st.floats(1, 24),
    st.just("take-or-pay"),
    st.floats(0, 500),
    st.sampled_from([0.0, 0.1, 0.3]),
    remaining_usd=st.none() | st.floats(0, 100),
)
covers = st.builds(
    Deal,
    st.uuids().map(str),
    st.just("spend-commitment"),
    st.sampled_from([(0,), (1,)]),
    places,
    st.sampled_from([12, 24]),
    st.just("covered"),
    st.floats(0, 500),
    st.sampled_from([0.0, 0.1, 0.3]),
)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_plan_is_below_the_bound(data: st.DataObject) -> None:
    def drawn(*shape: int) -> np.ndarray:
        return np.array([data.draw(st.floats(1, 50)) for _ in range(int(np.prod(shape)))]).reshape(shape)

    scenes = world(drawn(1, 2, MONTHS), drawn(1, 2, MONTHS), data.draw(st.sampled_from([0.0, 0.2])))
    moves = still(scenes, data.draw(st.sampled_from([0.0, 20.0])))
    in_force = data.draw(st.lists(floors | covers, max_size=3))
    asked = data.draw(st.lists(floors | covers, max_size=1))
    offers = [
        Offered(
            deal.name,
            None,  # type: ignore[arg-type]  # what it says is in its levels
            (replace(deal, remaining_usd=None),)
            if deal.kind == "discount"
            else tuple(replace(deal, remaining_usd=None, amount_usd=deal.amount_usd * part) for part in (0.5, 1.0)),
        )
        for deal in asked
    ]
    try:
        check_deals([*in_force, *asked], SURFACES)
    except UserError:  # what overlaps in part is refused before
        return
    found = bound(scenes, moves, in_force, offers, RISK, spread=False)
    if found.lower_usd is None:
        return
    best = least(scenes, moves, in_force, offers)
    assert found.lower_usd <= best * (1 + 1e-6) + 1e-6


@pytest.mark.parametrize("remaining", ["", "100"])
def test_a_commitment_cut_within_a_month_keeps_a_bound_near_the_best_plan(remaining: str) -> None:
    """1,200 a year from 15 October on, at 10 % off, and 90 of net spend a month: that of October is counted twice."""
    contract = Contract(
        "spend-commitment",
        ("bedrock",),
        status="signed",
        starts=date(2025, 10, 15),
        term_months=24,
        commitment_usd_per_year="1200",
        remaining_usd=remaining,
        discount_percent=10,  # type: ignore[arg-type]
    )
    deal = deal_of("edp", contract, SURFACES, AT)
    assert deal is not None
    scenes = world(np.full((1, 2, 6), 100.0), np.ones((1, 1, 6)))
    moves = still(scenes, 0.0)
    found = bound(scenes, moves, [deal], [], RISK, spread=False)
    best = least(scenes, moves, [deal], [])
    assert found.lower_usd is not None
    assert best - 2 * 90 <= found.lower_usd <= best * (1 + 1e-6)
