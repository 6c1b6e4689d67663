"""`trivium.toml` as values: surfaces, credentials by reference, workloads with their scopes, limits.

A secret never stands in the file: a credential names the environment variable or the file that holds it, or the
cloud's own chain. Unknown fields are refused, so that a misspelt one cannot be overlooked.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from trivium.core import ROUTABLE_SURFACES, SURFACES, Money, UserError
from trivium.ledger import DIMENSIONS

DEFAULT_FILE = Path("trivium.toml")
DEFAULT_SCOPE = "global"
CREDENTIAL_KINDS = {
    "anthropic": ("api-key",),
    "claude-aws": ("aws", "api-key"),
    "bedrock": ("aws", "api-key"),
    "bedrock-mantle": ("aws", "api-key"),
    "vertex": ("google", "token"),
    "claude-gcp": ("google", "token"),
    "foundry": ("api-key", "azure"),
}
# Which fields a kind of credential reads; any other would be overlooked in silence, so it is refused.
_READS = {
    "api-key": ("env", "file"),
    "token": ("env", "file"),
    "aws": ("profile",),
    "google": ("file",),
    "azure": ("scope",),
}
_OF_SURFACES = {  # fields that mean nothing elsewhere
    "project": ("vertex", "claude-gcp"),
    "resource": ("foundry",),
    "workspace": ("claude-aws", "claude-gcp"),
}
_NEEDED = {
    "bedrock": ("region",),
    "bedrock-mantle": ("region",),
    "vertex": ("project",),
    "claude-aws": ("region", "workspace"),
    "claude-gcp": ("project", "workspace"),
}
_SCOPE_IS_REGION = ("bedrock-mantle",)  # the endpoint of a region sells at the region's price, and nothing else
_PORT_MAX = 65_535
_SECONDS_MAX = 7 * 86_400
_ATTEMPTS_MAX = 10
_PATIENCE = ("header_read_s", "body_read_s", "body_idle_s", "keep_alive_s", "stall_s")  # with clients
_THRESHOLD_MAX = 10  # ten times the limit is plenty
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")  # becomes a part of a host name
_SECRET = re.compile(
    r"sk-[\w-]{20}|A[KS]IA[A-Z0-9]{16}|ya29\.|eyJ[\w-]{10}|ABSK[\w+/=]{20}|-----BEGIN|\s*\{|[A-Za-z0-9]{32}$"
)
_TAG = re.compile(r'tag:[^"]+')
HIDDEN = "(not shown: it may be a secret)"


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
    scope: str = ""  # empty is that of the key `surface/scope`, else global
    region: str = ""
    project: str = ""
    resource: str = ""  # foundry: the name of the resource
    workspace: str = ""  # claude-aws, claude-gcp: the id of the workspace
    deployments: dict[str, str] = {}
    ca_file: str = ""
    draining: bool = False
    connect_s: float = 5.0  # to a connection
    first_byte_s: float = 600.0  # of a whole answer
    stream_first_byte_s: float = 120.0  # of a stream, or of a count of tokens
    idle_s: float = 300.0  # between two pieces of an answer
    on_disconnect: Literal["cancel", "drain", ""] = ""  # the answer of a client that left; empty: as claims suggest
    drain_s_max: float = 120.0  # how long such an answer is read on
    drain_bytes_max: int = 8 * 1024 * 1024


class WorkloadEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the keys of a workload may use; empty means any."""

    owner: str = ""
    models: tuple[str, ...] = ()
    surfaces: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    cache_loss_usd_max: str = ""  # empty: a switch of surface never waits for a cache's sake
    tags: dict[str, str] = {}
    hedge_after_ms: int = 0  # a second surface is asked when the first is silent for so long; 0: never
    forwards_identity: bool = False  # its keys are held by a gateway that names the user of each request
    needs: dict[str, Any] = {}  # read by `trivium plan` alone

    @property
    def cache_loss_max(self) -> Money | None:
        """The limit, exact; None where there is none."""
        return Money.from_usd(self.cache_loss_usd_max) if self.cache_loss_usd_max else None


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
    rest_s_max: float = 300.0  # the longest `retry-after` that is believed
    breaker_open_s: float = 30.0  # a surface that keeps failing is asked again, by one request, after so long
    watch_interval_s: float = 60.0  # between two looks at the limits
    header_read_s: float = 10.0  # what a client may take: for a request's head,
    body_read_s: float = 60.0  # for its body,
    body_idle_s: float = 15.0  # between two pieces of it,
    keep_alive_s: float = 75.0  # between two requests,
    stall_s: float = 60.0  # without taking a byte of its answer
    body_bytes_max: int = 32 * 1024 * 1024


class Paths(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Files of the installation, relative to the settings file."""

    ledger: str = ".trivium/ledger.db"
    routes: str = ".trivium/routes.json"
    routes_required: bool = False  # true: no start without a route table
    overlays: tuple[str, ...] = ()


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    surfaces: dict[str, SurfaceEntry]
    gateway: GatewayEntry = GatewayEntry()
    paths: Paths = Paths()
    workloads: dict[str, WorkloadEntry] = {}
    limits: dict[str, LimitEntry] = {}
    prices_as_of: date | None = None  # pin the catalogue to what had been announced by a day
    # tables of the same file that `trivium plan` reads and the gateway does not
    organisation: dict[str, Any] = {}
    contracts: dict[str, Any] = {}
    microsoft: dict[str, Any] = {}
    onboarding: dict[str, Any] = {}
    usage: dict[str, Any] = {}
    capital: dict[str, Any] = {}  # read by `trivium capital`


def read_settings(path: Path) -> Settings:
    """Parse and check a settings file; raises UserError that names the field, the value and the remedy."""
    if not path.is_file():
        raise UserError("settings file", str(path), "create it: docs/settings.md shows a commented example")
    try:
        raw = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError("settings file", str(path), f"give valid TOML ({error})") from error
    except OSError as error:
        raise UserError("settings file", str(path), f"make it readable ({error.strerror})") from error
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
        _check_credential(key, entry.credential)
    for name, workload in settings.workloads.items():
        _check_workload(name, workload)
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
        path = path.rstrip("`")
        place = f"{where}{path}".lstrip(".") or "settings"
        value = HIDDEN if ".credential" in path else _value_at(raw, path)
        raise UserError(place, value, f"{message}; docs/settings.md lists the fields") from error


def _value_at(raw: object, path: str) -> object:
    """The value a path of names and numbers leads to, or the names of the innermost table on the way."""
    found = raw
    for name in re.findall(r"[^.\[\]]+", path):
        if isinstance(found, dict) and name in found:
            found = found[name]
        elif isinstance(found, list) and name.isdecimal():
            found = found[int(name)]
        else:
            break
    return sorted(found) if isinstance(found, dict) else found


def _check_gateway(entry: GatewayEntry) -> None:
    if not entry.host.strip():
        raise UserError("gateway.host", entry.host, "give the address to listen on, such as 127.0.0.1 or 0.0.0.0")
    if not 0 <= entry.port <= _PORT_MAX:
        raise UserError("gateway.port", entry.port, f"give a port from 0 (any free one) to {_PORT_MAX}")
    _check_seconds(
        "gateway", entry, ("deadline_s", "ping_interval_s", "watch_interval_s", "breaker_open_s", *_PATIENCE)
    )
    for name in ("drain_s", "rest_s_max"):
        if not 0 <= getattr(entry, name) <= _SECONDS_MAX:
            raise UserError(f"gateway.{name}", getattr(entry, name), f"give seconds from 0 to {_SECONDS_MAX}")
    if entry.body_bytes_max <= 0:
        raise UserError("gateway.body_bytes_max", entry.body_bytes_max, "give a number of bytes above 0")
    if not 0 <= entry.extra_attempts_max <= _ATTEMPTS_MAX:
        remedy = f"give a number from 0 to {_ATTEMPTS_MAX}"
        raise UserError("gateway.extra_attempts_max", entry.extra_attempts_max, remedy)


def _check_seconds(where: str, entry: object, names: Iterable[str]) -> None:
    for name in names:
        if not 0 < getattr(entry, name) <= _SECONDS_MAX:
            raise UserError(f"{where}.{name}", getattr(entry, name), f"give seconds above 0, at most {_SECONDS_MAX}")


def _check_surface(key: str, entry: SurfaceEntry) -> None:
    surface, where = surface_of(key), f"surfaces.{key}"
    if surface not in CREDENTIAL_KINDS:
        known = ", ".join(name for name in ROUTABLE_SURFACES if name in CREDENTIAL_KINDS)
        raise UserError(where, surface, f"use one of {known} (or SURFACE/SCOPE)")
    suffix = key.partition("/")[2]
    if ("/" in key and not suffix) or (suffix and entry.scope not in {"", suffix}):
        raise UserError(f"{where}.scope", entry.scope, "the name is SURFACE/SCOPE: leave scope out or give the same")
    if entry.base_url:
        _check_address(f"{where}.base_url", entry.base_url)
    for name, owners in _OF_SURFACES.items():
        if getattr(entry, name) and surface not in owners:
            raise UserError(
                f"{where}.{name}", getattr(entry, name), f"take it out: it belongs to {' or '.join(owners)}"
            )
    if missing := next((name for name in _NEEDED.get(surface, ()) if not getattr(entry, name)), None):
        raise UserError(f"{where}.{missing}", "", f"{surface} needs it")
    for name in ("region", "resource"):
        if getattr(entry, name) and not _LABEL.fullmatch(getattr(entry, name)):
            raise UserError(f"{where}.{name}", getattr(entry, name), "give its name alone: letters, digits and hyphens")
    _check_seconds(where, entry, ("connect_s", "first_byte_s", "stream_first_byte_s", "idle_s"))
    _check_leaving(where, entry)
    if surface == "foundry" and bool(entry.base_url) == bool(entry.resource):
        raise UserError(f"{where}.resource", entry.resource, "give either resource or base_url")


def _check_leaving(where: str, entry: SurfaceEntry) -> None:
    if not 0 < entry.drain_s_max <= _SECONDS_MAX:
        raise UserError(f"{where}.drain_s_max", entry.drain_s_max, f"give seconds above 0, at most {_SECONDS_MAX}")
    if entry.drain_bytes_max <= 0:
        raise UserError(f"{where}.drain_bytes_max", entry.drain_bytes_max, "give a number of bytes above 0")


def _check_address(where: str, address: str) -> None:
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # a port that is no number, a bracket left open
        raise UserError(where, HIDDEN, "give an address such as https://claude.example.com/path") from None
    if parts.username is not None or parts.password is not None:
        raise UserError(where, HIDDEN, "take user and password out of the address: a secret never stands in this file")
    if not usable or parts.query or parts.fragment or any(character.isspace() for character in address):
        raise UserError(where, address, "give an address with http:// or https://, without query or fragment")


def _check_credential(key: str, reference: CredentialReference) -> None:
    surface, where = surface_of(key), f"surfaces.{key}.credential"
    if reference.kind not in CREDENTIAL_KINDS[surface]:
        kinds = " or ".join(CREDENTIAL_KINDS[surface])
        raise UserError(f"{where}.kind", reference.kind, f"{surface} takes {kinds}")
    reads = _READS[reference.kind]
    given = [name for name in ("env", "file", "profile", "scope") if getattr(reference, name)]
    for name in given:
        if name not in reads:
            raise UserError(f"{where}.{name}", reference.kind, f"take it out: this kind reads {' or '.join(reads)}")
    if "env" in reads and len(given) != 1:
        raise UserError(where, reference.kind, "name the place of the secret: env or file")
    looks_secret = _SECRET.match(reference.env) and "_" not in reference.env
    if reference.env and (looks_secret or not _VARIABLE.fullmatch(reference.env)):
        raise UserError(f"{where}.env", HIDDEN, "give the name of an environment variable, not the secret itself")
    if _SECRET.match(reference.file):
        raise UserError(f"{where}.file", HIDDEN, "give the path of a file, not the secret itself")


def _check_workload(name: str, workload: WorkloadEntry) -> None:
    where = f"workloads.{name}"
    _check_names(f"{where}.surfaces", workload.surfaces, ROUTABLE_SURFACES)
    if not all(workload.scopes):
        raise UserError(f"{where}.scopes", workload.scopes, "give region scopes as targets have them, such as eu")
    try:
        loss = workload.cache_loss_max
    except UserError as error:
        raise UserError(f"{where}.cache_loss_usd_max", workload.cache_loss_usd_max, error.remedy) from error
    if loss is not None and loss.picos < 0:
        raise UserError(f"{where}.cache_loss_usd_max", workload.cache_loss_usd_max, "give 0 or more")
    if not 0 <= workload.hedge_after_ms <= _SECONDS_MAX * 1000:
        remedy = "give milliseconds, such as 3000, or 0 for never"
        raise UserError(f"{where}.hedge_after_ms", workload.hedge_after_ms, remedy)


def _check_limit(name: str, limit: LimitEntry) -> None:
    where = f"limits.{name}"
    try:
        amount = limit.amount
    except UserError as error:
        raise UserError(f"{where}.amount_usd", limit.amount_usd, error.remedy) from error
    if amount.picos <= 0:
        raise UserError(f"{where}.amount_usd", limit.amount_usd, "give an amount above 0")
    if any(not 0 < threshold <= _THRESHOLD_MAX for threshold in limit.thresholds):
        raise UserError(f"{where}.thresholds", limit.thresholds, "give shares of the limit above 0, such as 0.8")
    if not limit.thresholds and not limit.forecast:
        raise UserError(
            f"{where}.thresholds", limit.thresholds, "give at least one, or forecast = true: it never warns"
        )
    for dimension in limit.where:
        if dimension not in DIMENSIONS and not _TAG.fullmatch(dimension):
            raise UserError(f"{where}.where", dimension, f"use one of {', '.join(DIMENSIONS)}, or tag:NAME")
    _check_names(f"{where}.where.surface", [limit.where.get("surface", "")], SURFACES)


def _check_names(where: str, names: Iterable[str], known: Iterable[str]) -> None:
    if unknown := [name for name in names if name and name not in known]:
        raise UserError(where, ", ".join(unknown), f"use one of {', '.join(known)}")


def surface_of(key: str) -> str:
    """The surface of a settings key `surface` or `surface/scope`."""
    return key.partition("/")[0]


def scope_of(key: str, entry: SurfaceEntry) -> str:
    """The scope in which an upstream is priced and routed: its own, that of its key, else global or its one region."""
    own = entry.region if surface_of(key) in _SCOPE_IS_REGION else DEFAULT_SCOPE
    return entry.scope or key.partition("/")[2] or own
