"""Capacity, stress, readings that others fill in, the grades of the evidence, and the table of claims."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from trivium.capital.deals import Stage
from trivium.capital.report import _charts as charts
from trivium.capital.report._blocks import Block, Bullets, Cell, Grid, Para, Part, Picture, Refs, text
from trivium.capital.report._values import Reading, Report
from trivium.capital.report._words import billions
from trivium.capital.stress import End, Stress, scenario_words
from trivium.catalog import Claim

_SHOWN = 0.005  # bn USD: two places
_CAPACITY_IS_NOT = (
    "No platform publishes Claude's throughput: tokens are those of open-weight models on one chip, scaled by memory "
    "bandwidth. Ranges are shown and swept; no placement counts them."
)
_NO_STRESS = (
    "No balance sheets were given, and none of a named company is shipped. With --sheets FILE (or --example-sheets, in "
    "which all is invented) each scenario of the file stands here, with its best and its worst equilibrium."
)


def capacity_part(report: Report, refs: Refs) -> Part:
    """What a gigawatt costs and buys, and what moves it."""
    found = report.capacity
    if found is None:
        return Part(
            "capacity", "What capacity buys", (Para(text("No claim on chips or gigawatts had been announced.")),)
        )
    cost_ids = [name for one in found.costs for name in one.claim_ids]
    chip_ids = [
        name
        for one in found.chips
        for item in (one.watts_per_chip, one.tokens_per_s_per_chip)
        for name in item.claim_ids
    ]
    first = found.buys[0].silicon
    waits = [
        (
            text(one.subject),
            text(str(one.signed_on), tone="day"),
            text(str(one.serving_from), tone="day"),
            text(str(one.days)),
            text("said ahead" if one.forward else "seen", *refs.of(one.claim_id)),
            text(str(one.paid_from or "not stated"), *refs.of(*filter(None, [one.paid_claim_id])), tone="day"),
        )
        for one in found.lags
    ]
    blocks: list[Block] = [
        Picture(
            charts.gigawatt_chart(found).svg(),
            text("Claims on the cost of a gigawatt conflict tenfold; none is left out.", *refs.of(*cost_ids)),
        ),
        Picture(
            charts.capacity_chart(found).svg(),
            text(
                "From low to high over all claims and assumptions at once; the dot is at their points.",
                *refs.of(*chip_ids),
            ),
        ),
        Picture(
            charts.capacity_tornado(found, first).svg(),
            text("Each input alone from its low to its high end. What no claim gives is assumed, and yours to change."),
        ),
        Grid(
            ("capacity", "signed", "serving", "days", "", "paid from"),
            "lllrll",
            tuple(waits),
            "From signing to serving to revenue",
        ),
        Para(text(_CAPACITY_IS_NOT), "note"),
    ]
    return Part("capacity", "What capacity buys", tuple(blocks))


def stress_part(report: Report, refs: Refs) -> Part:
    """Each scenario over the network of deals: best and worst, and through which channel."""
    made = report.network
    if made is None:
        return Part("stress", "What a failure sets off", (Para(text(_NO_STRESS)),))
    taken = [one.deal_id for one in made.taken]
    without = f" Without a sheet: {', '.join(made.without_sheet)}." if made.without_sheet else ""
    blocks: list[Block] = [
        Para(
            text(
                f"Sheets and scenarios are yours. {len(set(taken))} deals are in the network, {len(made.left_out)} are "
                f"not, each with its reason below.{without}",
                *refs.of(*taken),
            )
        )
    ]
    for run in report.stress:
        blocks += _run(run)
    reasons: dict[str, list[str]] = {}
    for name, why in made.left_out:
        reasons.setdefault(why, []).append(name)
    rows = [
        (text(why), text(", ".join(name.removeprefix("deal.") for name in names), *refs.of(*names)))
        for why, names in reasons.items()
    ]
    blocks.append(Grid(("why deals are not in the network", "deals"), "ll", tuple(rows)))
    yours = [words for words in made.assumed if words.endswith("(your figure)")]
    others = f"{len(made.assumed) - len(yours)} terms of these deals are assumed in the ledger; --json lists each"
    blocks.append(Bullets(tuple(text(words, tone="faint") for words in (*yours, others))))
    return Part("stress", "What a failure sets off", tuple(blocks))


def _run(run: Stress) -> list[Block]:
    title = scenario_words(run.scenario)
    waves = " → ".join(", ".join(wave) for wave in run.waves_worst) or "nobody"
    told = [f"Defaults at worst, in waves: {waves}."]
    if abs(run.gap) > _SHOWN:
        told.append(f"There only because all expect it: {run.gap:,.2f} bn USD of what is held outside.")
    if run.cycles:
        told.append(
            f"It did not settle: it goes round between {len(run.cycles)} states, and one end is no equilibrium."
        )
    elif not run.monotone:
        told.append("Not monotone (guarantees, deducted tranches): there may be ends beyond these two.")
    rows = []
    for one in run.outcomes:
        if max(abs(one.best.change), abs(one.worst.change)) <= _SHOWN and one.first_behind is None:
            continue
        late = "in time" if one.first_behind is None else f"behind in quarter {one.first_behind + 1}"
        rows.append(
            (
                text(one.party),
                text(f"{one.before:,.2f}"),
                text(f"{one.best.equity:,.2f}{' default' if one.best.default else ''}"),
                text(f"{one.worst.equity:,.2f}{' default' if one.worst.default else ''}"),
                text(f"{one.worst.recovery:.0%}"),
                text(_channels(one.worst)),
                text(late),
            )
        )
    head = ("party", "equity before", "best", "worst", "paid of debts, worst", "loss came through, worst", "cash")
    drawn = charts.stress_chart(run, f"{title}: equity before and after")
    return [
        Picture(drawn.svg(), text(f"{title}. {' '.join(told)}")),
        Grid(head, "lrrrrll", tuple(rows), f"{title}: bn USD; parties that nothing moves are left out"),
    ]


def _channels(end: End) -> str:
    parts = {"direct": end.direct, **end.channels}
    return ", ".join(f"{name} {amount:+,.2f}" for name, amount in parts.items() if abs(amount) >= _SHOWN) or "-"


def readings_part(report: Report, refs: Refs) -> tuple[Part, ...]:
    """Dependence of the organisation, and checkpoints; where nothing was given, the days that deals give."""
    found = []
    if report.dependence:
        found.append(Part("dependence", "Dependence of your organisation", (_readings(report.dependence, refs),)))
    if report.checkpoints:
        triggers = tuple(one for one in report.checkpoints if one.due is None)
        days = tuple(one for one in report.checkpoints if one.due is not None)
        grids = [_readings(triggers, refs, "Exit triggers that a machine can check")] if triggers else []
        grids += [_readings(days, refs, "Days")] if days else []
        found.append(Part("checkpoints", "When to look again", tuple(grids)))
    else:
        found.append(Part("checkpoints", "When to look again", (_dates(report, refs),)))
    return tuple(found)


def _readings(readings: tuple[Reading, ...], refs: Refs, title: str = "") -> Grid:
    """A table; the column of days only where there are any."""
    dated = any(one.due is not None for one in readings)
    rows = []
    for one in sorted(readings, key=lambda one: (one.due is None, one.due or date.max)) if dated else readings:
        row = (text(one.name, *refs.of(*one.claim_ids)), text(one.value), text(one.note))
        rows.append((text("" if one.due is None else str(one.due), tone="day"), *row) if dated else row)
    head = ("what", "reading", "missing, or what then")
    return Grid(("due", *head) if dated else head, "llll" if dated else "lll", tuple(rows), title)


def _dates(report: Report, refs: Refs) -> Grid:
    day = report.snapshot.as_of
    found = []
    for deal in report.ledger.current:
        for when, words in ((deal.start, "begins"), (deal.end, "ends")):
            if when is not None and when > day:
                found.append((when, deal, words))
    rows = [
        (text(str(when), tone="day"), text(f"{deal.name} {deal.giver} to {deal.getter} {words}", *refs.of(deal.id)))
        for when, deal, words in sorted(found, key=lambda row: (row[0], row[1].id))
    ]
    return Grid(("day", "what"), "ll", tuple(rows), "Days that the deals themselves give")


def evidence_part(report: Report) -> Part:
    """How much of the money is filed, reported or intended, and how old the newest source is."""
    deals = charts.drawn_deals(report.ledger)
    whole = sum((Fraction(deal.amount.point.usd) for deal in deals if deal.amount.point), Fraction(0))
    rows = []
    for stage in reversed(Stage):
        some = [deal for deal in deals if deal.stage is stage]
        usd = sum((Fraction(deal.amount.point.usd) for deal in some if deal.amount.point), Fraction(0))
        share = f"{float(usd / whole):.0%}" if whole else "-"
        rows.append((text(stage.value), text(str(len(some))), text(billions(usd)), text(share)))
    day = report.snapshot.as_of
    made = f"From what was announced by {day}; the newest deal is of {report.newest}, {report.age_days} days before."
    grid = Grid(("stage", "deals with an amount", "bn USD", "share"), "lrrr", tuple(rows), "How sure the money is")
    return Part("evidence", "How sure this is", (Para(text(made)), grid))


def claims_part(refs: Refs) -> Part:
    """Every claim that the page named."""
    rows, anchors = [], []
    for claim_id, number in sorted(refs.numbers.items(), key=lambda pair: pair[1]):
        claim = refs.claims.get(claim_id)
        anchors.append(f"claim-{number}")
        rows.append((text(str(number)), text(claim_id), *(_missing() if claim is None else _said(claim))))
    head = ("", "claim", "says", "grade", "announced", "seen", "sources")
    return Part("claims", "Claims", (Grid(head, "rllllll", tuple(rows), anchors=tuple(anchors)),))


def _missing() -> tuple[Cell, ...]:
    return (text("not among the claims of this day", tone="bad"), *(text(""),) * 4)


def _said(claim: Claim) -> tuple[Cell, ...]:
    shown = f"{claim.subject}: {claim.predicate} {claim.value} {claim.unit}".strip()
    addresses = tuple((one.title or one.address, one.address) for one in claim.sources)
    return (
        text(shown),
        text(claim.status),
        text(str(claim.announced_on or claim.valid_from or ""), tone="day"),
        text(str(claim.seen_on or ""), tone="day"),
        Cell("", addresses=addresses),
    )
