"""Converse's dialect alone: every word of a request, an answer and a stream, and what is kept for Bedrock."""

from __future__ import annotations

import base64
import contextlib
import json
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.eventstream import EventStream
from botocore.parsers import create_parser
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st

from gateway.support import PlainFacts, event, json_answer, post, record, sse_answer, stream, world
from gateway_dialect.converse_grammar import check, faults, frames_of, message_of
from gateway_upstream.support import CAPTURES, send
from trivium.core import Outcome, UserError
from trivium.gateway.admit import read_request
from trivium.gateway.dialect import Canonical, NoMessage, Speech, asked
from trivium.gateway.seams import NotSupported
from trivium.gateway.wire.errors import envelope
from trivium.gateway.wire.thinking import without_thinking

MODEL = "us.anthropic.claude-opus-5"
B64 = base64.b64encode(b"bytes").decode()


def canonical(body: dict[str, Any], operation: str = "converse") -> Canonical:
    found = asked(f"/model/{MODEL}/{operation}")
    assert found is not None
    return found.dialect.canonical(found, json.dumps(body).encode(), {})


def fields(**body: Any) -> dict[str, Any]:
    """The Messages body of a request that any surface can take."""
    said = canonical({"messages": [], **body})
    assert said.beyond is not None
    assert said.beyond.refused is None, said.beyond.refused
    return dict(json.loads(said.body.data))


def blocks(*content: dict[str, Any], role: str = "user") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = fields(messages=[{"role": role, "content": list(content)}])["messages"][0]["content"]
    return found


def refused(**body: Any) -> str:
    """The field that only Bedrock can take."""
    said = canonical({"messages": [], **body})
    assert said.beyond is not None
    assert said.beyond.refused is not None
    assert said.beyond.surface == "bedrock"
    return said.beyond.refused.field


def speech(operation: str = "converse-stream") -> Speech:
    found = asked(f"/model/{MODEL}/{operation}")
    assert found is not None
    return found.dialect.speech(found)


IMAGE = {"image": {"format": "png", "source": {"bytes": B64}}}
PDF = {"document": {"format": "pdf", "name": "d", "source": {"bytes": B64}, "citations": {"enabled": True}}}
TXT = {"document": {"format": "md", "name": "d", "source": {"bytes": B64}, "context": "c"}}
PARTS = {"document": {"name": "d", "source": {"content": [{"text": "a"}, {"text": "b"}]}}}
CALL = {"toolUse": {"toolUseId": "t1", "name": "n", "input": {"a": 1.0, "b": [2, None]}}}
BACK = {
    "toolResult": {
        "toolUseId": "t1",
        "content": [{"text": "x"}, {"json": {"k": 1}}, IMAGE],
        "status": "error",
    }
}
FOUND = {"searchResult": {"source": "s", "title": "t", "content": [{"text": "a"}], "citations": {"enabled": False}}}
THOUGHT = {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "sig"}}}
SAID_IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": B64}}
BLOCKS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"text": "hi"}, {"type": "text", "text": "hi"}),
    (IMAGE, SAID_IMAGE),
    (
        PDF,
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": B64},
            "title": "d",
            "citations": {"enabled": True},
        },
    ),
    (
        TXT,
        {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": "bytes"},
            "title": "d",
            "context": "c",
        },
    ),
    (
        PARTS,
        {
            "type": "document",
            "source": {"type": "content", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            "title": "d",
        },
    ),
    (CALL, {"type": "tool_use", "id": "t1", "name": "n", "input": {"a": 1.0, "b": [2, None]}}),
    (
        BACK,
        {
            "type": "tool_result",
            "tool_use_id": "t1",
            "content": [{"type": "text", "text": "x"}, {"type": "text", "text": '{"k":1}'}, SAID_IMAGE],
            "is_error": True,
        },
    ),
    (
        FOUND,
        {
            "type": "search_result",
            "source": "s",
            "title": "t",
            "content": [{"type": "text", "text": "a"}],
            "citations": {"enabled": False},
        },
    ),
    (THOUGHT, {"type": "thinking", "thinking": "hm", "signature": "sig"}),
    ({"reasoningContent": {"redactedContent": B64}}, {"type": "redacted_thinking", "data": B64}),
]


@pytest.mark.parametrize(("given", "said"), BLOCKS, ids=lambda value: next(iter(value)))
def test_every_block_has_its_word_in_the_messages_api(given: dict[str, Any], said: dict[str, Any]) -> None:
    assert blocks(given) == [said]


def test_settings_tools_and_the_models_own_fields_become_one_body() -> None:
    said = fields(
        system=[{"text": "s"}, {"cachePoint": {"type": "default", "ttl": "1h"}}],
        inferenceConfig={"maxTokens": 5, "temperature": 0.5, "topP": 0.9, "stopSequences": ["x"]},
        toolConfig={
            "tools": [
                {"toolSpec": {"name": "t", "description": "d", "inputSchema": {"json": {}}, "strict": True}},
                {"cachePoint": {"type": "default"}},
            ],
            "toolChoice": {"tool": {"name": "t"}},
        },
        additionalModelRequestFields={
            "top_k": 3,
            "thinking": {"type": "adaptive"},
            "tools": [{"type": "bash_20250124", "name": "bash"}],
            "output_config": {"effort": "low"},
        },
        outputConfig={
            "textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": '{"type":"object"}'}}}
        },
        performanceConfig={"latency": "standard"},
        serviceTier={"type": "default"},
        promptVariables={},
        additionalModelResponseFieldPaths=[],
    )
    assert said == {
        "model": MODEL,
        "max_tokens": 5,
        "temperature": 0.5,
        "top_p": 0.9,
        "stop_sequences": ["x"],
        "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        "messages": [],
        "tools": [
            {
                "name": "t",
                "description": "d",
                "input_schema": {},
                "strict": True,
                "cache_control": {"type": "ephemeral"},
            },
            {"type": "bash_20250124", "name": "bash"},
        ],
        "tool_choice": {"type": "tool", "name": "t"},
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}, "effort": "low"},
        "top_k": 3,
        "thinking": {"type": "adaptive"},
    }


def test_betas_of_the_fields_travel_as_betas_and_labels_are_told_to_be_left_out() -> None:
    said = canonical(
        {"messages": [], "additionalModelRequestFields": {"anthropic_beta": ["a"]}, "requestMetadata": {"team": "x"}},
        "converse-stream",
    )
    assert said.betas == ("a",)
    assert said.body.get("stream") is True
    assert said.beyond is not None
    assert said.beyond.notes == ("left out requestMetadata: it is for Bedrock's own logs",)


S3 = {"s3Location": {"uri": "s3://b/k"}}
BEYOND: list[tuple[dict[str, Any], str]] = [
    ({"guardrailConfig": {"guardrailIdentifier": "g"}}, "guardrailConfig"),
    ({"promptVariables": {"a": {"text": "b"}}}, "promptVariables"),
    ({"performanceConfig": {"latency": "optimized"}}, "performanceConfig"),
    ({"serviceTier": {"type": "priority"}}, "serviceTier"),
    ({"additionalModelResponseFieldPaths": ["/stop_sequence"]}, "additionalModelResponseFieldPaths"),
    ({"fromNextYear": 1}, "fromNextYear"),
    ({"inferenceConfig": {"topK": 1}}, "inferenceConfig.topK"),
    ({"system": [{"guardContent": {"text": {"text": "x"}}}]}, "system.0.guardContent"),
    ({"toolConfig": {"tools": [{"systemTool": {"name": "x"}}]}}, "toolConfig.tools.0.systemTool"),
    (
        {"additionalModelRequestFields": {"tools": [{"type": "web_search_20250305", "name": "w"}]}},
        "additionalModelRequestFields.tools.0.type",
    ),
    (
        {"additionalModelRequestFields": {"context_management": {"edits": [{"type": "compact_20260112"}]}}},
        "additionalModelRequestFields.context_management",
    ),
]
BEYOND_BLOCKS: list[tuple[dict[str, Any], str]] = [
    ({"image": {"format": "png", "source": S3}}, "image.source.s3Location"),
    ({"document": {"format": "pdf", "name": "d", "source": S3}}, "document.source.s3Location"),
    ({"document": {"format": "docx", "name": "d", "source": {"bytes": B64}}}, "document.format"),
    ({"video": {"format": "mp4", "source": S3}}, "video"),
    ({"audio": {"format": "mp3", "source": S3}}, "audio"),
    ({"guardContent": {"text": {"text": "x"}}}, "guardContent"),
    ({"cachePoint": {"type": "default"}}, "cachePoint"),
    ({"toolUse": {"toolUseId": "t", "name": "n", "input": {}, "type": "server_tool_use"}}, "toolUse.type"),
    ({"toolAddition": {"tool": {"name": "n"}}}, "toolAddition"),
]


@pytest.mark.parametrize(("body", "field"), BEYOND)
def test_what_the_messages_api_has_no_word_for_is_kept_for_bedrock(body: dict[str, Any], field: str) -> None:
    assert refused(**body) == field


@pytest.mark.parametrize(("block", "field"), BEYOND_BLOCKS)
def test_blocks_that_only_bedrock_reads_are_named(block: dict[str, Any], field: str) -> None:
    assert refused(messages=[{"role": "user", "content": [block]}]) == f"messages.0.content.0.{field}"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"messages": {}}, "messages"),
        ({"inferenceConfig": {"maxTokens": 0}}, "inferenceConfig.maxTokens"),
        ({"messages": [{"role": "user", "content": "hi"}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{"text": "a", "image": {}}]}]}, "messages.0.content.0"),
        ({"messages": [{"role": "user", "content": [{"text": 1}]}]}, "messages.0.content.0.text"),
        ({"additionalModelRequestFields": {"messages": []}}, "additionalModelRequestFields.messages"),
        (
            {"inferenceConfig": {"maxTokens": 1}, "additionalModelRequestFields": {"max_tokens": 1}},
            "additionalModelRequestFields.max_tokens",
        ),
        ({"additionalModelRequestFields": {"anthropic_beta": "a"}}, "additionalModelRequestFields.anthropic_beta"),
        (
            {
                "outputConfig": {
                    "textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{"}}},
                }
            },
            "outputConfig.textFormat.structure.jsonSchema.schema",
        ),
    ],
)
def test_what_is_malformed_is_refused_at_once_by_name(body: dict[str, Any], field: str) -> None:
    with pytest.raises(UserError) as caught:
        canonical({"messages": [], **body})
    assert caught.value.field == field


CITED = {
    "type": "page_location",
    "cited_text": "quote",
    "document_index": 0,
    "document_title": "d",
    "start_page_number": 1,
    "end_page_number": 2,
}
ANSWER: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "content": [
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "redacted_thinking", "data": "no base64!"},
        {"type": "text", "text": "Hi", "citations": None},
        {"type": "text", "text": "so it says", "citations": [CITED]},
        {"type": "tool_use", "id": "t1", "name": "n", "input": {"a": 1}},
    ],
    "stop_reason": "tool_use",
    "usage": {
        "input_tokens": 12,
        "output_tokens": 6,
        "cache_read_input_tokens": 5,
        "cache_creation_input_tokens": 7,
        "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 3},
    },
}


def test_a_whole_answer_is_said_with_counts_and_comes_back_as_it_was() -> None:
    """12 in, 6 out, 5 read, 4 + 3 written: 30 tokens in all. Played back, each block is the one that was answered."""
    said = json.loads(speech("converse").whole(json.dumps(ANSWER).encode()))
    assert said["usage"] == {
        "inputTokens": 12,
        "outputTokens": 6,
        "totalTokens": 12 + 6 + 5 + 4 + 3,
        "cacheReadInputTokens": 5,
        "cacheWriteInputTokens": 4 + 3,
        "cacheDetails": [{"ttl": "5m", "inputTokens": 4}, {"ttl": "1h", "inputTokens": 3}],
    }
    assert (said["stopReason"], said["metrics"]) == ("tool_use", {"latencyMs": 0})
    place = {"documentPage": {"documentIndex": 0, "start": 1, "end": 2}}
    cited = {"title": "d", "sourceContent": [{"text": "quote"}], "location": place}
    message = said["output"]["message"]
    assert message["content"][3] == {"citationsContent": {"content": [{"text": "so it says"}], "citations": [cited]}}
    back = fields(messages=[message])["messages"][0]["content"]
    assert back == [
        {"type": "text", "text": "Hi"} if block.get("text") == "Hi" else block for block in ANSWER["content"]
    ]


def test_the_latency_is_the_time_since_the_request_came() -> None:
    ticks = iter([2_000_000_000, 2_700_000_000])
    found = asked(f"/model/{MODEL}/converse", SimpleNamespace(monotonic_ns=lambda: next(ticks)))  # type: ignore[arg-type]
    assert found is not None
    said = json.loads(found.dialect.speech(found).whole(json.dumps(ANSWER).encode()))
    assert said["metrics"] == {"latencyMs": 700}


def events_of(answer: dict[str, Any]) -> list[bytes]:
    """The same answer as a Messages stream, each block in two pieces where it can be cut."""
    head = {**answer, "content": [], "stop_reason": None, "usage": {**answer["usage"], "output_tokens": 1}}
    found = [event("message_start", message=head)]
    for index, block in enumerate(answer["content"]):
        empty = {"text": "", "thinking": "", "signature": "", "input": {}, "citations": None}
        start = {name: empty.get(name, value) for name, value in block.items()}
        found.append(event("content_block_start", index=index, content_block=start))
        found += [event("content_block_delta", index=index, delta=delta) for delta in _deltas(block)]
        found.append(event("content_block_stop", index=index))
    delta = {"stop_reason": answer["stop_reason"], "stop_sequence": None}
    found.append(event("message_delta", delta=delta, usage={"output_tokens": answer["usage"]["output_tokens"]}))
    return [*found, event("message_stop")]


def _deltas(block: dict[str, Any]) -> list[dict[str, Any]]:
    kind = block["type"]
    if kind == "text":
        cited = [{"type": "citations_delta", "citation": one} for one in block.get("citations") or ()]
        return [*({"type": "text_delta", "text": part} for part in (block["text"][:1], block["text"][1:])), *cited]
    if kind == "thinking":
        signed = {"type": "signature_delta", "signature": block["signature"]}
        return [{"type": "thinking_delta", "thinking": block["thinking"]}, signed]
    if kind == "tool_use":
        text = json.dumps(block["input"])
        return [{"type": "input_json_delta", "partial_json": part} for part in ("", text[:3], text[3:])]
    return []


def test_a_stream_makes_the_answer_that_the_whole_one_is() -> None:
    whole = json.loads(speech("converse").whole(json.dumps(ANSWER).encode()))
    said = speech()
    data = b"".join(said.events(one) for one in events_of(ANSWER))
    rebuilt = message_of([{name: value} for name, value in check(data)])
    assert rebuilt == {name: value for name, value in whole.items() if name != "metrics"}


def test_frames_are_the_same_wherever_the_events_were_cut() -> None:
    events = events_of(ANSWER)
    one_by_one, at_once = speech(), speech().events(b"".join(events))
    assert b"".join(one_by_one.events(one) for one in events) == at_once


def test_a_ping_is_a_frame_that_boto3_skips() -> None:
    data = b"".join(speech().events(one) for one in stream())
    assert any(headers[":event-type"] == "ping" for headers, _ in frames_of(data))
    shape = get_session().get_service_model("bedrock-runtime").operation_model("ConverseStream")
    member = shape.output_shape.members["stream"]
    raw = SimpleNamespace(stream=lambda: iter([data]))
    got = list(EventStream(raw, member, create_parser("rest-json")._event_stream_parser, "ConverseStream"))
    assert [next(iter(one)) for one in got] == [
        "messageStart",
        "contentBlockDelta",
        "contentBlockDelta",
        "contentBlockStop",
        "messageStop",
        "metadata",
    ]


@pytest.mark.parametrize(
    ("error_type", "exception"),
    [
        ("rate_limit_error", "throttlingException"),
        ("overloaded_error", "serviceUnavailableException"),
        ("timeout_error", "internalServerException"),  # this operation has no other word for it
        ("invalid_request_error", "validationException"),
        ("api_error", "internalServerException"),
    ],
)
def test_an_error_in_a_stream_is_one_of_the_operations_exceptions(error_type: str, exception: str) -> None:
    data = speech().events(stream()[0]) + speech().error_event(envelope(error_type, "no"))
    assert check(data)[-1] == ("exception", {"message": "no"})
    assert frames_of(data)[-1][0][":exception-type"] == exception


def test_what_converse_cannot_say_ends_the_answer_instead_of_being_left_out() -> None:
    block = {"type": "server_tool_use", "id": "x", "name": "web_search", "input": {}}
    with pytest.raises(NotSupported, match="server_tool_use"):
        speech("converse").whole(json.dumps({**ANSWER, "content": [block]}).encode())
    with pytest.raises(NotSupported, match="server_tool_use"):
        speech().events(event("content_block_start", index=0, content_block=block))


@pytest.mark.parametrize("data", [b"not json", b"[]", b'{"message":3}', b'{"usage":[]}', b"{}", b'{"delta":7}'])
@pytest.mark.parametrize("name", ["message_start", "content_block_stop", "message_delta", "message_stop", "other"])
def test_nonsense_of_a_surface_is_never_part_of_an_answer(name: str, data: bytes) -> None:
    """An event that cannot be read may have held counts or an end; a whole answer without content is none."""
    with pytest.raises(NoMessage) if data in {b"not json", b"[]"} else contextlib.nullcontext():
        frames_of(speech().events(b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"))
    with pytest.raises(NoMessage):
        speech("converse").whole(data)


async def test_an_answer_that_is_no_message_is_the_surfaces_fault_and_is_told_as_that() -> None:
    at = world({"anthropic": [json_answer({**ANSWER, "content": 5})]})
    answer = await post(at, json.dumps({"messages": []}).encode(), path="/model/claude-sonnet-4-5/converse")
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (502, "InternalServerException")
    assert answer.json()["message"] == "what the surface answered cannot be read: the answer is no message"
    at.sink.check()


def test_the_checker_finds_what_is_wrong() -> None:
    said = speech()
    events = events_of(ANSWER)
    good = frames_of(b"".join(said.events(one) for one in events))
    assert faults(good) == []
    assert faults(good[:-1]) == [f"frame {len(good) - 1}: the last frame is neither metadata nor an exception"]
    assert faults(good[1:])[0] == "frame 1: contentBlockDelta before messageStart"
    assert any("inside" in one for one in faults([frame for frame in good if "Stop" not in frame[0][":event-type"]]))


class _OneModel(PlainFacts):
    def model_id(self, name: str) -> str:
        return "claude-opus-4-5"


@pytest.mark.parametrize("name", ["bedrock__boto3_converse", "bedrock__boto3_converse_stream"])
def test_what_boto3_sent_is_what_bedrock_gets(name: str) -> None:
    """The recorded request of the official client, byte for byte; the model stands in the path."""
    captured = json.loads((CAPTURES / f"{name}.json").read_text())["request"]
    found = asked(captured["path"])
    assert found is not None
    data = captured["body_raw"].encode()
    read = read_request(
        found, found.dialect.canonical(found, data, {}), {}, request_id="r", key=record(), facts=_OneModel()
    )
    sent = send("bedrock", read, scope="us")
    assert sent.body == data
    assert sent.native
    assert sent.url.rpartition("amazonaws.com")[2] == captured["path"].replace("%3A", ":")
    assert read.max_tokens == captured["body"].get("inferenceConfig", {}).get("maxTokens", 128_000)


def test_thinking_that_was_signed_elsewhere_leaves_both_bodies() -> None:
    turns = [
        {"role": "user", "content": [{"text": "a"}]},
        {"role": "assistant", "content": [THOUGHT, {"text": "b"}]},
        {"role": "user", "content": [{"text": "c"}]},
    ]
    found = asked(f"/model/{MODEL}/converse")
    assert found is not None
    data = json.dumps({"messages": turns}).encode()
    read = read_request(
        found, found.dialect.canonical(found, data, {}), {}, request_id="r", key=record(), facts=_OneModel()
    )
    stripped = without_thinking(read)
    assert stripped is not None
    assert stripped.body.get("messages")[1]["content"] == [{"type": "text", "text": "b"}]
    assert stripped.native is not None
    assert stripped.native.get("messages") == [turns[0], {"role": "assistant", "content": [{"text": "b"}]}, turns[2]]


@pytest.mark.parametrize("text", ['"\\ud800"', "[" * 5000 + "]" * 5000])
def test_json_that_only_breaks_inside_is_refused_like_any_other(text: str) -> None:
    found = asked(f"/model/{MODEL}/converse")
    assert found is not None
    with pytest.raises(UserError):
        found.dialect.canonical(found, b'{"messages":[{"role":"user","content":%s}]}' % text.encode(), {})


NAMES = st.sampled_from(
    [
        "role", "content", "text", "image", "document", "toolUse", "toolResult", "cachePoint", "reasoningContent",
        "reasoningText", "citationsContent", "citations", "location", "documentPage", "searchResult", "json", "source",
        "bytes", "format", "name", "toolUseId", "input", "type", "ttl", "tools", "toolSpec", "inputSchema",
        "toolChoice", "textFormat", "structure", "jsonSchema", "schema", "tool", "anthropic_beta",
        "output_config", "thinking",
    ]
)  # fmt: skip
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.sampled_from(["", "user", "png", "bytes", B64, "default"])
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=2)),
    max_leaves=12,
)
MEMBERS = [
    "messages", "system", "inferenceConfig", "toolConfig", "outputConfig", "additionalModelRequestFields", "serviceTier"
]  # fmt: skip


@given(st.dictionaries(st.sampled_from(MEMBERS), VALUES, max_size=4))
def test_whatever_is_sent_is_read_kept_for_bedrock_or_refused_by_name(body: dict[str, Any]) -> None:
    try:
        said = canonical(body)
    except UserError:
        return
    assert json.loads(said.body.data)["model"] == MODEL
    assert said.native is not None
    assert said.native.data == json.dumps(body).encode()


@given(st.lists(VALUES, max_size=3))
def test_whatever_stands_in_a_message_is_read_kept_for_bedrock_or_refused_by_name(content: list[Any]) -> None:
    with contextlib.suppress(UserError):
        canonical({"messages": [{"role": "user", "content": content}]})


def test_where_no_claim_knows_the_longest_answer_only_bedrock_serves_a_request_that_names_none() -> None:
    class Silent(_OneModel):
        def output_tokens_max(self, model: str) -> int | None:
            return None

    found = asked(f"/model/{MODEL}/converse")
    assert found is not None

    def beyond(body: bytes) -> UserError | None:
        read = read_request(
            found, found.dialect.canonical(found, body, {}), {}, request_id="r", key=record(), facts=Silent()
        )
        assert read.beyond is not None
        return read.beyond.refused

    refused = beyond(b'{"messages":[]}')
    assert refused is not None
    assert refused.field == "max_tokens"
    assert beyond(b'{"messages":[],"inferenceConfig":{"maxTokens":5}}') is None


@pytest.mark.parametrize(("tier", "bought"), [("priority", "priority"), ("default", "standard")])
def test_a_tier_that_the_client_names_is_what_is_bought(tier: str, bought: str) -> None:
    found = asked(f"/model/{MODEL}/converse")
    assert found is not None
    data = json.dumps({"messages": [], "serviceTier": {"type": tier}}).encode()
    read = read_request(
        found, found.dialect.canonical(found, data, {}), {}, request_id="r", key=record(), facts=_OneModel()
    )
    sent = send("bedrock", read, scope="us")
    assert (sent.offer.tier if sent.offer else "standard") == bought


async def test_a_block_without_a_word_is_an_error_to_the_client_and_an_attempt_that_failed() -> None:
    """In a stream what preceded it has been said; whole, nothing has. Both times it is recorded with what it used."""
    block = {"type": "server_tool_use", "id": "x", "name": "web_search", "input": {}}
    events = [*stream()[:-2], event("content_block_start", index=1, content_block=block)]
    at = world({"anthropic": [sse_answer(events), json_answer({**ANSWER, "content": [block]})]})
    path, body = "/model/claude-sonnet-4-5/converse", json.dumps({"messages": []}).encode()
    streamed = await post(at, body, path=f"{path}-stream")
    assert check(streamed.body)[-1][0] == "exception"
    assert b"server_tool_use" in streamed.body
    assert at.sink.outcomes() == [Outcome.FAILED]
    assert at.sink.closed_events[0].usage.input == 12
    whole = await post(at, body, path=path)
    assert (whole.status, whole.headers["x-should-retry"]) == (501, "false")
    assert whole.headers["x-amzn-errortype"] == "ValidationException"
    assert "server_tool_use" in whole.json()["message"]
    assert at.sink.closed_events[1].usage.output == 6
    at.sink.check()
