"""Each fault of a gateway fails its row and no other; our own gateway fails none."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from conform.little_gateway import KEY, MODEL, free_port, little_gateway
from gateway.support import SECRET, MemorySink, PlainFacts, Ring, record, table
from trivium.cli import main
from trivium.conform import Row, Site, Unreachable, Verdict, check
from trivium.conform._rows import WITNESSED
from trivium.core import SystemClock, UserError
from trivium.gateway import AiohttpTransport, Gateway, GatewayServer, GatewaySettings, OpenAdmission, SurfaceSettings
from trivium.gateway.credentials import ApiKey

HERE = "127.0.0.1"
FAULTS = {
    "path": {"P1.messages"},
    "hello": {"P2.hello"},
    "redirect": {"P3.bearer", "P3.api-key"},
    "bearer only": {"P3.api-key"},
    "version": {"P4.version"},
    "betas": {"P4.betas"},
    "headers": {"P4.headers"},
    "fields": {"P4.fields"},
    "anew": {"P4.bytes"},
    "system": {"P5.system"},
    "beta of pair": {"P6.pairs"},
    "field of pair": {"P6.pairs"},
    "cut": {"P7.events"},
    "buffer": {"P7.unbuffered"},
    "pings": {"P7.pings"},
    "comments": {"P7.comments"},
    "page": {"P8.envelope"},
    "wording": {"P8.upstream"},
    "session": {"P9.session"},
    "limits": {"P10.limits"},
    "spent, try again": {"P10.spend"},
    "limits of streams": {"P10.limits"},
    "account": {"P10.account"},
    "filter": {"P12.filters"},
    "estimate": {"P1.count-tokens"},
    "no count": {"P13.lacking"},
    "overloaded": {"P13.overloaded"},
}


def of(rows: list[Row], verdict: Verdict) -> dict[str, str]:
    return {row.row: row.evidence for row in rows if row.verdict is verdict}


@contextlib.asynccontextmanager
async def our_gateway(upstream_port: int) -> AsyncIterator[str]:
    gateway = Gateway(
        GatewaySettings(surfaces={"anthropic": SurfaceSettings("anthropic", f"http://{HERE}:{upstream_port}")}),
        sink=MemorySink(),
        keys=Ring(record()),
        routes=lambda: table("anthropic"),
        facts=PlainFacts(),
        admission=OpenAdmission(),
        clock=SystemClock(),
        transport=AiohttpTransport(trust_env=False),
        credentials={"anthropic": ApiKey("sk-upstream")},
    )
    server = GatewayServer(gateway, host=HERE, port=0)
    serving = asyncio.ensure_future(server._serve())
    while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
        await asyncio.sleep(0.005)
    try:
        yield server.address
    finally:
        server.should_exit = True
        await serving


async def test_our_own_gateway_fails_no_row() -> None:
    port = free_port()
    async with our_gateway(port) as url:
        rows = await check(Site(url, SECRET, MODEL, upstream=(HERE, port)))
    assert of(rows, Verdict.FAILED) == {}
    assert set(of(rows, Verdict.NOT_OBSERVED)) == {"P10.spend"}
    assert set(of(rows, Verdict.NOT_APPLICABLE)) == {"P2.profiles", "P7.silence", "P11.clouds", "P13.lacking"}
    assert set(of(rows, Verdict.PASSED)) > WITNESSED


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_fails_its_row_alone(fault: str) -> None:
    port = free_port()
    async with little_gateway(port, fault) as url:
        rows = await check(Site(url, KEY, MODEL, upstream=(HERE, port)))
    assert set(of(rows, Verdict.FAILED)) == FAULTS[fault], of(rows, Verdict.FAILED)
    assert all(row.evidence for row in rows)
    assert KEY not in repr(rows)


async def test_a_gateway_without_fault_fails_nothing_and_its_first_model_is_asked_for() -> None:
    port = free_port()
    async with little_gateway(port) as url:
        rows = await check(Site(url, KEY, upstream=(HERE, port)))
    assert of(rows, Verdict.FAILED) == {}


async def test_rows_of_the_upstream_are_not_observed_without_one_or_when_nothing_arrives() -> None:
    port, other = free_port(), free_port()
    async with little_gateway(port) as url:
        alone = await check(Site(url, KEY, MODEL))
        elsewhere = await check(Site(url, KEY, MODEL, upstream=(HERE, other)))
    assert set(of(alone, Verdict.NOT_OBSERVED)) > WITNESSED
    assert set(of(elsewhere, Verdict.NOT_OBSERVED)) > WITNESSED
    assert "--upstream" in of(alone, Verdict.NOT_OBSERVED)["P5.system"]
    assert "no message reached" in of(elsewhere, Verdict.NOT_OBSERVED)["P5.system"]


async def test_a_wrong_key_a_silent_address_and_a_taken_port_are_no_rows() -> None:
    port = free_port()
    async with little_gateway(port) as url:
        with pytest.raises(UserError, match="--key") as refused:
            await check(Site(url, "sk-other", MODEL))
        assert "sk-other" not in str(refused.value)
        with pytest.raises(UserError, match="--key"):  # before a model is found wanting that was never listed
            await check(Site(url, "sk-other"))
        with pytest.raises(UserError, match="--upstream"):
            await check(Site(url, KEY, MODEL, upstream=(HERE, int(url.rpartition(":")[2]))))
    with pytest.raises(Unreachable, match="does not answer"):
        await check(Site(f"http://{HERE}:{port}", KEY, MODEL))


@pytest.mark.parametrize(("fault", "code"), [("", 0), ("system", 1)])
async def test_the_command_prints_rows_and_says_by_its_code_whether_one_failed(
    fault: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    key = tmp_path / "key"
    key.write_text(KEY + "\n")
    async with little_gateway(port, fault) as url:
        given = ["conform", url, "--key", str(key), "--upstream", f"{HERE}:{port}"]
        for extra in ([], ["--json"]):
            with pytest.raises(SystemExit) as ended:
                await asyncio.to_thread(main, [*given, *extra])
            assert ended.value.code == code
            out = capsys.readouterr().out
    failed = [row["row"] for row in json.loads(out) if row["verdict"] == "failed"]
    assert failed == (["P5.system"] if fault else [])


@pytest.mark.parametrize(
    "arguments",
    [
        ["127.0.0.1:1"],
        ["http://127.0.0.1:1", "--key", "sk-secret-on-the-line"],
        ["http://127.0.0.1:1", "--upstream", "9100"],
        ["http://name:sk-secret@127.0.0.1:1"],
        ["http://127.0.0.1:1", "--header", "no-value"],
        ["http://127.0.0.1:1", "--header", "x-api-key=sk-secret"],
    ],
)
def test_wrong_usage_ends_with_2_and_shows_no_secret(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["conform", *arguments])
    assert ended.value.code == 2
    assert "sk-secret" not in capsys.readouterr().err


def test_a_gateway_that_does_not_answer_ends_with_4() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["conform", f"http://{HERE}:{free_port()}"])
    assert ended.value.code == 4


async def test_an_upstream_that_is_down_fails_no_row() -> None:
    async with little_gateway(free_port()) as url:
        rows = await check(Site(url, KEY, MODEL))
    assert of(rows, Verdict.FAILED) == {}
    assert {"P1.messages", "P7.events", "P8.envelope", "P12.filters"} <= set(of(rows, Verdict.NOT_OBSERVED))


@pytest.mark.parametrize(("state", "row"), [("spent", "P10.spend"), ("count lacking", "P13.lacking")])
async def test_what_a_gateway_may_refuse_passes_when_it_says_so_by_the_contract(state: str, row: str) -> None:
    async with little_gateway(port := free_port(), state) as url:
        rows = await check(Site(url, KEY, MODEL, upstream=(HERE, port)))
    assert of(rows, Verdict.FAILED) == {}
    assert row in of(rows, Verdict.PASSED)


async def test_headers_of_the_users_own_go_with_every_request() -> None:
    """Some gateways are told by headers where to send a request."""
    came: list[str] = []

    async def note(request: web.Request) -> web.Response:
        came.append(request.headers.get("x-team", "missing"))
        return web.Response(status=404)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", note)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, HERE, port := free_port()).start()
    try:
        await check(Site(f"http://{HERE}:{port}", KEY, MODEL, headers={"x-team": "core"}))
    finally:
        await runner.cleanup()
    assert set(came) == {"core"}
