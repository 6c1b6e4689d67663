"""A request in the dialect of its surface arrives byte for byte, and so does the answer, however odd its JSON is."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest

from gateway.support import MODEL, SECRET, json_answer, post, world
from gateway_dialect.support import Spy, served
from gateway_dialect.test_sdk_clients import run

ODD = rb"""{ "metadata" : {"user_id":"u\u0041\/x"} ,%s
 "messages":[ {"content" : [ {"text":"caf\u00e9 \ud83d\ude00 \u2028 [[lab out=3]]","type" : "text"} ],"role":"user"} ],
 "tools":[{"name":"t","input_schema":{"type":"object","properties":{"a":{"maximum":1.0,"minimum":1E+2,
 "const":123456789012345678901234567890,"default":-0.0}},"properties":{"a":{"maximum":1.0}}} }],
 "max_tokens":64 ,"max_tokens"  : 9}"""
BEDROCK, VERTEX = b' "anthropic_version" : "bedrock-2023-05-31",', b' "anthropic_version" : "vertex-2023-10-16",'
INVOKE = "/model/us.anthropic.claude-opus-5/invoke"
PREDICT = "/v1/projects/p/locations/global/publishers/anthropic/models/claude-opus-5"
STREAM = b'"stream" :true ,'


def posted(url: str, path: str, body: bytes) -> bytes:
    headers = {
        "Authorization": f"Bearer {SECRET}",
        "anthropic-version": "2023-06-01",
        "content-type": "application/json",
    }
    with urllib.request.urlopen(urllib.request.Request(url + path, data=body, headers=headers)) as answer:
        read: bytes = answer.read()
        return read


@pytest.mark.parametrize(
    ("surface", "path", "own"),
    [
        ("bedrock", INVOKE, BEDROCK),
        ("bedrock", f"{INVOKE}-with-response-stream", BEDROCK),
        ("bedrock", INVOKE, BEDROCK + b'"anthropic_beta":[ ],'),
        ("bedrock", INVOKE, BEDROCK + b'"anthropic_beta":[ "context-management-2025-06-27" ],'),
        ("vertex", f"{PREDICT}:rawPredict", VERTEX),
        ("vertex", f"{PREDICT}:streamRawPredict", VERTEX + STREAM),
        ("foundry", "/anthropic/v1/messages", b'"model" : "claude-opus-5",'),
        ("foundry", "/anthropic/v1/messages", b'"model" : "claude-opus-5",' + STREAM),
        ("anthropic", "/v1/messages", b'"model" : "claude-opus-5",'),
        ("anthropic", "/v1/messages", b'"model" : "claude-opus-5",' + STREAM),
        ("claude-aws", "/v1/messages", b'"model" : "claude-opus-5",' + STREAM),
        ("claude-gcp", "/v1/messages", b'"model" : "claude-opus-5",' + STREAM),
        ("bedrock-mantle", "/v1/messages", b'"model" : "anthropic.claude-opus-5",' + STREAM),
    ],
)
async def test_odd_json_passes_in_both_directions(tmp_path: Path, surface: str, path: str, own: bytes) -> None:
    """Spacing, order, escapes, large and odd numbers, keys that occur twice: none of it is the gateway's to tidy."""
    body = ODD % own
    async with served(tmp_path, surface) as at:
        spy = Spy(at)
        got = await run(posted, at.url, path, body)
        assert spy.sent[-1].body == body
        assert got == bytes(spy.passed)


async def test_a_header_that_buys_something_on_vertex_is_left_out_and_told() -> None:
    at = world({"anthropic": [json_answer()]})
    body = b'{"anthropic_version":"vertex-2023-10-16","max_tokens":9,"messages":[]}'
    path = f"{PREDICT}:rawPredict".replace("claude-opus-5", MODEL)
    answer = await post(at, body, path=path, authorization=f"Bearer {SECRET}", x_vertex_ai_llm_request_type="dedicated")
    assert answer.status == 200
    assert "left out x-vertex-ai-llm-request-type: the route decides" in answer.headers["x-trivium-notes"]


async def test_a_stream_that_only_the_path_of_vertex_asks_for_is_one(tmp_path: Path) -> None:
    """The model service answers as the body says; without its word the client waited for events that never came."""
    body = ODD % VERTEX
    async with served(tmp_path, "vertex") as at:
        spy = Spy(at)
        got = await run(posted, at.url, f"{PREDICT}:streamRawPredict", body)
        assert got.startswith(b"event: message_start")
        assert spy.sent[-1].body == body.replace(b'{ "metadata"', b'{ "stream":true,"metadata"')
        at.site.assert_recorded_as_billed()
