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


@dataclass(frozen=True, slots=True, order=True)
class Unrouted:
    """A workload's requests for a model that no route leads anywhere: the gateway answers them with 404."""

    workload: str
    model: str
    requests: int


def unrouted(demands: Iterable[Demand], table: RouteTable) -> tuple[Unrouted, ...]:
    """What was measured and has no route, by workload and model; requests of unknown size are counted too."""
    found: dict[tuple[str, str], int] = {}
    for demand in demands:
        key = demand.workload, demand.model
        if table.find(*key) is None:
            found[key] = found.get(key, 0) + demand.requests + demand.unknown
    return tuple(Unrouted(*key, requests) for key, requests in sorted(found.items()))


@dataclass(frozen=True, slots=True)
class DryRun:
    """Measured traffic priced as it ran and as a route table would have sent it, cache lives as they were sent.

    `requests` are those in the two amounts, `moved` the expected number of them on another surface. What no route leads
    anywhere is in `refused`, what has no price there in `unpriced`, and neither is in any of these.
    """

    at: date
    requests: int
    before: Money
    after: Money
    moved: int
    refused: tuple[Unrouted, ...]
    unpriced: tuple[str, ...]


def dry_run(demands: Sequence[Demand], table: RouteTable, book: PriceBook, at: date) -> DryRun:
    """What the route table would have made of measured demand, at the prices of a day."""
    market = BookMarket(book, at)
    requests = moved = 0
    before, after = 0, 0
    unpriced = []
    for demand in demands:
        route = table.find(demand.workload, demand.model)
        if route is None:
            continue
        try:
            now, then = baseline_cost(demand, market), _routed(demand, route, market)
        except NoPrice as error:
            unpriced.append(f"{demand.workload}/{demand.model}: {error}")
            continue
        requests += demand.requests
        before, after = before + now, after + then
        moved += _moved(demand, route)
    return DryRun(at, requests, Money(before), Money(after), moved, unrouted(demands, table), tuple(unpriced))


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
