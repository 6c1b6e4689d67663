"""The one place where rooms are joined: settings in, a gateway with its ledger, keys, routes and facts out."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from trivium.app._credentials import credentials_of
from trivium.app._parts import BookShelf, RouteFile, ScopedKeys, default_routes
from trivium.app.settings import Settings, SurfaceEntry, surface_of
from trivium.catalog import load
from trivium.core import ANY, Clock, Money, Offer, UserError
from trivium.gateway import (
    AiohttpTransport,
    Gateway,
    GatewaySettings,
    OpenAdmission,
    SnapshotFacts,
    SurfaceSettings,
    clock_stamp,
    trace_stamp,
)
from trivium.ledger import GroupCommitSink, Ledger

# The public address of each surface, from its own documentation; `base_url` in the settings replaces it.
PUBLIC_ADDRESS: Mapping[str, str] = {
    "anthropic": "https://api.anthropic.com",
    "bedrock": "https://bedrock-runtime.{region}.amazonaws.com",
    "vertex": "",  # depends on the location: the adapter knows the three forms
    "foundry": "https://{resource}.services.ai.azure.com/anthropic",
}


@dataclass(slots=True)
class Runtime:
    """A running installation."""

    settings: Settings
    base: Path
    clock: Clock
    ledger: Ledger
    sink: GroupCommitSink
    shelf: BookShelf
    gateway: Gateway
    _closed: bool = field(default=False, init=False)

    @property
    def alert_log(self) -> Path:
        """Where delivered alerts are remembered."""
        return self.ledger.path.with_name("alerts.jsonl")

    def reload(self, settings: Settings) -> None:
        """Serve by other settings from now on; the ledger stays where it is."""
        if settings.paths != self.settings.paths or settings.gateway.port != self.settings.gateway.port:
            raise UserError("paths, gateway.port", "changed", "restart the gateway for these; nothing was changed")
        surfaces = gateway_settings(settings)
        self.gateway.reload(
            surfaces,
            credentials=credentials_of(settings, self.base),
            keys=ScopedKeys(self.ledger.keys, settings.workloads),
            routes=_routes(settings, self.base, self.clock),
        )
        self.settings = settings

    def spend_between(self, where: Mapping[str, str], since: datetime, until: datetime) -> tuple[Money, int]:
        """What was spent in a span, and how many attempts in it have no price."""
        return spend_between(self.ledger, where, since, until)

    def first_event_at(self) -> datetime | None:
        """When the ledger begins."""
        return first_event_at(self.ledger)

    async def close(self) -> None:
        """End in order: requests, records, files."""
        if not self._closed:
            self._closed = True
            await self.gateway.close()
            await self.sink.close()
            self.ledger.close()


def compose(settings: Settings, base: Path, clock: Clock, *, replay: bool = False) -> Runtime:
    """Join the rooms. Must be called inside the event loop that will serve."""
    ca_file = authority(settings, base)
    shelf = open_shelf(settings, base, clock)
    ledger = Ledger.open(base / settings.paths.ledger, clock=clock, book=shelf.book)
    sink = ledger.sink()
    gateway = Gateway(
        gateway_settings(settings),
        sink=sink,
        keys=ScopedKeys(ledger.keys, settings.workloads),
        routes=_routes(settings, base, clock),
        facts=SnapshotFacts(shelf.snapshot, clock),
        admission=OpenAdmission(),
        clock=clock,
        transport=AiohttpTransport(ca_file=ca_file),
        credentials=credentials_of(settings, base),
        stamp=trace_stamp(clock) if replay else clock_stamp(clock),
    )
    return Runtime(settings, base, clock, ledger, sink, shelf, gateway)


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
        deadline_s=settings.gateway.deadline_s,
        drain_s=settings.gateway.drain_s,
        ping_interval_s=settings.gateway.ping_interval_s,
        extra_attempts_max=settings.gateway.extra_attempts_max,
    )


def _surface(key: str, entry: SurfaceEntry) -> SurfaceSettings:
    surface = surface_of(key)
    address = entry.base_url or PUBLIC_ADDRESS[surface].format(region=entry.region, resource=entry.resource)
    return SurfaceSettings(
        surface=surface,
        base_url=address,
        scope=entry.scope,
        region=entry.region,
        project=entry.project,
        workspace=entry.workspace,
        deployments=entry.deployments,
        draining=entry.draining,
    )


def _routes(settings: Settings, base: Path, clock: Clock) -> RouteFile:
    offers = {key: Offer(surface_of(key), entry.scope, ANY) for key, entry in settings.surfaces.items()}
    return RouteFile(base / settings.paths.routes, default_routes(offers), clock)


def spend_between(ledger: Ledger, where: Mapping[str, str], since: datetime, until: datetime) -> tuple[Money, int]:
    """What a ledger holds for a span: the spend, and how many attempts in it have no price."""
    rows = ledger.spend((), since=since, until=until, where=where)
    return sum((row.amount for row in rows), Money(0)), sum(row.unpriced for row in rows)


def first_event_at(ledger: Ledger) -> datetime | None:
    """When a ledger begins; None if it is empty."""
    first = next(iter(ledger.events()), None)
    return first.opened.at if first else None
