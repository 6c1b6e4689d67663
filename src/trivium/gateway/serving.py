"""The gateway on uvicorn: settings that fit a streaming proxy, and a shutdown that drains first."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import uvicorn

from trivium.gateway.connection import Connection
from trivium.gateway.gateway import Gateway

BACKLOG = 2048
GRACE_S = 5.0  # after the drain, for bytes on their way


class GatewayServer(uvicorn.Server):
    """Stops listening, lets requests finish within the gateway's drain time, ends the rest, then closes."""

    def __init__(self, gateway: Gateway, *, host: str, port: int) -> None:
        self._gateway = gateway
        super().__init__(
            uvicorn.Config(
                cast("Callable[..., Any]", gateway),
                host=host,
                port=port,
                http=cast("type[asyncio.Protocol]", partial(Connection, limits=lambda: gateway.settings)),
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

    @property
    def address(self) -> str:
        """Where it listens, with the port that was chosen when it was given as 0."""
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain while uvicorn waits for its connections, as long as the settings of now allow."""
        self.config.timeout_graceful_shutdown = round(self._gateway.drain_s + GRACE_S)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._gateway.drain())
            group.create_task(super().shutdown(sockets))
