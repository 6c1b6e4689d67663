"""What the loss of a surface cost: its sessions' first request elsewhere writes what it would have read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from trivium.cli._up.replay import _cost
from trivium.core import Closed, Money, Offer, Opened, Outcome, Usage, UsageEvent
from trivium.lab.replay import PlannedRequest, Replayed

START = datetime(2026, 4, 15, tzinfo=UTC)
WRITE, READ = 6_250_000, 500_000  # pico-dollars per token: Opus 4.5 at list


def price(usage: Usage, surface: str, model: str, at: datetime) -> Money:
    return Money((usage.cache_write_5m or 0) * WRITE + (usage.cache_read or 0) * READ)


def answer(
    session: str, turn: int, surface: str, usage: Usage, *, prefix: int = 0, gap_s: float = 20, attempts: int = 1
) -> Replayed:
    opened = Opened(
        f"{session}-{turn}",
        "",
        1,
        START + timedelta(seconds=turn),
        Offer("anthropic", "global", "claude-opus-4-5"),
        "w",
        session=session,
    )
    event = UsageEvent(opened, Closed(opened.event_id, opened.at, Outcome.OK, usage))
    request = PlannedRequest(event, session, turn, opened.at, False, (), usage.prompt_tokens, prefix, 1, gap_s, b"")
    return Replayed(request, 200, surface, attempts, usage)


def test_only_the_first_request_of_a_displaced_session_pays_for_the_lost_cache() -> None:
    answers = [
        answer("a", 0, "bedrock", Usage(cache_write_5m=1000)),
        answer("b", 0, "vertex", Usage(cache_write_5m=1000)),
        # bedrock is gone: a's next request finds no cache on vertex and writes 1,000 + 100
        answer("a", 1, "vertex", Usage(cache_write_5m=1100), prefix=1000, attempts=2),
        answer("a", 2, "vertex", Usage(cache_read=1100, cache_write_5m=50), prefix=1100),
        answer("b", 1, "vertex", Usage(cache_read=1000, cache_write_5m=10), prefix=1000),
    ]
    killed = _cost("bedrock", 2, answers, price)
    assert killed.requests_moved == 2
    assert killed.extra_attempts == 1
    assert killed.lost_prefix_tokens == 1000
    assert killed.lost_cache_usd == Money(1000 * (WRITE - READ))
    assert killed.errors == 0


def test_a_prefix_that_had_expired_anyway_is_no_loss() -> None:
    answers = [
        answer("a", 0, "bedrock", Usage(cache_write_5m=1000)),
        answer("a", 1, "vertex", Usage(cache_write_5m=1100), prefix=1000, gap_s=301, attempts=2),
    ]
    killed = _cost("bedrock", 1, answers, price)
    assert (killed.requests_moved, killed.lost_prefix_tokens, killed.lost_cache_usd) == (1, 0, Money(0))
