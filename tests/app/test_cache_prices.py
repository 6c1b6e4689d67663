"""What the loss of a prompt cache costs comes exactly from the price book; where there is no price there is none."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, date, datetime
from typing import Any

import pytest

from trivium.app._cache import BookCachePrices
from trivium.app._parts import ScopedKeys
from trivium.app.compose import gateway_settings
from trivium.app.settings import parse_settings
from trivium.catalog import load
from trivium.core import KeyRecord, Money, Offer, Route, RouteTable, Target, UserError
from trivium.plan.org import parse_organisation, write_organisation
from trivium.pricing import PriceBook

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
OPUS = Offer("anthropic", "global", "claude-opus-5")


@pytest.fixture(scope="module")
def prices() -> BookCachePrices:
    book = PriceBook.from_snapshot(load([]).snapshot(date(2026, 11, 2)))
    return BookCachePrices(lambda: book)


def test_a_lost_cache_costs_a_write_less_the_read_it_would_have_been(prices: BookCachePrices) -> None:
    # 180,000 tokens x (6.25 - 0.50) USD a million; for an hour x (10.00 - 0.50)
    assert prices.rewrite(OPUS, 180_000, hour=False, at=NOON) == Money.from_usd("1.035")
    assert prices.rewrite(OPUS, 180_000, hour=True, at=NOON) == Money.from_usd("1.71")
    assert prices.rewrite(OPUS, 0, hour=False, at=NOON) == Money(0)


def test_without_a_price_the_loss_is_unknown_and_not_zero(prices: BookCachePrices) -> None:
    assert prices.rewrite(Offer("anthropic", "global", "claude-none"), 1000, hour=False, at=NOON) is None


GOOD: dict[str, Any] = {"surfaces": {"anthropic": {"credential": {"kind": "api-key", "env": "KEY"}}}}


@pytest.mark.parametrize("value", ["much", "-1", "0.0000000000001"])
def test_a_limit_that_is_no_amount_is_refused_by_name(value: str) -> None:
    with pytest.raises(UserError, match=r"workloads\.search\.cache_loss_usd_max"):
        parse_settings({**GOOD, "workloads": {"search": {"cache_loss_usd_max": value}}})
    route = {"workload": "*", "model": "*", "targets": [{"surface": "anthropic", "scope": "global", "model": "*"}]}
    with pytest.raises(UserError, match=r"routes\[0\]\.cache_loss_usd_max"):
        RouteTable.from_json(json.dumps({"routes": [{**route, "cache_loss_usd_max": value}]}))


def test_the_limit_and_the_scopes_of_a_workload_reach_the_gateway() -> None:
    entry = {"cache_loss_usd_max": "0.50", "scopes": ["eu", "us"]}
    settings = parse_settings({**GOOD, "workloads": {"search": entry, "other": {}}})
    assert gateway_settings(settings).cache_loss_max == {"search": Money.from_usd("0.5")}
    record = KeyRecord("k", "hash", "search", NOON, scopes=("eu",))

    class Ring:
        def find(self, secret_sha256: str) -> KeyRecord | None:
            return record

    found = ScopedKeys(Ring(), settings.workloads).find("hash")
    assert found is not None
    assert found.scopes == ("eu",)
    with pytest.raises(UserError, match=r"workloads\.search\.scopes"):
        parse_settings({**GOOD, "workloads": {"search": {"scopes": [""]}}})


def test_the_limit_of_a_route_comes_back_from_its_file() -> None:
    target = Target(OPUS, 1)
    table = RouteTable((Route("w", "m", (target,), "", Money.from_usd("0.25")), Route("x", "m", (target,))), "v")
    assert RouteTable.from_json(table.to_json()) == table
    assert table.to_json().count("cache_loss_usd_max") == 1


def test_the_plan_reads_the_same_file_and_places_nothing_where_the_keys_may_not_go() -> None:
    found = parse_organisation({"workloads": {"search": {"scopes": ["eu"], "cache_loss_usd_max": "0.5"}}})
    assert found.workloads["search"].needs.scopes == ("eu",)
    assert parse_organisation(tomllib.loads(write_organisation(found))).workloads == found.workloads
