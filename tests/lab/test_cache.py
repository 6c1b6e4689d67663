"""Prompt caching: what is read, what is written, for how long, and that the parts always sum to the prompt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivium.lab import LabServer
from trivium.lab.cache import Breakpoint, PromptCache
from trivium.lab.prompt import PromptReader
from trivium.lab.signatures import Signer

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
OPUS = "claude-opus-5-5"  # caches prefixes of 512 tokens and more
W600 = "a " * 599 + "a"


def block(text: str, ttl: str | None = None) -> dict[str, Any]:
    control = {"cache_control": {"type": "ephemeral", "ttl": ttl}} if ttl else {}
    return {"type": "text", "text": text, **control}


def user(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": OPUS, "max_tokens": 64, "messages": [{"role": "user", "content": list(blocks)}], **more}


def counts(usage: dict[str, Any]) -> tuple[int, int, int, int]:
    """(read, 5-minute write, 1-hour write, input) of a response."""
    created = usage["cache_creation"]
    return (
        usage["cache_read_input_tokens"],
        created["ephemeral_5m_input_tokens"],
        created["ephemeral_1h_input_tokens"],
        usage["input_tokens"],
    )


async def test_a_marked_prefix_is_written_then_read(post: Any) -> None:
    body = user(block(W600, "5m"), block("x y"))
    _, first, _ = await post(body)
    _, second, _ = await post(body)
    assert counts(first["usage"]) == (0, 600, 0, 2)
    assert counts(second["usage"]) == (600, 0, 0, 2)


async def test_a_prefix_below_the_minimum_is_not_cached(post: Any) -> None:
    body = user(block("a " * 510 + "a", "5m"))  # 511 tokens < 512
    for _ in range(2):
        _, answer, _ = await post(body)
        assert counts(answer["usage"]) == (0, 0, 0, 511)


async def test_a_five_minute_entry_dies_after_five_idle_minutes_and_lives_on_when_read(
    lab: LabServer, post: Any
) -> None:
    body = user(block(W600, "5m"))
    await post(body)
    lab.clock.advance(299)
    _, read, _ = await post(body)  # refreshed at 299 s, so it lives to 599 s
    lab.clock.advance(299)
    _, again, _ = await post(body)
    lab.clock.advance(300)
    _, dead, _ = await post(body)
    assert counts(read["usage"]) == counts(again["usage"]) == (600, 0, 0, 0)
    assert counts(dead["usage"]) == (0, 600, 0, 0)


async def test_an_hour_entry_outlives_five_minutes(lab: LabServer, post: Any) -> None:
    body = user(block(W600, "1h"))
    _, first, _ = await post(body)
    lab.clock.advance(3599)
    _, second, _ = await post(body)
    assert counts(first["usage"]) == (0, 0, 600, 0)
    assert counts(second["usage"]) == (600, 0, 0, 0)


async def test_an_hour_prefix_and_a_five_minute_tail_are_written_apart(post: Any) -> None:
    _, answer, _ = await post(user(block(W600, "1h"), block("b " * 9 + "b", "5m"), block("c")))
    assert counts(answer["usage"]) == (0, 10, 600, 1)


async def test_a_five_minute_mark_before_an_hour_mark_is_refused(post: Any) -> None:
    status, answer, _ = await post(user(block(W600, "5m"), block("b", "1h")))
    assert status == 400
    assert "ttl='1h' cache_control block must not come after a ttl='5m'" in answer["error"]["message"]


async def test_a_longer_conversation_reads_the_longest_prefix_and_writes_the_rest(post: Any) -> None:
    await post(user(block(W600, "5m")))
    longer = user(block(W600), block("b " * 99 + "b", "5m"))
    _, answer, _ = await post(longer)
    assert counts(answer["usage"]) == (600, 100, 0, 0)


@pytest.mark.parametrize(("between", "read"), [(18, 600), (19, 0)])
async def test_a_breakpoint_looks_twenty_blocks_back_itself_included(post: Any, between: int, read: int) -> None:
    await post(user(block(W600, "5m")))
    tail = [block("b")] * between + [block("c", "5m")]
    _, answer, _ = await post(user(block(W600), *tail))
    assert answer["usage"]["cache_read_input_tokens"] == read


async def test_four_breakpoints_are_the_most(post: Any) -> None:
    status, answer, _ = await post(user(*[block("a", "5m")] * 5))
    assert (status, answer["error"]["message"]) == (
        400,
        "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    )


async def test_top_level_cache_control_marks_the_last_block(post: Any) -> None:
    body = user(block(W600), cache_control={"type": "ephemeral"})
    await post(body)
    _, answer, _ = await post(body)
    assert counts(answer["usage"]) == (600, 0, 0, 0)


async def test_tools_come_before_system_before_messages(post: Any) -> None:
    tool = {
        "name": "t",
        "description": W600,
        "input_schema": {"type": "object"},
        "cache_control": {"type": "ephemeral"},
    }
    first = user(block("hi"), tools=[tool], system="one", tool_choice={"type": "none"})
    second = {**first, "system": "two"}
    await post(first)
    _, answer, _ = await post(second)
    assert answer["usage"]["cache_read_input_tokens"] > 600  # the tool definition alone
    _, changed, _ = await post({**second, "tools": [{**tool, "name": "u"}]})
    assert changed["usage"]["cache_read_input_tokens"] == 0


async def test_caches_of_two_accounts_and_of_two_models_are_apart() -> None:
    cache = PromptCache()
    mark = [Breakpoint(0, 300)]
    cache.commit(("s", "one", "m"), cache.look_up(("s", "one", "m"), [b"h"], [600], mark, 512, NOON), NOON)
    reads = [cache.look_up(owner, [b"h"], [600], mark, 512, NOON).read for owner in _OWNERS]
    assert reads == [600, 0, 0, 0]


_OWNERS = [("s", "one", "m"), ("s", "two", "m"), ("s", "one", "n"), ("t", "one", "m")]


async def test_nothing_is_readable_before_the_response_starts() -> None:
    cache = PromptCache()
    mark = [Breakpoint(0, 300)]
    first = cache.look_up(("s",), [b"h"], [600], mark, 512, NOON)
    second = cache.look_up(("s",), [b"h"], [600], mark, 512, NOON)
    assert (first.write_5m, second.write_5m) == (600, 600)


async def test_the_minimum_follows_its_dates(lab: LabServer) -> None:
    model = lab.models.get("claude-sonnet-4-6")
    days = {"2026-02-20": 1024, "2026-04-15": 2048, "2026-05-14": 1024}
    for day, tokens in days.items():
        assert model.cache_minimum(datetime.fromisoformat(day).replace(tzinfo=UTC)) == tokens


def test_a_directive_is_no_part_of_the_prefix() -> None:
    reader, signer = PromptReader(), Signer.from_seed(0)
    plain = reader.read({"messages": [{"role": "user", "content": " a b"}]}, signer)
    told = reader.read({"messages": [{"role": "user", "content": "[[lab out=9]] a b"}]}, signer)
    assert plain == told


_step = st.tuples(
    st.integers(0, 400),  # seconds since the step before
    st.lists(st.integers(0, 3), min_size=1, max_size=6),  # blocks, by the size of their alphabet
    st.lists(st.sampled_from(["1h", "5m", None]), min_size=6, max_size=6),
)


@given(st.lists(_step, min_size=1, max_size=8))
def test_read_written_and_plain_input_always_sum_to_the_prompt(steps: list[Any]) -> None:
    cache, at = PromptCache(), NOON
    for idle, names, marks in steps:
        at += timedelta(seconds=idle)
        tokens = list(accumulate(200 * (name + 1) for name in names))
        hashes = [bytes(names[: index + 1]) for index in range(len(names))]
        wanted = sorted(((mark, index) for index, mark in enumerate(marks[: len(names)]) if mark), key=lambda m: m[1])
        points = [Breakpoint(index, 3600 if mark == "1h" else 300) for mark, index in wanted]
        found = cache.look_up(("o",), hashes, tokens, points, 512, at)
        assert found.read + found.write_5m + found.write_1h + found.input == tokens[-1]
        assert min(found.read, found.write_5m, found.write_1h, found.input) >= 0
        cache.commit(("o",), found, at)
        again = cache.look_up(("o",), hashes, tokens, points, 512, at)
        last = max((tokens[point.position] for point in points if tokens[point.position] >= 512), default=0)
        assert again.read >= last
        assert again.write_5m == again.write_1h == 0
