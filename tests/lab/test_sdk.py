"""The official Python SDK as a client: first-party and Foundry, sync and async, streams, tools, counting, errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import pytest

from trivium.lab import Fault, LabServer

OPUS = "claude-opus-5-5"
TOOL: Any = {
    "name": "look_up",
    "description": "finds a place",
    "input_schema": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
}
ASK: Any = {"model": OPUS, "max_tokens": 200, "messages": [{"role": "user", "content": "[[lab out=30]] a b"}]}


@pytest.fixture
async def client(lab: LabServer) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=lab.url(), api_key=lab.key(), max_retries=0) as opened:
        yield opened


async def test_async_create_and_stream_agree(lab: LabServer, client: anthropic.AsyncAnthropic) -> None:
    message = await client.messages.create(**ASK)
    async with client.messages.stream(**ASK) as stream:
        text = "".join([part async for part in stream.text_stream])
        streamed = await stream.get_final_message()
    assert message.content[0].text == streamed.content[0].text == text  # type: ignore[union-attr]
    assert message.usage == streamed.usage
    assert (message.usage.input_tokens, message.usage.output_tokens) == (2, 30)
    assert message._request_id == lab.bill.lines[0].request_id


async def test_raw_stream_events_arrive(client: anthropic.AsyncAnthropic) -> None:
    events = [event.type async for event in await client.messages.create(**ASK, stream=True)]
    assert events[0] == "message_start"
    assert events[-2:] == ["message_delta", "message_stop"]


async def test_the_sync_client_works_too(lab: LabServer) -> None:
    def run() -> tuple[str | None, int, int]:
        with anthropic.Anthropic(base_url=lab.url(), api_key=lab.key()) as client:
            message = client.messages.create(**ASK)
            with client.messages.stream(**ASK) as stream:
                streamed = stream.get_final_message()
            counted = client.messages.count_tokens(model=OPUS, messages=ASK["messages"])
        assert streamed.content == message.content or streamed.content[0].text == message.content[0].text  # type: ignore[union-attr]
        return message.stop_reason, streamed.usage.output_tokens, counted.input_tokens

    assert await asyncio.to_thread(run) == ("end_turn", 30, 2)


async def test_a_tool_round_trip(client: anthropic.AsyncAnthropic) -> None:
    messages: Any = [{"role": "user", "content": "where?"}]
    choice: Any = {"type": "tool", "name": "look_up"}
    async with client.messages.stream(
        model=OPUS, max_tokens=200, messages=messages, tools=[TOOL], tool_choice=choice
    ) as stream:
        first = await stream.get_final_message()
    call = first.content[0]
    assert (first.stop_reason, call.type) == ("tool_use", "tool_use")
    assert isinstance(call.input["place"], str)  # type: ignore[union-attr]
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "there"}  # type: ignore[union-attr]
    messages += [{"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
    second = await client.messages.create(
        model=OPUS, max_tokens=200, messages=messages, tools=[TOOL], tool_choice={"type": "none"}
    )
    assert second.stop_reason == "end_turn"


async def test_thinking_goes_there_and_back(client: anthropic.AsyncAnthropic) -> None:
    messages: Any = [{"role": "user", "content": "[[lab out=40]] why?"}]
    thinking: Any = {"type": "adaptive", "display": "summarized"}
    first = await client.messages.create(model=OPUS, max_tokens=200, messages=messages, thinking=thinking)
    assert [block.type for block in first.content] == ["thinking", "text"]
    messages += [{"role": "assistant", "content": first.content}, {"role": "user", "content": "and?"}]
    second = await client.messages.create(model=OPUS, max_tokens=200, messages=messages, thinking=thinking)
    assert second.usage.input_tokens == 1 + 40 + 1  # " why?", the answer, "and?"


async def test_models_are_listed_in_pages_and_found(client: anthropic.AsyncAnthropic) -> None:
    listed = [model.id async for model in client.models.list(limit=3)]
    assert len(listed) == len(set(listed)) > 10
    assert listed[0] in {"claude-fable-5-2", "claude-mythos-5-2"}
    assert (await client.models.retrieve(OPUS)).max_tokens == 128_000
    with pytest.raises(anthropic.NotFoundError):
        await client.models.retrieve("claude-9")


async def test_errors_arrive_as_their_classes(lab: LabServer, client: anthropic.AsyncAnthropic) -> None:
    for status, expected in ((429, anthropic.RateLimitError), (529, anthropic.InternalServerError)):
        lab.faults.add(Fault("status", status=status, count=1, headers={"retry-after": "1"}))
        with pytest.raises(expected) as caught:
            await client.messages.create(**ASK)
        assert caught.value.response.headers["retry-after"] == "1"
        assert caught.value.request_id is not None
    with pytest.raises(anthropic.BadRequestError, match="max_tokens"):
        await client.messages.create(**{**ASK, "max_tokens": 128_001}, timeout=600)
    async with anthropic.AsyncAnthropic(base_url=lab.url(), api_key="sk-ant-wrong") as stranger:
        with pytest.raises(anthropic.AuthenticationError):
            await stranger.messages.create(**ASK)


async def test_the_sdk_retries_an_overload_and_is_billed_once(lab: LabServer) -> None:
    lab.faults.add(Fault("status", status=529, count=1, headers={"retry-after-ms": "1"}))
    async with anthropic.AsyncAnthropic(base_url=lab.url(), api_key=lab.key()) as client:
        await client.messages.create(**ASK)
    assert [status for _, _, status in lab.seen.counts] == [529, 200]
    assert len(lab.bill.lines) == 1


async def test_foundry_takes_a_key(lab: LabServer) -> None:
    async with anthropic.AsyncAnthropicFoundry(base_url=lab.base_url("foundry"), api_key=lab.key("foundry")) as client:
        raw = await client.messages.with_raw_response.create(**ASK)
        async with client.messages.stream(**ASK) as stream:
            streamed = await stream.get_final_message()
        counted = await client.messages.count_tokens(model=OPUS, messages=ASK["messages"])
    message = await raw.parse()  # type: ignore[misc]
    assert message.usage.output_tokens == streamed.usage.output_tokens == 30
    assert counted.input_tokens == 2
    assert {"request-id", "apim-request-id"} <= set(raw.headers)
    assert not [name for name in raw.headers if name.startswith("anthropic-ratelimit")]
    assert lab.bill.total(surface="foundry").picos == 2 * (2 * 4_000_000 + 30 * 20_000_000)


async def test_foundry_takes_entra_tokens_and_no_others(lab: LabServer) -> None:
    async def token() -> str:
        return str(lab.identities.entra.issue(lab.identities.application, "https://ai.azure.com"))

    async def other() -> str:
        return "eyJ.not.ours"

    base_url = lab.base_url("foundry")
    async with anthropic.AsyncAnthropicFoundry(base_url=base_url, azure_ad_token_provider=token) as client:
        assert (await client.messages.create(**ASK)).usage.output_tokens == 30
    async with anthropic.AsyncAnthropicFoundry(base_url=base_url, azure_ad_token_provider=other) as client:
        with pytest.raises(anthropic.AuthenticationError) as caught:
            await client.messages.create(**ASK)
    assert caught.value.body["error"]["code"] == "401"  # type: ignore[index]
    assert lab.bill.lines[0].account != "lab"


async def test_foundry_knows_deployments_and_answers_in_azures_form() -> None:
    deployments = {"my-opus": f"{OPUS}@us_data_zone_standard", "quick": f"{OPUS}+fast"}
    async with (
        LabServer(["foundry"], options={"foundry": {"deployments": deployments}}) as lab,
        anthropic.AsyncAnthropicFoundry(
            base_url=lab.base_url("foundry"), api_key=lab.key("foundry"), max_retries=0
        ) as client,
    ):
        message = await client.messages.create(**{**ASK, "model": "my-opus"})
        await client.messages.create(**{**ASK, "model": "quick"})
        with pytest.raises(anthropic.NotFoundError) as caught:
            await client.messages.create(**ASK)
        system: Any = [*ASK["messages"], {"role": "system", "content": "now"}]
        with pytest.raises(anthropic.BadRequestError, match=r"messages\.1\.role"):
            await client.messages.create(**{**ASK, "model": "my-opus", "messages": system})
        with pytest.raises(anthropic.NotFoundError, match="api_not_supported"):
            await client.get("/v1/models", cast_to=object)
        scopes = [(line.scope, line.tier) for line in lab.bill.lines]
    assert message.model == OPUS
    assert caught.value.body["error"]["code"] == "DeploymentNotFound"  # type: ignore[index]
    assert scopes == [("us_data_zone_standard", "standard"), ("global_standard", "fast")]
