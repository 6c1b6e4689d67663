"""A stream says what the whole message says, in the grammar of the Messages API, with usage in every place."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivium.core import ManualClock
from trivium.lab import LabServer
from trivium.lab.surfaces._base import Call
from trivium.lab.tokens import count_text

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOOL = {
    "name": "look_up",
    "description": "finds",
    "input_schema": {"type": "object", "properties": {"place": {"type": "string"}, "days": {"type": "integer"}}},
}
OPUS = "claude-opus-5-5"


def assembled(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The message that a client builds from a stream."""
    message: dict[str, Any] = events[0]["message"]
    for event in events:
        if event["type"] == "content_block_start":
            assert event["index"] == len(message["content"])
            message["content"].append(dict(event["content_block"]))
        elif event["type"] == "content_block_delta":
            _apply(message["content"][event["index"]], event["delta"])
        elif event["type"] == "content_block_stop":
            block = message["content"][event["index"]]
            if "partial" in block:
                block["input"] = msgspec.json.decode(block.pop("partial"))
        elif event["type"] == "message_delta":
            message.update(event["delta"])
            message["usage"].update(event["usage"])
    return message


def _apply(block: dict[str, Any], delta: dict[str, Any]) -> None:
    match delta:
        case {"type": "text_delta", "text": text}:
            block["text"] += text
        case {"type": "thinking_delta", "thinking": text}:
            block["thinking"] += text
        case {"type": "signature_delta", "signature": text}:
            block["signature"] += text
        case {"type": "input_json_delta", "partial_json": text}:
            block["partial"] = block.get("partial", "") + text


def grammar(events: list[dict[str, Any]]) -> None:
    """stream := message_start (block | ping)* message_delta message_stop."""
    kinds = [event["type"] for event in events if event["type"] != "ping"]
    assert (kinds[0], kinds[-2:]) == ("message_start", ["message_delta", "message_stop"])
    open_block = None
    for event in events:
        match event:
            case {"type": "content_block_start", "index": index}:
                assert open_block is None
                open_block = index
            case {"type": "content_block_delta" | "content_block_stop", "index": index}:
                assert open_block == index
                if event["type"] == "content_block_stop":
                    open_block = None
    assert open_block is None


_fields = st.fixed_dictionaries(
    {
        "max_tokens": st.integers(1, 300),
        "messages": st.text("ab c\n", min_size=1, max_size=30).map(lambda text: [{"role": "user", "content": text}]),
    },
    optional={
        "tools": st.just([TOOL]),
        "thinking": st.sampled_from([{"type": "adaptive", "display": "summarized"}, {"type": "adaptive"}]),
        "stop_sequences": st.sampled_from([["END"], ["the", "of"]]),
        "output_config": st.just({"format": {"type": "json_schema", "schema": TOOL["input_schema"]}}),
    },
)


@settings(max_examples=200, deadline=None)
@given(_fields, st.one_of(st.none(), st.integers(1, 200)))
def test_stream_and_message_agree_and_the_bill_agrees_with_both(fields: dict[str, Any], out: int | None) -> None:
    lab = LabServer(["anthropic"], clock=ManualClock(NOON))
    if out is not None:
        fields["messages"][0]["content"] += f" [[lab out={out}]]"
    call = Call("anthropic", "lab", OPUS, OPUS, "global", "2026-10-21", (), stream=True, fields=fields)
    answer = lab.engine.begin(call, "req_1")
    pairs = list(answer.events())
    message = msgspec.json.decode(msgspec.json.encode(answer.message()))
    events = [msgspec.json.decode(msgspec.json.encode(event)) for event, _ in pairs]
    grammar(events)
    assert assembled(events) == message
    done = [tokens for _, tokens in pairs]
    assert done == sorted(done)
    assert done[-1] == message["usage"]["output_tokens"] <= fields["max_tokens"]
    if out is not None:
        assert done[-1] == min(out, fields["max_tokens"])
    lab.engine.started(answer)
    lab.engine.finished(answer, "ok", answer.output_tokens)
    usage = message["usage"]
    prompt = usage["input_tokens"] + usage["cache_read_input_tokens"] + usage["cache_creation_input_tokens"]
    assert prompt == lab.engine.count(_counted(call))
    assert lab.bill.lines[0].amount.picos == prompt * 4_000_000 + done[-1] * 20_000_000


def _counted(call: Call) -> Call:
    kept = {name: value for name, value in call.fields.items() if name not in {"max_tokens", "stop_sequences"}}
    return Call("anthropic", "lab", OPUS, OPUS, "global", "2026-10-21", (), stream=False, fields=kept)


async def test_usage_stands_at_the_start_and_cumulative_at_the_end(post: Any) -> None:
    words = {"type": "text", "text": "a " * 599 + "a", "cache_control": {"type": "ephemeral"}}
    body = {"model": OPUS, "max_tokens": 90, "stream": True}
    ask = {**body, "messages": [{"role": "user", "content": [words, {"type": "text", "text": "[[lab out=50]] b"}]}]}
    _, events, response = await post(ask)
    start, end = events[0]["message"]["usage"], events[-2]["usage"]
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["x-lab-tokenizer"] == "synthetic-1"
    assert (start["input_tokens"], start["cache_creation_input_tokens"], start["output_tokens"]) == (1, 600, 1)
    assert start["cache_creation"] == {"ephemeral_5m_input_tokens": 600, "ephemeral_1h_input_tokens": 0}
    assert (end["input_tokens"], end["cache_creation_input_tokens"], end["output_tokens"]) == (1, 600, 50)
    assert [event["type"] for event in events].count("ping") == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_the_directive_gives_exactly_so_many_output_tokens(post: Any, stream: bool) -> None:
    body = {"model": OPUS, "max_tokens": 20_000, "stream": stream}
    ask = {**body, "messages": [{"role": "user", "content": "[[lab out=18195]] a"}]}
    _, answer, _ = await post(ask)
    message = assembled(answer) if stream else answer
    assert message["usage"]["output_tokens"] == count_text(message["content"][0]["text"]) == 18_195
    assert message["stop_reason"] == "end_turn"
