"""What capacity costs and serves: sums that a reader can redo, and ranges that lose no claim."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivium import catalog
from trivium.capital.capacity import (
    Assumptions,
    Evidence,
    Range,
    Silicon,
    buys,
    gigawatt_costs,
    lags,
    proxy_costs,
    silicon,
    swings,
)
from trivium.cli import main
from trivium.core import UserError

SNAPSHOT = catalog.load().snapshot(date(2026, 11, 25))
CHIP = Silicon(
    "plain",
    Evidence("w", Range.at(1000), ("a",)),
    facility=True,
    tokens_per_s_per_chip=Evidence("t", Range.at(100), ("b",)),
)
FIXED = Assumptions(
    facility_overhead=Range.at(1.2),
    utilisation=Range.at(0.5),
    life_years=Range.at(1),
    capital_rate=Range.at(0.1),
    energy_usd_per_kwh=Range.at(0.1),
)


@pytest.mark.parametrize(
    ("text", "low", "point", "high"),
    [
        ("1000", 1000, 1000, 1000),
        ("about 1085", 1085, 1085, 1085),
        ("130 to 140", 130, 135, 140),
        ("1.3e15", 1.3e15, 1.3e15, 1.3e15),
        ("more than 220000", 220000, 220000, 220000),
    ],
)
def test_a_claims_words_become_a_range(text: str, low: float, point: float, high: float) -> None:
    assert Range.read(text) == Range(low, point, high)


@pytest.mark.parametrize("text", ["yes", "not stated publicly", "up to 1M TPUs", "5900000 (3.4M compute)", "", "10 to"])
def test_other_words_are_no_range(text: str) -> None:
    assert Range.read(text) is None


@pytest.mark.parametrize("ends", [(0, 1, 2), (2, 1, 3), (1, 1, float("inf")), (float("nan"), 1, 2), (-1, 1, 2)])
def test_a_range_is_positive_finite_and_in_order(ends: tuple[float, float, float]) -> None:
    with pytest.raises(UserError, match="range"):
        Range(*ends)


def test_capital_that_costs_next_to_nothing_is_paid_back_in_equal_parts() -> None:
    """At a rate of 10^-20 the annuity over 5 years is a fifth; 1 - (1 + r)^-5 would be 0 in floats."""
    free = replace(FIXED, capital_rate=Range.at(1e-20), life_years=Range.at(5))
    energy_usd = 1e6 * 8766 * 0.1
    assert buys("gw", 1, Range.at(50e9), CHIP, free).usd_per_year.point == pytest.approx(50e9 / 5 + energy_usd)


def test_a_gigawatt_of_a_plain_chip_is_counted_by_hand() -> None:
    """1 GW / 1,000 W = 10^6 chips; x 100 tokens/s x 31,557,600 s x 0.5; one year at 10 % = cost x 1.1, and energy."""
    bought = buys("gw", 1, Range.at(50e9), CHIP, FIXED)
    assert bought.chips == Range.at(1e6)
    assert bought.tokens_per_year.point == pytest.approx(1e6 * 100 * 31_557_600 * 0.5)
    energy_usd = 1e6 * 8766 * 0.1  # kW x hours x USD
    assert bought.usd_per_year.point == pytest.approx(50e9 * 1.1 + energy_usd)
    assert bought.usd_per_mtok.point == pytest.approx((55e9 + energy_usd) / (1e6 * 100 * 31_557_600 * 0.5) * 1e6)


def test_a_commitment_buys_what_the_article_derives() -> None:
    """30 billion at 50 a gigawatt: 0.6 GW; at 10: 3 GW (article.D18, D19). Chips and dollars agree with each other."""
    at_50, at_10 = (buys("usd", 30e9, Range.at(cost), CHIP, FIXED) for cost in (50e9, 10e9))
    assert (at_50.gw, at_10.gw) == (Range.at(0.6), Range.at(3.0))
    assert buys("chips", 6e5, Range.at(50e9), CHIP, FIXED).gw == Range.at(0.6)
    assert at_50.usd_per_mtok == buys("gw", 7, Range.at(50e9), CHIP, FIXED).usd_per_mtok  # a price has no size
    assert SNAPSHOT.claim("article.D18").value == "0.6 GW"
    assert SNAPSHOT.claim("article.D19").value == "3 GW"


def test_every_cost_of_a_gigawatt_is_kept_though_they_conflict() -> None:
    costs = gigawatt_costs(SNAPSHOT)
    assert [cost.value.point / 1e9 for cost in costs] == [10, 22.5, 28, 35, 50, 55, 90]
    whole = Range.over(tuple(cost.value for cost in costs))
    assert (whole.low, whole.point, whole.high) == (10e9, 35e9, 100e9)
    assert all(SNAPSHOT.claim(claim_id).sources for cost in costs for claim_id in cost.claim_ids)


def test_the_share_of_a_gigawatt_that_goes_to_nvidia_is_35_of_50() -> None:
    part = SNAPSHOT.claim("capacity.gw.nvidia-share").number
    whole = SNAPSHOT.claim("capacity.gw.nvidia-50").number
    assert part is not None
    assert whole is not None
    assert part / whole * 100 == 70


def test_each_silicon_names_its_claims_and_one_setting_moves_throughput_twentyfold() -> None:
    found = {chip.name: chip for chip in silicon(SNAPSHOT)}
    assert set(found) == {
        "aws/trainium2",
        "gcp/ironwood (tpu v7)",
        "anthropic/nvidia gpu (colossus 1)",
        "azure/gb200 nvl72",
        "azure/gb300 nvl72",
        "azure/vera rubin nvl72",
    }
    gb300 = found["azure/gb300 nvl72"]
    assert gb300.watts_per_chip.value.point == pytest.approx(135_000 / 72)
    assert gb300.tokens_per_s_per_chip.value.low == pytest.approx(6000 * 0.12 / 2.35)
    assert gb300.tokens_per_s_per_chip.value.point == 6000
    assert found["aws/trainium2"].tokens_per_s_per_chip.value.point == pytest.approx(6000 * 2.9 / 8)
    for chip in found.values():
        for claim_id in (*chip.watts_per_chip.claim_ids, *chip.tokens_per_s_per_chip.claim_ids):
            assert SNAPSHOT.claim(claim_id)


def test_a_building_counts_once() -> None:
    """Watts that hold the building already take no overhead: GB300 loses 1 - 1/1.2 of its chips to it."""
    racks = Silicon("racks", CHIP.watts_per_chip, facility=False, tokens_per_s_per_chip=CHIP.tokens_per_s_per_chip)
    assert buys("gw", 1, Range.at(50e9), racks, FIXED).chips.point == pytest.approx(1e6 / 1.2)
    assert "facility_overhead" not in {swing.name for swing in swings(Range.at(50e9), CHIP, FIXED)}


def test_the_tornado_is_widest_first_and_each_end_can_be_redone() -> None:
    cost = Range(10e9, 35e9, 100e9)
    found = swings(cost, CHIP, Assumptions())
    assert [swing.spread for swing in found] == sorted((swing.spread for swing in found), reverse=True)
    widest = next(swing for swing in found if swing.name == "cost_usd_per_gw")
    points = Assumptions(
        **{
            name: Range.at(getattr(Assumptions(), name).point)
            for name in ("facility_overhead", "utilisation", "life_years", "capital_rate", "energy_usd_per_kwh")
        }
    )
    assert widest.at_high_usd_per_mtok == buys("gw", 1, Range.at(100e9), CHIP, points).usd_per_mtok.point


numbers = st.floats(min_value=0.01, max_value=1e6)


@given(st.tuples(numbers, numbers, numbers).map(sorted), st.tuples(numbers, numbers, numbers).map(sorted))
def test_products_and_quotients_hold_every_pair_of_ends(left: list[float], right: list[float]) -> None:
    a, b = Range(*left), Range(*right)
    for x in left:
        for y in right:
            assert (a * b).low * (1 - 1e-12) <= x * y <= (a * b).high * (1 + 1e-12)
            assert (a / b).low * (1 - 1e-12) <= x / y <= (a / b).high * (1 + 1e-12)


def test_what_was_not_announced_is_not_known() -> None:
    early = catalog.load().snapshot(date(2025, 11, 20))
    assert [cost.value.point / 1e9 for cost in gigawatt_costs(early)] == [22.5, 28, 35, 50, 55]
    assert [lag.subject for lag in lags(early)] == [
        "Anthropic-Amazon Project Rainier",
        "Anthropic-Google TPU",
        "OpenAI-Oracle",
    ]


def test_days_from_signing_to_serving_are_the_difference_of_two_dates() -> None:
    found = {lag.subject: lag for lag in lags(SNAPSHOT)}
    azure = found["Anthropic-Microsoft Azure commitment"]
    assert azure.days == (date(2026, 6, 23) - date(2025, 11, 18)).days == 217
    assert not azure.forward
    assert found["OpenAI-Oracle"].forward


def test_revenue_begins_with_the_payments_of_the_deal_and_is_unknown_where_nobody_says() -> None:
    found = {lag.subject: lag for lag in lags(SNAPSHOT)}
    oracle = found["OpenAI-Oracle"]
    assert oracle.days_to_revenue == (date(2027, 1, 1) - date(2025, 9, 10)).days == 478
    assert SNAPSHOT.claim(oracle.paid_claim_id).value == "2027-01-01"
    assert found["Anthropic-SpaceX Colossus 1"].days_to_revenue == -5  # paid from before the announcement
    azure = found["Anthropic-Microsoft Azure commitment"]
    assert (azure.paid_from, azure.days_to_revenue, azure.paid_claim_id) == (None, None, "")
    early = lags(catalog.load().snapshot(date(2026, 5, 1)))
    assert all(lag.paid_from is None for lag in early if lag.subject == "Anthropic-Google TPU")


def test_published_costs_are_kept_apart_as_proxies() -> None:
    assert [cost.value.point for cost in proxy_costs(SNAPSHOT)] == [0.02, 0.12, 2.35, 4.20]


def test_the_command_prints_ranges_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["capital", "capacity", "--usd", "30e9", "--as-of", "2026-11-25", "--json"])
    assert ended.value.code == 0
    found = json.loads(capsys.readouterr().out)
    assert found["cost_usd_per_gw"] == {"low": 10e9, "point": 35e9, "high": 100e9}
    assert found["buys"][0]["gw"] == {"low": 0.3, "point": pytest.approx(30 / 35), "high": 3.0}
    with pytest.raises(SystemExit):
        main(["capital", "capacity", "--silicon", "trainium"])
    out = capsys.readouterr().out
    assert "aws/trainium2" in out
    assert "no placement counts them" in out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--gw", "1", "--usd", "2"], "--gw, --usd"),
        (["--gw", "0"], "--gw"),
        (["--gw", "nan"], "--gw"),
        (["--assume", "utilisation=0.5:1.5"], "utilisation"),
        (["--assume", "luck=1"], "--assume"),
        (["--assume", "life_years=5:4"], "life_years"),
        (["--cost-usd-per-gw", "cheap"], "--cost-usd-per-gw"),
        (["--silicon", "abacus"], "--silicon"),
    ],
)
def test_wrong_input_is_named(arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["capital", "capacity", *arguments])
    assert ended.value.code == 2
    assert named in capsys.readouterr().err
