"""`trivium contract`: commitments from a FOCUS dataset into the organisation file, and what stands there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from trivium.cli import _ahead as ahead
from trivium.cli import _ledger as shared
from trivium.cli._main import EXIT_FINDING
from trivium.cli._output import console, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from trivium.plan.org import Contract, FocusImport

app = typer.Typer(no_args_is_help=True, help="Import commitments in FOCUS form, and list what is signed or offered.")

_SHOWN = 3


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A FOCUS contract_commitment dataset: .csv, .json or .jsonl.")],
    write: Annotated[Path | None, typer.Option(help="Add the contracts to this organisation file.")] = None,
    surface: Annotated[
        list[str] | None, typer.Option(help="A surface the commitments hold for; else the provider's own.")
    ] = None,
    at: Annotated[str | None, typer.Option(help="What ended before this day is left out; today if not given.")] = None,
    as_json: shared.AsJson = False,
) -> None:
    """Read commitments; what cannot be used is named with its row and remedy. Exit 1 if a row became no contract."""
    from trivium.plan.org import add_contracts, read_focus

    day = shared.day(at, "at")
    found = read_focus(file, day, tuple(surface or ()))
    if write is not None and found.contracts:
        add_contracts(write, found.contracts)
    if as_json:
        print_json(_document(found, write))
    else:
        _show(found, write)
    if found.problems:
        raise typer.Exit(EXIT_FINDING)


@app.command("list")
def list_(
    file: Annotated[Path, typer.Option("--organisation", help="The organisation file.")] = ahead.DEFAULT_FILE,
    at: Annotated[str | None, typer.Option(help="The day to judge by; today if not given.")] = None,
    as_json: shared.AsJson = False,
) -> None:
    """Every contract and offer of the file: its state, term and amount."""
    from trivium.plan.org import contract_state, read_organisation

    day = shared.day(at, "at")
    contracts = read_organisation(file).contracts
    states = {name: contract_state(entry, day) for name, entry in contracts.items()}
    if as_json:
        print_json([{"name": name, "state": states[name], **_fields(entry)} for name, entry in contracts.items()])
        return
    screen = console()
    if not contracts:
        screen.print("no contracts and no offers: `trivium contract import FILE --write trivium.toml`", markup=False)
    for name, entry in contracts.items():
        screen.print(f"{name}  {states[name]}; {_line(entry)}", markup=False, soft_wrap=True)


def _line(entry: Contract) -> str:
    parts = [f"{entry.kind} on {', '.join(entry.surfaces)}"]
    least, most = entry.commitment_usd_per_year, entry.commitment_usd_per_year_max
    if least or most:
        parts.append(f"{least or '0'}{f' to {most}' if most else ''} USD a year")
    if entry.units_min and entry.price_usd_per_unit_hour:
        parts.append(f"{entry.units_min} units at {entry.price_usd_per_unit_hour} USD an hour of {entry.model}")
    if entry.discount_percent:
        parts.append(f"{entry.discount_percent:f} % off")
    parts.append(f"{entry.term_months} months" + (f" from {entry.starts}" if entry.starts else ""))
    return "; ".join(parts)


def _fields(entry: Contract) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(entry)
    return fields


def _document(found: FocusImport, write: Path | None) -> dict[str, Any]:
    return {
        "contracts": {name: _fields(entry) for name, entry in found.contracts.items()},
        "remarks": list(found.remarks),
        "ended": list(found.ended),
        "problems": [
            {"row": p.row, "commitment": p.commitment, "field": p.field, "value": p.value, "remedy": p.remedy}
            for p in found.problems
        ],
        "kept_aside": {column: list(values) for column, values in found.kept_aside.items()},
        "written": str(write) if write is not None and found.contracts else None,
    }


def _show(found: FocusImport, write: Path | None) -> None:
    screen = console()
    for name, entry in found.contracts.items():
        screen.print(f"{name}  {entry.status}; {_line(entry)}", markup=False, soft_wrap=True)
    for text in found.remarks:
        screen.print(f"note: {text}", markup=False, soft_wrap=True)
    for name in found.ended:
        screen.print(f"ended: {name} is over and was left out", markup=False, soft_wrap=True)
    _aside(screen, found)
    for p in found.problems:
        where = f"row {p.row} ({p.commitment}): {p.field} is {p.value!r}; {p.remedy}"
        screen.print(where, markup=False, soft_wrap=True)
    if write is not None and found.contracts:
        screen.print(f"added {len(found.contracts)} to {write}", markup=False, soft_wrap=True)


def _aside(screen: Console, found: FocusImport) -> None:
    for column, values in found.kept_aside.items():
        more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
        screen.print(f"not used: {column} = {', '.join(values[:_SHOWN])}{more}", markup=False, soft_wrap=True)
