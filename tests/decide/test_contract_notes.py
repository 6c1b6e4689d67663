"""What is taken for granted of signed contracts is written where a reader sees it, with what would end it."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from decide.orgs import AT, SILENT, demands, given, organisation
from trivium import catalog
from trivium.plan.decide import decide
from trivium.plan.decide._frame import Given
from trivium.plan.org import Assumption, Contract
from trivium.pricing import PriceBook

ORDER = """
[sources.order]
title = "Order form 4711"
date = "2026-09-30"

[[contract]]
id = "order"
surface = "anthropic"
models = ["claude-sonnet-5"]
tiers = ["standard"]
factor = "0.85"
from = 2026-10-01
until = 2027-10-01
status = "contracted"
sources = ["order"]
"""


def told(asked: Given, field: str) -> list[Assumption]:
    return [item for item in decide(asked, SILENT).assumptions if item.field == field]


def less(**more: object) -> Contract:
    usual = {"status": "signed", "starts": date(2026, 1, 1), "discount_percent": Decimal(20), **more}
    return Contract("discount", ("anthropic",), **usual)  # type: ignore[arg-type]


def test_a_renewal_that_counts_names_the_day_of_notice() -> None:
    asked = given(organisation(contracts={"less": less(renews=True, notice_days=30)}))
    (item,) = told(asked, "contracts.less.renews")
    assert item.why == (
        "the term that runs ends on 2027-01-01; it is counted as renewed for 12 months at a time, on the same terms; "
        "notice by 2026-12-02 would end it on 2027-01-01"
    )


def test_a_renewal_that_no_notice_stops_any_more_says_so() -> None:
    asked = given(organisation(contracts={"less": less(renews=True, notice_days=60)}))  # by 2 November, AT is the 20th
    (item,) = told(asked, "contracts.less.renews")
    assert "has passed: it renews on 2027-01-01; notice by 2027-11-02 would end it on 2028-01-01" in item.why


def test_what_does_not_renew_within_the_horizon_takes_nothing_for_granted() -> None:
    for contract in (less(), less(renews=True, term_months=36), less(renews=True, status="offered", starts=None)):
        assert told(given(organisation(contracts={"less": contract})), "contracts.less.renews") == []


def test_a_renewing_discount_is_worth_the_same_in_the_plan_as_one_that_lasts() -> None:
    renewing = decide(given(organisation(contracts={"less": less(renews=True)})), SILENT)
    lasting = decide(given(organisation(contracts={"less": less(term_months=36)})), SILENT)
    ending = decide(given(organisation(contracts={"less": less()})), SILENT)
    assert renewing.forecast.mean_usd == pytest.approx(lasting.forecast.mean_usd)
    assert renewing.forecast.mean_usd < ending.forecast.mean_usd


def with_order(folder: Path) -> Given:
    (folder / "prices.toml").write_text(ORDER)
    snapshot = catalog.load([folder]).snapshot(AT)
    return replace(given(), snapshot=snapshot, book=PriceBook.from_snapshot(snapshot), demands=demands())


def test_a_discount_on_prices_that_were_agreed_names_both(tmp_path: Path) -> None:
    asked = replace(with_order(tmp_path), organisation=organisation(contracts={"less": less()}))
    (item,) = told(asked, "contracts.less.discount_percent")
    assert item.why == (
        "anthropic has prices agreed by claims price.contract.order, and contracts.less is taken off these too"
    )
    elsewhere = Contract("discount", ("bedrock",), status="signed", discount_percent=Decimal(20))
    none = replace(asked, organisation=organisation(contracts={"less": elsewhere}))
    assert told(none, "contracts.less.discount_percent") == []
    assert told(given(organisation(contracts={"less": less()})), "contracts.less.discount_percent") == []


def test_two_floors_on_one_platform_say_whose_dollar_is_whose() -> None:
    def floor(**more: object) -> Contract:
        usual = {"status": "signed", "commitment_usd_per_year": "10", **more}
        return Contract("spend-commitment", ("bedrock",), **usual)  # type: ignore[arg-type]

    asked = given(organisation(contracts={"a": floor(), "b": floor()}))
    (item,) = told(asked, "contracts.a, contracts.b")
    assert item.why == "both are on bedrock: a dollar burns one of them down, the one whose year ends first"
    stacking = given(organisation(contracts={"a": floor(), "b": floor(stacks=True)}))
    assert told(stacking, "contracts.a, contracts.b") == []
    paid, less_paid = (decide(one, SILENT).forecast.mean_usd for one in (asked, stacking))
    assert paid >= less_paid
