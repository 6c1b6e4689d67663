"""What months ahead change: price windows, limits, contracts that end; what is offered is shown and not counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from money.world import AT, OPUS, SONNET_46, ask, book, demand, event, snapshot
from plan.market import HandCell, book_of, sold
from trivium.core import Money, Offer, Usage
from trivium.plan import BookMarket, Total, band_starts, demand_from_events, demand_from_totals
from trivium.plan.decision import Basis, Bridge, Ground
from trivium.plan.money import Path, RealPrice, listing, real_price, token_ratio
from trivium.plan.money._limits import crowding
from trivium.plan.money._worth import facts_of, parts_of
from trivium.plan.org import Contract, Needs

MTOK = 10**6
HAND = Offer("anthropic", "global", "opus")
MONTH_DAYS = 30.4375


def amount(bridge: Bridge, name: str) -> float:
    return sum(item.amount_usd for item in bridge.steps if item.name == name)


def plain(offer: Offer = OPUS) -> list[object]:
    """1 Mtok in and 0.1 Mtok out: 7.5 USD at 5/25."""
    return [event(60.0 * number, Usage(100_000, 10_000), offer) for number in range(10)]


def hand(cells: tuple[HandCell, ...], **more: object) -> RealPrice:
    own = book_of(cells)
    demands = demand_from_events(plain(HAND), band_starts=band_starts(own))  # type: ignore[arg-type]
    return real_price(replace(ask(demands, **more), book=own))


def windows(then: str, status: str = "documented") -> tuple[HandCell, ...]:
    """5/25 until 2027-01-01, then another price."""
    first = tuple(sold("anthropic/global/opus/standard", "5 25 0.5 6.25 10", until=date(2027, 1, 1)))
    second = tuple(sold("anthropic/global/opus/standard", then, status=status))
    return (*first, *(replace(cell, id=f"{cell.id}/then", valid_from=date(2027, 1, 1)) for cell in second))


def test_a_dated_price_change_inside_the_horizon_is_a_step() -> None:
    """Months begin on the 22nd: November and December at 7.5 USD, ten months at twice that."""
    price = hand(windows("10 50 1 12.5 20"))
    assert amount(price.bridge, "price changes") == pytest.approx(10 * 7.5)
    assert price.answer.ask_again == date(2027, 1, 1)


def test_an_announced_price_is_named_and_not_counted() -> None:
    price = hand(windows("10 50 1 12.5 20", "forward-looking"))
    assert amount(price.bridge, "price changes") == 0
    assert any("not counted" in text for text in price.not_known)


def test_a_price_that_ends_is_kept_and_said_to_be_unknown() -> None:
    price = hand(tuple(sold("anthropic/global/opus/standard", "5 25 0.5 6.25 10", until=date(2027, 1, 1))))
    assert any("prices from 2027-01-22 on" in text for text in price.not_known)
    assert price.bridge.end.amount_usd == pytest.approx(12 * 7.5)


def test_a_contract_counts_while_it_lasts() -> None:
    """Ten months of a term of twelve have gone: two months at 20 % off 7.5."""
    signed = Contract(
        "discount", ("anthropic",), status="signed", discount_percent=Decimal(20), starts=date(2026, 1, 22)
    )
    price = real_price(ask(demand(plain()), contracts={"A": signed}, span_days=MONTH_DAYS))
    assert amount(price.bridge, "contracts in force") == pytest.approx(-2 * 1.5)
    renewed = real_price(ask(demand(plain()), contracts={"A": signed_and_renewing(signed)}))
    assert amount(renewed.bridge, "contracts in force") == pytest.approx(-12 * 1.5)


def signed_and_renewing(contract: Contract) -> Contract:
    return Contract(
        contract.kind,
        contract.surfaces,
        status="signed",
        discount_percent=contract.discount_percent,
        starts=contract.starts,
        renews=True,
    )


def test_a_contract_that_has_not_begun_is_no_lever_today() -> None:
    later = Contract("discount", ("anthropic",), status="signed", discount_percent=Decimal(20), starts=date(2027, 5, 1))
    price = real_price(ask(demand(plain()), contracts={"A": later}))
    assert next(item.step for item in price.worth if item.name == "contract") == Money(0)
    assert amount(price.bridge, "contracts in force") == pytest.approx(-(21 / 30 + 6) * 1.5)
    # from 1 May on: 21 of the 30 days from 22 April, and six months more


def test_an_offer_is_shown_with_its_worth_and_a_lapsed_one_asks_again() -> None:
    offered = Contract("spend-commitment", ("anthropic",), discount_percent=Decimal(10), expires=date(2026, 10, 1))
    price = real_price(ask(demand(plain()), contracts={"A": offered}))
    point = next(item for item in price.answer.points if item.what.startswith("offered, not counted: A"))
    assert point.value.startswith("0.75 USD a month")
    assert point.speaks_for == "ask again: it lapsed on 2026-10-01"
    assert Ground.QUOTE in point.basis.grounds


def test_what_is_above_a_limit_moves_and_loses_its_cache() -> None:
    """Two minutes of 1.5 million tokens under a limit of 2 million: at twice the pace a third is above."""
    events = [event(60.0 * n, Usage(1_500_000, 1), OPUS, session=f"s{n}") for n in range(2)]
    given = ask(demand(events), path=Path((1.0, 2.0), Basis((Ground.ASSUMPTION,))))
    facts = facts_of(given)
    quota = replace(
        next(q for q in facts.quotas if q.surface == "anthropic" and q.metric == "itpm"), limit=2_000_000, models=None
    )
    facts = replace(facts, quotas=(quota,))
    parts = parts_of(given, facts, lambda *_: token_ratio(snapshot(), AT)("a", "b").point)
    found = crowding(given, facts, parts)
    assert "is reached at 1.33 times the measured pace (month 2)" in found.why
    assert found.extra == (0.0, 0.0)  # nothing is cached, so that nothing is lost
    assert quota.claim_ids[0] in found.basis.claim_ids


def test_moving_part_of_a_workload_costs_the_prefixes_that_its_sessions_shared() -> None:
    """Sessions that read what another wrote lose it when they are divided: at twice the pace a quarter is above."""
    events = [event(0, Usage(0, 0, cache_write_5m=MTOK), session="s0")]
    events += [event(60.0 * n, Usage(0, 0, cache_read=MTOK), session=f"s{n}") for n in range(1, 3)]
    given = ask(demand(events), path=Path((1.0, 2.0), Basis((Ground.ASSUMPTION,))))
    facts = facts_of(given)
    quota = replace(
        next(q for q in facts.quotas if q.surface == "anthropic" and q.metric == "rpm"), limit=1, models=None
    )
    facts = replace(facts, quotas=(quota,))
    found = crowding(given, facts, parts_of(given, facts, lambda *_: token_ratio(snapshot(), AT)("a", "b").point))
    # kept: 6.25 written + 2 x 0.5 read = 7.25 USD; divided: 3 x 6.25 = 18.75; half of the requests are above the limit
    assert found.extra[0] == 0.0
    assert found.extra[1] == pytest.approx(0.5 * (18.75 - 7.25) / 7.25)


def test_a_prompt_that_another_tokenizer_makes_too_long_keeps_its_model() -> None:
    """800,000 tokens on Sonnet 4.6 are 1.04 million on Sonnet 5, above a window of a million."""
    events = [event(0, Usage(800_000, 1_000), SONNET_46)]
    price = real_price(ask(demand(events), Needs(models=("claude-sonnet-5",))))
    assert next(item.step for item in price.worth if item.name == "model") == Money(0)
    shorter = real_price(ask(demand([event(0, Usage(700_000, 1_000), SONNET_46)]), Needs(models=("claude-sonnet-5",))))
    assert next(item.step for item in shorter.worth if item.name == "model").picos > 0


def test_what_evidence_keeps_out_is_no_lever() -> None:
    us = Offer("bedrock", "us", "claude-opus-5")
    needs = Needs(scopes=("us", "global"))
    allowed = real_price(ask(demand(plain(us)), needs))
    kept = real_price(ask(demand(plain(us)), needs, fits=lambda offer: offer.scope == "us"))
    assert allowed.levered == Money.from_usd("7.5")
    assert kept.levered == Money.from_usd("8.25")


def test_first_month_rows_tell_the_drift_of_long_prompts() -> None:
    """Short prompts early, half of the tokens in long ones over the span: the premium is a step of its own."""
    cells = (
        *sold("anthropic/global/opus/standard", "5 25 0.5 6.25 10", (0, 200_000)),
        *sold("anthropic/global/opus/standard", "10 37.5 1 12.5 20", (200_001, None)),
    )
    own = book_of(cells)
    starts = band_starts(own)
    early = [event(60.0 * n, Usage(100_000), HAND, session=f"s{n}") for n in range(4)]
    late = [event(86_400.0 + n, Usage(400_000), HAND, session=f"l{n}") for n in range(1)]
    given = replace(ask(demand_from_events([*early, *late], band_starts=starts), span_days=3.0), book=own)
    unknown = real_price(given)
    assert any("long prompts" in text for text in unknown.not_known)
    known = real_price(replace(given, early=demand_from_events(early, band_starts=starts)))
    # 0.4 x 5 + 0.4 x 10 = 6 USD in three days; at the price of short prompts 4: a third is the premium
    year = MONTH_DAYS / 3 * 12
    assert amount(known.bridge, "long prompts") == pytest.approx(2 * year)
    assert known.bridge.start.amount_usd == pytest.approx(4 * year)


def test_list_prices_that_differ_are_told_apart() -> None:
    cells = (
        *sold("anthropic/global/opus/standard", "5 25 0.5 6.25 10"),
        *sold("bedrock/global/opus/standard", "6 30 0.6 7.5 12"),
    )
    price = hand(cells)
    assert price.answer.points[0].value == "anthropic: 5/25 USD/Mtok; bedrock: 6/30 USD/Mtok"
    assert "not the same everywhere" in price.answer.sentence


def test_a_unit_that_one_surface_lacks_compares_nothing() -> None:
    cells = (
        *sold("anthropic/global/opus/standard", "5 25 0.5 6.25 10"),
        *(cell for cell in sold("vertex/global/opus/standard", "5 25 0.5 6.25 10") if cell.unit != "cache_write_1h"),
    )
    found = listing(BookMarket(book_of(cells), AT), "opus", (0,))
    assert found.equal
    assert found.lacking == ("vertex lists no cache_write_1h",)


def test_every_current_model_costs_the_same_per_token_on_every_surface_that_lists_it() -> None:
    """The third question's premise, asked of every price of the day."""
    market = BookMarket(book(), AT)
    checked = 0
    for model in snapshot().models(AT):
        found = listing(market, model, band_starts(book()))
        if len(found.prices) > 1:
            checked += 1
            assert found.equal, model
    assert checked >= 8


def test_usage_of_unknown_counts_alone_is_no_usage() -> None:
    known = demand(plain())
    empty = replace(known[0], rows=(), unknown=3, model="claude-sonnet-5")
    assert real_price(ask((*known, empty))).measured == Money.from_usd("7.5")


def test_totals_drift_by_what_they_count_and_not_by_their_busiest_minutes() -> None:
    """Two months of totals, the second twice the first: early use is the first 30.4375 of July's 31 days."""
    days = ((datetime(2026, 7, 1, tzinfo=UTC), 31, 3100), (datetime(2026, 8, 1, tzinfo=UTC), 31, 6200))
    totals = [
        Total("chat", HAND, start, timedelta(days=span), count, count * 1000, count * 100, peak_over_mean=Fraction(5))
        for start, span, count in days
    ]
    own = book_of(windows("5 25 0.5 6.25 10"))
    price = real_price(replace(ask(demand_from_totals(totals), span_days=62.0), book=own))
    per_request = 1000 * 5 / 1e6 + 100 * 25 / 1e6
    early = 100 * 30.4375 * per_request * 12
    assert price.bridge.start.amount_usd == pytest.approx(early)
    assert amount(price.bridge, "pace within the measured span") == pytest.approx(early * 0.5)
