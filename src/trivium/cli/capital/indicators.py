"""`trivium capital indicators`: debt, cash flow and backlog of the parties, each figure with its grade and age."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from trivium.cli import _ledger as cli
from trivium.cli.capital import _shared as shared
from trivium.core import UserError

if TYPE_CHECKING:
    from trivium.capital.indicators import Indicator

_BILLION = 10**9
_DAYS_MAX = 36_500


def command(
    party: Annotated[str | None, typer.Option(help="Only indicators of this party.")] = None,
    as_of: shared.AsOf = None,
    evidence_days: Annotated[int, typer.Option(help="Evidence older than so many days reads `stale: re-check`.")] = 180,
    overlay: shared.Overlay = None,
    as_json: shared.AsJson = False,
) -> None:
    """Every claim on the parties' debt, cash flow and backlog, the one that wins where two differ, and its age."""
    from trivium import catalog
    from trivium.capital.indicators import indicator_document, read_indicators
    from trivium.cli._output import print_json

    if not 1 <= evidence_days <= _DAYS_MAX:
        raise UserError("--evidence-days", evidence_days, f"give 1 to {_DAYS_MAX}")
    day = cli.day(as_of, "as-of")
    snapshot = catalog.load(tuple(overlay or ())).snapshot(day)
    every = read_indicators(snapshot, day, evidence_days_max=evidence_days)
    known = sorted({one.party for one in every})
    if party is not None and party.casefold() not in {name.casefold() for name in known}:
        raise UserError("--party", party, f"name one of {', '.join(known)}")
    found = [one for one in every if party is None or one.party.casefold() == party.casefold()]
    if as_json:
        print_json({"as_of": day, "indicators": [indicator_document(one) for one in found]})
    else:
        _show(found, day)


def _show(found: list[Indicator], day: object) -> None:
    from trivium.cli._output import console
    from trivium.figures import table

    screen = console()
    rows = [
        (
            one.party,
            one.claim.predicate,
            _figure(one),
            str(one.claim.valid_from or ""),
            one.claim.status,
            f"{one.age_days} days" if one.age_days is not None else "not known",
            one.verdict,
        )
        for one in found
    ]
    headers = ("party", "indicator", "value", "from", "grade", "age", "verdict")
    title = f"{len(rows)} indicators as of {day}"
    screen.print(table(headers, rows, title=title).terminal(screen.width), markup=False, soft_wrap=True)
    for one in found:
        if one.why:
            against = f"loses to {one.loses_to}" if one.loses_to else "undecided"
            screen.print(f"  {one.claim.id}: {against}: {one.why}", markup=False, soft_wrap=True)
    screen.print("\n`trivium facts why PARTY INDICATOR` shows the pages behind a figure.", markup=False)
    screen.print(shared.NOT_A_FINDING, markup=False, soft_wrap=True)


def _figure(one: Indicator) -> str:
    claim = one.claim
    if claim.number is not None and claim.unit.startswith("USD"):
        return f"{float(claim.number) / _BILLION:,.4g} bn {claim.unit}"
    return f"{claim.value} {claim.unit}".strip()
