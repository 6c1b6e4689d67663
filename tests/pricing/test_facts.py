"""Prices of the shipped catalogue: amounts that a reviewer can look up, and every cell of the book in columns."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from trivium.catalog import Snapshot, load
from trivium.core import NoPrice, Offer, Usage
from trivium.core.usage import TOKEN_UNITS
from trivium.pricing import PriceBook, price

TODAY = date(2026, 11, 22)
MILLION = Usage(input=1_000_000)


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return load().snapshot(TODAY)


@pytest.fixture(scope="module")
def shipped(snapshot: Snapshot) -> PriceBook:
    return PriceBook.from_snapshot(snapshot)


@pytest.mark.parametrize(
    ("offer", "at", "usage", "expected"),
    [
        # surface/scope/model/tier, a day, counts, and the sum in dollars
        ("bedrock/us/claude-opus-5/standard", "2026-11-22", MILLION, "5.5"),  # 5 * 1.1
        ("bedrock/eu-west-1/claude-opus-5/standard", "2026-11-22", MILLION, "5.5"),
        ("bedrock/global/claude-opus-5/standard", "2026-11-22", MILLION, "5"),
        ("bedrock/us-gov-west-1/claude-opus-5/standard", "2026-11-22", MILLION, "6"),  # 5 * 1.2
        ("bedrock/us/claude-opus-4-1/standard", "2026-06-01", MILLION, "15"),  # one price for all scopes
        ("vertex/europe-west1/claude-opus-5/standard", "2026-11-22", MILLION, "5.5"),
        ("anthropic/us/claude-opus-5/standard", "2026-11-22", MILLION, "5.5"),
        ("anthropic/us/claude-opus-5/fast", "2026-11-22", MILLION, "11"),  # 5 * 2 * 1.1
        ("anthropic/global/claude-opus-5/batch", "2026-11-22", MILLION, "2.5"),
        ("claude-aws/us/claude-opus-5/standard", "2026-11-22", MILLION, "5.5"),
        ("foundry/us/claude-opus-5/standard", "2026-11-22", MILLION, "5.5"),
        ("foundry/global/claude-opus-5/standard", "2026-11-22", MILLION, "5"),
        ("anthropic/global/claude-opus-5/standard", "2026-11-22", Usage(cache_write_5m=1_000_000), "6.25"),
        ("anthropic/global/claude-opus-5/standard", "2026-11-22", Usage(cache_write_1h=1_000_000), "10"),
        ("anthropic/global/claude-opus-5-5/standard", "2026-11-22", Usage(cache_read=1_000_000), "0.2"),  # 4 * 0.05
        ("anthropic/global/claude-fable-5-2/standard", "2026-11-22", Usage(cache_read=1_000_000), "0.2"),  # 8 * 0.025
        ("anthropic/global/claude-sonnet-5-5/standard", "2026-10-06", Usage(cache_read=1_000_000), "0.2"),
        ("anthropic/global/claude-sonnet-5-5/standard", "2026-10-07", Usage(cache_read=1_000_000), "0.1"),
        ("anthropic/global/claude-haiku-5-5/standard", "2026-11-22", Usage(input=100_000), "0.01"),
        ("anthropic/global/claude-haiku-5-5/standard", "2026-11-22", Usage(input=100_001), "0.0500005"),
        ("anthropic/global/claude-haiku-5-5/batch", "2026-11-22", Usage(input=100_001), "0.02500025"),
        ("anthropic/global/claude-sonnet-4/standard", "2026-01-01", Usage(input=200_001, output=1000), "1.222506"),
        ("anthropic/global/claude-sonnet-4-5/standard", "2026-04-29", Usage(input=200_001), "1.200006"),
        ("anthropic/global/claude-sonnet-4-6/standard", "2026-03-12", Usage(input=200_001), "1.200006"),
        ("anthropic/global/claude-sonnet-4-6/standard", "2026-03-13", Usage(input=200_001), "0.600003"),
        ("anthropic/global/claude-opus-4-6/standard", "2026-03-12", Usage(input=200_001), "2.00001"),
        ("anthropic/global/claude-opus-4-6/standard", "2026-03-13", Usage(input=200_001), "1.000005"),
        ("bedrock/us/claude-opus-4-6/standard", "2026-03-12", Usage(input=200_001), "2.200011"),  # 10 * 1.1
        ("anthropic/global/claude-opus-5/standard", "2026-11-22", Usage(web_search=1_000, web_fetch=5), "10"),
        ("foundry/us/claude-opus-5/standard", "2026-11-22", Usage(web_search=1_000), "10"),
        ("vertex/us/claude-opus-5/standard", "2026-11-22", Usage(web_search=1_000), "10"),
    ],
)
def test_a_shipped_price_gives_the_published_amount(
    shipped: PriceBook, offer: str, at: str, usage: Usage, expected: str
) -> None:
    found = price(usage, Offer(*offer.split("/")), date.fromisoformat(at), shipped)
    assert str(found.amount) == expected


@pytest.mark.parametrize(
    ("offer", "at", "usage", "says"),
    [
        ("anthropic/eu/claude-opus-5/standard", "2026-11-22", MILLION, "scope global, us"),
        ("bedrock/us-gov/claude-opus-4-1/standard", "2026-06-01", MILLION, "scope all"),
        ("bedrock/us/claude-opus-5/fast", "2026-11-22", MILLION, "tiers sold on that day: batch, standard"),
        ("bedrock/us/claude-opus-5/standard", "2026-07-23", MILLION, "from 2026-07-24"),
        ("bedrock/us/claude-opus-5/standard", "2026-11-22", Usage(web_search=1), "priced units: input, output"),
        ("anthropic/global/claude-opus-4-8/fast", "2026-11-30", MILLION, "tiers sold on that day: batch, standard"),
    ],
)
def test_what_the_facts_do_not_sell_has_no_price(
    shipped: PriceBook, offer: str, at: str, usage: Usage, says: str
) -> None:
    with pytest.raises(NoPrice, match=says):
        price(usage, Offer(*offer.split("/")), date.fromisoformat(at), shipped)


def test_every_line_leads_back_to_a_cell_of_the_snapshot_and_to_claims_with_sources(
    snapshot: Snapshot, shipped: PriceBook
) -> None:
    cells = {cell.id: cell for cell in snapshot.cells}
    usage = Usage(1, 1, 1, 1, 1, 1, 1)
    found = price(usage, Offer("anthropic", "us", "claude-opus-5", "fast"), TODAY, shipped)
    assert len(found.lines) == 7
    for line in found.lines:
        assert cells[line.cell_id].rate_picos == line.rate_picos
        assert line.claim_ids
        assert all(snapshot.claim(claim_id).sources for claim_id in line.claim_ids)


def test_an_announced_price_is_never_counted_and_a_cancelled_rise_leaves_the_old_one() -> None:
    """Sonnet 5 was to rise to 3/15 on 2026-09-01; the rise was cancelled on 2026-08-10."""
    offer, later = Offer("anthropic", "global", "claude-sonnet-5"), date(2026, 9, 15)
    announced, cancelled = (PriceBook.from_snapshot(load().snapshot(date(2026, 8, day))) for day in (1, 15))
    assert str(price(MILLION, offer, date(2026, 8, 31), announced).amount) == "2"
    with pytest.raises(NoPrice, match="until 2026-09-01"):
        price(MILLION, offer, later, announced)
    assert str(price(MILLION, offer, later, cancelled).amount) == "2"


def test_every_cell_of_the_book_prices_the_same_one_by_one_and_in_columns(shipped: PriceBook) -> None:
    np = pytest.importorskip("numpy")
    columnar = pytest.importorskip("trivium.pricing.columnar")
    keys = columnar.Keys(shipped)
    rows: list[tuple[int, str, int, int]] = []
    for cell in shipped.cells:
        if cell.unit in TOKEN_UNITS:
            offer = Offer(cell.surface, cell.scope, cell.model, cell.tier)
            day = cell.valid_from or (cell.valid_until or TODAY) - timedelta(days=1)
            for length in {max(cell.band[0], 1), cell.band[1] or cell.band[0] + 100_000}:
                usage = Usage(**{cell.unit: length}) if cell.unit != "output" else Usage(input=length, output=7)
                found = price(usage, offer, day, shipped)
                rows.append((keys.code(offer, day), cell.unit, length, found.amount.picos))
    assert len(rows) > 3_000
    counts = {unit: np.array([row[2] if row[1] == unit else 0 for row in rows]) for unit in TOKEN_UNITS}
    outputs = np.array([row[1] == "output" for row in rows])
    counts["input"] = np.where(outputs, counts["output"], counts["input"])
    counts["output"] = np.where(outputs, 7, 0)
    key = np.array([row[0] for row in rows], np.uint16)
    assert columnar.price_table(keys.table(), key, counts).tolist() == [row[3] for row in rows]
