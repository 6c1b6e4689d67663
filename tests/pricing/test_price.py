"""The exact amount of one request: bands, tiers, regions, tools, and what refuses to be priced."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from pricing.hand_book import HandCell, HandSnapshot, hand_cells, offer_cells
from trivium.core import (
    NO_USAGE,
    UNKNOWN_USAGE,
    ZERO,
    AmbiguousOffer,
    NoPrice,
    Offer,
    Usage,
    UsageUnknown,
    UserError,
)
from trivium.pricing import PriceBook, price

TODAY = date(2026, 11, 22)
OPUS = Offer("bedrock", "us", "claude-opus-5")
HAIKU = Offer("anthropic", "global", "claude-haiku-5-5")
SONNET = Offer("anthropic", "global", "claude-sonnet-4-6")


def usd(usage: Usage, offer: Offer, book: PriceBook, at: date = TODAY) -> str:
    return str(price(usage, offer, at, book).amount)


def test_every_token_class_is_charged_at_its_own_rate(book: PriceBook) -> None:
    usage = Usage(input=1_000, output=2_000, cache_read=30_000, cache_write_5m=400, cache_write_1h=50)
    # 1000*5.5 + 2000*27.5 + 30000*0.55 + 400*6.875 + 50*11 = 5500 + 55000 + 16500 + 2750 + 550 = 80300 per million
    assert usd(usage, OPUS, book) == "0.0803"


def test_the_lines_add_up_and_lead_back_to_cells_and_claims(book: PriceBook) -> None:
    found = price(Usage(input=3, output=7), OPUS, TODAY, book)
    assert [(line.unit, line.count, line.rate_picos) for line in found.lines] == [
        ("input", 3, 5_500_000),
        ("output", 7, 27_500_000),
    ]
    assert sum((line.amount for line in found.lines), ZERO) == found.amount
    assert {line.cell_id for line in found.lines} <= {cell.id for cell in book.cells}
    assert all(line.claim_ids == ("claim-1",) and line.status == "documented" for line in found.lines)
    assert found.offer == replace(OPUS, scope="geo")
    assert found.book_digest == book.digest


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        (Usage(input=100_000, output=1_000), "0.0105"),  # 100000*0.10 + 1000*0.50 = 10500 per million
        (Usage(input=100_001, output=1_000), "0.0525005"),  # 100001*0.50 + 1000*2.50 = 52500.5
        (Usage(input=1, cache_read=60_000, cache_write_5m=39_999), "0.005599975"),  # 0.1 + 600 + 4999.875 = 5599.975
        (Usage(input=1, cache_read=60_000, cache_write_1h=39_999), "0.0085999"),  # 0.1 + 600 + 7999.8 = 8599.9
        (Usage(input=1, cache_read=60_000, cache_write_1h=40_000, output=10), "0.0430255"),  # .5 + 3000 + 40000 + 25
    ],
)
def test_the_whole_prompt_selects_the_band_for_every_token_of_the_request(
    book: PriceBook, prompt: Usage, expected: str
) -> None:
    assert usd(prompt, HAIKU, book) == expected


def test_output_alone_never_lifts_a_request_into_the_higher_band(book: PriceBook) -> None:
    assert usd(Usage(input=1, output=100_001), HAIKU, book) == "0.0500006"  # 1*0.10 + 100001*0.50 = 50000.6 per million


@pytest.mark.parametrize(
    ("day", "tokens", "expected"),
    [
        (date(2026, 3, 12), 200_000, "0.6"),  # 200000 * 3
        (date(2026, 3, 12), 200_001, "1.200006"),  # 200001 * 6: the long-context premium
        (date(2026, 3, 13), 200_001, "0.600003"),  # 200001 * 3: dropped that day
    ],
)
def test_the_long_context_premium_holds_in_its_window_alone(
    book: PriceBook, day: date, tokens: int, expected: str
) -> None:
    assert usd(Usage(input=tokens), SONNET, book, day) == expected


@pytest.mark.parametrize(
    ("scope", "tier", "expected"),
    [
        ("global", "standard", "30"),  # 1M * 5 + 1M * 25
        ("us", "standard", "33"),  # times 1.1
        ("global", "batch", "15"),  # times 0.5
        ("global", "fast", "60"),  # times 2
        ("us", "fast", "66"),  # times 2 times 1.1
    ],
)
def test_batch_fast_and_residency_change_every_rate(book: PriceBook, scope: str, tier: str, expected: str) -> None:
    offer = Offer("anthropic", scope, "claude-opus-5", tier)
    assert usd(Usage(input=1_000_000, output=1_000_000), offer, book) == expected


@pytest.mark.parametrize("tier", ["standard", "batch", "fast"])
def test_a_web_search_costs_one_cent_and_a_fetch_nothing_at_every_tier(book: PriceBook, tier: str) -> None:
    found = price(Usage(web_search=7, web_fetch=9), Offer("anthropic", "global", "claude-opus-5", tier), TODAY, book)
    assert str(found.amount) == "0.07"
    assert [(line.unit, str(line.amount)) for line in found.lines] == [("web_search", "0.07"), ("web_fetch", "0")]


@pytest.mark.parametrize(
    ("surface", "asked", "expected"),
    [
        ("bedrock", "us", "geo"),
        ("bedrock", "EU", "geo"),
        ("bedrock", "us-east-1", "in-region"),
        ("bedrock", "in_region", "in-region"),
        ("bedrock", "us-gov", "us-gov"),
        ("bedrock", "us-gov-west-1", "us-gov"),
        ("bedrock", "global", "global"),
        ("anthropic", "us", "us"),
        ("foundry", "us", "us-data-zone"),
        ("foundry", "global_standard", "global"),
        ("vertex", "europe", "regional-or-multi-region"),
        ("vertex", "us-east5", "regional-or-multi-region"),
        ("vertex", "geo", "regional-or-multi-region"),
    ],
)
def test_a_geography_or_region_leads_to_the_class_it_is_sold_in(
    book: PriceBook, surface: str, asked: str, expected: str
) -> None:
    assert book.resolve(Offer(surface, asked, "claude-opus-5"), TODAY).scope == expected


@pytest.mark.parametrize("scope", ["us", "global", "eu-west-1", "geo", "all"])
def test_one_price_for_all_scopes_answers_each_of_them_but_govcloud(book: PriceBook, scope: str) -> None:
    assert book.resolve(Offer("bedrock", scope, "claude-opus-4-1"), TODAY).scope == "all"
    with pytest.raises(NoPrice):
        book.resolve(Offer("bedrock", "us-gov", "claude-opus-4-1"), TODAY)


@pytest.mark.parametrize(
    ("surface", "scope", "model", "tier", "says"),
    [
        ("anthropic", "eu", "claude-opus-5", "standard", "scope global, us"),
        ("anthropic", "gloabl", "claude-opus-5", "standard", "scope global, us"),
        ("bedrock", "us", "claude-opus-5", "fast", "tiers sold on that day: standard"),
        ("bedrock", "us", "claude-opus-9", "standard", "claude-opus-5"),
        ("aws", "us", "claude-opus-5", "standard", "priced surfaces: anthropic, bedrock"),
    ],
)
def test_what_is_not_sold_raises_with_its_keys_and_what_is_sold(
    book: PriceBook, surface: str, scope: str, model: str, tier: str, says: str
) -> None:
    with pytest.raises(NoPrice, match=says) as raised:
        book.resolve(Offer(surface, scope, model, tier), TODAY)
    assert raised.value.keys == (surface, scope, model, tier, "any unit", "2026-11-22")


def test_a_unit_without_a_price_raises_with_its_keys_unless_its_count_is_zero(book: PriceBook) -> None:
    opus = Offer("bedrock", "global", "claude-opus-4-1")
    assert usd(Usage(input=1, cache_write_1h=0), opus, book) == "0.000015"
    with pytest.raises(NoPrice) as raised:
        price(Usage(cache_write_1h=1), opus, TODAY, book)
    assert raised.value.keys == ("bedrock", "all", "claude-opus-4-1", "standard", "cache_write_1h", "2026-11-22")


def test_a_day_outside_every_window_raises_and_names_the_windows() -> None:
    window = (date(2026, 1, 1), date(2026, 2, 1))
    book = PriceBook(offer_cells("anthropic/global/claude-x/standard", "1 5 - - -", window=window), TODAY)
    offer = Offer("anthropic", "global", "claude-x")
    assert book.resolve(offer, date(2026, 1, 31)) == offer
    for day in (date(2025, 12, 31), date(2026, 2, 1)):
        with pytest.raises(NoPrice, match="from 2026-01-01 until 2026-02-01"):
            book.resolve(offer, day)


def test_a_scope_that_may_mean_two_raises_with_the_candidates(book: PriceBook) -> None:
    with pytest.raises(AmbiguousOffer, match="geo-or-regional") as raised:
        book.resolve(Offer("bedrock", "geo-or-regional", "claude-opus-5"), TODAY)
    assert raised.value.keys == ("bedrock/geo/claude-opus-5/standard", "bedrock/in-region/claude-opus-5/standard")
    with pytest.raises(AmbiguousOffer):
        book.resolve(Offer("anthropic", "", "claude-opus-5"), TODAY)
    assert book.resolve(Offer("bedrock", "", "claude-opus-4-1"), TODAY).scope == "all"


def test_two_cells_that_collide_raise_only_when_their_unit_is_used(book: PriceBook) -> None:
    twin = replace(next(cell for cell in hand_cells() if cell.unit == "output" and cell.model == OPUS.model), id="twin")
    collided = PriceBook((*hand_cells(), twin), TODAY)
    offer = Offer(twin.surface, twin.scope, twin.model, twin.tier)
    assert usd(Usage(input=1), offer, collided) == usd(Usage(input=1), offer, book)
    with pytest.raises(AmbiguousOffer, match="twin"):
        price(Usage(output=1), offer, TODAY, collided)


def test_an_unknown_count_raises_and_names_its_units(book: PriceBook) -> None:
    with pytest.raises(UsageUnknown, match="cache_read, web_search"):
        price(Usage(input=1, cache_read=None, web_search=None), OPUS, TODAY, book)
    with pytest.raises(UsageUnknown):
        price(UNKNOWN_USAGE, OPUS, TODAY, book)


def test_nothing_consumed_costs_nothing_even_without_a_price(book: PriceBook) -> None:
    unknown = Offer("nowhere", "global", "claude-none")
    found = price(NO_USAGE, unknown, TODAY, book)
    assert (found.amount, found.lines, found.offer) == (ZERO, (), unknown)


def test_an_instant_is_priced_on_its_utc_day(book: PriceBook) -> None:
    evening_in_new_york = datetime(2026, 3, 12, 21, 0, tzinfo=timezone(timedelta(hours=-4)))  # 01:00 UTC on the 13th
    assert usd(Usage(input=200_001), SONNET, book, evening_in_new_york) == "0.600003"
    assert usd(Usage(input=200_001), SONNET, book, datetime(2026, 3, 12, 23, 59, tzinfo=UTC)) == "1.200006"
    with pytest.raises(UserError, match="time zone"):
        price(Usage(input=1), SONNET, datetime(2026, 3, 12), book)  # noqa: DTZ001  a naive instant is the case


def test_a_band_without_a_price_raises_and_says_which_lengths_have_one() -> None:
    cells = offer_cells("anthropic/global/claude-x/standard", "1 5 - - -", (0, 200_000))
    book = PriceBook(cells, TODAY)
    with pytest.raises(NoPrice, match="0 to 200000; this prompt has 200001"):
        price(Usage(input=200_001), Offer("anthropic", "global", "claude-x"), TODAY, book)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate_picos": 5_000_000.0},
        {"rate_picos": -1},
        {"amount_usd": Decimal("5.0000001")},
        {"band": (10, 9)},
    ],
)
def test_a_rate_that_is_not_whole_or_not_as_authored_is_refused(wrong: dict[str, object]) -> None:
    good = next(offer_cells("anthropic/global/claude-x/standard", "5 25 - - -"))
    bad: HandCell = replace(good, **wrong)  # type: ignore[arg-type]  # the wrong type is the case
    with pytest.raises(UserError, match=good.id):
        PriceBook.from_snapshot(HandSnapshot((bad,)))


def test_the_digest_follows_what_decides_an_amount_and_nothing_else(book: PriceBook) -> None:
    cells = hand_cells()
    assert PriceBook(reversed(cells), TODAY).digest == book.digest
    changed = (replace(cells[0], rate_picos=4_000_000, amount_usd=Decimal(4)), *cells[1:])
    assert PriceBook(changed, TODAY).digest != book.digest
