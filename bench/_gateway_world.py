"""The gateway as the benchmark serves it: one surface, one key; transport, adapter and credential are the real ones."""
# ruff: noqa: ARG002  the signatures are the Protocols'

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trivium.core import (
    ANY,
    Closed,
    KeyRecord,
    NoClaim,
    Offer,
    Opened,
    Route,
    RouteTable,
    Sink,
    SystemClock,
    Target,
    hash_secret,
)
from trivium.gateway import AiohttpTransport, Gateway, GatewaySettings, OpenAdmission, SurfaceSettings
from trivium.gateway.credentials import ApiKey
from trivium.gateway.upstream import UPSTREAMS
from trivium.ledger import Ledger


class NoSink:
    async def opened(self, event: Opened) -> None:
        pass

    async def closed(self, event: Closed) -> None:
        pass


class OneKey:
    def __init__(self, secret: str) -> None:
        self._record = KeyRecord("key_bench", hash_secret(secret), "bench", datetime(2026, 1, 1, tzinfo=UTC))

    def find(self, secret_sha256: str) -> KeyRecord | None:
        return self._record if secret_sha256 == self._record.secret_sha256 else None


class OneModel:
    def __init__(self, model: str) -> None:
        self._model = model

    def model_id(self, name: str) -> str:
        if name != self._model:
            raise NoClaim(name)
        return name

    def wire_model(self, surface: str, scope: str, model: str) -> str:
        return model

    def versions(self, surface: str, model: str) -> tuple[str, ...]:
        return ("2023-06-01",)

    def beta(self, surface: str, model: str, beta: str) -> str | None:
        return beta

    def unsupported_fields(self, surface: str, model: str) -> frozenset[str]:
        return frozenset()

    def supports(self, surface: str, model: str, capability: str) -> bool | None:
        return None

    def error_class(self, surface: str, form: str, status: int, names: Any, text: str) -> None:
        """No claims: HTTP's own semantics."""

    def output_tokens_max(self, model: str) -> int | None:
        return 64_000

    def models(self) -> tuple[str, ...]:
        return (self._model,)

    def display_name(self, model: str) -> str:
        return model


@contextlib.asynccontextmanager
async def build(upstream: int, folder: Path | None, *, secret: str, model: str) -> AsyncIterator[Gateway]:
    """A gateway in front of a local port; with a folder its records go to a ledger there."""
    clock = SystemClock()
    async with contextlib.AsyncExitStack() as stack:
        sink: Sink = NoSink()
        if folder is not None:
            ledger = Ledger.open(folder / "ledger.db", clock=clock, book=None)
            sink = await stack.enter_async_context(ledger.sink())
        table = RouteTable((Route(ANY, ANY, (Target(Offer("anthropic", "global", ANY), 1),)),), "1")
        yield Gateway(
            GatewaySettings({"anthropic": SurfaceSettings("anthropic", f"http://127.0.0.1:{upstream}")}, drain_s=1),
            sink=sink,
            keys=OneKey(secret),
            routes=lambda: table,
            facts=OneModel(model),
            admission=OpenAdmission(),
            clock=clock,
            transport=AiohttpTransport(trust_env=False),
            credentials={"anthropic": ApiKey("sk-bench")},
        )


@contextlib.asynccontextmanager
async def build_three(ports: Mapping[str, int], *, secret: str, model: str) -> AsyncIterator[Gateway]:
    """A gateway in front of local ports, one for each surface, all with the same weight; no ledger."""
    clock = SystemClock()
    table = RouteTable((Route(ANY, ANY, tuple(Target(Offer(name, "global", ANY), 1) for name in ports)),), "1")
    yield Gateway(
        GatewaySettings({name: SurfaceSettings(name, f"http://127.0.0.1:{port}") for name, port in ports.items()}),
        sink=NoSink(),
        keys=OneKey(secret),
        routes=lambda: table,
        facts=OneModel(model),
        admission=OpenAdmission(),
        clock=clock,
        transport=AiohttpTransport(trust_env=False),
        credentials={name: ApiKey("sk-bench") for name in ports},
        upstreams=dict.fromkeys(ports, UPSTREAMS["anthropic"]),
    )
