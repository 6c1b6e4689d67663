"""A Chat Completions request becomes this Messages body, or is refused by the place of what cannot be carried."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import completion_create_params

from trivium.catalog import load
from trivium.core import ManualClock, UserError
from trivium.gateway import SnapshotFacts
from trivium.gateway.dialect import Canonical, asked
from trivium.gateway.dialect.openai import _fields

AT = datetime(2026, 11, 25, tzinfo=UTC)
SNAPSHOT = load().snapshot(AT.date())
FACTS = SnapshotFacts(lambda: SNAPSHOT, ManualClock(AT))
HI = [{"role": "user", "content": "hi"}]
SAID = [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]
CALL = {"id": "toolu_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1.0, "b":2}'}}
MARK = {"type": "ephemeral"}
FUNCTION = {"type": "function", "function": {"name": "add"}}


def canonical(**fields: Any) -> Canonical:
    found = asked("/v1/chat/completions")
    assert found is not None
    return found.dialect.canonical(found, json.dumps({"model": "claude-opus-5", "messages": HI, **fields}).encode(), {})


def body(**fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(canonical(**fields).body.data)
    return made


def completed(model: str = "claude-opus-5", **fields: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    found = canonical(**fields)
    assert found.complete is not None
    made, notes = found.complete(found.body, model, FACTS)
    return json.loads(made.data), notes


def test_the_least_is_a_model_and_messages() -> None:
    assert body() == {"model": "claude-opus-5", "messages": SAID}


@pytest.mark.parametrize(
    ("sent", "made"),
    [
        ({"max_tokens": 5}, {"max_tokens": 5}),
        ({"max_completion_tokens": 5, "max_tokens": 5}, {"max_tokens": 5}),
        ({"stream": True}, {"stream": True}),
        ({"stream": False}, {}),
        ({"temperature": 0.2, "top_p": 0.9}, {"temperature": 0.2, "top_p": 0.9}),
        ({"temperature": 1, "top_p": 1.0}, {}),  # what both sides do anyway
        ({"stop": "END"}, {"stop_sequences": ["END"]}),
        ({"stop": ["A", "B"]}, {"stop_sequences": ["A", "B"]}),
        ({"user": "u1"}, {"metadata": {"user_id": "u1"}}),
        ({"user": "u1", "safety_identifier": "u1"}, {"metadata": {"user_id": "u1"}}),
        ({"service_tier": "auto"}, {}),
        ({"service_tier": "default"}, {"service_tier": "standard_only"}),
        ({"response_format": {"type": "text"}}, {}),
        ({"tools": [], "tool_choice": "auto", "parallel_tool_calls": False}, {}),
        ({"thinking": {"type": "adaptive"}, "top_k": 5}, {"thinking": {"type": "adaptive"}, "top_k": 5}),
        ({"cache_control": MARK}, {"cache_control": MARK}),
        ({"n": 1, "logprobs": False, "top_logprobs": 0, "logit_bias": {}, "frequency_penalty": 0.0}, {}),
        ({"presence_penalty": 0, "store": False, "modalities": ["text"], "verbosity": "medium", "functions": []}, {}),
        ({"seed": None, "audio": None, "web_search_options": None, "tools": None, "stop": None, "user": None}, {}),
    ],
)
def test_a_field_becomes_its_counterpart(sent: dict[str, Any], made: dict[str, Any]) -> None:
    assert body(**sent) == {"model": "claude-opus-5", "messages": SAID, **made}


@pytest.mark.parametrize(
    ("choice", "parallel", "made"),
    [
        (None, None, None),
        ("none", False, {"type": "none"}),
        ("auto", True, {"type": "auto"}),
        ("required", None, {"type": "any"}),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (
            {"type": "function", "function": {"name": "add"}},
            False,
            {"type": "tool", "name": "add", "disable_parallel_tool_use": True},
        ),
    ],
)
def test_the_choice_of_tools(choice: Any, parallel: Any, made: Any) -> None:
    found = body(tools=[FUNCTION], tool_choice=choice, parallel_tool_calls=parallel)
    assert found.get("tool_choice") == made
    assert found["tools"] == [{"name": "add", "input_schema": {"type": "object", "properties": {}}}]


def test_a_tool_keeps_its_schema_its_strictness_and_its_mark() -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"type": "number"}}}
    function = {"name": "add", "description": "sum", "parameters": schema, "strict": True}
    assert body(tools=[{"type": "function", "function": function, "cache_control": MARK}])["tools"] == [
        {"name": "add", "description": "sum", "input_schema": schema, "strict": True, "cache_control": MARK}
    ]


def test_instructions_in_front_are_the_system_prompt_and_later_ones_keep_their_place() -> None:
    made = body(
        messages=[
            {"role": "system", "content": [{"type": "text", "text": "a", "cache_control": MARK}]},
            {"role": "developer", "content": "b", "cache_control": MARK},
            *HI,
            {"role": "system", "content": "c"},
        ]
    )
    assert made["system"] == [
        {"type": "text", "text": "a", "cache_control": MARK},
        {"type": "text", "text": "b", "cache_control": MARK},
    ]
    assert made["messages"] == [*SAID, {"role": "system", "content": [{"type": "text", "text": "c"}]}]


def test_calls_and_their_results_are_one_turn_each_with_the_arguments_as_they_were_written() -> None:
    found = canonical(
        messages=[
            *HI,
            {
                "role": "assistant",
                "content": "",
                "refusal": None,
                "annotations": [],
                "tool_calls": [CALL, {**CALL, "id": "toolu_2", "function": {"name": "now", "arguments": ""}}],
                "reasoning_content": "shown",
                "thinking_blocks": [
                    {"index": 0, "type": "thinking", "thinking": "why", "signature": "sig"},
                    {"index": 1, "type": "redacted_thinking", "data": "x"},
                ],
            },
            {"role": "tool", "tool_call_id": "toolu_1", "name": "add", "content": "3"},
            {"role": "tool", "tool_call_id": "toolu_2", "content": [{"type": "text", "text": "noon"}]},
            {"role": "user", "content": "so?"},
        ]
    )
    turns = json.loads(found.body.data)["messages"]
    assert b'"input":{"a": 1.0, "b":2}' in found.body.data
    assert turns[1]["content"] == [
        {"type": "thinking", "thinking": "why", "signature": "sig"},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 1.0, "b": 2}},
        {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}},
    ]
    assert turns[2] == {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": "3"},
            {"type": "tool_result", "tool_use_id": "toolu_2", "content": [{"type": "text", "text": "noon"}]},
        ],
    }
    assert turns[3]["content"] == [{"type": "text", "text": "so?"}]
    assert found.notes == ()


def test_unsigned_reasoning_is_left_out_and_said_never_turned_into_text() -> None:
    """Pi#7241: thinking without its signature was sent back as text, and the model refused."""
    found = canonical(messages=[*HI, {"role": "assistant", "content": "a", "reasoning_content": "secret"}, *HI])
    assert b"secret" not in found.body.data
    assert found.notes == ("left out reasoning_content: only thinking_blocks, which are signed, can be sent back",)


def test_images_and_files_are_blocks() -> None:
    plain = base64.b64encode("grüße".encode()).decode()
    parts = [
        {"type": "image_url", "image_url": {"url": "data:image/PNG;base64,AAAA", "detail": "auto"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "high"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,BBBB", "filename": "a.pdf"}},
        {"type": "file", "file": {"file_data": f"data:text/plain;charset=utf-8;base64,{plain}"}, "cache_control": MARK},
        {"type": "text", "text": ""},
    ]
    found = canonical(messages=[{"role": "user", "content": parts}])
    assert json.loads(found.body.data)["messages"][0]["content"] == [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "BBBB"},
            "title": "a.pdf",
        },
        {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": "grüße"},
            "cache_control": MARK,
        },
    ]
    assert found.notes == ("left out image_url.detail: Claude sees an image in its own resolution",)


def test_a_schema_keeps_every_byte_of_meaning() -> None:
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    wanted = {"name": "x", "description": "what it is for", "schema": schema, "strict": None}
    made = body(response_format={"type": "json_schema", "json_schema": wanted})
    assert made["output_config"] == {
        "format": {"type": "json_schema", "schema": {**schema, "description": "what it is for"}}
    }


REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"n": 2}, "n"),
    ({"n": True}, "n"),
    ({"logprobs": True}, "logprobs"),
    ({"top_logprobs": 3}, "top_logprobs"),
    ({"logit_bias": {"50256": -100}}, "logit_bias"),
    ({"seed": 7}, "seed"),
    ({"presence_penalty": 0.5}, "presence_penalty"),
    ({"frequency_penalty": -1}, "frequency_penalty"),
    ({"audio": {"voice": "alloy"}}, "audio"),
    ({"modalities": ["text", "audio"]}, "modalities"),
    ({"web_search_options": {}}, "web_search_options"),
    ({"prediction": {"type": "content", "content": "x"}}, "prediction"),
    ({"moderation": {"model": "m"}}, "moderation"),
    ({"store": True}, "store"),
    ({"verbosity": "low"}, "verbosity"),
    ({"functions": [{"name": "f"}]}, "functions"),
    ({"function_call": "auto"}, "function_call"),
    ({"service_tier": "flex"}, "service_tier"),
    ({"service_tier": {}}, "service_tier"),
    ({"temperature": 1.5}, "temperature"),
    ({"top_p": "0.5"}, "top_p"),
    ({"max_tokens": 5, "max_completion_tokens": 6}, "max_tokens"),
    ({"max_completion_tokens": 0}, "max_completion_tokens"),
    ({"user": "a", "safety_identifier": "b"}, "user"),
    ({"stop": [1]}, "stop[0]"),
    ({"stream": "yes"}, "stream"),
    ({"stream_options": {"include_usage": True}}, "stream_options"),
    ({"stream": True, "stream_options": {"include_obfuscation": True}}, "stream_options.include_obfuscation"),
    ({"response_format": {"type": "json_object"}}, "response_format.type"),
    ({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}, "response_format.json_schema.schema"),
    (
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "x", "description": "a", "schema": {"description": "b"}},
            }
        },
        "response_format.json_schema.description",
    ),
    ({"reasoning_effort": "huge"}, "reasoning_effort"),
    ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0].type"),
    ({"tools": [{"type": "function", "function": {"name": "x", "odd": 1}}]}, "tools[0].function.odd"),
    ({"tool_choice": "required"}, "tool_choice"),
    ({"tools": [FUNCTION], "tool_choice": {"type": "allowed_tools"}}, "tool_choice.type"),
    ({"tools": [FUNCTION], "tool_choice": "maybe"}, "tool_choice"),
    ({"enable_magic": True}, "enable_magic"),
    ({"model": None}, "model"),
    ({"messages": "hi"}, "messages"),
    ({"messages": ["hi"]}, "messages[0].role"),
    ({"messages": [{"role": []}]}, "messages[0].role"),
    ({"messages": [{"role": "user", "content": [{"type": {}}]}]}, "messages[0].content[0].type"),
    ({"messages": [{"role": "function", "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "user", "content": "x", "name": "bob"}]}, "messages[0].name"),
    ({"messages": [{"role": "user", "content": ""}]}, "messages[0].content"),
    ({"messages": [{"role": "assistant"}]}, "messages[0].content"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
    ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "messages[0].content[0].type"),
    ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
    (
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "ftp://x"}}]}]},
        "messages[0].content[0].image_url.url",
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}]},
        "messages[0].content[0].file.file_id",
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_data": "data:x/y;base64,AA"}}]}]},
        "messages[0].content[0].file.file_data",
    ),
    (
        {"messages": [{"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "f", "arguments": "[1]"}}]}]},
        "messages[0].tool_calls[0].function.arguments",
    ),
    (
        {"messages": [{"role": "assistant", "tool_calls": [{"id": "1", "type": "custom"}]}]},
        "messages[0].tool_calls[0].type",
    ),
    (
        {"messages": [{"role": "assistant", "content": "a", "thinking_blocks": [{"type": "text"}]}]},
        "messages[0].thinking_blocks[0].type",
    ),
    ({"messages": [{"role": "assistant", "audio": {"id": "audio-1"}}]}, "messages[0].audio"),
]


@pytest.mark.parametrize(
    ("sent", "place"), REFUSALS, ids=[f"{place}-{number}" for number, (_, place) in enumerate(REFUSALS)]
)
def test_what_cannot_be_carried_is_refused_by_its_place(sent: dict[str, Any], place: str) -> None:
    with pytest.raises(UserError) as caught:
        canonical(**sent)
    assert caught.value.field == place


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{", b'{"model":"\xff"}', b'{"messages":' + b"[" * 5000 + b"]" * 5000 + b"}"]
)
def test_what_is_no_json_object_is_refused(data: bytes) -> None:
    found = asked("/v1/chat/completions")
    assert found is not None
    with pytest.raises(UserError):
        found.dialect.canonical(found, data, {})


def test_a_prompt_is_not_repeated_in_a_refusal() -> None:
    with pytest.raises(UserError) as caught:
        canonical(messages=[{"role": "user", "content": [{"type": "text", "text": "secret " * 50, "odd": "s" * 500}]}])
    assert len(str(caught.value)) < 200
    assert "secret" not in str(caught.value)


def test_the_limit_that_was_not_given_is_the_least_that_claims_give() -> None:
    """Opus 5 writes 128000 tokens on every surface that says; nothing says how much Fable 5.2 writes."""
    made, notes = completed()
    assert made["max_tokens"] == 128_000
    assert notes == ("max_completion_tokens was not given: as much as the model writes was asked for",)
    with pytest.raises(UserError) as caught:
        completed("claude-fable-5-2")
    assert caught.value.field == "max_completion_tokens"


@pytest.mark.parametrize(
    ("model", "effort", "limit", "made"),
    [
        ("claude-opus-5", "high", 100, {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}),
        ("claude-opus-5", "minimal", 100, {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
        ("claude-opus-5", "none", 100, {"thinking": {"type": "disabled"}}),
        ("claude-haiku-4-5", "none", 100, {"thinking": {"type": "disabled"}}),
        ("claude-haiku-4-5", "low", 9000, {"thinking": {"type": "enabled", "budget_tokens": 2048}}),
        ("claude-haiku-4-5", "high", 9000, {"thinking": {"type": "enabled", "budget_tokens": 4500}}),  # half of it
        ("claude-opus-4-5", "max", 64_000, {"thinking": {"type": "enabled", "budget_tokens": 32_000}}),
    ],
)
def test_effort_is_told_as_the_model_takes_it(model: str, effort: str, limit: int, made: dict[str, Any]) -> None:
    found, notes = completed(model, reasoning_effort=effort, max_tokens=limit)
    assert {name: found[name] for name in ("thinking", "output_config") if name in found} == made
    assert bool(notes) == (effort == "minimal")


def test_a_route_to_another_model_says_it_again_in_that_models_way_within_what_was_admitted() -> None:
    """Opus 5 was admitted with 128000; Haiku 4.5 writes 64000 and thinks by a budget; and back, with nothing left."""
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    for fields in ({}, {"response_format": form}):
        found = canonical(reasoning_effort="low", **fields)
        assert found.complete is not None
        opus, _ = found.complete(found.body, "claude-opus-5", FACTS)
        haiku, _ = found.complete(opus, "claude-haiku-4-5", FACTS, 128_000)
        made = json.loads(haiku.data)
        assert made["max_tokens"] == 64_000
        assert made["thinking"] == {"type": "enabled", "budget_tokens": 2048}
        assert "effort" not in made.get("output_config", {})
        assert ("output_config" in made) == bool(fields)
        again, _ = found.complete(haiku, "claude-opus-5", FACTS, 128_000)
        assert json.loads(again.data) == json.loads(opus.data)
        assert json.loads(found.complete(haiku, "claude-opus-5", FACTS, 64_000)[0].data)["max_tokens"] == 64_000


def test_effort_joins_a_schema_and_leaves_the_clients_own_thinking() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    own = {"type": "adaptive", "display": "summarized"}
    made, _ = completed(reasoning_effort="low", max_tokens=9, response_format=form, thinking=own)
    assert made["thinking"] == own
    assert made["output_config"] == {"format": {"type": "json_schema", "schema": {"type": "object"}}, "effort": "low"}


@pytest.mark.parametrize(
    ("model", "more"),
    [
        ("claude-haiku-4-5", {"max_tokens": 2000}),  # half of it is too little to think with
        ("claude-haiku-4-5", {"max_tokens": 9000, "thinking": {"type": "enabled", "budget_tokens": 1024}}),
    ],
)
def test_effort_that_a_model_cannot_be_told_is_refused(model: str, more: dict[str, Any]) -> None:
    with pytest.raises(UserError) as caught:
        completed(model, reasoning_effort="low", **more)
    assert caught.value.field == "reasoning_effort"


def test_every_field_that_the_sdk_knows_has_its_place_in_the_table_and_on_the_page() -> None:
    known = set(completion_create_params.CompletionCreateParamsBase.__annotations__) | {"stream"}
    ours = _fields.CARRIED | _fields.LEFT_OUT.keys() | _fields.REFUSED.keys()
    assert known == ours
    page = (Path(__file__).parents[2] / "docs" / "dialects.md").read_text()
    assert [name for name in sorted(known | set(_fields.EXTRAS)) if f"`{name}`" not in page] == []


WORDS = st.sampled_from(
    [
        "text",
        "function",
        "user",
        "assistant",
        "tool",
        "system",
        "image_url",
        "file",
        "auto",
        "data:image/png;base64,A",
        "",
    ]
)
KEYS = st.sampled_from(
    [
        "role", "content", "type", "text", "name", "function", "arguments", "id", "tool_calls", "tool_call_id",
        "image_url", "url", "file", "file_data", "thinking_blocks", "thinking", "signature", "json_schema", "schema",
        "parameters", "cache_control", "strict", "include_usage", "refusal",
    ]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "tool", "system"]) | JSON},
        optional=dict.fromkeys(("content", "tool_calls", "tool_call_id", "refusal", "thinking_blocks", "name"), JSON),
    ),
    max_size=3,
)


@given(
    st.dictionaries(st.sampled_from(sorted(_fields.CARRIED | _fields.REFUSED.keys())), JSON, max_size=4),
    MESSAGES | JSON,
)
def test_whatever_is_sent_becomes_a_messages_body_or_is_refused_by_name(fields: dict[str, Any], messages: Any) -> None:
    """No input is the gateway's own failure; what passes has the shape that the Messages API reads."""
    try:
        found = canonical(**{**fields, "messages": messages})
        assert found.complete is not None
        made = json.loads(found.complete(found.body, "claude-opus-5", FACTS)[0].data)
    except UserError:
        return
    assert isinstance(made["model"], str)
    assert made["max_tokens"] >= 1
    for message in made["messages"]:
        assert message["content"], "no turn is empty"
        assert all(isinstance(block, dict) and block["type"] for block in message["content"])
