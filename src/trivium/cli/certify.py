"""`trivium certify`: a bounded list of calls to a live surface and to the lab, and what differs between the two."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from trivium.core import Money, SystemClock, UserError

if TYPE_CHECKING:
    from trivium.certify import Call, Plan, Report, Row, Site
    from trivium.cli._certify import Live

EXIT_DIFFERS, EXIT_STOPPED, EXIT_FAILED = 1, 3, 4
_NONCE_BYTES = 12


def command(
    *,
    live: Annotated[str, typer.Option(metavar="SURFACE", help="A surface of the settings: the calls go there.")] = "",
    recorded: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Instead: a recording, held against the lab. It costs nothing.")
    ] = None,
    settings: Annotated[Path, typer.Option(help="The settings file.")] = Path("trivium.toml"),
    model: Annotated[str, typer.Option(help="The model to ask; else the cheapest one that is priced there.")] = "",
    budget_usd: Annotated[str, typer.Option(help="No call is made that could exceed it.")] = "0.25",
    only: Annotated[str, typer.Option(help="Comma-separated calls of the list.")] = "",
    record: Annotated[Path | None, typer.Option(help="Write the redacted exchanges here, as JSON lines.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write a report to share here, as Markdown.")] = None,
    claims: Annotated[Path | None, typer.Option(help="Write measured claims here, as a CSV of an overlay.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the calls and their worst cost; send none.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Spend without asking.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Hold the lab against a live surface: the same calls to both, with your own credentials. It costs real money.

    Each call's upper bound is priced before anything is sent, and no call is made that could exceed the budget. What is
    kept is redacted: no text, credential or id of yours is in it. Exit 0: no difference; 1: differences; 3: over the
    budget, or calls left out because the surface was busy; 4: the surface does not answer or refuses the credential.
    """
    from trivium.certify import chosen, plan, shipped_calls
    from trivium.cli._certify import live_side

    clock = SystemClock()
    budget = _budget(budget_usd)
    files = {"--record": record, "--report": report, "--claims": claims}
    _check_files(files)
    calls = chosen(shipped_calls(), [name.strip() for name in only.split(",") if name.strip()])
    if recorded is not None:
        if live or claims or record or dry_run:
            raise UserError("--recorded", str(recorded), "give it with --only, --report or --json, and nothing else")
        _end(_held_again(recorded, calls), files, as_json=as_json)
    if not live:
        raise UserError("--live", "", "name a surface of the settings, or a recording with --recorded")
    side = live_side(settings, live, model, clock)
    planned = plan(calls, side.site, side.book, at=clock.now(), nonce=secrets.token_hex(_NONCE_BYTES))
    if dry_run:
        _show_plan(planned, budget, as_json=as_json)
        raise typer.Exit(EXIT_STOPPED if planned.worst > budget else 0)
    if planned.worst > budget:
        _say(
            f"nothing was sent: {live} with {planned.model} could cost {planned.worst} USD, the budget is {budget}; "
            "give a larger --budget-usd, a cheaper --model, or fewer calls with --only"
        )
        raise typer.Exit(EXIT_STOPPED)
    _confirm(planned, budget, yes=yes)
    _end(asyncio.run(_run(planned, side, budget)), files, as_json=as_json)


def _end(found: Report, files: Mapping[str, Path | None], *, as_json: bool) -> NoReturn:
    """Write, print, and end with the code of what was found."""
    written = _write(found, files)
    _show(found, as_json=as_json)
    if found.unreachable or not written:
        raise typer.Exit(EXIT_FAILED)
    if found.stopped:
        raise typer.Exit(EXIT_STOPPED)
    raise typer.Exit(EXIT_DIFFERS if found.differences else 0)


def _held_again(path: Path, calls: Sequence[Call]) -> Report:
    """A recording beside what the lab says today."""
    from trivium.certify import again, read_recording
    from trivium.cli._certify import lab_side, recorded_side

    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError("--recorded", str(path), "name a file that --record wrote") from error
    said = read_recording(text)

    async def held() -> Report:
        with lab_side(recorded_side(said, SystemClock())) as lab:
            try:
                return await again(said, lab, calls)
            finally:
                await lab.transport.close()

    return asyncio.run(held())


def _budget(text: str) -> Money:
    try:
        found = Money.from_usd(text)
    except UserError as error:
        raise UserError("--budget-usd", text, error.remedy) from error
    if found.picos < 0:
        raise UserError("--budget-usd", text, "give an amount of 0 or more")
    return found


def _confirm(planned: Plan, budget: Money, *, yes: bool) -> None:
    """A yes, given or typed."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UserError("--yes", "not given", "these calls cost real money: give --yes, or look first with --dry-run")
    sent = sum(item.outbound is not None for item in planned.calls)
    question = f"Send {sent} calls to {planned.surface} with {planned.model}, for at most {planned.worst} USD?"
    if not typer.confirm(f"{question} (budget {budget} USD)", err=True):
        raise typer.Exit(EXIT_STOPPED)


async def _run(planned: Plan, side: Live, budget: Money) -> Report:
    from trivium.certify import run
    from trivium.cli._certify import lab_side

    try:
        with lab_side(side) as lab:
            return await _both(planned, side, lab, budget, run)
    finally:
        await side.site.transport.close()


async def _both(planned: Plan, side: Live, lab: Site, budget: Money, run: Any) -> Report:
    done = 0

    def progress(row: Row) -> None:
        nonlocal done
        done += 1
        _say(f"{done}/{len(planned.calls)} {row.call.id}: {_in_short(row)}")

    try:
        found: Report = await run(planned, side.site, lab, budget, names=side.names, on_row=progress)
    finally:
        await lab.transport.close()
    return found


def _in_short(row: Row) -> str:
    from trivium.certify import Verdict

    if row.not_run:
        return Verdict.NOT_RUN.value
    unlike = [aspect.value for aspect, item in row.aspects.items() if item.verdict is not Verdict.SAME]
    return f"differs in {', '.join(unlike)}" if unlike else Verdict.SAME.value


def _say(text: str) -> None:
    from trivium.cli._output import harmless

    sys.stderr.write(harmless(text) + "\n")


def _check_files(files: Mapping[str, Path | None]) -> None:
    """Before anything is paid for."""
    for option, path in files.items():
        if path is not None and (not path.parent.is_dir() or path.is_dir()):
            raise UserError(option, str(path), "name a file in a folder that exists")


def _write(found: Report, files: Mapping[str, Path | None]) -> bool:
    """Whether every file could be written: the calls are paid for, so the others are, and the table is printed."""
    from trivium import __version__
    from trivium.certify import claims_csv, markdown

    texts = {
        "--record": found.recording,
        "--report": markdown(found, f"version {__version__}"),
        "--claims": claims_csv(found),
    }
    written = True
    for option, path in files.items():
        try:
            if path is not None:
                path.write_text(texts[option], encoding="utf-8")
        except OSError as error:
            written = False
            _say(f"{option} could not be written: {path}: {error.strerror}")
    return written


def _show_plan(planned: Plan, budget: Money, *, as_json: bool) -> None:
    from trivium.cli._output import console, print_json

    if as_json:
        calls = [
            {"call": item.call.id, "asks": item.call.asks, "worst_usd": str(item.worst), "left_out": item.left_out}
            for item in planned.calls
        ]
        head = {"surface": planned.surface, "model": planned.model, "worst_usd": str(planned.worst)}
        print_json({**head, "budget_usd": str(budget), "calls": calls})
        return
    from rich.table import Table

    table = Table(title=f"{planned.surface}, {planned.model}: nothing is sent")
    for name in ("call", "asks", "at most, USD"):
        table.add_column(name, justify="right" if name.endswith("USD") else "left", overflow="fold")
    for item in planned.calls:
        table.add_row(item.call.id, item.call.asks, item.left_out or str(item.worst))
    console().print(table)
    console().print(f"All of it costs at most {planned.worst} USD; the budget is {budget} USD.")


def _show(found: Report, *, as_json: bool) -> None:
    from rich.markup import escape
    from rich.table import Table

    from trivium.certify import Aspect, address, cell, cost, differences, document, summary, verdict
    from trivium.cli._output import console, print_json

    if as_json:
        print_json(document(found))
        return
    screen = console()
    table = Table(title=f"{found.surface}, {found.model}: {verdict(found)}")
    table.add_column("call", no_wrap=True)
    for aspect in Aspect:
        table.add_column(aspect.value)
    for row in found.rows:
        table.add_row(row.call.id, *(cell(row, aspect) for aspect in Aspect))
    screen.print(table)
    screen.print(" · ".join(summary(found)))
    for line in differences(found):
        screen.print(escape(line), soft_wrap=True)
    screen.print(f"Asked at {address(found)}, on {found.started_at.date()}.")
    told = cost(found)
    screen.print(f"{told[0].upper()}{told[1:]}.")
    screen.print(f"Recording: SHA-256 {found.digest}")
