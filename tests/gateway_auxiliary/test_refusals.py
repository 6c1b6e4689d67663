"""When the ledger does not take a record, or a surface our credential: nothing is sent that nobody knows of."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.support import (
    AUTH,
    MODEL,
    UPSTREAM_SECRET,
    Answer,
    Caller,
    MemorySink,
    MemoryTransport,
    PlainCredential,
    PlainFacts,
    Response,
    Ring,
    error_answer,
    json_answer,
    record,
    table,
)
from trivium.core import Closed, LedgerError, Opened, Outcome, Resource, SystemClock
from trivium.gateway import Gateway, GatewaySettings, MemoryResources, OpenAdmission, SurfaceSettings, TransportError
from trivium.gateway.auxiliary._batches import Grant, Running
from trivium.gateway.seams import Admitted, Outbound

BATCH = {"id": "msgbatch_1", "type": "message_batch", "processing_status": "in_progress", "results_url": None}
FILE = {"id": "file_1", "type": "file"}
ASK = {
    "requests": [
        {"custom_id": "a", "params": {"model": MODEL, "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}}
    ]
}


class Keeping(PlainFacts):
    def supports(self, surface: str, model: str, capability: str) -> bool | None:
        return True


class Forgetful(MemoryResources):
    async def register(self, resource: Resource) -> None:
        raise LedgerError("the disk is full")


class Stubborn(MemorySink):
    """Refuses one kind of record, for so many times."""

    def __init__(self, kind: str, times: int) -> None:
        super().__init__()
        self.kind, self.times = kind, times

    def _refuse(self, kind: str) -> None:
        if kind == self.kind and self.times:
            self.times -= 1
            raise LedgerError("not now")

    async def opened(self, event: Opened) -> None:
        self._refuse("opened")
        await super().opened(event)

    async def closed(self, event: Closed) -> None:
        self._refuse("closed")
        await super().closed(event)


@dataclass
class World:
    gateway: Gateway
    transport: MemoryTransport
    sink: MemorySink
    resources: MemoryResources
    credential: PlainCredential

    async def send(self, method: str, path: str, body: object = None, **headers: str) -> Response:
        data = b"" if body is None else json.dumps(body).encode()
        return await Caller(self.gateway).send(method, path, headers={**AUTH, **headers}, body=data)


def world(answers: Sequence[Answer], sink: MemorySink | None = None, resources: MemoryResources | None = None) -> World:
    transport, sink, credential = MemoryTransport({"anthropic": answers}), sink or MemorySink(), PlainCredential()
    resources = resources or MemoryResources()
    gateway = Gateway(
        GatewaySettings(surfaces={"anthropic": SurfaceSettings("anthropic", "http://anthropic.test")}),
        sink=sink,
        keys=Ring(record()),
        routes=lambda: table("anthropic"),
        facts=Keeping(),
        admission=OpenAdmission(),
        clock=SystemClock(),
        transport=transport,
        credentials={"anthropic": credential},
        resources=resources,
    )
    return World(gateway, transport, sink, resources, credential)


def sent(at: World) -> list[str]:
    return [f"{each.method} {each.url.removeprefix('http://anthropic.test')}" for each in at.transport.sent]


async def test_a_batch_whose_attempts_cannot_be_opened_is_not_sent() -> None:
    at = world([json_answer(BATCH)], sink=Stubborn("opened", 1))
    answer = await at.send("POST", "/v1/messages/batches", ASK)
    assert (answer.status, sent(at)) == (503, [])


@pytest.mark.parametrize(
    ("path", "made", "undone"),
    [
        ("/v1/messages/batches", BATCH, "POST /v1/messages/batches/msgbatch_1/cancel"),
        ("/v1/files", FILE, "DELETE /v1/files/file_1"),
    ],
)
async def test_what_cannot_be_registered_is_undone(path: str, made: Mapping[str, Any], undone: str) -> None:
    at = world([json_answer(made)], resources=Forgetful())
    answer = await at.send("POST", path, ASK)
    assert (answer.status, answer.headers["x-should-retry"]) == (503, "false")
    await asyncio.sleep(0.01)
    assert sent(at) == [f"POST {path}", undone]


async def test_a_refused_credential_is_renewed_once_and_never_the_clients_fault() -> None:
    at = world([error_answer(401, "authentication_error"), json_answer(FILE)])
    assert (await at.send("POST", "/v1/files", {})).status == 200
    assert at.credential.refreshed == 1
    at = world([error_answer(401, "authentication_error")])
    answer = await at.send("POST", "/v1/files", {})
    assert (answer.status, answer.json()["error"]["type"]) == (502, "api_error")
    assert UPSTREAM_SECRET not in answer.body.decode()


async def test_the_clients_key_and_cookies_reach_no_surface() -> None:
    at = world([json_answer(FILE)])
    await at.send("POST", "/v1/files", {}, cookie="a=b", **{"anthropic-beta": "files-api-2025-04-14", "x-mine": "1"})
    headers = at.transport.sent[0].headers
    assert headers["x-api-key"] == f"{UPSTREAM_SECRET}-0"
    assert headers["anthropic-beta"] == "files-api-2025-04-14"
    assert not {"cookie", "x-mine", "authorization"} & headers.keys()


async def test_an_answer_without_an_id_leaves_the_cost_unknown() -> None:
    at = world([json_answer({"type": "message_batch"})])
    answer = await at.send("POST", "/v1/messages/batches", ASK)
    assert (answer.status, answer.headers["x-should-retry"]) == (502, "false")
    assert at.sink.outcomes() == [Outcome.FAILED]
    assert at.sink.closed_events[0].usage.input is None


async def test_no_connection_at_all_costs_nothing() -> None:
    at = world([Answer(refuse=TransportError("refused", sent=False))])
    answer = await at.send("POST", "/v1/messages/batches", ASK)
    assert (answer.status, "x-should-retry" in answer.headers) == (502, False)
    assert at.sink.outcomes() == [Outcome.REFUSED]


async def test_results_go_on_when_the_ledger_does_not_and_the_batch_is_not_called_metered() -> None:
    line = {"custom_id": "a", "result": {"type": "canceled"}}
    at = world([json_answer(BATCH), json_answer(line)], sink=Stubborn("closed", 1))
    assert (await at.send("POST", "/v1/messages/batches", ASK)).status == 200
    answer = await at.send("GET", "/v1/messages/batches/msgbatch_1/results")
    assert answer.json() == line
    owned = await at.resources.owner("batch", "msgbatch_1")
    assert owned is not None
    assert not owned.metered
    assert (await at.send("GET", "/v1/messages/batches/msgbatch_1/results")).status == 200
    owned = await at.resources.owner("batch", "msgbatch_1")
    assert owned is not None
    assert owned.metered


class Unmarked(MemoryResources):
    async def metered(self, resource: Resource) -> None:
        raise LedgerError("the disk is full")


async def test_results_are_whole_where_it_cannot_be_noted_that_they_were_read() -> None:
    """The words of that error stood behind the last result, as if they were one."""
    line = {"custom_id": "a", "result": {"type": "canceled"}}
    at = world([json_answer(BATCH), json_answer(line)], resources=Unmarked())
    assert (await at.send("POST", "/v1/messages/batches", ASK)).status == 200
    answer = await at.send("GET", "/v1/messages/batches/msgbatch_1/results")
    assert (answer.ended, answer.json()) == (True, line)
    at.sink.check()


class Defective(MemorySink):
    async def closed(self, event: Closed) -> None:
        if self.closed_events:
            raise ZeroDivisionError
        await super().closed(event)


async def test_a_defect_behind_the_first_results_leaves_them_incomplete_without_a_word() -> None:
    lines = [json.dumps({"custom_id": name, "result": {"type": "canceled"}}).encode() + b"\n" for name in "ab"]
    at = world([json_answer(BATCH), Answer(200, lines)], sink=Defective())
    assert (await at.send("POST", "/v1/messages/batches", ASK)).status == 200
    answer = await at.send("GET", "/v1/messages/batches/msgbatch_1/results")
    assert (answer.status, answer.body, answer.ended) == (200, lines[0], False)


async def test_a_defect_while_a_batch_is_made_leaves_no_attempt_open_and_its_cost_unknown() -> None:
    def fail(_outbound: Outbound) -> None:
        raise ZeroDivisionError

    at = world([json_answer(BATCH)])
    at.transport.on_send = fail
    answer = await at.send("POST", "/v1/messages/batches", ASK)
    assert (answer.status, answer.headers["x-should-retry"]) == (500, "false")
    assert at.sink.outcomes() == [Outcome.FAILED]
    at.sink.check()


async def test_a_client_that_leaves_ends_the_download_of_its_file() -> None:
    """The surface's bytes, up to half a gigabyte, were read on for nobody."""
    endless = Answer(200, [b"bytes"], hold=asyncio.Event())
    at = world([json_answer(FILE), endless])
    assert (await at.send("POST", "/v1/files", {})).status == 200
    caller = Caller(at.gateway)
    work = asyncio.ensure_future(caller.send("GET", "/v1/files/file_1/content", headers=AUTH))
    async with asyncio.timeout(2):
        while caller.response.body != b"bytes":  # noqa: ASYNC110  the caller has no event for it
            await asyncio.sleep(0.005)
    caller.leave()
    await asyncio.wait_for(work, 1)
    assert (at.transport.inbounds[-1].closed, caller.response.ended, at.gateway.in_flight) == (True, False, 0)


async def test_what_covers_a_batch_is_forgotten_when_nobody_reads_its_results_any_more() -> None:
    """It stayed for ever, with the name of every request of the batch."""
    settled: list[str] = []

    class Holding(OpenAdmission):
        async def settle(self, admitted: Admitted, attempts: tuple[Closed, ...]) -> None:
            settled.append(admitted.hold_id)

    running = Running(patience_s=0.01)
    running.keep("msgbatch_1", (Grant(Holding(), Admitted("hold_1"), frozenset({"evt_1"})),))
    running.keep("msgbatch_2", (Grant(Holding(), Admitted("hold_2"), frozenset({"evt_2"})),))
    await running.settle("msgbatch_2", ())
    await asyncio.sleep(0.05)
    assert (sorted(settled), running.grants) == (["hold_1", "hold_2"], {})


async def test_a_batch_for_which_nothing_is_held_is_not_remembered_in_memory() -> None:
    at = world([json_answer(BATCH)])
    assert (await at.send("POST", "/v1/messages/batches", ASK)).status == 200
    assert at.gateway._auxiliary._running.grants == {}


async def test_a_gateway_that_shuts_down_begins_no_reading_of_results() -> None:
    ended = {**BATCH, "processing_status": "ended", "results_url": "https://x.test/r"}
    at = world([json_answer(BATCH), json_answer(ended)])
    assert (await at.send("POST", "/v1/messages/batches", ASK)).status == 200
    at.gateway.refuse_readiness()
    assert (await at.send("GET", "/v1/messages/batches/msgbatch_1")).status == 200
    assert at.gateway._auxiliary._running.noticed == {}


async def test_the_address_of_results_leads_back_to_the_gateway_as_its_client_knows_it() -> None:
    ended = {
        **BATCH,
        "processing_status": "ended",
        "results_url": "https://api.anthropic.com/v1/messages/batches/msgbatch_1/results",
    }
    at = world([json_answer(BATCH), json_answer(ended)])
    await at.send("POST", "/v1/messages/batches", ASK)
    headers = {"host": "llm.example", "x-forwarded-proto": "https"}
    answer = await at.send("GET", "/v1/messages/batches/msgbatch_1", **headers)
    assert answer.json()["results_url"] == "https://llm.example/v1/messages/batches/msgbatch_1/results"
    await at.gateway.close()
