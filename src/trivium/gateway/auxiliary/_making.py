"""A batch as a client sends it: read once, each request fitted to the surface, everything else byte for byte."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from trivium.core import ANY, FactError, Offer, Opened, Target, UserError
from trivium.gateway.admit import NO_RETRY, Refused, session_of, tags_of, tokens_asked, unknown_model
from trivium.gateway.auxiliary._asked import Call
from trivium.gateway.auxiliary._desk import Desk
from trivium.gateway.auxiliary._meter import event_id
from trivium.gateway.dialect._seam import VERSION_DEFAULT, header_betas
from trivium.gateway.routing import candidates
from trivium.gateway.seams import Facts, MessagesRequest, NotSupported
from trivium.gateway.wire.body import Body
from trivium.gateway.wire.headers import forwarded
from trivium.gateway.wire.spans import edit_items, edit_member, is_array, is_object

_TIER = "batch"
_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class Item:
    """One request of a batch."""

    where: str
    custom_id: str
    request: MessagesRequest


@dataclass(frozen=True, slots=True)
class Fitted:
    """A batch for one surface: its body, and the attempts it consists of."""

    body: bytes
    opened: tuple[Opened, ...]
    notes: tuple[str, ...]


def read_items(call: Call, body: Body, facts: Facts) -> tuple[Item, ...]:
    """The requests; raises UserError or Refused that names the one and its field."""
    raw = body.raw("requests")
    if raw is None or not is_array(raw):
        raise UserError(
            "requests", None if raw is None else raw[:64].decode("utf-8", "replace"), "give a list of requests"
        )
    items = tuple(_item(call, f"requests.{number}", bytes(each), facts) for number, each in enumerate(_elements(raw)))
    if not items:
        raise UserError("requests", [], "give at least one request")
    seen: dict[str, str] = {}
    for item in items:
        other = seen.setdefault(item.custom_id, item.where)
        if other != item.where:
            raise UserError(
                f"{item.where}.custom_id", item.custom_id, f"give each request one of its own ({other} has it)"
            )
    return items


def _item(call: Call, where: str, raw: bytes, facts: Facts) -> Item:
    if not is_object(raw):
        raise UserError(where, raw[:64].decode("utf-8", "replace"), "give an object with custom_id and params")
    element = Body(raw)
    custom_id, params = _get(element, "custom_id"), element.raw("params")
    if not isinstance(custom_id, str) or not custom_id:
        raise UserError(f"{where}.custom_id", custom_id, "give a text of your own")
    if params is None or not is_object(params):
        raise UserError(f"{where}.params", None, "give a Messages request")
    body = Body(params)
    named = _get(body, "model")
    if not isinstance(named, str):
        raise UserError(f"{where}.params.model", named, "give a model name")
    max_tokens = tokens_asked(f"{where}.params.max_tokens", _get(body, "max_tokens"))
    try:
        model = facts.model_id(named)
    except FactError as error:
        raise unknown_model(f"{where}.params.model", named, error) from error
    if call.key.models and model not in call.key.models:
        message = f"{where}.params.model: {named}: this key may use {', '.join(call.key.models)}"
        raise Refused(400, "invalid_request_error", message, NO_RETRY)
    request = MessagesRequest(
        request_id=call.request_id,
        endpoint="messages",  # what the surface makes of it; the batch is only the envelope
        body=body,
        model=model,
        max_tokens=max_tokens,
        version=call.headers.get("anthropic-version", VERSION_DEFAULT),
        betas=header_betas(call.headers),
        headers=forwarded(call.headers),
        session=session_of(call.headers, body),
    )
    return Item(where, custom_id, request)


def _get(body: Body, name: str) -> Any:
    try:
        return body.get(name)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def models_of(items: Sequence[Item]) -> tuple[str, ...]:
    """Every model, once, in the order of their first use."""
    return tuple(dict.fromkeys(item.request.model for item in items))


def targets_at(desk: Desk, name: str, models: Sequence[str]) -> Mapping[str, Target]:
    """By model what its route buys at a configured surface."""
    key, settings = desk.call.key, desk.parts.tools.settings
    found: dict[str, Target] = {}
    for model in models:
        route = desk.parts.routes().find(key.workload, model)
        targets = candidates(route, key, settings, key.key_id) if route is not None else ()
        for target in targets:
            if settings.key_for(target.offer) == name:
                offer = target.offer if target.offer.model != ANY else replace(target.offer, model=model)
                found.setdefault(model, replace(target, offer=offer))
    return found


def fit(desk: Desk, name: str, body: Body, items: Sequence[Item]) -> Fitted:
    """The batch as the surface takes it; raises UserError that names the request which it cannot take."""
    call, settings = desk.call, desk.parts.tools.settings.surfaces[name]
    upstream = desk.parts.upstreams[settings.surface]
    tags = tags_of(call.key, call.headers, forwarded=call.key.workload in desk.parts.tools.settings.identity_workloads)
    targets = targets_at(desk, name, models_of(items))
    bodies: list[bytes] = []
    opened: list[Opened] = []
    notes: dict[str, None] = {}
    for item in items:
        target = targets[item.request.model]
        request = item.request
        if request.model != target.offer.model:  # the route serves it by another model
            request = replace(request, model=target.offer.model)
        try:
            outbound = upstream.prepare(request, target, desk.parts.facts, settings)
        except UserError as error:
            raise UserError(f"{item.where}.params.{error.field}", error.value, error.remedy) from error
        except NotSupported as error:
            raise NotSupported(f"{item.where}: {error}") from error
        offer = outbound.offer or target.offer
        if call.key.scopes and offer.scope not in call.key.scopes:  # the request itself asked for another geography
            allowed = ", ".join(call.key.scopes)
            raise UserError(f"{item.where}: region scope", offer.scope, f"this workload may be served in {allowed}")
        bodies.append(outbound.body)
        notes |= dict.fromkeys(outbound.notes)
        opened.append(_opened(call, item, replace(offer, tier=_TIER), tags))
    return Fitted(_spliced(body, bodies), tuple(opened), tuple(notes))


def _opened(call: Call, item: Item, offer: Offer, tags: Mapping[str, str]) -> Opened:
    return Opened(
        event_id=event_id(call.request_id, item.custom_id),
        request_id=call.request_id,
        attempt=1,
        at=call.at,
        offer=offer,
        workload=call.key.workload,
        key_id=call.key.key_id,
        session=item.request.session,
        endpoint="batches",
        tags=tags,
        prompt_bytes=len(item.request.body.data),
        max_output_tokens=item.request.max_tokens,
    )


def _spliced(body: Body, bodies: Sequence[bytes]) -> bytes:
    """The client's bytes with each request's params replaced, where they differ."""
    each: Iterator[bytes] = iter(bodies)
    raw = body.raw("requests") or b"[]"
    changed = edit_items(raw, lambda item: edit_member(item, "params", lambda _params: next(each)))
    return body.data if changed == raw else body.edit(replace={"requests": changed})
