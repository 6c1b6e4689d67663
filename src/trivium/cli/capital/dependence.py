"""`trivium capital dependence`: who this organisation leans on, what goes on without them, what leaving takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trivium.cli import _ahead as ahead
from trivium.cli import _ledger as cli
from trivium.cli.capital import _drill_file as drills
from trivium.cli.capital import _own_file as own
from trivium.cli.capital import _shared as shared
from trivium.core import ROUTABLE_SURFACES, SURFACES, Money, SystemClock, UserError

if TYPE_CHECKING:
    from trivium.capital.dependence import (
        Chain,
        Concentration,
        Connection,
        Continuity,
        Exit,
        Exposure,
        Seen,
        Spent,
    )
    from trivium.catalog import Claim, Snapshot
    from trivium.ledger import Ledger

READINGS = ("look-through", "concentration", "connected", "continuity", "exit", "commitments")


@dataclass(frozen=True, slots=True)
class Readings:
    """Everything that the command found, before it is printed."""

    at: date
    since: datetime | None
    until: datetime
    evidence_days: int
    spent: tuple[Spent, ...]
    chains: Mapping[tuple[str, str], Chain]
    concentrations: tuple[Concentration, ...]
    connected: tuple[Concentration, ...]
    connections: tuple[Connection, ...]
    exposures: tuple[Exposure, ...]
    continuity: tuple[Continuity, ...]
    exits: tuple[Exit, ...]
    clauses: Mapping[str, tuple[Claim, ...]]
    planned: tuple[Planned, ...] = ()
    rehearsed: tuple[drills.Rehearsal, ...] = ()


@dataclass(frozen=True, slots=True)
class Planned:
    """Concentration as a plan places the workloads in one month; `untold` stages carry no amount."""

    month: date
    concentrations: tuple[Concentration, ...]
    untold: int


def command(
    db: cli.Db = cli.DEFAULT_DB,
    file: own.File = ahead.DEFAULT_FILE,
    party: Annotated[list[str] | None, typer.Option(help="Ask what goes on without this party; repeatable.")] = None,
    surface: Annotated[
        list[str] | None, typer.Option(help="Ask what goes on without this surface, and its exit; repeatable.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="Spend from this day or instant on.")] = None,
    until: Annotated[str | None, typer.Option(help="Spend, evidence and claims before this day or instant.")] = None,
    within_days: Annotated[
        int | None, typer.Option(help="An answer elsewhere counts if it is at most so many days old; the file's or 90.")
    ] = None,
    plan: Annotated[
        Path | None, typer.Option(help="Also read a plan, `trivium plan --report FILE.json`: concentration as placed.")
    ] = None,
    drill: Annotated[
        list[Path] | None, typer.Option(help="Also show a record of `trivium drill --write`, in no share; repeatable.")
    ] = None,
    overlay: shared.Overlay = None,
    as_json: shared.AsJson = False,
) -> None:
    """Concentration by maker, operator, biller, cloud and chip; what goes on if one fails, as measured; exits.

    Shares are of the ledger's exact spend. What nobody states is shown as such and never guessed; what was not
    measured is `not shown`. Each reading names the clauses it supports.
    """
    from trivium.cli._output import print_json

    with cli.progress("reading the ledger") as note:
        found = gather(file, (since, until), within_days, overlay, db, lambda done: note(done, None))
    if plan is not None:
        found = replace(found, planned=planned_in(plan, found.at, own.read_file(file, overlay).overlays))
    found = replace(found, rehearsed=drills.read_drills(tuple(drill or ()), found.at, found.evidence_days))
    asked = _narrowed(found, tuple(party or ()), tuple(surface or ()))
    if as_json:
        print_json(document(asked))
        return
    from trivium.cli.capital._dependence_print import show

    show(asked)


def gather(
    path: Path,
    span: tuple[str | None, str | None],
    within_days: int | None,
    overlay: Sequence[Path] | None,
    db: Path,
    progress: Callable[[int], None] | None = None,
) -> Readings:
    """Read ledger, file and claims, and compute every reading; UserError names what cannot be used."""
    from trivium import catalog

    given = own.read_file(path, overlay)
    from_, to = cli.instant(span[0], "since"), cli.instant(span[1], "until")
    end = to or SystemClock().now()
    if from_ is not None and end <= from_:
        raise UserError("--until", span[1] or str(end.date()), f"give a day after --since {span[0]}")
    days = given.own.failover_days if within_days is None else within_days
    if not 1 <= days <= 3650:  # noqa: PLR2004  ten years
        raise UserError("--within-days", days, "give 1 to 3650 days")
    snapshot = catalog.load(given.overlays).snapshot(end.date())
    with cli.opened(db) as ledger:
        read = _read(ledger, (from_, end), days, progress)
    return _computed(given, snapshot, read, (from_, end, days))


@dataclass(frozen=True, slots=True)
class _Read:
    spent: tuple[Spent, ...]
    seen: tuple[Seen, ...]
    per_day: Mapping[str, Fraction]


def _read(
    ledger: Ledger, span: tuple[datetime | None, datetime], days: int, progress: Callable[[int], None] | None
) -> _Read:
    from trivium.capital.dependence import seen_in, spent_in

    since, until = span
    window = _floor(until - timedelta(days=days))
    first = ledger.first_at()
    begins = max(window, _floor(first)) if first is not None else window
    begins = begins if since is None else max(begins, since)
    seconds = max(86_400, int((until - begins).total_seconds()))
    daily: dict[str, Fraction] = {}
    for one in spent_in(ledger, begins, until):
        a_day = Fraction(one.amount.picos, 10**12) * 86_400 / seconds
        daily[one.surface] = daily.get(one.surface, Fraction(0)) + a_day
    return _Read(spent_in(ledger, since, until), seen_in(ledger, window, until, progress), daily)


def _floor(instant: datetime) -> datetime:
    return datetime(instant.year, instant.month, instant.day, tzinfo=UTC)


def _computed(
    given: own.OwnFile, snapshot: Snapshot, read: _Read, window: tuple[datetime | None, datetime, int]
) -> Readings:
    from trivium.capital import dependence as room
    from trivium.capital.deals import read_deals

    since, until, days = window
    at = until.date()
    pairs = {(one.surface, one.model) for one in read.spent} | {(one.surface, one.model) for one in read.seen}
    chains = room.chains_of(snapshot, pairs, at)
    exposed = room.exposures(read.spent, chains)
    parties = [one.party for one in exposed]
    tied = room.connections(read_deals(snapshot).deals, parties)
    same = room.groups(tied, parties)
    roles = room.ROLES
    evidence = (at - timedelta(days=days), at)
    surfaces = sorted({one.surface for one in read.spent})
    committed = own.committed_in(given, at)
    leaving = [name for name in SURFACES if name in surfaces or any(name in one.surfaces for one in committed)]
    return Readings(
        at=at,
        since=since,
        until=until,
        evidence_days=days,
        spent=read.spent,
        chains={pair: chains[pair] for pair in sorted({(one.surface, one.model) for one in read.spent})},
        concentrations=(
            *(room.concentration(read.spent, chains, role) for role in roles),
            room.party_concentration(read.spent, chains),
        ),
        connected=(
            *(room.concentration(read.spent, chains, role, same) for role in roles),
            room.party_concentration(read.spent, chains, same),
        ),
        connections=tied,
        exposures=exposed,
        continuity=(
            *(room.without_party(name, read.spent, read.seen, chains, evidence) for name in parties),
            *(room.without_surface(name, read.spent, read.seen, chains, evidence) for name in surfaces),
        ),
        exits=tuple(_exit(given, name, at, committed, read.per_day) for name in leaving),
        clauses={name: room.clauses_of(snapshot, name) for name in READINGS},
    )


def planned_in(path: Path, at: date, overlays: Sequence[Path]) -> tuple[Planned, ...]:
    """Concentration as a plan places the workloads, in its first and its last month. UserError if it is no plan."""
    from trivium import catalog
    from trivium.capital import dependence as room
    from trivium.cli.compare import read_plan

    stages = [stage for item in read_plan(path).workloads for stage in item.stages]
    if not stages:
        return ()
    snapshot = catalog.load(tuple(overlays)).snapshot(at)
    chains = room.chains_of(snapshot, {(one.offer.surface, one.offer.model) for one in stages}, at)
    found = []
    for month in sorted({min(one.first_month for one in stages), max(one.last_month for one in stages)}):
        runs = [one for one in stages if one.first_month <= month <= one.last_month]
        spent = [
            room.Spent(
                one.workload, one.offer.model, one.offer.surface, Money.from_usd(Decimal(f"{one.usd_per_month:.2f}")), 0
            )
            for one in runs
            if one.usd_per_month > 0
        ]
        shares = [room.concentration(spent, chains, role) for role in room.ROLES]
        shares.append(room.party_concentration(spent, chains))
        found.append(Planned(month, tuple(shares), len(runs) - len(spent)))
    return tuple(found)


def _exit(
    given: own.OwnFile, surface: str, at: date, committed: Sequence[Any], per_day: Mapping[str, Fraction]
) -> Exit:
    from trivium.capital.dependence import exit_of

    terms = given.own.exit.get(surface)
    months = None if terms is None or terms.migration_months is None else Fraction(terms.migration_months)
    return exit_of(
        surface,
        at,
        committed,
        per_day,
        prepaid_usd=Fraction(terms.prepaid_usd) if terms is not None and terms.prepaid_usd else None,
        migration_months=months,
        migration_from="" if months is None else "stated",
    )


def _narrowed(found: Readings, parties: tuple[str, ...], surfaces: tuple[str, ...]) -> Readings:
    if not parties and not surfaces:
        return found
    known = {one.name.casefold(): one.name for one in found.continuity if one.kind == "party"}
    for name in parties:
        if name.casefold() not in known:
            told = f"name one that stands behind your spend: {', '.join(known.values()) or 'none does'}"
            raise UserError("--party", name, told)
    used = [one.name for one in found.continuity if one.kind == "surface"]
    for name in surfaces:
        if name not in used and name not in {one.surface for one in found.exits}:
            raise UserError("--surface", name, f"name one in use: {', '.join(used) or ', '.join(ROUTABLE_SURFACES)}")
    chosen = {("party", known[name.casefold()]) for name in parties} | {("surface", name) for name in surfaces}
    return replace(
        found,
        continuity=tuple(one for one in found.continuity if (one.kind, one.name) in chosen),
        exits=tuple(one for one in found.exits if not surfaces or one.surface in surfaces),
    )


def document(found: Readings) -> dict[str, Any]:
    """The readings for a program."""
    from trivium.capital import dependence as room

    return {
        "at": found.at,
        "since": found.since,
        "until": found.until,
        "evidence_days": found.evidence_days,
        "total_usd": str(found.concentrations[0].total),
        "unpriced": sum(one.unpriced for one in found.spent),
        "look_through": [room.chain_document(one) for one in found.chains.values()],
        "concentration": [room.concentration_document(one) for one in found.concentrations],
        "connected": {
            "stakes": [room.connection_document(one) for one in found.connections],
            "concentration": [room.concentration_document(one) for one in found.connected],
        },
        "planned": [
            {
                "month": one.month,
                "untold_stages": one.untold,
                "concentration": [room.concentration_document(by) for by in one.concentrations],
            }
            for one in found.planned
        ],
        "exposures": [room.exposure_document(one) for one in found.exposures],
        "continuity": [room.continuity_document(one) for one in found.continuity],
        "drills": [asdict(one) for one in found.rehearsed],
        "exits": [room.exit_document(one) for one in found.exits],
        "clauses": {name: room.clause_documents(claims) for name, claims in found.clauses.items()},
    }
