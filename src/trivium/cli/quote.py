"""`trivium quote`: ask platforms for prices, enter their answers, and see what each costs once it has expired."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trivium.cli import _ahead as ahead
from trivium.cli import _ledger as shared
from trivium.cli._output import console, print_json
from trivium.core import ROUTABLE_SURFACES, TOKEN_UNITS, UserError

if TYPE_CHECKING:
    from trivium.plan.org import Changed, QuoteState

app = typer.Typer(no_args_is_help=True, help="Request prices, enter the answers, and see what expires when.")

DEFAULT_OVERLAY = Path("our-claims")
_SHOWN = 12

Folder = Annotated[Path, typer.Option("--overlay", help="The folder of your own claims that holds the quotes.")]


@app.command("request")
def request(
    surface: Annotated[str, typer.Option(help="The platform that is asked; any if not given.")] = "",
    out: Annotated[Path | None, typer.Option(help="Write the request to this Markdown file.")] = None,
    answer_by: Annotated[str | None, typer.Option(help="Answer wanted by this day; 14 days on if not given.")] = None,
    file: ahead.File = ahead.DEFAULT_FILE,
    trace: ahead.Trace = None,
    at: ahead.At = None,
    since: ahead.Since = None,
    until: ahead.Until = None,
    db: shared.Db = shared.DEFAULT_DB,
    as_json: shared.AsJson = False,
) -> None:
    """The request for per-token prices, from measured volumes, peaks and the terms you want."""
    from trivium.plan.org import quote_request, request_markdown

    if surface and surface not in ROUTABLE_SURFACES:
        raise UserError("--surface", surface, f"use {', '.join(ROUTABLE_SURFACES)}")
    shared.output("--out", out)
    found = ahead.gather(ahead.Source(file, trace, at, since=since, until=until, db=db))
    by = None if answer_by is None else shared.day(answer_by, "answer-by")
    made = quote_request(found.organisation, found.demands, found.at, surface, by)
    text = request_markdown(made)
    if out is not None:
        shared.written("--out", out, text.encode())
    if as_json:
        print_json(asdict(made))
    elif out is None:
        console().print(text, markup=False, soft_wrap=True, end="")
    else:
        console().print(f"wrote {out}: {len(made.volumes)} volumes, answer by {made.answer_by}", markup=False)


@app.command("add")
def add(
    file: Annotated[Path, typer.Argument(help="The answers: TOML with rules of contracts, as in docs/add-a-fact.md.")],
    overlay: Folder = DEFAULT_OVERLAY,
    at: Annotated[str | None, typer.Option(help="Compare with the prices of this day; today if not given.")] = None,
    as_json: shared.AsJson = False,
) -> None:
    """Check answers, lay them into the folder of your own claims, and show the prices they change."""
    from trivium.plan.org import add_quotes

    changes = add_quotes(file, overlay, shared.day(at, "at"))
    if as_json:
        print_json([asdict(change) for change in changes])
        return
    screen = console()
    for change in changes[:_SHOWN]:
        screen.print(_changed(change), markup=False, soft_wrap=True)
    if len(changes) > _SHOWN:
        screen.print(f"and {len(changes) - _SHOWN} prices more (--json shows all)", markup=False)
    if over := sorted({change.over for change in changes if change.over}):
        told = (
            f"laid over prices of {', '.join(over)}: the factors multiply; take that quote out if this one replaces it"
        )
        screen.print(told, markup=False, soft_wrap=True)
    told = f"laid into {overlay}: name it in [paths] overlays, or with --overlay, so that prices follow it"
    screen.print(told, markup=False, soft_wrap=True)


@app.command("list")
def list_(
    overlay: Folder = DEFAULT_OVERLAY,
    file: ahead.File = ahead.DEFAULT_FILE,
    trace: ahead.Trace = None,
    at: ahead.At = None,
    since: ahead.Since = None,
    until: ahead.Until = None,
    db: shared.Db = shared.DEFAULT_DB,
    as_json: shared.AsJson = False,
) -> None:
    """Each quote with its end, and what a month of the present use costs more once it has expired."""
    states = _states(overlay, ahead.Source(file, trace, at, since=since, until=until, overlay=(overlay,), db=db))
    if as_json:
        print_json([_flat(state) for state in states])
        return
    screen = console()
    for state in states:
        screen.print(_stated(state), markup=False, soft_wrap=True)
    if not states:
        screen.print(f"no quotes yet in {overlay}: `trivium quote add FILE`", markup=False)


def _states(overlay: Path, source: ahead.Source) -> tuple[QuoteState, ...]:
    """Every quote with its effect; where there is none, no usage is asked for."""
    from trivium import catalog
    from trivium.plan.org import quote_states

    if overlay == DEFAULT_OVERLAY and not overlay.exists():
        return ()
    found = catalog.load((overlay,))
    facts, day = ahead.facts_of(source)
    if not quote_states(found, (), day):
        return ()
    return quote_states(found, ahead.usage(source, ahead.read(source), ahead.bands_of(facts), day), day)


def _flat(state: QuoteState) -> dict[str, Any]:
    """Its fields as they are: amounts stay money, which is written as a decimal string."""
    return {field.name: getattr(state, field.name) for field in fields(state)}


def _changed(change: Changed) -> str:
    place = f"{change.surface}/{change.scope}/{change.model}/{change.tier} {change.unit}"
    before = "no price" if change.before_usd is None else f"{change.before_usd:f}"
    off = ""
    if change.before_usd:
        percent = (change.after_usd - change.before_usd) / change.before_usd * 100
        off = f" ({percent:+.1f} %)"
    window = f"{change.valid_from or '…'} to {change.valid_until or '…'}"
    per = " per million tokens" if change.unit in TOKEN_UNITS else ""
    return f"{change.quote}: {place}: {before} → {change.after_usd:f} USD{per}{off}, {window}"


def _stated(state: QuoteState) -> str:
    end = f"expired on {state.until}" if state.expired else f"expires on {state.until}"
    more = f"{state.more_usd_per_month:,.2f} USD a month"
    if state.without_usd == state.with_usd:
        moved = f"{state.moved_more_usd_per_month:,.2f} USD a month"
        effect = f"nothing of the present use is priced by it; if all of it ran there, its end would cost {moved}"
    elif state.expired:
        effect = f"with it, the present use would cost {more} less"
    else:
        effect = f"without it, the present use costs {more} more"
    left = f"; no price on {state.priced_on} for {', '.join(state.unpriced)}" if state.unpriced else ""
    measured = f"measured: {state.with_usd.usd.normalize():f} with, {state.without_usd.usd.normalize():f} without"
    return f"{state.quote}  {state.surface}, {state.status}, {end}: {effect} ({measured}){left}"
