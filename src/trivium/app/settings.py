"""`trivium.toml` as values: surfaces, credentials by reference, workloads with their scopes, limits.

A secret never stands in the file: a credential names the environment variable or the file that holds it, or the
cloud's own chain. Unknown fields are refused, so that a misspelt one cannot be overlooked.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal

import msgspec

from trivium.core import ROUTABLE_SURFACES, Money, UserError

DEFAULT_FILE = Path("trivium.toml")
_HTTP = ("http://", "https://")
_PORT_MAX = 65_535
CREDENTIAL_KINDS = {
    "anthropic": ("api-key",),
    "bedrock": ("aws", "api-key"),
    "vertex": ("google", "token"),
    "foundry": ("api-key", "azure"),
}


class CredentialReference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a credential comes from; `env` and `file` name a place, never hold a secret."""

    kind: Literal["api-key", "token", "aws", "google", "azure"]
    env: str = ""
    file: str = ""
    profile: str = ""  # aws: profile of the shared configuration; empty takes the chain
    scope: str = ""  # azure: token scope, if not the default


class SurfaceEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One upstream as configured."""

    credential: CredentialReference
    base_url: str = ""  # empty takes the surface's public address
    scope: str = "global"
    region: str = ""
    project: str = ""
    resource: str = ""  # foundry: the name of the resource
    workspace: str = ""
    deployments: dict[str, str] = {}
    ca_file: str = ""
    draining: bool = False


class WorkloadEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the keys of a workload may use; empty means any."""

    owner: str = ""
    models: tuple[str, ...] = ()
    surfaces: tuple[str, ...] = ()
    tags: dict[str, str] = {}


class LimitEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A spend limit with alerts; `where` picks events by dimension or `tag:NAME`."""

    amount_usd: str
    window: Literal["day", "month"]
    where: dict[str, str] = {}
    thresholds: tuple[float, ...] = (0.5, 0.8, 1.0)
    forecast: bool = True
    notify: tuple[str, ...] = ()

    @property
    def amount(self) -> Money:
        """The limit, exact."""
        return Money.from_usd(self.amount_usd)


class GatewayEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the gateway listens and how patient it is."""

    host: str = "127.0.0.1"
    port: int = 8484
    drain_s: float = 30.0
    deadline_s: float = 3600.0
    ping_interval_s: float = 15.0
    extra_attempts_max: int = 2
    watch_interval_s: float = 60.0  # between two looks at the limits


class Paths(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Files of the installation, relative to the settings file."""

    ledger: str = ".trivium/ledger.db"
    routes: str = ".trivium/routes.json"
    overlays: tuple[str, ...] = ()


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    surfaces: dict[str, SurfaceEntry]
    gateway: GatewayEntry = GatewayEntry()
    paths: Paths = Paths()
    workloads: dict[str, WorkloadEntry] = {}
    limits: dict[str, LimitEntry] = {}
    prices_as_of: date | None = None  # pin the catalogue to what had been announced by a day

    def path(self, name: str, base: Path) -> Path:
        """A configured path, taken relative to the folder of the settings file."""
        return base / name


def read_settings(path: Path) -> Settings:
    """Parse and check a settings file; raises UserError that names the field, the value and the remedy."""
    if not path.is_file():
        raise UserError("settings file", str(path), "create it: the README shows a commented example")
    try:
        raw = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError("settings file", str(path), f"give valid TOML ({error})") from error
    return parse_settings(raw)


def parse_settings(raw: Mapping[str, object]) -> Settings:
    """Check decoded settings; raises UserError that names the field, the value and the remedy."""
    _check_tables(raw)
    settings: Settings = _converted(raw, Settings, "")
    if not settings.surfaces:
        raise UserError("surfaces", "{}", "configure at least one, for example [surfaces.anthropic]")
    _check_gateway(settings.gateway)
    for key, entry in settings.surfaces.items():
        _check_surface(key, entry)
    for name, limit in settings.limits.items():
        _check_limit(name, limit)
    return settings


_TABLES: Mapping[str, type[msgspec.Struct]] = {
    "surfaces": SurfaceEntry,
    "workloads": WorkloadEntry,
    "limits": LimitEntry,
}


def _check_tables(raw: Mapping[str, object]) -> None:
    """Check the named tables one by one, so that an error says which of them it is in."""
    for table, kind in _TABLES.items():
        entries = raw.get(table)
        if isinstance(entries, dict):
            for key, entry in entries.items():
                _converted(entry, kind, f"{table}.{key}")


def _converted(raw: object, kind: type[Any], where: str) -> Any:
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        place = f"{where}{path.rstrip('`')}".lstrip(".") or "settings"
        raise UserError(place, _value_at(raw, path.rstrip("`")), message) from error


def _value_at(raw: object, path: str) -> object:
    """The value a path of names leads to, or the innermost table on the way."""
    found = raw
    for name in path.strip(".").split("."):
        if not isinstance(found, dict) or name not in found:
            break
        found = found[name]
    return sorted(found) if isinstance(found, dict) else found


def _check_gateway(entry: GatewayEntry) -> None:
    if not 0 <= entry.port <= _PORT_MAX:
        raise UserError("gateway.port", entry.port, f"give a port from 0 (any free one) to {_PORT_MAX}")
    for name in ("deadline_s", "ping_interval_s", "watch_interval_s"):
        if getattr(entry, name) <= 0:
            raise UserError(f"gateway.{name}", getattr(entry, name), "give a number of seconds above 0")
    for name in ("drain_s", "extra_attempts_max"):
        if getattr(entry, name) < 0:
            raise UserError(f"gateway.{name}", getattr(entry, name), "give 0 or more")


def _check_surface(key: str, entry: SurfaceEntry) -> None:
    surface = surface_of(key)
    if surface not in CREDENTIAL_KINDS:
        known = ", ".join(name for name in ROUTABLE_SURFACES if name in CREDENTIAL_KINDS)
        raise UserError(f"surfaces.{key}", surface, f"use one of {known} (or SURFACE/SCOPE)")
    if entry.credential.kind not in CREDENTIAL_KINDS[surface]:
        kinds = " or ".join(CREDENTIAL_KINDS[surface])
        raise UserError(f"surfaces.{key}.credential.kind", entry.credential.kind, f"{surface} takes {kinds}")
    if entry.credential.kind in {"api-key", "token"} and bool(entry.credential.env) == bool(entry.credential.file):
        raise UserError(
            f"surfaces.{key}.credential", entry.credential.kind, "name the place of the secret: env or file"
        )
    if entry.base_url and not entry.base_url.startswith(_HTTP):
        raise UserError(f"surfaces.{key}.base_url", entry.base_url, "give an address with http:// or https://")
    needed = {"bedrock": ("region", entry.region), "vertex": ("project", entry.project)}.get(surface)
    if needed and not needed[1]:
        raise UserError(f"surfaces.{key}.{needed[0]}", "", f"{surface} needs it")
    if surface == "foundry" and bool(entry.base_url) == bool(entry.resource):
        raise UserError(f"surfaces.{key}.resource", entry.resource, "give either resource or base_url")


def _check_limit(name: str, limit: LimitEntry) -> None:
    if limit.amount.picos <= 0:
        raise UserError(f"limits.{name}.amount_usd", limit.amount_usd, "give an amount above 0")
    if any(not 0 < threshold <= 10 for threshold in limit.thresholds):  # noqa: PLR2004  ten times the limit is plenty
        raise UserError(f"limits.{name}.thresholds", limit.thresholds, "give shares of the limit above 0, such as 0.8")


def surface_of(key: str) -> str:
    """The surface of a settings key `surface` or `surface/scope`."""
    return key.partition("/")[0]
