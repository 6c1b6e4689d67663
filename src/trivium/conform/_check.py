"""One check: what is sent, in order, and the rows that follow from it."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import aiohttp

from trivium.conform import _visible as visible
from trivium.conform._client import Client, Unreachable
from trivium.conform._rows import Row, Seen, report
from trivium.conform._upstream import COUNTED, StandIn, listening
from trivium.conform._witnessed import Witness
from trivium.core import UserError

_KEY_REFUSED = 401


@dataclass(frozen=True, slots=True)
class Site:
    """The gateway under test. `model` empty: the first that it lists."""

    url: str
    key: str | None = None
    model: str = ""
    timeout_s: float = 30.0
    upstream: tuple[str, int] | None = None  # where the stand-in listens, which the gateway has as its upstream
    headers: Mapping[str, str] = field(default_factory=dict)  # sent with every request, as a user's own headers are


async def check(site: Site) -> list[Row]:
    """Every row of the contract with its evidence; Unreachable and UserError if nothing can be checked."""
    request = json.loads(files("trivium.conform").joinpath("request.json").read_text("utf-8"))
    async with aiohttp.ClientSession(headers=site.headers) as session:
        client = Client(session, site.url, site.key, site.timeout_s)
        if site.upstream is None:
            return report(await _looks(client, site, request, None))
        async with listening(*site.upstream) as stand_in:
            return report(await _looks(client, site, request, stand_in))


async def _looks(client: Client, site: Site, request: dict[str, Any], stand_in: StandIn | None) -> dict[str, Seen]:
    probe = await client.ask("GET", "/")
    if not probe.status:
        raise Unreachable(f"{site.url} does not answer: {probe.trouble}")
    found = await visible.hello(client)
    listed, names = await visible.models(client)
    model = site.model or next(iter(names), "")
    if not model:
        refused = await client.ask("GET", visible.MODELS)
        if refused.status == _KEY_REFUSED:
            raise UserError("--key", "(not shown)", f"give a key that this gateway takes: {refused.line()}")
        raise UserError("--model", "", "name a model: the gateway lists none")
    plain = copy.deepcopy(request["plain"])
    plain["body"] = {"model": model, **plain["body"]}
    whole, first = await visible.messages(client, plain, request["filtered"])
    if first.status == _KEY_REFUSED:
        raise UserError("--key", "(not shown)", f"give a key that this gateway takes: {first.line()}")
    streamed = await visible.stream(client, plain)
    counted = await visible.count_tokens(client, plain, None if stand_in is None else COUNTED)
    witnessed = {} if stand_in is None else await Witness(client, stand_in, request, plain).rows()
    clouds = visible.clouds(witnessed=stand_in is not None)
    return {**found, **listed, **whole, **streamed, **counted, **clouds, **witnessed}
