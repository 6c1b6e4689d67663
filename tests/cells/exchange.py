"""One request through a gateway of its own, against surfaces that answer as they did when they were recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cells.clients import FRAMES, Answered
from cells.table import FOLDER, Ingress
from gateway.support import SECRET, Answer, Caller, MemoryInbound, MemorySink, Ring, record
from gateway_dialect.converse_grammar import frames_of
from gateway_upstream.support import HandFacts, frame
from trivium.core import ANY, ManualClock, Offer, Route, RouteTable, Target
from trivium.gateway import Gateway, GatewaySettings, OpenAdmission, Outbound, SurfaceSettings, Timeouts
from trivium.gateway.wire.headers import USER_AGENT

ANSWERS = FOLDER / "answers"
WELL, REFUSED, BROKEN = "well", "refused", "broken"  # how a surface answers
OWN_IDS = {"request-id", "x-trivium-request-id"}  # not of the exchange: the gateway's own id, new each time
_REFUSALS: Mapping[str, Any] = json.loads((ANSWERS / "refused.json").read_text())


class Facts(HandFacts):
    def model_id(self, name: str) -> str:
        return name.rpartition(".")[2]


class Recorded:
    """The recorded answer of the operation that is called, the surface's own refusal, or a stream that ends early."""

    def __init__(self, how: Mapping[str, str]) -> None:
        self._how = how  # by surface; well, where nothing is said
        self.sent: list[Outbound] = []
        self.said = b""  # the last answer

    async def send(self, outbound: Outbound, timeouts: Timeouts) -> MemoryInbound:
        self.sent.append(outbound)
        how = self._how.get(outbound.surface, WELL)
        if how == REFUSED:
            refusal = _REFUSALS.get(outbound.surface, _REFUSALS["*"])
            self.said = json.dumps(refusal["body"]).encode()
            return MemoryInbound(Answer(refusal["status"], [self.said], refusal["headers"]))
        kind, self.said = _answer(outbound.url.rpartition("/")[2], stream=outbound.stream)
        if how == BROKEN:
            self.said = self.said[: len(self.said) * 3 // 5]
        pieces = [self.said[start : start + 701] for start in range(0, len(self.said), 701)]  # not where an event ends
        return MemoryInbound(Answer(200, pieces, {"content-type": kind}))

    async def close(self) -> None:
        pass


def _answer(operation: str, *, stream: bool) -> tuple[str, bytes]:
    """The content type and the bytes."""
    if operation in {"converse-stream", "invoke-with-response-stream"}:
        return FRAMES, _frames(ANSWERS / f"{operation.partition('-')[0]}.frames")
    if stream:
        return "text/event-stream; charset=utf-8", (ANSWERS / "messages.sse").read_bytes()
    name = "converse.json" if operation == "converse" else "messages.json"
    return "application/json", (ANSWERS / name).read_bytes()


def _frames(path: Path) -> bytes:
    """The bytes of frames that are kept one a line, headers and payload apart by a tab."""
    lines = [line.split("\t", 1) for line in path.read_text(encoding="utf-8").splitlines()]
    return b"".join(frame(json.loads(headers), payload.encode()) for headers, payload in lines)


@dataclass
class Exchange:
    """What went in and out."""

    asked: bytes
    transport: Recorded
    answered: Answered
    sink: MemorySink


async def ask(
    request: Mapping[str, Any],
    ingress: Ingress,
    surfaces: Sequence[SurfaceSettings],
    *,
    stream: bool,
    how: Mapping[str, str] | None = None,
) -> Exchange:
    """Ask a gateway whose route leads to the surfaces in order."""
    transport, sink = Recorded(how or {}), MemorySink()
    targets = tuple(
        Target(Offer(surface.surface, surface.scope, ANY), 0 if number else 1)
        for number, surface in enumerate(surfaces)
    )
    table = RouteTable((Route(ANY, ANY, targets),), "1")
    gateway = Gateway(
        GatewaySettings(surfaces={surface.surface: surface for surface in surfaces}),
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
    """One exchange as text: the request to the surface, if any, and the answer to the client."""
    parts, answered = [], exchange.answered
    for outbound in exchange.transport.sent:
        parts += [f"{outbound.method} {outbound.url}", *_headers(outbound.headers), "", outbound.body.decode(), ""]
    parts += [f"-- {answered.status}", *_headers(answered.headers), "", shown(answered)]
    return "\n".join(parts).replace(answered.headers["request-id"], "req_NEW")


def _headers(headers: Mapping[str, str]) -> list[str]:
    kept = {name: value for name, value in headers.items() if name not in OWN_IDS}
    return [f"{name}: {value.replace(USER_AGENT, 'trivium/VERSION')}" for name, value in sorted(kept.items())]


def shown(answered: Answered) -> str:
    """A body as text: frames one a line, and then exactly those bytes; everything else as it is."""
    if answered.headers["content-type"] != FRAMES:
        return answered.body.decode()
    read = frames_of(answered.body)
    assert b"".join(frame(headers, payload) for headers, payload in read) == answered.body
    return "".join(f"{json.dumps(headers, separators=(',', ':'))}\t{payload.decode()}\n" for headers, payload in read)
