"""The charts of a decision, as figures: the page draws them, the terminal writes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from trivium.figures import (
    BandCurve,
    Ends,
    FanChart,
    Leg,
    Mark,
    Matrix,
    Span,
    Square,
    StackedBars,
    State,
    Timeline,
    Tornado,
    Waterfall,
    band_curve,
    fan_chart,
    matrix,
    month_text,
    stacked_bars,
    timeline,
    tornado,
    waterfall,
)
from trivium.plan.decision import Advice, Bridge, Cone, Decided, Decision
from trivium.plan.report._spend import spend_by_surface
from trivium.plan.report._words import stage_text

_ROWS_MAX = 40  # of a chart of all workloads: the dearest are shown


def month_after(day: date) -> date:
    """The same day of the next month; its first if that month has no such day."""
    year, month = day.year + day.month // 12, day.month % 12 + 1
    try:
        return date(year, month, day.day)
    except ValueError:  # the 31st
        return date(year + month // 12, month % 12 + 1, 1)


def dearest(decision: Decision, most: int = _ROWS_MAX) -> tuple[Decided, ...]:
    """The workloads that cost most over the horizon, in the order of the decision."""
    ranked = sorted(range(len(decision.workloads)), key=lambda n: -decision.workloads[n].forecast.mean_usd)[:most]
    return tuple(decision.workloads[number] for number in sorted(ranked))


def cone_chart(cone: Cone, title: str) -> FanChart:
    """A cone as a fan."""
    if not cone.months:
        return fan_chart((), (0.5,), ((),), title=title, unit=cone.unit)
    return fan_chart(cone.months, cone.levels, cone.quantiles, history=cone.history, title=title, unit=cone.unit)


def bridge_chart(bridge: Bridge) -> Waterfall:
    """A bridge; the reasons show when a bar is pointed at."""
    steps = [Leg(step.name, step.amount_usd, step.why) for step in bridge.steps]
    start, end = bridge.start, bridge.end
    return waterfall((start.name, start.amount_usd), steps, (end.name, end.amount_usd), title=bridge.title)


def tornado_chart(decision: Decision) -> Tornado:
    """How far each input moves the cost of the plan."""
    ends = [Ends(swing.input, swing.low, swing.high, swing.low_usd, swing.high_usd) for swing in decision.swings]
    return tornado(decision.forecast.mean_usd, ends, title="What the cost of the plan depends on")


def placement_chart(decision: Decision, workloads: Sequence[Decided], title: str, *, marks: bool = True) -> Timeline:
    """Where workloads run, month by month, with the days to remember; None is drawn for those without a place."""
    start, end = horizon(decision)
    spans = [
        Span(
            item.workload,
            stage.first_month,
            month_after(stage.last_month),
            stage_text(stage, one_model=len({other.model for other in item.stages}) == 1),
            stage.offer.surface,
        )
        for item in workloads
        for stage in item.stages
    ]
    days = [Mark(point.due, f"{point.subject}: {point.reason}") for point in decision.checkpoints] if marks else []
    return timeline(start, end, spans, [day for day in days if start <= day.day <= end], title=title)


def horizon(decision: Decision) -> tuple[date, date]:
    """The first day of the plan and the day after its last month."""
    months = decision.total.months
    first = min([*months, *(stage.first_month for item in decision.workloads for stage in item.stages)], default=None)
    last = max([*months, *(stage.last_month for item in decision.workloads for stage in item.stages)], default=None)
    return (first or decision.at), month_after(last or decision.at)


def fit_chart(decision: Decision, workloads: Sequence[Decided]) -> Matrix:
    """Which workload runs, could run, or must not run on which surface and scope, for what was looked at."""
    cells: dict[tuple[str, str], Square] = {}
    for item in workloads:
        for gone in item.excluded:
            cells.setdefault((item.workload, _place(gone.offer.surface, gone.offer.scope)), _excluded(gone.reason))
        if item.runner_up is not None:
            offer = item.runner_up.offer
            cells[item.workload, _place(offer.surface, offer.scope)] = Square(State.COULD, "the runner-up")
        for route in decision.routes.routes:
            if route.workload == item.workload:
                for target in route.targets:
                    cells[item.workload, _place(target.offer.surface, target.offer.scope)] = Square(State.COULD)
        for stage in item.stages:
            cells[item.workload, _place(stage.offer.surface, stage.offer.scope)] = Square(State.RUNS)
    rows = tuple(dict.fromkeys(item.workload for item in workloads))
    columns = tuple(sorted({column for _, column in cells}))
    return matrix(rows, columns, cells, title="Which workload fits where")


def _place(surface: str, scope: str) -> str:
    return f"{surface}/{scope}"


def _excluded(reason: str) -> Square:
    return Square(State.EXCLUDED, reason)


def spend_chart(decision: Decision) -> StackedBars:
    """What each surface is paid month by month."""
    points = [month_text(day) for day in decision.total.months]
    layers = spend_by_surface(decision).items()
    return stacked_bars(points, layers, title="Spend by surface", unit="USD a month")


def saving_chart(advice: Advice) -> BandCurve:
    """What a commitment saves at each level that was offered."""
    title = f"Saving of {advice.contract} by level"
    chosen = advice.level_usd_per_year if advice.verdict != "in force" else None
    return band_curve(advice.curve, title=title, unit="USD over the horizon", chosen=chosen)
