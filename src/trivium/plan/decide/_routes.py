"""The route table of a decision, what it changes against the one in force, and a dry run against measured traffic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from trivium.core import Money, NoPrice, Offer, Route, RouteTable, Target
from trivium.plan._demand import Demand
from trivium.plan._make import round_half_even
from trivium.plan._market import AS_SENT, BookMarket, baseline_cost, demand_cost
from trivium.plan.decision import Stage
from trivium.pricing import PriceBook


def routes_from(
    stages: Sequence[Stage], fallbacks: Mapping[tuple[str, str], Sequence[tuple[Offer, str]]], version: str
) -> RouteTable:
    """The first month's stages as routes; the best offers on other surfaces follow with weight 0, for failover.

    Each of them has the cache life that is cheapest there.

    Batches are not routed: they are sent as batches by whoever may wait.
    """
    found: dict[tuple[str, str], list[Stage]] = {}
    first = min((stage.first_month for stage in stages), default=None)
    for stage in stages:
        if stage.first_month == first and stage.offer.tier != "batch":
            found.setdefault((stage.workload, stage.model), []).append(stage)
    routes = []
    for (workload, model), mine in sorted(found.items()):
        whole = sum(stage.share_percent for stage in mine)  # less than a hundred where a part of it waits for batches
        targets = [
            Target(stage.offer, max(round(100 * stage.share_percent / whole), 1), _advice(stage.cache_life))
            for stage in mine
        ]
        used = {stage.offer.surface for stage in mine}
        others = fallbacks.get((workload, model), ())
        targets += [Target(offer, 0, _advice(life)) for offer, life in others if offer.surface not in used]
        routes.append(Route(workload, model, tuple(targets), ""))
    return RouteTable(tuple(routes), version)


def _advice(life: str) -> str:
    return life if life in {"5m", "1h"} else "as_sent"


@dataclass(frozen=True, slots=True)
class RouteChange:
    """One route that is new, gone or different."""

    workload: str
    model: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def diff_routes(before: RouteTable | None, after: RouteTable) -> tuple[RouteChange, ...]:
    """What a new table changes, by workload and model; targets as `share % offer (cache life)`."""
    old = {(route.workload, route.model): _told(route) for route in before.routes} if before is not None else {}
    new = {(route.workload, route.model): _told(route) for route in after.routes}
    return tuple(
        RouteChange(*key, old.get(key, ()), new.get(key, ()))
        for key in sorted({*old, *new})
        if old.get(key, ()) != new.get(key, ())
    )


def _told(route: Route) -> tuple[str, ...]:
    return tuple(f"{target.weight} % {target.offer} ({target.cache_ttl})" for target in route.targets)


@dataclass(frozen=True, slots=True)
class DryRun:
    """Measured traffic priced as it ran and as a route table would have sent it, cache lives as they were sent.

    `moved` is the expected number of requests on another surface. A demand without a route stays where it ran. One
    whose target has no price is in `unpriced` and in neither amount.
    """

    at: date
    requests: int
    before: Money
    after: Money
    moved: int
    unpriced: tuple[str, ...]


def dry_run(demands: Iterable[Demand], table: RouteTable, book: PriceBook, at: date) -> DryRun:
    """What the route table would have made of measured demand, at the prices of a day."""
    market = BookMarket(book, at)
    requests = moved = 0
    before, after = 0, 0
    unpriced = []
    for demand in demands:
        route = table.find(demand.workload, demand.model)
        try:
            now = baseline_cost(demand, market)
            then = now if route is None else _routed(demand, route, market)
        except NoPrice as error:
            unpriced.append(f"{demand.workload}/{demand.model}: {error}")
            continue
        requests += demand.requests
        before, after = before + now, after + then
        if route is not None:
            moved += _moved(demand, route)
    return DryRun(at, requests, Money(before), Money(after), moved, tuple(unpriced))


def _routed(demand: Demand, route: Route, market: BookMarket) -> int:
    weights = sum(target.weight for target in route.targets)
    total = sum(
        target.weight * demand_cost(demand.rows, target.offer, AS_SENT, market, demand.band_starts)
        for target in route.targets
        if target.weight
    )
    return round_half_even(total, weights)


def _moved(demand: Demand, route: Route) -> int:
    weights = sum(target.weight for target in route.targets)
    share: dict[str, int] = {}
    for target in route.targets:
        share[target.offer.surface] = share.get(target.offer.surface, 0) + target.weight
    return sum(round(count * (weights - share.get(offer.surface, 0)) / weights) for offer, count in demand.offers)
