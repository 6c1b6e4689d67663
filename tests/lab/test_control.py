"""The control port, the clocks, and the lab as a process."""

from __future__ import annotations

import asyncio
import json
import math
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from trivium.core import ManualClock, UserError
from trivium.lab import LabServer
from trivium.lab.__main__ import settings
from trivium.lab.clock import LabClock

from .conftest import NOON

OPUS = "claude-opus-5-5"
ASK = {"model": OPUS, "max_tokens": 99, "messages": [{"role": "user", "content": "[[lab out=5]] a secret"}]}


@pytest.fixture
def control(lab: LabServer, session: aiohttp.ClientSession) -> Any:
    async def call(method: str, path: str, body: Any = None) -> tuple[int, Any]:
        async with session.request(method, lab.control_url + path, json=body) as response:
            return response.status, await response.json()

    return call


async def test_health_names_every_surface(lab: LabServer, control: Any) -> None:
    status, health = await control("GET", "/health")
    assert (status, health["status"], health["tokenizer"], health["seed"]) == (200, "ok", "synthetic-1", 1)
    assert health["clock"] == {"mode": "manual", "now": "2026-11-22T12:00:00+00:00"}
    assert health["surfaces"]["anthropic"] == {"url": lab.url(), "alive": True}


async def test_the_clock_is_set_and_advanced(lab: LabServer, control: Any) -> None:
    await control("POST", "/clock", {"set": "2026-04-15"})
    status, clock = await control("POST", "/clock", {"advance_s": 90})
    assert (status, clock) == (200, {"mode": "manual", "now": "2026-04-15T00:01:30+00:00"})
    assert lab.clock.now() == datetime(2026, 4, 15, 0, 1, 30, tzinfo=UTC)
    status, answer = await control("POST", "/clock", {"advance_s": -1})
    assert (status, answer["field"]) == (400, "advance_s")


async def test_the_bill_speaks_decimal_strings(control: Any, post: Any) -> None:
    await post(ASK)
    _, bill = await control("GET", "/bill")
    assert bill["total_usd"] == "0.000112"  # 3 x 0.000004 + 5 x 0.00002
    assert bill["by_surface_model"] == [{"surface": "anthropic", "model": OPUS, "amount_usd": "0.000112"}]
    assert "lines" not in bill
    _, bill = await control("GET", "/bill?lines=1")
    assert bill["lines"][0]["tokens"]["output"] == 5


async def test_requests_are_remembered_without_texts_or_secrets(lab: LabServer, control: Any, post: Any) -> None:
    await post(ASK, betas="context-1m-2025-08-07")
    _, seen = await control("GET", "/requests?last=5")
    assert (seen["total"], seen["counts"][0]["status"]) == (1, 200)
    last = seen["last"][0]
    assert (last["model"], last["betas"], last["fields"]) == (
        OPUS,
        ["context-1m-2025-08-07"],
        ["max_tokens", "messages"],
    )
    assert last["headers"]["anthropic-version"] == "2023-06-01"
    assert "secret" not in json.dumps(seen)
    assert lab.key() not in json.dumps(seen)


async def test_faults_are_added_listed_and_cleared(control: Any, post: Any) -> None:
    _, first = await control("POST", "/faults", {"kind": "status", "status": 500})
    await control("POST", "/faults", {"kind": "status", "status": 501})
    assert (await post(ASK))[0] == 500
    _, listed = await control("GET", "/faults")
    assert [(fault["id"], fault["hits"]) for fault in listed["faults"]] == [(1, 1), (2, 1)]
    assert (await control("DELETE", f"/faults/{first['id']}"))[1] == {"cleared": 1}
    assert (await post(ASK))[0] == 501
    assert (await control("DELETE", "/faults"))[1] == {"cleared": 1}
    assert (await post(ASK))[0] == 200
    assert (await control("POST", "/faults", {"kind": "fire"}))[0] == 400


async def test_a_surface_is_killed_and_revived(lab: LabServer, control: Any, post: Any) -> None:
    assert await control("POST", "/surfaces/anthropic/kill") == (200, {"surface": "anthropic", "alive": False})
    with pytest.raises(aiohttp.ClientConnectorError):
        await post(ASK)
    await control("POST", "/surfaces/anthropic/revive")
    assert (await post(ASK))[0] == 200
    assert (await control("POST", "/surfaces/control/kill"))[0] == 400
    assert lab.alive("foundry")


async def test_reset_forgets_everything_but_the_clock(lab: LabServer, control: Any, post: Any) -> None:
    marked = {"type": "text", "text": "a " * 600, "cache_control": {"type": "ephemeral"}}
    await post({**ASK, "messages": [{"role": "user", "content": [marked]}]})
    assert len(lab.engine.cache) == 1
    lab.clock.advance(1)
    assert await control("POST", "/reset") == (200, {"reset": True})
    assert (len(lab.engine.cache), lab.bill.lines, lab.seen.as_json(9)["total"]) == (0, [], 0)
    assert lab.clock.now() > NOON


async def test_unknown_paths_are_not_served(control: Any) -> None:
    assert (await control("GET", "/nothing"))[0] == 404


async def test_on_trace_time_a_request_happens_when_it_says(session: aiohttp.ClientSession) -> None:
    """Written at 00:00, read at 00:04, expired at 00:10, though the clock began in November."""
    async with LabServer(["anthropic"], clock=ManualClock(NOON), trace_time=True) as lab:
        headers = {"x-api-key": lab.key(), "anthropic-version": "2023-06-01"}
        usages = []
        for minute in (0, 4, 10):
            prefix = {"type": "text", "text": "a " * 4999 + "a", "cache_control": {"type": "ephemeral"}}
            told = {"type": "text", "text": f"[[lab out=5 at=2026-04-15T00:{minute:02d}:00Z]] b"}
            body = {
                "model": "claude-opus-4-5",
                "max_tokens": 9,
                "messages": [{"role": "user", "content": [prefix, told]}],
            }
            async with session.post(lab.url() + "/v1/messages", json=body, headers=headers) as response:
                usages.append((await response.json())["usage"])
        assert [usage["cache_read_input_tokens"] for usage in usages] == [0, 5000, 0]
        assert [line.at.isoformat() for line in lab.bill.lines] == [
            f"2026-04-15T00:{minute:02d}:00+00:00" for minute in (0, 4, 10)
        ]


async def test_without_trace_time_the_stamp_is_ignored(lab: LabServer, post: Any) -> None:
    told = [{"role": "user", "content": "[[lab out=5 at=2026-04-15T00:00:00Z]] b"}]
    await post({**ASK, "messages": told})
    assert lab.bill.lines[0].at == NOON


def test_a_traced_clock_follows_and_never_goes_back() -> None:
    clock = LabClock(trace_time=True)
    clock.at("2026-04-15T00:10:00Z")
    assert clock.at("2026-04-15T00:04:00Z") == datetime(2026, 4, 15, 0, 4, tzinfo=UTC)
    assert clock.now() == datetime(2026, 4, 15, 0, 10, tzinfo=UTC)
    with pytest.raises(UserError):
        clock.at("yesterday")


@pytest.mark.parametrize("surfaces", [[], ["azure"]])
def test_unknown_surfaces_are_named(surfaces: list[str]) -> None:
    with pytest.raises(UserError, match="anthropic, claude-aws, bedrock, bedrock-mantle, vertex, claude-gcp, foundry"):
        LabServer(surfaces)


async def test_a_taken_port_is_named(lab: LabServer) -> None:
    taken = int(lab.url().rpartition(":")[2])
    with pytest.raises(UserError, match="choose a free port"):
        await LabServer(["anthropic"], ports={"anthropic": taken}).start()


@pytest.mark.parametrize(
    ("option", "value", "field"),
    [("port_base", 99_999, "port"), ("latency", -1.0, "latency"), ("latency", math.nan, "latency")],
)
async def test_an_option_that_cannot_be_is_named(tmp_path: Path, option: str, value: float, field: str) -> None:
    usual = {"surfaces": "anthropic", "seed": 0, "trace_time": False, "latency": 0.0, "tls_folder": "", "tls": False}
    with pytest.raises(UserError, match=f"^{field}"):
        async with LabServer(**settings({**usual, "start": "", "port_base": 0, option: value}, tmp_path)):
            pass


@pytest.mark.parametrize("command", [["-m", "trivium.lab"], ["-m", "trivium.cli", "lab", "--json"]])
async def test_the_lab_as_a_process_says_when_it_is_ready_and_ends_when_asked(
    command: list[str], session: aiohttp.ClientSession
) -> None:
    arguments = [*command, "--surfaces", "anthropic", "--start", "2026-04-15", "--seed", "7"]
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        ready = json.loads(await process.stdout.readline())
        async with session.get(ready["control"] + "/health") as response:
            health = await response.json()
        assert (health["seed"], health["clock"]["now"]) == (7, "2026-04-15T00:00:00+00:00")
        assert health["surfaces"]["anthropic"]["url"] == ready["surfaces"]["anthropic"]["url"]
    finally:
        process.send_signal(signal.SIGINT)
        await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 0


async def test_wrong_input_ends_the_process_with_two() -> None:
    arguments = ["-m", "trivium.lab", "--surfaces", "azure"]
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stderr=asyncio.subprocess.PIPE)
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"use some of anthropic" in errors
