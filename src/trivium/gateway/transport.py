"""The upstream client behind the transport seam: aiohttp, told to leave bytes, redirects and encodings alone."""

from __future__ import annotations

import asyncio
import io
import ssl
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Self

import aiohttp
import certifi
from yarl import URL

from trivium.core import UserError
from trivium.gateway.proxies import NoSuchProxy, proxy_for
from trivium.gateway.seams import Headers, Inbound, Outbound, Timeouts, TransportError

CONNECTIONS_MAX = 1000
KEEPALIVE_S = 60.0
READ_BUFFER_BYTES = 256 * 1024  # reading from the upstream pauses beyond this: backpressure, per stream
_PIECEMEAL_BYTES = 256 * 1024
_AUTOMATIC = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


def _payload(body: bytes) -> bytes | io.BytesIO | None:
    """A large body as a file, which is written in pieces: other streams go on in between."""
    return io.BytesIO(body) if len(body) > _PIECEMEAL_BYTES else body or None


class AiohttpTransport:
    """A pool of connections to upstreams; honours proxy environment variables, and trusts `ca_file` besides the usual.

    Redirects are not followed, bodies are not decompressed, nothing is sent twice.
    """

    def __init__(self, *, trust_env: bool = True, ca_file: Path | None = None) -> None:
        self._trust_env = trust_env
        self._ca_file = ca_file
        self._session: aiohttp.ClientSession | None = None
        self._proxies: dict[URL, URL | None] = {}  # by origin

    async def send(self, outbound: Outbound, timeouts: Timeouts) -> Inbound:
        """Send; returns with the answer's headers."""
        session = self._opened()
        timeout = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=timeouts.connect_s, sock_read=None)
        progress = _Progress()
        url = URL(outbound.url, encoded=True)  # the path was quoted, and perhaps signed, as it is
        proxy = self._proxy(url)
        try:
            async with asyncio.timeout(timeouts.first_byte_s):
                response = await session.request(
                    outbound.method,
                    url,
                    data=_payload(outbound.body),
                    headers=outbound.headers,
                    timeout=timeout,
                    allow_redirects=False,
                    proxy=proxy,
                    trace_request_ctx=progress,
                )
        except TimeoutError as error:
            what = "no answer" if progress.sent else "no connection"
            raise TransportError(f"{what} in time", sent=progress.sent) from error
        except (aiohttp.ClientError, OSError) as error:
            raise TransportError(_reason(error), sent=progress.sent) from error
        return _AiohttpInbound(response, timeouts.idle_s)

    def _proxy(self, url: URL) -> URL | None:
        if not self._trust_env:
            return None
        origin = url.origin()
        if origin not in self._proxies:
            try:
                self._proxies[origin] = proxy_for(origin)
            except NoSuchProxy as error:
                raise TransportError(str(error), sent=False) from error
        return self._proxies[origin]

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            trace = aiohttp.TraceConfig()
            trace.on_request_headers_sent.append(_mark_sent)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=CONNECTIONS_MAX,
                    keepalive_timeout=KEEPALIVE_S,
                    ssl=_tls(self._ca_file),
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=_AUTOMATIC,
                read_bufsize=READ_BUFFER_BYTES,
                trace_configs=[trace],
            )
        return self._session

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()


class _Progress:
    """How far a request came, for the question whether it may have been billed."""

    __slots__ = ("sent",)

    def __init__(self) -> None:
        self.sent = False


async def _mark_sent(_session: aiohttp.ClientSession, context: object, _params: object) -> None:
    progress = getattr(context, "trace_request_ctx", None)
    if isinstance(progress, _Progress):
        progress.sent = True


class _AiohttpInbound:
    """An answer being read."""

    def __init__(self, response: aiohttp.ClientResponse, idle_s: float) -> None:
        self._response = response
        self._idle_s = idle_s
        self.status = response.status
        self.headers: Headers = _joined(response.headers.items())

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives."""
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            async with asyncio.timeout(self._idle_s):
                data = await self._response.content.readany()
        except TimeoutError as error:
            raise TransportError(f"silent for {self._idle_s:g} s", sent=True) from error
        except (aiohttp.ClientError, OSError) as error:
            raise TransportError(_reason(error), sent=True) from error
        if not data:
            raise StopAsyncIteration
        return data

    async def close(self) -> None:
        """Return the connection to the pool when the body was read, else drop it."""
        self._response.close()


def _tls(ca_file: Path | None) -> ssl.SSLContext:
    """The machine's own authorities (SSL_CERT_FILE included), certifi's, and the operator's."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except OSError as error:  # ssl.SSLError is one
            raise UserError("ca_file", str(ca_file), "name a readable file of PEM certificates") from error
    return context


def _joined(pairs: Iterable[tuple[str, str]]) -> Headers:
    headers: dict[str, str] = {}
    for name, value in pairs:
        lower = name.lower()
        headers[lower] = f"{headers[lower]}, {value}" if lower in headers else value
    return headers


def _reason(error: Exception) -> str:
    """A short text without addresses of proxies or credentials in them."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy refused the connection with status {error.status}"
    cause = getattr(error, "os_error", error)
    detail = cause.strerror if isinstance(cause, OSError) else None
    return f"{type(error).__name__}: {detail}" if detail else type(error).__name__
