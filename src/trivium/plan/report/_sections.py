"""The parts between the first page and the evidence: placement, money, risks, commitments."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from trivium.plan.decision import Advice, Bridge, Decision
from trivium.plan.report._charts import (
    bridge_chart,
    dearest,
    fit_chart,
    placement_chart,
    saving_chart,
    spend_chart,
    tornado_chart,
)
from trivium.plan.report._document import Block, Cell, Chart, Grid, Ref, Section, Text
from trivium.plan.report._front import ROWS_MAX, decision_row
from trivium.plan.report._refs import Refs
from trivium.plan.report._words import percent, points, range_usd, signed_usd, surface_text, usd

_CENT = 0.005
_PRICED = (Ref("measured", "measured"), Ref("claims", "evidence"))
_ASSUMED = (Ref("assumptions", "assumptions"),)


def placement_section(decision: Decision) -> Section:
    """Where everything runs, month by month; which workload fits where; what each surface is paid."""
    shown = dearest(decision)
    blocks: list[Block] = []
    if any(item.stages for item in shown):
        cut = len(decision.workloads) - len(shown)
        caption = "Placement by month" + (f" of the {len(shown)} dearest workloads" if cut > 0 else "")
        blocks.append(Chart(placement_chart(decision, shown, caption).svg(), Cell(caption)))
        how = (
            "mean of all scenarios"
            if decision.spend
            else "each workload's mean forecast, spread like its median demand"
        )
        text = f"Expected spend by surface: {how}"
        blocks.append(Chart(spend_chart(decision).svg(), Cell(text, _ASSUMED)))
    fit = fit_chart(decision, shown)
    if fit.columns:
        blocks.append(Chart(fit.svg(), Cell("Which workload fits where, for every offer that was looked at")))
    if len(decision.workloads) > ROWS_MAX:
        rows = tuple(decision_row(item, decision) for item in decision.workloads)
        headers = ("Workload", "Type", "Runs on", "Now", "Planned", "Next best")
        blocks.append(Grid(headers, "lllrrl", rows, title="Every workload", weights=(4, 4, 8, 3, 3, 6)))
    if not blocks:
        blocks.append(Text(Cell("Nothing is placed.")))
    return Section("placement", "Placement", 2, tuple(blocks), opens_page=True)


def bridges_section(decision: Decision, refs: Refs) -> Section:
    """Where the money lies, and what an early estimate would have missed."""
    blocks: list[Block] = []
    for bridge in (decision.levers, decision.first_month):
        blocks += _bridge(bridge, refs)
    return Section("bridges", "Where the money lies", 2, tuple(blocks), opens_page=True)


def _bridge(bridge: Bridge, refs: Refs) -> Iterator[Block]:
    yield Chart(bridge_chart(bridge).svg(), Cell(bridge.title))
    steps = ((bridge.start, usd), *((step, signed_usd) for step in bridge.steps), (bridge.end, usd))
    rows = tuple(
        (Cell(step.name), Cell(write(step.amount_usd)), Cell(step.why, refs.of(step.basis))) for step, write in steps
    )
    yield Grid(("Step", "Amount", "Why"), "lrl", rows, weights=(4, 3, 7))


def commitments_section(decision: Decision, refs: Refs) -> Section:
    """What to sign and what not, each with its curve of saving, its regret, and from where it pays."""
    if not decision.commitments:
        text = "No commitment is in force or on offer. Offers in the organisation file are judged here."
        return Section("commitments", "Commitments", 2, (Text(Cell(text)),))
    rows = tuple(_advice(advice, refs) for advice in decision.commitments)
    headers = ("Contract", "Verdict", "Level a year", "Saves, mean", "Nine in ten", "Loses in", "Regret")
    blocks: list[Block] = [Grid(headers, "llrrrrr", rows, weights=(4, 3, 3, 3, 5, 2, 3))]
    for advice in decision.commitments:
        told = f"{advice.contract}: {advice.verdict}"
        if advice.break_even:
            blocks.append(Text(Cell(f"{told}; {advice.break_even}.", refs.of(advice.basis))))
        if advice.curve:
            caption = f"{advice.contract}: saving against the same plan without it, by level"
            blocks.append(Chart(saving_chart(advice).svg(), Cell(caption, refs.of(advice.basis))))
    note = "Regret is the mean distance to the best level in hindsight; a saving below zero is a loss."
    return Section("commitments", "Commitments", 2, (*blocks, Text(Cell(note), "note")), opens_page=True)


def _advice(advice: Advice, refs: Refs) -> tuple[Cell, ...]:
    where = ", ".join(surface_text(surface) for surface in advice.surfaces)
    tone = {"sign": "good", "do not sign": "bad"}.get(advice.verdict, "")
    return (
        Cell(f"{advice.contract} ({where})", refs.of(advice.basis)),
        Cell(advice.verdict, tone=tone),
        Cell(usd(advice.level_usd_per_year)),
        Cell(usd(advice.saving.mean_usd)),
        Cell(range_usd(advice.saving)),
        Cell(percent(advice.loss_probability)),
        Cell(usd(advice.regret_usd)),
    )


def reasons_section(decision: Decision, refs: Refs) -> Section:
    """What binds and what it costs, what would flip the answer, what the cost depends on, other plans."""
    blocks = [*_rivals(decision), *_bindings(decision, refs), *_flips(decision, refs), *_swings(decision)]
    blocks += [*_losses(decision), *_learning(decision, refs), *_if_true(decision, refs)]
    if not blocks:
        blocks.append(Text(Cell("Nothing binds and nothing flips.")))
    return Section("reasons", "Reasons, risks and other plans", 2, tuple(blocks), opens_page=True)


def _rivals(decision: Decision) -> Iterator[Block]:
    if not decision.rivals:
        return
    rows: list[tuple[Cell, ...]] = [
        (
            Cell("this plan", _ASSUMED, "strong"),
            Cell(usd(decision.forecast.mean_usd)),
            Cell(range_usd(decision.forecast)),
            Cell(""),
        )
    ]
    for rival in decision.rivals:
        if rival.forecast is None:
            rows.append((Cell(rival.name, _ASSUMED), Cell("none"), Cell(""), Cell(rival.why_not)))
        else:
            more = signed_usd(rival.forecast.mean_usd - decision.forecast.mean_usd)
            rows.append(
                (
                    Cell(rival.name, _ASSUMED),
                    Cell(usd(rival.forecast.mean_usd)),
                    Cell(range_usd(rival.forecast)),
                    Cell(more),
                )
            )
    headers = ("Plan", "Expected", "Nine in ten", "Against this plan")
    yield Grid(headers, "lrrl", tuple(rows), title="Other plans for the same work, priced the same way")


def _bindings(decision: Decision, refs: Refs) -> Iterator[Block]:
    if decision.bindings:
        rows = tuple(
            (
                Cell(binding.constraint),
                Cell(usd(binding.usd_per_month)),
                Cell(", ".join(binding.workloads), refs.of(binding.basis)),
            )
            for binding in decision.bindings
        )
        yield Grid(
            ("Constraint", "USD a month", "Workloads"), "lrl", rows, title="What binds, and what it costs",
            weights=(5, 3, 6),
        )  # fmt: skip


def _flips(decision: Decision, refs: Refs) -> Iterator[Block]:
    if decision.flips:
        rows = tuple(
            (Cell(flip.input), Cell(flip.now), Cell(flip.at), Cell(flip.becomes, refs.of(flip.basis)))
            for flip in decision.flips
        )
        headers = ("Input", "Now", "Flips at", "The answer becomes")
        yield Grid(headers, "llll", rows, title="Where the answer flips", weights=(5, 3, 3, 5))


def _swings(decision: Decision) -> Iterator[Block]:
    if decision.swings:
        caption = "Cost of the plan over the horizon with each input at its low and at its high end"
        yield Chart(tornado_chart(decision).svg(), Cell(caption, _ASSUMED))


def _losses(decision: Decision) -> Iterator[Block]:
    if decision.losses:
        rows = tuple(
            (
                Cell(surface_text(loss.surface), _PRICED),
                Cell(points(loss.share_continues_percent)),
                Cell(usd(loss.extra_usd_per_month)),
                Cell(", ".join(loss.workloads_stopped) or "none"),
                Cell(loss.note),
            )
            for loss in decision.losses
        )
        headers = ("If it fails", "Goes on", "Extra a month", "Stops", "Note")
        yield Grid(headers, "lrrll", rows, title="If one surface fails", weights=(4, 2, 3, 4, 6))


def _learning(decision: Decision, refs: Refs) -> Iterator[Block]:
    steps = [step for step in (decision.waiting, decision.information) if step is not None]
    if steps:
        rows = tuple((Cell(s.name), Cell(signed_usd(s.amount_usd)), Cell(s.why, refs.of(s.basis))) for s in steps)
        title = "What waiting and knowing more would be worth"
        yield Grid(("", "Worth", "Why"), "lrl", rows, title=title, weights=(4, 3, 7))


def _if_true(decision: Decision, refs: Refs) -> Iterator[Block]:
    if decision.what_if_true:
        rows = tuple(
            (Cell(item.statement, refs.all((item.claim_id,))), Cell(usd(item.saving_usd)), Cell(item.changes))
            for item in decision.what_if_true
        )
        headers = ("Not counted", "Worth if true", "What would change")
        yield Grid(headers, "lrl", rows, title="Claims that are not counted", weights=(6, 3, 5))


def measured_section(decision: Decision, detailed: Collection[int]) -> Section:
    """What was measured: the ground of every figure marked so. Workloads without a section are led to here."""
    rows = tuple(
        (
            Cell(item.workload, anchor=f"workload-{number + 1}"),
            Cell(usd(item.measured)),
            Cell(f"{item.span_days:.1f}"),
            Cell(f"{item.requests:,}"),
        )
        for number, item in enumerate(decision.workloads)
    )
    headers = ("Workload", "Spent", "Days", "Requests")
    anchors = tuple("" if n in detailed else f"workload-{n + 1}" for n in range(len(rows)))
    text = (
        "Figures marked “measured” come from the use below; what the organisation says in its file is marked “stated”."
    )
    blocks: tuple[Block, ...] = (Text(Cell(text)), Grid(headers, "lrrr", rows, anchors=anchors))
    return Section("measured", "What was measured", 2, blocks if rows else (Text(Cell("Nothing was measured.")),))
