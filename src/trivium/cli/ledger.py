"""`trivium ledger`: import, export, back up, restore, migrate, prune, reap, rate, verify, and explain one amount."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trivium.cli import _ledger as shared
from trivium.cli._output import console, print_json
from trivium.core import TriviumError, UsageEvent, UserError

if TYPE_CHECKING:
    from trivium.ledger import Ledger
    from trivium.ledger.importers import BadRow, ImportOptions

app = typer.Typer(no_args_is_help=True, help="Import, export, back up, restore, migrate and prune the ledger.")

_BAD_SHOWN_MAX = 20


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A trace, a folder of Claude Code session logs, or a ledger export.")],
    form: Annotated[
        str | None, typer.Option("--format", help="The format; found from the content if not given.")
    ] = None,
    workload: Annotated[str | None, typer.Option(help="Name of the workload; may hold {model}, {session} …")] = None,
    surface: Annotated[str | None, typer.Option(help="Surface, where the file does not say.")] = None,
    scope: Annotated[str | None, typer.Option(help="Region scope, where the file does not say.")] = None,
    model: Annotated[str | None, typer.Option(help="Model, in place of the file's.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag for every event, name=value; may be repeated.")] = None,
    start: Annotated[str | None, typer.Option(help="Lay a trace without real dates on this day or instant.")] = None,
    session_gap: Annotated[
        str | None, typer.Option(help="Let a trace's sessions begin so far apart, such as 30m, where it does not say.")
    ] = None,
    skip_bad: Annotated[bool, typer.Option(help="Leave out rows that cannot be read, and list them.")] = False,
    as_of: shared.AsOf = None,
    overlay: shared.Overlay = None,
    db: shared.Db = shared.DEFAULT_DB,
    as_json: shared.AsJson = False,
) -> None:
    """Record usage from a file, each event once. Exit 1 if rows were left out."""
    from trivium import catalog
    from trivium.cli._usage import canonical_models
    from trivium.ledger import importers

    found = form or importers.detect(file)
    if start is not None:
        importers.check_start(found)
    if session_gap is not None and found != importers.claude_code_trace.NAME:
        raise UserError(
            "--session-gap", found, f"leave it out: only {importers.claude_code_trace.NAME} has no such times"
        )
    left_out: list[dict[str, Any]] = []
    with (
        shared.progress(f"importing {file.name}") as progress,
        shared.pricing(db, overlay, as_of, must_exist=False) as ledger,
    ):
        options = importers.ImportOptions(
            workload=workload,
            surface=None if surface is None else catalog.surface_id(surface),
            scope=scope,
            model=None if model is None else catalog.model_id(model),
            tags=shared.pairs(tag, "tag"),
            model_id=canonical_models(),
            start=shared.instant(start, "start"),
            session_gap=None if session_gap is None else shared.duration(session_gap, "session-gap"),
            on_bad=(lambda row: left_out.append(_bad_row(row))) if skip_bad else None,
            progress=progress,
        )
        done = _import(ledger, found, file, options, left_out if skip_bad else None)
    result = {"file": str(file), "format": found, "ledger": str(db), **done, "left_out": left_out}
    if as_json:
        print_json(result)
    else:
        kind = "demand rows" if found == "servegen" else "events"
        console().print(f"{file} ({found}): {done['new']:,} new {kind}, {done['known']:,} known already → {db}")
        if done["unpriced"]:
            console().print(f"{done['unpriced']:,} unpriced attempts in the ledger: `trivium ledger rate` says why")
        _print_left_out(left_out)
    if left_out:
        raise typer.Exit(1)


def _import(
    ledger: Ledger, form: str, file: Path, options: ImportOptions, left_out: list[dict[str, Any]] | None
) -> dict[str, int]:
    """Record the file; what the ledger itself refuses goes to `left_out`, or raises without one."""
    from trivium.ledger import importers

    def conflict(event: UsageEvent, error: TriviumError) -> None:
        if left_out is not None:
            name = event.opened.event_id
            left_out.append({"file": str(file), "line": None, "field": "event", "value": name, "remedy": str(error)})

    if form == importers.servegen.NAME:
        done = ledger.append_demand(importers.servegen.read(file, options))
        return {"new": done.new, "known": done.known, "unpriced": 0}
    events = importers.reader(form)(file, options)
    done = ledger.append(events, on_conflict=None if left_out is None else conflict)
    return {"new": done.new, "known": done.known, "unpriced": sum(row.unpriced for row in ledger.spend())}


def _bad_row(row: BadRow) -> dict[str, Any]:
    value = str(row.value)
    return {"file": str(row.path), "line": row.line, "field": row.name, "value": value, "remedy": row.remedy}


def _print_left_out(left_out: list[dict[str, Any]]) -> None:
    screen = console()
    for row in left_out[:_BAD_SHOWN_MAX]:
        place = row["file"] if row["line"] is None else f"{row['file']}:{row['line']}"
        screen.print(f"left out: {place}: {row['field']}: {row['value']!r}: {row['remedy']}", markup=False)
    if len(left_out) > _BAD_SHOWN_MAX:
        screen.print(f"and {len(left_out) - _BAD_SHOWN_MAX:,} more: --json lists them all")


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="A new file, gzipped if its name ends in .gz; - is stdout.")],
    since: Annotated[str | None, typer.Option(help="From this day or instant on.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this day or instant.")] = None,
    where: Annotated[list[str] | None, typer.Option(help="dimension=value or tag:NAME=value.")] = None,
    db: shared.Db = shared.DEFAULT_DB,
    as_json: shared.AsJson = False,
) -> None:
    """Write ended attempts as JSON lines, which `import` takes back."""
    from trivium.ledger import write_export, write_lines

    with shared.opened(db) as ledger, shared.progress(f"exporting {file.name}") as progress:
        events = ledger.events(
            since=shared.instant(since, "since"),
            until=shared.instant(until, "until"),
            where=shared.pairs(where, "where"),
        )
        if str(file) == "-":
            write_lines(events, sys.stdout.buffer)
            return
        count = write_export(events, file, progress=lambda done: progress(done, None))
    _say({"file": str(file), "events": count}, f"{file}: {count:,} events", as_json=as_json)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="A new file.")],
    db: shared.Db = shared.DEFAULT_DB,
    as_json: shared.AsJson = False,
) -> None:
    """Copy the whole ledger while others go on writing, and check the copy."""
    with shared.opened(db) as ledger, shared.progress(f"backing up {db.name}") as progress:
        ledger.backup(file, progress=progress)
    size = file.stat().st_size
    _say({"file": str(file), "bytes": size}, f"{file}: {size:,} bytes, checked", as_json=as_json)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A backup.")],
    db: shared.Db = shared.DEFAULT_DB,
    as_json: shared.AsJson = False,
) -> None:
    """Put a backup in the ledger's place; what was there is kept in a file beside it."""
    with shared.opened(db, must_exist=False) as ledger:
        kept = ledger.restore(file)
    text = f"{db}: restored from {file}" + ("" if kept is None else f"; what was there is kept as {kept}")
    _say({"ledger": str(db), "from": str(file), "kept": kept and str(kept)}, text, as_json=as_json)


@app.command()
def migrate(db: shared.Db = shared.DEFAULT_DB, as_json: shared.AsJson = False) -> None:
    """Bring the ledger's file to the form of this version (every command does so as it opens one)."""
    from trivium.ledger import Ledger

    before, after = Ledger.migrate_file(db)
    told = "is up to date" if before == after else f"brought from revision {before or 'none'} to {after}"
    _say({"ledger": str(db), "before": before, "after": after}, f"{db}: {told} (revision {after})", as_json=as_json)


@app.command()
def prune(
    before: Annotated[str, typer.Option(help="Attempts that began before this day are summed up and deleted.")],
    keep_tag: Annotated[
        list[str] | None, typer.Option(help="A tag the sums still tell apart; may be repeated.")
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Only say what would be done.")] = False,
    db: shared.Db = shared.DEFAULT_DB,
    as_json: shared.AsJson = False,
) -> None:
    """Turn old attempts into sums per day. Totals stay; single attempts, sessions and other tags go for good."""
    with shared.opened(db) as ledger:
        done = ledger.prune(shared.day(before, "before"), keep_tags=keep_tag or (), dry_run=dry_run)
    verb = "would be" if dry_run else "were"
    text = f"{done.attempts:,} attempts before {before} {verb} turned into {done.summaries:,} sums"
    if done.kept_open or done.kept_unpriced:
        text += f"; kept: {done.kept_open:,} open (see `reap`), {done.kept_unpriced:,} unpriced (see `rate`)"
    _say({"dry_run": dry_run} | _values(done), text, as_json=as_json)


@app.command()
def reap(
    older_than: Annotated[str, typer.Option(help="How long an attempt must have been open: 30s, 15m, 1h, 2d.")] = "1h",
    as_of: shared.AsOf = None,
    overlay: shared.Overlay = None,
    db: shared.Db = shared.DEFAULT_DB,
    as_json: shared.AsJson = False,
) -> None:
    """End what a crash left open: outcome abandoned, the amount between bounds. Requests of a batch have two days."""
    with shared.pricing(db, overlay, as_of) as ledger:
        reaped = ledger.reap(shared.duration(older_than, "older-than"))
    values = [{"event_id": r.event_id, "lower_usd": r.lower, "upper_usd": r.upper, "reason": r.reason} for r in reaped]
    lines = [f"{len(reaped):,} attempts ended as abandoned"]
    lines += [
        f"  {r.event_id}: from {r.lower or 0} to {'unknown' if r.upper is None else r.upper} USD ({r.reason})"
        for r in reaped
    ]
    _say({"reaped": values}, "\n".join(lines), as_json=as_json)


@app.command()
def rate(
    as_of: shared.AsOf = None,
    overlay: shared.Overlay = None,
    db: shared.Db = shared.DEFAULT_DB,
    as_json: shared.AsJson = False,
) -> None:
    """Rate unpriced attempts anew; new ratings stand beside the old ones. Exit 3 if some still have no price."""
    with shared.pricing(db, overlay, as_of) as ledger, shared.progress("rating") as progress:
        done = ledger.rate(progress=lambda count: progress(count, None))
    lines = [f"{done.priced:,} attempts now have an amount, {done.unpriced:,} still have none"]
    lines += [f"  {count:,}: {reason}" for reason, count in sorted(done.reasons.items(), key=lambda item: -item[1])]
    _say(_values(done), "\n".join(lines), as_json=as_json)
    if done.unpriced:
        raise typer.Exit(3)


@app.command()
def verify(db: shared.Db = shared.DEFAULT_DB, as_json: shared.AsJson = False) -> None:
    """Check that the ledger does not contradict itself. Exit 1 if it does."""
    with shared.opened(db) as ledger, shared.progress("verifying") as progress:
        findings = ledger.verify(progress=lambda _name: progress(0, None))
        attempts = sum(row.attempts for row in ledger.spend())
    lines = [f"{db}: {attempts:,} attempts, {len(findings):,} findings"]
    lines += [f"  {found.check}: {found.subject}: {found.detail}" for found in findings]
    values = {"ledger": str(db), "attempts": attempts, "findings": [_values(found) for found in findings]}
    _say(values, "\n".join(lines), as_json=as_json)
    if findings:
        raise typer.Exit(1)


@app.command()
def why(
    event_id: Annotated[str, typer.Argument(help="The id of an attempt, or of a request.")],
    overlay: shared.Overlay = None,
    db: shared.Db = shared.DEFAULT_DB,
    as_json: shared.AsJson = False,
) -> None:
    """Walk one amount back: attempt, rating, price, claim, source and date."""
    shared.print_why(db, event_id, overlay, as_json=as_json)


def _values(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def _say(values: dict[str, Any], text: str, *, as_json: bool) -> None:
    if as_json:
        print_json(values)
    else:
        console().print(text, markup=False)
