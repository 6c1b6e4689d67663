"""What users of other gateways suffered with streams, thinking, failover and waiting; here each is a test.

LL, CC and BF are the issues of litellm, claude-code and bifrost. Every stream goes through the checker of the grammar.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from acceptance.support import TOOL, Scripted, carried
from gateway import grammar
from gateway.support import AUTH, Caller, error_answer, event, json_answer, sse_answer, stream
from gateway.test_clients import site as served
from gateway_upstream.test_through_the_lab import HI, MODEL, SURFACES, site
from trivium.core import Outcome
from trivium.lab import Fault

ADAPTIVE = {"type": "adaptive"}
USER = {"role": "user", "content": "[[lab tool=look_up]] think about the weather"}
THINKS_AND_CALLS: dict[str, Any] = {"messages": [USER], "tools": [TOOL], "max_tokens": 4000, "thinking": ADAPTIVE}
OVERLOADED = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
TOOL_USE = {"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {}}
PLAIN = stream()
CALLING = [  # thinking, then a tool without arguments: its one delta is empty
    PLAIN[0],
    event("content_block_start", index=0, content_block={"type": "thinking", "thinking": "", "signature": ""}),
    event("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "hm"}),
    event("content_block_delta", index=0, delta={"type": "signature_delta", "signature": "c2ln"}),
    event("content_block_stop", index=0),
    event("content_block_start", index=1, content_block=TOOL_USE),
    event("content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": ""}),
    event("content_block_stop", index=1),
    event("message_delta", delta={"stop_reason": "tool_use", "stop_sequence": None}, usage={"output_tokens": 6}),
    PLAIN[-1],
]


@pytest.mark.parametrize("surface", SURFACES)
async def test_d11_thinking_and_its_signature_can_be_played_back(tmp_path: Path, surface: str) -> None:
    """BF#5638, BF#6342: the signature came on the wrong delta, and the next turn was refused."""
    async with site(tmp_path, surface) as at:
        reply = await at.post({**THINKS_AND_CALLS, "stream": True})
        message = grammar.message_of(grammar.check(reply.body))
        assert [block["type"] for block in message["content"]] == ["thinking", "tool_use"]
        result = {"type": "tool_result", "tool_use_id": message["content"][1]["id"], "content": "rain"}
        turns = [USER, {"role": "assistant", "content": message["content"]}, {"role": "user", "content": [result]}]
        played = await at.post({**THINKS_AND_CALLS, "messages": turns})
        assert played.status == 200, played.body
        message["content"][0]["thinking"] += " more"
        changed = await at.post({**THINKS_AND_CALLS, "messages": turns})  # refused, and repeated without the block
        assert "left out thinking blocks" in changed.headers["x-trivium-notes"]


async def test_d11_the_official_client_puts_the_same_message_together() -> None:
    """BF#5638: what the SDK put together from the stream was not what the surface had said."""
    async with served() as at, at.client() as client:
        async with client.messages.stream(**THINKS_AND_CALLS, model=MODEL) as events:
            told = (await events.get_final_message()).model_dump(mode="json", exclude_unset=True)["content"]
        body = json.dumps({**THINKS_AND_CALLS, "model": MODEL, "stream": True}).encode()
        own = await Caller(at.gateway).send("POST", "/v1/messages", headers=AUTH, body=body)
        said = grammar.message_of(grammar.check(own.body))["content"]
        assert [block["type"] for block in told] == ["thinking", "tool_use"]
        assert told[0] == said[0]
        assert (told[1]["name"], told[1]["input"]) == (said[1]["name"], said[1]["input"])
        turns = [USER, {"role": "assistant", "content": told}]
        turns.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": told[1]["id"]}]})
        assert (await client.messages.create(**{**THINKS_AND_CALLS, "messages": turns}, model=MODEL)).stop_reason


async def test_d12_a_conversation_goes_on_after_its_signatures_are_refused_elsewhere() -> None:
    """pydantic/pydantic-ai#3757, mnfst/llm-gateway#2337: after a failover each turn was "Invalid signature"."""
    refused = error_answer(
        400, "invalid_request_error", "messages.1.content.0: Invalid `signature` in `thinking` block"
    )
    at = Scripted({"anthropic": [refused, json_answer()]})
    assert (await at.post({**THINKS_AND_CALLS, "messages": turns_with(signature="c2ln")})).status == 200
    assert b'"thinking": "hm"' not in at.sent_body()
    assert json.loads(at.sent_body())["messages"][1]["content"] == [{"type": "text", "text": "Which city?"}]
    assert len(at.transport.sent) == 2


async def test_d12_what_is_still_refused_without_them_is_the_clients_to_read() -> None:
    """One repetition, not an endless one; a turn that is all thinking is left as it is."""
    refused = error_answer(
        400, "invalid_request_error", "messages.1.content.0: Invalid `signature` in `thinking` block"
    )
    at = Scripted({"anthropic": [refused, refused, json_answer()]})
    reply = await at.post({**THINKS_AND_CALLS, "messages": turns_with(signature="c2ln")})
    assert (reply.status, len(at.transport.sent)) == (400, 2)
    only = [{"type": "thinking", "thinking": "hm", "signature": "c2ln"}]
    turns = [USER, {"role": "assistant", "content": only}, {"role": "user", "content": "Oslo"}]
    at = Scripted({"anthropic": [refused, json_answer()]})
    assert (await at.post({**THINKS_AND_CALLS, "messages": turns})).status == 400


def turns_with(**more: str) -> list[dict[str, Any]]:
    content = [{"type": "thinking", "thinking": "hm", **more}, {"type": "text", "text": "Which city?"}]
    return [USER, {"role": "assistant", "content": content}, {"role": "user", "content": "Oslo"}]


@pytest.mark.parametrize("surface", SURFACES)
async def test_d13_thinking_never_becomes_text(surface: str) -> None:
    """can1357/oh-my-pi#7241: unsigned thinking was demoted to text, and the model refused to go on."""
    at = Scripted({surface: [json_answer()]})
    turns = turns_with()
    await at.post({**THINKS_AND_CALLS, "messages": turns})
    assert json.loads(at.sent_body())["messages"] == turns


@pytest.mark.parametrize("surface", SURFACES)
async def test_d14_every_stream_keeps_the_grammar(tmp_path: Path, surface: str) -> None:
    """LL#32357, LL#33224, LL#30014: thinking inside a text block, two message_start, a lost first delta."""
    async with site(tmp_path, surface) as at:
        for asked in (HI, THINKS_AND_CALLS, {**HI, "thinking": ADAPTIVE, "max_tokens": 4000}):
            whole, streamed = await at.post(asked), await at.post({**asked, "stream": True})
            made = grammar.message_of(grammar.check(streamed.body))
            assert [block["type"] for block in made["content"]] == [block["type"] for block in whole.json()["content"]]
            assert made["stop_reason"] == whole.json()["stop_reason"]
            assert made["usage"]["output_tokens"] == at.sink.closed_events[-1].usage.output


@pytest.mark.parametrize("cuts", [1, 7, 64])
@pytest.mark.parametrize("events", [PLAIN, CALLING], ids=["text", "thinking and tool"])
@pytest.mark.parametrize("surface", SURFACES)
async def test_d14_no_delta_is_lost_whatever_the_pieces(surface: str, events: list[bytes], cuts: int) -> None:
    """LL#29286: an empty input_json_delta was dropped, and the client's tool call had no arguments."""
    answer = carried(surface, events)
    sent = b"".join(answer.chunks)
    answer.chunks = [sent[start : start + cuts] for start in range(0, len(sent), cuts)]
    reply = await Scripted({surface: [answer]}).post({**HI, "stream": True})
    assert grammar.check(reply.body) == grammar.check(b"".join(events))


@pytest.mark.parametrize("kind", ["late_error", "truncated_event"])
@pytest.mark.parametrize("surface", SURFACES)
async def test_d14_a_broken_stream_keeps_the_grammar_too(tmp_path: Path, surface: str, kind: str) -> None:
    """LL#32357: what was translated after a failure was no stream that a client could read."""
    async with site(tmp_path, surface) as at:
        at.lab.faults.add(Fault(kind, surface=surface, after_events=5, count=1))
        reply = await at.post({**HI, "stream": True})
        assert grammar.check(reply.body)[-1][0] == "error"
        assert at.sink.outcomes() == [Outcome.CUT]


@pytest.mark.parametrize("surface", SURFACES)
async def test_d15_overload_before_the_first_content_goes_to_the_next_surface(surface: str) -> None:
    """LL#24004: 510 overloads inside streams in 80 minutes, none of them tried elsewhere, all logged as success."""
    other = "vertex" if surface != "vertex" else "anthropic"
    for begun in ([], PLAIN[:1]):
        at = Scripted({surface: [carried(surface, [*begun, OVERLOADED])], other: [sse_answer()]})
        reply = await at.post({**HI, "stream": True})
        assert grammar.message_of(grammar.check(reply.body))["content"][0]["text"] == "Hello"
        assert reply.headers["x-trivium-surface"] == other
        assert at.sink.outcomes()[0] is not Outcome.OK
        assert at.sink.outcomes()[1] is Outcome.OK


@pytest.mark.parametrize("surface", SURFACES)
async def test_d15_after_the_first_content_the_error_is_told_and_two_answers_never_mix(surface: str) -> None:
    """LL#19077, LL#6532: a second model's answer was glued to the first half of another."""
    other = "vertex" if surface != "vertex" else "anthropic"
    at = Scripted({surface: [carried(surface, [*PLAIN[:4], OVERLOADED])], other: [sse_answer()]})
    reply = await at.post({**HI, "stream": True})
    events = grammar.check(reply.body)
    assert events[-1][0] == "error"
    assert events[-1][1]["error"]["type"] == "overloaded_error"
    assert grammar.message_of(events)["content"] == [{"type": "text", "text": "Hel"}]
    assert [sent.surface for sent in at.transport.sent] == [surface]
    assert at.sink.outcomes() == [Outcome.CUT]


@pytest.mark.parametrize("surface", SURFACES)
async def test_d16_a_connection_lost_in_a_tool_call_is_not_completed(surface: str) -> None:
    """CC#68362: a stop was made up after the loss; the half tool call ran, failed, and was asked for again."""
    half = event("content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": '{"ci'})
    at = Scripted({surface: [carried(surface, [*CALLING[:6], half], cut=True)]})
    names = [name for name, _ in grammar.check((await at.post({**HI, "stream": True})).body)]
    assert names[-2:] == ["content_block_delta", "error"]
    assert not {"message_delta", "message_stop"} & set(names)
    assert names.count("content_block_stop") == 1  # that of the thinking
    assert len(at.transport.sent) == 1
    assert at.sink.outcomes() == [Outcome.CUT]


@pytest.mark.parametrize("surface", SURFACES)
async def test_d17_a_time_to_wait_reaches_the_client(surface: str) -> None:
    """LL#37754, LL#37767: a 429 lost its `retry-after` on the way, and clients asked again without end."""
    at = Scripted({surface: [error_answer(429, "rate_limit_error", **{"retry-after": "7"})]})
    for streamed in (False, True):
        reply = await at.post({**HI, "stream": streamed})
        assert (reply.status, reply.headers["retry-after"]) == (429, "7")
        assert reply.json()["error"]["type"] == "rate_limit_error"


@pytest.mark.parametrize("surface", SURFACES)
async def test_d17_every_429_names_a_time_to_wait(surface: str) -> None:
    """LL#37754: clouds send their 429 without `retry-after`; clients that rely on it did not wait."""
    at = Scripted({surface: [error_answer(429, "rate_limit_error")]})
    reply = await at.post(HI)
    assert reply.status == 429
    assert int(reply.headers.get("retry-after", "0")) >= 1


@pytest.mark.parametrize("surface", SURFACES)
async def test_d18_the_first_thought_of_a_large_request_is_passed_on_at_once(surface: str) -> None:
    """LL#38689: the first byte came after 2 seconds or after 17, and only through the proxy."""
    more = asyncio.Event()
    first = carried(surface, CALLING[:3], hold=more)
    at, body = Scripted({surface: [first]}), {"model": MODEL, **THINKS_AND_CALLS, "stream": True}
    body["system"] = "rule " * 200_000
    caller = Caller(at.gateway)
    work = asyncio.ensure_future(caller.send("POST", "/v1/messages", headers=AUTH, body=json.dumps(body).encode()))
    async with asyncio.timeout(5):  # nothing else is to come: without a pass the wait would have no end
        while b"thinking_delta" not in caller.response.body:
            await caller.progress.wait()
            caller.progress.clear()
    more.set()
    assert grammar.check((await work).body)[-1][0] == "error"


async def test_d19_a_session_keeps_its_surface_and_with_it_its_cache() -> None:
    """LL#38078, LL#6784: turns of one session went to a surface each, and the cache was read at almost no turn."""
    at = Scripted({"anthropic": [json_answer()], "vertex": [json_answer()]}, weights=(50, 50))
    seen = set()
    for session in range(12):
        for _ in range(4):
            await at.post(HI, x_claude_code_session_id=f"session-{session}")
        surfaces = {sent.surface for sent in at.transport.sent[-4:]}
        assert len(surfaces) == 1
        seen |= surfaces
    assert seen == {"anthropic", "vertex"}
