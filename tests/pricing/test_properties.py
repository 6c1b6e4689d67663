"""What must hold of every amount: additive in a cell, never negative, monotone, independent of order and streaming."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pricing.hand_book import HandSnapshot, hand_cells
from trivium.core import TOKEN_UNITS, ZERO, NoPrice, Offer, Usage
from trivium.pricing import PriceBook, price

BOOK = PriceBook.from_snapshot(HandSnapshot(hand_cells()))
OFFERS = tuple(
    Offer(surface, scope, model, tier)
    for surface, scope, model, tier in sorted({(c.surface, c.scope, c.model, c.tier) for c in BOOK.cells})
    if model != "*"
)
counts = st.one_of(st.just(0), st.integers(0, 300_000), st.sampled_from([99_999, 100_000, 100_001, 200_000, 200_001]))
usages = st.builds(Usage, *[counts] * 5)
offers = st.sampled_from(OFFERS)
days = st.dates(date(2026, 1, 1), date(2026, 12, 31))


def picos(usage: Usage, offer: Offer, at: date) -> int:
    """The amount, or a skipped example where the offer lacks a unit."""
    try:
        return price(usage, offer, at, BOOK).amount.picos
    except NoPrice:
        assume(False)
        raise


@given(usages, usages, offers, days)
def test_within_the_same_cells_the_price_of_the_sum_is_the_sum_of_the_prices(
    one: Usage, other: Usage, offer: Offer, at: date
) -> None:
    whole = picos(one + other, offer, at)
    cells = {
        line.unit: line.cell_id for usage in (one, other, one + other) for line in price(usage, offer, at, BOOK).lines
    }
    same = all(
        cells[line.unit] == line.cell_id
        for usage in (one, other, one + other)
        for line in price(usage, offer, at, BOOK).lines
    )
    assume(same)
    assert whole == picos(one, offer, at) + picos(other, offer, at)


@given(usages, offers, days)
def test_an_amount_is_never_negative_and_is_the_sum_of_count_times_rate(usage: Usage, offer: Offer, at: date) -> None:
    assert picos(usage, offer, at) >= 0
    found = price(usage, offer, at, BOOK)
    assert found.amount.picos == sum(line.count * line.rate_picos for line in found.lines)
    assert {line.unit: line.count for line in found.lines} == {unit: count for unit, count in usage if count}
    assert sum((line.amount for line in found.lines), ZERO) == found.amount


@given(usages, offers, days, st.sampled_from(TOKEN_UNITS), st.integers(1, 200_000))
def test_one_more_token_of_any_class_never_costs_less(
    usage: Usage, offer: Offer, at: date, unit: str, more: int
) -> None:
    count = usage.get(unit)
    assert count is not None
    assert picos(replace(usage, **{unit: count + more}), offer, at) >= picos(usage, offer, at)


@given(usages, offers, days, st.lists(st.floats(0, 1), max_size=8))
def test_a_stream_that_reports_cumulative_counts_costs_what_the_whole_answer_costs(
    usage: Usage, offer: Offer, at: date, progress: list[float]
) -> None:
    """message_start carries the prompt, each message_delta the output so far: the last word counts."""
    assert usage.output is not None
    whole = picos(usage, offer, at)
    so_far = [replace(usage, output=int(usage.output * share)) for share in (0, *sorted(progress), 1)]
    amounts = [picos(reported, offer, at) for reported in so_far]
    assert amounts == sorted(amounts)
    assert amounts[-1] == whole


@settings(max_examples=30, deadline=None)  # the first example loads the kernel
@given(st.lists(st.tuples(usages, offers), max_size=40), st.data())
def test_a_total_does_not_depend_on_the_order_of_its_rows(rows: list[tuple[Usage, Offer]], data: st.DataObject) -> None:
    np = pytest.importorskip("numpy")
    columnar = pytest.importorskip("trivium.pricing.columnar")
    at = date(2026, 3, 1)
    priced = [row for row in rows if _has_price(*row, at)]
    expected = sum(price(usage, offer, at, BOOK).amount.picos for usage, offer in priced)
    for _ in range(2):
        keys = columnar.Keys(BOOK)
        key = np.array([keys.code(offer, at) for _, offer in priced], np.uint16)
        columns = {unit: np.array([usage.get(unit) for usage, _ in priced], np.int32) for unit in TOKEN_UNITS}
        assert sum(columnar.total(keys.table(), key, columns)) == expected
        priced = data.draw(st.permutations(priced))


def _has_price(usage: Usage, offer: Offer, at: date) -> bool:
    try:
        price(usage, offer, at, BOOK)
    except NoPrice:
        return False
    return True
