"""The two sides of `trivium certify`: the live surface from the settings, and the lab as a process beside it."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from trivium.app.compose import PUBLIC_ADDRESS, Prepared, gateway_settings, prepare
from trivium.app.settings import CREDENTIAL_KINDS, CredentialReference, SurfaceEntry, read_settings
from trivium.catalog import load
from trivium.certify import Recorded, Site
from trivium.cli._up.site import lab_of
from trivium.core import Clock, FactError, Money, NoPrice, Offer, PriceError, Usage, UserError
from trivium.gateway import AiohttpTransport, Credential, SnapshotFacts, SurfaceSettings
from trivium.gateway.credentials import ApiKey, AwsCredential, AwsKeys, AzureCredential, Bearer, GoogleCredential, Held
from trivium.pricing import PriceBook, price

_REGION = "us-east-1"
_SAYS_ACCOUNTS = {"aws": ("bedrock",), "google": ("vertex",), "token": ("vertex",)}  # of the lab, by kind of credential
_PATH_OF_ADAPTER = ("claude-gcp",)  # makes the path below the host, which the lab's base address for SDKs has in it
_SERVICES = {"bedrock": "bedrock", "bedrock-mantle": "bedrock-mantle", "claude-aws": "aws-external-anthropic"}
_GOOGLE = "{location}aiplatform.googleapis.com"
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


@dataclass(frozen=True, slots=True)
class Live:
    """A configured surface, ready to be asked, and what must not be shown of it."""

    key: str  # as in the settings: `surface` or `surface/scope`
    entry: SurfaceEntry
    site: Site
    book: PriceBook
    names: tuple[str, ...]


def live_side(path: Path, key: str, model: str, clock: Clock) -> Live:
    """The surface as the gateway would reach it; UserError names what is missing, NoPrice what has no price."""
    settings = read_settings(path)
    if key not in settings.surfaces:
        raise UserError("--live", key, f"use one that {path} configures: {', '.join(settings.surfaces)}")
    prepared = prepare(settings, path.parent, clock)
    facts = SnapshotFacts(prepared.shelf.snapshot, clock)
    surface = gateway_settings(prepared.settings).surfaces[key]
    book = prepared.shelf.book()
    chosen = facts.model_id(model) if model else _cheapest(surface, prepared, facts, clock)
    transport = AiohttpTransport(ca_file=prepared.ca_file)
    entry = prepared.settings.surfaces[key]
    public = is_public(surface.surface, entry.base_url)
    site = Site(surface, prepared.credentials[key], facts, transport, chosen, entry.credential.kind, public)
    return Live(key, entry, site, book, _names(entry, surface, facts, chosen))


def is_public(surface: str, base_url: str) -> bool:
    """Whether an address is the surface's own: none was set, or one in its operator's domain, over TLS."""
    if not base_url:
        return True
    parts, own = urlsplit(base_url), urlsplit(PUBLIC_ADDRESS[surface]).netloc or _GOOGLE
    domain = own.rpartition("}")[2]  # what follows the region or resource
    host = parts.hostname or ""
    return parts.scheme == "https" and (host == domain if domain == own else host.endswith(domain))


def _cheapest(surface: SurfaceSettings, prepared: Prepared, facts: SnapshotFacts, clock: Clock) -> str:
    """The model whose thousand tokens in and out cost least, of those alive there; of the deployed ones if any are."""
    today, snapshot, book = clock.now().date(), prepared.shelf.snapshot(), prepared.shelf.book()
    deployed = {name.partition("+")[0] for name in surface.deployments}
    costs: dict[str, Money] = {}
    for model in sorted(deployed or facts.models()):
        retired = snapshot.retired_at(surface.surface, model)
        if retired is not None and retired <= today:
            continue
        try:
            facts.wire_model(surface.surface, surface.scope, model)
            offer = Offer(surface.surface, surface.scope, model)
            costs[model] = price(Usage(input=1000, output=1000), offer, today, book).amount
        except (FactError, PriceError):  # it is not carried there, or nobody knows its price
            continue
    if not costs:
        raise NoPrice(
            f"no model of {surface.surface} in scope {surface.scope} has a price today; name one with --model"
        )
    return min(costs, key=lambda model: (costs[model], model))


def _names(entry: SurfaceEntry, surface: SurfaceSettings, facts: SnapshotFacts, model: str) -> tuple[str, ...]:
    """Names of the account that answers and addresses may repeat; a model's own name is nobody's."""
    host = urlsplit(entry.base_url).hostname or ""
    known = set(facts.models())
    with suppress(FactError):  # it may be deployed under a name of its own only
        known.add(facts.wire_model(surface.surface, surface.scope, model))
    deployments = [name for name in entry.deployments.values() if name not in known]
    local = host in {"127.0.0.1", "localhost"}
    return tuple(
        name for name in (entry.project, entry.resource, entry.workspace, *deployments, "" if local else host) if name
    )


def recorded_side(recorded: Recorded, clock: Clock) -> Live:
    """What a recording says of its surface, for the lab beside it; names of the account were never in it."""
    if recorded.surface not in CREDENTIAL_KINDS or recorded.credential not in CREDENTIAL_KINDS[recorded.surface]:
        raise UserError(
            "recording", f"{recorded.surface}, {recorded.credential}", "give one of a surface that is known"
        )
    snapshot = load().snapshot(clock.now().date())
    settings = SurfaceSettings(
        surface=recorded.surface,
        base_url="",
        scope=recorded.scope,
        region=recorded.region,
        project="recorded",
        workspace="wrkspc_recorded",
    )
    facts = SnapshotFacts(lambda: snapshot, clock)
    site = Site(settings, ApiKey("unused"), facts, AiohttpTransport(), recorded.model, recorded.credential)
    reference = msgspec.convert({"kind": recorded.credential}, CredentialReference)
    entry = SurfaceEntry(reference, region=recorded.region)
    return Live(recorded.surface, entry, site, PriceBook.from_snapshot(snapshot), ())


@contextmanager
def lab_side(live: Live) -> Iterator[Site]:
    """The lab's surface of the same name, with a fake credential of the same kind, until the block ends."""
    surface, kind = live.site.settings.surface, live.entry.credential.kind
    tls = kind == "azure"  # its library signs in over TLS alone
    surfaces = dict.fromkeys([surface, *_SAYS_ACCOUNTS.get(kind, ())])
    with (
        tempfile.TemporaryDirectory(prefix="trivium-certify-") as folder,
        lab_of(Path(folder), [*surfaces], tls=tls) as said,
    ):
        ca_file = Path(said["ca"]) if tls else None
        address = said["surfaces"][surface]["url" if surface in _PATH_OF_ADAPTER else "base_url"]
        settings = replace(live.site.settings, base_url=address, headers={}, deployments={})
        credential = _lab_credential(live, said)
        # loopback: no proxy of the environment may come between
        yield replace(
            live.site,
            settings=settings,
            credential=credential,
            transport=AiohttpTransport(trust_env=False, ca_file=ca_file),
        )


def _lab_credential(live: Live, said: Mapping[str, Any]) -> Credential:
    surface, kind = live.site.settings.surface, live.entry.credential.kind
    exports = said["exports"]
    if kind == "aws":
        variables = exports["bedrock"]
        keys = AwsKeys(variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"])
        return AwsCredential(
            region=live.entry.region or _REGION, service=_SERVICES[surface], surface=surface, find=lambda: Held(keys)
        )
    if kind in {"google", "token"}:
        file = exports["vertex"]["GOOGLE_APPLICATION_CREDENTIALS"]
        return GoogleCredential(surface=surface, find=lambda: _google(file))
    if kind == "azure":
        return AzureCredential(surface=surface, find=lambda: _entra(exports["foundry"], said["ca"]))
    key = said["surfaces"][surface]["keys"][0]
    if surface in _SERVICES:
        return Bearer(key, surface=surface)
    return ApiKey(key, header="api-key" if surface == "foundry" else "", surface=surface)


def _google(file: str) -> Any:
    accounts: Any = importlib.import_module("google.oauth2.service_account")  # it ships no types
    return accounts.Credentials.from_service_account_file(file, scopes=[_SCOPE])


def _entra(variables: Mapping[str, str], ca: str) -> Any:
    from azure.identity import ClientSecretCredential

    return ClientSecretCredential(
        variables["AZURE_TENANT_ID"],
        variables["AZURE_CLIENT_ID"],
        variables["AZURE_CLIENT_SECRET"],
        authority=variables["AZURE_AUTHORITY_HOST"],
        disable_instance_discovery=True,
        connection_verify=ca,
    )
