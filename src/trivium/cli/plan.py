"""`trivium plan`: where each workload should run, why, and what would change the answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trivium.cli import _ledger as shared
from trivium.cli._main import EXIT_FINDING
from trivium.cli._output import console, print_json
from trivium.core import ROUTABLE_SURFACES, SystemClock, UsageEvent, UserError

if TYPE_CHECKING:
    from trivium.plan import Demand, Requirement

Pairs = list[str] | None


def command(
    trace: Annotated[
        Path | None, typer.Option(help="Plan on this file instead of the ledger: any format that an import reads.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="Prices, quotas and retirements of this day; today if not given.")
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="Only what had been announced by this day.")] = None,
    since: Annotated[str | None, typer.Option(help="Usage of the ledger from this day or instant on.")] = None,
    until: Annotated[str | None, typer.Option(help="Usage of the ledger before this day or instant.")] = None,
    surfaces: Annotated[str | None, typer.Option(help="Only these surfaces, separated by commas.")] = None,
    allow_model: Annotated[Pairs, typer.Option(help="WORKLOAD=MODEL: it may use this model too.")] = None,
    allow_scope: Annotated[Pairs, typer.Option(help="WORKLOAD=SCOPE: it may be served there.")] = None,
    need: Annotated[Pairs, typer.Option(help="WORKLOAD=CAPABILITY: it needs this.")] = None,
    batchable: Annotated[Pairs, typer.Option(help="WORKLOAD that may wait a day for its answers.")] = None,
    quota_tier: Annotated[Pairs, typer.Option(help="SURFACE=TIER: your usage tier there.")] = None,
    horizon_days: Annotated[int, typer.Option(help="Leave out what is retired within so many days.")] = 30,
    write_routes: Annotated[
        Path | None, typer.Option(help="Write the route table here; the gateway loads it without a restart.")
    ] = None,
    overlay: shared.Overlay = None,
    db: shared.Db = shared.DEFAULT_DB,
    as_json: shared.AsJson = False,
) -> None:
    """Where each workload should run, why, at what cost, and what would change the answer. Options may be repeated."""
    from trivium import catalog
    from trivium import plan as room
    from trivium.pricing import PriceBook

    if horizon_days < 0:
        raise UserError("--horizon-days", horizon_days, "give 0 or more")
    today = SystemClock().now().date()
    day = today if at is None else shared.day(at, "at")
    known_by = today if as_of is None else shared.day(as_of, "as-of")
    snapshot = catalog.load(tuple(overlay or ())).snapshot(known_by)
    book = PriceBook.from_snapshot(snapshot)
    options = room.PlanOptions(
        list_book=PriceBook.from_snapshot(catalog.load().snapshot(known_by)) if overlay else None,
        surfaces=_surfaces(surfaces),
        quota_tiers=shared.pairs(quota_tier, "quota-tier"),
        horizon=timedelta(days=horizon_days),
    )
    with _usage(trace, db, since, until) as events:
        demands = room.demand_from_events(events, band_starts=room.band_starts(book))
    requirements = _requirements(demands, allow_model, allow_scope, need, batchable)
    found = room.solve(demands, requirements, snapshot, book, day, options)
    table = found.route_table()
    if write_routes is not None:
        write_routes.parent.mkdir(parents=True, exist_ok=True)
        room.write_routes(table, write_routes)
    if as_json:
        print_json(room.plan_json(found))
    else:
        screen = console()
        screen.print(room.plan_text(found))
        if write_routes is not None:
            screen.print(f"\n{write_routes}: route table {table.version}", markup=False)
    if found.unplaced:  # the document says which; a script must not take the rest for everything
        raise typer.Exit(EXIT_FINDING)


@contextmanager
def _usage(trace: Path | None, db: Path, since: str | None, until: str | None) -> Iterator[Iterator[UsageEvent]]:
    """The events to plan on, with a bar on stderr while they are read."""
    from trivium.cli._usage import read_events

    from_, to = shared.instant(since, "since"), shared.instant(until, "until")
    if trace is not None:
        if from_ or to:
            raise UserError("--since, --until", since or until, "leave them out with --trace: they select in a ledger")
        with shared.progress(f"reading {trace.name}") as show:
            yield read_events(trace, show)
        return
    with shared.opened(db) as ledger, shared.progress("reading the ledger") as show:

        def counted() -> Iterator[UsageEvent]:
            for number, event in enumerate(ledger.events(since=from_, until=to), 1):
                if number % 1000 == 0:
                    show(number, None)
                yield event

        yield counted()


def _surfaces(text: str | None) -> tuple[str, ...]:
    if text is None:
        return ROUTABLE_SURFACES
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise UserError("--surfaces", text, f"give one or more of {', '.join(ROUTABLE_SURFACES)}")
    return names


def _requirements(
    demands: Sequence[Demand], allow_model: Pairs, allow_scope: Pairs, need: Pairs, batchable: Pairs
) -> tuple[Requirement, ...]:
    """What the options say, per workload they name."""
    from trivium.plan import Requirement

    models = _several(allow_model, "allow-model")
    scopes = _several(allow_scope, "allow-scope")
    needs = _several(need, "need")
    waiting = set(batchable or ())
    now: dict[str, set[str]] = {}
    for demand in demands:
        now.setdefault(demand.workload, set()).update(offer.scope for offer, _ in demand.offers)
    named = sorted({*models, *scopes, *needs, *waiting})
    return tuple(
        Requirement(
            workload=name,
            models=tuple(models.get(name, ())),
            # an allowed scope is added to those in use
            scopes=tuple(sorted({*scopes[name], *now.get(name, ())})) if name in scopes else (),
            batchable=name in waiting,
            capabilities=tuple(needs.get(name, ())),
        )
        for name in named
    )


def _several(texts: Pairs, option: str) -> dict[str, list[str]]:
    """Options of the form name=value in which a name may come several times."""
    found: dict[str, list[str]] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not (equals and name and value):
            raise UserError(f"--{option}", text, "give WORKLOAD=VALUE")
        found.setdefault(name, []).append(value)
    return found
