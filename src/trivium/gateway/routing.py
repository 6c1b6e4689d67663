"""Orders the targets of a route for one request: stable by session, weighted, draining surfaces last."""

from __future__ import annotations

import hashlib
import math

from trivium.core import KeyRecord, Route, Target
from trivium.gateway.seams import GatewaySettings

_HASH_SPACE = 2**64


def candidates(route: Route, key: KeyRecord, settings: GatewaySettings, affinity: str) -> tuple[Target, ...]:
    """The targets a request may use, best first.

    Those that the key forbids or no configured surface serves are left out. The first is drawn by weight from a hash
    of `affinity`, so that a session keeps its surface, and its cache; the rest follow in the route's own order.
    """
    ready: list[Target] = []
    draining: list[Target] = []
    for target in route.targets:
        name = settings.key_for(target.offer)
        if name is None or (key.surfaces and target.offer.surface not in key.surfaces):
            continue
        (draining if settings.surfaces[name].draining else ready).append(target)
    chosen = _chosen(ready, affinity)
    others = [target for target in ready if target is not chosen]
    return tuple([chosen] if chosen else []) + tuple(others) + tuple(draining)


def _chosen(targets: list[Target], affinity: str) -> Target | None:
    """Weighted rendezvous: a change of one weight moves only the sessions that it must."""
    weighted = [target for target in targets if target.weight > 0]
    if not weighted:
        return targets[0] if targets else None
    if len(weighted) == 1:
        return weighted[0]
    return max(weighted, key=lambda target: _score(target, affinity))


def _score(target: Target, affinity: str) -> float:
    """-weight / ln(u) with u uniform in (0, 1): the largest score falls on each target in proportion to its weight."""
    digest = hashlib.blake2b(f"{affinity}\0{target.offer}".encode(), digest_size=8).digest()
    uniform = (int.from_bytes(digest, "big") + 0.5) / _HASH_SPACE
    return -target.weight / math.log(uniform)
