"""One workload: its five answers with their evidence, its demand, its months, what else it could do and why not."""

from __future__ import annotations

from collections.abc import Iterator

from trivium.plan.decision import Decided, Decision, Excluded
from trivium.plan.report._charts import cone_chart, placement_chart
from trivium.plan.report._document import Block, Cell, Chart, Grid, Items, Ref, Section, Text
from trivium.plan.report._refs import Refs
from trivium.plan.report._words import month, offer_text, points, range_usd, usd

QUESTIONS = {
    "type": "1 Dominant type",
    "window": "2 Fine-tuning window",
    "price": "3 Real price",
    "microsoft": "4 Microsoft depth",
    "checkpoints": "5 Checkpoints",
}
_ASSUMED = (Ref("assumptions", "assumptions"),)
_MEASURED = (Ref("measured", "measured"),)


def workload_section(item: Decided, number: int, decision: Decision, refs: Refs) -> Section:
    """Everything the decision says about a workload."""
    blocks: list[Block] = [_facts(item)]
    if item.unplaced:
        blocks.append(Text(Cell(f"No place: {item.unplaced}.", tone="bad")))
    if item.alternatives:
        blocks.append(Text(Cell("What the platforms do offer instead:")))
        blocks.append(Items(tuple(Cell(text) for text in item.alternatives)))
    if item.why:
        blocks.append(Text(Cell(f"Why there: {item.why}.".replace("..", "."))))
    blocks += _answers(item, refs)
    if item.demand.months:
        caption = f"Demand of {item.workload}, {item.demand.unit}"
        blocks.append(Chart(cone_chart(item.demand, caption).svg(), Cell(caption, _ASSUMED)))
    blocks += _placement(item, decision)
    blocks += _others(item, decision, refs)
    return Section(f"workload-{number}", item.workload, 3, tuple(blocks))


def _facts(item: Decided) -> Grid:
    measured = f"{usd(item.measured)} in {item.span_days:.1f} days, {item.requests:,} requests"
    rows = [
        (Cell("Owner"), Cell(item.owner or "not said")),
        (Cell("Models now"), Cell(", ".join(item.models) or "none")),
        (Cell("Measured"), Cell(measured, _MEASURED)),
        (Cell("A month as it runs now"), Cell(usd(item.monthly_now_usd), _MEASURED)),
    ]
    if not item.unplaced:
        forecast = f"{usd(item.forecast.mean_usd)} (nine chances in ten: {range_usd(item.forecast)})"
        rows += [
            (Cell("A month as planned"), Cell(usd(item.monthly_plan_usd), _MEASURED)),
            (Cell("Over the horizon, as planned"), Cell(forecast, _ASSUMED)),
        ]
    return Grid(("", ""), "ll", tuple(rows), weights=(2, 5))


def _answers(item: Decided, refs: Refs) -> Iterator[Block]:
    if not item.answers:
        return
    rows = []
    for answer in item.answers:
        more = [answer.sentence]
        if answer.margin:
            more.append(f"Margin: {answer.margin}.")
        if answer.ask_again:
            more.append(f"Ask again on {answer.ask_again}.")
        name = QUESTIONS.get(answer.question, answer.question)
        rows.append((Cell(name), Cell(answer.verdict, tone="strong"), Cell(" ".join(more), refs.of(answer.basis))))
    yield Grid(("Question", "Answer", "Why"), "lll", tuple(rows), title="Five questions", weights=(3, 3, 9))
    for answer in item.answers:
        if answer.points:
            name = QUESTIONS.get(answer.question, answer.question)
            found = tuple(
                (Cell(point.what), Cell(point.value, refs.of(point.basis)), Cell(point.speaks_for))
                for point in answer.points
            )
            headers = ("Looked at", "Found", "Speaks for")
            yield Grid(headers, "lll", found, title=f"Evidence: {name}", weights=(6, 7, 5))


def _placement(item: Decided, decision: Decision) -> Iterator[Block]:
    if not item.stages:
        return
    title = f"Where {item.workload} runs"
    yield Chart(placement_chart(decision, (item,), title, marks=False).svg(), Cell(title))
    rows = tuple(
        (
            Cell(f"{month(stage.first_month)} to {month(stage.last_month)}"),
            Cell(offer_text(stage.offer)),
            Cell(stage.model if stage.model != stage.offer.model else ""),
            Cell(stage.cache_life or ""),
            Cell(points(stage.share_percent)),
        )
        for stage in item.stages
    )
    headers = ("Months", "Offer", "In place of", "Cache life", "Share")
    yield Grid(headers, "llllr", rows, weights=(5, 8, 4, 3, 2))


def _others(item: Decided, decision: Decision, refs: Refs) -> Iterator[Block]:
    if item.runner_up is not None:
        best = item.runner_up
        gap = best.gap_usd_per_month
        told = f"{usd(abs(gap))} a month {'dearer' if gap >= 0 else 'cheaper at list'}" if gap else "the same cost"
        cache = f" with a cache life of {best.cache_life}" if best.cache_life else ""
        text = (
            f"Next best on another surface: {offer_text(best.offer)}{cache}, {told}. It wins when: {best.flips_when}."
        )
        yield Text(Cell(text, _MEASURED))
    mine = [flip for flip in decision.flips if flip.input.startswith((f"{item.workload}/", f"{item.workload}:"))]
    if mine:
        yield Text(Cell("What would change the answer:"))
        yield Items(
            tuple(
                Cell(f"{flip.input}: {flip.now} now; from {flip.at} on: {flip.becomes}", refs.of(flip.basis))
                for flip in mine
            )
        )
    if item.excluded:
        rows = tuple(
            (Cell(", ".join(str(gone.offer) for gone in group)), Cell(group[0].reason, refs.all(group[0].claim_ids)))
            for group in _by_reason(item.excluded)
        )
        yield Grid(("Cannot be used", "Because"), "ll", rows, weights=(4, 5))


def _by_reason(excluded: tuple[Excluded, ...]) -> list[list[Excluded]]:
    found: dict[tuple[str, tuple[str, ...]], list[Excluded]] = {}
    for gone in excluded:
        found.setdefault((gone.reason, gone.claim_ids), []).append(gone)
    return list(found.values())
