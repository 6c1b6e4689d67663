"""The lab as servers: one port per surface, a control port, one engine and one bill behind them."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web

from trivium.core import Clock, SystemClock, UserError
from trivium.lab._pump import Pump, Shared, reset_when_closed
from trivium.lab._seen import Seen
from trivium.lab.bill import Bill, PriceTable
from trivium.lab.clock import LabClock
from trivium.lab.control import Control
from trivium.lab.engine import Engine
from trivium.lab.faults import Fault, Faults
from trivium.lab.models import ModelTable
from trivium.lab.surfaces._base import Setup, Surface

if TYPE_CHECKING:
    from trivium.lab.auth.tls import Certificates

SURFACES = ("anthropic", "claude-aws", "bedrock", "bedrock-mantle", "vertex", "claude-gcp", "foundry")
SIGN_IN = "signin"  # token endpoints of Google and Entra, beside those who take their tokens
WORKSPACE = "wrkspc_lab"  # any other will do
_SIGNING = (
    "claude-aws",
    "bedrock",
    "bedrock-mantle",
    "vertex",
    "claude-gcp",
)  # they check signatures or tokens, whatever else
KEYS: Mapping[str, Mapping[str, str]] = {  # the lab's fake keys → the account behind each
    "anthropic": {"sk-ant-lab": "lab"},
    "claude-aws": {"claude-aws-key-lab": "lab"},
    "bedrock": {"bedrock-api-key-lab": "lab"},
    "bedrock-mantle": {"bedrock-api-key-lab": "lab"},
    "vertex": {},
    "claude-gcp": {},
    "foundry": {"foundry-lab-key": "lab"},
    SIGN_IN: {},
}
_BELOW: Mapping[str, str] = {
    "bedrock-mantle": "/anthropic",
    "vertex": "/v1",
    "claude-gcp": f"/v1/projects/lab-project/locations/global/workspaces/{WORKSPACE}/invoke",
    "foundry": "/anthropic",
}
_SHUTDOWN_S = 1.0
_CRASH_S = 0.01  # 0 would mean for ever


class _Port:
    """One listening socket with its handler; can be killed and revived at the same port."""

    def __init__(self, name: str, server: web.Server, host: str, number: int, ssl_context: Any) -> None:
        self.name = name
        self.number = number
        self._server = server
        self._host = host
        self._ssl_context = ssl_context
        self._runner: web.ServerRunner | None = None

    @property
    def alive(self) -> bool:
        return self._runner is not None

    async def open(self) -> None:
        if self._runner is not None:
            return
        runner = web.ServerRunner(self._server, shutdown_timeout=_SHUTDOWN_S)
        await runner.setup()
        site = web.TCPSite(
            runner, self._host, self.number, ssl_context=self._ssl_context, reuse_address=True, backlog=512
        )
        try:
            await site.start()
        except (OSError, OverflowError) as error:  # taken, or no port at all
            await runner.cleanup()
            why = getattr(error, "strerror", None) or str(error)
            raise UserError(f"port of {self.name}", self.number, f"choose a free port ({why})") from error
        self.number = runner.addresses[0][1]
        self._runner = runner

    async def close(self, *, crash: bool) -> None:
        """Stop listening; with `crash` live connections are reset, else requests may end within a second."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        for site in list(runner.sites):
            await site.stop()
        if crash:
            for connection in list(self._server.connections):
                reset_when_closed(connection.transport)
            await self._server.shutdown(_CRASH_S)  # handlers are cancelled, not waited for
        await runner.cleanup()
        await asyncio.sleep(_CRASH_S if crash else 0)  # cancelled handlers write their bill lines


class LabServer:
    """The emulated surfaces on loopback, in this process: `async with LabServer(["anthropic"]) as lab: …`.

    `options[surface]` goes to that surface's build, `keys[surface]` replaces its accepted keys, `ports[name]` fixes a
    port (names are the surfaces', `signin` and `control`). `tls` is a folder in which certificates are made; all
    ports but the control port then speak TLS.
    """

    def __init__(  # noqa: PLR0913  a lab has as many settings as it has
        self,
        surfaces: Sequence[str] = ("anthropic",),
        *,
        clock: Clock | None = None,
        wall: Clock | None = None,
        seed: int = 0,
        trace_time: bool = False,
        latency_scale: float = 0.0,
        faults: Iterable[Fault] = (),
        host: str = "127.0.0.1",
        ports: Mapping[str, int] | None = None,
        tls: Path | None = None,
        keys: Mapping[str, Mapping[str, str]] | None = None,
        options: Mapping[str, Mapping[str, Any]] | None = None,
        portable_signatures: bool = True,
    ) -> None:
        names = _checked(surfaces)
        self.seed = seed
        self.clock = LabClock(clock, trace_time=trace_time)
        self.models = ModelTable.shipped()
        self.bill = Bill(PriceTable.shipped())
        self.faults = Faults(seed)
        for fault in faults:
            self.faults.add(fault)
        self.seen = Seen()
        self.engine = Engine(
            models=self.models, bill=self.bill, clock=self.clock, seed=seed, portable_signatures=portable_signatures
        )
        self.identities, shared_options = _identities(names, wall or SystemClock(), seed)
        if self.identities is not None and SIGN_IN not in names and {"vertex", "claude-gcp", "foundry"} & set(names):
            names = (*names, SIGN_IN)
        self.certificates: Certificates | None = None
        self._tls = tls
        self._wall = wall or SystemClock()
        self._host = host
        self._wanted = dict(ports or {})
        self._shared = Shared(self.engine, self.clock, self.faults, self.seen, seed, latency_scale)
        self.keys = {name: dict((keys or {}).get(name, KEYS[name])) for name in names}
        self._surfaces: dict[str, Surface] = {}
        for name in names:
            own = {**shared_options, **(options or {}).get(name, {})}
            self._surfaces[name] = _build(name, Setup(self.models, self.clock, seed, self.keys[name], own))
        self._ports: dict[str, _Port] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The surfaces served, `signin` among them where it is."""
        return tuple(self._surfaces)

    async def start(self) -> Self:
        """Open every port."""
        context = None
        if self._tls is not None:
            self.certificates = await asyncio.to_thread(_certificates, self._tls, self._wall)
            context = self.certificates.server_context()
        try:
            for name, surface in self._surfaces.items():
                await self._open(name, Pump(surface, self._shared).handle, context)
            await self._open("control", Control(self).handle, None)
        except UserError:
            await self.stop()
            raise
        return self

    async def stop(self) -> None:
        """Close every port."""
        for port in self._ports.values():
            await port.close(crash=False)
        self._ports.clear()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def url(self, name: str = "anthropic") -> str:
        """The address of a surface, of `signin` or of `control`, without a path."""
        port = self._port(name)
        scheme = "https" if self._tls is not None and name != "control" else "http"
        return f"{scheme}://{self._host}:{port.number}"

    def base_url(self, name: str) -> str:
        """What the surface's SDK takes as base URL."""
        return self.url(name) + _BELOW.get(name, "")

    def key(self, name: str = "anthropic") -> str:
        """A key that the surface accepts."""
        keys = self.keys.get(name)
        if not keys:
            raise UserError("surface", name, "this surface takes no API keys in the lab")
        return next(iter(keys))

    @property
    def control_url(self) -> str:
        """The address of the control port."""
        return self.url("control")

    def alive(self, name: str) -> bool:
        """Whether a surface listens."""
        return self._port(name).alive

    async def kill(self, name: str, *, drain: bool = False) -> None:
        """Close a surface's socket and reset its live connections, as a crash would.

        With `drain` it leaves politely: requests it has read are answered (for a second), so that nothing is billed
        that its client never saw.
        """
        await self._port(name, killable=True).close(crash=not drain)

    async def revive(self, name: str) -> None:
        """Listen again at the same port."""
        await self._port(name, killable=True).open()

    def reset(self) -> None:
        """Forget cache, bill, faults and requests; the clock stays."""
        self.engine.cache.clear()
        self.bill.clear()
        self.faults.clear()
        self.seen.clear()

    def describe(self) -> dict[str, Any]:
        """Addresses and fake credentials, for people and for the process that started this one."""
        return {
            "seed": self.seed,
            "clock": self.clock.mode,
            "control": self.control_url,
            "surfaces": {
                name: {"url": self.url(name), "base_url": self.base_url(name), "keys": list(self.keys[name])}
                for name in self._surfaces
            },
            "ca": str(self.certificates.ca_path) if self.certificates else None,
        }

    def _port(self, name: str, *, killable: bool = False) -> _Port:
        if name not in self._ports or (killable and name == "control"):
            raise UserError("surface", name, f"use one of {', '.join(self._surfaces)}")
        return self._ports[name]

    async def _open(self, name: str, handler: Any, context: Any) -> None:
        # No access log; a client that leaves must not cancel the bill line, so handlers run to their end.
        server = web.Server(handler, access_log=None)
        port = _Port(name, server, self._host, self._wanted.get(name, 0), context)
        await port.open()
        self._ports[name] = port


def _checked(surfaces: Sequence[str]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(surfaces))
    for name in names:
        if name not in KEYS:
            raise UserError("surfaces", name, f"use some of {', '.join(SURFACES)}")
    if not names:
        raise UserError("surfaces", "", f"name at least one of {', '.join(SURFACES)}")
    return names


def _identities(names: Sequence[str], wall: Clock, seed: int) -> tuple[Any, dict[str, Any]]:
    """Accounts for surfaces that check signatures and tokens; they need the `lab` extra."""
    if not {*_SIGNING, "foundry", SIGN_IN} & set(names):
        return None, {}
    try:
        module = importlib.import_module("trivium.lab.auth.identities")
    except ImportError as error:
        if {*_SIGNING, SIGN_IN} & set(names):
            raise UserError("surfaces", ", ".join(names), "install the `lab` extra: trivium[lab]") from error
        return None, {}  # foundry alone works with keys
    identities = module.Identities.create(clock=wall, seed=seed)
    return identities, identities.options()


def _build(name: str, setup: Setup) -> Surface:
    surface: Surface = importlib.import_module(f"trivium.lab.surfaces.{name.replace('-', '_')}").build(setup)
    return surface


def _certificates(folder: Path, wall: Clock) -> Certificates:
    from trivium.lab.auth.tls import Certificates  # noqa: PLC0415  needs the `lab` extra, which plain HTTP does not

    return Certificates.create(folder, wall)
