"""One request file, a golden file for each (ingress, surface): what is sent, what comes back, what a client reads.

`UPDATE_GOLDEN=1 pytest tests/cells` writes the files anew; the difference is then for a reviewer to read.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cells.clients import Answered, Meaning, Refusal
from cells.table import FOLDER, INGRESSES, NEVER, REQUESTS, SAME, SURFACES, Ingress
from gateway.grammar import check as check_messages
from gateway.support import SECRET, Caller, MemoryInbound, MemorySink, Ring, record
from gateway.support import Answer as Given
from gateway_dialect.converse_grammar import check as check_converse
from gateway_dialect.converse_grammar import frames_of
from gateway_upstream.support import HandFacts, frame
from trivium.core import ANY, ManualClock, Offer, Outcome, Quality, Route, RouteTable, Target, Usage
from trivium.gateway import Gateway, GatewaySettings, OpenAdmission, Outbound, SurfaceSettings, Timeouts
from trivium.gateway.wire.headers import USER_AGENT

MEANT = Meaning(
    content=(
        ("thinking", "It may clear up.", "c2lnLTI="),
        ("text", "Sun in Zürich ☀"),
        ("tool_use", "toolu_2", "weather", {"city": "Genève"}),
    ),
    stop="tool_use",
    counts=(12, 6, 5, 4 + 3),
)
BILLED = Usage(input=12, output=6, cache_read=5, cache_write_5m=4, cache_write_1h=3)
CELLS = [(name, ingress, surface) for name in REQUESTS for ingress in INGRESSES for surface in SURFACES]
IDS = [f"{name}-{ingress.name}-{surface.surface}" for name, ingress, surface in CELLS]
FRAMES = "application/vnd.amazon.eventstream"
# Not of the exchange: the gateway's own id, which is new each time.
OWN_IDS = {"request-id", "x-trivium-request-id"}


class Facts(HandFacts):
    def model_id(self, name: str) -> str:
        return name.rpartition(".")[2]


class Recorded:
    """Answers as the surface did when it was recorded: by the operation that is called."""

    def __init__(self) -> None:
        self.sent: list[Outbound] = []
        self.said = b""  # the last answer

    async def send(self, outbound: Outbound, timeouts: Timeouts) -> MemoryInbound:
        self.sent.append(outbound)
        operation = outbound.url.rpartition("/")[2]
        kind, self.said = _answer(operation, stream=outbound.stream)
        return MemoryInbound(Given(200, _pieces(self.said), {"content-type": kind}))

    async def close(self) -> None:
        pass


def _answer(operation: str, *, stream: bool) -> tuple[str, bytes]:
    """The content type and the bytes."""
    answers = FOLDER / "answers"
    if operation in {"converse-stream", "invoke-with-response-stream"}:
        return FRAMES, written(answers / f"{operation.partition('-')[0]}.frames")
    if stream:
        return "text/event-stream; charset=utf-8", (answers / "messages.sse").read_bytes()
    name = "converse.json" if operation == "converse" else "messages.json"
    return "application/json", (answers / name).read_bytes()


def _pieces(data: bytes) -> list[bytes]:
    """As a network would cut it: not where an event ends."""
    return [data[start : start + 701] for start in range(0, len(data), 701)]


def written(path: Path) -> bytes:
    """The bytes of frames that are kept one a line, headers and payload apart by a tab."""
    lines = [line.split("\t", 1) for line in path.read_text(encoding="utf-8").splitlines()]
    return b"".join(frame(json.loads(headers), payload.encode()) for headers, payload in lines)


def shown(answered: Answered) -> str:
    """A body as text: frames one a line, and then exactly those bytes; everything else as it is."""
    if answered.headers["content-type"] != FRAMES:
        return answered.body.decode()
    read = frames_of(answered.body)
    assert b"".join(frame(headers, payload) for headers, payload in read) == answered.body
    return "".join(f"{json.dumps(headers, separators=(',', ':'))}\t{payload.decode()}\n" for headers, payload in read)


@dataclass
class Exchange:
    """One request through a gateway of its own."""

    asked: bytes
    transport: Recorded
    answered: Answered
    sink: MemorySink


async def ask(request: Mapping[str, Any], ingress: Ingress, surface: SurfaceSettings, *, stream: bool) -> Exchange:
    transport, sink = Recorded(), MemorySink()
    table = RouteTable((Route(ANY, ANY, (Target(Offer(surface.surface, surface.scope, ANY), 1),)),), "1")
    gateway = Gateway(
        GatewaySettings(surfaces={surface.surface: surface}),
        sink=sink,
        keys=Ring(record()),
        routes=lambda: table,
        facts=Facts(),
        admission=OpenAdmission(),
        clock=ManualClock(datetime(2026, 11, 22, tzinfo=UTC)),
        transport=transport,
        credentials={},
    )
    said = ingress.say(request, stream)
    headers = {"authorization": f"Bearer {SECRET}", "content-type": "application/json", **said.headers}
    body = json.dumps(said.body, ensure_ascii=False).encode()
    response = await Caller(gateway).send("POST", said.path, headers=headers, body=body)
    return Exchange(body, transport, Answered(response.status, response.headers, response.body, stream), sink)


def page(exchange: Exchange) -> str:
    """One exchange: the request to the surface, if any, and the answer to the client."""
    parts, answered = [], exchange.answered
    for outbound in exchange.transport.sent:
        parts += [f"{outbound.method} {outbound.url}", *_headers(outbound.headers), "", outbound.body.decode(), ""]
    parts += [f"-- {answered.status}", *_headers(answered.headers), "", shown(answered)]
    return "\n".join(parts).replace(answered.headers["request-id"], "req_NEW")


def _headers(headers: Mapping[str, str]) -> list[str]:
    kept = {name: value for name, value in headers.items() if name not in OWN_IDS}
    return [f"{name}: {value.replace(USER_AGENT, 'trivium/VERSION')}" for name, value in sorted(kept.items())]


def compare(path: Path, text: str) -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    assert path.exists(), f"{path}: no golden file; UPDATE_GOLDEN=1 writes it"
    assert text == path.read_bytes().decode()


def check_stream(answered: Answered) -> None:
    """The stream keeps to the grammar of its dialect, by a checker that shares nothing with the gateway."""
    if answered.headers["content-type"] != FRAMES:
        check_messages(answered.body)
        return
    read = frames_of(answered.body)
    if read[0][0][":event-type"] != "chunk":
        check_converse(answered.body)
        return
    inner = [base64.b64decode(json.loads(payload)["bytes"]) for _, payload in read]
    check_messages(b"".join(b"event: %s\ndata: %s\n\n" % (json.loads(one)["type"].encode(), one) for one in inner))


@pytest.mark.parametrize(("name", "ingress", "surface"), CELLS, ids=IDS)
async def test_the_exchange_is_the_golden_one_and_the_client_reads_what_was_meant(
    name: str, ingress: Ingress, surface: SurfaceSettings
) -> None:
    reason = NEVER.get((name, ingress.name, surface.surface))
    pages = []
    for stream in (False, True):
        exchange = await ask(REQUESTS[name], ingress, surface, stream=stream)
        answered, sink = exchange.answered, exchange.sink
        pages.append(f"== {'streamed' if stream else 'whole'}\n{page(exchange)}\n")
        if reason is not None:
            assert exchange.transport.sent == [], reason
            assert sink.opened_events == []
            with pytest.raises(Refusal) as caught:
                ingress.read(answered)
            assert caught.value.status == 400
            continue
        assert answered.status == 200, answered.body
        assert ingress.read(answered) == MEANT
        (closed,) = sink.closed_events
        assert (closed.outcome, closed.quality, closed.usage) == (Outcome.OK, Quality.EXACT, BILLED)
        if stream:
            check_stream(answered)
    compare(FOLDER / name / f"{ingress.name}--{surface.surface}.txt", "".join(pages))


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("name", "surface"), SAME)
async def test_bytes_between_a_client_and_its_own_surface_pass_in_both_directions(
    name: str, surface: str, stream: bool
) -> None:
    """The fifth law: with nothing that claims make change, neither request nor answer is rebuilt."""
    (ingress,) = (one for one in INGRESSES if one.name == name)
    (settings,) = (one for one in SURFACES if one.surface == surface)
    exchange = await ask({**REQUESTS["rich"], "betas": []}, ingress, settings, stream=stream)
    assert [outbound.body for outbound in exchange.transport.sent] == [exchange.asked]
    assert exchange.answered.body == exchange.transport.said


def test_every_golden_file_is_of_a_cell_and_every_reason_of_one_too() -> None:
    cells = {(name, ingress.name, surface.surface) for name, ingress, surface in CELLS}
    files = {(path.parent.name, *path.stem.split("--")) for path in FOLDER.glob("*/*--*.txt")}
    assert files == cells
    assert set(NEVER) <= cells
