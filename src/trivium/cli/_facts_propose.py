"""`trivium facts propose`: a saved price page, feed or table as proposed rules with a review for a person."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trivium.cli import _ledger as shared
from trivium.cli._output import console, print_json
from trivium.core import SystemClock, UserError

if TYPE_CHECKING:
    from trivium.catalog.propose import Line, Proposal, Written

_PIPED_WIDTH = 160


def command(
    file: Annotated[Path, typer.Argument(help="A saved page (HTML), feed (RSS, Atom, JSON), tool's table or CSV.")],
    out: Annotated[Path, typer.Option(help="The folder for the proposal; never one that holds claims.")] = Path(
        "proposals"
    ),
    surface: Annotated[str, typer.Option(help="Whose prices these are; the operator of the page's address.")] = "",
    scope: Annotated[str, typer.Option(help="The scope of prices that name none.")] = "global",
    address: Annotated[str, typer.Option(help="Where the file was saved from, if it does not say.")] = "",
    title: Annotated[str, typer.Option(help="The source's title, if the file does not say.")] = "",
    date: Annotated[str | None, typer.Option("--date", help="The day the source is of, if it does not say.")] = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="The day from which the prices hold; the day of the source.")
    ] = None,
    seen: Annotated[str | None, typer.Option(help="The day it was read; today.")] = None,
    status: Annotated[str, typer.Option(help="Its grade, if you know better than the address tells.")] = "",
    per: Annotated[str, typer.Option(help="What amounts are for, if the page does not say: mtok, ktok, token.")] = "",
    as_of: Annotated[str | None, typer.Option(help="Compare with what had been announced by this day; today.")] = None,
    overlay: shared.Overlay = None,
    as_json: shared.AsJson = False,
) -> None:
    """Candidate prices of a saved file, compared with the catalogue and written as proposed rules for a person."""
    from trivium import catalog
    from trivium.catalog import audit, propose

    today = SystemClock().now().date()
    seen_on = today if seen is None else shared.day(seen, "seen")
    if status and status not in catalog.STATUSES:
        raise UserError("--status", status, f"use one of {', '.join(catalog.STATUSES)}")
    if per and per not in propose.SCALES:
        raise UserError("--per", per, f"use one of {', '.join(propose.SCALES)}")
    snapshot = catalog.load(tuple(overlay or ())).snapshot(today if as_of is None else shared.day(as_of, "as-of"))
    index = audit.index_of(snapshot)
    reading = propose.read_file(
        file,
        audit.models_of(index),
        surface=catalog.surface_id(surface) if surface else "",
        scope=scope,
        address=address,
        title=title,
        day="" if date is None else shared.day(date, "date").isoformat(),
        status=status,
        scale=propose.SCALES.get(per),
    )
    proposal = propose.propose(
        reading, index, snapshot, seen_on=seen_on, valid_from=None if from_ is None else shared.day(from_, "from")
    )
    written = propose.write(proposal, file.name, out)
    if as_json:
        print_json(_values(proposal, written))
    else:
        _print(proposal, written)


def _values(proposal: Proposal, written: Written) -> dict[str, Any]:
    return {
        "kind": proposal.reading.kind,
        "source": asdict(proposal.reading.origin),
        "valid_from": proposal.valid_from,
        "seen_on": proposal.seen_on,
        "counts": {verdict: proposal.count(verdict) for verdict in ("conflict", "changed", "new", "same")},
        "lines": [asdict(line) for line in proposal.lines],
        "not_taken": [asdict(issue) for issue in proposal.reading.issues],
        "rules": str(written.rules),
        "review": str(written.review),
    }


def _print(proposal: Proposal, written: Written) -> None:
    from trivium.figures import table

    screen = console()
    width = screen.width if screen.is_terminal else max(screen.width, _PIPED_WIDTH)

    def say(text: str) -> None:
        screen.print(text, markup=False, soft_wrap=True)

    reading = proposal.reading
    say(
        f"{reading.kind}, {reading.origin.status}: {len(proposal.lines)} prices; "
        f"{proposal.count('same')} the same, {proposal.count('changed')} changed, {proposal.count('new')} new, "
        f"{proposal.count('conflict')} would contradict; {len(reading.issues)} not taken"
    )
    rows = [_row(line) for line in proposal.lines if line.verdict != "same"]
    if rows:
        say("\n" + table(("", "price", "ours -> page", "why", "where"), rows).terminal(width))
    for issue in reading.issues:
        say(f"not taken: {issue.where}: {issue.text!r}: {issue.remedy}")
    say(f"\nproposed rules: {written.rules}\nreview: {written.review}")


def _row(line: Line) -> tuple[str, ...]:
    candidate = line.candidate
    low, high = candidate.band
    length = f" >{low - 1}" if low else f" ≤{high}" if high else ""
    model = candidate.model or f"{candidate.label}?"
    ours = "none" if line.ours_usd is None else format(line.ours_usd, "f")
    return (
        line.verdict,
        f"{candidate.surface}/{candidate.scope}/{model}/{candidate.tier} {candidate.unit}{length}",
        f"{ours} -> {candidate.usd:f}",
        line.reason,
        candidate.where,
    )
