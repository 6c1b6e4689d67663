"""Every official client of a platform, with only its address and key changed, on every surface behind the gateway."""

from __future__ import annotations

import asyncio
import contextlib
import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

from gateway.support import OTHER_SECRET, SECRET
from gateway_dialect.support import SURFACES, Spy, served
from trivium.core import Outcome
from trivium.lab import Fault

MODEL = "claude-opus-5"
NAMES = {"bedrock": "us.anthropic.claude-opus-5", "vertex": MODEL, "foundry": MODEL}
SAME = [
    ("bedrock", f"/model/us.anthropic.{MODEL}/invoke"),
    ("vertex", f"/v1/projects/any/locations/global/publishers/anthropic/models/{MODEL}:rawPredict"),
]
WEATHER: dict[str, Any] = {
    "name": "weather",
    "description": "The weather in a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
ASK: dict[str, Any] = {"max_tokens": 200, "messages": [{"role": "user", "content": "[[lab out=9]] hi"}]}


def client_of(dialect: str, url: str, secret: str = SECRET) -> Any:
    if dialect == "bedrock":
        # A client that signs: the session token is the virtual key, the other two may be anything.
        return anthropic.AnthropicBedrock(
            base_url=url, aws_access_key="any", aws_secret_key="any", aws_session_token=secret, aws_region="us-west-2",
            max_retries=0,
        )  # fmt: skip
    if dialect == "vertex":
        return anthropic.AnthropicVertex(
            base_url=f"{url}/v1", access_token=secret, project_id="any", region="us-east5", max_retries=0
        )
    return anthropic.AnthropicFoundry(base_url=f"{url}/anthropic", api_key=secret, max_retries=0)


@contextlib.contextmanager
def boto(url: str, secret: str = SECRET) -> Iterator[Any]:
    client = boto3.client(
        "bedrock-runtime",
        endpoint_url=url,
        region_name="us-west-2",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        aws_session_token=secret,
        config=Config(retries={"total_max_attempts": 1}),
    )
    with contextlib.closing(client):
        yield client


async def run(work: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.to_thread(work, *arguments)


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("dialect", NAMES)
async def test_a_message_a_stream_and_a_tool_call(tmp_path: Path, dialect: str, surface: str) -> None:
    """The stream rebuilt by the client's own accumulator is the message; what is recorded is what was billed."""

    def converse(url: str) -> list[Any]:
        with client_of(dialect, url) as client:
            whole = client.messages.create(model=NAMES[dialect], **ASK)
            with client.messages.stream(model=NAMES[dialect], **ASK) as stream:
                text = "".join(stream.text_stream)
                streamed = stream.get_final_message()
            with client.messages.stream(model=NAMES[dialect], tools=[WEATHER], **ASK) as stream:
                called = stream.get_final_message()
        return [whole, streamed, text, called]

    async with served(tmp_path, surface) as at:
        whole, streamed, text, called = await run(converse, at.url)
        assert (whole.stop_reason, whole.usage.output_tokens) == ("end_turn", 9)
        assert streamed.usage.output_tokens == 9
        assert text == streamed.content[0].text
        assert called.stop_reason in {"end_turn", "tool_use"}
        assert [closed.outcome for closed in at.site.sink.closed_events] == [Outcome.OK] * 3
        assert {opened.offer.model for opened in at.site.sink.opened_events} == {MODEL}
        at.site.assert_recorded_as_billed()


@pytest.mark.parametrize("surface", SURFACES)
async def test_boto3_whole_and_streamed(tmp_path: Path, surface: str) -> None:
    body = json.dumps({"anthropic_version": "bedrock-2023-05-31", **ASK})

    def converse(url: str) -> tuple[Any, list[Any]]:
        with boto(url) as client:
            whole = json.loads(client.invoke_model(modelId=NAMES["bedrock"], body=body)["body"].read())
            answer = client.invoke_model_with_response_stream(modelId=NAMES["bedrock"], body=body)
            return whole, [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]

    async with served(tmp_path, surface) as at:
        whole, events = await run(converse, at.url)
        assert whole["usage"]["output_tokens"] == 9
        assert events[0]["type"] == "message_start"
        assert events[-1]["type"] == "message_stop"
        counts = events[-1]["amazon-bedrock-invocationMetrics"]
        assert (counts["inputTokenCount"], counts["outputTokenCount"]) == (whole["usage"]["input_tokens"], 9)
        at.site.assert_recorded_as_billed()


async def test_boto3_counts_tokens_by_a_surface_that_counts(tmp_path: Path) -> None:
    inner = json.dumps({"anthropic_version": "bedrock-2023-05-31", **ASK}).encode()

    def count(url: str) -> Any:
        with boto(url) as client:
            return client.count_tokens(modelId="anthropic.claude-opus-5", input={"invokeModel": {"body": inner}})

    async with served(tmp_path, "anthropic") as at:
        assert (await run(count, at.url))["inputTokens"] > 0
        assert at.site.sink.opened_events[-1].endpoint == "count_tokens"


async def test_vertex_counts_tokens(tmp_path: Path) -> None:
    def count(url: str) -> int:
        with client_of("vertex", url) as client:
            counted: int = client.messages.count_tokens(model=MODEL, messages=ASK["messages"]).input_tokens
            return counted

    async with served(tmp_path, "anthropic") as at:
        assert await run(count, at.url) > 0


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("dialect", NAMES)
async def test_errors_come_in_the_clients_own_dialect(tmp_path: Path, dialect: str, surface: str) -> None:
    """A foreign key, an unknown model, an overload before the first byte: the client's own exceptions."""

    def fail(url: str, secret: str, model: str) -> anthropic.APIStatusError:
        with client_of(dialect, url, secret) as client, pytest.raises(anthropic.APIStatusError) as caught:
            client.messages.create(model=model, **ASK)
        return caught.value

    async with served(tmp_path, surface) as at:
        denied = await run(fail, at.url, OTHER_SECRET, NAMES[dialect])
        unknown = await run(fail, at.url, SECRET, "claude-none-9")
        assert denied.status_code == (403 if dialect == "bedrock" else 401)
        assert unknown.status_code == 404
        form = {
            "bedrock": {"message"},
            "vertex": {"code", "message", "status"},
            "foundry": {"code", "message"},
        }[dialect]
        body = denied.response.json()
        assert set(body if dialect == "bedrock" else body["error"]) == form
        assert at.site.sink.opened_events == []
        at.site.lab.faults.add(Fault("status", surface=surface, status=529, count=3))
        overloaded = await run(fail, at.url, SECRET, NAMES[dialect])
        assert overloaded.status_code == (503 if dialect == "bedrock" else 529)


@pytest.mark.parametrize("surface", SURFACES)
async def test_a_stream_that_breaks_ends_as_the_dialect_ends(tmp_path: Path, surface: str) -> None:
    """boto3 gets an exception frame, the SDKs an error: no one takes half an answer for a whole one."""
    body = json.dumps({"anthropic_version": "bedrock-2023-05-31", **ASK})

    def read(url: str) -> str:
        with boto(url) as client:
            answer = client.invoke_model_with_response_stream(modelId=NAMES["bedrock"], body=body)
            with contextlib.closing(answer["body"]) as events, pytest.raises(EventStreamError) as caught:
                list(events)
        return str(caught.value.response["Error"]["Code"])

    def stream(dialect: str, url: str) -> None:
        with client_of(dialect, url) as client, pytest.raises(anthropic.APIError):  # noqa: SIM117  one raises within
            with client.messages.stream(model=NAMES[dialect], **ASK) as events:
                events.get_final_message()

    async with served(tmp_path, surface) as at:
        at.site.lab.faults.add(Fault("truncated_event", surface=surface, after_events=4, count=4))
        assert await run(read, at.url) == "internalServerException"
        for dialect in NAMES:
            await run(stream, dialect, at.url)
        assert {closed.outcome for closed in at.site.sink.closed_events} == {Outcome.CUT}


async def test_what_boto3_gets_for_a_foreign_key_is_access_denied(tmp_path: Path) -> None:
    def call(url: str) -> str:
        with boto(url, OTHER_SECRET) as client, pytest.raises(ClientError) as caught:
            client.invoke_model(modelId=NAMES["bedrock"], body="{}")
        return str(caught.value.response["Error"]["Code"])

    async with served(tmp_path, "anthropic") as at:
        assert await run(call, at.url) == "AccessDeniedException"


async def test_the_location_of_a_vertex_path_is_told_not_to_decide(tmp_path: Path) -> None:
    """Where a request is served is the route's to say; a client that named another place reads so."""

    def call(url: str) -> str:
        with client_of("vertex", url) as client:
            answer = client.messages.with_raw_response.create(model=MODEL, **ASK)
            return str(answer.headers["x-trivium-notes"])

    async with served(tmp_path, "anthropic") as at:
        assert "not location us-east5 of the path" in await run(call, at.url)


async def test_bedrocks_clients_find_their_inference_profiles(tmp_path: Path) -> None:
    """Claude Code asks for them before it begins; only models that the key may use are among them."""

    def listed(url: str) -> Any:
        request = urllib.request.Request(
            f"{url}/inference-profiles?type=SYSTEM_DEFINED", headers={"Authorization": f"Bearer {SECRET}"}
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    async with served(tmp_path, "bedrock") as at:
        names = [one["inferenceProfileId"] for one in (await run(listed, at.url))["inferenceProfileSummaries"]]
        assert NAMES["bedrock"] in names
        assert f"global.anthropic.{MODEL}" in names


@pytest.mark.parametrize(("surface", "path"), SAME)
async def test_a_surfaces_own_dialect_keeps_its_bytes(tmp_path: Path, surface: str, path: str) -> None:
    """What the client wrote reaches the surface that speaks its dialect byte for byte, odd spacing and all."""
    versions = {"bedrock": "bedrock-2023-05-31", "vertex": "vertex-2023-10-16"}
    messages = b'"messages" : [{"role":"user","content":"[[lab out=3]] \\u00fc"}]'
    body = b'{ "max_tokens":200,\t%s,\n "anthropic_version":"%s" }' % (messages, versions[surface].encode())

    def call(url: str) -> bytes:
        request = urllib.request.Request(url + path, data=body, headers={"Authorization": f"Bearer {SECRET}"})
        with urllib.request.urlopen(request) as answer:
            found: bytes = answer.read()
            return found

    async with served(tmp_path, surface) as at:
        spy = Spy(at)
        answer = json.loads(await run(call, at.url))
        assert answer["usage"]["output_tokens"] == 3
        assert [outbound.body for outbound in spy.sent] == [body]


async def test_bedrocks_frames_pass_to_a_client_of_invoke_model(tmp_path: Path) -> None:
    """Byte for byte, padding and counts included; what is recorded was read from a copy."""
    body = json.dumps({"anthropic_version": "bedrock-2023-05-31", **ASK}).encode()

    def call(url: str) -> bytes:
        path = f"/model/{NAMES['bedrock']}/invoke-with-response-stream"
        request = urllib.request.Request(url + path, data=body, headers={"Authorization": f"Bearer {SECRET}"})
        with urllib.request.urlopen(request) as answer:
            found: bytes = answer.read()
            return found

    async with served(tmp_path, "bedrock") as at:
        spy = Spy(at)
        assert await run(call, at.url) == bytes(spy.passed)
        at.site.assert_recorded_as_billed()
