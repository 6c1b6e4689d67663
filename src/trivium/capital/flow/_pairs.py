"""Pairwise round trips: what a supplier invests in its buyer against what the buyer commits to it. No assumption."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from trivium.capital.deals import Stage
from trivium.capital.flow._values import Edge, RoundTrip

INVEST, COMMIT = "invest", "commit"


def round_trips(edges: Iterable[Edge]) -> tuple[RoundTrip, ...]:
    """Every pair with a commitment one way and an investment the other, the largest investment first."""
    by: dict[tuple[str, str, str], list[Edge]] = {}
    for edge in edges:
        by.setdefault((edge.payer, edge.receiver, edge.head), []).append(edge)
    found = [
        _trip(buyer, supplier, by) for buyer, supplier, head in by if head == COMMIT and (supplier, buyer, INVEST) in by
    ]
    return tuple(sorted(found, key=lambda trip: (-trip.invested_usd, trip.buyer, trip.supplier)))


def _trip(buyer: str, supplier: str, by: Mapping[tuple[str, str, str], list[Edge]]) -> RoundTrip:
    committed = by[buyer, supplier, COMMIT]
    invested = by[supplier, buyer, INVEST]
    also = by.get((supplier, buyer, COMMIT), [])
    rows = (*committed, *invested)
    return RoundTrip(
        buyer,
        supplier,
        sum(edge.usd for edge in committed),
        sum(edge.usd for edge in invested),
        sum(edge.usd for edge in also),
        tuple(edge.deal for edge in (*rows, *also)),
        sum(edge.usd for edge in invested if edge.conditional),
        tuple(stage.value for stage in Stage if stage.value in {edge.stage for edge in rows}),
    )
