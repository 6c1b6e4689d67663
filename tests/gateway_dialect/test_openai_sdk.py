"""The official OpenAI SDK, with only its address and key changed, on every surface behind the gateway."""

from __future__ import annotations

import asyncio
import base64
import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from gateway.support import OTHER_SECRET, SECRET
from gateway_dialect.chunk_grammar import check
from gateway_dialect.support import SURFACES, served
from trivium.core import ANY, Offer, Outcome, Route, RouteTable, Target
from trivium.lab import Fault

MODEL = "claude-opus-5"
HI: list[Any] = [{"role": "user", "content": "[[lab out=9]] hi"}]
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()
PDF = base64.b64encode(b"%PDF-1.4 a page").decode()


def client_of(url: str, secret: str = SECRET) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key=secret, max_retries=0)


async def run(work: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.to_thread(work, *arguments)


def raw(url: str, body: dict[str, Any]) -> bytes:
    request = urllib.request.Request(
        f"{url}/v1/chat/completions", json.dumps(body).encode(), {"Authorization": f"Bearer {SECRET}"}
    )
    with urllib.request.urlopen(request) as answer:
        found: bytes = answer.read()
        return found


@pytest.mark.parametrize("surface", SURFACES)
async def test_a_whole_answer_and_a_stream_are_the_same_and_recorded_as_billed(tmp_path: Path, surface: str) -> None:
    def converse(url: str) -> list[Any]:
        with client_of(url) as client:
            whole = client.chat.completions.create(model=MODEL, messages=HI, max_completion_tokens=200)
            with client.chat.completions.stream(
                model=MODEL, messages=HI, max_completion_tokens=200, stream_options={"include_usage": True}
            ) as stream:
                streamed = stream.get_final_completion()
        body = {"model": MODEL, "messages": HI, "max_tokens": 200, "stream": True}
        return [whole, streamed, raw(url, body), raw(url, body | {"stream_options": {"include_usage": True}})]

    async with served(tmp_path, surface) as at:
        whole, streamed, plain, counted = await run(converse, at.url)
        assert whole.choices[0].message.content == streamed.choices[0].message.content
        assert whole.choices[0].finish_reason == streamed.choices[0].finish_reason == "stop"
        assert whole.usage.completion_tokens == streamed.usage.completion_tokens == 9
        assert whole.usage.total_tokens == whole.usage.prompt_tokens + 9
        assert whole.usage == streamed.usage
        assert whole.created == int(at.site.gateway._clock.now().timestamp())
        assert whole.model.startswith("claude-opus-5") or surface == "bedrock"
        check(plain, usage=False)
        check(counted, usage=True)
        assert [closed.outcome for closed in at.site.sink.closed_events] == [Outcome.OK] * 4
        assert {opened.max_output_tokens for opened in at.site.sink.opened_events} == {200}
        at.site.assert_recorded_as_billed()


@pytest.mark.parametrize("surface", SURFACES)
async def test_a_tool_is_called_and_its_result_goes_back(tmp_path: Path, surface: str) -> None:
    """Forced call, result as a list of parts, an answer; streamed as well, sent back as the SDK holds it."""
    model = "claude-sonnet-5"  # takes a forced choice on every surface

    def converse(url: str) -> list[Any]:
        ask: list[Any] = [{"role": "developer", "content": "be brief"}, {"role": "user", "content": "weather?"}]
        common: dict[str, Any] = {"model": model, "tools": [WEATHER], "max_completion_tokens": 300}
        choice: Any = {"type": "function", "function": {"name": "weather"}}
        with client_of(url) as client:
            called = client.chat.completions.create(messages=ask, tool_choice=choice, **common)
            with client.chat.completions.stream(messages=ask, tool_choice="required", **common) as stream:
                streamed = stream.get_final_completion()
            answers = []
            for completion in (called, streamed):
                message = completion.choices[0].message
                result = {
                    "role": "tool",
                    "tool_call_id": message.tool_calls[0].id,
                    "content": [{"type": "text", "text": "rain"}],
                }
                more = {"role": "user", "content": "[[lab out=7]] so?"}
                answers.append(client.chat.completions.create(messages=[*ask, message, result, more], **common))
        return [called, streamed, *answers]

    async with served(tmp_path, surface) as at:
        called, streamed, *answers = await run(converse, at.url)
        for completion in (called, streamed):
            assert completion.choices[0].finish_reason == "tool_calls"
            (call,) = completion.choices[0].message.tool_calls
            assert call.function.name == "weather"
            assert set(json.loads(call.function.arguments)) == {"city"}
        assert [answer.choices[0].finish_reason for answer in answers] == ["stop", "stop"]
        assert [answer.usage.completion_tokens for answer in answers] == [7, 7]
        at.site.assert_recorded_as_billed()


@pytest.mark.parametrize("surface", SURFACES)
async def test_images_documents_and_instructions_arrive(tmp_path: Path, surface: str) -> None:
    """An image by address is refused by name where the surface fetches none."""
    parts: list[Any] = [
        {"type": "text", "text": "[[lab out=5]] what is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}},
    ]
    linked: list[Any] = [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}, parts[0]]

    def converse(url: str) -> tuple[Any, str]:
        with client_of(url) as client:
            common: dict[str, Any] = {"model": MODEL, "max_completion_tokens": 100}
            seen = client.chat.completions.create(messages=[{"role": "user", "content": parts}], **common)
            try:
                client.chat.completions.create(messages=[{"role": "user", "content": linked}], **common)
            except openai.BadRequestError as error:
                return seen, error.message
            return seen, ""

    async with served(tmp_path, surface) as at:
        seen, refused = await run(converse, at.url)
        assert seen.usage.completion_tokens == 5
        assert seen.usage.prompt_tokens > 1500  # the lab counts 1500 tokens for an image
        assert ("does not fetch it" in refused) == (surface in {"bedrock", "bedrock-mantle", "vertex"})
        at.site.assert_recorded_as_billed()


@pytest.mark.parametrize("surface", SURFACES)
async def test_a_schema_shapes_the_answer(tmp_path: Path, surface: str) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
        "required": ["city", "degrees"],
        "additionalProperties": False,
    }
    form: Any = {"type": "json_schema", "json_schema": {"name": "weather", "schema": schema, "strict": True}}

    def converse(url: str) -> Any:
        ask: list[Any] = [{"role": "user", "content": "weather?"}]
        with client_of(url) as client:
            return client.chat.completions.create(model=MODEL, messages=ask, response_format=form, max_tokens=200)

    async with served(tmp_path, surface) as at:
        answer = await run(converse, at.url)
        assert set(json.loads(answer.choices[0].message.content)) == {"city", "degrees"}


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("model", ["claude-opus-5", "claude-haiku-4-5"])
async def test_reasoning_comes_with_its_signature_and_can_be_sent_back(
    tmp_path: Path, surface: str, model: str
) -> None:
    """One model is told an effort, the older one a number of tokens; whole and streamed give the same blocks."""
    ask: list[Any] = [{"role": "user", "content": "[[lab out=40]] why?"}]

    def converse(url: str) -> list[Any]:
        common: dict[str, Any] = {"model": model, "reasoning_effort": "low", "max_completion_tokens": 4096}
        with client_of(url) as client:
            whole = client.chat.completions.create(messages=ask, **common)
            with client.chat.completions.stream(messages=ask, **common) as stream:
                streamed = stream.get_final_completion()
            more = [{"role": "user", "content": "[[lab out=40]] and?"}]
            again = client.chat.completions.create(messages=[*ask, streamed.choices[0].message, *more], **common)
        return [whole, streamed, again]

    async with served(tmp_path, surface) as at:
        whole, streamed, again = await run(converse, at.url)
        first, second = (one.choices[0].message.model_extra for one in (whole, streamed))
        assert first["thinking_blocks"] == second["thinking_blocks"]
        assert first["reasoning_content"] == first["thinking_blocks"][0]["thinking"] == second["reasoning_content"]
        assert first["thinking_blocks"][0]["signature"]
        assert whole.usage.completion_tokens_details.reasoning_tokens == 10
        assert again.usage.completion_tokens == 40
        at.site.assert_recorded_as_billed()


@pytest.mark.parametrize("surface", SURFACES)
async def test_sampling_passes_to_a_model_that_takes_it_and_is_refused_for_one_that_does_not(
    tmp_path: Path, surface: str
) -> None:
    """The newer API version takes no temperature at all: a client that names no version is not lifted to it."""

    def converse(url: str) -> tuple[str, str | None]:
        with client_of(url) as client:
            common: dict[str, Any] = {"messages": HI, "max_tokens": 50, "temperature": 0.2}
            taken = client.chat.completions.create(model="claude-haiku-4-5", **common)
            with pytest.raises(openai.BadRequestError) as caught:
                client.chat.completions.create(model=MODEL, **common)
        return str(taken.choices[0].finish_reason), caught.value.param

    async with served(tmp_path, surface) as at:
        assert await run(converse, at.url) == ("stop", "temperature")


@pytest.mark.parametrize("surface", SURFACES)
async def test_errors_are_the_sdks_own_exceptions(tmp_path: Path, surface: str) -> None:
    def fail(url: str, secret: str = SECRET, model: str = MODEL, **more: Any) -> openai.APIStatusError:
        with client_of(url, secret) as client, pytest.raises(openai.APIStatusError) as caught:
            client.chat.completions.create(model=model, messages=HI, max_tokens=200, **more)
        return caught.value

    async with served(tmp_path, surface) as at:
        denied = await run(fail, at.url, OTHER_SECRET)
        assert (type(denied), denied.code) == (openai.AuthenticationError, "invalid_api_key")
        assert denied.request_id == denied.response.headers["request-id"]
        unknown = await run(fail, at.url, SECRET, "gpt-9")
        assert (type(unknown), unknown.code, unknown.param) == (openai.NotFoundError, "model_not_found", "model")
        many = await run(lambda url: fail(url, n=2), at.url)
        assert (type(many), many.param, many.type) == (openai.BadRequestError, "n", "invalid_request_error")
        assert at.site.sink.opened_events == []
        long = await run(lambda url: fail(url, max_completion_tokens=200, top_p=0.5), at.url)
        assert (type(long), long.param) == (openai.BadRequestError, "top_p")  # said by the surface
        for status, kind, code in ((529, openai.InternalServerError, "overloaded"), (429, openai.RateLimitError, "")):
            at.site.lab.faults.add(Fault("status", surface=surface, status=status, count=1))
            overloaded = await run(fail, at.url)
            assert type(overloaded) is kind
            assert overloaded.code == (code or "rate_limit_exceeded")
        at.site.sink.check()


@pytest.mark.parametrize("surface", SURFACES)
async def test_a_broken_stream_ends_with_an_error_and_not_as_done(tmp_path: Path, surface: str) -> None:
    def stream(url: str) -> str:
        with client_of(url) as client, pytest.raises(openai.APIError) as caught:  # noqa: SIM117  one raises within
            with client.chat.completions.stream(model=MODEL, messages=HI, max_tokens=200) as events:
                events.until_done()
        return str(caught.value.type)

    async with served(tmp_path, surface) as at:
        at.site.lab.faults.add(Fault("truncated_event", surface=surface, after_events=4, count=2))
        assert await run(stream, at.url) == "server_error"
        data = await run(raw, at.url, {"model": MODEL, "messages": HI, "max_tokens": 200, "stream": True})
        assert b"[DONE]" not in data
        assert json.loads(data.rstrip().rpartition(b"data: ")[2])["error"]["type"] == "server_error"
        assert {closed.outcome for closed in at.site.sink.closed_events} == {Outcome.CUT}


@pytest.mark.parametrize("surface", ["anthropic", "foundry"])
async def test_later_instructions_are_taken_or_refused_in_words(tmp_path: Path, surface: str) -> None:
    def call(url: str) -> str:
        turns: list[Any] = [{"role": "user", "content": "hi"}, {"role": "system", "content": "be brief"}, *HI]
        with client_of(url) as client:
            try:
                client.chat.completions.create(model=MODEL, messages=turns, max_tokens=50)
            except openai.BadRequestError as error:
                return f"{error.param}: {error.message}"
        return ""

    async with served(tmp_path, surface) as at:
        refused = await run(call, at.url)
        assert ("no instructions after the first turn" in refused) == (surface == "foundry")
        assert refused.startswith("messages" if refused else "")


async def test_each_client_reads_the_models_in_its_own_form(tmp_path: Path) -> None:
    def converse(url: str) -> list[Any]:
        with client_of(url) as client:
            listed = [model.id for model in client.models.list()]
            one = client.models.retrieve(MODEL)
            with pytest.raises(openai.NotFoundError) as caught:
                client.models.retrieve("gpt-9")
        with anthropic.Anthropic(base_url=url, api_key=SECRET) as other:
            own = [(model.id, model.type) for model in other.models.list()]
        return [listed, one, caught.value.code, own]

    async with served(tmp_path, "anthropic") as at:
        listed, one, code, own = await run(converse, at.url)
        assert MODEL in listed
        assert (one.id, one.object, one.owned_by) == (MODEL, "model", "anthropic")
        assert code == "model_not_found"
        assert own == [(name, "model") for name in listed]


async def test_without_a_limit_the_models_own_is_asked_for_and_said(tmp_path: Path) -> None:
    """128000 is the least that a claim gives for the model on any surface."""

    def call(url: str) -> Any:
        with client_of(url) as client:
            answer = client.chat.completions.with_raw_response.create(
                model=MODEL, messages=HI, metadata={"run": "7"}, prompt_cache_key="session-7"
            )
            return answer.headers["x-trivium-notes"]

    async with served(tmp_path, "anthropic") as at:
        notes = await run(call, at.url)
        assert "max_completion_tokens was not given" in notes
        assert "left out metadata" in notes
        (opened,) = at.site.sink.opened_events
        assert (opened.max_output_tokens, opened.session) == (128_000, "session-7")


async def test_a_route_by_another_model_asks_that_model_in_its_own_way(tmp_path: Path) -> None:
    """Opus 5 is asked for, Haiku 4.5 answers: it writes half as much, and would refuse an effort."""

    def call(url: str) -> Any:
        with client_of(url) as client:
            return client.chat.completions.create(model=MODEL, messages=HI, reasoning_effort="low")

    async with served(tmp_path, "anthropic") as at:
        gateway = at.site.gateway
        cheaper = Target(Offer("anthropic", "global", "claude-haiku-4-5"), 1)
        table = RouteTable((Route(ANY, MODEL, (cheaper,)),), "2")
        gateway.reload(
            gateway._parts.tools.settings, credentials={"anthropic": at.site.credential}, routes=lambda: table
        )
        answer = await run(call, at.url)
        assert answer.model.startswith("claude-haiku-4-5")
        assert answer.choices[0].message.model_extra["thinking_blocks"][0]["signature"]
        at.site.assert_recorded_as_billed()


async def test_a_cache_is_marked_read_and_counted(tmp_path: Path) -> None:
    """A mark on a part is kept; what was read from the cache is part of the prompt, and named."""
    rules: Any = [{"type": "text", "text": "rule " * 3000, "cache_control": {"type": "ephemeral"}}]

    def converse(url: str) -> list[Any]:
        with client_of(url) as client:
            ask: list[Any] = [{"role": "system", "content": rules}, *HI]
            return [
                client.chat.completions.create(model=MODEL, messages=ask, max_tokens=50).usage.to_dict()
                for _ in range(2)
            ]

    async with served(tmp_path, "anthropic") as at:
        written, read = await run(converse, at.url)
        assert written["prompt_tokens"] == read["prompt_tokens"]
        assert read["prompt_tokens_details"] == {
            "cached_tokens": written["prompt_tokens_details"]["cache_write_tokens"],
            "cache_write_tokens": 0,
        }
        assert read["prompt_tokens_details"]["cached_tokens"] >= 3000
        at.site.assert_recorded_as_billed()
