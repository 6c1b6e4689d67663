"""An installation (ledger, gateway on a port, the lab behind it) that can be shut down and started again."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anthropic

from trivium.app.compose import Runtime, compose
from trivium.app.settings import parse_settings
from trivium.core import ManualClock, Money, UsageEvent
from trivium.gateway import GatewayServer
from trivium.lab import LabServer

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
OPUS = "claude-opus-5-5"
OWN: dict[str, dict[str, Any]] = {
    "claude-aws": {"workspace": "wrkspc_01", "region": "us-west-2"},
    "claude-gcp": {"workspace": "wrkspc_01", "project": "lab-project"},
    "bedrock": {"region": "us-west-2", "scope": "us"},
    "vertex": {"project": "lab-project", "region": "global"},
}


@dataclass
class Site:
    """What a test works with. `client(name)` presents the key of the workload `name`."""

    folder: Path
    lab: LabServer
    clock: ManualClock
    surfaces: tuple[str, ...]
    tables: Mapping[str, Any]
    routes: Mapping[str, Any] | None = None
    secrets: dict[str, str] = field(default_factory=dict)
    _started: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)
    _runtime: Runtime | None = None
    url: str = ""

    @property
    def runtime(self) -> Runtime:
        assert self._runtime is not None
        return self._runtime

    async def start(self) -> None:
        (self.folder / "key").write_text("a-key")
        surfaces: dict[str, Any] = {}
        for name in self.surfaces:
            if self.lab.keys.get(name):
                (self.folder / f"key-{name}").write_text(self.lab.key(name))
            kind = "token" if name in {"vertex", "claude-gcp"} else "api-key"
            file = f"key-{name}" if (self.folder / f"key-{name}").exists() else "key"
            address = self.lab.base_url(name) if name in self.lab.names else "http://127.0.0.1:9"
            if name == "claude-gcp":  # the adapter makes its whole path
                address = self.lab.url(name)
            surfaces[name] = {"credential": {"kind": kind, "file": file}, "base_url": address, **OWN.get(name, {})}
        if self.routes is not None:
            (self.folder / ".trivium").mkdir(exist_ok=True)
            (self.folder / ".trivium" / "routes.json").write_text(json.dumps(self.routes))
        settings = parse_settings({"surfaces": surfaces, **self.tables})
        self._runtime = compose(settings, self.folder, self.clock)
        server = GatewayServer(self.runtime.gateway, host="127.0.0.1", port=0)
        serving = asyncio.ensure_future(server._serve())
        while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(0.005)

        async def stop() -> None:
            server.should_exit = True
            await serving
            await self.runtime.close()

        self._started.push_async_callback(stop)
        self.url = server.address

    async def stop(self) -> None:
        await self._started.aclose()
        self._started = contextlib.AsyncExitStack()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    def secret(self, workload: str, **scope: Any) -> str:
        if workload not in self.secrets:
            self.secrets[workload] = self.runtime.ledger.keys.create(workload, **scope)[1]
        return self.secrets[workload]

    def client(self, workload: str = "search", **scope: Any) -> anthropic.AsyncAnthropic:
        client = anthropic.AsyncAnthropic(base_url=self.url, api_key=self.secret(workload, **scope), max_retries=0)
        self._started.push_async_callback(client.close)
        return client

    def advance(self, seconds: float) -> None:
        """The lab and the gateway live on one clock."""
        self.clock.advance(timedelta(seconds=seconds))

    def attempts(self) -> list[UsageEvent]:
        return [event for event in self.runtime.ledger.events() if event.opened.endpoint == "batches"]

    def spent(self) -> Money:
        return sum((row.amount for row in self.runtime.ledger.spend()), Money(0))


@contextlib.asynccontextmanager
async def site(
    folder: Path,
    *surfaces: str,
    routes: Mapping[str, Any] | None = None,
    lab: Mapping[str, Any] | None = None,
    **tables: Any,
) -> AsyncIterator[Site]:
    clock = ManualClock(NOON)
    kept = tuple(name for name in surfaces if name in {"anthropic", "claude-aws", "claude-gcp", "foundry"})
    given = {"keys": {"claude-gcp": {"ya29.lab": "lab"}}, **(lab or {})}
    async with LabServer(kept or ("anthropic",), clock=clock, seed=3, **given) as server:
        opened = Site(folder, server, clock, surfaces, tables, routes)
        await opened.start()
        try:
            yield opened
        finally:
            await opened.stop()


def request(custom_id: str, text: str = "[[lab out=30]] a b", **params: Any) -> Any:
    body = {"model": OPUS, "max_tokens": 200, "messages": [{"role": "user", "content": text}], **params}
    return {"custom_id": custom_id, "params": body}


async def results(client: anthropic.AsyncAnthropic, batch_id: str) -> dict[str, Any]:
    return {line.custom_id: line.result async for line in await client.messages.batches.results(batch_id)}
