"""What users of other gateways suffered with caches and signatures under routing; the real adapters, each case a test.

LL, CC and PA are the issues of litellm, claude-code and pydantic-ai.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from acceptance.support import Scripted
from gateway.support import MESSAGE, error_answer, json_answer
from trivium.core import Decision

OVERLOADED = error_answer(529, "overloaded_error")
REFUSED = error_answer(400, "invalid_request_error", "messages.1.content.0: Invalid `signature` in `thinking` block")
SIGNATURE = "EqQBCkYIBxgCKkD" + "a" * 60
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": SIGNATURE}
SAID = {"type": "text", "text": "Oslo it is"}


def ask(*turns: Any, ttl: str = "5m") -> dict[str, Any]:
    """A conversation whose last turn is marked, as clients without a session of their own send it."""
    mark = {"type": "ephemeral", "ttl": ttl}
    last = {"role": "user", "content": [{"type": "text", "text": turns[-1], "cache_control": mark}]}
    before = [
        {"role": ("user", "assistant")[number % 2], "content": turn if isinstance(turn, list) else str(turn)}
        for number, turn in enumerate(turns[:-1])
    ]
    return {"messages": [*before, last]}


def usage(**counts: int) -> dict[str, Any]:
    return {**MESSAGE, "usage": {"input_tokens": 3, "output_tokens": 6, **counts}}


CACHES = json_answer(usage(cache_read_input_tokens=900, cache_creation_input_tokens=100))


async def served_by(at: Scripted, body: dict[str, Any], **headers: str) -> str:
    reply = await at.post(body, **headers)
    assert reply.status == 200, reply.body
    return reply.headers["x-trivium-surface"]


async def test_d12_who_signed_is_remembered_and_the_refusal_is_met_once() -> None:
    """PA#3757: every turn after a failover was refused first, for the signatures of the platform before."""
    thinks = json_answer({**MESSAGE, "content": [THOUGHT, SAID]})
    at = Scripted({"anthropic": [thinks, OVERLOADED], "vertex": [REFUSED, json_answer()]}, breaker_failures=1000)
    assert await served_by(at, ask("where?")) == "anthropic"
    turns = ask("where?", [THOUGHT, SAID], "and then?")
    for _ in range(3):
        assert await served_by(at, turns) == "vertex"
        assert SIGNATURE.encode() not in at.sent_body()
    to_vertex = [sent for sent in at.transport.sent if sent.surface == "vertex"]
    assert len(to_vertex) == 4  # refused once, answered three times


async def test_d19_a_prompt_cache_without_a_session_is_followed_by_its_prefix() -> None:
    """LL#38078: turns were spread over surfaces, and the share read from the cache fell from 95 % to almost nothing."""
    at = Scripted({"anthropic": [CACHES], "vertex": [CACHES]}, weights=(50, 50))
    seen = set()
    for number in range(12):
        first = await served_by(at, ask(f"question {number}"))
        again = await served_by(at, ask(f"question {number}", "an answer", "another question"))
        third = await served_by(at, ask(f"question {number}", "an answer", "another question", "more", "and?"))
        assert first == again == third
        seen.add(first)
    assert seen == {"anthropic", "vertex"}
    decisions = [Decision.decode(opened.decision) for opened in at.sink.opened_events]
    kinds = [(found.affinity, found.found_by) for found in decisions if found is not None]
    assert kinds == [("new", ""), ("kept", "prefix"), ("kept", "prefix")] * 12


async def test_d19_affinity_lives_as_long_as_the_cache_five_minutes_or_an_hour() -> None:
    """LL#28427: the life was fixed at five minutes, also for caches that live an hour."""
    for ttl, minutes in (("5m", 5), ("1h", 60)):
        at = Scripted({"anthropic": [CACHES, OVERLOADED, CACHES], "vertex": [CACHES]})
        clock: Any = at.gateway._clock
        assert await served_by(at, ask("hello", ttl=ttl), x_claude_code_session_id="s") == "anthropic"
        assert await served_by(at, ask("hello", ttl=ttl), x_claude_code_session_id="s") == "vertex"
        clock.advance(timedelta(minutes=minutes, seconds=-1))
        assert await served_by(at, ask("hello", ttl=ttl), x_claude_code_session_id="s") == "vertex"
        clock.advance(timedelta(minutes=minutes))
        assert await served_by(at, ask("hello", ttl=ttl), x_claude_code_session_id="s") == "anthropic"


async def test_d19_two_replicas_that_share_nothing_draw_the_same_surface() -> None:
    """LL#6784, aws-samples/remote-swe-agents#76: behind a load balancer each replica had an affinity of its own."""
    one, other = (Scripted({"anthropic": [CACHES], "vertex": [CACHES]}, weights=(60, 40)) for _ in range(2))
    for number in range(12):
        named = {"x_claude_code_session_id": f"session-{number}"}
        assert await served_by(one, ask("hello"), **named) == await served_by(other, ask("hello", "a", "b"), **named)
        opening = f"question {number}"
        assert await served_by(one, ask(opening)) == await served_by(other, ask(opening, "an answer", "and?"))


async def test_d20_a_switch_says_how_many_cached_tokens_it_left_behind() -> None:
    """CC#83272, CC#60830: a fallback threw 190 thousand cached tokens away and nobody was told."""
    at = Scripted({"anthropic": [CACHES, OVERLOADED], "vertex": [CACHES]})
    for _ in range(2):
        await at.post(ask("hello"), x_claude_code_session_id="s")
    found = Decision.decode(at.sink.opened_events[-1].decision)
    assert found is not None
    assert (found.affinity, found.home, found.lost_tokens) == ("moved", "anthropic/global/claude-opus-5/standard", 1000)
    assert len(json.loads(at.sink.opened_events[-1].decision)["considered"]) == 2
