"""Demand sums what was billed exactly, and what another cache life would have read follows from the idle gaps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plan.market import AT, CELLS, HOME, book_of, sold, turn
from trivium.core import UNKNOWN_USAGE, NoPrice, Offer, Outcome, Quality, Usage, UserError
from trivium.plan import BookMarket, Reads, band_starts, demand_from_events
from trivium.plan._market import baseline_cost, demand_cost
from trivium.pricing import price

BANDED = (
    *sold("anthropic/global/opus/standard", "5 25 0.5 6.25 10", (0, 1000)),
    *sold("anthropic/global/opus/standard", "10 37.5 1 12.5 20", (1001, None)),
)


def test_an_idle_gap_beyond_five_minutes_is_read_under_an_hour_of_life() -> None:
    """First 1,000 written; +60 s 1,000 read, 100 written; +600 s all 1,200 written again: an hour reads 1,100."""
    events = [
        turn(0, Usage(output=10, cache_write_5m=1000)),
        turn(60, Usage(output=10, cache_read=1000, cache_write_5m=100)),
        turn(660, Usage(output=10, cache_write_5m=1200)),
    ]
    (demand,) = demand_from_events(events)
    (row,) = demand.rows
    assert (row.joined_5m, row.joined_1h) == (1000, 1000 + 1100)
    assert row.with_life("5m") == row.as_sent() == Usage(0, 30, 1000, 2300, 0)
    assert row.with_life("1h") == Usage(0, 30, 2100, 0, 3300 - 2100)
    assert [(gap.upto_s, gap.requests) for gap in demand.gaps] == [(60, 0), (300, 1), (900, 1), (3600, 0), (None, 0)]


def test_what_a_gap_hid_is_re_used_as_far_as_what_was_in_time() -> None:
    """In time 600 of 1,000 are read, a prompt rewritten: of the 1,000 behind the gap an hour reads 600 too."""
    events = [
        turn(0, Usage(cache_write_5m=1000)),
        turn(60, Usage(cache_read=600, cache_write_5m=400)),
        turn(660, Usage(cache_write_5m=1000)),
    ]
    (demand,) = demand_from_events(events)
    assert (demand.rows[0].joined_5m, demand.rows[0].joined_1h) == (600, 600 + 600)
    assert [minute.joined_1h for minute in demand.minutes] == [0, 600, 600]


def test_a_life_ends_at_its_full_length() -> None:
    """A prefix is read while it is younger than its life: 299 s is in time, 300 s is late."""
    for gap_s, read in ((299, 1000), (300, 0)):
        events = [turn(0, Usage(cache_write_5m=1000)), turn(gap_s, Usage(cache_read=1000, cache_write_5m=50))]
        (demand,) = demand_from_events(events, reads=Reads.REUSABLE)
        assert demand.rows[0].joined_5m == read


def test_a_recorded_trace_counts_its_reuse_only_within_the_life() -> None:
    """The trace says 1,000 reusable after ten minutes: with five minutes of life they are written again."""
    tags = {"trace": "claude_code_trace"}
    events = [
        turn(0, Usage(cache_write_5m=1000), tags=tags, quality=Quality.ESTIMATED),
        turn(600, Usage(cache_read=1000, cache_write_5m=50), tags=tags, quality=Quality.ESTIMATED),
    ]
    (demand,) = demand_from_events(events)
    assert demand.usage == Usage(cache_write_5m=2050)
    assert demand.rows[0].with_life("1h") == Usage(cache_read=1000, cache_write_1h=1050)


def test_a_conversation_that_changes_surface_loses_its_cache_and_staying_would_keep_it() -> None:
    there = Offer("bedrock", "global", "opus")
    events = [
        turn(0, Usage(cache_write_5m=1000)),
        turn(30, Usage(cache_write_5m=1100), offer=there),
        turn(60, Usage(cache_read=1000, cache_write_5m=200)),
    ]
    (demand,) = demand_from_events(events)
    assert sum(row.here_5m for row in demand.rows) == 1000
    assert sum(row.joined_5m for row in demand.rows) == 1000 + 1100
    assert demand.offers == ((HOME, 2), (there, 1))


def test_what_a_new_session_reads_was_written_by_others_and_is_lost_when_sessions_divide() -> None:
    events = [
        turn(0, Usage(cache_write_5m=1000), session="a"),
        turn(10, Usage(cache_read=800, cache_write_5m=200), session="b"),
        turn(20, Usage(cache_read=800, cache_write_5m=50), session="b", tags={"subagent": "one"}),
    ]
    (demand,) = demand_from_events(events)
    (row,) = demand.rows
    assert row.shared == 800  # the sub-agent stays with its session
    assert row.with_life("5m", divided=True) == Usage(cache_read=800, cache_write_5m=1000 + 200 + 50 + 800)


def test_sub_agents_are_conversations_of_their_own() -> None:
    events = [
        turn(0, Usage(cache_write_5m=1000)),
        turn(1, Usage(cache_write_5m=500), tags={"subagent": "one"}),
        turn(400, Usage(cache_write_5m=600), tags={"subagent": "one"}),
        turn(2000, Usage(cache_write_5m=1300)),
    ]
    (demand,) = demand_from_events(events)
    assert (demand.sessions, demand.conversations) == (1, 2)
    assert demand.rows[0].joined_1h == 500 + 1000  # gaps of 399 s and 2,000 s


def test_what_was_not_billed_is_not_demand_and_unknown_is_counted_apart() -> None:
    events = [
        turn(0, Usage(input=100, output=5)),
        turn(1, UNKNOWN_USAGE, outcome=Outcome.FAILED),
        turn(2, UNKNOWN_USAGE, outcome=Outcome.REFUSED),
        turn(3, Usage(input=9), endpoint="count_tokens"),
    ]
    (demand,) = demand_from_events(events)
    assert (demand.requests, demand.unknown, demand.usage.input) == (1, 1, 100)


def test_peaks_are_the_busiest_clock_minute() -> None:
    """Three requests in minute 0, one in minute 1: 60 input tokens against 50."""
    events = [turn(at, Usage(input=20, output=1), session="") for at in (0, 10, 59)]
    events.append(turn(61, Usage(input=50, output=7), session=""))
    (demand,) = demand_from_events(events)
    assert demand.peak() == {"requests": 3, "input": 60, "output": 7, "cache_read": 0, "cache_write": 0}


def test_an_aggregate_that_hides_a_band_cannot_be_priced() -> None:
    market = BookMarket(book_of(BANDED), AT)
    (hidden,) = demand_from_events([turn(0, Usage(input=500)), turn(1, Usage(input=1500))])
    with pytest.raises(UserError, match="1001"):
        baseline_cost(hidden, market)
    (shown,) = demand_from_events([turn(0, Usage(input=500)), turn(1, Usage(input=1500))], band_starts=(0, 1001))
    assert baseline_cost(shown, market) == 500 * 5_000_000 + 1500 * 10_000_000
    with pytest.raises(NoPrice):
        demand_cost(shown.rows, Offer("foundry", "global", "opus"), "5m", market, shown.band_starts)


counts = st.integers(0, 3000)
usages = st.builds(Usage, input=counts, output=counts, cache_read=counts, cache_write_5m=counts, cache_write_1h=counts)


@given(st.lists(st.tuples(st.integers(0, 8000), usages, st.sampled_from("ab"), st.booleans()), min_size=1, max_size=30))
def test_the_baseline_is_the_sum_of_every_request_priced_alone(
    drawn: list[tuple[int, Usage, str, bool]],
) -> None:
    """Whatever the gaps, bands, sessions and surfaces: summing first and pricing after loses nothing."""
    cells = (*BANDED, *[cell for cell in CELLS if cell.surface == "bedrock"])
    book = book_of(cells)
    places = {False: HOME, True: Offer("bedrock", "global", "opus")}
    events = [turn(at, usage, session=name, offer=places[there]) for at, usage, name, there in sorted_by_time(drawn)]
    (demand,) = demand_from_events(events, band_starts=band_starts(book))
    expected = sum(price(e.closed.usage, e.opened.offer, AT, book).amount.picos for e in events)
    assert baseline_cost(demand, BookMarket(book, AT)) == expected


@given(st.lists(st.tuples(st.integers(0, 8000), usages, st.sampled_from("ab"), st.booleans()), min_size=1, max_size=30))
def test_cache_life_moves_tokens_between_reads_and_writes_and_loses_none(
    drawn: list[tuple[int, Usage, str, bool]],
) -> None:
    events = [turn(at, usage, session=name) for at, usage, name, _ in sorted_by_time(drawn)]
    (demand,) = demand_from_events(events)
    for life in ("5m", "1h"):
        for divided in (False, True):
            for row in demand.rows:
                under = row.with_life(life, divided=divided)
                assert under.prompt_tokens == row.as_sent().prompt_tokens
                assert under.output == row.output
    for row in demand.rows:
        assert row.joined_5m <= row.joined_1h <= row.cached


def sorted_by_time(drawn: list[tuple[int, Usage, str, bool]]) -> list[tuple[int, Usage, str, bool]]:
    return sorted(drawn, key=lambda item: item[0])
