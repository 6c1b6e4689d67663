"""boto3's `converse` and `converse_stream`, with only address and key changed, on every surface behind the gateway."""

from __future__ import annotations

import contextlib
import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EventStreamError

from gateway.support import OTHER_SECRET, SECRET
from gateway_dialect.converse_grammar import check, message_of
from gateway_dialect.support import SURFACES, Spy, served
from gateway_dialect.test_sdk_clients import boto, run
from trivium.core import Outcome, Quality
from trivium.lab import Fault

MODEL = "us.anthropic.claude-opus-5"
HI = [{"role": "user", "content": [{"text": "[[lab out=9]] hi"}]}]
WEATHER: dict[str, Any] = {
    "toolSpec": {
        "name": "weather",
        "description": "The weather in a city",
        "inputSchema": {"json": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}},
    }
}
PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90wS\xde"
    b"\x00\x00\x00\x0cIDATx\x9cc\xf8\xcf\xc0\x00\x00\x03\x01\x01\x00\xc9\xfe\x92\xef\x00\x00\x00\x00IEND\xaeB`\x82"
)


def told(url: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same request whole and streamed: the answer, and what the events make of it."""
    with boto(url) as client:
        return client.converse(modelId=MODEL, messages=HI), streamed(client, messages=HI)


def streamed(client: Any, **request: Any) -> dict[str, Any]:
    answer = client.converse_stream(modelId=MODEL, **request)
    with contextlib.closing(answer["stream"]) as stream:
        return message_of(list(stream))


@pytest.mark.parametrize("surface", SURFACES)
async def test_whole_and_streamed_are_one_answer_and_recorded_as_billed(tmp_path: Path, surface: str) -> None:
    """Without any inferenceConfig, as many callers write it: the answer may be as long as the model allows."""
    async with served(tmp_path, surface) as at:
        whole, events = await run(told, at.url)
        assert whole["usage"]["outputTokens"] == 9
        assert (whole["stopReason"], events["stopReason"]) == ("end_turn", "end_turn")
        assert whole["metrics"]["latencyMs"] >= 0
        assert events["output"]["message"]["content"][0]["text"].split()
        assert events["usage"]["inputTokens"] == whole["usage"]["inputTokens"]
        assert {closed.quality for closed in at.site.sink.closed_events} == {Quality.EXACT}
        assert at.site.sink.opened_events[0].max_output_tokens == 128_000
        at.site.assert_recorded_as_billed()


@pytest.mark.parametrize("surface", SURFACES)
async def test_tools_thinking_images_documents_and_cache_go_there_and_back(tmp_path: Path, surface: str) -> None:
    """A tool call, its result with a picture, a document, thinking with its signature played back, a cached system."""
    settings: dict[str, Any] = {
        "system": [{"text": "rule " * 3000}, {"cachePoint": {"type": "default", "ttl": "1h"}}],
        "toolConfig": {
            "tools": [WEATHER, {"cachePoint": {"type": "default", "ttl": "1h"}}],
            "toolChoice": {"auto": {}},
        },
        "additionalModelRequestFields": {"thinking": {"type": "adaptive"}},
        "inferenceConfig": {"maxTokens": 900},
    }
    document = {"document": {"format": "txt", "name": "notes", "source": {"bytes": b"some notes"}}}
    first = [{"role": "user", "content": [document, {"text": "[[lab out=60 tool=weather]] look"}]}]

    def converse(url: str) -> tuple[Any, Any, Any]:
        with boto(url) as client:
            asked = client.converse(modelId=MODEL, messages=first, **settings)
            message = asked["output"]["message"]
            call = next(block["toolUse"] for block in message["content"] if "toolUse" in block)
            content = [{"json": {"sky": "blue"}}, {"image": {"format": "png", "source": {"bytes": PNG}}}]
            result = {"toolUseId": call["toolUseId"], "content": content, "status": "success"}
            turns = [*first, message, {"role": "user", "content": [{"toolResult": result}]}]
            return asked, streamed(client, messages=first, **settings), streamed(client, messages=turns, **settings)

    async with served(tmp_path, surface) as at:
        asked, again, after = await run(converse, at.url)
        assert asked["stopReason"] == "tool_use"
        assert asked["output"]["message"]["content"][0]["reasoningContent"]["reasoningText"]["signature"]
        assert asked["usage"]["cacheDetails"] == [{"ttl": "1h", "inputTokens": asked["usage"]["cacheWriteInputTokens"]}]
        assert asked["usage"]["cacheWriteInputTokens"] > 3000
        assert [sorted(block) for block in again["output"]["message"]["content"]] == [
            sorted(block) for block in asked["output"]["message"]["content"]
        ]
        assert again["usage"]["cacheReadInputTokens"] == asked["usage"]["cacheWriteInputTokens"]
        assert after["usage"]["cacheReadInputTokens"] == again["usage"]["cacheReadInputTokens"]
        at.site.assert_recorded_as_billed()


@pytest.mark.parametrize("surface", SURFACES)
async def test_errors_are_boto3s_own_exceptions(tmp_path: Path, surface: str) -> None:
    def fail(url: str, secret: str, **request: Any) -> tuple[str, str]:
        with boto(url, secret) as client, pytest.raises(ClientError) as caught:
            client.converse(**{"modelId": MODEL, "messages": HI, **request})
        return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]

    async with served(tmp_path, surface) as at:
        assert (await run(fail, at.url, OTHER_SECRET))[0] == "AccessDeniedException"

        def unknown() -> tuple[str, str]:
            return fail(at.url, SECRET, modelId="anthropic.claude-none-9")

        def wrong() -> tuple[str, str]:
            content = [{"toolUse": {"toolUseId": "t", "name": "n", "input": {}}}]
            return fail(at.url, SECRET, messages=[*HI, {"role": "assistant", "content": content}, *HI])

        assert (await run(unknown))[0] == "ResourceNotFoundException"
        assert at.site.sink.opened_events == []
        code, message = await run(wrong)
        assert code == "ValidationException"
        assert "tool_use" in message
        at.site.lab.faults.add(Fault("status", surface=surface, status=429, count=3))
        assert (await run(fail, at.url, SECRET))[0] == "ThrottlingException"


@pytest.mark.parametrize("surface", SURFACES)
async def test_a_stream_that_breaks_ends_in_an_exception_frame(tmp_path: Path, surface: str) -> None:
    def read(url: str) -> tuple[list[Any], str]:
        got: list[Any] = []
        with boto(url) as client:
            answer = client.converse_stream(modelId=MODEL, messages=HI)
            with contextlib.closing(answer["stream"]) as events, pytest.raises(EventStreamError) as caught:
                got.extend(events)
        return got, str(caught.value.response["Error"]["Code"])

    async with served(tmp_path, surface) as at:
        at.site.lab.faults.add(Fault("truncated_event", surface=surface, after_events=3, count=1))
        assert (await run(read, at.url))[1] == "internalServerException"
        at.site.lab.faults.add(
            Fault("late_error", surface=surface, after_events=3, error_type="overloaded_error", count=1)
        )
        assert (await run(read, at.url))[1] == "serviceUnavailableException"
        assert {closed.outcome for closed in at.site.sink.closed_events} == {Outcome.CUT}


GUARDRAIL = {"guardrailIdentifier": "gr1", "guardrailVersion": "1"}


@pytest.mark.parametrize("surface", SURFACES)
async def test_what_only_bedrock_has_is_refused_by_name_elsewhere(tmp_path: Path, surface: str) -> None:
    def call(url: str) -> dict[str, str]:
        with boto(url) as client:
            try:
                client.converse(modelId=MODEL, messages=HI, guardrailConfig=GUARDRAIL, requestMetadata={"team": "a"})
            except ClientError as error:
                return dict(error.response["Error"])
        return {}

    async with served(tmp_path, surface) as at:
        said = await run(call, at.url)
        if surface == "bedrock":
            assert said == {}
        else:
            assert said["Code"] == "ValidationException"
            assert said["Message"].startswith("guardrailConfig: 'an object': only Bedrock's own Converse takes it")
            assert at.site.sink.opened_events == []


def posted(url: str, body: bytes, operation: str) -> tuple[bytes, dict[str, str]]:
    request = urllib.request.Request(
        f"{url}/model/{MODEL}/{operation}", data=body, headers={"Authorization": f"Bearer {SECRET}"}
    )
    with urllib.request.urlopen(request) as answer:
        return answer.read(), dict(answer.headers)


@pytest.mark.parametrize("surface", SURFACES)
async def test_every_stream_keeps_to_the_grammar(tmp_path: Path, surface: str) -> None:
    """Labels for Bedrock's logs are left out elsewhere, and the client is told."""
    body = json.dumps({"messages": HI, "requestMetadata": {"team": "a"}}).encode()
    async with served(tmp_path, surface) as at:
        data, headers = await run(posted, at.url, body, "converse-stream")
        assert headers["content-type"] == "application/vnd.amazon.eventstream"
        names = [name for name, _ in check(data)]
        assert (names[0], names[-3:]) == ("messageStart", ["contentBlockStop", "messageStop", "metadata"])
        notes = headers.get("x-trivium-notes", "")
        assert ("requestMetadata" in notes) == (surface != "bedrock")


async def test_on_bedrock_the_bytes_pass_in_both_directions(tmp_path: Path) -> None:
    """Odd spacing, members nobody knows: the surface gets the client's bytes, the client the surface's frames."""
    body = (
        b'{ "messages" :[{"role":"user","content":[{"text":"[[lab out=3]] \\u00fc"}]}],\n "requestMetadata":{"a":"b"} }'
    )
    async with served(tmp_path, "bedrock") as at:
        spy = Spy(at)
        for operation in ("converse", "converse-stream"):
            got, _ = await run(posted, at.url, body, operation)
            assert spy.sent[-1].body == body
            assert spy.sent[-1].url.endswith(f"/model/{MODEL}/{operation}")
            assert got == bytes(spy.passed)
        at.site.assert_recorded_as_billed()


async def test_a_beta_that_bedrock_refuses_is_the_only_thing_that_changes(tmp_path: Path) -> None:
    messages = json.dumps(HI).encode()
    fields = b'{ "anthropic_beta": %s ,"thinking":{"type":"adaptive"}}'
    more = fields % b'["claude-code-20250219","interleaved-thinking-2025-05-14"]'
    kept = fields % b'["interleaved-thinking-2025-05-14"]'
    form = b'{"messages": %s ,"additionalModelRequestFields": %s}'
    async with served(tmp_path, "bedrock") as at:
        spy = Spy(at)
        _, headers = await run(posted, at.url, form % (messages, more), "converse")
        assert headers["x-trivium-notes"] == "left out betas: claude-code-20250219"
        assert spy.sent[-1].body == form % (messages, kept)
        at.site.assert_recorded_as_billed()


async def test_boto3_counts_the_tokens_of_a_converse_request(tmp_path: Path) -> None:
    def count(url: str) -> tuple[int, int]:
        with boto(url) as client:
            counted = client.count_tokens(modelId="anthropic.claude-opus-5", input={"converse": {"messages": HI}})
            return counted["inputTokens"], client.converse(modelId=MODEL, messages=HI)["usage"]["inputTokens"]

    async with served(tmp_path, "anthropic") as at:
        counted, used = await run(count, at.url)
        assert counted == used
