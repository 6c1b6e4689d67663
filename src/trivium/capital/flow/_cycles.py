"""Elementary cycles of money up to a length, with their bottlenecks (Johnson 1975, bounded as in networkx)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from trivium.capital._extra import needed
from trivium.capital.flow._values import Cycle, Edge

LENGTH_MAX = 5


def pair_weights(edges: Iterable[Edge]) -> Mapping[tuple[str, str], int]:
    """All money from one party to another, in USD, whatever it is for."""
    found: dict[tuple[str, str], int] = {}
    for edge in edges:
        pair = (edge.payer, edge.receiver)
        found[pair] = found.get(pair, 0) + edge.usd
    return found


def elementary_cycles(edges: Iterable[Edge], length_max: int = LENGTH_MAX) -> tuple[Cycle, ...]:
    """Cycles of at most `length_max` parties, the widest bottleneck first. UserError without the extra `capital`."""
    weights = pair_weights(edges)
    found = []
    for names in cycles_in(weights, length_max):
        steps = list(pairwise((*names, names[0])))
        narrowest = min(steps, key=lambda step: (weights[step], step))
        found.append(Cycle(_from_first(names), weights[narrowest], narrowest))
    return tuple(sorted(found, key=lambda cycle: (-cycle.bottleneck_usd, len(cycle.parties), cycle.parties)))


def cycles_in(pairs: Iterable[tuple[str, str]], length_max: int = LENGTH_MAX) -> list[tuple[str, ...]]:
    """The elementary cycles of a graph given by its pairs."""
    networkx: Any = needed("networkx", "cycles")
    graph = networkx.DiGraph()
    graph.add_edges_from(sorted(pairs))
    return [tuple(names) for names in networkx.simple_cycles(graph, length_bound=length_max)]


def _from_first(names: tuple[str, ...]) -> tuple[str, ...]:
    """The same cycle, begun at the first of its names, so that one cycle has one spelling."""
    start = names.index(min(names))
    return (*names[start:], *names[:start])
