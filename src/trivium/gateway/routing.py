"""Orders the targets of a route for one request: where its cache lives, else by weight; draining surfaces last."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from trivium.core import ANY, Considered, KeyRecord, Offer, Route, Target
from trivium.gateway.seams import GatewaySettings

_HASH_SPACE = 2**64


@dataclass(frozen=True, slots=True)
class Ranking:
    """The targets a request may use, best first, with why the first is; and those that it may not use, with why."""

    targets: tuple[Target, ...] = ()
    first: Considered | None = None
    passed: tuple[Considered, ...] = ()


def candidates(route: Route, key: KeyRecord, settings: GatewaySettings, affinity: str) -> tuple[Target, ...]:
    """The targets a request may use, best first, where no cache of it lives.

    Those that the key forbids or no configured surface serves are left out. The first is drawn by weight from a hash
    of `affinity`; the rest follow in the route's own order.
    """
    return rank(route, key, settings, lambda: affinity).targets


def rank(
    route: Route,
    key: KeyRecord,
    settings: GatewaySettings,
    draw: Callable[[], str],
    *,
    model: str = ANY,
    home: Offer | None = None,
    suits: Callable[[Target], bool] = lambda _target: True,
) -> Ranking:
    """Order the targets of a route: first `home`, where the request's cache lives, whatever the weights are by now.

    Without a home the first is drawn by weight from a hash of `draw()`. The rest follow in the route's own order, those
    that do not suit and those that drain last. Offers come back for `model` where the route names any.
    """
    ready: list[Target] = []
    unsuited: list[Target] = []
    draining: list[Target] = []
    passed: list[Considered] = []
    for target in route.targets:
        named = _named(target, model)
        why = _barred(target.offer, key, settings)
        if why is not None:
            passed.append(Considered(str(named.offer), why))
            continue
        surface = settings.surfaces[settings.key_for(target.offer) or ""]
        at_home = home is not None and named.offer == home
        if surface.draining:
            passed.append(Considered(str(named.offer), "draining"))
            draining.append(target)
        elif suits(named) or at_home:
            ready.append(target)
        else:
            passed.append(Considered(str(named.offer), "signer"))
            unsuited.append(target)
    if home is not None and all(_named(target, model).offer != home for target in route.targets):
        passed.insert(0, Considered(str(home), "route"))
    living = next((target for target in ready if home is not None and _named(target, model).offer == home), None)
    chosen = living or _chosen(ready, draw)
    others = [target for target in ready if target is not chosen]
    ordered = [*([chosen] if chosen else []), *others, *unsuited, *draining]
    first = None
    if chosen is not None:
        first = _why(_named(chosen, model), ready, living=living is not None)
    return Ranking(tuple(_named(target, model) for target in ordered), first, tuple(passed))


def _named(target: Target, model: str) -> Target:
    return replace(target, offer=replace(target.offer, model=model)) if target.offer.model == ANY else target


def _barred(offer: Offer, key: KeyRecord, settings: GatewaySettings) -> str | None:
    """Why a request of this key may not go there at all; None if it may."""
    if settings.key_for(offer) is None:
        return "configured"
    if key.surfaces and offer.surface not in key.surfaces:
        return "key"
    if key.scopes and offer.scope not in key.scopes:
        return "residency"
    return None


def _why(target: Target, ready: list[Target], *, living: bool) -> Considered:
    total = sum(one.weight for one in ready)
    if living:
        return Considered(str(target.offer), "cache")
    if len(ready) == 1:
        return Considered(str(target.offer), "only")
    if target.weight == 0:
        return Considered(str(target.offer), "order")
    return Considered(str(target.offer), "weight", f"{target.weight} of {total}")


def _chosen(targets: list[Target], draw: Callable[[], str]) -> Target | None:
    """Weighted rendezvous: a change of one weight moves only the sessions that it must."""
    weighted = [target for target in targets if target.weight > 0]
    if not weighted:
        return targets[0] if targets else None
    if len(weighted) == 1:
        return weighted[0]
    affinity = draw()
    return max(weighted, key=lambda target: _score(target, affinity))


def _score(target: Target, affinity: str) -> float:
    """-weight / ln(u) with u uniform in (0, 1): the largest score falls on each target in proportion to its weight."""
    digest = hashlib.blake2b(f"{affinity}\0{target.offer}".encode(), digest_size=8).digest()
    uniform = (int.from_bytes(digest, "big") + 0.5) / _HASH_SPACE
    return -target.weight / math.log(uniform)
