"""The report as parts of a page: each says in words what its picture shows, and every figure leads to its claims."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from trivium.capital.deals import Deal, Kind
from trivium.capital.flow import Flow
from trivium.capital.report import _charts as charts
from trivium.capital.report._blocks import Block, Bullets, Grid, Para, Part, Picture, Refs, text
from trivium.capital.report._cover import cover_part, due_part, vary_part
from trivium.capital.report._rest import capacity_part, claims_part, evidence_part, readings_part, stress_part
from trivium.capital.report._values import IS_NOT, Report
from trivium.capital.report._words import billions

_CYCLES_MAX = 15


def parts_of(report: Report) -> tuple[Part, ...]:
    """All parts in order; the table of claims comes last, for it holds what the others named."""
    refs = Refs(report.snapshot.claims)
    found = [
        _front(report, refs),
        _flows(report, refs),
        _exposure(report, refs),
        _round(report, refs),
        cover_part(report, refs),
        due_part(report, refs),
        capacity_part(report, refs),
        stress_part(report, refs),
        vary_part(report),
        _contradictions(report, refs),
        *readings_part(report, refs),
        evidence_part(report),
    ]
    return (*found, claims_part(refs))


def _front(report: Report, refs: Refs) -> Part:
    asked = report.asked
    blocks: list[Block] = []
    if report.stale:
        age = "no deal has a date" if report.age_days is None else f"{report.age_days} days old ({report.newest})"
        words = f"Stale: re-check. The newest deal is {age}; more than {asked.stale_days} days was asked to be said."
        blocks.append(Para(text(words), "banner"))
    else:
        blocks.append(Para(text(f"The newest deal is {report.age_days} days old ({report.newest})."), "note"))
    ids = [row[0] for row in report.firmness.rows]
    items = [
        text(
            f"{asked.party} has committed {billions(report.firmness.headline_usd)} bn USD in all, "
            f"{billions(report.firmness.contracted_usd)} of it contracted, {billions(report.firmness.firm_usd)} firm.",
            *refs.of(*ids),
        )
    ]
    if report.run_rate_usd is not None:
        years = {degree: float(usd / report.run_rate_usd) for degree, usd in report.committed_usd.items()}
        told = ", ".join(f"{value:.3g} ({degree.value})" for degree, value in years.items())
        grounds = refs.of(report.rate_claim.id) if report.rate_claim else ()
        words = f"That is {told} years of a run rate of {billions(report.run_rate_usd)} bn USD a year"
        items.append(text(words + (", which you gave." if report.rate_claim is None else "."), *grounds))
    around = report.flow.circulation
    share = around.returned_usd / around.invested_usd if around.invested_usd else 0.0
    items.append(
        text(
            f"Of {billions(around.invested_usd)} bn USD that was invested, at most {billions(around.returned_usd)} "
            f"({share:.0%}) can come back to an investor through the network; {len(report.flow.cycles)} cycles "
            "of up to five parties.",
            *refs.of(*(edge.deal for edge in report.flow.edges if edge.head == "invest")),
        )
    )
    items.append(text(f"{len(report.ledger.contradictions)} contradictions between claims are listed, not smoothed."))
    if asked.scenario is None:
        items.append(text("No scenario was given, so no probability is printed anywhere on this page."))
    blocks += [Bullets(tuple(items)), Para(text(IS_NOT), "strong")]
    return Part("summary", "What it says", tuple(blocks))


def _flows(report: Report, refs: Refs) -> Part:
    _, aside = charts.drawn_parties(report.ledger)
    blocks: list[Block] = [
        Picture(
            charts.ring_chart(report.ledger, refs.anchor).svg(),
            text(
                "Each arc is money from one party to another, its width by the root of the amount; there and back "
                "are two arcs, so what goes round can be followed. Solid is contracted, dashed announced or reported, "
                "dotted a letter of intent. Only flows are drawn here: worths are below, on a scale of their own."
            ),
        )
    ]
    if aside:
        blocks.append(
            Para(text(f"Not drawn for lack of room: {', '.join(aside)}. The heat map's rows are fewer still."), "note")
        )
    unknown = [
        deal
        for deal in report.ledger.current
        if deal.counted and deal.amount.point is None and deal.kind in {Kind.COMMIT, Kind.LEASE, Kind.INVEST, Kind.LEND}
    ]
    if unknown:
        words = "Their amounts nobody gives, so no arc has them, and no sum: "
        cells = "; ".join(f"{deal.name} {deal.giver} to {deal.getter}" for deal in unknown)
        blocks.append(Para(text(words + cells + ".", *refs.of(*(deal.id for deal in unknown))), "note"))
    stakes = [deal for deal in report.ledger.current if deal.kind is Kind.STAKE and deal.amount.point]
    if stakes:
        caption = text(
            "What is held (or, as the words say, proposed): carrying values, market values and shares of a "
            "valuation. No money moved by these, and they are on no scale with what did.",
            *refs.of(*(deal.id for deal in stakes)),
        )
        blocks.append(Picture(charts.stakes_chart(report.ledger).svg(), caption))
    blocks.append(_promises(report, refs))
    return Part("flows", "Who finances whom", tuple(blocks))


def _promises(report: Report, refs: Refs) -> Grid:
    """Guarantees, warrants, supply and shares of revenue: they are no flow, and bind all the same."""
    kinds = {Kind.GUARANTEE, Kind.WARRANT, Kind.SUPPLY, Kind.REVENUE_SHARE}
    rows = [
        (
            text(deal.giver),
            text(deal.getter),
            text(deal.what.replace("_", " ") or deal.kind.value),
            text(_amount(deal)),
            text(deal.stage.value, *refs.of(deal.id)),
        )
        for deal in report.ledger.current
        if deal.kind in kinds
    ]
    head = ("from", "to", "what", "bn USD", "status")
    return Grid(
        head, "lllrl", tuple(rows), "What binds without being a flow: guarantees, warrants, supply, revenue share"
    )


def _exposure(report: Report, refs: Refs) -> Part:
    deals = charts.drawn_deals(report.ledger)
    caption = text(
        "The row pays, the column receives, all purposes together; a dashed frame where part of it is not contracted. "
        "Shades go by the logarithm.",
        *refs.of(*(deal.id for deal in deals)),
    )
    return Part("exposure", "Exposure", (Picture(charts.heat_chart(report.ledger, refs.anchor).svg(), caption),))


def _round(report: Report, refs: Refs) -> Part:
    flow = report.flow
    pairs = [
        (
            text(one.buyer),
            text(one.supplier),
            text(billions(one.committed_usd)),
            text(billions(one.invested_usd)),
            text(billions(one.conditional_usd)),
            text(f"{float(one.ratio):.3f}"),
            text(one.stages[0] if one.stages else "", *refs.of(*one.deals)),
        )
        for one in flow.round_trips
    ]
    ranges = [
        (
            text(f"{one.payer} to {one.receiver}"),
            text(billions(one.committed_usd)),
            text(f"{billions(one.low_usd)} to {billions(one.high_usd)}"),
            text(
                f"{float(one.low):.3f} to {float(one.high):.3f}",
                *refs.of(*_rows(flow, [(one.payer, one.receiver)], "commit")),
            ),
        )
        for one in flow.circulation.commitments
    ]
    cycles = sorted(flow.cycles, key=lambda one: -one.bottleneck_usd)
    shown = [
        (
            text(" → ".join((*one.parties, one.parties[0]))),
            text(billions(one.bottleneck_usd)),
            text(
                " → ".join(one.narrowest),
                *refs.of(*_rows(flow, pairwise((*one.parties, one.parties[0])))),
            ),
        )
        for one in cycles[:_CYCLES_MAX]
    ]
    more = f", the {_CYCLES_MAX} widest of {len(cycles)}" if len(cycles) > _CYCLES_MAX else ""
    blocks: list[Block] = [
        Grid(
            ("buyer", "supplier", "committed", "invested back", "of it staged", "ratio", "weakest row"),
            "llrrrrl",
            tuple(pairs),
            "Pairs: what a supplier invested in its buyer over what the buyer committed to it, bn USD",
        ),
        Grid(
            ("commitment", "committed", "can be investment come round", "share"),
            "lrrr",
            tuple(ranges),
            "Ranges over all routings that return the most, bn USD: a point would be the choice of a solver",
        ),
        Grid(("cycle", "bottleneck", "narrowest"), "lrl", tuple(shown), f"Cycles of up to five parties, bn USD{more}"),
        Para(text(f"All of it, and by year: trivium capital flow --as-of {report.snapshot.as_of}"), "note"),
    ]
    return Part("round", "What comes round", tuple(blocks))


def _rows(flow: Flow, pairs: Iterable[tuple[str, str]], head: str = "") -> list[str]:
    """The deals behind the edges of some pairs of parties."""
    wanted = set(pairs)
    return [
        edge.deal
        for edge in flow.edges
        if (edge.payer, edge.receiver) in wanted and (not head or edge.head == head) and edge.stage
    ]


def _contradictions(report: Report, refs: Refs) -> Part:
    rows = [
        (
            text(", ".join(name.removeprefix("deal.") for name in one.deals)),
            text(one.says, *refs.of(*one.claim_ids)),
            text(", ".join(one.stands) or "nothing decides"),
            text(one.why),
        )
        for one in report.ledger.contradictions
    ]
    grid = Grid(("deal", "claims that cannot all be true", "stands", "why"), "llll", tuple(rows))
    return Part("contradictions", "Contradictions", (grid,))


def _amount(deal: Deal) -> str:
    if deal.amount.point is None:
        return "unknown"
    words = f"{deal.amount.words} " if deal.amount.words in {"up to", "at least", "about"} else ""
    return f"{words}{billions(deal.amount.point.usd)}"
