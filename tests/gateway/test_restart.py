"""A server leaves while clients keep asking: each request is served by it or by its successor, and none fails."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass, field

from gateway.sockets import HERE, Site, StreamingUpstream, on_uvloop, request, site
from gateway.support import ask
from trivium.core import Outcome


@dataclass
class Load:
    """Clients that ask again and again, each on a connection that it keeps until it is told to close it."""

    port: int
    clients: int = 12
    pause_s: float = 0.0
    served: int = 0
    connections: int = 0
    failed: list[str] = field(default_factory=list)
    enough: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        await asyncio.gather(*(self._client() for _ in range(self.clients)))

    async def _client(self) -> None:
        reader, writer, kept = None, None, False
        while not self.enough.is_set():
            if reader is None or writer is None or not kept:
                reader, writer = await asyncio.open_connection(HERE, self.port)
                self.connections += 1
            try:
                kept = await self._ask(reader, writer)
            except (OSError, EOFError, AssertionError) as error:
                self.failed.append(f"{type(error).__name__}: {error}")
                kept = False
            if not kept:
                writer.close()
            await asyncio.sleep(self.pause_s)
        if writer is not None:
            writer.close()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; whether the connection may be used again."""
        writer.write(request(ask(stream=True)))
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readuntil(b"0\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head[:60]
        assert b"message_stop" in body
        self.served += 1
        return b"connection: close" not in head


async def left(at: Site) -> float:
    """End a server as `trivium serve` does; how long it took."""
    begun = asyncio.get_running_loop().time()
    at.server.should_exit = True
    async with asyncio.timeout(20):
        while at.server.started and at.server.server_state.connections:  # noqa: ASYNC110  uvicorn has no event
            await asyncio.sleep(0.01)
    return asyncio.get_running_loop().time() - begun


@on_uvloop
async def test_three_handovers_under_load_fail_no_request() -> None:
    """Each successor listens on the same socket before its predecessor leaves, as after SIGUSR2."""
    upstream = StreamingUpstream(pause_s=0.002, deltas=5)
    listener = socket.create_server((HERE, 0), backlog=512)
    load = Load(listener.getsockname()[1])
    async with contextlib.AsyncExitStack() as last:
        present = await last.enter_async_context(site(upstream, listener=listener.dup()))
        running = asyncio.ensure_future(load.run())
        sites = [present]
        for _ in range(3):
            await asyncio.sleep(0.4)
            served_before = load.served
            successor = await last.enter_async_context(site(upstream, listener=listener.dup()))
            sites.append(successor)
            assert await left(present) < 2.0
            present = successor
            assert load.served > served_before
        await asyncio.sleep(0.3)
        load.enough.set()
        await running
        assert load.failed == []
        recorded = [closed.outcome for at in sites for closed in at.sink.closed_events]
        assert recorded == [Outcome.OK] * load.served
        assert min(len(at.sink.closed_events) for at in sites) > 0
        assert load.connections >= 4 * load.clients  # each was told three times to ask elsewhere
    listener.close()


@on_uvloop
async def test_a_client_between_two_requests_is_served_once_more() -> None:
    """Its kept connection is not closed under it: the next answer says to close, and then it is."""
    async with site(StreamingUpstream(pause_s=0.0, deltas=3)) as at:
        reader, writer = await at.connect()
        load = Load(at.port)
        assert await load._ask(reader, writer)
        at.server.should_exit = True
        await asyncio.sleep(0.5)
        assert not await load._ask(reader, writer)
        assert await reader.read() == b""
        writer.close()


@on_uvloop
async def test_a_second_signal_waits_for_nobody() -> None:
    async with site(StreamingUpstream()) as at:
        _, writer = await at.ask()
        idle_reader, idle_writer = await at.connect()
        await asyncio.sleep(0.05)
        at.server.should_exit = True
        await asyncio.sleep(0.2)
        begun = asyncio.get_running_loop().time()
        at.server.hurry()
        assert await idle_reader.read() == b""
        assert asyncio.get_running_loop().time() - begun < 2.0
        for closing in (writer, idle_writer):
            closing.close()
    assert at.sink.outcomes() == [Outcome.CUT]
