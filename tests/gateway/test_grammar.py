"""The checker of streams finds every way in which one was seen to be broken, and nothing in a good one."""

from __future__ import annotations

import pytest

from gateway import grammar
from gateway.support import event, stream

GOOD = stream()
ERROR = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
THINKING = event("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "hm"})
EMPTY_JSON = event("content_block_delta", index=0, delta={"type": "input_json_delta"})
TOOL = event("content_block_start", index=0, content_block={"type": "tool_use", "id": "t", "name": "f", "input": {}})
FULL = event("content_block_start", index=0, content_block={"type": "text", "text": "Hi"})


def test_a_good_stream_has_no_faults_and_gives_its_message() -> None:
    events = grammar.check(b"".join(GOOD))
    assert [name for name, _ in events][0::7] == ["message_start", "message_stop"]
    message = grammar.message_of(events)
    assert message["content"] == [{"type": "text", "text": "Hello"}]
    assert (message["stop_reason"], message["usage"]["output_tokens"]) == ("end_turn", 6)


@pytest.mark.parametrize("kept", range(len(GOOD)))
def test_an_error_may_end_a_stream_anywhere(kept: int) -> None:
    assert grammar.faults(b"".join([*GOOD[:kept], ERROR])) == []


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (GOOD[1:], "before message_start"),
        ([GOOD[0], *GOOD], "a second message_start"),
        (GOOD[:-1], "neither message_stop nor error"),
        ([*GOOD, GOOD[-1]], "message_stop after message_stop"),
        ([*GOOD, ERROR], "error after message_stop"),
        ([ERROR, *GOOD], "message_start after error"),
        ([*GOOD[:3], THINKING, *GOOD[3:]], "a thinking_delta in a text block"),
        ([GOOD[0], GOOD[3], *GOOD[1:]], "a text_delta outside of a block"),
        ([*GOOD[:5], *GOOD[6:]], "message_delta inside a block"),
        ([*GOOD[:6], GOOD[5], *GOOD[6:]], "a block stops that never started"),
        ([*GOOD[:6], *GOOD[1:]], "block 0 starts where 1 is next"),
        ([*GOOD[:2], GOOD[1], *GOOD[2:]], "a block starts inside another"),
        ([*GOOD[:6], GOOD[7]], "message_stop without message_delta"),
        ([GOOD[0], TOOL, EMPTY_JSON, *GOOD[5:]], "a input_json_delta without partial_json"),
        ([GOOD[0], FULL, *GOOD[2:]], "a text block starts with text 'Hi'"),
        ([*GOOD[:3], GOOD[3].replace(b'"index": 0', b'"index": 1'), *GOOD[4:]], "index 1 inside block 0"),
        ([*GOOD[:3], b"event: content_block_stop\n" + GOOD[3].partition(b"\n")[2], *GOOD[4:]], "but its type is"),
        ([*GOOD[:2], event("vertex_event"), *GOOD[2:]], "no event of the Messages API"),
        ([*GOOD[:3], GOOD[3].partition(b"\n")[2], *GOOD[4:]], "no event of two lines"),
        ([*GOOD[:-1], GOOD[-1][:-1]], "stops inside an event"),
        ([*GOOD[:3], b"event: ping\ndata: {\n\n", *GOOD[3:]], "Expecting"),
        ([GOOD[0], event("error", error={})], "an error without its type"),
    ],
)
def test_a_broken_stream_is_named(broken: list[bytes], said: str) -> None:
    found = grammar.faults(b"".join(broken))
    assert any(said in fault for fault in found), found
    with pytest.raises(AssertionError):
        grammar.check(b"".join(broken))
