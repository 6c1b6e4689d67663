"""`trivium capital clear`: the greatest and the least solution of any network given as JSON."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trivium.cli._output import console, print_json
from trivium.cli.capital._shared import need
from trivium.core import UserError

if TYPE_CHECKING:
    from trivium.capital.clearing import Clearing, Solution


def command(
    file: Annotated[Path, typer.Argument(help="The network as JSON (capital-clearing.md); - is standard input.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Who pays what if all claims of a network meet: greatest and least solution, and the defaults wave by wave."""
    need("numpy")
    from trivium.capital.clearing import clear, clearing_json, read_system

    system, assumed = read_system(read_text(file))
    found = clear(system)
    if as_json:
        print_json(clearing_json(found, assumed))
    else:
        _show(found, assumed)


def read_text(file: Path) -> str:
    """What a file holds, or standard input for `-`."""
    try:
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise UserError("FILE", str(file), f"make it readable ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise UserError("FILE", str(file), f"write it in UTF-8 ({error.reason} at byte {error.start})") from error


def _show(found: Clearing, assumed: tuple[str, ...]) -> None:
    from rich.markup import escape
    from rich.table import Table

    screen = console()
    table = Table(title="greatest · least solution" if not found.unique else "the only solution")
    for name in ("party", "paid", "share of what it owes", "equity", "default in wave"):
        table.add_column(name, justify="left" if name == "party" else "right")
    best, worst = found.greatest, found.least
    for number, party in enumerate(found.system.parties):
        cells = [
            [
                f"{end.payments[number]:,.6g}",
                f"{end.recoveries[number]:.2%}",
                f"{end.equity[number]:,.6g}",
                _wave(end, party),
            ]
            for end in ((best,) if found.unique else (best, worst))
        ]
        table.add_row(escape(party), *(" · ".join(pair) for pair in zip(*cells, strict=True)))
    screen.print(table)
    for text, end in (("greatest", best), ("least", worst)):
        failures = "; ".join(", ".join(wave) for wave in end.failures)
        screen.print(
            f"{text}: held outside {end.outside_value:,.6g}, destroyed by defaults and failures {end.costs.sum():,.6g}"
            + (f", below their threshold: {failures}" if failures else ""),
            markup=False,
        )
    if not found.unique:
        screen.print(
            f"there only because all expect it: {found.outside_gap:,.6g} of what is held outside", markup=False
        )
    for line in assumed:
        screen.print(f"assumed: {line}", markup=False)


def _wave(end: Solution, party: str) -> str:
    return next((str(number) for number, wave in enumerate(end.waves, start=1) if party in wave), "-")
