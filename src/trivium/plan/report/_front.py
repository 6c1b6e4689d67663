"""Page one: what a manager needs to decide, and what to do next by which day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from trivium.core import Checkpoint, Offer
from trivium.plan.decision import Decided, Decision, Spread, Stage
from trivium.plan.report._charts import cone_chart
from trivium.plan.report._document import Block, Cell, Chart, Grid, Items, Ref, Section, Text
from trivium.plan.report._words import count, offer_text, percent, points, range_usd, surface_text, usd

SENTENCES_MAX = 7
_STEPS_MAX = 3
ROWS_MAX = 12  # of page one; all are in the section on placement
_CENT = 0.005
_DAYS_TO_APPLY = 14


@dataclass(frozen=True, slots=True)
class Todo:
    """Something to do by a day; `rank` says what comes first where not everything is told: sign, route, ask, look."""

    due: date
    text: str
    anchor: str
    rank: int


def next_steps(decision: Decision, most: int = _STEPS_MAX) -> tuple[Todo, ...]:
    """What to do next: sign, route, ask, look again, as much of it as is told; the nearest day first."""
    chosen = sorted(_todos(decision), key=lambda todo: (todo.rank, todo.due))[:most]
    return tuple(sorted(chosen, key=lambda todo: (todo.due, todo.rank)))


def _todos(decision: Decision) -> Iterator[Todo]:
    ahead = [point for point in decision.checkpoints if point.due >= decision.at]
    told: set[Checkpoint] = set()
    for advice in decision.commitments:
        mine = [point for point in ahead if advice.contract in f"{point.subject} {point.reason}"]
        due = min((point.due for point in mine), default=decision.at + timedelta(days=_DAYS_TO_APPLY))
        if advice.verdict == "sign":
            told |= {point for point in mine if point.due == due}
            yield Todo(due, f"Sign {advice.contract} at {usd(advice.level_usd_per_year)} a year.", "commitments", 0)
    placed = [item for item in decision.workloads if item.stages]
    moving = [item.workload for item in placed if abs(item.monthly_now_usd - item.monthly_plan_usd) > _CENT]
    if placed:
        what = f"it changes what {_few(moving)} costs" if moving else "a month of each costs what it costs now"
        due = decision.at + timedelta(days=_DAYS_TO_APPLY)
        yield Todo(due, f"Give the gateway the route table of this plan: {what}.", "placement", 1)
    for note in decision.notes:
        if "ask for" in note:
            due = decision.at + timedelta(days=_DAYS_TO_APPLY)
            yield Todo(due, note[0].upper() + note[1:].rstrip(".") + ".", "method", 2)
    for point in ahead:
        if point not in told:
            yield Todo(point.due, f"{point.subject}: {point.reason}.", "checkpoints", 3)


def _few(names: list[str], most: int = 3) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def front(decision: Decision) -> Section:
    """The summary, the cone of the total, the table of decisions, the next steps."""
    blocks: list[Block] = []
    sentences = decision.summary[:SENTENCES_MAX]
    if sentences:
        blocks.append(Text(Cell(" ".join(sentences)), "lead"))
    blocks.append(_totals(decision))
    if decision.total.months:
        caption = f"Spend of {decision.total.name} as planned, in {decision.scenarios} scenarios of demand"
        blocks.append(
            Chart(cone_chart(decision.total, "Total spend").svg(), Cell(caption, (Ref("assumptions", "assumptions"),)))
        )
    steps = next_steps(decision)
    if steps:
        items = tuple(Cell(f"By {todo.due}: {todo.text}", anchor=todo.anchor) for todo in steps)
        blocks += [Text(Cell("What to do next", tone="strong")), Items(items, ordered=True)]
    if decision.workloads:
        blocks.append(_table(decision))
        text = "Now: what was measured, where it ran, at the prices of its day. Planned: the same use, as it would run."
        blocks.append(Text(Cell(text, (Ref("measured", "measured"), Ref("claims", "evidence"))), "note"))
    rest = len(decision.workloads) - ROWS_MAX
    if rest > 0:
        blocks.append(Text(Cell(f"{count(rest, 'more workload')} in the section on placement."), "note"))
    return Section("summary", "Summary", 2, tuple(blocks))


def _totals(decision: Decision) -> Grid:
    saved = decision.baseline.mean_usd - decision.forecast.mean_usd
    share = f" ({percent(saved / decision.baseline.mean_usd, 1)})" if decision.baseline.mean_usd > 0 else ""
    tail = percent(1 - decision.risk_level)
    assumed = (Ref("assumptions", "assumptions"),)
    return Grid(
        ("", "Expected", "Nine chances in ten", f"Mean of the worst {tail}"),
        "lrrr",
        (
            (Cell("As planned", assumed, "strong"), *_spread_cells(decision.forecast)),
            (Cell("As it runs now", assumed), *_spread_cells(decision.baseline)),
            (
                Cell("Saving", (Ref("bridge", "bridges"),)),
                Cell(usd(saved) + share, tone="good" if saved > _CENT else ""),
                Cell(""),
                Cell(""),
            ),
        ),
        title=f"Cost over {count(decision.horizon_months, 'month')}",
    )


def _spread_cells(spread: Spread) -> tuple[Cell, Cell, Cell]:
    return Cell(usd(spread.mean_usd), tone="strong"), Cell(range_usd(spread)), Cell(usd(spread.cvar_usd))


def _table(decision: Decision) -> Grid:
    ranked = sorted(decision.workloads, key=lambda item: (not item.unplaced, -item.forecast.mean_usd))[:ROWS_MAX]
    rows = tuple(decision_row(item, decision) for item in ranked)
    return Grid(
        ("Workload", "Type", "Runs on", "Now", "Planned", "Next best"),
        "lllrrl",
        rows,
        title="Decisions, per workload (USD a month at the measured pace)",
        weights=(4, 4, 8, 3, 3, 6),
    )


def decision_row(item: Decided, decision: Decision) -> tuple[Cell, ...]:
    """A workload in one row."""
    number = decision.workloads.index(item) + 1
    kind = next((answer.verdict for answer in item.answers if answer.question == "type"), "")
    name = Cell(item.workload, tone="strong", anchor=f"workload-{number}")
    now = Cell(usd(item.monthly_now_usd))
    if item.unplaced:
        return (name, Cell(kind), Cell(item.unplaced, tone="bad"), now, Cell(""), Cell(""))
    first = min((stage.first_month for stage in item.stages), default=None)
    where = _places([stage for stage in item.stages if stage.first_month == first])
    later = sorted({stage.first_month for stage in item.stages if stage.first_month != first})
    text = "; ".join(where) + (f"; changes {later[0]}" if later else "")
    return (name, Cell(kind), Cell(text), now, Cell(usd(item.monthly_plan_usd)), Cell(_next_best(item)))


def _places(stages: list[Stage]) -> list[str]:
    """Where stages run: models that share a place wholly are named together."""
    together: dict[tuple[str, str, str], list[str]] = {}
    divided = []
    for stage in stages:
        if stage.share_percent == 100:  # noqa: PLR2004  the whole of a model
            offer = stage.offer
            together.setdefault((offer.surface, offer.scope, offer.tier), []).append(offer.model)
        else:
            divided.append(f"{offer_text(stage.offer)} ({points(stage.share_percent)})")
    whole = [
        offer_text(Offer(surface, scope, " + ".join(dict.fromkeys(models)), tier))
        for (surface, scope, tier), models in together.items()
    ]
    return list(dict.fromkeys([*whole, *divided]))


def _next_best(item: Decided) -> str:
    if item.runner_up is None:
        return "nothing else fits"
    gap = item.runner_up.gap_usd_per_month
    where = surface_text(item.runner_up.offer.surface)
    if abs(gap) <= _CENT:
        return f"{where}, at the same cost"
    return f"{where}, {usd(abs(gap))} {'more' if gap > 0 else 'less before moves and contracts'}"
