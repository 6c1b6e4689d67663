"""The gateway on a port of its own in front of one surface of the lab, for clients of every dialect."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway_upstream.test_through_the_lab import Site, site
from trivium.gateway import GatewayServer

SURFACES = ("anthropic", "claude-aws", "bedrock", "bedrock-mantle", "vertex", "claude-gcp", "foundry")


@dataclass
class Served:
    """A site and its address."""

    site: Site
    url: str


@contextlib.asynccontextmanager
async def served(folder: Path, surface: str) -> AsyncIterator[Served]:
    async with site(folder, surface) as at:
        server = GatewayServer(at.gateway, host="127.0.0.1", port=0)
        serving = asyncio.ensure_future(server._serve())
        while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(0.005)
        try:
            yield Served(at, server.address)
        finally:
            server.should_exit = True
            await serving


class Spy:
    """Stands in front of a gateway's transport, and keeps what passes in both directions."""

    def __init__(self, at: Served) -> None:
        self.sent: list[Any] = []
        self.passed = bytearray()
        transport = at.site.gateway._parts.tools.transport
        self._send = transport.send
        transport.send = self._spy  # type: ignore[method-assign]

    async def _spy(self, outbound: Any, timeouts: Any) -> Any:
        self.sent.append(outbound)
        self.passed.clear()
        inbound: Any = await self._send(outbound, timeouts)
        chunks = inbound.chunks

        async def copied() -> Any:
            async for chunk in chunks():
                self.passed.extend(chunk)
                yield chunk

        inbound.chunks = copied
        return inbound
