"""Cover: years of the run rate, what falls due against the reader's scenario, and the inputs that can be varied."""

from __future__ import annotations

import math
from dataclasses import replace

from trivium.capital.cover import Degree, grown_years, static_years
from trivium.capital.report import _charts as charts
from trivium.capital.report._blocks import Block, Bullets, Cell, Grid, Live, Para, Part, Picture, Refs, text
from trivium.capital.report._values import Past, Report, Scenario
from trivium.capital.report._words import after_quarters, billions

_MEANS = {
    Degree.HEADLINE: "every commitment and lease that is no letter of intent, right or total",
    Degree.CONTRACTED: "of those, what is contracted",
    Degree.FIRM: "of those, what no notice gets out of",
}
NO_PROBABILITY = (
    "No scenario was given, so no probability is printed. With --growth, --spread and --share (and --cash, "
    "--growth-end, --half-life) the cone, the first shortfall and the break-even growth of your scenario stand here."
)


def cover_part(report: Report, refs: Refs) -> Part:
    """Years of cover at three degrees, by date of the run rate, and what matters."""
    if report.run_rate_usd is None:
        words = f"No claim gives a run rate of {report.asked.party} by {report.snapshot.as_of}; give --run-rate."
        return Part("cover", "Can it be served: years of cover", (Para(text(words)),))
    growth = None if report.asked.scenario is None else report.asked.scenario.growth.growth
    rows = []
    for degree, usd in report.committed_usd.items():
        index = {Degree.HEADLINE: 1, Degree.CONTRACTED: 2, Degree.FIRM: 3}[degree]
        ids = [row[0] for row in report.firmness.rows if row[index]]
        rate = float(report.run_rate_usd)
        row = [
            text(degree.value, tone="strong"),
            text(_MEANS[degree]),
            text(billions(usd), *refs.of(*ids)),
            text(f"{static_years(float(usd), rate):.3g}"),
        ]
        if growth is not None:
            row.append(text(f"{grown_years(float(usd), rate, growth):.3g}"))
        rows.append(tuple(row))
    head: tuple[str, ...] = ("degree", "what counts", "bn USD", "years of the run rate")
    if growth is not None:
        head = (*head, f"at x{math.exp(growth):.3g} a year")
    grounds = refs.of(report.rate_claim.id) if report.rate_claim else ()
    source = (
        "which you gave" if report.rate_claim is None else f"{report.rate_claim.status}, {report.rate_claim.valid_from}"
    )
    blocks: list[Block] = [
        Para(Cell(f"Run rate: {billions(report.run_rate_usd)} bn USD a year, {source}.", grounds)),
        Grid(head, "llrr" + "r" * (growth is not None), tuple(rows)),
    ]
    if report.firmness.unknown:
        names = ", ".join(name.removeprefix("deal.") for name in report.firmness.unknown)
        blocks.append(
            Para(
                text(f"In no figure, since nobody gives the amount: {names}.", *refs.of(*report.firmness.unknown)),
                "note",
            )
        )
    if report.history:
        caption = "As things were known on the day of each claimed run rate; the run rates disagree, and all are shown."
        blocks += [Picture(charts.history_chart(report).svg(), text(caption)), _history(report.history, refs)]
    if report.sweeps:
        middle = static_years(float(report.firmness.contracted_usd), float(report.run_rate_usd))
        drawn = charts.sweep_chart(report.sweeps, middle, "What moves the years of cover", "years, contracted")
        ids = [name for one in report.sweeps for name in one.claim_ids]
        blocks.append(
            Picture(drawn.svg(), text("What matters: each input alone, between what claims give it.", *refs.of(*ids)))
        )
    return Part("cover", "Can it be served: years of cover", tuple(blocks))


def _history(past: tuple[Past, ...], refs: Refs) -> Grid:
    rows = [
        (
            text(str(one.on), tone="day"),
            text(billions(one.run_rate_usd), *refs.of(one.claim.id)),
            *(text(f"{billions(one.committed_usd[degree])} = {one.years(degree):.3g}") for degree in Degree),
            text(one.claim.status),
        )
        for one in past
    ]
    head = ("day", "run rate, bn", *(f"{degree.value}, bn = years" for degree in Degree), "grade of the run rate")
    return Grid(head, "lrrrrl", tuple(rows))


def due_part(report: Report, refs: Refs) -> Part:
    """The ladder; with a scenario the cone, the shortfalls and what moves them."""
    ids = [row.deal_id for row in report.dues[Degree.HEADLINE].deals]
    caption = "What falls due in each year from the day on, the firmest at the bottom."
    if report.income_usd:
        caption += (
            " Beside it, in green, what your scenario leaves free for it: a reading of the scenario, not a forecast."
        )
    years = charts.year_ends(report)
    rows = [
        (text(year, tone="day"), *(text(billions(charts.due_by_year(report, degree)[number])) for degree in Degree))
        for number, year in enumerate(years)
    ]
    blocks: list[Block] = [
        Picture(charts.ladder_chart(report).svg(), text(caption, *refs.of(*ids))),
        Grid(("year", *(degree.value for degree in Degree)), "lrrr", tuple(rows), "Falls due, bn USD"),
    ]
    assumed = sorted(
        {
            f"{row.deal_id.removeprefix('deal.')}: {words}"
            for one in report.dues.values()
            for row in one.deals
            for words in row.assumed
        }
    )
    if assumed:
        blocks += [
            Para(text("Assumed of schedules, for no source gives it:"), "note"),
            Bullets(tuple(Cell(words, refs.said_in(words), "faint") for words in assumed)),
        ]
    if report.asked.scenario is None:
        blocks.append(Para(text(NO_PROBABILITY)))
    else:
        blocks += _scenario(report, report.asked.scenario)
    return Part("due", "What falls due, and against what", tuple(blocks))


def scenario_words(scenario: Scenario) -> str:
    """The reader's scenario in a sentence, with everything that a probability depends on."""
    growth, means = scenario.growth, scenario.means
    fading = ""
    if growth.growth_end is not None:
        fading = f" fading to x{math.exp(growth.growth_end):.3g} (half-life {growth.half_life_years:g} years)"
    return (
        f"growth x{math.exp(growth.growth):.3g} a year{fading}, spread {growth.spread:g}, run rate "
        f"{growth.run_rate_usd / 1e9:g} bn USD, {means.share_of_revenue:.0%} of revenue free for dues, cash "
        f"{means.cash_usd / 1e9:g} bn USD; {scenario.paths:,} futures, seed {scenario.seed}"
    )


def _scenario(report: Report, scenario: Scenario) -> list[Block]:
    rows = []
    for degree, one in report.short.items():
        found = one.shortfall
        rows.append(
            (
                text(degree.value, tone="strong"),
                text(f"{found.probability:.3f} ± {2 * found.standard_error:.3f}"),
                text(after_quarters(report.snapshot.as_of, found.first_quarter_5)),
                text(after_quarters(report.snapshot.as_of, found.first_quarter_50)),
                text(f"{found.gap_mean_usd / 1e9:.1f}"),
                text(f"{found.gap_tail_usd / 1e9:.1f}"),
                text("none up to x148" if one.break_even is None else f"x{one.break_even:.2f}"),
            )
        )
    head = (
        "degree",
        "share of futures short",
        "first, 5 %",
        "first, 50 %",
        "gap, mean",
        "gap, worst 5 %",
        "break-even growth",
    )
    drawn = charts.cone_chart(report, scenario)
    middle = 100 * report.short[Degree.CONTRACTED].shortfall.probability
    tornado = charts.sweep_chart(
        [
            replace(one, at_low=100 * one.at_low, at_high=100 * one.at_high)
            for one in report.scenario_sweeps
            if one.at_low != one.at_high
        ],
        middle,
        "What moves the share of futures short",
        "% of futures, contracted",
    )
    return [
        Para(text(f"Your scenario: {scenario_words(scenario)}."), "strong"),
        Para(
            text(
                "All that follows reads this scenario. None of it is a finding about a party: change it and it changes."
            )
        ),
        Picture(
            drawn.svg(),
            text("The cone of the run rate; its quantiles are exact. Dots are run rates that were claimed."),
        ),
        Grid(
            head,
            "lrrrrrr",
            tuple(rows),
            f"If that were so (break-even growth accepts {scenario.accepted:.0%}); gaps in bn USD",
        ),
        Picture(
            tornado.svg(),
            text("Each input of yours a quarter down and up, each deal left out: what your answer hangs on."),
        ),
    ]


def vary_part(report: Report) -> Part:
    """Inputs that the page reckons with itself, and the command for the rest."""
    blocks: list[Block] = [
        Para(
            text(
                "Change a figure: years of cover and USD per million tokens are reckoned here in the page, by the "
                "same formulas. The claims stay as they are above."
            )
        )
    ]
    if report.run_rate_usd is not None:
        blocks.append(Live("cover"))
    if report.capacity is not None:
        blocks.append(Live("capacity"))
    blocks.append(Para(text("Everything else is rerun by its command, with options of yours:")))
    commands = (
        report.asked.command,
        f"trivium capital cover {report.asked.party} --as-of {report.snapshot.as_of} --history",
        f"trivium capital flow --as-of {report.snapshot.as_of}",
        f"trivium capital stress --deals --as-of {report.snapshot.as_of} --sheets FILE --scenario default:PARTY",
        "trivium capital capacity --assume utilisation=0.3:0.5",
    )
    blocks.append(Bullets(tuple(text(command, tone="code") for command in commands if command)))
    return Part("vary", "Vary it", tuple(blocks))
