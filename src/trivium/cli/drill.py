"""`trivium drill SURFACE`: take a surface away under replayed traffic, and say what was lost and what it cost."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trivium.core import SystemClock, UserError
from trivium.core.files import write_whole

if TYPE_CHECKING:
    from rich.console import Console

    from trivium.cli._drill.outage import Course
    from trivium.cli._drill.record import Drill
    from trivium.cli._up.prepare import Prepared
    from trivium.cli._up.site import Pace, Site

_REQUESTS_MIN = 60
_ERRORS_SHOWN = 5


def command(
    surface: Annotated[str, typer.Argument(help="The surface to take away: anthropic, bedrock, vertex or foundry.")],
    how: Annotated[str, typer.Option(help="dead, hang, 529, lie or cut: how it fails.")] = "dead",
    requests: Annotated[int, typer.Option(help="Replay whole sessions with at least so many requests.")] = 900,
    seed: Annotated[int, typer.Option(help="Which sessions are drawn or taken.")] = 3,
    trace: Annotated[
        Path | None, typer.Option(help="Replay this: a trace, a folder of Claude Code session logs, a ledger export.")
    ] = None,
    breaker_s: Annotated[
        float, typer.Option("--breaker", help="Seconds after which the gateway tries the surface again.")
    ] = 5.0,
    write: Annotated[Path | None, typer.Option(help="Keep the drill record in this file.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the drill record as one JSON document.")] = False,
) -> None:
    """Take a surface away under replayed traffic: requests lost, recovery, added cost, cache lost. Exit 1 on a loss."""
    from rich.console import Console

    from trivium.cli._drill.outage import HOW
    from trivium.cli._drill.record import text_of
    from trivium.cli._drill.show import show
    from trivium.cli._drill.workload import workload
    from trivium.cli._output import console
    from trivium.cli._up.prepare import prepare
    from trivium.cli._up.site import SURFACES, Pace

    if surface not in SURFACES:
        raise UserError("SURFACE", surface, f"use one of {', '.join(SURFACES)}")
    if how not in HOW:
        raise UserError("--how", how, f"use one of {', '.join(HOW)}")
    if requests < _REQUESTS_MIN:
        raise UserError("--requests", requests, f"give {_REQUESTS_MIN} or more: a third each before, during and after")
    if not 0 < breaker_s <= 60:  # noqa: PLR2004  the last third lasts twice as long
        raise UserError("--breaker", breaker_s, "give seconds above 0, at most 60")
    if write is not None and not write.resolve().parent.is_dir():
        raise UserError("--write", str(write), "name a file in a folder that exists")
    prepared = prepare(workload(trace and trace.expanduser(), requests=requests, seed=seed))
    pace = Pace(breaker_open_s=breaker_s, stream_first_byte_s=15.0, first_byte_s=20.0)  # a lab answers at once
    drill = _run(Console(stderr=True), prepared, surface, how, seed, pace)
    if not drill.served["before"].get(surface):
        raise UserError("SURFACE", surface, "it answered no request before it went: raise --requests, or change --seed")
    if write is not None:
        write_whole(write, text_of(drill).encode())
    if as_json:
        typer.echo(text_of(drill), nl=False)
    else:
        show(console(), drill)
    if drill.lost:
        raise typer.Exit(1)


def _run(screen: Console, prepared: Prepared, surface: str, how: str, seed: int, pace: Pace) -> Drill:
    """Raise the site, replay with the outage in the middle, read the ledger."""
    from trivium.cli._up.prepare import make_keys
    from trivium.cli._up.site import ROUTES, Site, gateway, lab, spread
    from trivium.plan import write_routes

    if not any(offer.surface == surface for found in prepared.offers.values() for offer in found):
        raise UserError("SURFACE", surface, "it sells none of this traffic's models at that time: take another one")
    with tempfile.TemporaryDirectory(prefix="trivium-drill-") as name:
        folder = Path(name)
        write_routes(spread(prepared.offers), folder / ROUTES)  # there before the gateway is
        with lab(folder) as (lab_said, lab_process), gateway(folder, lab_said, 0, pace) as (url, process):
            site = Site(folder, url, lab_said, process, lab_process)
            keys = make_keys(site, prepared.chosen)
            course = _replay(screen, site, prepared, keys, surface, how, 2 * pace.breaker_open_s)
        return _found(site, prepared, course, surface, how, seed, pace)


def _replay(
    screen: Console, site: Site, prepared: Prepared, keys: dict[str, str], surface: str, how: str, after_s: float
) -> Course:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from trivium.cli._drill.outage import run

    names = {"before": "all surfaces there", "during": f"{surface} away", "after": f"{surface} back"}
    columns = (TextColumn("{task.description:24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen, transient=False) as bars:
        task = bars.add_task(names["before"], total=prepared.chosen.requests)

        def progress(count: int, phase: str) -> None:
            bars.update(task, completed=count, description=names[phase])

        return run(site, prepared.chosen.conversations, keys, surface, how, after_s=after_s, on_progress=progress)


def _found(site: Site, prepared: Prepared, course: Course, surface: str, how: str, seed: int, pace: Pace) -> Drill:
    """Everything measured, from the answers and from the ledger."""
    from trivium.cli._drill.measure import cost, recovery, served
    from trivium.cli._drill.record import Drill
    from trivium.cli._up.site import SCOPES, spread
    from trivium.core import ANY, Offer
    from trivium.ledger import Ledger
    from trivium.pricing import price

    clock, book = SystemClock(), prepared.book
    with Ledger.open(site.ledger, clock=clock, must_exist=True) as ledger:
        found = cost(
            course,
            ledger.events(),
            Offer(surface, SCOPES[surface], ANY),
            lambda usage, offer, at: price(usage, offer, at, book).amount,
        )
    failed = [answer for answer in course.answers if not answer.ok]
    return Drill(
        made_at=clock.now(),
        surface=surface,
        how=how,
        seed=seed,
        chosen=prepared.chosen,
        table=spread(prepared.offers),
        table_text=site.routes.read_bytes(),
        snapshot=prepared.snapshot.digest,
        book=book.digest,
        pace=pace,
        lost=len(failed),
        errors=tuple(f"HTTP {one.status}: {one.error[:200]}" for one in failed[:_ERRORS_SHOWN]),
        served=served(course),
        recovery=recovery(course, surface),
        cost=found,
    )
