"""Who is refused before their body was read learns why, though they send all of it first, as every client does."""

from __future__ import annotations

import asyncio
import json

import pytest

from gateway.sockets import HERE, StreamingUpstream, on_uvloop, site
from gateway.support import OTHER_SECRET, SECRET

MEGABYTES = b" " * 4_000_000


def head(secret: str, path: str = "/v1/messages", **headers: str) -> bytes:
    lines = [
        *(f"POST {path} HTTP/1.1", f"host: {HERE}", f"x-api-key: {secret}", f"content-length: {len(MEGABYTES)}"),
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


@on_uvloop
@pytest.mark.parametrize(
    ("secret", "path", "more", "status"),
    [
        (SECRET, "/v1/messages", {}, 413),
        (SECRET, "/v1/messages", {"content_encoding": "gzip"}, 415),
        (OTHER_SECRET, "/v1/messages", {}, 401),
        (SECRET, "/v1/nothing", {}, 404),
    ],
)
async def test_the_answer_is_read_after_all_was_sent(secret: str, path: str, more: dict[str, str], status: int) -> None:
    """The client closes, as many do; a reset would have taken the answer with it."""
    async with site(StreamingUpstream(), body_bytes_max=1000) as at:
        reader, writer = await at.connect()
        writer.write(head(secret, path, connection="close", **more))
        for start in range(0, len(MEGABYTES), 100_000):
            writer.write(MEGABYTES[start : start + 100_000])
            await writer.drain()
        async with asyncio.timeout(5):
            answer = await reader.read(-1)
        writer.close()
        assert answer.startswith(b"HTTP/1.1 %d " % status)
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["type"] == "error"
        assert at.sink.opened_events == []


@on_uvloop
async def test_who_waits_to_be_told_to_go_on_is_told_not_to_and_the_connection_ends() -> None:
    """Without an end, what the client sends next would be taken for the body it never sent."""
    async with site(StreamingUpstream(), body_bytes_max=1000) as at:
        reader, writer = await at.connect()
        writer.write(head(SECRET, expect="100-continue"))
        async with asyncio.timeout(5):
            answer = await reader.read(-1)
        writer.close()
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"connection: close\r\n" in answer


@on_uvloop
async def test_a_body_that_never_comes_delays_its_refusal_no_longer_than_a_body_may_take() -> None:
    async with site(StreamingUpstream(), body_read_s=0.3, body_idle_s=0.2) as at:
        reader, writer = await at.connect()
        writer.write(head(OTHER_SECRET))
        async with asyncio.timeout(2):
            answer = await reader.readuntil(b"\r\n\r\n")
        writer.close()
        assert answer.startswith(b"HTTP/1.1 401 ")
