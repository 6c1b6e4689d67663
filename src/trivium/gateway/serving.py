"""The gateway on uvicorn: settings that fit a streaming proxy, and a shutdown that drains first."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import uvicorn

from trivium.gateway.connection import Connection
from trivium.gateway.gateway import Gateway

BACKLOG = 2048
GRACE_S = 5.0  # after the drain, for bytes on their way
LINGER_S = 5.0  # that a connection nobody asks on is still kept when the server leaves
_LOOK_S = 0.02


class GatewayServer(uvicorn.Server):
    """Stops listening, lets requests finish within the gateway's drain time, ends the rest, then closes."""

    def __init__(self, gateway: Gateway, *, host: str, port: int) -> None:
        self._gateway = gateway
        self._leaving = False
        self._hurried = asyncio.Event()
        super().__init__(
            uvicorn.Config(
                cast("Callable[..., Any]", gateway),
                host=host,
                port=port,
                http=cast("type[asyncio.Protocol]", self._connection()),
                loop="uvloop",
                ws="none",
                lifespan="on",
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,
                backlog=BACKLOG,
                timeout_graceful_shutdown=round(gateway.drain_s + GRACE_S),
            )
        )

    def _connection(self) -> Callable[..., Connection]:
        return partial(Connection, limits=lambda: self._gateway.settings, leaving=lambda: self._leaving)

    @property
    def address(self) -> str:
        """Where it listens, with the port that was chosen when it was given as 0."""
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Leave, as long as the settings of now allow; then cut what is left, and wait for every record."""
        self.config.timeout_graceful_shutdown = round(self._gateway.drain_s + GRACE_S)
        self._gateway.refuse_readiness()
        cutting = asyncio.get_running_loop().call_later(self._gateway.drain_s, self._gateway.cut_short)
        try:
            await self._leave(sockets or [])
        finally:
            cutting.cancel()
        await self._gateway.drain()

    def hurry(self) -> None:
        """End at once what a shutdown would wait for."""
        self._gateway.cut_short()
        self._hurried.set()

    async def _leave(self, sockets: list[socket.socket]) -> None:
        """Take no more connections; those that are kept learn with their next answer to ask elsewhere, then end.

        A connection that is closed while its client begins to ask fails that request, so an idle one is not closed at
        once: a client that asks meanwhile is served, and one that does not has long looked at other things.
        """
        self._leaving = True
        for server in self.servers:
            server.close()
        for listener in sockets:
            listener.close()
        connections = cast("set[Connection]", self.server_state.connections)
        for connection in connections:
            connection.retire()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(LINGER_S, self._gateway.drain_s)):
                while connections and not self._hurried.is_set():  # noqa: ASYNC110  a set has no event
                    await asyncio.sleep(_LOOK_S)
        await super().shutdown(sockets)
