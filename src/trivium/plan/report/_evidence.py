"""What the report rests on: every claim it names, conflicts and who wins, assumptions, days to remember, method."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from trivium.catalog import Claim, Conflict
from trivium.plan.decision import Decision
from trivium.plan.report._document import Block, Cell, Entry, Grid, Items, Section, Text
from trivium.plan.report._refs import Refs
from trivium.plan.report._words import percent

_QUOTE_MAX = 240
_NOT_COUNTED = ("forward-looking", "unconfirmed")


def evidence_section(refs: Refs, conflicts: Sequence[Conflict], at: date) -> Section:
    """An entry a claim, in the order of their numbers, then the conflicts that touch them; `at` is the plan's day."""
    blocks: list[Block] = []
    if not refs.numbers:
        blocks.append(Text(Cell("This report rests on no claim.")))
    blocks += [_entry(name, number, refs, at) for name, number in refs.numbers.items()]
    touched = [conflict for conflict in conflicts if any(claim.id in refs.numbers for claim in conflict.ranked.claims)]
    if touched:
        blocks.append(Text(Cell("Claims that cannot all be true, and which of them wins", tone="strong")))
        blocks.append(
            Grid(
                ("About", "Wins", "Loses", "Why"),
                "llll",
                tuple(_conflict(conflict, refs) for conflict in touched),
                weights=(4, 4, 4, 4),
            )
        )
    return Section("evidence", "Evidence", 2, tuple(blocks))


def _entry(name: str, number: int, refs: Refs, at: date) -> Entry:
    claim = refs.claims.get(name)
    anchor = f"claim-{number}"
    if claim is None:
        return Entry(anchor, f"[{number}] {name}", (Cell("not in the catalogue that was given", tone="bad"),))
    return Entry(anchor, f"[{number}] {name}", tuple(_lines(claim, at)))


def _lines(claim: Claim, at: date) -> Iterator[Cell]:
    unit = f" {claim.unit}" if claim.unit else ""
    about = f"{claim.subject}: {claim.predicate}" if claim.subject else claim.predicate
    yield Cell(f"{about} = {claim.value}{unit}", tone="strong")
    days = [
        f"{word} {day}"
        for word, day in (
            ("from", claim.valid_from),
            ("until", claim.valid_until),
            ("announced", claim.announced_on),
            ("seen", claim.seen_on),
            ("review by", claim.review_by),
        )
        if day is not None
    ]
    yield Cell(", ".join([claim.status, *days]))
    yield from (Cell(text, tone="bad") for text in _warnings(claim, at))
    for source in claim.sources:
        when = f" ({source.date})" if source.date else ""
        yield Cell(f"{source.title}{when}" + (f", {source.address}" if source.address else ""), tone="faint")
        if source.quote:
            yield Cell(f"“{_short(source.quote)}”", tone="faint")
    if claim.note:
        yield Cell(claim.note, tone="faint")


def _warnings(claim: Claim, at: date) -> Iterator[str]:
    """What a reader must know before resting on it."""
    if claim.status in _NOT_COUNTED:
        yield f"{claim.status}: shown, never counted"
    if claim.valid_until is not None and claim.valid_until <= at:
        yield f"it holds no more on {at}"
    elif claim.valid_from is not None and claim.valid_from > at:
        yield f"it holds from {claim.valid_from} on, after the day of the plan"
    if claim.review_by is not None and claim.review_by < at:
        yield f"its review has been due since {claim.review_by}"


def _short(quote: str) -> str:
    return quote if len(quote) <= _QUOTE_MAX else quote[: _QUOTE_MAX - 1].rstrip() + "…"


def _conflict(conflict: Conflict, refs: Refs) -> tuple[Cell, ...]:
    winner, *losers = conflict.ranked.claims
    why = conflict.why if not conflict.ranked.tied else "nothing decides between them: neither is counted on"
    return (
        Cell(f"{conflict.subject}: {conflict.predicate}"),
        _named(winner, refs),
        Cell("; ".join(_claim_text(claim) for claim in losers)),
        Cell(why),
    )


def _named(claim: Claim, refs: Refs) -> Cell:
    found = (refs.claim(claim.id),) if claim.id in refs.numbers else ()
    return Cell(_claim_text(claim), found)


def _claim_text(claim: Claim) -> str:
    return f"{claim.value} ({claim.status}, {claim.id})"


def assumptions_section(decision: Decision) -> Section:
    """What stands in for things nobody said."""
    if not decision.assumptions:
        blocks: tuple[Block, ...] = (Text(Cell("Nothing was assumed in place of something nobody said.")),)
    else:
        rows = tuple(
            (Cell(item.field, tone="strong"), Cell(item.value), Cell(item.why), Cell(item.remedy))
            for item in decision.assumptions
        )
        anchors = tuple(f"assumption-{number + 1}" for number in range(len(rows)))
        headers = ("Field", "Taken as", "Why", "Remedy")
        blocks = (Grid(headers, "llll", rows, anchors=anchors, weights=(5, 3, 8, 6)),)
    return Section("assumptions", "Assumptions", 2, blocks, opens_page=True)


def checkpoints_section(decision: Decision, refs: Refs) -> Section:
    """Days to remember; what is overdue comes first and is said to be."""
    if not decision.checkpoints:
        return Section("checkpoints", "Checkpoints", 2, (Text(Cell("No day has to be remembered.")),))
    rows = tuple(
        (
            Cell(
                f"{point.due} (overdue)" if point.due < decision.at else str(point.due),
                tone="bad" if point.due < decision.at else "strong",
            ),
            Cell(point.subject),
            Cell(point.reason, refs.all(point.claim_ids)),
        )
        for point in sorted(decision.checkpoints)
    )
    text = "The same days are in the calendar file, with alarms."
    blocks = (Text(Cell(text), "note"), Grid(("Day", "Subject", "Why"), "lll", rows, weights=(2, 4, 7)))
    return Section("checkpoints", "Checkpoints", 2, blocks)


def method_section(decision: Decision) -> Section:
    """How the figures came about, and how to make them again."""
    mean, tail = percent(1 - decision.risk_weight), percent(decision.risk_weight)
    weighed = (
        f"The plan weighs the mean with {mean}, the mean of the worst {percent(1 - decision.risk_level)} with {tail}."
    )
    lines = [
        "Measured figures are sums of the ledger's tokens at the prices of their day, exact to the last digit.",
        f"Forecasts come from {decision.scenarios} scenarios of demand (seed {decision.seed}) and are shown rounded.",
        weighed,
        "Claims that look forward or are unconfirmed are shown and never counted.",
        f"The plan is of {decision.at}, from what was announced by {decision.as_of}.",
    ]
    if decision.optimality:
        lines.append(f"How good the plan is proven to be: {decision.optimality}.")
    lines += [note[:1].upper() + note[1:] for note in decision.notes]
    if decision.snapshot_digest:
        lines.append(f"Catalogue {decision.snapshot_digest}, prices {decision.book_digest}.")
    return Section("method", "Method and notes", 2, (Items(tuple(Cell(line) for line in lines)),))
