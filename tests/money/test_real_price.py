"""Every lever of a workload is exact, adds up, and says what it rests on; the bridge adds up to the forecast."""

from __future__ import annotations

from decimal import Decimal

import pytest

from money.world import OPUS, SONNET_46, ask, demand, event
from trivium.core import Money, Offer, Usage, UserError
from trivium.plan.decision import Basis, Bridge, Ground
from trivium.plan.money import Path, RealPrice, real_price
from trivium.plan.org import Contract, Needs

MTOK = 10**6
DAY_S = 86_400


def usd(text: str) -> Money:
    return Money.from_usd(text)


def step(price: RealPrice, name: str) -> Money:
    return next(item.step for item in price.worth if item.name == name)


def adds_up(bridge: Bridge) -> bool:
    total = bridge.start.amount_usd + sum(item.amount_usd for item in bridge.steps)
    return total == pytest.approx(bridge.end.amount_usd, abs=0.01)


def plain(offer: Offer = OPUS) -> list[object]:
    """Ten requests of 100,000 plain tokens in and 10,000 out: 1 Mtok and 0.1 Mtok."""
    return [event(60.0 * number, Usage(100_000, 10_000), offer) for number in range(10)]


def test_what_was_measured_costs_its_list_price_and_nothing_is_gained_where_no_lever_is_open() -> None:
    price = real_price(ask(demand(plain())))
    assert price.measured == price.levered == usd("7.5")  # 1 x 5 + 0.1 x 25
    assert price.answer.verdict == "as it runs"
    assert [item.step for item in price.worth] == [usd("0")] * 6


def test_only_the_share_that_may_wait_takes_half_the_price() -> None:
    price = real_price(ask(demand(plain()), Needs(batchable_percent=Decimal(40))))
    assert step(price, "batch") == usd("1.5")  # 40 % of 7.5, half of it
    batch = next(item for item in price.worth if item.name == "batch")
    assert batch.closed == usd("2.25")  # the other 60 %: 4.5, half of it


def test_a_batch_counts_on_no_cache_hit() -> None:
    """Reads at 0.5 USD/Mtok are cheaper than the same tokens as batch input at 2.5."""
    events = [event(60.0 * number, Usage(0, 0, cache_read=MTOK)) for number in range(10)]
    price = real_price(ask(demand(events), Needs(batchable_percent=Decimal(100))))
    assert price.measured == usd("5")
    assert step(price, "batch") == usd("0")


def test_an_hour_of_cache_has_a_low_end_where_the_bill_hides_what_is_re_used() -> None:
    """1 Mtok written, and again after ten minutes: 2 x 6.25. With an hour 10 + 0.5; 2 x 10 if the prompt was new."""
    events = [event(at_s, Usage(0, 0, cache_write_5m=MTOK)) for at_s in (0.0, 600.0)]
    price = real_price(ask(demand(events)))
    cache = next(item for item in price.worth if item.name == "cache life")
    assert (cache.step, cache.low, cache.high) == (usd("2"), usd("-7.5"), usd("2"))
    point = next(item for item in price.answer.points if item.what == "lever: cache life")
    assert point.value == "2.00 USD a month (-7.50 to 2.00)"


def test_residency_keeps_a_premium_and_says_what_it_costs() -> None:
    price = real_price(ask(demand(plain(Offer("bedrock", "us", "claude-opus-5"))), Needs(scopes=("us",))))
    assert price.measured == usd("8.25")  # 7.5 x 1.1
    region = next(item for item in price.worth if item.name == "region scope")
    assert (region.step, region.closed) == (usd("0"), usd("0.75"))
    opened = real_price(ask(demand(plain(Offer("bedrock", "us", "claude-opus-5"))), Needs(scopes=("us", "global"))))
    assert step(opened, "region scope") == usd("0.75")


def test_another_model_is_priced_by_its_own_tokenizer_with_a_low_and_a_high() -> None:
    """10 Mtok in, 1 out on Opus 5: 75 USD. The same text is 1/1.3 of the tokens on Sonnet 4.6 at 3/15: 45/1.3."""
    events = [event(60.0 * number, Usage(MTOK, MTOK // 10)) for number in range(10)]
    price = real_price(ask(demand(events), Needs(models=("claude-sonnet-4-6",))))
    model = next(item for item in price.worth if item.name == "model")
    assert float(model.step.usd) == pytest.approx(75 - 45 / 1.3, abs=1e-5)
    assert model.low is not None
    assert model.high is not None
    assert float(model.low.usd) == pytest.approx(75 - 45, abs=1e-5)  # no more tokens than before
    assert float(model.high.usd) == pytest.approx(75 - 45 / 1.47, abs=1e-5)
    assert "cap.tokenizer.4.7-and-later.ratio" in model.basis.claim_ids
    assert model.basis.grade == "reported"


def test_a_newer_model_at_a_lower_list_price_loses_part_of_its_gain_to_its_tokenizer() -> None:
    """1 Mtok in, 0.1 out on Sonnet 4.6 at 3/15: 4.5 USD. Sonnet 5 lists 2/10 and counts 1.3 as many: 3 x 1.3 = 3.9."""
    price = real_price(ask(demand(plain(SONNET_46)), Needs(models=("claude-sonnet-5",))))
    assert step(price, "model") == usd("0.6")
    model = next(item for item in price.worth if item.name == "model")
    assert model.low == usd("0.09")  # 4.5 - 3 x 1.47
    assert model.high == usd("1.5")  # 4.5 - 3


def test_a_signed_discount_is_the_contract_lever_and_an_offered_one_is_not_counted() -> None:
    signed = Contract("discount", ("anthropic",), status="signed", discount_percent=Decimal(20))
    price = real_price(ask(demand(plain()), contracts={"A": signed}))
    assert step(price, "contract") == usd("1.5")  # 20 % of 7.5
    contract = next(item for item in price.worth if item.name == "contract")
    assert Ground.CONTRACT in contract.basis.grounds
    offered = Contract("discount", ("anthropic",), status="offered", discount_percent=Decimal(20))
    assert step(real_price(ask(demand(plain()), contracts={"A": offered})), "contract") == usd("0")


def test_the_steps_of_the_levers_add_up_to_the_pico_dollar() -> None:
    needs = Needs(batchable_percent=Decimal("33.3"), models=("claude-haiku-4-5",), scopes=("us", "global"))
    contracts = {"A": Contract("discount", ("bedrock",), status="signed", discount_percent=Decimal("7.5"))}
    price = real_price(ask(demand(plain(Offer("bedrock", "us", "claude-opus-5"))), needs, contracts=contracts))
    assert price.measured - price.levered == sum((item.step for item in price.worth), Money(0))
    assert adds_up(price.levers)
    assert adds_up(price.bridge)


def test_growth_compounds_in_the_bridge() -> None:
    path = Path(tuple(1.1**month for month in range(1, 13)), Basis((Ground.ASSUMPTION,), note="ten percent a month"))
    price = real_price(ask(demand(plain()), path=path, span_days=3.04375))
    assert price.bridge.start.amount_usd == pytest.approx(900)  # 7.5 in a tenth of a month: 75 x 12
    assert price.bridge.end.amount_usd == pytest.approx(75 * 23.5227, rel=1e-4)  # 1.1 + ... + 1.1^12
    assert [item.name for item in price.bridge.steps] == ["growth, compounded"]
    told = next(point for point in price.answer.points if point.what == "early use misses: growth, compounded")
    assert told.value == "+864.20 USD over 12 months"  # 75 x (23.5227 - 12)
    assert adds_up(price.bridge)


def test_early_use_is_compared_with_the_whole_span_in_pace_size_and_hits() -> None:
    """A first week of one request a day; then, for three weeks, two a day of twice the size, half of it read."""
    early = [event(day * DAY_S, Usage(0, 1000, cache_write_5m=100_000), session=f"e{day}") for day in range(7)]
    late = [
        event(day * DAY_S + shift, Usage(0, 1000, cache_read=read, cache_write_5m=200_000 - read), session=f"l{day}")
        for day in range(7, 28)
        for shift, read in ((0, 0), (60, 200_000))
    ]
    price = real_price(ask(demand([*early, *late]), span_days=28.0))
    names = [item.name for item in price.bridge.steps]
    assert names == ["pace within the measured span", "size of requests", "cache hits"]
    assert price.bridge.start.name == "first week as a month, 12 times"
    # a week: 7 x (0.1 x 6.25 + 0.001 x 25) = 4.55 USD, as twelve months of 30.4375 days
    assert price.bridge.start.amount_usd == pytest.approx(4.55 / 7 * 30.4375 * 12)
    # all of it: 4.55 + 21 x (0.2 x 6.25 + 0.2 x 0.5 + 2 x 0.025) = 33.95 in 28 days
    assert price.bridge.end.amount_usd == pytest.approx(33.95 / 28 * 30.4375 * 12)
    assert adds_up(price.bridge)
    assert price.bridge.steps[2].amount_usd < 0


def test_what_nothing_is_known_of_is_named_and_not_counted() -> None:
    price = real_price(ask(demand(plain()), span_days=3.0))
    assert any("growth" in text for text in price.not_known)
    assert any("shorter than two weeks" in text for text in price.not_known)
    assert price.bridge.end.amount_usd == price.bridge.start.amount_usd


def test_the_list_price_is_the_same_on_every_surface_and_rests_on_claims() -> None:
    price = real_price(ask(demand(plain())))
    point = price.answer.points[0]
    assert point.value.startswith("5/25 USD/Mtok: the same on")
    assert point.basis.claim_ids
    assert point.basis.grade in {"documented", "reported"}


def test_a_workload_without_usage_is_refused_by_name() -> None:
    with pytest.raises(UserError, match="search"):
        real_price(ask(()))
