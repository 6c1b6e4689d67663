"""Official clients talk to the served gateway, which talks to the lab; everything is recorded as the lab billed it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import anthropic
import pytest

from gateway.support import SECRET, MemorySink, PlainFacts, Ring, record, table
from trivium.core import Outcome, Quality, RouteTable, SystemClock
from trivium.gateway import AiohttpTransport, Gateway, GatewayServer, GatewaySettings, OpenAdmission, SurfaceSettings
from trivium.gateway.credentials import ApiKey
from trivium.lab import Fault, LabServer

MODEL = "claude-opus-5"
TOOL = {
    "name": "weather",
    "description": "The weather in a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
ASK: dict[str, Any] = {"model": MODEL, "max_tokens": 200, "messages": [{"role": "user", "content": "[[lab out=9]] hi"}]}


class Site:
    """A lab, a served gateway and its records."""

    def __init__(self, lab: LabServer, gateway: Gateway, server: GatewayServer, sink: MemorySink) -> None:
        self.lab = lab
        self.gateway = gateway
        self.server = server
        self.sink = sink
        self.url = server.address

    def client(self, **options: Any) -> anthropic.AsyncAnthropic:
        return anthropic.AsyncAnthropic(base_url=self.url, api_key=SECRET, max_retries=0, **options)


@contextlib.asynccontextmanager
async def site(
    surfaces: tuple[str, ...] = ("anthropic",), *, routes: RouteTable | None = None, **settings: Any
) -> AsyncIterator[Site]:
    chosen = routes or table(*surfaces)
    async with LabServer(surfaces) as lab:
        sink = MemorySink()
        gateway = Gateway(
            GatewaySettings(
                surfaces={
                    name: SurfaceSettings(name, lab.base_url(name), deployments={MODEL: MODEL}) for name in surfaces
                },
                **settings,
            ),
            sink=sink,
            keys=Ring(record()),
            routes=lambda: chosen,
            facts=PlainFacts(),
            admission=OpenAdmission(),
            clock=SystemClock(),
            transport=AiohttpTransport(trust_env=False),
            credentials={name: ApiKey(lab.key(name)) for name in surfaces},
        )
        server = GatewayServer(gateway, host="127.0.0.1", port=0)
        serving = asyncio.ensure_future(server._serve())
        while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(0.005)
        try:
            yield Site(lab, gateway, server, sink)
        finally:
            server.should_exit = True
            await serving


def assert_recorded_as_billed(at: Site) -> None:
    """The ledger's counts are the lab's, attempt by attempt."""
    at.sink.check()
    billed = [{unit: count for unit, count in line.tokens.items() if count} for line in at.lab.bill.lines]
    recorded = [
        {unit: count for unit, count in closed.usage if count}
        for closed in at.sink.closed_events
        if closed.outcome is Outcome.OK and any(count for _, count in closed.usage)
    ]
    assert recorded == billed


async def test_a_message_and_a_stream_with_the_official_client() -> None:
    async with site() as at, at.client() as client:
        message = await client.messages.create(**ASK)
        assert message.stop_reason == "end_turn"
        assert message.usage.output_tokens == 9
        async with client.messages.stream(**ASK) as stream:
            text = "".join([part async for part in stream.text_stream])
            final = await stream.get_final_message()
        assert final.usage.output_tokens == 9
        assert text == final.content[0].text
        assert message._request_id is not None
        assert message._request_id.startswith("req_")
        assert [closed.quality for closed in at.sink.closed_events] == [Quality.EXACT] * 2
        assert_recorded_as_billed(at)


async def test_the_blocking_client_works_too() -> None:
    def converse(url: str) -> list[int]:
        with anthropic.Anthropic(base_url=url, auth_token=SECRET, api_key=None, max_retries=0) as client:
            whole = client.messages.create(**ASK)
            with client.messages.stream(**ASK) as stream:
                return [whole.usage.output_tokens, stream.get_final_message().usage.output_tokens]

    async with site() as at:
        assert await asyncio.to_thread(converse, at.url) == [9, 9]
        assert_recorded_as_billed(at)


async def test_a_tool_round_trip() -> None:
    async with site() as at, at.client() as client:
        first = await client.messages.create(**ASK, tools=[TOOL], tool_choice={"type": "tool", "name": "weather"})
        assert first.stop_reason == "tool_use"
        call = next(block for block in first.content if block.type == "tool_use")
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
        second = await client.messages.create(
            **{
                **ASK,
                "messages": [
                    *ASK["messages"],
                    {"role": "assistant", "content": [block.model_dump(exclude_unset=True) for block in first.content]},
                    {"role": "user", "content": [result]},
                ],
            },
            tools=[TOOL],
        )
        assert second.stop_reason == "end_turn"
        assert_recorded_as_billed(at)


async def test_counting_tokens_and_listing_models() -> None:
    async with site() as at, at.client() as client:
        counted = await client.messages.count_tokens(model=MODEL, messages=ASK["messages"])
        assert counted.input_tokens > 0
        assert [model.id async for model in client.models.list(limit=1000)] == list(PlainFacts.known)
        assert (await client.models.retrieve(MODEL)).id == MODEL
        assert at.sink.opened_events[0].endpoint == "count_tokens"
        assert_recorded_as_billed(at)


async def test_errors_become_the_clients_own_exceptions() -> None:
    async with site() as at, at.client() as client:
        with pytest.raises(anthropic.BadRequestError, match="max_tokens"):
            await client.messages.create(**{**ASK, "max_tokens": 0})
        with pytest.raises(anthropic.NotFoundError, match="model: claude-nothing"):
            await client.messages.create(**{**ASK, "model": "claude-nothing"})
        with pytest.raises(anthropic.AuthenticationError):
            await client.with_options(api_key="sk-trv-" + "x" * 43).messages.create(**ASK)
        at.lab.faults.add(Fault("status", status=429, headers={"retry-after": "3"}, count=1, message="slow down"))
        with pytest.raises(anthropic.RateLimitError, match="slow down") as caught:
            await client.messages.create(**ASK)
        assert caught.value.response.headers["retry-after"] == "3"
        at.lab.faults.add(Fault("error_event", count=1))
        with pytest.raises(anthropic.APIStatusError, match="Overloaded") as overloaded:
            async with client.messages.stream(**ASK) as stream:
                await stream.get_final_message()
        assert overloaded.value.status_code == 529  # told as a status, as no byte had been sent
        at.sink.check()


async def test_a_stream_cut_upstream_is_an_exception_and_a_cut_record() -> None:
    async with site() as at, at.client() as client:
        at.lab.faults.add(Fault("truncated_event", count=1, after_events=5))
        with pytest.raises(anthropic.APIStatusError) as caught:
            async with client.messages.stream(**ASK) as stream:
                await stream.get_final_message()
        assert caught.value.status_code == 200
        assert at.sink.outcomes() == [Outcome.CUT]
        assert at.sink.closed_events[0].quality is Quality.ESTIMATED
        assert at.sink.closed_events[0].usage.input


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_killed_surface_is_replaced_by_the_next(streamed: bool) -> None:
    async with site(("anthropic", "foundry")) as at, at.client() as client:
        await at.lab.kill("anthropic")
        message = await client.messages.create(**ASK) if not streamed else None
        if message is None:
            async with client.messages.stream(**ASK) as stream:
                message = await stream.get_final_message()
        assert message.usage.output_tokens == 9
        assert [(opened.offer.surface, opened.attempt) for opened in at.sink.opened_events] == [
            ("anthropic", 1),
            ("foundry", 2),
        ]
        assert at.sink.outcomes() == [Outcome.REFUSED, Outcome.OK]
        assert_recorded_as_billed(at)


async def test_a_client_that_disconnects_mid_stream_is_settled() -> None:
    async with site() as at:
        at.lab.faults.add(Fault("silence", after_bytes=900, seconds=30))
        async with aiohttp.ClientSession() as session:
            body = {**ASK, "stream": True}
            response = await session.post(f"{at.url}/v1/messages", json=body, headers={"x-api-key": SECRET})
            await response.content.readany()
            response.close()
        async with asyncio.timeout(1):
            while not at.sink.closed_events or at.gateway.in_flight:  # noqa: ASYNC110  no event tells it
                await asyncio.sleep(0.005)
        (closed,) = at.sink.closed_events
        assert (closed.outcome, closed.error_type) == (Outcome.CANCELLED, "client_gone")
        assert closed.usage.input
        assert at.gateway.in_flight == 0


async def test_stopping_the_server_ends_streams_with_an_error_and_settles_them() -> None:
    async with site(drain_s=0.2) as at:
        at.lab.faults.add(Fault("silence", after_bytes=900, seconds=30))
        async with at.client() as client:
            work = asyncio.ensure_future(_final(client))
            async with asyncio.timeout(2):
                while not at.sink.opened_events:  # noqa: ASYNC110  the sink has no event for it
                    await asyncio.sleep(0.005)
            await asyncio.sleep(0.05)
            at.server.should_exit = True
            with pytest.raises(anthropic.APIStatusError, match="shutting down"):
                await work
    assert at.sink.outcomes() == [Outcome.CUT]


async def _final(client: anthropic.AsyncAnthropic) -> object:
    async with client.messages.stream(**ASK) as stream:
        return await stream.get_final_message()


async def test_twenty_clients_at_once() -> None:
    async with site() as at, at.client() as client:
        async with asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(client.messages.create(**ASK))
                group.create_task(_final(client))
        assert at.sink.outcomes() == [Outcome.OK] * 40
        at.sink.check()


SMUGGLED = b"POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: %s\r\n" % SECRET.encode()


@pytest.mark.parametrize(
    "request_bytes",
    [
        SMUGGLED + b"content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        SMUGGLED + b"content-length: 4\r\ncontent-length: 5\r\n\r\nabcde",
        SMUGGLED + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
        SMUGGLED + b"bad header\r\n\r\n",
    ],
    ids=["length and chunks", "two lengths", "bad chunk", "bad header"],
)
async def test_ambiguous_framing_is_refused_and_nothing_is_sent(request_bytes: bytes) -> None:
    async with site() as at:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(at.url.rpartition(":")[2]))
        writer.write(request_bytes)
        async with asyncio.timeout(2):
            answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        assert answer.startswith(b"HTTP/1.1 400")
        assert at.sink.opened_events == []
