"""`trivium seats`: what exports of GitHub Copilot, Microsoft 365 Copilot and Copilot Studio say, as it was read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trivium.core import UserError

if TYPE_CHECKING:
    from trivium.plan.seats import SeatUsage

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")]


def command(
    files: Annotated[list[Path], typer.Argument(help="Exports: CSV, JSON or lines of JSON.")],
    report: Annotated[str, typer.Option(help="Which report the files are, where their header is not documented.")] = "",
    column: Annotated[
        list[str] | None, typer.Option(help="FIELD=COLUMN: where a column has another name than the report's.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read exports of seats and their use: users, credits, requests and tokens by model, amounts.

    The report is recognised by its header. Licence exports and credit reports of the admin centres have no documented
    header: name the report and map its columns, as in --report licences --column user="User principal name"
    --column licences=Licenses.
    """
    from trivium.plan.seats import read_seats

    columns = dict(_pair(text) for text in column or ())
    found = [item for path in files for item in read_seats(path, report=report, columns=columns)]
    if as_json:
        from trivium.cli._output import print_json

        print_json({"exports": [_document(item) for item in found]})
        return
    for item in found:
        _print(item)


def _pair(text: str) -> tuple[str, str]:
    name, equals, column = text.partition("=")
    if not equals or not name.strip() or not column.strip():
        raise UserError("--column", text, 'give FIELD=COLUMN, such as user="User principal name"')
    return name.strip(), column.strip()


def _document(item: SeatUsage) -> dict[str, object]:
    """Field by field: money stays exact as a string."""
    from dataclasses import fields

    document = {field.name: getattr(item, field.name) for field in fields(item)}
    document["by_model"] = [{field.name: getattr(use, field.name) for field in fields(use)} for use in item.by_model]
    return document


def _print(item: SeatUsage) -> None:
    from trivium.cli._output import console
    from trivium.figures import table

    screen = console()
    span = f"{item.first_day} to {item.last_day}" if item.first_day else f"as of {item.last_day or 'no day'}"
    screen.print(f"{item.source}: {item.report} of {item.surface}, {span}, {item.rows:,} rows")
    facts = (
        ("seats", item.seats),
        ("seat months billed", item.seat_months),
        ("active users", item.active),
        ("premium requests", item.requests),
        ("credits", item.credits),
        ("credits if metered", item.credits_if_metered),
        ("prompt tokens", item.prompt_tokens),
        ("output tokens", item.output_tokens),
    )
    rows = [(name, f"{value:,}") for name, value in facts if value is not None]
    amounts = (("gross USD", item.gross), ("discount USD", item.discount), ("net USD", item.net))
    rows += [(name, str(amount)) for name, amount in amounts if amount is not None]
    screen.print(table(("", "as read"), rows, align="lr").terminal(screen.width))
    if item.by_model:
        lines = [
            (
                use.name,
                use.model or "not a Claude of the catalogue",
                f"{use.requests or use.interactions:,}",
                f"{use.credits:,}",
                str(use.net) if use.net is not None else "not said",
            )
            for use in item.by_model
        ]
        heads = ("model as named", "model", "requests", "credits", "net USD")
        screen.print(table(heads, lines, align="llrrr").terminal(screen.width))
    said = [*item.notes]
    if item.left_out:
        said.append(f"{item.left_out:,} rows of other products left out")
    if item.unknown_columns:
        said.append(f"columns read past: {', '.join(item.unknown_columns)}")
    for text in said:
        screen.print(f"  {text}")
