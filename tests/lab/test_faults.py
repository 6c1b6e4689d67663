"""Faults on command, and what a request costs that went wrong."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from trivium.core import UserError
from trivium.lab import Fault, LabServer

from .conftest import events_of

OPUS = "claude-opus-5-5"
ASK = {"model": OPUS, "max_tokens": 999, "messages": [{"role": "user", "content": "[[lab out=640]] a b"}]}
INPUT, OUTPUT = 2 * 4_000_000, 20_000_000  # pico-dollars: the prompt, and each output token


def headers(lab: LabServer) -> dict[str, str]:
    return {"x-api-key": lab.key(), "anthropic-version": "2026-10-21"}


async def read_stream(lab: LabServer, session: aiohttp.ClientSession) -> bytes:
    """Whatever of a stream arrives, whole or not."""
    got = b""
    async with session.post(lab.url() + "/v1/messages", json={**ASK, "stream": True}, headers=headers(lab)) as response:
        try:
            async for part in response.content.iter_any():
                got += part
        except aiohttp.ClientPayloadError:
            return got
    return got


async def test_a_status_fault_answers_in_the_surfaces_envelope_for_as_long_as_it_lasts(
    lab: LabServer, post: Any
) -> None:
    lab.faults.add(Fault("status", status=503, message="down", count=2, path="/v1/mess*"))
    answers = [await post(ASK) for _ in range(3)]
    assert [status for status, _, _ in answers] == [503, 503, 200]
    assert answers[0][1]["error"] == {"type": "api_error", "message": "down"}
    assert len(lab.bill.lines) == 1


async def test_faults_keep_to_their_surface_and_path(lab: LabServer, post: Any) -> None:
    lab.faults.add(Fault("status", surface="foundry"))
    lab.faults.add(Fault("status", path="/v1/messages/count_tokens"))
    assert (await post(ASK))[0] == 200
    counting = {"model": OPUS, "messages": ASK["messages"]}
    assert (await post(counting, path="/v1/messages/count_tokens"))[0] == 529


async def test_probability_is_seeded(post: Any, lab: LabServer) -> None:
    lab.faults.add(Fault("status", probability=0.5))
    statuses = [(await post(ASK))[0] for _ in range(40)]
    assert 10 <= statuses.count(529) <= 30
    twin = LabServer(["anthropic"], seed=lab.seed)
    twin.faults.add(Fault("status", probability=0.5))
    again = [bool(twin.faults.strike("anthropic", "/v1/messages")) for _ in range(40)]
    assert again == [status == 529 for status in statuses]


async def test_a_cut_stream_is_incomplete_and_billed_for_what_was_generated(
    lab: LabServer, session: aiohttp.ClientSession
) -> None:
    lab.faults.add(Fault("cut", after_bytes=2000, count=1))
    got = await read_stream(lab, session)
    assert len(got) == 2000
    assert b"message_stop" not in got
    line = lab.bill.lines[0]
    assert line.outcome == "cut"
    assert 0 < line.tokens["output"] < 640
    assert line.amount.picos == INPUT + line.tokens["output"] * OUTPUT


async def test_a_cut_answer_was_generated_whole_and_is_billed_whole(
    lab: LabServer, session: aiohttp.ClientSession
) -> None:
    lab.faults.add(Fault("cut", after_bytes=100, count=1))
    with pytest.raises(aiohttp.ClientPayloadError):
        async with session.post(lab.url() + "/v1/messages", json=ASK, headers=headers(lab)) as response:
            await response.read()
    assert lab.bill.total().picos == INPUT + 640 * OUTPUT


async def test_a_truncated_event_ends_the_stream_cleanly_in_its_middle(
    lab: LabServer, session: aiohttp.ClientSession
) -> None:
    lab.faults.add(Fault("truncated_event", after_events=5, count=1))
    got = await read_stream(lab, session)
    assert not got.endswith(b"\n\n")
    whole = got[: got.rindex(b"\n\n") + 2]
    assert len(events_of(whole)) == 5 + 1  # five events and a ping
    assert lab.bill.lines[0].outcome == "cut"


async def test_an_error_as_first_event_costs_nothing(lab: LabServer, session: aiohttp.ClientSession) -> None:
    lab.faults.add(Fault("error_event", count=1))
    events = events_of(await read_stream(lab, session))
    assert [event["type"] for event in events] == ["error"]
    assert events[0]["error"] == {"type": "overloaded_error", "message": "Overloaded"}
    assert lab.bill.lines == []


async def test_garbage_stands_in_the_stream_where_it_was_put(lab: LabServer, session: aiohttp.ClientSession) -> None:
    clean = await read_stream(lab, session)
    lab.faults.add(Fault("garbage", after_bytes=1000, count=1))
    dirty = await read_stream(lab, session)
    assert len(dirty) == len(clean) + 64
    assert dirty[1000:1064] != clean[1000:1064]
    assert dirty[1064:].endswith(b'data: {"type":"message_stop"}\n\n')


async def test_garbage_and_delay_hit_whole_answers_too(lab: LabServer, session: aiohttp.ClientSession) -> None:
    lab.faults.add(Fault("garbage", count=1))
    lab.faults.add(Fault("delay", seconds=0.05, count=1))
    begun = asyncio.get_running_loop().time()
    async with session.post(lab.url() + "/v1/messages", json=ASK, headers=headers(lab)) as response:
        body = await response.read()
    assert body[64:65] == b"{"
    assert asyncio.get_running_loop().time() - begun >= 0.05


async def test_silence_holds_a_stream_back_and_lets_it_finish(lab: LabServer, session: aiohttp.ClientSession) -> None:
    lab.faults.add(Fault("silence", after_bytes=500, seconds=0.05, count=1))
    begun = asyncio.get_running_loop().time()
    got = await read_stream(lab, session)
    assert asyncio.get_running_loop().time() - begun >= 0.05
    assert events_of(got)[-1]["type"] == "message_stop"
    assert lab.bill.total().picos == INPUT + 640 * OUTPUT


async def test_a_client_that_leaves_is_billed_for_what_was_generated(session: aiohttp.ClientSession) -> None:
    async with LabServer(["anthropic"], latency_scale=0.05) as lab:
        body = {**ASK, "stream": True}
        async with session.post(lab.url() + "/v1/messages", json=body, headers=headers(lab)) as response:
            await response.content.readuntil(b"content_block_delta")
            response.close()
        for _ in range(200):
            if lab.bill.lines:
                break
            await asyncio.sleep(0.01)
        line = lab.bill.lines[0]
        assert line.outcome == "cancelled"
        assert 0 < line.tokens["output"] < 640
        assert line.amount.picos == INPUT + line.tokens["output"] * OUTPUT


async def test_a_killed_surface_refuses_and_resets_and_comes_back_at_its_port(
    lab: LabServer, session: aiohttp.ClientSession
) -> None:
    lab.faults.add(Fault("silence", after_bytes=300, seconds=30, count=1))
    url = lab.url()
    body = {**ASK, "stream": True}
    async with session.post(url + "/v1/messages", json=body, headers=headers(lab)) as response:
        await response.content.readexactly(300)
        await lab.kill("anthropic")
        with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientOSError)):
            await response.content.read()
    assert lab.bill.lines[0].outcome == "cancelled"
    with pytest.raises(aiohttp.ClientConnectorError):
        await session.post(url + "/v1/messages", json=ASK, headers=headers(lab))
    assert not lab.alive("anthropic")
    await lab.revive("anthropic")
    assert lab.url() == url
    async with session.post(url + "/v1/messages", json=ASK, headers=headers(lab)) as response:
        assert response.status == 200


async def test_a_drained_surface_answers_what_it_has_read_before_it_closes(
    lab: LabServer, session: aiohttp.ClientSession
) -> None:
    lab.faults.add(Fault("delay", seconds=0.2, count=1))
    async with asyncio.TaskGroup() as group:
        pending = group.create_task(_status(lab, session))
        await asyncio.sleep(0.05)
        await lab.kill("anthropic", drain=True)
    assert pending.result() == 200
    assert len(lab.bill.lines) == 1
    assert not lab.alive("anthropic")


async def _status(lab: LabServer, session: aiohttp.ClientSession) -> int:
    async with session.post(lab.url() + "/v1/messages", json=ASK, headers=headers(lab)) as response:
        await response.read()
        return response.status


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"kind": "fire"},
        {"kind": "cut", "count": 0},
        {"kind": "cut", "probability": "often"},
        {"kind": "cut", "colour": 1},
    ],
)
def test_a_malformed_fault_names_its_remedy(raw: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        Fault.from_json(raw)
