"""The report that can be shared: the fidelity table, what differs, and how it was measured, as Markdown and as JSON."""

from __future__ import annotations

from typing import Any

from trivium.certify._compare import Aspect, Verdict
from trivium.certify._run import Report, Row

NONE = "-"  # neither side has it: nothing to compare


def cell(row: Row, aspect: Aspect) -> str:
    """One cell of the table."""
    if row.not_run:
        return Verdict.NOT_RUN.value
    return row.aspects[aspect].verdict.value if aspect in row.aspects else NONE


def summary(report: Report) -> list[str]:
    """A line for each aspect: in how many of the compared calls it is the same."""
    counts = {aspect: report.count(aspect) for aspect in Aspect}
    return [f"{aspect.value}: same in {same} of {of}" for aspect, (same, of) in counts.items() if of]


def differences(report: Report) -> list[str]:
    """A line for each aspect of a call that is not the same, and for each call that was not run."""
    found = []
    for row in report.rows:
        if row.not_run:
            found.append(f"{row.call.id}: {Verdict.NOT_RUN.value}: {report.guard.scrub(row.not_run)}")
        found += [f"{row.call.id}: {remark}" for remark in row.remarks]
        found += [
            f"{row.call.id}, {aspect.value}: {item.verdict.value}: {item.detail}"
            for aspect, item in row.aspects.items()
            if item.verdict is not Verdict.SAME
        ]
    return found


def verdict(report: Report) -> str:
    """The run in a phrase, as the `fidelity` claim says it."""
    compared = sum(1 for row in report.rows if not row.not_run)
    left = len(report.rows) - compared
    of = sum(len(row.aspects) for row in report.rows)
    text = f"{of - report.differences} of {of} aspects the same in {compared} calls"
    return text + (f"; {left} calls not run" if left else "")


def address(report: Report) -> str:
    """Whether the live side is known to have been the surface."""
    return (
        "the surface's own address" if report.public else "another address than the surface's own: nothing is certified"
    )


def cost(report: Report) -> str:
    """What the run cost, and by whose counts."""
    if not report.book_digest:
        return "a recording, held against the lab again: nothing was sent to the surface or spent"
    spent = f"cost {report.spent} USD by the surface's counts, bound {report.worst} USD, budget {report.budget} USD"
    return f"{spent} (price book {report.book_digest[:12]})"


def markdown(report: Report, version: str) -> str:
    """The report file."""
    head = ["call", *(aspect.value for aspect in Aspect)]
    table = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    table += [f"| {row.call.id} | {' | '.join(cell(row, aspect) for aspect in Aspect)} |" for row in report.rows]
    found = [f"- {line}" for line in differences(report)] or ["- nothing"]
    asked = [f"- {row.call.id}: {row.call.asks}" for row in report.rows]
    text = "\n".join(
        [
            f"# Is the lab true? {report.surface}, {report.started_at.date()}",
            "",
            f"Each call went to the live surface `{report.surface}` and then to Trivium's lab ({version}).",
            f"The model was `{report.model}`. {verdict(report)}.",
            "",
            *table,
            "",
            "`only live`, `only lab`: only one of the two has it. `-`: neither has.",
            "",
            "## What differs",
            *found,
            "",
            "## What was asked",
            *asked,
            "",
            "## How it was measured",
            f"- asked at {address(report)}",
            f"- started {report.started_at.isoformat(timespec='seconds')}",
            f"- {cost(report)}",
            f"- recording: SHA-256 {report.digest}",
            "- ids, texts, times and counts within the tolerance of rules.toml may differ; all else may not",
            "",
        ]
    )
    return report.guard.scrub(text)


def document(report: Report) -> dict[str, Any]:
    """The same for programs; money as decimal strings."""
    return {
        "surface": report.surface,
        "model": report.model,
        "started_at": report.started_at.isoformat(timespec="seconds"),
        "verdict": verdict(report),
        "differences": report.differences,
        "public_address": report.public,
        "stopped": report.stopped,
        "unreachable": report.unreachable,
        "spent_usd": str(report.spent),
        "worst_usd": str(report.worst),
        "budget_usd": str(report.budget),
        "price_book": report.book_digest,
        "recording_sha256": report.digest,
        "calls": [
            {
                "call": row.call.id,
                "asks": row.call.asks,
                "not_run": report.guard.scrub(row.not_run),
                "remarks": row.remarks,
                "worst_usd": str(row.worst),
                "spent_usd": str(row.spent),
                "aspects": {
                    aspect.value: {"verdict": item.verdict.value, "detail": item.detail}
                    for aspect, item in row.aspects.items()
                },
            }
            for row in report.rows
        ],
    }
