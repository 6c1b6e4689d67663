"""Converse of the lab's Bedrock: what is read and refused without a server, and boto3 against the lab over TLS."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, EventStreamError

from lab_clouds.helpers import exchange, refusal, setup, understand
from lab_clouds.test_clients_aws import OPUS_5, OPUS_45, _boto3
from trivium.lab import Fault, LabServer
from trivium.lab.surfaces.bedrock import Bedrock, build

HI: Any = [{"role": "user", "content": [{"text": "h i [[lab out=7]]"}]}]
TOOL: Any = {"toolSpec": {"name": "t", "inputSchema": {"json": {"type": "object", "properties": {}}}}}


@pytest.fixture
def surface() -> Bedrock:
    return build(setup({}))


def _path(model: str = OPUS_45, operation: str = "converse") -> str:
    return f"/model/{model}/{operation}"


def test_a_request_becomes_messages_fields_and_the_longest_answer_is_the_models(surface: Bedrock) -> None:
    call = understand(
        surface,
        exchange(_path(operation="converse-stream")),
        {
            "messages": HI,
            "system": [{"text": "s"}, {"cachePoint": {"type": "default"}}],
            "toolConfig": {"tools": [TOOL], "toolChoice": {"any": {}}},
            "additionalModelRequestFields": {"top_k": 4, "anthropic_beta": ["context-1m-2025-08-07"]},
            "guardrailConfig": {"guardrailIdentifier": "g"},
        },
    )
    assert (call.stream, call.form, call.version, call.betas) == (
        True,
        "converse",
        "2023-06-01",
        ("context-1m-2025-08-07",),
    )
    assert call.fields == {
        "max_tokens": surface.setup.models.get("claude-opus-4-5").output_tokens_max,
        "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "h i [[lab out=7]]"}]}],
        "tools": [{"name": "t", "input_schema": {"type": "object", "properties": {}}}],
        "tool_choice": {"type": "any"},
        "top_k": 4,
    }


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"messages": HI, "topK": 1}, "extraneous key [topK]"),
        ({}, "messages"),
        ({"messages": [{"role": "user", "content": "hi"}]}, "messages.1.member.content"),
        ({"messages": [{"role": "user", "content": [{"text": "a", "image": {}}]}]}, "exactly one"),
        ({"messages": [{"role": "user", "content": [{"video": {}}]}]}, "video"),
        ({"messages": HI, "toolConfig": {"tools": []}}, "toolConfig.tools"),
        ({"messages": HI, "additionalModelRequestFields": {"anthropic_beta": ["x"]}}, "invalid beta flag"),
        (
            {"messages": HI, "additionalModelRequestFields": {"tools": [{"type": "web_search_20250305"}]}},
            "web_search_20250305",
        ),
        (
            {"messages": HI, "additionalModelRequestFields": {"tools": [{"type": "tool_search_tool_regex_20251119"}]}},
            "tool_search_tool_regex_20251119",
        ),
    ],
)
def test_what_the_operation_does_not_take_is_a_validation_error(
    surface: Bedrock, body: dict[str, Any], words: str
) -> None:
    reply = refusal(surface, exchange(_path()), body)
    assert (reply.status, reply.headers["x-amzn-errortype"].split(":")[0]) == (400, "ValidationException")
    assert words in json.loads(reply.body)["message"]


def test_boto3_reads_the_same_answer_whole_and_streamed(tls_lab: LabServer) -> None:
    """Three tokens in and seven out, as InvokeModel counts the same prompt."""
    with contextlib.closing(_boto3(tls_lab)) as client:
        whole = client.converse(modelId=OPUS_5, messages=HI)
        answer = client.converse_stream(modelId=OPUS_5, messages=HI)
        events = list(answer["stream"])
    assert whole["usage"]["inputTokens"] == 3
    assert (whole["usage"]["outputTokens"], whole["usage"]["totalTokens"]) == (7, 3 + 7)
    text = "".join(one["contentBlockDelta"]["delta"]["text"] for one in events if "contentBlockDelta" in one)
    assert [{"text": text}] == whole["output"]["message"]["content"]
    assert next(iter(events[0])) == "messageStart"
    assert events[-2] == {"messageStop": {"stopReason": "end_turn"}}
    assert events[-1]["metadata"]["usage"] == whole["usage"]
    lines = tls_lab.bill.lines[-2:]
    assert [line.tokens["output"] for line in lines] == [7, 7]


def test_boto3_reads_errors_before_and_after_the_first_byte(tls_lab: LabServer) -> None:
    with contextlib.closing(_boto3(tls_lab)) as client:
        with pytest.raises(ClientError) as refused:
            client.converse(modelId="us.anthropic.claude-none", messages=HI)
        assert refused.value.response["Error"]["Code"] == "ValidationException"
        tls_lab.faults.add(
            Fault("late_error", surface="bedrock", after_events=2, error_type="rate_limit_error", count=1)
        )
        answer = client.converse_stream(modelId=OPUS_5, messages=HI)
        with contextlib.closing(answer["stream"]) as stream, pytest.raises(EventStreamError) as failed:
            list(stream)
        assert failed.value.response["Error"]["Code"] == "throttlingException"
