"""The bill of a spend under contracts: literal sums, and properties that hold whatever the spend."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from trivium.core import UserError
from trivium.plan.decide._deals import Deal, bill, check_deals, deal_of, tiered
from trivium.plan.org import Contract


def spend(*surfaces: float, months: int = 12) -> np.ndarray:
    """One scenario in which each surface costs so much a year, evenly."""
    return np.array([[[yearly / 12] * months] for yearly in surfaces], dtype=float)


def commitment(form: str, amount: float, discount: float, **more: object) -> Deal:
    return Deal("deal", "spend-commitment", (0,), 0, 12, form, amount, discount, **more)


def test_take_or_pay_above_its_minimum_costs_the_discounted_spend() -> None:
    found = bill(spend(1000.0), [commitment("take-or-pay", 500.0, 0.1)])
    assert found.total[0] == pytest.approx(1000 * 0.9)
    assert found.shortfall["deal"][0] == pytest.approx(0)


def test_take_or_pay_below_its_minimum_costs_the_minimum() -> None:
    found = bill(spend(300.0), [commitment("take-or-pay", 500.0, 0.1)])
    assert found.total[0] == pytest.approx(500)
    assert found.shortfall["deal"][0] == pytest.approx(500 - 300 * 0.9)


def test_other_spend_and_the_share_that_counts_burn_a_commitment_down() -> None:
    deal = commitment("take-or-pay", 500.0, 0.0, counts=0.25, other_usd=200.0)
    # 500 less 200 of other spend, less a quarter of 400: 200 are missing
    assert bill(spend(400.0), [deal]).total[0] == pytest.approx(400 + (500 - 200 - 0.25 * 400))


def test_covered_spend_is_bought_at_the_discount_and_the_rest_at_list() -> None:
    # 450 a year buy 450 / 0.9 = 500 of list spend
    deal = commitment("covered", 450.0, 0.1)
    assert bill(spend(800.0), [deal]).total[0] == pytest.approx(450 + (800 - 500))
    assert bill(spend(100.0), [deal]).total[0] == pytest.approx(450)


def test_a_year_that_the_horizon_cuts_counts_in_proportion() -> None:
    found = bill(spend(0.0, months=6), [commitment("take-or-pay", 500.0, 0.1)])
    assert found.total[0] == pytest.approx(250)


def test_what_remains_of_the_running_year_is_what_is_due() -> None:
    deal = Deal("old", "spend-commitment", (0,), -8, 12, "take-or-pay", 1200.0, 0.0, remaining_usd=90.0)
    assert bill(np.zeros((1, 1, 12)), [deal]).total[0] == pytest.approx(90)


def test_a_commitment_over_two_surfaces_is_filled_by_either() -> None:
    deal = Deal("edp", "spend-commitment", (0, 1), 0, 12, "take-or-pay", 500.0, 0.0)
    assert bill(spend(300.0, 250.0), [deal]).total[0] == pytest.approx(550)


def test_a_discount_comes_before_the_commitment_it_helps_to_fill() -> None:
    deals = [Deal("less", "discount", (0,), 0, 12, discount=0.5), commitment("take-or-pay", 400.0, 0.0)]
    assert bill(spend(1000.0), deals).total[0] == pytest.approx(500)
    assert bill(spend(600.0), deals).total[0] == pytest.approx(400)


def test_volume_tiers_take_their_discount_on_what_is_above_each_threshold() -> None:
    tiers = ((100.0, 0.1), (300.0, 0.2))
    # 100 at list, 200 at 90 %, 100 at 80 %
    assert tiered(np.array([400.0]), tiers)[0] == pytest.approx(100 + 200 * 0.9 + 100 * 0.8)


def test_each_year_of_a_longer_contract_is_settled_by_itself() -> None:
    year = np.concatenate([np.full(12, 100.0), np.full(12, 10.0)])[None, None, :]
    deal = Deal("two years", "spend-commitment", (0,), 0, 24, "take-or-pay", 600.0, 0.0)
    assert bill(year, [deal]).total[0] == pytest.approx(1200 + 600)


amounts = st.floats(0, 1e6)
deals = st.builds(
    commitment,
    st.sampled_from(["covered", "take-or-pay"]),
    amounts,
    st.floats(0, 0.5),
)


@given(yearly=amounts, deal=deals)
def test_a_bill_is_never_less_than_its_commitment_nor_than_the_discounted_spend(yearly: float, deal: Deal) -> None:
    total = bill(spend(yearly), [deal]).total[0]
    assert total >= deal.amount_usd * (1 - 1e-9) - 1e-6
    assert total >= yearly * (1 - deal.discount) * (1 - 1e-9) - 1e-6
    assert total <= max(yearly, deal.amount_usd, yearly + deal.amount_usd) + 1e-6


@given(low=amounts, more=amounts, deal=deals)
def test_a_bill_grows_with_the_spend(low: float, more: float, deal: Deal) -> None:
    assert bill(spend(low), [deal]).total[0] <= bill(spend(low + more), [deal]).total[0] + 1e-6


@given(data=st.data(), months=st.sampled_from([1, 7, 12]))
def test_a_bill_under_many_grows_with_the_spend(data: st.DataObject, months: int) -> None:
    """A dollar more never saves more than itself, whatever is signed beside."""
    ladder = data.draw(ladders)
    monthly = np.array([[[data.draw(amounts) for _ in range(months)]] for _ in range(2)])
    more = np.array([[[data.draw(amounts) for _ in range(months)]] for _ in range(2)])
    floors = [deal for deal in ladder if deal.form == "take-or-pay"]
    before, after = bill(monthly, floors).total[0], bill(monthly + more, floors).total[0]
    assert after >= before * (1 - 1e-9) - 1e-6


@given(yearly=amounts, deal=deals)
def test_what_is_paid_adds_up_over_surfaces_and_months(yearly: float, deal: Deal) -> None:
    found = bill(spend(yearly), [deal])
    assert found.monthly.sum() == pytest.approx(found.total.sum())


def test_deals_that_overlap_in_part_are_refused_by_name() -> None:
    first = Deal("edp", "spend-commitment", (0, 1), 0, 12)
    second = Deal("plan", "spend-commitment", (1,), 0, 12)
    with pytest.raises(UserError, match=r"contracts\.plan\.surfaces"):
        check_deals([first, second], ("bedrock", "claude-aws"))


def test_a_contract_that_has_ended_or_covers_no_surface_in_use_is_none() -> None:
    at = date(2026, 11, 25)
    over = Contract("spend-commitment", ("bedrock",), starts=date(2024, 1, 1), term_months=12)
    assert deal_of("over", over, ("bedrock",), at) is None
    assert deal_of("elsewhere", Contract("discount", ("vertex",)), ("bedrock",), at) is None


def test_a_contract_begins_in_the_month_it_says() -> None:
    contract = Contract(
        "spend-commitment",
        ("bedrock",),
        starts=date(2027, 2, 1),
        term_months=24,
        discount_percent=Decimal(7),
        commitment_usd_per_year="120000",
    )
    deal = deal_of("edp", contract, ("anthropic", "bedrock"), date(2026, 11, 25))
    assert deal is not None
    # the third month runs from 25 January to 24 February: the contract begins after 7 of its 31 days
    assert (deal.first, deal.months, deal.surfaces, deal.discount) == (2 + 7 / 31, 24, (1,), 0.07)
    assert deal.periods(12) == [(2 + 7 / 31, 12, pytest.approx((12 - 2 - 7 / 31) / 12))]


def test_a_commitment_is_held_against_dollars_of_their_month_and_paid_discounted() -> None:
    weight = np.array([0.5] * 12)
    full = [commitment("take-or-pay", 1000.0, 0.1)]
    # 1,200 a year fill 1,000 at 10 % off, whatever a dollar of later is worth today
    found = bill(spend(1200.0) * weight, full, weight)
    assert found.shortfall["deal"][0] == pytest.approx(0)
    assert found.total[0] == pytest.approx(0.5 * 1200 * 0.9)
    assert bill(spend(0.0), full, weight).total[0] == pytest.approx(0.5 * 1000)


def test_thresholds_of_tiers_are_held_against_dollars_of_their_month() -> None:
    deal = Deal("tiers", "volume-tiers", (0,), 0, 12, tiers=((100.0, 0.5),))
    weight = np.array([0.5] * 12)
    assert bill(spend(300.0) * weight, [deal], weight).total[0] == pytest.approx(0.5 * (100 + 200 * 0.5))


def test_what_one_commitment_is_paid_for_nothing_fills_no_other() -> None:
    one, two = (Deal(name, "spend-commitment", (0,), 0, 12, "take-or-pay", 100.0, 0.0) for name in ("one", "two"))
    found = bill(spend(0.0), [one, two])
    assert found.total[0] == pytest.approx(200)
    assert {name: lost[0] for name, lost in found.shortfall.items()} == pytest.approx({"one": 100, "two": 100})


def test_two_covers_on_one_surface_buy_separate_spend() -> None:
    one, two = (Deal(name, "spend-commitment", (0,), 0, 12, "covered", 450.0, 0.1) for name in ("one", "two"))
    # each buys 500 of list spend for 450; the second buys nothing here
    assert bill(spend(500.0), [one, two]).total[0] == pytest.approx(450 + 450)
    assert bill(spend(1300.0), [one, two]).total[0] == pytest.approx(450 + 450 + 300)


def test_a_ladder_of_covers_uses_the_year_that_ends_first_before_the_other() -> None:
    first = Deal("first", "spend-commitment", (0,), -6, 12, "covered", 120.0, 0.0)  # 60 of its year are ahead
    second = Deal("second", "spend-commitment", (0,), 0, 12, "covered", 60.0, 0.0)
    # ten a month: the first covers six months, the second the other six
    assert bill(spend(120.0), [first, second]).total[0] == pytest.approx(60 + 60)


def test_cover_and_take_or_pay_on_one_surface() -> None:
    cover = Deal("cover", "spend-commitment", (0,), 0, 12, "covered", 450.0, 0.1)
    floor = Deal("floor", "spend-commitment", (0,), 0, 12, "take-or-pay", 300.0, 0.2)
    # 500 of 800 are covered for 450; 300 more at 20 % off are 240, and 60 are missing to 300
    assert bill(spend(800.0), [cover, floor]).total[0] == pytest.approx(450 + 240 + 60)


def test_what_remains_of_a_year_that_the_horizon_cuts_counts_in_proportion() -> None:
    deal = Deal("old", "spend-commitment", (0,), -8, 12, "take-or-pay", 1200.0, 0.0, remaining_usd=90.0)
    assert bill(np.zeros((1, 1, 1)), [deal]).total[0] == pytest.approx(90 / 4)
    longer = Deal("old", "spend-commitment", (0,), -20, 36, "take-or-pay", 1200.0, 0.0, remaining_usd=90.0)
    # four months of the second year have 90 left; the third is whole
    assert bill(np.zeros((1, 1, 24)), [longer]).total[0] == pytest.approx(90 + 1200)


def test_what_remains_counts_from_the_month_in_which_the_contract_began() -> None:
    contract = Contract(
        "spend-commitment",
        ("bedrock",),
        status="signed",
        starts=date(2026, 11, 1),
        commitment_usd_per_year="1200",
        remaining_usd="0",
    )
    deal = deal_of("edp", contract, ("bedrock",), date(2026, 11, 25))
    assert deal is not None
    assert bill(np.zeros((1, 1, 12)), [deal]).total[0] == pytest.approx(0)


def committed(**more: object) -> Contract:
    return Contract("spend-commitment", ("bedrock",), status="signed", **{"starts": date(2025, 10, 15), **more})  # type: ignore[arg-type]


def billed(contract: Contract, at: date, monthly: float, months: int = 12) -> np.ndarray:
    """What each month costs where every month would cost so much at list."""
    deal = deal_of("one", contract, ("bedrock",), at)
    return bill(np.full((1, 1, months), monthly), (deal,) if deal else ()).monthly[0]


def test_what_remains_is_of_the_year_that_runs_and_of_no_other() -> None:
    """14 days of the old year are left, with 1,000 to pay; the next has 12 months less 14 of 31 days of 120,000."""
    contract = committed(term_months=24, commitment_usd_per_year="120000", remaining_usd="1000")
    paid = billed(contract, date(2026, 10, 1), 0.0)
    assert paid.sum() == pytest.approx(1000 + 120_000 * (12 - 14 / 31) / 12)
    assert paid[0] == pytest.approx(1000 + 10_000 * 17 / 31)
    assert paid[1:] == pytest.approx(np.full(11, 10_000))


def test_on_the_anniversary_nothing_remains_of_the_year_before() -> None:
    contract = committed(term_months=24, commitment_usd_per_year="120000", remaining_usd="1000")
    assert billed(contract, date(2026, 10, 15), 0.0).sum() == pytest.approx(120_000)


def test_what_renews_goes_on_to_the_end_of_the_horizon_in_whole_terms() -> None:
    """Nine months of the term are gone: three have 300 left, then another year of 1,200 and half of the third."""
    contract = committed(starts=date(2026, 1, 1), renews=True, commitment_usd_per_year="1200", remaining_usd="300")
    paid = billed(contract, date(2026, 10, 1), 0.0, 21)
    assert paid.sum() == pytest.approx(300 + 1200 + 600)
    ended = billed(structs.replace(contract, renews=False), date(2026, 10, 1), 0.0, 21)
    assert ended.sum() == pytest.approx(300)


def test_a_discount_that_renewed_before_the_plan_is_in_force() -> None:
    held = Contract(
        "discount", ("bedrock",), status="signed", starts=date(2025, 1, 1), renews=True, discount_percent=Decimal(20)
    )
    assert billed(held, date(2026, 10, 1), 1000.0).sum() == pytest.approx(12 * 800)
    assert billed(structs.replace(held, renews=False), date(2026, 10, 1), 1000.0).sum() == pytest.approx(12 * 1000)


def test_an_offer_is_judged_for_its_own_term_even_if_it_would_renew() -> None:
    offer = Contract("discount", ("bedrock",), renews=True, term_months=6, discount_percent=Decimal(20))
    assert billed(offer, date(2026, 10, 1), 1000.0).sum() == pytest.approx(6 * 800 + 6 * 1000)


@pytest.mark.parametrize(
    ("starts", "at", "first", "last"),
    [
        (date(2025, 10, 31), date(2026, 10, 1), 1000 - 200 * 30 / 31, 1000),  # 30 of October's 31 days are left
        (
            date(2025, 11, 1),
            date(2026, 10, 31),
            1000 - 200 * 1 / 30,
            1000,
        ),  # 31 October alone, of 30 days to 29 November
        (date(2026, 10, 31), date(2026, 10, 1), 1000 - 200 * 1 / 31, 800),  # the last day of October is the first
    ],
)
def test_a_months_share_of_a_contract_is_that_of_its_days(starts: date, at: date, first: float, last: float) -> None:
    held = Contract("discount", ("bedrock",), status="signed", starts=starts, discount_percent=Decimal(20))
    paid = billed(held, at, 1000.0)
    assert (paid[0], paid[-1]) == pytest.approx((first, last))


def test_a_dollar_burns_down_one_commitment_unless_one_stacks() -> None:
    one, two = (Deal(name, "spend-commitment", (0,), 0, 12, "take-or-pay", 100.0, 0.0) for name in ("one", "two"))
    found = bill(spend(150.0), [two, one])
    # 100 of 150 fill the one whose name comes first, 50 the other, which lacks 50
    assert found.total[0] == pytest.approx(150 + 50)
    assert {name: lost[0] for name, lost in found.shortfall.items()} == pytest.approx({"one": 0, "two": 50})
    assert bill(spend(150.0), [replace(two, stacks=True), one]).total[0] == pytest.approx(150)


def test_the_year_that_ends_first_takes_the_dollars_that_come_first() -> None:
    """Ten a month: the old year's 60 take the first six months; the new one has the other six, and lacks nothing."""
    old = Deal("z", "spend-commitment", (0,), -6, 12, "take-or-pay", 120.0, 0.0)
    new = Deal("a", "spend-commitment", (0,), 0, 12, "take-or-pay", 60.0, 0.0)
    assert bill(spend(120.0), [old, new]).total[0] == pytest.approx(120)
    assert bill(spend(108.0), [old, new]).shortfall["z"][0] == pytest.approx(60 - 54)


def test_what_counts_in_part_is_used_up_whole() -> None:
    """A half counts: 100 of net spend give the first its 50, and 20 are left for the other's 30."""
    half = Deal("a", "spend-commitment", (0,), 0, 12, "take-or-pay", 50.0, 0.0, counts=0.5)
    full = Deal("b", "spend-commitment", (0,), 0, 12, "take-or-pay", 30.0, 0.0)
    found = bill(spend(120.0), [half, full])
    assert {name: lost[0] for name, lost in found.shortfall.items()} == pytest.approx({"a": 0, "b": 10})


ladders = st.lists(
    st.builds(
        Deal,
        st.uuids().map(str),
        st.just("spend-commitment"),
        st.just((0, 1)),
        st.integers(-14, 14) | st.floats(-14, 14),
        st.integers(1, 36) | st.floats(1, 36),
        st.sampled_from(["covered", "take-or-pay"]),
        amounts,
        st.floats(0, 0.3),
    ),
    min_size=1,
    max_size=3,
)


@given(one=amounts, two=amounts, ladder=ladders, months=st.sampled_from([1, 7, 12, 30]), rate=st.floats(0, 0.3))
def test_whatever_is_signed_at_once_is_paid_at_least_and_adds_up(
    one: float, two: float, ladder: list[Deal], months: int, rate: float
) -> None:
    weight = (1 + rate) ** (-np.arange(months) / 12)
    listed = spend(one, two, months=months)
    found = bill(listed * weight, ladder, weight)
    due = sum(deal.amount_usd * share for deal in ladder for _, _, share in deal.periods(months))
    nominal = float((found.paid / weight).sum())
    assert nominal >= due * (1 - 1e-9) - 1e-6
    assert nominal <= float(listed.sum()) + due + 1e-6 * (1 + due)
    assert (found.paid >= -1e-9).all()
    assert found.monthly.sum() == pytest.approx(found.total.sum(), rel=1e-9, abs=1e-9)


def test_a_second_discount_does_not_pull_the_bill_below_a_first_minimum() -> None:
    """100 of spend; 100 promised at no discount, nothing promised at a quarter off: 75 are spent, 25 are missing."""
    deals = [
        Deal("promise", "spend-commitment", (0,), 0, 12, "take-or-pay", 100.0, 0.0),
        Deal("quarter", "spend-commitment", (0,), 0, 12, "take-or-pay", 0.0, 0.25),
    ]
    found = bill(spend(100.0), deals)
    assert found.total[0] == pytest.approx(100)
    assert found.shortfall["promise"][0] == pytest.approx(25)
