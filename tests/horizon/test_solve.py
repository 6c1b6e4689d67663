"""`solve` against every combination of sizes, and against the extensive form in linopy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from horizon.independent import extensive, mixed, placed, tried
from horizon.worlds import world
from trivium.core import UserError
from trivium.plan.horizon import Instance, SpendCommitment, commitment_curve, group, scenario_cost, solve

TIERS = ((40.0, 0.1), (90.0, 0.25))
CONTRACTS = {
    "covered, any size": (SpendCommitment((0,), 0, 6, 1, discount=0.2, high_usd=500),),
    "covered, any size from a least": (SpendCommitment((0,), 0, 6, 1, discount=0.2, low_usd=60, high_usd=500),),
    "covered, one size only": (SpendCommitment((0,), 0, 6, 1, discount=0.05, low_usd=60, high_usd=60),),
    "covered, periods": (SpendCommitment((1,), 0, 6, 3, discount=0.25, high_usd=500),),
    "covered, two surfaces": (SpendCommitment((0, 2), 0, 6, 2, discount=0.2, high_usd=500),),
    "covered, tiers": (SpendCommitment((0,), 0, 6, 1, tiers=TIERS), SpendCommitment((1,), 0, 6, 2, tiers=TIERS)),
    "take-or-pay, tiers": (SpendCommitment((0,), 0, 6, 1, "take-or-pay", tiers=TIERS),),
    "take-or-pay, two of them": (
        SpendCommitment((0,), 0, 6, 2, "take-or-pay", tiers=TIERS),
        SpendCommitment((1,), 0, 6, 1, "take-or-pay", tiers=((150.0, 0.2),)),
    ),
    "take-or-pay, a range": (SpendCommitment((1,), 0, 6, 1, "take-or-pay", 0.1, low_usd=300, high_usd=400),),
    "signed": (
        SpendCommitment((0,), -3, 6, 1, discount=0.15, low_usd=80, signed=True),
        SpendCommitment((1,), 2, 6, 1, "take-or-pay", tiers=((200.0, 0.3),), signed=True),
    ),
    "a ladder": (
        SpendCommitment((0,), -2, 4, 1, discount=0.1, low_usd=60, signed=True),
        SpendCommitment((0,), 1, 4, 1, discount=0.2, high_usd=300),
        SpendCommitment((0, 1), 3, 6, 1, tiers=TIERS),
    ),
    "forms beside each other": (
        SpendCommitment((0,), 0, 6, 2, discount=0.2, high_usd=300),
        SpendCommitment((0, 1, 2), 0, 6, 1, "take-or-pay", tiers=((150.0, 0.05), (250.0, 0.15))),
    ),
}
SIZED = [
    name for name, found in CONTRACTS.items() if not any(c.high_usd > c.low_usd and c.form == "covered" for c in found)
]
CASES = [(name, omega, seed) for seed, name in enumerate(CONTRACTS) for omega in (0.5, float(seed % 2))]


def sizes(found: object) -> tuple[tuple[float, float], ...]:
    return tuple((level.amount_usd, level.discount) for level in found.levels)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("name", "omega", "seed"), CASES)
def test_the_optimum_is_that_of_the_extensive_form_in_an_independent_model(name: str, omega: float, seed: int) -> None:
    weights = (1.0, 1.0, 1.0, 0.9, 0.9, 0.9) if seed % 2 else ()
    instance = world(seed, CONTRACTS[name], omega=omega, weights=weights)
    found = solve(instance, gap=0.0)
    assert found.objective_usd == pytest.approx(extensive(instance), rel=1e-6)
    assert found.lower_bound_usd == pytest.approx(found.objective_usd, rel=1e-6)


@pytest.mark.parametrize("name", SIZED)
@pytest.mark.parametrize("omega", [0.0, 0.5])
def test_no_combination_of_sizes_costs_less(name: str, omega: float) -> None:
    instance = world(7, CONTRACTS[name], omega=omega, shape=(3, 3, 6, 2), weights=(1, 1, 1, 0.8, 0.8, 0.8))
    assert solve(instance, gap=0.0).objective_usd == pytest.approx(tried(instance), rel=1e-7)


@pytest.mark.parametrize("name", list(CONTRACTS))
@pytest.mark.parametrize("omega", [0.0, 0.5, 1.0])
def test_every_scenario_costs_what_its_cheapest_placement_under_the_signed_sizes_costs(name: str, omega: float) -> None:
    instance = world(11, CONTRACTS[name], omega=omega)
    found = solve(instance, gap=0.0)
    alone = placed(instance, sizes(found))
    assert found.scenario_usd == pytest.approx(alone, rel=1e-6)
    assert found.objective_usd == pytest.approx(mixed(alone, instance), rel=1e-6)


@pytest.mark.parametrize("omega", [0.0, 0.5, 1.0])
def test_no_other_size_of_a_range_costs_less(omega: float) -> None:
    instance = world(3, CONTRACTS["covered, any size"], omega=omega)
    best = solve(instance).objective_usd
    for amount in np.linspace(0, 500, 26):
        assert mixed(placed(instance, ((float(amount), 0.2),)), instance) >= best - 1e-6


@pytest.mark.parametrize(
    "name",
    [
        "covered, any size",
        "covered, any size from a least",
        "covered, periods",
        "covered, two surfaces",
        "signed and any",
    ],
)
@pytest.mark.parametrize("omega", [0.0, 0.5, 1.0])
def test_cuts_find_what_one_programme_finds(name: str, omega: float) -> None:
    mixed_ = (
        SpendCommitment((0,), -3, 6, 1, discount=0.15, low_usd=30, signed=True),
        SpendCommitment((0, 1), 1, 4, 2, discount=0.2, high_usd=400),
        SpendCommitment((2,), 0, 6, 1, discount=0.25, high_usd=400),
    )
    instance = world(6, CONTRACTS.get(name, mixed_), omega=omega, shape=(6, 5, 6, 12))
    one, cuts = solve(instance), solve(instance, cuts_from=0)
    assert cuts.objective_usd == pytest.approx(one.objective_usd, rel=1e-6)
    assert cuts.lower_bound_usd <= one.objective_usd * (1 + 1e-7)
    assert cuts.gap <= 2e-7
    assert cuts.scenario_usd == pytest.approx(placed(instance, sizes(cuts)), rel=1e-6)
    assert cuts.shares.sum(axis=1) == pytest.approx(np.ones((6, 6)))


def test_a_sum_by_hand() -> None:
    # 100 a month at list on k0, 90 on k1: two months, one scenario; 20 % off on k0 up to 200 of list spend for 160
    instance = Instance(
        ("w",),
        ("a", "b"),
        ("k0", "k1"),
        np.array([0, 1]),
        np.full((1, 1, 2), 10.0),
        np.array([[[10.0, 10.0], [9.0, 9.0]]]),
        np.ones((1, 2, 2), dtype=bool),
        np.ones(1),
        commitments=(SpendCommitment((0,), 0, 2, discount=0.2, high_usd=1000),),
    )
    found = solve(instance)
    assert found.objective_usd == pytest.approx(160.0)  # against 180 on k1
    assert found.levels[0].amount_usd == pytest.approx(160.0)
    assert found.shares == pytest.approx(np.array([[[1.0, 1.0], [0.0, 0.0]]]))


@pytest.mark.parametrize("name", list(CONTRACTS))
def test_shares_sum_to_one_and_stay_where_a_workload_may_run(name: str) -> None:
    instance = world(5, CONTRACTS[name])
    shares = solve(instance, gap=0.0).shares
    assert shares.sum(axis=1) == pytest.approx(np.ones((4, 6)))
    assert shares.min() >= -1e-9
    for surface in range(3):
        may = instance.feasible[:, instance.surface_of == surface].any(axis=1)
        assert shares[:, surface][~may] == pytest.approx(0.0)


def test_without_contracts_the_shares_reproduce_the_expected_list_spend() -> None:
    instance = world(5)
    found = solve(instance)
    priced = np.where(instance.feasible, instance.unit_cost_usd, np.inf)
    surface = np.stack([priced[:, instance.surface_of == k].min(axis=1) for k in range(3)], axis=1)
    demand = np.einsum("wst,s->wt", instance.demand, instance.probability)
    spend = (np.where(found.shares > 0, surface, 0.0) * found.shares * demand[:, None]).sum()
    assert found.expected_usd == pytest.approx(spend)


def test_what_is_free_on_one_surface_runs_there() -> None:
    instance = world(5)
    free = instance.unit_cost_usd.copy()
    free[:, 1] = 0.0
    found = solve(replace(instance, unit_cost_usd=free, feasible=np.ones_like(instance.feasible)))
    assert found.expected_usd == pytest.approx(0.0)
    assert found.shares[:, 1] == pytest.approx(np.ones((4, 6)))


def test_only_the_cheapest_offer_of_a_surface_counts() -> None:
    instance = world(9, CONTRACTS["covered, tiers"], shape=(4, 6, 6, 3))
    dearer = instance.unit_cost_usd.copy()
    for surface in range(3):
        mine = np.flatnonzero(instance.surface_of == surface)
        priced = np.where(instance.feasible[:, mine], dearer[:, mine], np.inf)
        least = priced.min(axis=1, keepdims=True)
        dearer[:, mine] = np.where(priced > least, dearer[:, mine] * 3, dearer[:, mine])
    changed = replace(instance, unit_cost_usd=dearer)
    assert solve(changed, gap=0.0).objective_usd == pytest.approx(solve(instance, gap=0.0).objective_usd)


def test_workloads_with_prices_in_proportion_are_one_group() -> None:
    instance = world(2, shape=(8, 4, 6, 3))  # four kinds, each twice, and one price cut
    assert len(group(instance).base_usd) <= 8
    split = replace(
        instance,
        workloads=(*instance.workloads, "half"),
        demand=np.concatenate([instance.demand[:-1], instance.demand[-1:] / 2, instance.demand[-1:] / 2]),
        unit_cost_usd=np.concatenate([instance.unit_cost_usd, instance.unit_cost_usd[-1:]]),
        feasible=np.concatenate([instance.feasible, instance.feasible[-1:]]),
    )
    assert len(group(split).base_usd) == len(group(instance).base_usd)
    assert solve(split).objective_usd == pytest.approx(solve(instance).objective_usd)


def test_months_with_equal_prices_in_a_period_merge_and_those_of_other_periods_do_not() -> None:
    flat = world(2, shape=(2, 3, 6, 2))
    flat = replace(flat, unit_cost_usd=np.repeat(flat.unit_cost_usd[:, :, :1], 6, axis=2))
    assert len(group(flat).base_usd) == 1
    halves = replace(flat, commitments=(SpendCommitment((0,), 0, 6, 2, discount=0.1, high_usd=100),))
    assert len(group(halves).base_usd) == 2


def test_splitting_a_scenario_in_two_changes_nothing() -> None:
    instance = world(4, CONTRACTS["covered, any size"])
    twice = replace(
        instance,
        demand=np.concatenate([instance.demand, instance.demand], axis=1),
        probability=np.concatenate([instance.probability, instance.probability]) / 2,
    )
    assert solve(twice).objective_usd == pytest.approx(solve(instance).objective_usd)


@pytest.mark.parametrize("seed", range(4))
def test_at_most_one_group_a_coupling_row_is_split_in_a_scenario(seed: int) -> None:
    contracts = (
        SpendCommitment((0,), 0, 6, 2, discount=0.2, low_usd=50, signed=True),
        SpendCommitment((1,), 0, 6, 1, discount=0.1, low_usd=50, signed=True),
    )
    instance = world(seed, contracts, shape=(6, 4, 6, 1))
    shares = solve(instance).shares
    split = {group(instance).of[w, t] for w, t in np.argwhere(((shares > 1e-7) & (shares < 1 - 1e-7)).any(axis=1))}
    assert len(split) <= 3  # two periods and one


@pytest.mark.parametrize("seed", range(5))
def test_the_curve_is_the_saving_of_a_signed_size(seed: int) -> None:
    commitment = SpendCommitment((0, 1), 0, 6, 2, discount=0.2, high_usd=1000)
    instance = world(seed, weights=(0.9,) * 6)
    amounts = (0.0, 20.0, 77.0, 150.0, 900.0)
    curve = commitment_curve(instance, commitment, amounts)
    for number, amount in enumerate(amounts):
        signed = replace(commitment, low_usd=amount, signed=True)
        with_it = solve(replace(instance, commitments=(signed,)))
        assert scenario_cost(instance) - with_it.scenario_usd == pytest.approx(curve[number], rel=1e-6, abs=1e-5)


def test_a_price_factor_is_what_changed_prices_would_cost() -> None:
    instance = world(1)
    factor = np.array([1.3, 0.9, 1.0])
    changed = replace(instance, unit_cost_usd=instance.unit_cost_usd * factor[instance.surface_of][None, :, None])
    assert scenario_cost(instance, factor) == pytest.approx(placed(changed, ()))


def test_a_workload_without_an_offer_is_named() -> None:
    instance = world(1)
    feasible = instance.feasible.copy()
    feasible[2, :, 4] = False
    with pytest.raises(UserError, match=r"w2.*month 4"):
        solve(replace(instance, feasible=feasible))


@pytest.mark.parametrize(
    ("form", "weights", "name"), [("take-or-pay", (), "form"), ("covered", (1, 1, 1, 1, 1, 0.5), "month_weight")]
)
def test_the_curve_refuses_what_it_cannot_say_exactly(form: str, weights: tuple[float, ...], name: str) -> None:
    commitment = SpendCommitment((0,), 0, 6, 1, form)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=name):
        commitment_curve(world(1, weights=weights), commitment, [10.0])
