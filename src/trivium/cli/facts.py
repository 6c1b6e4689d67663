"""`trivium facts`: list, explain, check and compare dated claims, and walk a price back to its sources."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trivium.cli import _ledger as shared
from trivium.core import FactError, NoClaim, UserError

if TYPE_CHECKING:
    from trivium.catalog import Catalog, Claim, Snapshot

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
_LIST_MAX = 60

AsOf = Annotated[str | None, typer.Option(help="Only what had been announced by this day; today if not given.")]
At = Annotated[str | None, typer.Option(help="The day that decides windows; the --as-of day if not given.")]


@app.callback()
def _facts() -> None:
    """List, explain, check, compare and propose dated claims."""


def _seen(overlay: Sequence[Path] | None, as_of: str | None, at: str | None) -> tuple[Snapshot, date]:
    """The snapshot of a day and the day that decides windows."""
    from trivium import catalog

    known = shared.day(as_of, "as-of")
    return catalog.load(tuple(overlay or ())).snapshot(known), known if at is None else shared.day(at, "at")


@app.command("list")
def list_(
    topic: Annotated[str | None, typer.Option(help="prices, capabilities, quotas, compliance, deals, …")] = None,
    subject: Annotated[str | None, typer.Option(help="A subject; bedrock/* for all of a kind.")] = None,
    predicate: Annotated[str | None, typer.Option(help="A predicate, or how it begins.")] = None,
    status: Annotated[str | None, typer.Option(help="documented, reported, forward-looking, …")] = None,
    state: Annotated[str | None, typer.Option(help="in force, announced, cancelled, expired, stale, …")] = None,
    surface: Annotated[str | None, typer.Option(help="Claims about this surface, by any of its names.")] = None,
    model: Annotated[str | None, typer.Option(help="Claims that speak of this model, by any of its names.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many; --json shows all.")] = _LIST_MAX,
    as_of: AsOf = None,
    at: At = None,
    overlay: shared.Overlay = None,
    as_json: shared.AsJson = False,
) -> None:
    """Claims with their state on a day, superseded and cancelled ones included."""
    from trivium import catalog
    from trivium.cli import _facts_print as show

    snapshot, day = _seen(overlay, as_of, at)
    place = None if surface is None else catalog.surface_id(surface)
    wanted = None if model is None else catalog.model_id(model)
    _known_word("--status", status, catalog.STATUSES)
    _known_word("--state", state, [known.value for known in catalog.State])
    found = [
        catalog.standing(snapshot, claim, day)
        for claim in snapshot.claims
        if (topic is None or claim.topic == topic)
        and (subject is None or catalog.is_about(claim, subject))
        and (predicate is None or claim.predicate.startswith(predicate))
        and (status is None or claim.status == status)
        and (place is None or claim.surface == place)
        and (wanted is None or wanted in claim.models)
    ]
    if state is not None:
        found = [one for one in found if one.state.value == state]
    if as_json:
        show.print_json({"as_of": snapshot.as_of, "at": day, "claims": [show.standing_values(one) for one in found]})
    else:
        show.print_standings(found, snapshot.as_of, day, limit)


def _known_word(option: str, word: str | None, words: Sequence[str]) -> None:
    if word is not None and word not in words:
        raise UserError(option, word, f"use one of {', '.join(words)}")


@app.command("show")
def show_(
    what: Annotated[str, typer.Argument(help="A claim's id, a price cell's id, or surface[/model[/scope[/tier]]].")],
    unit: Annotated[str, typer.Option(help="Only prices of this unit: input, output, cache_read, …")] = "",
    as_of: AsOf = None,
    at: At = None,
    overlay: shared.Overlay = None,
    as_json: shared.AsJson = False,
) -> None:
    """One claim with everything it says, one price cell with its claims, or the prices that match."""
    from trivium import catalog
    from trivium.cli import _facts_print as show

    snapshot, day = _seen(overlay, as_of, at)
    claim = _claim(snapshot, what)
    if claim is not None:
        found = catalog.standing(snapshot, claim, day)
        if as_json:
            show.print_json(show.standing_values(found))
        else:
            show.print_claim(found)
        return
    cells = catalog.find_cells(snapshot, what, unit, day if at is not None else None)
    if not cells:
        raise NoClaim(f"neither a claim nor a price is called {what!r}; `trivium facts list` shows the claims")
    answers = [catalog.cell_answer(snapshot, cell) for cell in cells]
    if as_json:
        show.print_json([show.cell_values(one) for one in answers])
    elif len(answers) == 1:
        show.print_cell(answers[0])
    else:
        show.print_cells(cells)


def _claim(snapshot: Snapshot, name: str) -> Claim | None:
    try:
        return snapshot.claim(name)
    except FactError:
        return None


@app.command("why")
def why(
    subject: Annotated[
        str, typer.Argument(help="A subject such as bedrock/claude-opus-5, or a price: surface/model/scope/tier.")
    ],
    predicate: Annotated[
        str, typer.Argument(help="A predicate, or for a price its unit: input, output, cache_read, …")
    ],
    as_of: AsOf = None,
    at: At = None,
    overlay: shared.Overlay = None,
    as_json: shared.AsJson = False,
) -> None:
    """Which claim wins and why the others lose; for a price, the walk from the amount to its sources."""
    from trivium import catalog
    from trivium.cli import _facts_print as show
    from trivium.core import UNITS

    snapshot, day = _seen(overlay, as_of, at)
    if predicate in UNITS:
        walked = catalog.explain_cell(snapshot, subject, predicate, day)
        if as_json:
            show.print_json(show.cell_values(walked))
        else:
            show.print_cell(walked)
        return
    answer = catalog.explain(snapshot, subject, predicate, day)
    if as_json:
        show.print_json(show.answer_values(answer, snapshot.as_of, day))
    else:
        show.print_answer(answer, snapshot.as_of, day)


@app.command("check")
def check(
    notes: Annotated[
        bool, typer.Option("--notes", help="Show notes too: facts of life such as ended windows.")
    ] = False,
    as_of: AsOf = None,
    at: At = None,
    overlay: shared.Overlay = None,
    as_json: shared.AsJson = False,
) -> None:
    """Check everything; exit 1 if there is an error. Warnings are for a person to look at."""
    from trivium import catalog
    from trivium.cli import _facts_print as show

    snapshot, day = _seen(overlay, as_of, at)
    found = catalog.check(snapshot, day)
    if as_json:
        show.print_json(
            {
                "as_of": snapshot.as_of,
                "at": day,
                "digest": snapshot.digest,
                "claims": len(snapshot.claims),
                "cells": len(snapshot.cells),
                "findings": found,
            }
        )
    else:
        show.print_findings(snapshot, found, notes=notes)
    if any(finding.grade is catalog.Grade.ERROR for finding in found):
        raise typer.Exit(1)


@app.command("conflicts")
def conflicts(
    topic: Annotated[str | None, typer.Option(help="Only conflicts among claims of this topic.")] = None,
    as_of: AsOf = None,
    at: Annotated[str | None, typer.Option(help="Only conflicts among claims that hold on this day.")] = None,
    overlay: shared.Overlay = None,
    as_json: shared.AsJson = False,
) -> None:
    """Claims that cannot all be true, with the one that wins and why. Both sides are kept."""
    from trivium.cli import _facts_print as show

    snapshot, day = _seen(overlay, as_of, at)
    found = [
        conflict
        for conflict in snapshot.conflicts(None if at is None else day)
        if topic is None or any(claim.topic == topic for claim in conflict.ranked.claims)
    ]
    if as_json:
        show.print_json([show.conflict_values(conflict) for conflict in found])
    else:
        show.print_conflicts(found)


@app.command("diff")
def diff(
    from_: Annotated[str, typer.Option("--from", help="The first day.")],
    to: Annotated[str, typer.Option("--to", help="The last day.")],
    topic: Annotated[str | None, typer.Option(help="Only this topic.")] = None,
    overlay: shared.Overlay = None,
    as_json: shared.AsJson = False,
) -> None:
    """What was announced, cancelled, corrected, started and ended between two days."""
    from trivium import catalog
    from trivium.cli import _facts_print as show

    facts: Catalog = catalog.load(tuple(overlay or ()))
    found = [
        change
        for change in catalog.diff(facts, shared.day(from_, "from"), shared.day(to, "to"))
        if topic is None or topic == (change.claim.topic if change.claim else "prices")
    ]
    if as_json:
        show.print_json([show.change_values(change) for change in found])
    else:
        show.print_changes(found)


# Commands that read a saved page or another tool's table have modules of their own: each offers `command`.
for _name in ("propose", "audit"):
    if importlib.util.find_spec(f"trivium.cli._facts_{_name}") is not None:
        app.command(_name)(importlib.import_module(f"trivium.cli._facts_{_name}").command)
