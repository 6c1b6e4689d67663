"""Check an installation: settings, credentials, reach of every surface, proxy and CA, ledger, routes, catalogue.

Every finding names its remedy. Nothing is spent: a surface is asked to count the tokens of a word, or for something
it must refuse.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from urllib.request import getproxies, proxy_bypass

from trivium.app._credentials import credentials_of
from trivium.app._parts import BookShelf, missing_routes, read_routes
from trivium.app.compose import authority, canonical, gateway_settings, open_shelf
from trivium.app.settings import Settings, read_settings
from trivium.core import Clock, TriviumError, UserError
from trivium.gateway import (
    AiohttpTransport,
    Credential,
    Outbound,
    SnapshotFacts,
    SurfaceSettings,
    Timeouts,
    Transport,
    TransportError,
    probe,
)
from trivium.ledger import Ledger

_REACH = Timeouts(connect_s=5.0, first_byte_s=10.0, idle_s=5.0)
_CREDENTIAL_S = 20.0
_MODELS_MAX = 3  # asked for at one surface
_FORBIDDEN = 403
_ABOUT_THE_MODEL = frozenset({400, _FORBIDDEN, 404})  # another model may be answered
_LATEST_REQUEST = b'{"max_tokens":1}'


class Grade(Enum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    grade: Grade
    subject: str
    text: str
    remedy: str = ""
    of_surface: bool = False  # the surface was asked, and what is wrong was its answer, or that there was none


def examine(path: Path, clock: Clock, *, offline: bool = False) -> list[Finding]:
    """Look at everything; what cannot be looked at because of an earlier error is left out."""
    try:
        settings = read_settings(path)
    except UserError as error:
        return [Finding(Grade.ERROR, error.field, f"{error.value!r}", error.remedy)]
    base = path.parent
    found = [Finding(Grade.OK, "settings", f"{path}: {len(settings.surfaces)} surfaces")]
    found += _environment(settings, base)
    shelf, about = _catalogue(settings, base, clock)
    found += about
    found += _ledger(settings, base, clock)
    found += _routes(settings, base)
    found += asyncio.run(_surfaces(settings, base, shelf, clock, offline=offline))
    return found


def _environment(settings: Settings, base: Path) -> Iterator[Finding]:
    proxies = {scheme: address for scheme, address in getproxies().items() if scheme in {"http", "https", "all"}}
    if proxies:
        shown = ", ".join(f"{scheme} via {_without_password(address)}" for scheme, address in sorted(proxies.items()))
        yield Finding(Grade.OK, "proxy", f"outgoing requests use {shown} (NO_PROXY: {os.environ.get('NO_PROXY', '')})")
        if not (proxy_bypass("127.0.0.1") and proxy_bypass("localhost")):
            yield Finding(
                Grade.WARNING,
                "proxy",
                "loopback addresses would go through the proxy",
                "add 127.0.0.1,localhost to NO_PROXY",
            )
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE"):
        if value := os.environ.get(name):
            yield _authority(name, Path(value))
    for key, entry in settings.surfaces.items():
        if entry.ca_file:
            yield _authority(f"surfaces.{key}.ca_file", base / entry.ca_file)


def _authority(subject: str, path: Path) -> Finding:
    try:
        ssl.create_default_context(cafile=str(path))
    except (OSError, ssl.SSLError) as error:
        return Finding(Grade.ERROR, subject, f"{path}: {error}", "name a readable PEM file of certificate authorities")
    return Finding(Grade.OK, subject, f"{path}: certificate authorities can be read")


def _without_password(address: str) -> str:
    scheme, separator, rest = address.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def _catalogue(settings: Settings, base: Path, clock: Clock) -> tuple[BookShelf | None, list[Finding]]:
    """The shelf if it can be used, and what was found."""
    for overlay in settings.paths.overlays:
        if not (base / overlay).is_dir():
            remedy = "create the folder or take it out of paths.overlays"
            return None, [Finding(Grade.ERROR, "paths.overlays", f"{base / overlay}: there is no such folder", remedy)]
    try:
        shelf = open_shelf(settings, base, clock)
        book = shelf.book()
    except TriviumError as error:
        remedy = "run `trivium facts check` and mend what it names"
        return None, [Finding(Grade.ERROR, "catalogue", str(error), remedy)]
    text = f"price book {book.digest[:12]} as of {book.as_of}: {len(book.cells):,} cells"
    found = [Finding(Grade.OK, "catalogue", text)]
    try:
        canonical(settings, SnapshotFacts(shelf.snapshot, clock))
    except UserError as error:
        found.append(Finding(Grade.ERROR, error.field, f"{error.value!r}", error.remedy))
    return shelf, found


def _ledger(settings: Settings, base: Path, clock: Clock) -> Iterator[Finding]:
    path = base / settings.paths.ledger
    try:
        with Ledger.open(path, clock=clock) as ledger:
            keys = [key for key in ledger.keys.list() if key.revoked_at is None]
            left = len(ledger.open_attempts())
    except (TriviumError, OSError) as error:
        yield Finding(Grade.ERROR, "ledger", f"{path}: {error}", "make the folder writable, or restore a backup")
        return
    yield Finding(Grade.OK, "ledger", f"{path}: {len(keys)} keys in force")
    if not keys:
        remedy = "trivium key create --workload NAME"
        yield Finding(Grade.WARNING, "keys", "there is no virtual key, so every request is refused", remedy)
    if left:
        remedy = "if no gateway is running: trivium ledger reap"
        yield Finding(Grade.WARNING, "ledger", f"{left} attempts have not ended", remedy)


def _routes(settings: Settings, base: Path) -> Iterator[Finding]:
    path = base / settings.paths.routes
    if not path.exists() and settings.paths.routes_required:
        error = missing_routes(path)
        yield Finding(Grade.ERROR, "routes", f"{error.field}: {error.value!r}", error.remedy)
        return
    if not path.exists():
        remedy = f"trivium plan --write-routes {path}"
        yield Finding(Grade.OK, "routes", "no route table: requests go by the order of the settings", remedy)
        return
    try:
        table = read_routes(path)
    except UserError as error:
        yield Finding(Grade.ERROR, "routes", f"{error.field}: {error.value!r}", error.remedy)
        return
    known = gateway_settings(settings)
    missing = sorted(
        {str(target.offer) for route in table.routes for target in route.targets if known.key_for(target.offer) is None}
    )
    yield Finding(Grade.OK, "routes", f"{path}: version {table.version}, {len(table.routes)} routes")
    if missing:
        remedy = "configure the surface and scope, or plan again for what is configured"
        yield Finding(Grade.WARNING, "routes", f"no configured surface serves {', '.join(missing[:5])}", remedy)


async def _surfaces(
    settings: Settings, base: Path, shelf: BookShelf | None, clock: Clock, *, offline: bool
) -> list[Finding]:
    try:
        credentials = credentials_of(settings, base)
        ca_file = authority(settings, base)
    except UserError as error:
        return [Finding(Grade.ERROR, error.field, str(error), error.remedy)]
    found: list[Finding] = []
    for key, surface in gateway_settings(settings).surfaces.items():
        asked = _questions(surface, shelf, clock)[:_MODELS_MAX] if shelf else ()
        found.extend(await _surface(key, surface, credentials[key], asked, ca_file, offline=offline))
    return found


def _questions(surface: SurfaceSettings, shelf: BookShelf, clock: Clock) -> tuple[probe.Question, ...]:
    """What the surface can be asked about: the models it has not retired."""
    facts, snapshot, today = SnapshotFacts(shelf.snapshot, clock), shelf.snapshot(), clock.now().date()
    gone = {model: snapshot.retired_at(surface.surface, model) for model in facts.models()}
    return probe.questions(surface, facts, [model for model, on in gone.items() if on is None or on > today])


async def _surface(
    key: str,
    surface: SurfaceSettings,
    credential: Credential,
    asked: Sequence[probe.Question],
    ca_file: Path | None,
    *,
    offline: bool,
) -> list[Finding]:
    """Is a credential at hand, does the surface answer, and does it take the credential?"""
    subject = f"surfaces.{key}"
    address = surface.base_url or "https://aiplatform.googleapis.com"
    outbound = Outbound(surface.surface, "POST", f"{address.rstrip('/')}/v1/messages", {}, _LATEST_REQUEST)
    try:
        async with asyncio.timeout(_CREDENTIAL_S):
            await credential.headers(asked[0].outbound if asked else outbound)
    except TimeoutError:
        remedy = "the chain asks a service that does not answer: name the profile or file, or check the network"
        return [Finding(Grade.ERROR, subject, f"no credential within {_CREDENTIAL_S:.0f} s", remedy)]
    except TriviumError as error:
        remedy = getattr(error, "remedy", "see the credential table in docs/settings.md")
        return [Finding(Grade.ERROR, subject, f"credential: {error}", remedy)]
    found = [Finding(Grade.OK, subject, "credential at hand")]
    if offline:
        return found
    transport = AiohttpTransport(ca_file=ca_file)
    try:
        if asked:
            found.append(await _asked(subject, asked, credential, transport))
        else:
            inbound = await transport.send(replace(outbound, method="GET", url=address, body=b""), _REACH)
            await inbound.close()
            found.append(
                Finding(Grade.OK, subject, f"{address} answers; no model is known that it could be asked about")
            )
    except TransportError as error:
        remedy = "check the address, the proxy (HTTPS_PROXY, NO_PROXY) and the certificate authority (ca_file)"
        found.append(Finding(Grade.ERROR, subject, f"{address} cannot be reached: {error}", remedy, of_surface=True))
    except TriviumError as error:
        found.append(Finding(Grade.ERROR, subject, f"credential: {error}", "see the credential table"))
    finally:
        await transport.close()
    return found


async def _asked(
    subject: str, asked: Sequence[probe.Question], credential: Credential, transport: Transport
) -> Finding:
    """One question after the other, until an answer says more than that this model is not at hand."""
    models = []
    for question in asked:
        answer = await probe.ask(question, credential, transport)
        if not answer.message:
            return Finding(Grade.OK, subject, f"answers, and takes the credential ({question.model} asked)")
        if answer.refused:
            remedy = f"check what {subject}.credential names: the key may be revoked, expired or another account's"
            return Finding(Grade.ERROR, subject, f"refuses the credential: {answer.message}", remedy, of_surface=True)
        models.append(question.model)
        if answer.status not in _ABOUT_THE_MODEL:
            break
    text = f"answers with status {answer.status} for {', '.join(models)}: {answer.message}"
    if answer.status == _FORBIDDEN:
        remedy = "grant this credential the use of these models, counting tokens included"
        return Finding(Grade.ERROR, subject, text, remedy, of_surface=True)
    if answer.status in _ABOUT_THE_MODEL:
        remedy = "check base_url, region and project, and that the models you route here are enabled or deployed there"
        return Finding(Grade.WARNING, subject, text, remedy)
    return Finding(Grade.WARNING, subject, text, "ask again later; the surface's status page may say more")
