"""The circular flow of a deal ledger: round trips, cycles, the maximum circulation, and the same year by year."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from trivium.capital.deals import Deal, DealLedger
from trivium.capital.flow._circulation import circulation, most_returned
from trivium.capital.flow._cycles import elementary_cycles
from trivium.capital.flow._edges import Worth, counted_twice, money_edges, why_left_out
from trivium.capital.flow._pairs import COMMIT, INVEST, round_trips
from trivium.capital.flow._values import Edge, Flow, Year

_MAKER = "model maker"
Progress = Callable[[int, int], None]


def circular_flow(
    ledger: DealLedger,
    worth: Worth,
    *,
    modelled: Sequence[tuple[str, str, Fraction]] = (),
    progress: Progress | None = None,
) -> Flow:
    """The circular flow of the ledger's current deals and of those that have ended.

    `modelled` adds what a party passes on: (payer, receiver, share of what others commit to the payer). It is an
    assumption and named as one. UserError without the extra `capital`; NotProved.
    """
    deals = tuple(deal for deal in ledger.deals if not deal.superseded_by and deal.state.value != "terminated")
    edges = _with_modelled(money_edges(deals, worth), modelled)
    makers = frozenset(party.name for party in ledger.parties if party.role == _MAKER)
    return Flow(
        edges=edges,
        round_trips=round_trips(edges),
        cycles=elementary_cycles(edges),
        circulation=circulation(edges, makers),
        years=_years(deals, worth, modelled, progress) if worth.year is None else (),
        counted_twice_usd=counted_twice(deals, edges),
        left_out=tuple((deal.id, why) for deal in deals if (why := why_left_out(deal))),
        assumed=tuple(
            f"{float(share):g} of what others commit to {payer} is taken to go on to {receiver}"
            for payer, receiver, share in modelled
        ),
        schedules_assumed=tuple(
            f"{deal.name}: {text}" for deal in deals if not why_left_out(deal) for text in deal.schedule.assumed
        ),
    )


def rows_moved(earlier: Flow, later: Flow) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The rows that were edges of money and are none any more, and those that have become one, by their short ids."""
    before, after = ({edge.deal.removeprefix("deal.") for edge in one.edges} for one in (earlier, later))
    return tuple(sorted(before - after)), tuple(sorted(after - before))


def _with_modelled(edges: tuple[Edge, ...], modelled: Sequence[tuple[str, str, Fraction]]) -> tuple[Edge, ...]:
    """The edges and those that are modelled: a share of all that others commit to a party, save the one it pays."""
    more = []
    for payer, receiver, share in modelled:
        taken = sum(
            edge.usd for edge in edges if (edge.receiver, edge.head) == (payer, COMMIT) and edge.payer != receiver
        )
        if usd := round(taken * share):
            more.append(Edge(f"modelled {payer} -> {receiver}", payer, receiver, COMMIT, usd))
    return (*edges, *more)


def _years(
    deals: Sequence[Deal], worth: Worth, modelled: Sequence[tuple[str, str, Fraction]], progress: Progress | None
) -> tuple[Year, ...]:
    counted = [deal for deal in deals if not why_left_out(deal)]
    span = sorted({year for deal in counted for year in deal.schedule.span})
    found = []
    for number, year in enumerate(span, start=1):
        edges = _with_modelled(money_edges(counted, Worth(worth.as_of, worth.rate, year)), modelled)
        if edges:
            around, back = most_returned(edges)
            put_in = sum(edge.usd for edge in edges if edge.head == INVEST)
            found.append(Year(year, sum(edge.usd for edge in edges), around, put_in, back))
        if progress is not None:
            progress(number, len(span))
    return tuple(found)
