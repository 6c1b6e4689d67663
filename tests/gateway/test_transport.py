"""The real transport leaves bytes, redirects and encodings alone, and says whether a request may have been sent."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from yarl import URL

from trivium.core import UserError
from trivium.gateway import AiohttpTransport, Outbound, Timeouts, TransportError
from trivium.gateway.proxies import proxy_for

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
FAST = Timeouts(connect_s=0.5, first_byte_s=0.2, idle_s=0.1)


class Raw:
    """A server that speaks in bytes; `heard` is what was sent to it."""

    def __init__(self, *pieces: bytes, pause_s: float = 0.0, keep_open: bool = False) -> None:
        self._pieces = pieces
        self._pause_s = pause_s
        self._keep_open = keep_open
        self.heard: list[bytes] = []
        self.port = 0
        self.open = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            self.heard.append(await reader.readuntil(b"\r\n\r\n"))
            for piece in self._pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(self._pause_s)
            if self._keep_open:
                await reader.read()
        await closed(writer)
        self.open -= 1


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


@contextlib.asynccontextmanager
async def serving(server: Raw) -> AsyncIterator[AiohttpTransport]:
    transport = AiohttpTransport(trust_env=False)
    async with await asyncio.start_server(server, "127.0.0.1", 0) as listening:
        server.port = listening.sockets[0].getsockname()[1]
        yield transport
        await transport.close()
        while server.open:  # noqa: ASYNC110  the handlers of a stream server have no handle
            await asyncio.sleep(0.005)


def outbound(port: int, path: str = "/v1/messages") -> Outbound:
    headers = {"accept-encoding": "identity", "content-type": "application/json", "x-api-key": "k"}
    return Outbound("anthropic", "POST", f"http://127.0.0.1:{port}{path}", headers, b"{}")


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"content-length: {len(body)}", "connection: close"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def test_the_request_is_sent_as_it_was_made() -> None:
    server = Raw(answer(b"x"))
    async with serving(server) as transport:
        inbound = await transport.send(outbound(server.port, "/model/a%3Ab/invoke?x=%2F"), FAST)
        assert [chunk async for chunk in inbound.chunks()] == [b"x"]
        await inbound.close()
    head, *lines = server.heard[0].decode().rstrip().split("\r\n")
    assert head == "POST /model/a%3Ab/invoke?x=%2F HTTP/1.1"
    assert {line.split(":")[0].lower() for line in lines} == {
        "host", "accept-encoding", "content-type", "x-api-key", "content-length",
    }  # fmt: skip


async def test_a_large_body_arrives_whole_with_its_length() -> None:
    body = bytes(range(256)) * 8192  # 2 MiB

    class Whole(Raw):
        async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            whole = await reader.readexactly(len(body))
            self.heard += [head, whole]
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            await closed(writer)

    server = Whole()
    async with serving(server) as transport:
        outbound = Outbound("anthropic", "POST", f"http://127.0.0.1:{server.port}/v1/messages", {}, body)
        inbound = await transport.send(outbound, Timeouts(connect_s=2, first_byte_s=10, idle_s=2))
        await inbound.close()
    head = server.heard[0].lower()
    assert b"content-length: 2097152" in head
    assert b"transfer-encoding" not in head
    assert server.heard[1] == body


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    server = Raw(answer(b"", "location: http://127.0.0.1:1/", status="307 Temporary Redirect"))
    async with serving(server) as transport:
        inbound = await transport.send(outbound(server.port), FAST)
        assert inbound.status == 307
        await inbound.close()
    assert len(server.heard) == 1


async def test_a_compressed_body_is_not_opened() -> None:
    body = b"\x1f\x8b\x08 not really"
    server = Raw(answer(body, "content-encoding: gzip", "Set-Cookie: a=1", "set-cookie: b=2"))
    async with serving(server) as transport:
        inbound = await transport.send(outbound(server.port), FAST)
        assert b"".join([chunk async for chunk in inbound.chunks()]) == body
        assert inbound.headers["content-encoding"] == "gzip"
        assert inbound.headers["set-cookie"] == "a=1, b=2"
        await inbound.close()


async def test_events_arrive_as_they_are_sent() -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    server = Raw(head, b"3\r\na\n\n\r\n", b"3\r\nb\n\n\r\n", b"0\r\n\r\n", pause_s=0.02)
    async with serving(server) as transport:
        inbound = await transport.send(outbound(server.port), FAST)
        assert [chunk async for chunk in inbound.chunks()] == [b"a\n\n", b"b\n\n"]
        await inbound.close()
        await inbound.close()


async def test_no_connection_is_known_to_be_unsent() -> None:
    server = Raw()
    async with serving(server) as transport:
        pass
    with pytest.raises(TransportError) as caught:
        await transport.send(outbound(server.port), FAST)
    assert not caught.value.sent
    await transport.close()


@pytest.mark.parametrize("server", [Raw(keep_open=True), Raw(), Raw(b"HTTP/1.1 nonsense\r\n\r\n")])
async def test_no_answer_after_sending_may_have_been_billed(server: Raw) -> None:
    async with serving(server) as transport:
        with pytest.raises(TransportError) as caught:
            await transport.send(outbound(server.port), FAST)
        assert caught.value.sent


@pytest.mark.parametrize(
    "server",
    [
        Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", keep_open=True),
        Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"),
        Raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"),
    ],
    ids=["silent", "short", "unfinished chunks"],
)
async def test_a_body_that_stops_is_a_transport_error(server: Raw) -> None:
    async with serving(server) as transport:
        inbound = await transport.send(outbound(server.port), FAST)
        chunks = inbound.chunks()
        assert await anext(chunks) == b"abc"
        with pytest.raises(TransportError):
            await anext(chunks)
        await inbound.close()


async def test_a_reader_that_pauses_makes_the_upstream_pause() -> None:
    block, sent, over = b"x" * 65536, 0, asyncio.Event()

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (len(block) * 1000))
        with contextlib.suppress(ConnectionError):
            for _ in range(1000):
                writer.write(block)
                await writer.drain()
                sent += len(block)
        await closed(writer)
        over.set()

    transport = AiohttpTransport(trust_env=False)
    async with await asyncio.start_server(pour, "127.0.0.1", 0) as listening:
        inbound = await transport.send(outbound(listening.sockets[0].getsockname()[1]), FAST)
        await asyncio.sleep(0.2)
        assert sent < 20_000_000  # of 65 MB: socket buffers and our own bound, not the whole answer
        await inbound.close()
        await transport.close()
        await over.wait()


async def test_an_unreadable_ca_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    for name in ("ca.pem", "missing.pem"):
        transport = AiohttpTransport(ca_file=tmp_path / name)
        with pytest.raises(UserError, match="ca_file"):
            await transport.send(outbound(1), FAST)
        await transport.close()


async def test_a_proxy_of_the_environment_is_used_when_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment is the seam here: operators set it, and only there."""
    server = Raw(answer(b"proxied"))
    async with serving(server):
        monkeypatch.setenv("http_proxy", f"http://user:canary-password@127.0.0.1:{server.port}")
        transport = AiohttpTransport()
        inbound = await transport.send(
            Outbound("anthropic", "POST", "http://upstream.invalid/v1/messages", {}, b"{}"), FAST
        )
        assert [chunk async for chunk in inbound.chunks()] == [b"proxied"]
        await inbound.close()
        await transport.close()
    assert server.heard[0].startswith(b"POST http://upstream.invalid/v1/messages HTTP/1.1")
    transport = AiohttpTransport()
    with pytest.raises(TransportError) as caught:
        await transport.send(Outbound("anthropic", "POST", "http://upstream.invalid/", {}, b"{}"), FAST)
    assert "canary" not in str(caught.value)
    await transport.close()


async def test_passwords_of_netrc_stay_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request carries its own credential; a default login for unknown hosts must not join or replace it."""
    (tmp_path / "netrc").write_text("default login me password canary\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server = Raw(answer(b"x"))
    async with serving(server):
        transport = AiohttpTransport()
        inbound = await transport.send(outbound(server.port), FAST)
        await inbound.close()
        await transport.close()
    assert b"authorization" not in server.heard[0].lower()


@pytest.mark.parametrize(
    ("variables", "url", "expected"),
    [
        ({"https_proxy": "http://p:1"}, "https://a.example", "http://p:1"),
        ({"https_proxy": "http://p:1"}, "http://a.example", None),
        ({"all_proxy": "http://p:1"}, "https://a.example", "http://p:1"),
        ({"all_proxy": "http://p:1", "https_proxy": "q:2"}, "https://a.example", "http://q:2"),
        ({"https_proxy": "http://p:1", "no_proxy": ".example"}, "https://a.example", None),
        ({"https_proxy": "http://p:1", "no_proxy": "a.example:8443"}, "https://a.example:8443", None),
        ({"https_proxy": "http://p:1", "no_proxy": "*"}, "https://a.example", None),
        ({}, "https://a.example", None),
    ],
)
def test_the_environment_names_the_proxy(
    variables: dict[str, str], url: str, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = proxy_for(URL(url))
    assert (None if found is None else str(found).rstrip("/")) == expected


@pytest.mark.parametrize(
    ("proxy", "reason"),
    [("socks5://me:canary@127.0.0.1:1", "socks5 proxy"), ("http://me:canary@[::1:1", "no address")],
)
async def test_a_proxy_that_cannot_be_used_is_named_without_its_password(
    proxy: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    transport = AiohttpTransport()
    with pytest.raises(TransportError, match=reason) as caught:
        await transport.send(Outbound("anthropic", "POST", "https://upstream.invalid/", {}, b"{}"), FAST)
    assert "canary" not in str(caught.value)
    assert not caught.value.sent
    await transport.close()


async def test_a_tunnel_that_the_proxy_refuses_was_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Raw(answer(b"", status="407 Proxy Authentication Required"))
    async with serving(server):
        monkeypatch.setenv("https_proxy", f"http://me:canary@127.0.0.1:{server.port}")
        transport = AiohttpTransport()
        with pytest.raises(TransportError, match="refused the connection with status 407") as caught:
            await transport.send(Outbound("anthropic", "POST", "https://upstream.invalid/", {}, b"{}"), FAST)
        await transport.close()
    assert not caught.value.sent
    assert server.heard[0].startswith(b"CONNECT upstream.invalid:443 HTTP/1.1")
