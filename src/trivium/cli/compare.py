"""`trivium compare`: two decisions beside each other: what moved, by how much, and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trivium.cli import _ledger as shared
from trivium.cli._output import console, print_json
from trivium.core import UserError

if TYPE_CHECKING:
    from trivium.plan.decision import Decision


def command(
    first: Annotated[Path, typer.Argument(help="A decision as JSON: `plan --report FILE.json` or `plan --json`.")],
    second: Annotated[Path, typer.Argument(help="The decision to hold beside it.")],
    as_json: shared.AsJson = False,
) -> None:
    """What differs between two plans, in money, and the claims, prices, demand and contracts behind it."""
    from trivium.plan.report import compare, comparison_json, comparison_text

    found = compare(read_plan(first), read_plan(second))
    if as_json:
        print_json(comparison_json(found))
    else:
        console().print(comparison_text(found))


def read_plan(path: Path) -> Decision:
    """A decision by itself, or the one in the document of `trivium plan --json`."""
    from trivium.plan.report import decision_from_json

    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError("plan", str(path), f"make it readable ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise UserError("plan", str(path), f"give a JSON document ({error})") from error
    if isinstance(raw, dict) and "ahead" in raw:
        raw = raw["ahead"]
    if not isinstance(raw, dict):
        raise UserError("plan", str(path), "it holds no decision ahead: plan without --today, with --report FILE.json")
    return decision_from_json(raw)
