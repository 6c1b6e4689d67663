"""The one place where rooms are joined: settings in, a gateway with its ledger, keys, routes and facts out."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from msgspec import structs

from trivium.app._cache import BookCachePrices
from trivium.app._credentials import credentials_of
from trivium.app._parts import BookShelf, RouteFile, ScopedKeys, default_routes
from trivium.app.settings import Settings, SurfaceEntry, scope_of, surface_of
from trivium.catalog import load
from trivium.core import ANY, Clock, FactError, Money, Offer, RouteTable, UserError
from trivium.gateway import (
    AiohttpTransport,
    Credential,
    Facts,
    Gateway,
    GatewaySettings,
    OpenAdmission,
    SnapshotFacts,
    SurfaceSettings,
    Timeouts,
    clock_stamp,
    trace_stamp,
)
from trivium.ledger import GroupCommitSink, Ledger
from trivium.watch import Unwritten

# The public address of each surface, from its own documentation; `base_url` in the settings replaces it.
PUBLIC_ADDRESS: Mapping[str, str] = {
    "anthropic": "https://api.anthropic.com",
    "claude-aws": "https://aws-external-anthropic.{region}.api.aws",
    "bedrock": "https://bedrock-runtime.{region}.amazonaws.com",
    "bedrock-mantle": "https://bedrock-mantle.{region}.api.aws/anthropic",
    "vertex": "",  # depends on the location: the adapter knows the three forms
    "claude-gcp": "https://claude.googleapis.com",
    "foundry": "https://{resource}.services.ai.azure.com/anthropic",
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """What settings call for, read and checked, so that taking it into use cannot fail half-way."""

    settings: Settings  # with the catalogue's own names of models
    shelf: BookShelf
    credentials: Mapping[str, Credential]
    ca_file: Path | None
    ca_bytes: bytes  # to tell whether the authorities changed


@dataclass(slots=True)
class Runtime:
    """A running installation."""

    base: Path
    clock: Clock
    prepared: Prepared
    ledger: Ledger
    sink: GroupCommitSink
    routes: RouteFile
    gateway: Gateway
    unwritten: Unwritten = field(default_factory=Unwritten)  # alerts that were sent and could not be noted on disk
    _closed: bool = field(default=False, init=False)

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.prepared.settings

    async def reload(self, settings: Settings) -> None:
        """Serve by other settings from now on; the ledger and the address stay where they are."""
        _same_place(self.settings, settings)
        # in a thread: reading claims takes long enough to be felt by requests in the air
        after = await asyncio.to_thread(prepare, settings, self.base, self.clock)
        if after.settings.paths.routes_required:
            self.routes.require()
        before = self.prepared
        renewed = (after.ca_file, after.ca_bytes) != (before.ca_file, before.ca_bytes)
        self.gateway.reload(
            gateway_settings(after.settings),
            credentials=after.credentials,
            keys=ScopedKeys(self.ledger.keys, after.settings.workloads),
            transport=AiohttpTransport(ca_file=after.ca_file) if renewed else None,
        )
        self.routes.fall_back_to(_default_routes(after.settings))
        before.shelf.take(after.shelf)
        self.prepared = replace(after, shelf=before.shelf)

    async def close(self) -> None:
        """End in order: requests, records, files."""
        if not self._closed:
            self._closed = True
            try:
                await self.gateway.close()
            finally:
                try:
                    await self.sink.close()
                finally:
                    self.ledger.close()


def prepare(settings: Settings, base: Path, clock: Clock) -> Prepared:
    """Read and check what settings name; raises UserError. Touches nothing that is in use."""
    ca_file = authority(settings, base)
    shelf = open_shelf(settings, base, clock)
    named = canonical(settings, SnapshotFacts(shelf.snapshot, clock))
    shelf.book()
    return Prepared(named, shelf, credentials_of(named, base), ca_file, ca_file.read_bytes() if ca_file else b"")


def canonical(settings: Settings, facts: Facts) -> Settings:
    """The settings with the catalogue's ids for the models they name; raises UserError for an unknown one."""

    def model(where: str, name: str) -> str:
        try:
            return facts.model_id(name)
        except FactError as error:
            raise UserError(where, name, str(error)) from error

    workloads = {
        name: structs.replace(entry, models=tuple(model(f"workloads.{name}.models", one) for one in entry.models))
        for name, entry in settings.workloads.items()
    }
    limits = {
        name: structs.replace(
            entry,
            where={
                dimension: model(f"limits.{name}.where.model", value) if dimension == "model" else value
                for dimension, value in entry.where.items()
            },
        )
        for name, entry in settings.limits.items()
    }
    return structs.replace(settings, workloads=workloads, limits=limits)


def compose(settings: Settings, base: Path, clock: Clock, *, replay: bool = False) -> Runtime:
    """Join the rooms. Must be called inside the event loop that will serve."""
    prepared = prepare(settings, base, clock)
    routes = RouteFile(
        base / settings.paths.routes,
        _default_routes(prepared.settings),
        clock,
        required=settings.paths.routes_required,
    )
    ledger = Ledger.open(base / settings.paths.ledger, clock=clock, book=prepared.shelf.book)
    sink = ledger.sink()
    gateway = Gateway(
        gateway_settings(prepared.settings),
        sink=sink,
        keys=ScopedKeys(ledger.keys, prepared.settings.workloads),
        routes=routes,
        facts=SnapshotFacts(prepared.shelf.snapshot, clock),
        admission=OpenAdmission(),
        clock=clock,
        transport=AiohttpTransport(ca_file=prepared.ca_file),
        credentials=prepared.credentials,
        resources=ledger.resources,
        stamp=trace_stamp(clock) if replay else clock_stamp(clock),
        cache_prices=BookCachePrices(prepared.shelf.book),
    )
    return Runtime(base, clock, prepared, ledger, sink, routes, gateway)


def _same_place(before: Settings, after: Settings) -> None:
    """What a running process cannot change; raises UserError that names it."""
    fixed = {
        "paths.ledger": (before.paths.ledger, after.paths.ledger),
        "paths.routes": (before.paths.routes, after.paths.routes),
        "gateway.host": (before.gateway.host, after.gateway.host),
        "gateway.port": (before.gateway.port, after.gateway.port),
        "gateway.breaker_open_s": (before.gateway.breaker_open_s, after.gateway.breaker_open_s),
    }
    for name, (old, new) in fixed.items():
        if old != new:
            raise UserError(name, new, f"restart the gateway to change it from {old!r}; nothing was changed")


def authority(settings: Settings, base: Path) -> Path | None:
    """The one file of certificate authorities that the settings name, if any; raises UserError if it is no good."""
    named = {key: base / entry.ca_file for key, entry in settings.surfaces.items() if entry.ca_file}
    if len(set(named.values())) > 1:
        raise UserError("surfaces.*.ca_file", sorted(map(str, named.values())), "put the authorities into one PEM file")
    for key, path in named.items():
        try:
            ssl.create_default_context(cafile=str(path))
        except (OSError, ssl.SSLError) as error:
            raise UserError(f"surfaces.{key}.ca_file", str(path), f"name a readable PEM file ({error})") from error
        return path
    return None


def open_shelf(settings: Settings, base: Path, clock: Clock) -> BookShelf:
    """The catalogue with the installation's overlays, and the day's price book."""
    return BookShelf(load([base / overlay for overlay in settings.paths.overlays]), clock, settings.prices_as_of)


def gateway_settings(settings: Settings) -> GatewaySettings:
    """What the gateway is told."""
    return GatewaySettings(
        surfaces={key: _surface(key, entry) for key, entry in settings.surfaces.items()},
        hedge_after_s={name: entry.hedge_after_ms / 1000 for name, entry in settings.workloads.items()},
        identity_workloads=frozenset(name for name, entry in settings.workloads.items() if entry.forwards_identity),
        deadline_s=settings.gateway.deadline_s,
        drain_s=settings.gateway.drain_s,
        ping_interval_s=settings.gateway.ping_interval_s,
        extra_attempts_max=settings.gateway.extra_attempts_max,
        rest_s_max=settings.gateway.rest_s_max,
        breaker_open_s=settings.gateway.breaker_open_s,
        header_read_s=settings.gateway.header_read_s,
        body_read_s=settings.gateway.body_read_s,
        body_idle_s=settings.gateway.body_idle_s,
        keep_alive_s=settings.gateway.keep_alive_s,
        stall_s=settings.gateway.stall_s,
        body_bytes_max=settings.gateway.body_bytes_max,
        cache_loss_max={
            name: entry.cache_loss_max for name, entry in settings.workloads.items() if entry.cache_loss_max is not None
        },
    )


def _surface(key: str, entry: SurfaceEntry) -> SurfaceSettings:
    surface = surface_of(key)
    address = entry.base_url or PUBLIC_ADDRESS[surface].format(region=entry.region, resource=entry.resource)
    return SurfaceSettings(
        surface=surface,
        base_url=address,
        scope=scope_of(key, entry),
        region=entry.region,
        project=entry.project,
        workspace=entry.workspace,
        deployments=entry.deployments,
        draining=entry.draining,
        timeouts=Timeouts(entry.connect_s, entry.first_byte_s, entry.idle_s, entry.stream_first_byte_s),
        on_disconnect=entry.on_disconnect,
        drain_s_max=entry.drain_s_max,
        drain_bytes_max=entry.drain_bytes_max,
    )


def _default_routes(settings: Settings) -> RouteTable:
    return default_routes(
        {key: Offer(surface_of(key), scope_of(key, entry), ANY) for key, entry in settings.surfaces.items()}
    )


def spend_between(ledger: Ledger, where: Mapping[str, str], since: datetime, until: datetime) -> tuple[Money, int]:
    """What a ledger holds for a span: the spend, and how many attempts in it have no price."""
    rows = ledger.spend((), since=since, until=until, where=where)
    return sum((row.amount for row in rows), Money(0)), sum(row.unpriced for row in rows)


def alert_log(ledger: Ledger) -> Path:
    """Where delivered alerts are remembered: beside the ledger they are computed from."""
    return ledger.path.with_name("alerts.jsonl")
