"""Prepares a call for a surface with the gateway's own adapter, sends it once, and keeps all that came back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from trivium.certify._calls import Call, filled
from trivium.core import Offer, Target, TriviumError, UserError
from trivium.gateway import Credential, Facts, Outbound, SurfaceSettings, Timeouts, Transport, TransportError
from trivium.gateway.seams import MessagesRequest
from trivium.gateway.upstream import UPSTREAMS
from trivium.gateway.wire.body import Body

_TIMEOUTS = Timeouts(connect_s=10.0, first_byte_s=120.0, idle_s=60.0)
_ANSWER_BYTES_MAX = 4 * 1024 * 1024  # no answer to these calls is longer
_UNKNOWN = "claude-trivium-certify-0"
_MESSAGES = "/v1/messages"
_WRONG = "trivium-certify-not-a-credential"


@dataclass(frozen=True, slots=True)
class Site:
    """Where calls go: the live surface or the lab, with a credential it takes."""

    settings: SurfaceSettings
    credential: Credential
    facts: Facts
    transport: Transport
    model: str  # the catalogue's id
    kind: str = "api-key"  # of the credential, as the settings name it
    public: bool = False  # whether the address is the surface's own, and not one that the operator set
    timeouts: Timeouts = _TIMEOUTS

    @property
    def offer(self) -> Offer:
        """What a call buys."""
        return Offer(self.settings.surface, self.settings.scope, self.model)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes as they came, with the milliseconds since the request was sent."""

    at_ms: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and all that came back; `trouble` says why there is no answer (`status` 0) or half of one."""

    call: str
    method: str
    url: str
    request_headers: Mapping[str, str]
    request_body: bytes
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: tuple[Chunk, ...] = ()
    elapsed_ms: int = 0
    trouble: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)  # the credential's own headers

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(chunk.data for chunk in self.chunks)


class _NoSuchModel:
    """Facts that know every model by a name that no surface has."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def __getattr__(self, name: str) -> object:
        return getattr(self._facts, name)

    def wire_model(self, surface: str, scope: str, model: str) -> str:
        """A name that leads nowhere, in the surface's own form."""
        wire = self._facts.wire_model(surface, scope, model)
        return wire.replace(model, _UNKNOWN) if model in wire else _UNKNOWN


def prepare(call: Call, site: Site, nonce: str) -> Outbound | str:
    """The request without its credential, or the reason why this surface is not asked."""
    adapter = UPSTREAMS.get(site.settings.surface)
    if adapter is None:
        raise UserError("--live", site.settings.surface, f"use one of {', '.join(UPSTREAMS)}")
    settings, facts = site.settings, site.facts
    if call.model == "unknown":
        settings, facts = replace(settings, deployments={}), cast("Facts", _NoSuchModel(facts))
    path = call.path.get(settings.surface, "")
    raw = call.endpoint == "raw"
    if raw and not (path and settings.base_url):
        return "the surface has no such path"
    request = MessagesRequest(
        request_id="certify",
        endpoint="messages" if call.endpoint == "raw" else call.endpoint,
        body=Body(filled(call, site.model, nonce)),
        model=site.model,
        stream=call.stream,
        max_tokens=None if raw else call.tokens_out_max,
    )
    try:
        outbound = adapter.prepare(request, Target(site.offer, 1), facts, settings)
    except UserError as error:
        return f"the adapter refuses it: {error.field}: {error.remedy}"
    except TriviumError as error:
        return f"the adapter refuses it: {error}"
    if not raw:
        return outbound
    headers = {name: value for name, value in outbound.headers.items() if name != "content-type"}
    above, mark, _ = outbound.url.rpartition(_MESSAGES)  # a surface may have its paths below a project's
    url = (above if mark else settings.base_url.rstrip("/")) + path
    return replace(outbound, method="GET", url=url, headers=headers, body=b"")


async def send(call: Call, outbound: Outbound, site: Site) -> Exchange:
    """Send it once, with the credential the call asks for. UpstreamError: there is no credential to be had."""
    authorised = await site.credential.headers(outbound)
    headers = {**outbound.headers, **presented(call, authorised)}
    asked = Exchange(call.id, outbound.method, outbound.url, headers, outbound.body, secrets=authorised)
    clock = asyncio.get_running_loop().time
    started = clock()
    try:
        inbound = await site.transport.send(replace(outbound, headers=headers), site.timeouts)
    except TransportError as error:
        return replace(asked, trouble=str(error), elapsed_ms=round(1000 * (clock() - started)))
    chunks: list[Chunk] = []
    size, trouble = 0, ""
    try:
        async for data in inbound.chunks():
            chunks.append(Chunk(round(1000 * (clock() - started)), data))
            size += len(data)
            if size > _ANSWER_BYTES_MAX:
                trouble = f"the answer is longer than {_ANSWER_BYTES_MAX} bytes"
                break
    except TransportError as error:
        trouble = str(error)
    finally:
        await inbound.close()
    return replace(
        asked,
        status=inbound.status,
        headers=dict(inbound.headers),
        chunks=tuple(chunks),
        elapsed_ms=round(1000 * (clock() - started)),
        trouble=trouble,
    )


def presented(call: Call, authorised: Mapping[str, str]) -> dict[str, str]:
    """The credential's headers as the call wants them: as they are, made invalid, or left out."""
    if call.credential == "own":
        return dict(authorised)
    if call.credential == "none":
        return {}
    return {name: _made_wrong(name, value) for name, value in authorised.items()}


def _made_wrong(name: str, value: str) -> str:
    """The same kind of credential, valid nowhere. Dates and hashes of a signature stay: they are not what is wrong."""
    scheme, _, rest = value.partition(" ")
    if scheme == "AWS4-HMAC-SHA256":
        before, mark, signature = value.rpartition("Signature=")
        return f"{before}{mark}{'0' * len(signature)}"
    if name == "authorization":
        return f"{scheme} {_WRONG}" if rest else _WRONG
    return value if name.startswith("x-amz-") else _WRONG
