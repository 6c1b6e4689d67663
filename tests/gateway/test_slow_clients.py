"""Slow clients cost themselves a connection, and nobody else anything: heads, bodies, idleness, readers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from statistics import median

import pytest

from gateway.sockets import HERE, Site, StreamingUpstream, delta, ended, on_uvloop, request, site
from gateway.support import SECRET, ask
from trivium.core import Outcome

HEAD = b"POST /v1/messages HTTP/1.1\r\nhost: here\r\n"


async def rest(reader: asyncio.StreamReader, within_s: float = 5.0) -> bytes:
    """What still comes until the server closes; fails when it does not."""
    got = bytearray()
    async with asyncio.timeout(within_s):
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                got += data
    return bytes(got)


async def dribble(writer: asyncio.StreamWriter, piece: bytes, every_s: float) -> None:
    with contextlib.suppress(ConnectionError):
        while not writer.is_closing():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(every_s)


def error_of(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["error"]["type"]


async def latencies_s(at: Site, count: int) -> list[float]:
    """Of requests that the gateway answers by itself, each on the same kept connection."""
    reader, writer = await at.connect()
    seen = []
    for _ in range(count):
        begun = asyncio.get_running_loop().time()
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: here\r\n\r\n")
        await reader.readuntil(b'{"status":"ok"}')
        seen.append(asyncio.get_running_loop().time() - begun)
        await asyncio.sleep(0.005)
    writer.close()
    return seen


@on_uvloop
async def test_300_slow_heads_are_closed_in_time_and_slow_nobody_else() -> None:
    """Each sends a byte now and then and never a whole head; a healthy client is answered as before meanwhile."""
    async with site(StreamingUpstream(), header_read_s=1.0) as at:
        before = median(await latencies_s(at, 40))
        slow = [await at.connect() for _ in range(300)]
        for _, writer in slow:
            writer.write(HEAD)
        dribbling = [asyncio.ensure_future(dribble(writer, b"x", 0.25)) for _, writer in slow]
        meanwhile = median(await latencies_s(at, 40))
        begun = asyncio.get_running_loop().time()
        answers = await asyncio.gather(*(rest(reader) for reader, _ in slow))
        assert asyncio.get_running_loop().time() - begun < 3.0
        await asyncio.gather(*dribbling)
        for _, writer in slow:
            writer.close()
        assert len(at.server.server_state.connections) == 0
    assert {error_of(answer) for answer in answers if answer} <= {(408, "timeout_error")}
    assert meanwhile <= before * 3 + 0.010, (before, meanwhile)


@on_uvloop
async def test_a_connection_that_never_speaks_is_closed() -> None:
    async with site(StreamingUpstream(), header_read_s=0.2) as at:
        reader, writer = await at.connect()
        assert await rest(reader, 2) == b""
        writer.close()


@on_uvloop
async def test_empty_lines_do_not_keep_a_connection() -> None:
    """Line ends before a request are ignored by parsers, and would reset an idle timer for ever."""
    async with site(StreamingUpstream(), header_read_s=0.3, keep_alive_s=30) as at:
        reader, writer = await at.connect()
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: here\r\n\r\n")
        await reader.readuntil(b'{"status":"ok"}')
        dribbling = asyncio.ensure_future(dribble(writer, b"\r\n", 0.05))
        assert error_of(await rest(reader, 2)) == (408, "timeout_error")
        writer.close()
        await dribbling


@on_uvloop
async def test_an_idle_connection_is_closed() -> None:
    async with site(StreamingUpstream(), keep_alive_s=0.2) as at:
        reader, writer = await at.connect()
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: here\r\n\r\n")
        await reader.readuntil(b'{"status":"ok"}')
        assert await rest(reader, 2) == b""
        writer.close()


@pytest.mark.parametrize(
    "head",
    [HEAD + b"x-long: " + b"a" * 70_000, HEAD + b"x-many: 1\r\n" * 6000, b"GET /" + b"a" * 70_000],
    ids=["one header", "many headers", "the address"],
)
@on_uvloop
async def test_an_endless_head_is_refused_before_it_ends(head: bytes) -> None:
    async with site(StreamingUpstream()) as at:
        reader, writer = await at.connect()
        writer.write(head)
        assert error_of(await rest(reader, 2)) == (431, "invalid_request_error")
        writer.close()


@on_uvloop
@pytest.mark.parametrize(
    "after", [b"no HTTP at all\r\n\r\n" * 3, HEAD + b"x-long: " + b"a" * 70_000], ids=["junk", "endless"]
)
async def test_what_follows_a_request_does_not_break_its_answer(after: bytes) -> None:
    """A refusal written into a stream would be read as a part of it; the stream ends whole, then the connection."""
    async with site(StreamingUpstream(deltas=20)) as at:
        reader, writer = await at.ask()
        begun = await reader.readuntil(b"content_block_delta")
        writer.write(after)
        got = begun + await rest(reader, 5)
        assert b"HTTP/1.1 4" not in got
        assert got.count(b"text_delta") == 20
        assert got.endswith(b'message_stop"}\n\n\r\n0\r\n\r\n')
        writer.close()
        assert at.sink.outcomes() == [Outcome.OK]


@on_uvloop
async def test_too_many_headers_are_refused() -> None:
    async with site(StreamingUpstream()) as at:
        reader, writer = await at.connect()
        body = ask()
        writer.write(request(body, **{f"x-n{number}": "1" for number in range(200)}, connection="close"))
        assert error_of(await rest(reader, 2)) == (431, "invalid_request_error")
        writer.close()


@pytest.mark.parametrize(
    ("limits", "every_s"),
    [({"body_idle_s": 0.2}, 60.0), ({"body_read_s": 0.4}, 0.05)],
    ids=["stands still", "dribbles"],
)
@on_uvloop
async def test_a_slow_body_is_refused(limits: dict[str, float], every_s: float) -> None:
    upstream = StreamingUpstream()
    async with site(upstream, **limits) as at:
        reader, writer = await at.connect()
        writer.write(request(b"{" + b" " * 100_000)[:-90_000])
        dribbling = asyncio.ensure_future(dribble(writer, b" ", every_s))
        assert error_of(await rest(reader, 2)) == (408, "timeout_error")
        writer.close()
        dribbling.cancel()
        assert (upstream.asked, at.sink.opened_events) == (0, [])


@on_uvloop
async def test_a_body_that_nobody_waits_for_does_not_keep_its_connection() -> None:
    """Refused for its key at once; what it goes on sending is read to nowhere, and only for so long."""
    async with site(StreamingUpstream(), body_read_s=0.4) as at:
        reader, writer = await at.connect()
        writer.write(request(b" " * 100_000).replace(SECRET.encode(), b"sk-unknown")[:-50_000])
        dribbling = asyncio.ensure_future(dribble(writer, b" ", 0.05))
        assert b"401" in await reader.readline()
        await rest(reader, 2)
        writer.close()
        dribbling.cancel()


@on_uvloop
async def test_an_upload_has_longer_and_its_connection_knows() -> None:
    """A file may take `upload_read_s`; it is the gateway that answers it, not the connection that ends it."""
    async with site(StreamingUpstream(), body_read_s=0.2, upload_read_s=30.0) as at:
        reader, writer = await at.connect()
        whole = request(b" " * 100).replace(b"/v1/messages", b"/v1/files").replace(b"application/json", b"multipart/x")
        writer.write(whole[:-8])
        for _ in range(8):
            await asyncio.sleep(0.1)
            writer.write(b" ")
        answer = await asyncio.wait_for(reader.readline(), 2)
        assert answer.startswith(b"HTTP/1.1 ")
        assert b" 408 " not in answer
        writer.close()


def slow_socket(at: Site) -> socket.socket:
    """A client's socket that holds little, so that what waits, waits in the gateway or before it."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    made.setblocking(False)
    return made


async def open_slowly(at: Site, body: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that asked and reads nothing by itself: beyond 2 KiB its stream stops reading its socket."""
    made = slow_socket(at)
    await asyncio.get_running_loop().sock_connect(made, (HERE, at.port))
    reader, writer = await asyncio.open_connection(sock=made, limit=1024)
    writer.write(request(body))
    await writer.drain()
    return reader, writer


@on_uvloop
async def test_a_slow_reader_stops_the_upstream_and_grows_no_memory() -> None:
    """60 MB are ready; a client that takes none of them leaves them where they are, and gets all when it reads."""
    piece = delta("x" * 16_000)
    upstream = StreamingUpstream(pause_s=0.0, deltas=3750, piece=piece)
    async with site(upstream) as at:
        reader, writer = await open_slowly(at, ask(stream=True))
        sent = -1
        while sent != upstream.sent_bytes:  # until it stands still
            sent = upstream.sent_bytes
            await asyncio.sleep(0.3)
        (connection,) = at.server.server_state.connections
        waiting = connection.transport.get_write_buffer_size()  # type: ignore[union-attr]
        assert waiting <= 64 * 1024 + 1024 * 1024, waiting  # the high-water mark, and one more write
        assert sent <= 20 * 1024 * 1024, sent  # what is gone lies in the sockets of the machine
        got = 0
        async with asyncio.timeout(60):
            tail = b""
            while b"message_stop" not in tail:
                data = await reader.read(1024 * 1024)
                got, tail = got + len(data), (tail + data)[-200:]
        writer.close()
        await ended(at.sink)
    assert got > 3750 * len(piece)
    assert at.sink.outcomes() == [Outcome.OK]


@on_uvloop
async def test_a_reader_that_stands_still_is_given_up_and_its_connection_ended() -> None:
    upstream = StreamingUpstream(pause_s=0.0, piece=delta("x" * 16_000))
    async with site(upstream, stall_s=0.4, ping_interval_s=0.1) as at:
        _, writer = await open_slowly(at, ask(stream=True))
        await ended(at.sink)
        (closed,) = at.sink.closed_events
        assert (closed.outcome, closed.error_type) == (Outcome.CANCELLED, "client_stalled")
        await asyncio.wait_for(upstream.left.wait(), 2)
        async with asyncio.timeout(3):
            while at.server.server_state.connections:  # noqa: ASYNC110  uvicorn has no event for it
                await asyncio.sleep(0.01)
        writer.transport.abort()


async def whole_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An upstream that answers 8 MB at once."""
    await reader.readuntil(b"\r\n\r\n")
    text = b"x" * 8_000_000
    body = (
        b'{"type":"message","content":[{"type":"text","text":"'
        + text
        + b'"}],"usage":{"input_tokens":1,"output_tokens":1}}'
    )
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n")
    writer.write(b"content-length: %d\r\n\r\n" % len(body) + body)
    with contextlib.suppress(ConnectionError):
        await writer.drain()
    writer.close()


@on_uvloop
async def test_a_whole_answer_that_nobody_takes_does_not_stay() -> None:
    """Its request is over, so nothing but the connection itself can notice."""
    async with site(whole_answer, stall_s=0.4) as at:
        _, writer = await open_slowly(at, ask())
        await ended(at.sink)
        async with asyncio.timeout(3):
            while at.server.server_state.connections:  # noqa: ASYNC110  uvicorn has no event for it
                await asyncio.sleep(0.01)
        writer.transport.abort()


@on_uvloop
async def test_a_reader_that_is_only_slow_gets_everything() -> None:
    """It takes four times `stall_s` for its answer, a piece at a time."""
    async with site(whole_answer, stall_s=0.3) as at:
        reader, writer = await open_slowly(at, ask())
        got = 0
        async with asyncio.timeout(30):
            while got < 8_000_000:
                piece = await reader.read(700_000)
                got += len(piece)
                await asyncio.sleep(0.002)
        assert got > 8_000_000
        writer.close()
