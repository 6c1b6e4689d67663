"""Chunks: their grammar, what the SDK puts together from them, how they end, and the form of errors."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx2
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.grammar import check as check_events
from gateway.support import MESSAGE, Answer, event, json_answer, post, sse_answer, stream, world
from gateway_dialect.chunk_grammar import check, chunks_of
from trivium.core import ManualClock, Outcome
from trivium.gateway import GatewaySettings
from trivium.gateway.dialect import NoMessage, Speech, asked
from trivium.gateway.seams import NotSupported
from trivium.gateway.wire.decode import StreamDecoder, broken
from trivium.gateway.wire.errors import envelope

AT = datetime(2026, 11, 25, tzinfo=UTC)
USAGE = {**MESSAGE["usage"], "output_tokens_details": {"thinking_tokens": 2}}
TEXTS = st.lists(st.text(max_size=6), max_size=4)
BLOCKS = st.lists(
    st.one_of(
        st.tuples(st.just("text"), TEXTS),
        st.tuples(st.just("thinking"), TEXTS),
        st.tuples(st.just("redacted_thinking"), st.just([])),
        st.tuples(
            st.just("tool_use"),
            st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=4) | st.none(), max_size=3).map(
                lambda value: _cut(json.dumps(value), 5)
            ),
        ),
    ),
    max_size=5,
)


def _cut(data: Any, size: int) -> list[Any]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def speech(*, usage: bool = True) -> Speech:
    found = asked("/v1/chat/completions", ManualClock(AT))
    assert found is not None
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True}
    options = {"stream_options": {"include_usage": True}} if usage else {}
    made = found.dialect.canonical(found, json.dumps(body | options).encode(), {}).speech
    assert made is not None
    return made


def said(blocks: Sequence[tuple[str, list[str]]], reason: str = "end_turn") -> tuple[dict[str, Any], list[bytes]]:
    """One answer, as a message and as the events of a stream."""
    content: list[dict[str, Any]] = []
    events = [event("message_start", message={**MESSAGE, "content": [], "stop_reason": None, "usage": USAGE})]
    for index, (kind, parts) in enumerate(blocks):
        whole = "".join(parts)
        begun, block, deltas = _block(kind, index, parts, whole)
        content.append(block)
        events.append(event("content_block_start", index=index, content_block=begun))
        events += [event("content_block_delta", index=index, delta=delta) for delta in deltas]
        events.append(event("content_block_stop", index=index))
        events.append(event("ping"))
    delta = {"stop_reason": reason, "stop_sequence": None}
    events.append(event("message_delta", delta=delta, usage={"output_tokens": 6}))
    events.append(event("message_stop"))
    return {**MESSAGE, "content": content, "stop_reason": reason, "usage": USAGE}, events


def _block(kind: str, index: int, parts: list[str], whole: str) -> tuple[dict[str, Any], dict[str, Any], list[Any]]:
    if kind == "text":
        begun = {"type": kind, "text": ""}
        return begun, {**begun, "text": whole}, [{"type": "text_delta", "text": part} for part in parts]
    if kind == "thinking":
        begun = {"type": kind, "thinking": "", "signature": ""}
        deltas: list[Any] = [{"type": "thinking_delta", "thinking": part} for part in parts]
        deltas.append({"type": "signature_delta", "signature": f"sig{index}"})
        return begun, {"type": kind, "thinking": whole, "signature": f"sig{index}"}, deltas
    if kind == "redacted_thinking":
        block = {"type": kind, "data": f"data{index}"}
        return block, block, []
    begun = {"type": kind, "id": f"toolu_{index}", "name": "add", "input": {}}
    given_parts = [] if whole == "{}" else ["", *parts]  # surfaces begin with an empty part, or send none at all
    deltas = [{"type": "input_json_delta", "partial_json": part} for part in given_parts]
    return begun, {**begun, "input": json.loads(whole)}, deltas


def through(data: bytes, cuts: Sequence[int], speak: Speech) -> bytes:
    """What a client gets of an upstream's bytes that come cut at these places."""
    decoder = StreamDecoder(
        "plain", lambda body: broken("plain", str(body)), long_writes=False, limits=GatewaySettings(surfaces={})
    )
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    out = b"".join(speak.events(decoder.feed(data[a:b])) for a, b in itertools.pairwise(edges))
    out += speak.events(decoder.finish())
    assert decoder.complete
    return out


def by_sdk(answer: bytes, *, streamed: bool) -> Any:
    """What the official SDK reads."""

    def parts() -> Iterator[bytes]:
        yield from _cut(answer, 50)

    kind = "text/event-stream" if streamed else "application/json"
    transport = httpx2.MockTransport(
        lambda _: httpx2.Response(200, headers={"content-type": kind}, content=parts() if streamed else answer)
    )
    ask: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    with (
        httpx2.Client(transport=transport) as http,
        openai.OpenAI(base_url="http://x.test", api_key="k", http_client=http) as client,
    ):
        if not streamed:
            return client.chat.completions.create(**ask)
        with client.chat.completions.stream(**ask) as events:
            return events.get_final_completion()


def read(completion: Any) -> dict[str, Any]:
    """What both kinds of answer must agree in: all but their names, and the arguments by what they say."""
    (choice,) = completion.choices
    message = choice.message
    calls = [
        (call.id, call.type, call.function.name, json.loads(call.function.arguments))
        for call in message.tool_calls or []
    ]
    return {
        "id": completion.id,
        "model": completion.model,
        "created": completion.created,
        "content": message.content,
        "refusal": message.refusal,
        "calls": calls,
        "reason": choice.finish_reason,
        "usage": completion.usage.to_dict() if completion.usage else None,
        "thinking": {name: (message.model_extra or {}).get(name) for name in ("reasoning_content", "thinking_blocks")},
    }


@given(BLOCKS, st.lists(st.integers(0, 10_000), max_size=8))
def test_the_sdk_puts_the_whole_answer_together_wherever_the_bytes_are_cut(
    blocks: list[tuple[str, list[str]]], cuts: list[int]
) -> None:
    message, events = said(blocks)
    check_events(b"".join(events))
    streamed = through(b"".join(events), cuts, speech())
    check(streamed, usage=True)
    whole = speech().whole(json.dumps(message).encode())
    assert read(by_sdk(streamed, streamed=True)) == read(by_sdk(whole, streamed=False))


def test_the_counts_are_those_of_the_surface() -> None:
    """12 fresh, 7 written to the cache, 5 read from it: 24 of the prompt; 6 written, 2 of them thinking: 30 in all."""
    message, events = said([("text", ["hi"])])
    found = read(by_sdk(through(b"".join(events), [], speech()), streamed=True))["usage"]
    assert found == {
        "prompt_tokens": 24,
        "completion_tokens": 6,
        "total_tokens": 30,
        "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 7},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    assert json.loads(speech().whole(json.dumps(message).encode()))["usage"] == found


@pytest.mark.parametrize("usage", [None, {}, {"input_tokens": None, "output_tokens": 3}, {"input_tokens": "12"}, 5])
def test_counts_that_a_surface_did_not_give_are_not_invented(usage: Any) -> None:
    whole = json.loads(speech().whole(json.dumps({**MESSAGE, "usage": usage}).encode()))
    assert "usage" not in whole
    events = [event("message_start", message={**MESSAGE, "usage": usage}), event("message_stop")]
    assert all(chunk["choices"] for chunk in chunks_of(speech().events(b"".join(events))))


@pytest.mark.parametrize(
    ("reason", "said_as"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("tool_use", "tool_calls"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("pause_turn", "length"),
        ("refusal", "content_filter"),
        ("some_new_reason", "some_new_reason"),
    ],
)
def test_why_an_answer_ended(reason: str, said_as: str) -> None:
    message, events = said([("text", ["hi"])], reason)
    chunks = chunks_of(speech().events(b"".join(events)))
    assert [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"]][-1] == said_as
    assert json.loads(speech().whole(json.dumps(message).encode()))["choices"][0]["finish_reason"] == said_as


def test_a_refusal_that_was_explained_is_said_in_both_forms() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "not this"}
    message, events = said([], "refusal")
    whole = json.loads(speech().whole(json.dumps({**message, "stop_details": details}).encode()))
    assert whole["choices"][0]["message"]["refusal"] == "not this"
    delta = {"stop_reason": "refusal", "stop_details": details}
    events[-2] = event("message_delta", delta=delta, usage={"output_tokens": 6})
    chunks = check(speech().events(b"".join(events)), usage=True)
    assert [chunk["choices"][0]["delta"].get("refusal") for chunk in chunks] == [None, "not this", None]


def test_two_last_deltas_make_one_end() -> None:
    _, events = said([("text", ["hi"])])
    again = event("message_delta", delta={"stop_reason": "max_tokens"}, usage={"output_tokens": 9})
    chunks = check(speech().events(b"".join([*events[:-1], again, *events[-1:]])), usage=True)
    assert chunks[-1]["choices"][0]["finish_reason"] == "length"


LOST = (b"not json", b"[]", b"3", b'{"type":', b'{"delta":{"text":"\\ud83d"}}')


@pytest.mark.parametrize("data", LOST)
def test_an_event_that_cannot_be_read_is_an_error_and_not_a_gap(data: bytes) -> None:
    with pytest.raises(NoMessage):
        speech().events(b"event: content_block_delta\ndata: " + data + b"\n\n")


@pytest.mark.parametrize("data", [b"[]", b'{"content":3}', b'{"content":[{"type":"text","text":5}]}', b"null"])
def test_an_answer_that_is_no_message_is_an_error_and_no_completion(data: bytes) -> None:
    with pytest.raises(NoMessage):
        speech().whole(data)


def test_a_block_without_a_word_is_refused_by_name() -> None:
    odd = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
    with pytest.raises(NotSupported, match="server_tool_use"):
        speech().whole(json.dumps({**MESSAGE, "content": [odd]}).encode())
    with pytest.raises(NotSupported, match="server_tool_use"):
        speech().events(event("content_block_start", index=0, content_block=odd))


def test_events_that_nobody_knows_are_passed_over() -> None:
    assert speech().events(b": comment\n\n" + event("vertex_event", x=1)) == b""


ODD = st.recursive(
    st.none()
    | st.integers()
    | st.sampled_from(["text", "tool_use", "thinking", "text_delta", "input_json_delta", "x"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["type", "text", "content", "usage", "input", "name", "delta", "content_block", "message"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)
EVENTS = ("message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta")


@given(st.lists(st.tuples(st.sampled_from(EVENTS), ODD), max_size=6))
def test_whatever_a_surface_says_never_breaks_the_translation(said_so: list[tuple[str, Any]]) -> None:
    """What it cannot say it names; anything else is whole events."""
    speak = speech()
    for name, value in [*said_so, ("message_stop", {})]:
        data = json.dumps(value).encode()
        with contextlib.suppress(NoMessage, NotSupported):
            out = speak.events(b"event: " + name.encode() + b"\ndata: " + data + b"\n\n")
            assert out == b"" or out.endswith(b"\n\n")
        with contextlib.suppress(NoMessage, NotSupported):
            assert speech().whole(data)


def test_a_ping_is_a_comment_that_the_sdk_skips() -> None:
    assert speech().ping() == speech().events(event("ping")) == b": ping\n\n"


def test_an_error_in_a_stream_is_raised_by_the_sdk_and_nothing_follows() -> None:
    _, events = said([("text", ["hi"])])
    speak = speech()
    out = speak.events(b"".join(events[:3])) + speak.error_event(envelope("overloaded_error", "Overloaded"))
    assert b"[DONE]" not in out
    with pytest.raises(openai.APIError) as caught:
        by_sdk(out, streamed=True)
    assert (caught.value.message, caught.value.type, caught.value.code) == ("Overloaded", "server_error", "overloaded")


BAD = "invalid_request_error"
LACKING, NOT_THERE = "capability_rejected: structured_outputs_unsupported", "capability_rejected: mid_conv_system"
TOKENS = {LACKING, NOT_THERE}  # for Claude Code; people get a sentence
NO_SAMPLING = "`temperature` is not supported for this model."
TOO_LONG = "prompt is too long: 5 tokens > 4 maximum"


@pytest.mark.parametrize(
    ("kind", "status", "message", "expected"),
    [
        (BAD, 400, "n: 2: give 1", (400, BAD, "n", None)),
        (BAD, 400, "messages[2].content[0].type: 'x': y", (400, BAD, "messages[2].content[0].type", None)),
        (BAD, 400, "messages.2.content.0: odd", (400, BAD, None, None)),
        (BAD, 400, NO_SAMPLING, (400, BAD, "temperature", None)),
        (BAD, 400, "stop_sequences: odd", (400, BAD, "stop", None)),
        (BAD, 400, NOT_THERE, (400, BAD, "messages", None)),
        (BAD, 400, "output_config.format.schema: odd", (400, BAD, None, None)),
        (BAD, 400, LACKING, (400, BAD, "response_format", None)),
        (BAD, 400, TOO_LONG, (400, BAD, "messages", "context_length_exceeded")),
        ("authentication_error", 401, "send a key", (401, BAD, None, "invalid_api_key")),
        ("billing_error", 429, "team: used up", (429, "insufficient_quota", None, "insufficient_quota")),
        ("permission_error", 403, "no", (403, BAD, None, "permission_denied")),
        ("not_found_error", 404, "model: gpt-9 (no)", (404, BAD, "model", "model_not_found")),
        ("not_found_error", 404, "GET /x: not served here", (404, BAD, None, "not_found")),
        ("request_too_large", 413, "body", (413, BAD, None, "request_too_large")),
        ("rate_limit_error", 429, "slow down", (429, "rate_limit_error", None, "rate_limit_exceeded")),
        ("not_supported", 501, "no", (501, BAD, None, "not_supported")),
        ("timeout_error", 504, "late", (504, "server_error", None, "timeout")),
        ("overloaded_error", 529, "Overloaded", (503, "server_error", None, "overloaded")),
        ("api_error", 502, "broke", (502, "server_error", None, None)),
        ("unheard_of", 500, "odd", (500, "server_error", None, None)),
    ],
)  # fmt: skip
def test_an_error_has_openais_form(kind: str, status: int, message: str, expected: tuple[Any, ...]) -> None:
    spoken = speech().refusal(status, envelope(kind, message))
    error = json.loads(spoken.body)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"] == message or message in TOKENS
    assert (spoken.status, error["type"], error["param"], error["code"]) == expected


CHAT = {"model": "sonnet", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 9}


async def chat(answer: Answer, **fields: Any) -> Any:
    at = world({"anthropic": [answer]}, ping_interval_s=0.01)
    body = json.dumps({**CHAT, **fields}).encode()
    return await post(at, body, path="/v1/chat/completions")


async def test_a_silent_surface_shows_life_as_comments_and_the_stream_stays_good() -> None:
    answer = await chat(sse_answer(stream(), pause_s=0.03), stream=True)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert b": ping\n\n" in answer.body
    check(answer.body, usage=False)


async def test_a_connection_that_breaks_is_an_error_chunk() -> None:
    answer = await chat(sse_answer(stream()[:5], cut=True), stream=True)
    assert (answer.status, answer.ended) == (200, True)
    assert b"[DONE]" not in answer.body
    assert "error" in json.loads(answer.body.rstrip().rpartition(b"data: ")[2])


async def test_an_event_that_cannot_be_read_ends_the_stream_with_an_error_and_its_record_as_failed() -> None:
    bad = [*stream()[:4], b"event: content_block_delta\ndata: {\n\n", *stream()[4:]]
    at = world({"anthropic": [sse_answer(bad)]})
    answer = await post(at, json.dumps({**CHAT, "stream": True}).encode(), path="/v1/chat/completions")
    assert b"[DONE]" not in answer.body
    assert json.loads(answer.body.rstrip().rpartition(b"data: ")[2])["error"]["type"] == "server_error"
    assert at.sink.outcomes() == [Outcome.FAILED]
    at.sink.check()


async def test_an_answer_that_cannot_be_said_is_an_error_in_openais_form() -> None:
    for content, status in (([{"type": "server_tool_use"}], 501), (5, 502)):
        answer = await chat(json_answer({**MESSAGE, "content": content}))
        assert answer.status == status
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


async def test_a_message_comes_as_a_completion_with_its_request_id() -> None:
    answer = await chat(json_answer())
    found = answer.json()
    assert found["choices"][0]["message"] == {"role": "assistant", "content": "Hello", "refusal": None}
    assert answer.headers["x-request-id"] == answer.headers["request-id"]
    assert answer.headers["content-type"] == "application/json"


async def test_a_surface_that_fails_after_its_first_event_leaves_no_trace_in_the_stream_of_the_next() -> None:
    """The role is said once and the answer is the second surface's alone."""
    begun = sse_answer(stream(("lost",))[:1], cut=True)
    at = world({"anthropic": [begun], "vertex": [sse_answer()]})
    answer = await post(at, json.dumps({**CHAT, "stream": True}).encode(), path="/v1/chat/completions")
    chunks = check(answer.body, usage=False)
    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks) == "Hello"


@pytest.mark.parametrize(("name", "kept"), [("chat-7", "chat-7"), ("my own chat", ""), ("", "")])
async def test_a_cache_key_names_the_session_or_is_said_to_be_none(name: str, kept: str) -> None:
    at = world({"anthropic": [json_answer()]})
    answer = await post(at, json.dumps({**CHAT, "prompt_cache_key": name}).encode(), path="/v1/chat/completions")
    assert [opened.session for opened in at.sink.opened_events] == [kept]
    assert ("left out the session's name" in answer.headers.get("x-trivium-notes", "")) == (name == "my own chat")
