"""Each scenario does what it says, both ends are those of the worked example, and every loss has its channel."""

from __future__ import annotations

from dataclasses import replace
from math import exp
from typing import Any

import pytest

from trivium.capital.stress import (
    CHANNELS,
    Cancel,
    CreditStop,
    Default,
    Guarantee,
    Holding,
    Mark,
    Network,
    Obligation,
    Outage,
    Party,
    Resale,
    Service,
    Stall,
    Stress,
    Together,
    Tranche,
    Withhold,
    example_text,
    parse_scenario,
    read_network,
    run_stress,
    scenario_words,
)
from trivium.core import UserError

EXACT = {"rel": 1e-9, "abs": 1e-9}


def party(name: str, assets: float = 0.0, **more: Any) -> Party:
    return Party(name, assets=assets, **{"income": (0.0,), **more})


def worked(kept: float) -> Network:
    """The lab, the cloud and the chip maker of the clearing page, as balance sheets."""
    costs = {"alpha": kept, "beta": kept}
    return Network(
        1,
        (party("lab", 24, **costs), party("cloud", 20, **costs), party("maker", 5, **costs)),
        (
            Obligation("a", "lab", "cloud", (30,)),
            Obligation("b", "cloud", "maker", (21,)),
            Obligation("c", "cloud", "", (10,)),
            Obligation("d", "maker", "", (12,)),
        ),
        (Holding("cloud", "lab", 0.05), Holding("maker", "lab", 0.10)),
        (Tranche("maker", "lab", 10, equity_floor=3),),
    )


def ends(found: Stress, which: str) -> list[float]:
    return [getattr(outcome, which).equity for outcome in found.outcomes]


def test_the_worked_example_has_its_two_equilibria() -> None:
    found = run_stress(worked(0.4))
    assert ends(found, "best") == pytest.approx([4, 19.2, 4.4], **EXACT)
    assert ends(found, "worst") == pytest.approx([0, 0, 5 + 11.84 * 21 / 31 - 12], **EXACT)
    assert (found.waves_best, found.waves_worst) == ((), (("lab",), ("cloud",)))
    assert not found.monotone
    # outside: 85 % of 4, all of 19.2 and 4.4, debts of 10 and 12; or 1.0206, 11.84 * 10/31 and 12
    best, worst = 0.85 * 4 + 19.2 + 4.4 + 10 + 12, 5 + 11.84 * 21 / 31 - 12 + 11.84 * 10 / 31 + 12
    assert found.gap == pytest.approx(best - worst, **EXACT)
    assert run_stress(worked(1.0)).gap == pytest.approx(0, abs=1e-9)


def test_c_a_withheld_tranche_leaves_one_equilibrium() -> None:
    found = run_stress(worked(0.4), Withhold())
    assert ends(found, "best") == pytest.approx(ends(found, "worst"), **EXACT)
    assert found.outcomes[0].best.default
    assert found.outcomes[0].best.recovery == pytest.approx(9.6 / 30)


def supply(**more: Any) -> Network:
    values = {
        "quarters": 2,
        "parties": (party("lab", 30, income=(5, 15)), party("cloud", 10, income=(0, 0))),
        "obligations": (
            Obligation(
                "use", "lab", "cloud", (10, 10), "commitment", avoidable=0.3, resale=0.2, supplier_notice_days=90
            ),
        ),
        "services": (Service("lab", "cloud", 0.8, substitutable=0.25),),
        **more,
    }
    return Network(**values)


def test_a_default_loses_the_margin_and_sells_the_capacity() -> None:
    found = run_stress(supply(), Default("lab"))
    lab, cloud = found.outcomes
    assert lab.before == pytest.approx(30 + 5 + 15 - 20, **EXACT)
    assert cloud.before == pytest.approx(10 + 20 * 0.7, **EXACT)  # what it does not save
    assert cloud.best.equity == pytest.approx(10 + 20 * 0.2, **EXACT)  # what others buy
    assert cloud.best.channels["lost future margin"] == pytest.approx(-20 * 0.5, **EXACT)
    assert lab.best.direct == pytest.approx(-30, **EXACT)


def test_a_default_leaves_running_losses_and_makes_nobody_better_off() -> None:
    """A party with 15 that loses 4 a quarter is worth 11; without the 15 it is short of 4."""
    losing = Network(1, (party("lab", 15, income=(-4.0,)), party("holder")), (), (Holding("holder", "lab", 0.5),))
    outcomes = run_stress(losing, Default("lab")).outcomes
    assert [outcome.before for outcome in outcomes] == pytest.approx([11, 5.5], **EXACT)
    assert [outcome.best.equity for outcome in outcomes] == pytest.approx([0, 0], **EXACT)
    assert Default("lab").apply(losing).parties[0].income == (-4.0,)


def test_ranks_are_an_order_and_how_far_apart_they_are_changes_nothing() -> None:
    def ranked(first: int, second: int) -> Network:
        debts = (Obligation("a", "lab", "cloud", (30,), rank=first), Obligation("b", "lab", "", (10,), rank=second))
        return Network(1, (party("lab", 33), party("cloud", 0)), debts)

    near, far = run_stress(ranked(1, 2)), run_stress(ranked(7, 10**9))
    assert ends(near, "best") == ends(far, "best") == pytest.approx([0, 30], **EXACT)


def test_b_a_stall_keeps_income_at_its_first_quarter() -> None:
    lab = run_stress(supply(), Stall(("lab",))).outcomes[0]
    assert lab.best.equity == pytest.approx(30 + 5 + 5 - 20, **EXACT)
    half = run_stress(supply(), Stall(("lab",), kept=0.5)).outcomes[0]
    assert half.best.equity == pytest.approx(30 + 5 + 10 - 20, **EXACT)


def test_d_a_mark_takes_value_of_unlisted_stakes_and_no_cash() -> None:
    network = Network(
        1,
        (party("fund", 1), party("lab", 50, listed=False), party("cloud", 10)),
        (),
        (Holding("fund", "lab", 0.2), Holding("fund", "cloud", 0.1)),
    )
    fund = run_stress(network, Mark(40)).outcomes[0]
    assert fund.before == pytest.approx(1 + 0.2 * 50 + 0.1 * 10, **EXACT)
    assert fund.best.channels["equity holding"] == pytest.approx(-0.4 * 0.2 * 50, **EXACT)
    assert fund.first_behind is None


def test_e_a_lower_price_of_capacity_is_lost_on_what_is_released() -> None:
    market = supply(resale_sensitivity=0.5, resale_market=8.0)
    assert run_stress(market, Resale(50)).outcomes[1].best.change == pytest.approx(0 - 20 * 0.2 * 0, **EXACT)
    found = run_stress(market, Together((Default("lab"), Resale(50)))).outcomes[1].best
    price = 0.5 * exp(-0.5 * (20 * 0.2) / 8)
    assert found.equity == pytest.approx(10 + 20 * 0.2 * price, **EXACT)
    assert found.channels["resale price"] == pytest.approx(20 * 0.2 * (price - 1), **EXACT)


def lent(**more: Any) -> Network:
    values = {
        "quarters": 1,
        "parties": (party("vehicle", 6, vehicle=True), party("bank", 1), party("maker", 5, undrawn_credit=3)),
        "obligations": (Obligation("loan", "vehicle", "bank", (10,)), Obligation("bond", "maker", "", (2,))),
        "guarantees": (Guarantee("maker", "vehicle", "bank", 3),),
        **more,
    }
    return Network(**values)


def test_a_guarantee_makes_good_what_is_not_paid_up_to_its_amount() -> None:
    vehicle, bank, maker = run_stress(lent()).outcomes
    assert (vehicle.before, bank.before, maker.before) == pytest.approx((0, 1 + 6 + 3, 5 - 2 - 3), **EXACT)
    assert vehicle.best.default


def test_a_called_guarantee_has_its_channel() -> None:
    network = lent(parties=(party("vehicle", 12, vehicle=True), party("bank", 1), party("maker", 5)))
    _, bank, maker = run_stress(network, Default("vehicle", remaining=0.5)).outcomes
    assert bank.best.change == pytest.approx(-4 + 3, **EXACT)
    assert bank.best.channels["payment"] == pytest.approx(-4, abs=1.6)
    assert bank.best.channels["guarantee"] > 0
    assert maker.best.channels["guarantee"] < 0


def test_two_guarantees_for_the_same_debt_make_it_good_once() -> None:
    twice = (Guarantee("maker", "vehicle", "bank", 6), Guarantee("other", "vehicle", "bank", 2))
    parties = (party("vehicle", 6), party("bank", 1), party("maker", 9), party("other", 9))
    found = run_stress(lent(parties=parties, guarantees=twice)).outcomes
    assert [item.before for item in found] == pytest.approx([0, 1 + 10, 9 - 2 - 3, 9 - 1], **EXACT)


def test_f_a_credit_stop_calls_the_guarantees_of_vehicles_and_takes_credit_away() -> None:
    network = lent(parties=(party("vehicle", 12, vehicle=True), party("bank", 1), party("maker", 0, undrawn_credit=5)))
    assert run_stress(network).outcomes[2].first_behind is None
    found = run_stress(network, CreditStop())
    vehicle, bank, maker = found.outcomes
    assert vehicle.best.equity == pytest.approx(12 - 10, **EXACT)  # it owes 3 of the 10 to its guarantor now
    assert bank.best.equity == pytest.approx(1 + 7 + 3 * 3 / 5, **EXACT)
    assert maker.best.recovery == pytest.approx(3 / 5, **EXACT)  # 3 from the vehicle, for 3 and the bond of 2
    assert maker.first_behind == 0  # its credit is gone, and the vehicle has no cash yet


def test_g_a_supplier_that_may_cancel_takes_the_service_with_it() -> None:
    lab, cloud = run_stress(supply(), Cancel("use")).outcomes
    assert lab.best.equity == pytest.approx(30 + 5 + 15 * (1 - 0.8 * 0.75) - 10, **EXACT)
    assert cloud.best.equity == pytest.approx(10 + 10 * 0.7, **EXACT)
    fixed = supply(obligations=(Obligation("use", "lab", "cloud", (10, 10)),))
    with pytest.raises(UserError, match="may not end it"):
        run_stress(fixed, Cancel("use"))


def test_h_an_outage_costs_what_cannot_be_moved_for_its_days() -> None:
    lab = run_stress(supply(), Outage("cloud", 91)).outcomes[0]
    assert lab.best.change == pytest.approx(-5 * 0.8 * 0.75, **EXACT)
    lab = run_stress(supply(), Outage("cloud", 182)).outcomes[0]
    assert lab.best.change == pytest.approx(-(5 + 15) * 0.8 * 0.75, **EXACT)


def test_a_commitment_that_can_be_cancelled_counts_up_to_its_notice() -> None:
    use = Obligation("use", "lab", "cloud", (10, 10, 10), "commitment", firm_share=0.2, notice_days=60)
    network = Network(3, (party("lab", 30, income=(0, 0, 0)), party("cloud", income=(0, 0, 0))), (use,))
    assert run_stress(network).outcomes[0].before == pytest.approx(30 - 10 - 2 - 2, **EXACT)


def test_amounts_of_later_quarters_are_discounted() -> None:
    network = Network(4, (party("lab", income=(0, 0, 0, 11)),), discount_per_year=0.1)
    assert run_stress(network).outcomes[0].before == pytest.approx(11 / 1.1, **EXACT)


@pytest.mark.parametrize("number", range(8))
def test_in_the_example_every_change_is_direct_or_has_a_channel(number: int) -> None:
    network, scenarios = read_network(example_text())
    found = run_stress(network, scenarios[number])
    assert found.cycles == ()
    for outcome in found.outcomes:
        for end in (outcome.best, outcome.worst):
            assert set(end.channels) == set(CHANNELS)
            assert end.change == pytest.approx(end.direct + sum(end.channels.values()), **EXACT)
            assert end.equity - outcome.before == pytest.approx(end.change, **EXACT)
        assert outcome.best.equity >= outcome.worst.equity - 1e-9 or not found.monotone


def test_nothing_happens_without_a_scenario_and_the_channels_say_so() -> None:
    network, _ = read_network(example_text())
    found = run_stress(network)
    assert all(outcome.best.change == pytest.approx(0, abs=1e-9) for outcome in found.outcomes)
    assert all(value == pytest.approx(0, abs=1e-9) for item in found.outcomes for value in item.best.channels.values())


def test_the_value_outside_is_what_came_less_what_was_destroyed() -> None:
    network = supply(parties=(party("lab", 3, income=(5, 5), alpha=0.5), party("cloud", 10, income=(0, 0))))
    found = run_stress(network)
    # the lab has 13 and must pay 20: of 3 + 10 - (20 - 10 at stake) = 3, a half is left for the claim of 10
    assert found.outcomes[0].best.recovery == pytest.approx(1.5 / 10, **EXACT)
    assert found.outcomes[1].before == pytest.approx(10 + 20 * 0.2 + 1.5, **EXACT)


def test_tranches_against_each_other_are_reported_as_a_cycle() -> None:
    network = Network(
        1,
        (party("lab", 4), party("owner", 5), party("start-up", 0)),
        (),
        (Holding("owner", "lab", 0.5),),
        (Tranche("lab", "start-up", 6, equity_floor=2), Tranche("owner", "lab", 5, equity_floor=2)),
    )
    found = run_stress(network)
    assert not found.monotone
    assert len(found.cycles) == 4


@pytest.mark.parametrize(
    ("text", "scenario"),
    [
        ("default:Aster Lab", Default("Aster Lab")),
        ("stall:a,b", Stall(("a", "b"))),
        ("withhold", Withhold()),
        ("mark:40", Mark(40)),
        ("resale:30", Resale(30)),
        ("credit-stop", CreditStop()),
        ("cancel:x:y", Cancel("x:y")),
        ("outage:a:b:14", Outage("a:b", 14)),
        ("withhold + mark:1", Together((Withhold(), Mark(1)))),
    ],
)
def test_scenarios_are_words(text: str, scenario: object) -> None:
    assert parse_scenario(text) == scenario
    assert scenario_words(parse_scenario(text)) == text


@pytest.mark.parametrize(
    "text", ["", "fall", "default", "stall:", "mark:x", "mark:-1", "mark:101", "resale:nan", "outage:14", "outage:a:x"]
)
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(UserError, match="scenario"):
        parse_scenario(text)


@pytest.mark.parametrize(
    ("scenario", "field"),
    [(Default("x"), "scenario"), (Stall(("x",)), "scenario"), (Outage("x", 1), "outage"), (Cancel("x"), "cancel")],
)
def test_a_scenario_about_nobody_is_refused(scenario: Any, field: str) -> None:
    with pytest.raises(UserError) as refused:
        run_stress(supply(), scenario)
    assert refused.value.field == field


def test_capacity_without_a_market_is_refused() -> None:
    with pytest.raises(UserError, match="resale_market"):
        run_stress(replace(supply(), resale_market=0.0))
