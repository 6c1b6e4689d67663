"""`trivium facts audit`: where another tool's price table and the catalogue disagree, and who is probably wrong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trivium.cli import _ledger as shared
from trivium.cli._output import console, print_json

if TYPE_CHECKING:
    from trivium.catalog.audit import Finding, Report

_PIPED_WIDTH = 160
_SHOWN = 40
_WRONG = {"table": "the table is probably wrong", "us": "we are probably wrong", "open": "open"}


def command(
    file: Annotated[
        Path, typer.Argument(help="A table of LiteLLM, genai-prices (data.json), models.dev, llm-prices, or a CSV.")
    ],
    at: Annotated[
        str | None, typer.Option(help="The day to compare; the newest day that stands in the table, else --as-of.")
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="Judge by what had been announced by this day; today.")] = None,
    gaps: Annotated[bool, typer.Option("--gaps", help="Show what the table lacks, and what we have no price for.")] = (
        False
    ),
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many offers; --json shows all.")] = _SHOWN,
    overlay: shared.Overlay = None,
    as_json: shared.AsJson = False,
) -> None:
    """Where another tool's price table and the catalogue disagree, by class of error; exit 1 if they do."""
    from trivium import catalog
    from trivium.catalog import audit as room

    known = shared.day(as_of, "as-of")
    snapshot = catalog.load(tuple(overlay or ())).snapshot(known)
    index = room.index_of(snapshot)
    table = room.read_table(file, room.models_of(index))
    day = shared.day(at, "at") if at is not None else min(table.newest_day or known, known)
    report = room.audit(
        table,
        index,
        at=day,
        as_of=known,
        announced=room.announced_in(snapshot),
        profiles=room.listed_profiles(snapshot),
    )
    if as_json:
        print_json(_values(report, known))
    else:
        _print(report, known, limit, gaps=gaps)
    if report.findings:
        raise typer.Exit(1)


def _values(report: Report, as_of: date) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "format": report.format,
        "at": report.at,
        "as_of": as_of,
        "entries": report.entries,
        "compared": report.compared,
        "equal": report.equal,
        "classes": report.by_class(),
        "findings": [asdict(finding) for finding in report.findings],
        "gaps": [asdict(gap) for gap in report.gaps],
        "not_compared": dict(report.skipped),
    }


def _print(report: Report, as_of: date, limit: int, *, gaps: bool) -> None:
    screen = console()
    width = screen.width if screen.is_terminal else max(screen.width, _PIPED_WIDTH)

    def say(text: str) -> None:
        screen.print(text, markup=False, soft_wrap=True)

    say(
        f"{report.format}: {report.entries:,} prices of Claude; on {report.at}, as known on {as_of}: "
        f"{report.compared:,} compared, {report.equal:,} equal, {len(report.findings):,} findings"
    )
    if report.findings:
        say(_classes(report, width))
        say(_findings(report.findings, limit))
    theirs = sum(report.skipped.values())
    if theirs:
        say(f"not compared: {theirs:,} ids of {', '.join(report.skipped)}")
    missing = sum(gap.class_id != "ours" for gap in report.gaps)
    say(f"gaps: {missing} offers the table does not price in full, {len(report.gaps) - missing} we have no price for")
    if gaps and report.gaps:
        say(_gaps(report, width))


def _classes(report: Report, width: int) -> str:
    from trivium.catalog.audit import CLASSES
    from trivium.figures import table

    rows = [
        (
            class_id,
            CLASSES[class_id].name,
            str(count),
            CLASSES[class_id].severity,
            _who([finding for finding in report.findings if finding.class_id == class_id]),
        )
        for class_id, count in report.by_class().items()
    ]
    return "\n" + table(("class", "what", "findings", "severity", "probably wrong"), rows).terminal(width)


def _who(findings: Sequence[Finding]) -> str:
    return ", ".join(sorted({finding.probably_wrong for finding in findings}))


def _findings(findings: Sequence[Finding], limit: int) -> str:
    """Two lines for each id and class: the units with our price and theirs, then why and by which claim."""
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for finding in findings:
        key = (finding.class_id, finding.table_id, finding.tier, finding.table_scope, finding.reason)
        groups.setdefault(key, []).append(finding)
    lines = ["", "each id in the table: unit ours -> theirs"]
    for (class_id, table_id, tier, scope, reason), found in list(groups.items())[:limit]:
        place = table_id if tier == "standard" else f"{table_id} ({scope}, {tier})"
        ordered = sorted(found, key=_unit_order)
        lines.append(f"{class_id}  {place}: {'; '.join(_difference(finding) for finding in ordered)}")
        claim = f" [{ordered[0].claim_ids[0]}]" if ordered[0].claim_ids else ""
        lines.append(f"     {_WRONG[found[0].probably_wrong]}: {reason}{claim}")
    rest = len(groups) - limit
    if rest > 0:
        lines.append(f"… and {rest} more: --limit, or --json for all")
    return "\n".join([*lines, ""])


def _unit_order(finding: Finding) -> tuple[int, int]:
    """Input and output first, as people read a price."""
    units = ("input", "output", "cache_write_5m", "cache_write_1h", "cache_read")
    return (units.index(finding.unit) if finding.unit in units else len(units), finding.band[0])


def _difference(finding: Finding) -> str:
    from trivium.cli._output import jsonable

    ours = "none" if finding.expected_usd is None else jsonable(finding.expected_usd)
    return f"{finding.unit} {ours} -> {jsonable(finding.observed_usd)}"


def _gaps(report: Report, width: int) -> str:
    from trivium.figures import table

    rows = [
        (gap.class_id, f"{gap.surface}/{gap.scope}/{gap.model}/{gap.tier}", ", ".join(gap.units), gap.detail)
        for gap in report.gaps
    ]
    return "\n" + table(("class", "offer", "units", "what"), rows).terminal(width)
