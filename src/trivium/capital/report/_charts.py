"""The pictures of the report, as figures. Flows and worths never share a scale: stakes have a picture of their own."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from fractions import Fraction

from trivium.capital.cover import Degree
from trivium.capital.deals import Deal, DealLedger, Kind, Stage
from trivium.capital.report._gather import QUANTILES, QUARTERS_A_YEAR
from trivium.capital.report._values import Capacity, Report, Scenario, Sweep
from trivium.capital.stress import Stress
from trivium.figures import (
    Arc,
    BarChart,
    Between,
    Comes,
    Dumbbells,
    Ends,
    FanChart,
    Heat,
    HeatMap,
    Ladder,
    Line,
    LineChart,
    Moved,
    RangeBars,
    Ring,
    Tornado,
    bar_chart,
    dumbbells,
    fan_chart,
    heat_map,
    ladder,
    line_chart,
    month_text,
    range_bars,
    ring,
    short,
    tornado,
)

BILLION = 10**9
LINES = ((Line.SOLID, "contracted"), (Line.DASHED, "announced or reported"), (Line.DOTTED, "letter of intent"))
_KINDS = {
    Kind.COMMIT: "purchase commitment",
    Kind.LEASE: "purchase commitment",
    Kind.INVEST: "investment",
    Kind.LEND: "loan",
}
_ROLES = ("model maker", "cloud", "chip maker", "vehicle", "")
_VEHICLE_PLACE = _ROLES.index("vehicle")
_PARTIES_MAX = 24
_QUARTER_MONTHS = 3
_PAST_DAYS = 550  # of claimed run rates beside the cone


def line_of(stage: Stage) -> Line:
    """How a deal of a stage is drawn."""
    if stage is Stage.CONTRACTED:
        return Line.SOLID
    return Line.DOTTED if stage is Stage.LETTER_OF_INTENT else Line.DASHED


def drawn_deals(ledger: DealLedger) -> tuple[Deal, ...]:
    """The deals that are money between two parties: counted, current, with an amount; letters of intent too."""
    return tuple(
        deal
        for deal in ledger.current
        if deal.kind in _KINDS and deal.cash and deal.counted and deal.giver != deal.getter and deal.amount.point
    )


def drawn_parties(ledger: DealLedger, most: int = _PARTIES_MAX) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The parties with the most money to or from them, by what they do; and those that there is no room for."""
    sums: dict[str, Fraction] = {}
    for deal in drawn_deals(ledger):
        for name in (deal.giver, deal.getter):
            sums[name] = sums.get(name, Fraction(0)) + _usd(deal)
    ranked = sorted(sums, key=lambda name: (-sums[name], name))
    places = {name: _place(ledger, name) for name in ranked}
    shown = sorted(ranked[:most], key=lambda name: (places[name], -sums[name], name))
    return tuple(shown), tuple(sorted(ranked[most:]))


def _place(ledger: DealLedger, name: str) -> int:
    role = ledger.role(name)
    return _ROLES.index(role) if role in _ROLES else len(_ROLES)


def _around(ledger: DealLedger, names: Sequence[str]) -> list[str]:
    """Suppliers from the top to the right, model makers opposite, among whoever pays in: arcs cross the circle."""
    places = {name: _place(ledger, name) for name in names}
    makers = [name for name in names if places[name] == 0]
    suppliers = [name for name in names if 0 < places[name] <= _VEHICLE_PLACE]
    others = [name for name in names if places[name] > _VEHICLE_PLACE]
    half = (len(others) + 1) // 2
    return [*suppliers, *others[:half], *makers, *others[half:]]


def ring_chart(ledger: DealLedger, anchor: Callable[[str], str]) -> Ring:
    """Who pays whom: one arc for each pair, purpose and line style."""
    shown, _ = drawn_parties(ledger)
    groups: dict[tuple[str, str, str, Line], list[Deal]] = {}
    for deal in drawn_deals(ledger):
        if deal.giver in shown and deal.getter in shown:
            groups.setdefault((deal.giver, deal.getter, _KINDS[deal.kind], line_of(deal.stage)), []).append(deal)
    arcs = [
        Arc(giver, getter, float(_sum(deals)), kind, line, _names(deals), anchor(_largest(deals).id))
        for (giver, getter, kind, line), deals in groups.items()
    ]
    order = {kind: number for number, kind in enumerate(dict.fromkeys(_KINDS.values()))}
    arcs.sort(key=lambda one: order[one.kind])
    linked = {name for one in arcs for name in (one.giver, one.getter)}
    parties = _around(ledger, [name for name in shown if name in linked])
    return ring(arcs, parties=parties, lines=LINES, title="Who pays whom", unit="bn USD")


def heat_chart(ledger: DealLedger, anchor: Callable[[str], str]) -> HeatMap:
    """All money from the row to the column, whatever it is for."""
    shown, _ = drawn_parties(ledger, most=20)
    cells: dict[tuple[str, str], list[Deal]] = {}
    for deal in drawn_deals(ledger):
        if deal.giver in shown and deal.getter in shown:
            cells.setdefault((deal.giver, deal.getter), []).append(deal)
    found = {
        pair: Heat(
            float(_sum(deals)),
            _names(deals),
            any(deal.stage is not Stage.CONTRACTED for deal in deals),
            anchor(_largest(deals).id),
        )
        for pair, deals in cells.items()
    }
    rows = [name for name in shown if any(giver == name for giver, _ in found)]
    columns = [name for name in shown if any(getter == name for _, getter in found)]
    return heat_map(
        found, rows=rows, columns=columns, title="Exposure", unit="bn USD", unsure_means="part is not contracted"
    )


def stakes_chart(ledger: DealLedger) -> BarChart:
    """What stakes are carried at: worths, on a scale that no flow shares."""
    stakes = [deal for deal in ledger.current if deal.kind is Kind.STAKE and deal.amount.point]
    rows = [
        (f"{deal.giver} to {deal.getter}", _usd(deal) / BILLION, f"{float(_usd(deal) / BILLION):g} {deal.amount.words}")
        for deal in sorted(stakes, key=lambda deal: -_usd(deal))
    ]
    return bar_chart(rows, title="What stakes are carried or valued at, bn USD")


def year_ends(report: Report) -> tuple[str, ...]:
    """The years from the report's day on, by their ends."""
    starts = report.dues[Degree.HEADLINE].starts
    ends = [starts[min(at + QUARTERS_A_YEAR, len(starts)) - 1] for at in range(0, len(starts), QUARTERS_A_YEAR)]
    return tuple(f"to {month_text(_months_after(day, _QUARTER_MONTHS))}" for day in ends)


def due_by_year(report: Report, degree: Degree) -> tuple[Fraction, ...]:
    """What falls due in each year from the report's day on, USD."""
    total = report.dues[degree].total_usd
    return tuple(sum(total[at : at + QUARTERS_A_YEAR], Fraction(0)) for at in range(0, len(total), QUARTERS_A_YEAR))


def ladder_chart(report: Report) -> Ladder:
    """What falls due by year and firmness, a part being what a degree adds, beside what a scenario leaves free."""
    firm, contracted, headline = (
        due_by_year(report, degree) for degree in (Degree.FIRM, Degree.CONTRACTED, Degree.HEADLINE)
    )
    parts = (
        ("firm", [_bn(usd) for usd in firm]),
        ("contracted, notice ends it", [_bn(more - less) for less, more in zip(firm, contracted, strict=True)]),
        ("announced or reported", [_bn(more - less) for less, more in zip(contracted, headline, strict=True)]),
    )
    comes = None
    if report.income_usd:
        low, middle, high = (tuple(usd / BILLION for usd in report.income_usd[share]) for share in (0.05, 0.5, 0.95))
        comes = Comes("free of revenue in your scenario, 5 · 50 · 95 %", low, middle, high)
    return ladder(year_ends(report), parts, comes=comes, title="Falls due by year", unit="bn USD")


def cone_chart(report: Report, scenario: Scenario) -> FanChart:
    """The run rate of the reader's scenario, quarter by quarter, in bn USD a year."""
    days = [_months_after(report.snapshot.as_of, _QUARTER_MONTHS * at) for at in range(1, report.asked.quarters + 1)]
    runs = [
        [scenario.growth.quantile_usd(at / QUARTERS_A_YEAR, share) / BILLION for at in range(1, len(days) + 1)]
        for share in QUANTILES
    ]
    since = report.snapshot.as_of - timedelta(days=_PAST_DAYS)
    past = [(one.on, float(one.run_rate_usd) / BILLION) for one in report.history if one.on >= since]
    return fan_chart(
        days,
        QUANTILES,
        runs,
        history=past,
        history_name="claimed",
        title="Run rate, your scenario",
        unit="bn USD a year",
    )


def history_chart(report: Report) -> LineChart:
    """Years of cover at each claimed run rate, at three degrees."""
    first = next((at for at, one in enumerate(report.history) if one.committed_usd[Degree.HEADLINE]), 1)
    shown = report.history[max(0, first - 1) :]  # what was before the first commitment is in the table
    points = [str(one.on) for one in shown]
    series = [(degree.value, [one.years(degree) for one in shown]) for degree in Degree]
    return line_chart(points, series, title="Years of the run rate that were committed, at each claimed run rate")


def sweep_chart(sweeps: Iterable[Sweep], middle: float, title: str, unit: str) -> Tornado:
    """What matters, the widest on top."""
    ends = [Ends(one.name, one.low, one.high, one.at_low, one.at_high) for one in sweeps]
    return tornado(middle, ends, title=title, unit=unit, middle_name="as it is")


def capacity_chart(found: Capacity) -> RangeBars:
    """USD per million tokens by silicon."""
    rows = [
        Between(one.silicon, one.usd_per_mtok.low, one.usd_per_mtok.point, one.usd_per_mtok.high) for one in found.buys
    ]
    return range_bars(rows, title="What a million tokens costs to serve, by silicon", unit="USD per Mtok")


def gigawatt_chart(found: Capacity) -> RangeBars:
    """What a gigawatt costs, claim by claim."""
    rows = [
        Between(_claimed(one.name), *(end / BILLION for end in (one.value.low, one.value.point, one.value.high)))
        for one in found.costs
    ]
    return range_bars(rows, title="What a gigawatt costs, by claim", unit="bn USD a GW")


def _claimed(name: str) -> str:
    """Who says so, without the subject that all of them share."""
    subject, _, words = name.partition(": ")
    return f"{words} (ASICs)" if "ASIC" in subject else words


def capacity_tornado(found: Capacity, name: str) -> Tornado:
    """What moves USD per million tokens on one silicon."""
    middle = next(one.usd_per_mtok.point for one in found.buys if one.silicon == name)
    ends = [
        Ends(
            one.name.replace("_", " "),
            short(one.value.low),
            short(one.value.high),
            one.at_low_usd_per_mtok,
            one.at_high_usd_per_mtok,
        )
        for one in found.swings[name]
    ]
    return tornado(middle, ends, title=f"What moves it, {name}", unit="USD per Mtok", middle_name="as it is")


def stress_chart(run: Stress, title: str, most: int = 14) -> Dumbbells:
    """Equity before and after, of those that it moves, the hardest hit first."""
    moved = [one for one in run.outcomes if max(abs(one.best.change), abs(one.worst.change)) > 1e-6]  # noqa: PLR2004
    moved.sort(key=lambda one: one.worst.change)
    rows = [Moved(one.party, one.before, one.best.equity, one.worst.equity) for one in moved[:most]]
    return dumbbells(rows, title=title, unit="equity, bn USD")


def _usd(deal: Deal) -> Fraction:
    return Fraction(0) if deal.amount.point is None else Fraction(deal.amount.point.usd)


def _sum(deals: Iterable[Deal]) -> Fraction:
    return sum((_usd(deal) for deal in deals), Fraction(0)) / BILLION


def _bn(usd: Fraction) -> float:
    return float(usd / BILLION)


def _names(deals: Iterable[Deal]) -> str:
    return ", ".join(
        f"{deal.name} {deal.stage.value}" + (", ended" if deal.state.value == "ended" else "") for deal in deals
    )


def _largest(deals: Iterable[Deal]) -> Deal:
    return max(deals, key=_usd)


def _months_after(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
