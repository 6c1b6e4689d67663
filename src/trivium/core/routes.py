"""The route table: written by the planner, read by the gateway, reloaded without a restart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trivium.core.errors import UserError
from trivium.core.money import Money
from trivium.core.offer import Offer

ANY = "*"


@dataclass(frozen=True, slots=True)
class Target:
    """One place a workload's request may go; weights are relative, 0 means only as a fallback."""

    offer: Offer
    weight: int
    cache_ttl: str = "as_sent"  # "as_sent" | "5m" | "1h": advice of the plan, shown by the gateway


@dataclass(frozen=True, slots=True)
class Route:
    """Where requests of one workload for one model go, in order of preference for failover."""

    workload: str  # ANY for a default
    model: str  # catalogue model id, ANY for a default
    targets: tuple[Target, ...]
    reason: str = ""
    cache_loss_max: Money | None = None  # a dearer loss of cache is worth a short wait; None: as the workload says


@dataclass(frozen=True, slots=True)
class RouteTable:
    """Routes with a version; the most specific (workload, model) pair wins."""

    routes: tuple[Route, ...] = ()
    version: str = ""
    _index: Mapping[tuple[str, str], Route] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        index: dict[tuple[str, str], Route] = {}
        for route in self.routes:
            key = (route.workload, route.model)
            if key in index:
                raise UserError("routes", key, "give each (workload, model) pair one route")
            index[key] = route
        object.__setattr__(self, "_index", index)

    def find(self, workload: str, model: str) -> Route | None:
        """The route for a request: exact, then any model, then any workload, then the default."""
        for key in ((workload, model), (workload, ANY), (ANY, model), (ANY, ANY)):
            if key in self._index:
                return self._index[key]
        return None

    def to_json(self) -> str:
        """The file form, stable and readable."""
        routes = [
            {
                "workload": route.workload,
                "model": route.model,
                "reason": route.reason,
                **({} if route.cache_loss_max is None else {"cache_loss_usd_max": str(route.cache_loss_max)}),
                "targets": [
                    {
                        "surface": target.offer.surface,
                        "scope": target.offer.scope,
                        "model": target.offer.model,
                        "tier": target.offer.tier,
                        "weight": target.weight,
                        "cache_ttl": target.cache_ttl,
                    }
                    for target in route.targets
                ],
            }
            for route in self.routes
        ]
        return json.dumps({"version": self.version, "routes": routes}, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> RouteTable:
        """Parse the file form; raises UserError that names the place and the remedy."""
        try:
            raw = json.loads(text)
        except ValueError as error:
            raise UserError("route table", text[:40], f"give valid JSON ({error})") from error
        if not isinstance(raw, dict) or not isinstance(raw.get("routes"), list):
            raise UserError("route table", type(raw).__name__, 'give an object with a list "routes"')
        routes = tuple(_route(item, f"routes[{number}]") for number, item in enumerate(raw["routes"]))
        return cls(routes, str(raw.get("version", "")))


def _route(raw: Any, where: str) -> Route:
    if not isinstance(raw, dict):
        raise UserError(where, raw, "give an object")
    targets = raw.get("targets")
    if not isinstance(targets, list) or not targets:
        raise UserError(f"{where}.targets", targets, "give at least one target")
    return Route(
        workload=_text(raw, "workload", where),
        model=_text(raw, "model", where),
        targets=tuple(_target(item, f"{where}.targets[{number}]") for number, item in enumerate(targets)),
        reason=str(raw.get("reason", "")),
        cache_loss_max=_amount(raw, "cache_loss_usd_max", where),
    )


def _amount(raw: Mapping[str, Any], key: str, where: str) -> Money | None:
    value = raw.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise UserError(f"{where}.{key}", value, 'give dollars as text, such as "0.50"')
    try:
        found = Money.from_usd(value)
    except UserError as error:
        raise UserError(f"{where}.{key}", value, error.remedy) from error
    if found < Money(0):
        raise UserError(f"{where}.{key}", value, "give 0 or more")
    return found


def _target(raw: Any, where: str) -> Target:
    if not isinstance(raw, dict):
        raise UserError(where, raw, "give an object")
    weight = raw.get("weight", 1)
    if isinstance(weight, bool) or not isinstance(weight, int) or weight < 0:
        raise UserError(f"{where}.weight", weight, "give a whole number, 0 or more")
    offer = Offer(
        surface=_text(raw, "surface", where),
        scope=_text(raw, "scope", where),
        model=_text(raw, "model", where),
        tier=str(raw.get("tier", "standard")),
    )
    return Target(offer, weight, str(raw.get("cache_ttl", "as_sent")))


def _text(raw: Mapping[str, Any], key: str, where: str) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or not value:
        raise UserError(f"{where}.{key}", value, "give a non-empty string")
    return value
