"""One request through one surface: read it, ask the surface and the engine, write the answer, faults included."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web

from trivium.lab._batches import Batches
from trivium.lab._files import Files
from trivium.lab._seen import Seen
from trivium.lab.clock import LabClock
from trivium.lab.engine import Answer, Engine
from trivium.lab.faults import Fault, Faults
from trivium.lab.latency import Pace, pace
from trivium.lab.surfaces._base import TOKENIZER, Call, Exchange, Operation, Refused, Reply, Surface, invalid

_PING = {"type": "ping"}
_WRITE_BYTES = 16 * 1024
_GARBAGE_BYTES = 64
_EVENT_STATUS = 200


@dataclass(frozen=True, slots=True)
class Shared:
    """What all surfaces of a lab share."""

    engine: Engine
    clock: LabClock
    faults: Faults
    seen: Seen
    seed: int
    latency_scale: float


class _CutError(Exception):
    """A fault closed the connection, or the client left."""


class Pump:
    """The handler of one surface's port."""

    def __init__(self, surface: Surface, shared: Shared) -> None:
        self.surface = surface
        self._shared = shared
        self._number = 0
        self._files = Files(surface)
        self._batches = Batches(surface, shared.engine, self._files)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one HTTP request."""
        exchange, oversized = await self._receive(request)
        struck = self._shared.faults.strike(self.surface.name, exchange.path)
        call: Call | None = None
        try:
            await _stand_in(struck)
            if oversized:
                raise self.surface.too_large()
            operation = self.surface.route(exchange)
            if operation is None:
                raise self.surface.unknown_path(exchange)
            account = self.surface.authenticate(exchange)
            if operation is Operation.OTHER:
                return await self._reply(request, exchange, self.surface.other(exchange), struck)
            if operation in {Operation.BATCHES, Operation.FILES}:
                store = self._batches if operation is Operation.BATCHES else self._files
                return await self._reply(request, exchange, store.answer(exchange, account), struck)
            body = _decoded(exchange.body)
            self._files.check(body, account, exchange.at)
            call = self.surface.read(exchange, operation, body, account)
            if operation is Operation.COUNT_TOKENS:
                counted = self._shared.engine.count(call, system_messages=self.surface.system_messages)
                return await self._reply(request, exchange, self.surface.count_answer(call, counted), struck, call)
            answer = self._shared.engine.begin(call, exchange.request_id, system_messages=self.surface.system_messages)
        except Refused as refused:
            reply = self.surface.refuse(refused, exchange)
            return await self._reply(request, exchange, reply, struck, call, refused.message)
        if call.stream:
            return await self._stream(request, exchange, answer, struck)
        return await self._message(request, exchange, answer, struck)

    async def _receive(self, request: web.BaseRequest) -> tuple[Exchange, bool]:
        path, _, query = request.raw_path.partition("?")
        limit = self.surface.body_limit(path)
        oversized = (request.content_length or 0) > limit
        parts: list[bytes] = []
        size = 0
        while not oversized:
            part = await request.content.readany()
            if not part:
                break
            size += len(part)
            oversized = size > limit
            parts.append(part)
        self._number += 1
        digest = hashlib.blake2b(f"{self._shared.seed}:{self.surface.name}:{self._number}".encode(), digest_size=12)
        exchange = Exchange(
            method=request.method,
            path=path,
            query=query,
            headers=request.headers,
            body=b"" if oversized else b"".join(parts),
            at=self._shared.clock.now(),
            request_id=f"req_lab{digest.hexdigest()[:21]}",
            scheme=request.scheme,
        )
        return exchange, oversized

    async def _message(
        self, request: web.BaseRequest, exchange: Exchange, answer: Answer, struck: Sequence[Fault]
    ) -> web.StreamResponse:
        drawn = self._pace(answer)
        self._shared.engine.started(answer)
        await _pause(drawn.first_s + drawn.per_token_s * answer.output_tokens)
        taken_ms = round(1000 * (drawn.first_s + drawn.per_token_s * answer.output_tokens))
        metrics = answer.metrics(round(1000 * drawn.first_s), taken_ms)
        self.surface.observe(answer.call.account, exchange.at, metrics)
        reply = self.surface.answer(answer.call, answer.message(), metrics)
        limits = self.surface.limit_headers(answer.call.account, exchange.at)
        reply = Reply(reply.status, {**reply.headers, **limits}, reply.body)
        outcome = "cut" if any(fault.kind == "cut" for fault in struck) else "ok"
        self._shared.engine.finished(answer, outcome, answer.output_tokens)  # it was generated, so it is billed
        return await self._reply(request, exchange, reply, struck, answer.call)

    async def _stream(
        self, request: web.BaseRequest, exchange: Exchange, answer: Answer, struck: Sequence[Fault]
    ) -> web.StreamResponse:
        headers = {
            "content-type": self.surface.stream_content_type,
            **self.surface.stream_start(answer.call),
            **self.surface.limit_headers(answer.call.account, exchange.at),
            **self._common(exchange),
        }
        response = web.StreamResponse(status=_EVENT_STATUS, headers=headers)
        response.enable_chunked_encoding()
        wire = _Wire(request, response, struck, self._shared.seed)
        self._shared.seen.add(self.surface.name, exchange, _EVENT_STATUS, answer.call, "")
        opening = next((fault for fault in struck if fault.kind == "error_event"), None)
        if opening is not None:
            await response.prepare(request)
            await response.write(self.surface.stream_error(opening.refused(), exchange.request_id))
            return response
        drawn = self._pace(answer)
        await _pause(drawn.first_s)
        self._shared.engine.started(answer)
        sent = _Sent()
        outcome = "cancelled"
        try:
            await response.prepare(request)
            await self._events(wire, answer, drawn, struck, sent)
            outcome = "cut" if sent.cut else "ok"
        except _CutError:
            outcome = "cut"
        except ConnectionError:  # the client left: nothing more can be said to it
            outcome = "cancelled"
        finally:
            self.surface.observe(answer.call.account, exchange.at, answer.metrics())
            output = answer.output_tokens if outcome == "ok" else sent.output_tokens
            self._shared.engine.finished(answer, outcome, output)
        return response

    async def _events(self, wire: _Wire, answer: Answer, drawn: Pace, struck: Sequence[Fault], sent: _Sent) -> None:
        """Write the events at their pace; without a pace in few large writes."""
        torn = next((fault.after_events for fault in struck if fault.kind == "truncated_event"), None)
        failing = next((fault for fault in struck if fault.kind == "late_error"), None)
        total_ms = round(1000 * (drawn.first_s + drawn.per_token_s * answer.output_tokens))
        metrics = answer.metrics(round(1000 * drawn.first_s), total_ms)
        pinged = not self.surface.pings
        waiting = bytearray()
        tokens = 0
        for number, (event, done) in enumerate(answer.events()):
            data = self.surface.frame_of(answer.call, event, metrics)
            if torn == number or (failing is not None and failing.after_events == number):
                last = data[: len(data) // 2]
                if failing is not None and torn != number:
                    last = self.surface.stream_error(failing.refused(), answer.request_id)
                sent.cut, sent.output_tokens = True, tokens
                await wire.write(bytes(waiting) + last)
                return
            if not pinged and event["type"] == "content_block_start":
                data += self.surface.frame(_PING, metrics)
                pinged = True
            waiting += data
            if drawn.per_token_s:
                await _pause(drawn.per_token_s * (done - tokens))
            if drawn.per_token_s or len(waiting) >= _WRITE_BYTES or wire.careful:
                sent.output_tokens = tokens
                await wire.write(bytes(waiting))
                waiting.clear()
                sent.output_tokens = done
            tokens = done
        await wire.write(bytes(waiting))
        sent.output_tokens = tokens
        await wire.finish()

    async def _reply(
        self,
        request: web.BaseRequest,
        exchange: Exchange,
        reply: Reply,
        struck: Sequence[Fault],
        call: Call | None = None,
        error: str = "",
    ) -> web.StreamResponse:
        self._shared.seen.add(self.surface.name, exchange, reply.status, call, error)
        headers = {**reply.headers, **self._common(exchange)}
        if not any(fault.kind in {"cut", "silence", "garbage"} for fault in struck):
            return web.Response(status=reply.status, headers=headers, body=reply.body)
        response = web.StreamResponse(status=reply.status, headers=headers)
        wire = _Wire(request, response, struck, self._shared.seed)
        response.content_length = len(reply.body) + wire.extra_bytes
        await response.prepare(request)
        with suppress(_CutError, ConnectionError):  # the connection is gone, on purpose or not: nothing is left to say
            await wire.write(reply.body)
            await wire.finish()
        return response

    def _common(self, exchange: Exchange) -> dict[str, str]:
        return {"x-lab-tokenizer": TOKENIZER, **self.surface.id_headers(exchange.request_id)}

    def _pace(self, answer: Answer) -> Pace:
        fresh = answer.lookup.input + answer.lookup.write_5m + answer.lookup.write_1h
        return pace(answer.call.model, fresh, answer.request_id, self._shared.latency_scale)


@dataclass(slots=True)
class _Sent:
    """How far a stream got."""

    output_tokens: int = 0
    cut: bool = False


class _Wire:
    """Writes a body under the faults that struck its request."""

    def __init__(
        self, request: web.BaseRequest, response: web.StreamResponse, struck: Sequence[Fault], seed: int
    ) -> None:
        self._request = request
        self._response = response
        self._pending = sorted(
            (fault for fault in struck if fault.kind in {"cut", "silence", "garbage"}),
            key=lambda fault: fault.after_bytes,
        )
        self._seed = seed
        self._written = 0
        self.careful = bool(self._pending)  # write event by event, so that what was generated is known
        self.extra_bytes = sum(_GARBAGE_BYTES for fault in self._pending if fault.kind == "garbage")

    async def write(self, data: bytes) -> None:
        """Write some of the body; raises _CutError when a fault closes the connection."""
        while self._pending and self._pending[0].after_bytes < self._written + len(data):
            fault = self._pending.pop(0)
            head = data[: max(fault.after_bytes - self._written, 0)]
            data = data[len(head) :]
            if head:
                await self._response.write(head)
                self._written += len(head)
            await self._happen(fault)
        if data:
            await self._response.write(data)
            self._written += len(data)
        transport = self._request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client left")

    async def finish(self) -> None:
        """The body is complete: faults set beyond its end happen now."""
        while self._pending:
            await self._happen(self._pending.pop(0))

    async def _happen(self, fault: Fault) -> None:
        if fault.kind == "silence":
            await asyncio.sleep(fault.seconds)
        elif fault.kind == "garbage":
            await self._response.write(hashlib.blake2b(f"garbage:{self._seed}".encode(), digest_size=64).digest())
        else:
            transport = self._request.transport
            if transport is not None:
                transport.close()  # flushes what was written, then closes: the body stays incomplete
            raise _CutError


async def _stand_in(struck: Sequence[Fault]) -> None:
    """Faults that happen before the surface does anything."""
    for fault in struck:
        if fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
        elif fault.kind == "status":
            raise fault.refused()


async def _pause(seconds: float) -> None:
    if seconds > 0:
        await asyncio.sleep(seconds)


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise invalid(f"The request body is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise invalid("Input should be a valid dictionary or object to extract fields from")
    return value


def reset_when_closed(transport: asyncio.BaseTransport | None) -> None:
    """Have a connection end as in a crash: when it is closed, the peer sees a reset."""
    raw = transport.get_extra_info("socket") if transport is not None else None
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
