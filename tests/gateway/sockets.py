"""Real sockets around a gateway: an upstream that speaks in bytes, the served gateway, clients that do as they like."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

import uvloop

from gateway.support import SECRET, MemorySink, PlainFacts, PlainUpstream, Ring, ask, event, record, stream, table
from trivium.core import SystemClock
from trivium.gateway import AiohttpTransport, Gateway, GatewayServer, GatewaySettings, OpenAdmission, SurfaceSettings

HERE = "127.0.0.1"
SSE_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


def delta(text: str = "Hello ") -> bytes:
    return event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})


OPENING, CLOSING = b"".join(stream()[:2]), b"".join(stream(output_tokens=40)[-3:])


@dataclass
class StreamingUpstream:
    """Streams deltas without end, `pause_s` apart, or `deltas` of them and the closing; notes when it is left alone."""

    pause_s: float = 0.01
    deltas: int | None = None
    piece: bytes = field(default_factory=delta)
    head_after_s: float = 0.0
    asked: int = 0
    sent_bytes: int = 0
    left_at: list[float] = field(default_factory=list)
    finished: int = 0
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
            )
            await reader.readexactly(length)
            self.asked += 1
            answering = asyncio.ensure_future(self._answer(writer))
            gone = asyncio.ensure_future(reader.read(1))
            await asyncio.wait((answering, gone), return_when=asyncio.FIRST_COMPLETED)
            if not answering.done() or answering.exception() is not None:
                self.left_at.append(asyncio.get_running_loop().time())
                self.left.set()
            for task in (answering, gone):
                task.cancel()
            await asyncio.gather(answering, gone, return_exceptions=True)
        writer.transport.abort()

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(self.head_after_s)
        writer.write(SSE_HEAD + OPENING)
        number = 0
        while self.deltas is None or number < self.deltas:
            writer.write(self.piece)
            self.sent_bytes += len(self.piece)
            await writer.drain()
            number += 1
            if self.pause_s or number % 16 == 0:
                await asyncio.sleep(self.pause_s)
        writer.write(CLOSING)
        await writer.drain()
        self.finished += 1
        writer.close()


@dataclass
class Site:
    """A served gateway before one upstream of the test's."""

    gateway: Gateway
    server: GatewayServer
    sink: MemorySink
    port: int

    async def connect(self, **options: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(HERE, self.port, **options)

    async def ask(self, body: bytes | None = None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Send a request that wants a stream, on a connection of its own."""
        reader, writer = await self.connect()
        writer.write(request(ask(stream=True) if body is None else body))
        await writer.drain()
        return reader, writer


def request(body: bytes, **headers: str) -> bytes:
    """The bytes of a Messages request."""
    lines = [
        "POST /v1/messages HTTP/1.1",
        f"host: {HERE}",
        f"x-api-key: {SECRET}",
        "anthropic-version: 2023-06-01",
        "content-type: application/json",
        f"content-length: {len(body)}",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def on_uvloop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test on the loop that `trivium serve` runs on: its transports are not asyncio's."""

    @functools.wraps(test)
    def run(**arguments: Any) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(test(**arguments))

    return run


Upstreamer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def addressed(upstream: Upstreamer | str) -> AsyncIterator[str]:
    """The address of an upstream, which is served here unless it is one already."""
    if isinstance(upstream, str):
        yield upstream
        return
    async with await asyncio.start_server(upstream, HERE, 0) as listening:
        yield f"http://{HERE}:{listening.sockets[0].getsockname()[1]}"


@contextlib.asynccontextmanager
async def site(
    upstream: Upstreamer | str,
    *,
    surface: Mapping[str, Any] | None = None,
    admission: Any = None,
    adapters: Mapping[str, Any] | None = None,
    credentials: Mapping[str, Any] | None = None,
    listener: socket.socket | None = None,
    **settings: Any,
) -> AsyncIterator[Site]:
    async with addressed(upstream) as address:
        chosen, sink = table("anthropic"), MemorySink()
        gateway = Gateway(
            GatewaySettings(
                surfaces={"anthropic": SurfaceSettings("anthropic", address, **(surface or {}))},
                **settings,
            ),
            sink=sink,
            keys=Ring(record()),
            routes=lambda: chosen,
            facts=PlainFacts(),
            admission=admission or OpenAdmission(),
            clock=SystemClock(),
            transport=AiohttpTransport(trust_env=False),
            credentials=credentials or {},
            upstreams=adapters or {"anthropic": PlainUpstream()},
        )
        server = GatewayServer(gateway, host=HERE, port=0)
        serving = asyncio.ensure_future(server._serve(None if listener is None else [listener]))
        while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(0.005)
        try:
            yield Site(gateway, server, sink, int(server.address.rpartition(":")[2]))
        finally:
            server.hurry()
            server.should_exit = True
            await serving


async def ended(sink: MemorySink, count: int = 1, within_s: float = 5.0) -> None:
    """Until so many attempts are closed."""
    async with asyncio.timeout(within_s):
        while len(sink.closed_events) < count:  # noqa: ASYNC110  the sink is a plain memory
            await asyncio.sleep(0.002)
