"""A decision, and two beside each other, for the terminal: everything fits eighty columns and needs no colour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from trivium.figures import Figure
from trivium.plan.decision import Decided, Decision, Step
from trivium.plan.report._charts import bridge_chart, cone_chart, placement_chart, tornado_chart
from trivium.plan.report._compare import Comparison
from trivium.plan.report._front import decision_row, next_steps
from trivium.plan.report._lines import on_lines
from trivium.plan.report._words import (
    count,
    grounds_text,
    offer_text,
    percent,
    points,
    range_usd,
    signed_usd,
    usd,
)
from trivium.plan.report._workload import QUESTIONS

_WIDTH_MAX = 110
_ROWS = 12


class Drawn:
    """A figure as a renderable: it is told how wide the terminal is."""

    def __init__(self, figure: Figure) -> None:
        self.figure = figure

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        del console
        yield Text(self.figure.terminal(min(options.max_width, _WIDTH_MAX)), no_wrap=True, overflow="crop")


def decision_text(decision: Decision) -> RenderableType:
    """The decision in one piece: summary, placement, money, commitments, risks, days to remember."""
    return Group(*_decision(on_lines(decision)))


def workload_text(decision: Decision, workload: Decided) -> RenderableType:
    """One workload of a decision: its answers with their evidence, its place, what else it could do."""
    return Group(*_workload(on_lines(decision), on_lines(workload)))


def comparison_text(comparison: Comparison) -> RenderableType:
    """What moved from one decision to the other, and why."""
    return Group(*_comparison(on_lines(comparison)))


def _decision(decision: Decision) -> Iterator[RenderableType]:
    title = decision.organisation or "Plan"
    yield Text(f"{title}: {count(decision.horizon_months, 'month')} from {decision.at}", "bold")
    yield Text("\n".join(decision.summary[:7]))
    steps = next_steps(decision)
    if steps:
        yield _heading("Next")
        yield _listed(f"{todo.due}  {todo.text}" for todo in steps)
    rows = [
        tuple(cell.text for cell in decision_row(item, decision))
        for item in sorted(decision.workloads, key=lambda item: (not item.unplaced, -item.forecast.mean_usd))
    ]
    if rows:
        headers = ("workload", "type", "runs on", "now", "planned", "next best")
        yield _table("Per workload, USD a month at the measured pace", headers, _cut(rows), right=(3, 4))
    if decision.total.months:
        yield _drawn(cone_chart(decision.total, "Total spend, as planned"))
    if any(item.stages for item in decision.workloads):
        yield _drawn(placement_chart(decision, decision.workloads[:_ROWS], "Placement", marks=False))
    for bridge in (decision.levers, decision.first_month):
        if bridge.steps:
            yield _drawn(bridge_chart(bridge))
    yield from _money(decision)
    yield from _risks(decision)
    yield from _days(decision)


def _money(decision: Decision) -> Iterator[RenderableType]:
    if decision.commitments:
        offers = [
            (
                advice.contract,
                advice.verdict,
                usd(advice.level_usd_per_year),
                usd(advice.saving.mean_usd),
                percent(advice.loss_probability),
                advice.break_even,
            )
            for advice in decision.commitments
        ]
        headers = ("contract", "verdict", "a year", "saves, mean", "loses in", "break-even")
        yield _table("Commitments", headers, offers, right=(2, 3, 4))
    rivals = [
        (
            rival.name,
            usd(rival.forecast.mean_usd) if rival.forecast else "none",
            signed_usd(rival.forecast.mean_usd - decision.forecast.mean_usd) if rival.forecast else rival.why_not,
        )
        for rival in decision.rivals
    ]
    if rivals:
        yield _table("Other plans", ("plan", "expected", "against this plan"), rivals, right=(1,))
    if decision.bindings:
        binding = [
            (found.constraint, usd(found.usd_per_month), ", ".join(found.workloads), grounds_text(found.basis))
            for found in decision.bindings
        ]
        yield _table("What binds", ("constraint", "a month", "workloads", "rests on"), _cut(binding), right=(1,))


def _risks(decision: Decision) -> Iterator[RenderableType]:
    if decision.flips:
        rows = [(flip.input, flip.now, flip.at, flip.becomes) for flip in decision.flips]
        yield _table("Where the answer flips", ("input", "now", "at", "becomes"), _cut(rows))
    if decision.swings:
        yield _drawn(tornado_chart(decision))
    if decision.losses:
        rows = [
            (
                loss.surface,
                points(loss.share_continues_percent),
                usd(loss.extra_usd_per_month),
                ", ".join(loss.workloads_stopped) or "none",
            )
            for loss in decision.losses
        ]
        yield _table("If one surface fails", ("surface", "goes on", "extra a month", "stops"), rows, right=(1, 2))
    steps = [step for step in (decision.waiting, decision.information) if step is not None]
    if steps:
        yield _heading("What waiting and knowing more would be worth")
        yield _listed(f"{step.name}: {signed_usd(step.amount_usd)} ({step.why})" for step in steps)
    if decision.what_if_true:
        yield _heading("Not counted")
        yield _listed(
            f"{item.statement} ({item.claim_id}): {usd(item.saving_usd)} if true; {item.changes}"
            for item in decision.what_if_true
        )


def _days(decision: Decision) -> Iterator[RenderableType]:
    if decision.checkpoints:
        yield _heading("Days to remember")
        late = decision.at
        yield _listed(
            f"{point.due}{' overdue' if point.due < late else ''}  {point.subject}: {point.reason}"
            for point in sorted(decision.checkpoints)[:_ROWS]
        )
    if decision.notes:
        yield _heading("Notes")
        yield _listed(decision.notes)
    if decision.assumptions:
        yield _heading("Assumed")
        yield _listed(f"{a.field} = {a.value}: {a.remedy}" for a in decision.assumptions[:_ROWS])
        rest = len(decision.assumptions) - _ROWS
        if rest > 0:
            yield Text(f"  and {rest} more")
    yield Text(f"\n{len(decision.claim_ids)} claims; catalogue {decision.snapshot_digest[:12]}, seed {decision.seed}")


def _workload(decision: Decision, item: Decided) -> Iterator[RenderableType]:
    yield Text(item.workload + (f" ({item.owner})" if item.owner else ""), "bold")
    measured = f"{usd(item.measured)} measured in {item.span_days:.1f} days, {item.requests:,} requests"
    yield Text(f"{', '.join(item.models)}: {measured}; {usd(item.monthly_now_usd)} a month as it runs now")
    if item.unplaced:
        yield Text(f"No place: {item.unplaced}")
        yield _listed(item.alternatives)
    else:
        forecast = f"{usd(item.forecast.mean_usd)} (nine chances in ten: {range_usd(item.forecast)})"
        yield Text(
            f"As planned: {usd(item.monthly_plan_usd)} a month, {forecast} in {count(decision.horizon_months, 'month')}"
        )
    if item.why:
        yield Text(f"Why there: {item.why}")
    for answer in item.answers:
        yield _heading(f"{QUESTIONS.get(answer.question, answer.question)}: {answer.verdict}")
        again = f" Ask again on {answer.ask_again}." if answer.ask_again else ""
        margin = f" Margin: {answer.margin}." if answer.margin else ""
        yield Padding(Text(f"{answer.sentence}{margin}{again} [{grounds_text(answer.basis)}]"), (0, 0, 0, 2))
        yield _listed(
            f"{point.what}: {point.value} → {point.speaks_for} [{grounds_text(point.basis)}]" for point in answer.points
        )
    if item.stages:
        yield _drawn(placement_chart(decision, (item,), "Placement", marks=False))
    if item.demand.months:
        yield _drawn(cone_chart(item.demand, "Demand"))
    if item.runner_up is not None:
        best = item.runner_up
        yield Text(
            f"\nNext best elsewhere: {offer_text(best.offer)}, {signed_usd(best.gap_usd_per_month)} a month; "
            f"{best.flips_when}"
        )
    if item.excluded:
        rows = [(str(gone.offer), gone.reason) for gone in item.excluded]
        yield _table("Cannot be used", ("offer", "because"), _cut(rows))


def _comparison(found: Comparison) -> Iterator[RenderableType]:
    if found.same:
        yield Text("The two plans are the same.")
        return
    change = found.second.forecast.mean_usd - found.first.forecast.mean_usd
    yield Text(
        f"{usd(found.first.forecast.mean_usd)} → {usd(found.second.forecast.mean_usd)} ({signed_usd(change)})", "bold"
    )
    if found.bridge.steps:
        yield _drawn(bridge_chart(found.bridge))
        yield _listed(_step_text(step) for step in found.bridge.steps)
    if found.moved:
        rows = [
            (m.workload, m.before, m.after, signed_usd(m.after_usd_per_month - m.before_usd_per_month))
            for m in found.moved
        ]
        yield _table("What moved", ("workload", "before", "after", "a month"), _cut(rows), right=(3,))
    if found.causes:
        rows = [(cause.kind, cause.what, cause.before, cause.after) for cause in found.causes]
        yield _table("What differs", ("kind", "what", "before", "after"), _cut(rows, 3 * _ROWS))


def _step_text(step: Step) -> str:
    return f"{step.name}: {signed_usd(step.amount_usd)}" + (f" ({step.why})" if step.why else "")


def _cut(rows: Sequence[tuple[str, ...]], most: int = _ROWS) -> list[tuple[str, ...]]:
    if len(rows) <= most:
        return list(rows)
    rest = (f"and {len(rows) - most} more", *("" for _ in rows[0][1:]))
    return [*rows[:most], rest]


def _table(
    title: str, headers: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()
) -> RenderableType:
    found = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for number, header in enumerate(headers):
        found.add_column(Text(header), justify="right" if number in right else "left", overflow="fold")
    for row in rows:
        found.add_row(*(Text(cell) for cell in row))  # as text: nothing in it is markup
    return Group(_heading(title), found)


def _heading(text: str) -> Text:
    return Text(f"\n{text}", "bold")


def _listed(lines: Iterable[str]) -> RenderableType:
    return Group(*(Padding(Text(f"- {line}"), (0, 0, 0, 2)) for line in lines))


def _drawn(figure: Figure) -> RenderableType:
    return Group(Text(""), Drawn(figure))
