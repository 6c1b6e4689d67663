"""Replayed bodies consume exactly what was recorded: prompt length, re-used prefix, new tokens."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from trivium.core import Closed, Offer, Opened, Outcome, Quality, Usage, UsageEvent
from trivium.lab.replay import PlannedRequest, plan_conversation, select
from trivium.lab.tokens import count_text, directives

START = datetime(2026, 4, 15, tzinfo=UTC)


def event(number: int, read: int, new: int, output: int, session: str = "s1", subagent: str = "") -> UsageEvent:
    opened = Opened(
        f"{session}{subagent}-{number}",
        f"{session}-{number}",
        1,
        START + timedelta(seconds=20 * number),
        Offer("anthropic", "global", "claude-opus-4-5"),
        "",
        session=session,
        tags={"subagent": subagent or "main"},
    )
    usage = Usage(output=output, cache_read=read, cache_write_5m=new)
    return UsageEvent(opened, Closed(opened.event_id, opened.at, Outcome.OK, usage, Quality.EXACT))


def blocks(request: PlannedRequest) -> list[dict[str, Any]]:
    return [
        {"role": message["role"], **block}
        for message in json.loads(request.body)["messages"]
        for block in message["content"]
    ]


def token_stream(request: PlannedRequest) -> list[tuple[str, str]]:
    """The prompt as (role, text) with cache marks left out: what a prefix match compares."""
    return [(block["role"], block["text"]) for block in blocks(request)]


turns = st.lists(st.tuples(st.floats(0, 1), st.integers(1, 400), st.integers(0, 300)), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(turns)
def test_each_body_has_the_recorded_length_and_shares_exactly_the_recorded_prefix(
    shape: list[tuple[float, int, int]],
) -> None:
    events, before = [], 0
    for number, (share, new, output) in enumerate(shape):
        read = int(before * share)
        events.append(event(number, read, new, output))
        before = read + new
    previous: list[tuple[str, str]] = []
    marked: set[int] = set()
    for request, recorded in zip(plan_conversation(events), events, strict=True):
        found = blocks(request)
        assert sum(count_text(block["text"]) for block in found) == recorded.closed.usage.prompt_tokens
        common = 0
        for mine, theirs in zip(token_stream(request), previous, strict=False):
            if mine != theirs:
                break
            common += count_text(mine[1])
        assert common >= request.prefix_tokens
        if request.prefix_tokens:
            assert request.prefix_tokens in marked, "the previous request put a breakpoint where this one parts"
        marked, position = set(), 0
        for block in found:
            position += count_text(block["text"])
            if "cache_control" in block:
                marked.add(position)
        assert position in marked
        assert len(marked) <= 4
        previous = token_stream(request)


def test_the_directive_names_output_and_time_and_counts_nothing() -> None:
    (request,) = plan_conversation([event(0, 0, 10, 169)])
    text = blocks(request)[-1]["text"]
    assert directives(text) == {"out": "169", "at": "2026-04-15T00:00:00Z"}
    assert count_text(text) == 10


def test_messages_start_with_the_user_and_alternate() -> None:
    events = [event(0, 0, 50, 20), event(1, 50, 60, 20), event(2, 108, 30, 5)]
    for request in plan_conversation(events):
        roles = [message["role"] for message in json.loads(request.body)["messages"]]
        assert roles[0] == roles[-1] == "user"
        assert all(one != other for one, other in itertools.pairwise(roles))


def test_whole_sessions_are_selected_and_sub_agents_are_conversations_of_their_own() -> None:
    events = [
        event(number, 0, 10, 1, session, agent)
        for session in ("a", "b", "c")
        for agent in ("", "x")
        for number in (0, 1)
    ]
    chosen = select(events, requests_min=5, seed=1)
    assert [len(turns) for turns in chosen] == [2, 2, 2, 2]
    assert len({turns[0].opened.session for turns in chosen}) == 2
    assert select(events, requests_min=5, seed=1) == chosen
