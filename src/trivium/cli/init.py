"""`trivium init`: a commented organisation file, from a few questions or from what the ledger saw."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from trivium.cli import _ahead as ahead
from trivium.cli import _ledger as shared
from trivium.cli._output import console, print_json
from trivium.core import SURFACES, Offer, UserError
from trivium.core.files import turn

if TYPE_CHECKING:
    from trivium.ledger import SpendRow
    from trivium.plan.org import Organisation, Question, Sight


def command(
    file: Annotated[Path, typer.Option("--organisation", help="The file to write.")] = ahead.DEFAULT_FILE,
    from_ledger: Annotated[
        bool, typer.Option("--from-ledger", help="A table for each workload of the ledger, with what was seen of it.")
    ] = False,
    workload: Annotated[list[str] | None, typer.Option(help="A workload; may be repeated.")] = None,
    stated: Annotated[
        list[str] | None,
        typer.Option("--set", help="PATH=VALUE, such as organisation.horizon_months=24; may be repeated."),
    ] = None,
    ask: Annotated[
        bool | None, typer.Option("--ask/--no-ask", help="Ask for the fields that matter most; asked at a terminal.")
    ] = None,
    add: Annotated[bool, typer.Option("--add", help="Add to an existing file the tables that it lacks.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing file.")] = False,
    db: shared.Db = shared.DEFAULT_DB,
    as_json: shared.AsJson = False,
) -> None:
    """Write a commented organisation file. What is left out keeps a default that every report shows as assumed."""
    from trivium.plan.org import ask_to_begin, begin, begun_text, parse_organisation

    shared.output("--organisation", file)
    present = _present(file, add=add, force=force)
    sight = _sight(db) if from_ledger else None
    told = shared.pairs(stated, "set")
    names = tuple(dict.fromkeys([*(workload or ()), *(sight.workloads if sight else ())]))
    if ask or (ask is None and not told and sys.stdin.isatty()):
        names, answers = ask_to_begin(_prompt, names)
        told = answers | told
    organisation = begin(told, names, sight)
    if present is not None:
        _untouched(told, present)
    before = file.read_text(encoding="utf-8") if present is not None else ""
    text = (before.rstrip() + "\n\n" if before else "") + begun_text(organisation, sight, present)
    try:
        written = parse_organisation(tomllib.loads(text, parse_float=Decimal))
    except tomllib.TOMLDecodeError as error:
        remedy = "write the file's tables as tables of their own, [workloads.NAME], so that more can follow"
        raise UserError("--add", str(file), f"{remedy} ({error})") from error
    with turn(file.parent):
        if present is not None and file.read_text(encoding="utf-8") != before:
            raise UserError("--add", str(file), "the file was changed meanwhile: start again")
        shared.written("--organisation", file, text.encode())
    if as_json:
        print_json(_document(written, file))
    else:
        _show(written, file)


def _present(file: Path, *, add: bool, force: bool) -> dict[str, Any] | None:
    """The decoded tables of a file that is to be added to; UserError where one would be overwritten."""
    if add and force:
        raise UserError("--add, --force", "both", "give one: --add keeps what the file holds, --force does not")
    if not file.exists() or force:
        return None
    if not add:
        remedy = "--add adds the tables it lacks, --force writes over it, --organisation names another file"
        raise UserError("--organisation", str(file), f"this file exists: {remedy}")
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
    except (OSError, ValueError, RecursionError) as error:
        raise UserError("--organisation", str(file), f"give a readable TOML file ({error})") from error


def _untouched(told: dict[str, str], present: dict[str, Any]) -> None:
    """UserError for a stated field of a table that the file has already: it would be lost."""
    for path, text in told.items():
        steps = _steps(path)
        table = steps[0]
        if table == "workloads":
            known = present.get(table, {}).get(steps[1], {}) if len(steps) > 1 else {}
            there = "needs" in known if "needs" in steps else bool(known)
        elif table == "onboarding":
            there = len(steps) > 1 and steps[1] in present.get(table, {})
        else:
            there = table in present
        if there:
            raise UserError(path, text, f"change it in the file: it has [{'.'.join(steps[:-1])}] already")


def _steps(path: str) -> list[str]:
    """The names of a path, quoted ones too."""
    try:
        found: Any = tomllib.loads(f"{path} = 0")
    except tomllib.TOMLDecodeError as error:
        raise UserError("--set", path, "give a path of the file, such as organisation.horizon_months") from error
    steps = []
    while isinstance(found, dict):
        ((name, found),) = found.items()
        steps.append(name)
    return steps


def _sight(db: Path) -> Sight:
    """What the ledger holds, workloads in the order of their amounts."""
    from trivium.plan.org import Seen, Sight

    with shared.opened(db) as ledger:
        rows = ledger.spend(by=("workload", "model", "surface", "scope"))
        totals = tuple(dict.fromkeys(row.model for row in ledger.demand()))
    uses = []
    for row in rows:
        name, model, surface, scope = (str(key or "") for key in row.keys)
        if name and surface in SURFACES:
            uses.append(Seen(name, Offer(surface, scope, model), row.requests, _amount(row)))
    return Sight(tuple(uses), totals)


def _amount(row: SpendRow) -> str:
    if row.unpriced:
        return f"{row.amount} USD and {row.unpriced:,} attempts without a price"
    return f"{row.amount} USD"


def _prompt(question: Question) -> str:
    return shared.prompt(question, "state fields with --set PATH=VALUE, or leave --ask out")


def _document(organisation: Organisation, file: Path) -> dict[str, Any]:
    tables = ("about", "workloads", "contracts", "microsoft", "onboarding", "usage")
    document: dict[str, Any] = {"written": str(file)}
    for table in tables:
        document["organisation" if table == "about" else table] = msgspec.to_builtins(getattr(organisation, table))
    document["assumed"] = [
        {"field": item.field, "value": item.value, "why": item.why, "remedy": item.remedy}
        for item in organisation.assumed
    ]
    return document


def _show(organisation: Organisation, file: Path) -> None:
    screen = console()
    for line in _lines(organisation, file):
        screen.print(line, markup=False, soft_wrap=True)


def _lines(organisation: Organisation, file: Path) -> Iterator[str]:
    names = ", ".join(organisation.workloads) or "none yet: each name that usage carries may have one"
    yield f"wrote {file}"
    yield f"workloads: {names}"
    yield f"{len(organisation.assumed)} defaults are assumed in a plan; each stands in the file as a comment"
    yield "next: `trivium plan`, or `trivium assess --ask` where there is no usage yet"
