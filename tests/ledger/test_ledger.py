"""The ledger records each attempt once, prices it exactly, and gives back what it was given."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import world
from trivium.core import (
    COUNT_MAX,
    DuplicateEvent,
    LedgerError,
    Money,
    Offer,
    Outcome,
    OutOfOrder,
    Quality,
    Usage,
    UsageEvent,
    UserError,
)
from trivium.ledger import Ledger


def test_what_is_appended_comes_back_equal(tmp_path: Path) -> None:
    events = [
        world.event("e1"),
        world.event("e2", at=world.NOON - timedelta(days=1), tags={}, max_output_tokens=None),
        UsageEvent(
            world.opened("e3", offer=Offer("bedrock", "us", "claude-haiku-4-5", "batch")),
            world.closed("e3", outcome=Outcome.CUT, usage=Usage(input=7, output=None), quality=Quality.UNKNOWN),
        ),
    ]
    with world.ledger(tmp_path) as ledger:
        ledger.append(events)
        assert list(ledger.events()) == [events[1], events[0], events[2]]
        assert ledger.event("e3") == events[2]


async def test_the_ledger_begins_with_the_earliest_attempt_ended_or_not(tmp_path: Path) -> None:
    with world.ledger(tmp_path) as ledger:
        assert ledger.first_at() is None
        ledger.append([world.event("e1"), world.event("e2", at=world.NOON - timedelta(days=1))])
        assert ledger.first_at() == world.NOON - timedelta(days=1)
        async with ledger.sink() as sink:
            await sink.opened(world.opened("e3", at=world.NOON - timedelta(days=2)))
        assert ledger.first_at() == world.NOON - timedelta(days=2)


def test_the_amount_is_the_sum_of_its_lines(tmp_path: Path) -> None:
    usage = Usage(input=1000, output=200, cache_read=40_000, cache_write_5m=800, cache_write_1h=300, web_search=2)
    with world.ledger(tmp_path) as ledger:
        ledger.append([world.event(usage=usage)])
        rating = ledger.rating("e1")
    # 1000 x 5 + 200 x 25 + 40000 x 0.5 + 800 x 6.25 + 300 x 10 = 5000 + 5000 + 20000 + 5000 + 3000 micro-dollars
    assert rating.amount == Money.from_usd("0.038") + Money.from_usd("0.02")
    assert [(line.unit, str(line.amount)) for line in rating.lines] == [
        ("input", "0.005"),
        ("output", "0.005"),
        ("cache_read", "0.02"),
        ("cache_write_5m", "0.005"),
        ("cache_write_1h", "0.003"),
        ("web_search", "0.02"),
    ]
    assert rating.lines[0].cell_id == "anthropic/global/claude-opus-5/standard/input"
    assert rating.lines[0].claim_ids == ("claim:claude-opus-5:input",)
    assert rating.book_digest == world.book().digest
    assert rating.book_as_of == world.book().as_of


def test_an_event_counts_once_however_often_it_comes(tmp_path: Path) -> None:
    with world.ledger(tmp_path) as ledger:
        assert ledger.append([world.event("e1"), world.event("e2"), world.event("e1")]).new == 2
        again = ledger.append([world.event("e2"), world.event("e1")])
        assert (again.new, again.known) == (0, 2)
        (total,) = ledger.spend()
        assert (total.attempts, total.amount) == (2, Money.from_usd("0.02"))  # 2 x (1000 x 5 + 200 x 25) / 10**6


def test_an_instant_is_the_same_in_any_zone(tmp_path: Path) -> None:
    berlin = world.NOON.astimezone(timezone(timedelta(hours=2)))
    with world.ledger(tmp_path) as ledger:
        ledger.append([world.event()])
        assert ledger.append([world.event(at=berlin)]).known == 1


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (world.event(workload="batch"), "workload 'chat' became 'batch'"),
        (world.event(usage=Usage(input=1000, output=201)), "output 200 became 201"),
        (world.event(tags={"team": "red"}), "tags"),
    ],
)
def test_an_id_with_other_content_is_refused_and_named(tmp_path: Path, other: UsageEvent, named: str) -> None:
    with world.ledger(tmp_path) as ledger:
        ledger.append([world.event()])
        with pytest.raises(DuplicateEvent, match=named):
            ledger.append([other])
        assert list(ledger.events()) == [world.event()]


def test_a_refused_event_takes_its_batch_back_unless_conflicts_are_collected(tmp_path: Path) -> None:
    clash = world.event("e1", workload="batch")
    with world.ledger(tmp_path) as ledger:
        ledger.append([world.event("e1")])
        with pytest.raises(DuplicateEvent):
            ledger.append([world.event("e2"), clash])
        assert [event.opened.event_id for event in ledger.events()] == ["e1"]
        refused: list[str] = []
        done = ledger.append(
            [world.event("e2"), clash], on_conflict=lambda event, _error: refused.append(event.opened.event_id)
        )
        assert (done.new, refused) == (1, ["e1"])


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (world.event(at=datetime(2026, 4, 15)), "at"),  # noqa: DTZ001  the point: no zone
        (world.event(at=datetime(1969, 1, 1, tzinfo=UTC)), "at"),
        (world.event(name=""), "event_id"),
        (world.event(tags={'a"b': "c"}), "tags"),
        (world.event(prompt_bytes=-1), "prompt_bytes"),
        (UsageEvent(world.opened("e1"), world.closed("e2")), "closed.event_id"),
    ],
)
def test_what_cannot_be_stored_as_it_is_is_refused_by_field(tmp_path: Path, event: UsageEvent, field: str) -> None:
    with world.ledger(tmp_path) as ledger:
        with pytest.raises(UserError) as refused:
            ledger.append([event])
        assert refused.value.field == field


def test_an_unpriced_attempt_is_counted_as_such_and_never_as_zero(tmp_path: Path) -> None:
    unknown = Offer("vertex", "eu", "claude-opus-5")
    with world.ledger(tmp_path) as ledger:
        ledger.append([world.event("e1"), world.event("e2", offer=unknown)])
        rating = ledger.rating("e2")
        assert rating.amount is None
        assert rating.reason.startswith("NoPrice: no price for any unit of vertex/eu/claude-opus-5/standard")
        by_surface = {row.keys: row for row in ledger.spend(["surface"])}
    assert by_surface["vertex",].unpriced == 1
    assert by_surface["vertex",].unpriced_upper is None
    assert by_surface["anthropic",].amount == Money.from_usd("0.01")


def test_rating_again_appends_only_where_it_says_something_new(tmp_path: Path) -> None:
    elsewhere = Offer("vertex", "eu", "claude-opus-5")
    books = [world.book()]
    with world.ledger(tmp_path, book=lambda: books[-1]) as ledger:
        ledger.append([world.event("e1"), world.event("e2", offer=elsewhere), world.event("e3", offer=elsewhere)])
        again = ledger.rate()
        assert (again.priced, again.unpriced, len(ledger.ratings("e2"))) == (0, 2, 1)
        books.append(world.book(elsewhere))
        now = ledger.rate()
        assert (now.priced, now.unpriced) == (2, 0)
        first, second = ledger.ratings("e2")
        assert (first.amount, second.amount) == (None, Money.from_usd("0.01"))
        assert first.book_digest != second.book_digest
        (total,) = ledger.spend()
        assert (total.unpriced, total.amount) == (0, Money.from_usd("0.03"))
        assert ledger.verify() == ()


def test_a_refused_attempt_costs_nothing_even_without_usage(tmp_path: Path) -> None:
    with world.ledger(tmp_path) as ledger:
        refused = world.closed(outcome=Outcome.REFUSED, usage=Usage(*[None] * 8), quality=Quality.UNKNOWN)
        ledger.append([UsageEvent(world.opened(), refused)])
        assert ledger.rating("e1").amount == Money(0)
        assert ledger.rating("e1").reason == "refused by the surface: nothing was billed"


def test_unknown_usage_lies_between_bounds(tmp_path: Path) -> None:
    """4000 bytes are at most 4000 tokens, at most 10 USD/M as hour-long writes; output at most 1000 at 25."""
    cut = world.closed(outcome=Outcome.FAILED, usage=Usage(*[None] * 8), quality=Quality.UNKNOWN)
    half = world.closed("e2", outcome=Outcome.CUT, usage=Usage(input=1000, output=None), quality=Quality.UNKNOWN)
    with world.ledger(tmp_path) as ledger:
        ledger.append([UsageEvent(world.opened(), cut), UsageEvent(world.opened("e2"), half)])
        whole, partly = ledger.rating("e1"), ledger.rating("e2")
        assert (whole.amount, whole.lower, whole.upper) == (None, Money(0), Money.from_usd("0.065"))  # 0.04 + 0.025
        assert (partly.lower, partly.upper) == (Money.from_usd("0.005"), Money.from_usd("0.03"))  # 0.005 + 0.025
        (total,) = ledger.spend()
        assert (total.unpriced, total.unknown_usage) == (2, 2)
        assert (total.unpriced_lower, total.unpriced_upper) == (Money.from_usd("0.005"), Money.from_usd("0.095"))


def test_an_amount_beyond_a_record_is_unpriced_not_wrapped(tmp_path: Path) -> None:
    with world.ledger(tmp_path) as ledger:
        ledger.append([world.event(usage=Usage(input=COUNT_MAX))])
        assert ledger.rating("e1").amount is None
        assert "beyond what a record holds" in ledger.rating("e1").reason


def test_sums_beyond_64_bits_stay_exact(tmp_path: Path) -> None:
    """Three requests of 9,000,000.000005 USD each: 2.7e19 pico-dollars, three times what 64 bits hold."""
    tokens = 1_800_000_000_001  # x 5,000,000 pico-dollars = 9.000000000005e18
    with world.ledger(tmp_path) as ledger:
        ledger.append([world.event(f"e{number}", usage=Usage(input=tokens)) for number in range(3)])
        (total,) = ledger.spend()
        assert total.amount == Money(3 * tokens * 5_000_000)
        assert total.amount.picos > 2**64
        assert str(total.amount) == "27000000.000015"


def test_spend_groups_by_any_dimension_or_tag(tmp_path: Path) -> None:
    events = [
        world.event("e1", workload="chat", tags={"team": "blue"}),
        world.event("e2", workload="chat", tags={"team": "red"}, at=datetime(2026, 5, 1, tzinfo=UTC)),
        world.event("e3", workload="batch", tags={}, usage=Usage(cache_read=9000, cache_write_5m=1000)),
    ]
    with world.ledger(tmp_path) as ledger:
        ledger.append(events)

        def amounts(by: str, **choice: object) -> dict[str, str]:
            return {row.keys[0]: str(row.amount) for row in ledger.spend([by], **choice)}  # type: ignore[arg-type]

        assert amounts("workload") == {"chat": "0.02", "batch": "0.01075"}  # 9000 x 0.5 + 1000 x 6.25
        assert amounts("tag:team") == {"blue": "0.01", "red": "0.01", "": "0.01075"}
        assert amounts("month") == {"2026-04": "0.02075", "2026-05": "0.01"}
        assert amounts("day", until=datetime(2026, 5, 1, tzinfo=UTC)) == {"2026-04-15": "0.02075"}
        assert amounts("workload", since=datetime(2026, 5, 1, tzinfo=UTC)) == {"chat": "0.01"}
        assert amounts("workload", where={"tag:team": "red"}) == {"chat": "0.01"}
        assert [row.keys for row in ledger.spend(["workload", "tag:team"])] == [
            ("batch", ""),
            ("chat", "blue"),
            ("chat", "red"),
        ]
        (batch,) = ledger.spend(["workload"], where={"workload": "batch"})
        assert batch.cache_hit_rate == 0.9
        with pytest.raises(UserError, match="dimension: 'colour'"):
            ledger.spend(["colour"])


def test_a_request_with_two_attempts_is_one_request(tmp_path: Path) -> None:
    with world.ledger(tmp_path) as ledger:
        ledger.append([world.event("e1", request_id="r"), world.event("e2", request_id="r", attempt=2)])
        (total,) = ledger.spend()
        assert (total.requests, total.attempts) == (1, 2)


def test_what_a_crash_left_open_is_reaped_between_bounds_and_corrected_by_its_true_end(tmp_path: Path) -> None:
    clock = world.clock()
    with world.ledger(tmp_path, clock=clock) as ledger:
        ledger._commit([world.opened("e1")])
        assert ledger.spend()[0].open == 1
        assert ledger.reap(timedelta(hours=1)) == ()
        clock.advance(timedelta(hours=2))
        assert ledger.open_attempts(timedelta(hours=1)) == (world.opened("e1"),)
        (reaped,) = ledger.reap(timedelta(hours=1))
        assert (reaped.amount, reaped.lower, reaped.upper) == (None, Money(0), Money.from_usd("0.065"))
        (row,) = ledger.spend(["outcome"])
        assert (row.keys, row.open, row.unpriced) == (("abandoned",), 0, 1)

        assert ledger._commit([world.closed("e1")]) == ["new"]
        (row,) = ledger.spend(["outcome"])
        assert (row.keys, row.attempts, row.unpriced, row.amount) == (("ok",), 1, 0, Money.from_usd("0.01"))
        assert list(ledger.events()) == [world.event("e1")]
        (refused,) = ledger._commit([world.closed("e1", stop_reason="other")])
        assert isinstance(refused, OutOfOrder)
        assert ledger.verify() == ()


def test_a_ledger_that_is_not_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"this is no database, only text that fills a page" * 100)
    with pytest.raises(LedgerError, match="not a database"):
        world.ledger(tmp_path)
    with pytest.raises(UserError, match="there is no ledger"):
        Ledger.open(tmp_path / "absent.db", clock=world.clock(), must_exist=True)
    with pytest.raises(UserError, match="not of a folder"):
        Ledger.open(tmp_path, clock=world.clock())


_counts = st.one_of(st.none(), st.integers(0, 10**9))
_usages = st.builds(Usage, *[_counts] * 8)
_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_instants = st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  bounds
_opens = st.builds(
    world.opened,
    at=_instants,
    offer=st.builds(Offer, _texts, _texts, _texts, _texts),
    workload=_texts,
    tags=st.dictionaries(_texts.filter(lambda name: bool(name) and '"' not in name), _texts, max_size=3),
    stream=st.booleans(),
    max_output_tokens=st.one_of(st.none(), st.integers(0, 10**6)),
)
_closes = st.builds(
    world.closed,
    at=_instants,
    outcome=st.sampled_from(Outcome),
    quality=st.sampled_from(Quality),
    usage=_usages,
    http_status=st.one_of(st.none(), st.integers(100, 599)),
    stop_reason=_texts,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(events=st.lists(st.tuples(_opens, _closes), max_size=6))
def test_append_then_read_is_the_identity(tmp_path_factory: pytest.TempPathFactory, events: list) -> None:  # type: ignore[type-arg]
    named = [
        UsageEvent(replace(start, event_id=f"e{number}"), replace(end, event_id=f"e{number}"))
        for number, (start, end) in enumerate(events)
    ]
    with world.ledger(tmp_path_factory.mktemp("identity")) as ledger:
        ledger.append(named)
        assert sorted(ledger.events(), key=lambda event: event.opened.event_id) == named
        assert sum(row.attempts for row in ledger.spend(["model", "tag:x"])) == len(named)
        assert ledger.verify() == ()
