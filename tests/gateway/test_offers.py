"""A client that offers another protocol with its request is served in the one that it asked in."""

from __future__ import annotations

import asyncio

import pytest

from gateway.sockets import HERE, StreamingUpstream, on_uvloop, request, site
from gateway.support import ask
from trivium.core import Outcome

H2C = {
    "connection": "Upgrade, HTTP2-Settings",
    "upgrade": "h2c",
    "HTTP2_Settings": "AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAABgAGAAA",
}


async def rest(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    async with asyncio.timeout(5):
        got = await reader.read(-1)
    writer.close()
    return got


@on_uvloop
@pytest.mark.parametrize("cut", [0, 1, 7, 10_000])
async def test_the_body_behind_an_offer_of_http2_is_read(cut: int) -> None:
    """As Java's own client sends its first request; in pieces, too. The answer ends the connection."""
    async with site(StreamingUpstream(deltas=3)) as at:
        sent = request(ask(stream=True), **H2C)
        reader, writer = await at.connect()
        writer.write(sent[: len(sent) - cut] if cut < len(sent) else sent[:40])
        await writer.drain()
        await asyncio.sleep(0.02)
        writer.write(sent[len(sent) - cut :] if cut < len(sent) else sent[40:])
        answer = await rest(reader, writer)
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"connection: close\r\n" in answer
        assert answer.count(b"event: message_stop") == 1
        assert at.sink.outcomes() == [Outcome.OK]


@on_uvloop
async def test_so_is_one_in_chunks() -> None:
    async with site(StreamingUpstream(deltas=3)) as at:
        body = ask(stream=True)
        head = request(b"", transfer_encoding="chunked", **H2C).replace(b"content-length: 0\r\n", b"")
        reader, writer = await at.connect()
        writer.write(head + b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n")
        assert b"event: message_stop" in await rest(reader, writer)


@on_uvloop
async def test_an_offer_without_a_body_is_answered_and_what_follows_it_is_not_taken_for_its_body() -> None:
    async with site(StreamingUpstream()) as at:
        reader, writer = await at.connect()
        lines = ["GET /healthz HTTP/1.1", f"host: {HERE}", "connection: Upgrade", "upgrade: websocket", "", ""]
        writer.write("\r\n".join(lines).encode() * 2)
        answer = await rest(reader, writer)
        assert (answer.count(b"HTTP/1.1 200 OK"), answer.count(b"connection: close")) == (1, 1)
