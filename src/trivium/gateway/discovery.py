"""`GET /v1/models`: what the holder of a key may use on the surfaces that are configured, as its client reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from trivium.core import ANY, FactError, KeyRecord, Route, RouteTable, UserError
from trivium.gateway.admit import Refused
from trivium.gateway.routing import candidates
from trivium.gateway.seams import Facts, GatewaySettings

_PROFILE_SCOPES = ("global", "us", "eu", "jp", "au", "apac")
_PAGE, _PAGE_MAX = 20, 1000  # the API's own
_NO_DATE = "1970-01-01T00:00:00Z"  # the API's own value where a release date is not known


def listing(
    table: RouteTable,
    key: KeyRecord,
    facts: Facts,
    settings: GatewaySettings,
    *,
    only: str | None = None,
    query: Mapping[str, Sequence[str]] | None = None,
    openai: bool = False,
) -> bytes:
    """The models of a key in the API's shape, a page of them or one; or in OpenAI's, which knows no pages."""
    models = [model for model in facts.models() if _usable(model, table, key, facts, settings)]
    entry = _openai_entry if openai else _entry
    if only is None and openai:
        return msgspec.json.encode({"object": "list", "data": [entry(model, facts) for model in models]})
    if only is None:
        shown, more = _page(models, query or {})
        page: dict[str, Any] = {"data": [entry(model, facts) for model in shown], "has_more": more}
        page["first_id"] = shown[0] if shown else None
        page["last_id"] = shown[-1] if shown else None
        return msgspec.json.encode(page)
    try:
        wanted = facts.model_id(only)
    except FactError as error:
        raise Refused(404, "not_found_error", f"model: {only}") from error
    if wanted not in models:
        raise Refused(404, "not_found_error", f"model: {only}")
    return msgspec.json.encode(entry(wanted, facts))


def _page(models: Sequence[str], query: Mapping[str, Sequence[str]]) -> tuple[Sequence[str], bool]:
    """The page that `limit`, `after_id` and `before_id` ask for, and whether more follow in that direction."""
    limit_text = query.get("limit", (str(_PAGE),))[0]
    if not limit_text.isascii() or not limit_text.isdigit() or not 1 <= int(limit_text) <= _PAGE_MAX:
        raise UserError("limit", limit_text[:64], f"give a whole number from 1 to {_PAGE_MAX}")
    limit, after, before = int(limit_text), query.get("after_id", ("",))[0], query.get("before_id", ("",))[0]
    for field, cursor in (("after_id", after), ("before_id", before)):
        if cursor and cursor not in models:  # the first page again would be listed for ever
            raise UserError(field, cursor[:64], "give the last_id or first_id of an earlier page")
    start = models.index(after) + 1 if after else 0
    if before:
        end = models.index(before)
        return models[max(end - limit, start) : end], end - limit > start
    return models[start : start + limit], start + limit < len(models)


def profiles(table: RouteTable, key: KeyRecord, facts: Facts, settings: GatewaySettings, *, only: str = "") -> bytes:
    """The same models as Bedrock's inference profiles, or one of them: names alone, with no account behind them."""
    found = [
        _profile(wire, facts.display_name(model))
        for model in facts.models()
        if _usable(model, table, key, facts, settings)
        for wire in _profile_names(model, facts)
    ]
    if not only:
        return msgspec.json.encode({"inferenceProfileSummaries": found})
    for profile in found:
        if profile["inferenceProfileId"] == only:
            return msgspec.json.encode(profile)
    raise Refused(404, "not_found_error", f"inference profile: {only[:200]}")


def _profile_names(model: str, facts: Facts) -> list[str]:
    names = []
    for scope in _PROFILE_SCOPES:
        try:
            names.append(facts.wire_model("bedrock", scope, model))
        except FactError:
            continue
    return names


def _profile(wire: str, name: str) -> dict[str, Any]:
    arn = f"arn:aws:bedrock:::inference-profile/{wire}"
    return {
        "inferenceProfileId": wire,
        "inferenceProfileName": name,
        "inferenceProfileArn": arn,
        "models": [{"modelArn": f"arn:aws:bedrock:::foundation-model/{wire.partition('.')[2]}"}],
        "status": "ACTIVE",
        "type": "SYSTEM_DEFINED",
    }


def _usable(model: str, table: RouteTable, key: KeyRecord, facts: Facts, settings: GatewaySettings) -> bool:
    if key.models and model not in key.models:
        return False
    route = table.find(key.workload, model)
    return route is not None and _served(model, route, key, facts, settings)


def _served(model: str, route: Route, key: KeyRecord, facts: Facts, settings: GatewaySettings) -> bool:
    """Whether a target of the route names a surface that carries its model."""
    for target in candidates(route, key, settings, key.key_id):
        offer = target.offer
        try:
            facts.wire_model(offer.surface, offer.scope, model if offer.model == ANY else offer.model)
        except FactError:
            continue
        return True
    return False


def _entry(model: str, facts: Facts) -> dict[str, str]:
    return {"type": "model", "id": model, "display_name": facts.display_name(model), "created_at": _NO_DATE}


def _openai_entry(model: str, facts: Facts) -> dict[str, Any]:  # noqa: ARG001  both forms are asked for alike
    return {"id": model, "object": "model", "created": 0, "owned_by": "anthropic"}
