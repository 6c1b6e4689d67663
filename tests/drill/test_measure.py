"""What an outage cost is read from answers and decisions, to the last digit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from trivium.cli._drill.measure import cost, recovery, served
from trivium.cli._drill.outage import Course
from trivium.core import (
    UNKNOWN_USAGE,
    Closed,
    Considered,
    Decision,
    Money,
    Offer,
    Opened,
    Outcome,
    PriceError,
    Usage,
    UsageEvent,
)
from trivium.lab.replay import PlannedRequest, Replayed

START = datetime(2026, 4, 15, tzinfo=UTC)
MODEL = "claude-opus-4-5"
LOST = Offer("bedrock", "us", MODEL)
HERE, THERE = str(Offer("vertex", "global", MODEL)), str(LOST)
WRITE, READ, PLAIN = (
    6_250_000,
    500_000,
    5_000_000,
)  # pico-dollars per token; the lost surface takes a tenth more


def price(usage: Usage, offer: Offer, at: datetime) -> Money:
    if usage.unknown:
        raise PriceError("unknown is not zero")
    plain = (usage.cache_write_5m or 0) * WRITE + (usage.cache_read or 0) * READ + (usage.input or 0) * PLAIN
    return Money(plain * 11 // 10 if offer.surface == "bedrock" else plain)


def attempt(
    request: str, number: int, surface: str, usage: Usage, decision: Decision, outcome: Outcome = Outcome.OK
) -> UsageEvent:
    offer = LOST if surface == "bedrock" else Offer(surface, "global", MODEL)
    opened = Opened(
        f"{request}-{number}", request, number, START, offer, "w", session=request[0], decision=decision.encode()
    )
    return UsageEvent(opened, Closed(opened.event_id, START, outcome, usage))


def answer(request: str, began_s: float, surface: str, *, attempts: int = 1, first_s: float = 0.01) -> Replayed:
    event = attempt(request, 1, surface, Usage(input=1), Decision())
    planned = PlannedRequest(event, request[0], 1, START + timedelta(seconds=began_s), False, (), 1, 0, 1, 20.0, b"")
    usage = Usage(input=1) if surface else None
    status = 200 if surface else 529
    return Replayed(planned, status, surface, attempts, usage, "", request, began_s, first_s)


def chose(surface: str, *passed: tuple[str, str], **more: object) -> Decision:
    considered = tuple(Considered(offer, code) for offer, code in passed)
    return Decision(considered=(*considered, Considered(surface, "order")), **more)  # type: ignore[arg-type]  by name


def test_a_move_costs_the_difference_of_the_surfaces_and_the_cache_that_was_left() -> None:
    moved = chose(HERE, (THERE, "failed"), affinity="moved", home=THERE, lost_tokens=1000, lost=Money(1000 * 5_750_000))
    stays = chose(HERE, affinity="kept", home=HERE)
    events = [
        attempt("a1", 1, "bedrock", Usage(), Decision(), Outcome.REFUSED),
        attempt("a1", 2, "vertex", Usage(input=10, cache_write_5m=1100), moved),
        attempt("a2", 1, "vertex", Usage(input=10, cache_read=1100), stays),
        attempt("b1", 1, "vertex", Usage(input=10), chose(HERE)),
    ]
    course = Course(
        (answer("a1", 11, "vertex", attempts=2), answer("a2", 12, "vertex"), answer("b1", 12, "vertex")), 10, 20
    )
    found = cost(course, events, LOST, price)
    # a1: 10 * 5.00 + 1,100 * 6.25 here; there 1.1 * (10 * 5.00 + 100 * 6.25 + 1,000 * 0.50) USD per million
    first = (10 * PLAIN + 1100 * WRITE) - (10 * PLAIN + 100 * WRITE + 1000 * READ) * 11 // 10
    # a2, of the same session: a tenth less than there
    second = -(10 * PLAIN + 1100 * READ) // 10
    assert found.added == Money(first + second)
    assert (found.displaced_requests, found.extra_attempts, found.maybe_billed) == (2, 1, 0)
    assert (found.cache_moves, found.cache_lost_tokens, found.cache_lost) == (1, 1000, Money(1000 * 5_750_000))
    assert (found.cache_unknown, found.unpriced) == (0, 0)


def test_a_new_session_that_finds_the_breaker_open_is_displaced_too() -> None:
    events = [attempt("a1", 1, "vertex", Usage(input=10), chose(HERE, (THERE, "breaker")))]
    found = cost(Course((answer("a1", 11, "vertex"),), 10, 20), events, LOST, price)
    assert found.displaced_requests == 1
    assert found.added == Money(10 * PLAIN - 10 * PLAIN * 11 // 10)


def test_a_session_that_came_back_is_displaced_no_longer() -> None:
    events = [
        attempt("a1", 1, "vertex", Usage(input=10), chose(HERE, (THERE, "breaker"))),
        attempt("a2", 1, "bedrock", Usage(input=10), chose(THERE)),
        attempt("a3", 1, "vertex", Usage(input=10), chose(HERE)),
    ]
    answers = (answer("a1", 11, "vertex"), answer("a2", 21, "bedrock"), answer("a3", 22, "vertex"))
    assert cost(Course(answers, 10, 20), events, LOST, price).displaced_requests == 1


def test_what_is_not_known_is_counted_and_not_taken_for_nothing() -> None:
    moved = chose(HERE, (THERE, "failed"), affinity="moved", home=THERE)
    events = [
        attempt("a1", 1, "bedrock", UNKNOWN_USAGE, Decision(), Outcome.FAILED),
        attempt("a1", 2, "vertex", UNKNOWN_USAGE, moved),
    ]
    found = cost(Course((answer("a1", 11, "vertex", attempts=2),), 10, 20), events, LOST, price)
    assert (found.unpriced, found.cache_unknown, found.maybe_billed) == (1, 1, 1)
    assert (found.added, found.cache_lost) == (Money(0), Money(0))


def test_times_are_counted_from_the_first_failure_and_from_the_return() -> None:
    before = [answer(f"b{n}", n / 10, ("bedrock", "vertex")[n % 2]) for n in range(100)]
    slow = [answer(f"s{n}", 10 + n / 10, "vertex", attempts=2, first_s=1.5) for n in range(5)]
    during = [answer(f"d{n}", 11 + n / 100, "vertex") for n in range(60)]
    after = [answer("x1", 21, "vertex"), answer("y1", 22, "bedrock"), answer("z1", 23, "bedrock", first_s=0.5)]
    course = Course((*before, *slow, *during, *after), 9.95, 20)
    found = recovery(course, "bedrock")
    assert found.first_failure_s == pytest.approx(0.05)  # the first slow request was sent at 10
    assert found.first_byte_s == pytest.approx(1.0)  # that of 11 and the 49 behind it were quick
    assert (found.p99_before_ms, found.slowest_ms) == (pytest.approx(10), 1500)
    assert found.served_again_s == pytest.approx(22.01 - 20)
    assert served(course)["during"] == {"vertex": 65}


def test_a_surface_that_is_not_asked_again_is_said_so() -> None:
    course = Course((answer("a1", 1, "bedrock"), answer("b1", 11, "vertex"), answer("c1", 21, "vertex")), 10, 20)
    found = recovery(course, "bedrock")
    assert (found.first_failure_s, found.served_again_s, found.weight_again_s) == (None, None, None)
