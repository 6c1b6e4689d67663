"""Money, usage, ids, routes and keys keep their promises."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivium.core import (
    UNITS,
    ManualClock,
    Money,
    Offer,
    Route,
    RouteTable,
    Target,
    Usage,
    UsageUnknown,
    UserError,
    hash_secret,
    new_id,
    new_secret,
    rate_picos,
    well_formed,
)


@given(st.integers(min_value=-(10**30), max_value=10**30))
def test_money_text_reads_back_to_the_same_amount(picos: int) -> None:
    assert Money.from_usd(str(Money(picos))) == Money(picos)


def test_money_prints_exactly_and_without_exponent() -> None:
    assert str(Money(1)) == "0.000000000001"
    assert str(Money(-1_500_000_000_000)) == "-1.5"
    assert str(Money(0)) == "0"


def test_money_finer_than_a_pico_dollar_is_refused() -> None:
    with pytest.raises(UserError, match="12 decimal places"):
        Money.from_usd("0.0000000000001")


def test_rate_of_three_dollars_a_million_is_three_million_picos_a_token() -> None:
    assert rate_picos(Decimal(3)) == 3_000_000
    with pytest.raises(UserError):
        rate_picos("0.0000001")


def test_unknown_usage_stays_unknown_in_a_sum_and_in_the_prompt_length() -> None:
    total = Usage(input=1, output=2) + Usage(input=3, output=None)
    assert total.input == 4
    assert total.output is None
    with pytest.raises(UsageUnknown):
        _ = Usage(cache_read=None).prompt_tokens


@pytest.mark.parametrize("count", [-1, 2**60, True, 1.5])
def test_a_count_that_is_no_count_is_refused_by_name(count: object) -> None:
    with pytest.raises(UserError, match=r"usage\.output"):
        Usage(output=count)


def test_ids_sort_by_time() -> None:
    clock = ManualClock(datetime(2026, 4, 15, tzinfo=UTC))
    first = new_id("req", clock)
    clock.advance(timedelta(milliseconds=1))
    assert first < new_id("req", clock)


def test_a_clock_never_goes_back() -> None:
    clock = ManualClock(datetime(2026, 4, 15, tzinfo=UTC))
    clock.set(datetime(2026, 4, 14, tzinfo=UTC))
    assert clock.now() == datetime(2026, 4, 15, tzinfo=UTC)


def test_route_table_reads_back_and_prefers_the_specific_route() -> None:
    target = Target(Offer("bedrock", "us", "claude-opus-4-6"), 3, "1h")
    specific = Route("search", "claude-opus-4-6", (target,), "cheapest")
    table = RouteTable((Route("*", "*", (target,)), specific), "v1")
    assert RouteTable.from_json(table.to_json()) == table
    assert table.find("search", "claude-opus-4-6") is table.routes[1]
    assert table.find("other", "claude-opus-4-6") is table.routes[0]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{", "route table"),
        ('{"routes": [{}]}', r"routes\[0\]"),
        ('{"routes": [{"workload": "a", "model": "m", "targets": [{"weight": -1}]}]}', "weight"),
    ],
)
def test_a_bad_route_table_names_the_place(text: str, place: str) -> None:
    with pytest.raises(UserError, match=place):
        RouteTable.from_json(text)


def test_keys_are_well_formed_and_hashed() -> None:
    secret = new_secret()
    assert well_formed(secret)
    assert not well_formed("sk-ant-fake")
    assert len(hash_secret(secret)) == 64


def test_an_id_is_time_and_chance_in_crockfords_alphabet() -> None:
    made = new_id("req", ManualClock(datetime(2026, 4, 15, tzinfo=UTC)))
    alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
    value = 0
    for character in made.removeprefix("req_"):
        value = value * 32 + alphabet.index(character)
    assert len(made) == 30
    assert value >> 80 == int(datetime(2026, 4, 15, tzinfo=UTC).timestamp() * 1000)


def test_usage_lists_its_units_in_the_declared_order() -> None:
    assert tuple(unit for unit, _ in Usage()) == UNITS == tuple(field.name for field in fields(Usage))
