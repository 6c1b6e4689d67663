"""A long-prompt band makes every token dearer: a unit that has no price there has none, and never the base price."""

from __future__ import annotations

from datetime import date

import pytest

from trivium.catalog import load
from trivium.core import NoPrice, Offer, Usage
from trivium.pricing import PriceBook, price

DAY = date(2026, 4, 15)
SONNET_4_ON_VERTEX = Offer("vertex", "global", "claude-sonnet-4")


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return PriceBook.from_snapshot(load().snapshot(date(2026, 11, 22)))


def test_a_unit_without_a_long_prompt_price_raises_beyond_the_base_band(book: PriceBook) -> None:
    # Vertex publishes no 1-hour write for prompts over 200,000 tokens; up to there it is 6 USD per million
    assert str(price(Usage(cache_write_1h=200_000), SONNET_4_ON_VERTEX, DAY, book).amount) == "1.2"
    with pytest.raises(NoPrice, match="cache_write_1h"):
        price(Usage(cache_write_1h=200_001), SONNET_4_ON_VERTEX, DAY, book)


def test_units_with_a_long_prompt_price_use_it(book: PriceBook) -> None:
    # 250,000 read at 0.60 and 1,000 out at 22.50 USD per million: 0.15 + 0.0225
    found = price(Usage(cache_read=250_000, output=1000), SONNET_4_ON_VERTEX, DAY, book)
    assert str(found.amount) == "0.1725"


def test_a_scope_without_a_stated_long_prompt_price_has_none_where_another_scope_has_one(book: PriceBook) -> None:
    # 200K tiers of Sonnet 4.5 on Vertex are stated for `global` only
    regional = Offer("vertex", "us", "claude-sonnet-4-5")
    assert price(Usage(input=200_000), regional, DAY, book).amount.picos == 200_000 * 3_300_000
    with pytest.raises(NoPrice):
        price(Usage(input=200_001), regional, DAY, book)
