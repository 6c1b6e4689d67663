"""`trivium capital checkpoints`: which exit triggers have fired, and on which days to look again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trivium.cli import _ahead as ahead
from trivium.cli import _ledger as cli
from trivium.cli._main import EXIT_FINDING
from trivium.cli.capital import _own_file as own
from trivium.cli.capital import _shared as shared
from trivium.core import ROUTABLE_SURFACES, Checkpoint, UserError

if TYPE_CHECKING:
    from trivium.capital.checkpoints import OwnDay, Reading, Scenario, Sight
    from trivium.catalog import Claim, Snapshot

_WITHIN_MAX = 36_500
_FACTOR_MAX, _SPREAD_MAX = 1000, 10
_DAYS_A_MONTH = Fraction(365, 12)


def command(
    as_of: shared.AsOf = None,
    within: Annotated[int, typer.Option(help="Days ahead to list.")] = 365,
    party: Annotated[
        list[str] | None,
        typer.Option(help="Watch this party; without it those behind your surfaces; repeatable."),
    ] = None,
    threshold: Annotated[
        list[str] | None, typer.Option(help="A trigger's threshold, NAME=NUMBER, above the file's; repeatable.")
    ] = None,
    growth: Annotated[
        float | None, typer.Option(help="Scenario of run-rate-cone: growth as a factor a year, such as 2.")
    ] = None,
    spread: Annotated[
        float | None, typer.Option(help="Scenario: standard deviation of the log of revenue after a year, such as 0.5.")
    ] = None,
    cone_from: Annotated[
        str | None, typer.Option(help="Scenario: start at the last reading by this day; the third newest if not given.")
    ] = None,
    file: own.File = ahead.DEFAULT_FILE,
    db: cli.Db = cli.DEFAULT_DB,
    ics: Annotated[Path | None, typer.Option(help="Write the days as a calendar: .ics.")] = None,
    overlay: shared.Overlay = None,
    as_json: shared.AsJson = False,
) -> None:
    """Exit triggers with their claims, thresholds and owners, and the days to look again. Exit 1 if one has fired.

    A state that cannot be told names the claim that is missing. Days come from deals, filings, models in use, and your
    contracts: the last day to begin a move so that notice can still be given.
    """
    from trivium.capital.checkpoints import State, checkpoints, read_triggers, triggers_of
    from trivium.cli._output import print_json

    if not 1 <= within <= _WITHIN_MAX:
        raise UserError("--within", within, f"give 1 to {_WITHIN_MAX} days")
    cli.output("--ics", ics, ".ics")
    scenario = _scenario(growth, spread, cone_from)
    thresholds = _thresholds(threshold)
    given = own.read_file(file, overlay)
    sight, snapshot = _sight(given, cli.day(as_of, "as-of"), db, tuple(party or ()), scenario)
    readings = read_triggers(sight, triggers_of(given.own, thresholds))
    points = checkpoints(sight, within, readings, _own_days(given, sight.at, within))
    if ics is not None:
        _write(ics, points, given, sight, snapshot)
    if as_json:
        print_json(_document(sight, readings, points, snapshot))
    else:
        _show(sight, readings, points)
    if any(one.state is State.FIRED for one in readings):
        raise typer.Exit(EXIT_FINDING)


def _scenario(growth: float | None, spread: float | None, cone_from: str | None) -> Scenario | None:
    from trivium.capital.checkpoints import Scenario

    if growth is None and spread is None:
        if cone_from is not None:
            raise UserError("--cone-from", cone_from, "give --growth and --spread too")
        return None
    if growth is None or not 1 / _FACTOR_MAX <= growth <= _FACTOR_MAX:
        raise UserError("--growth", growth, f"give a factor a year up to {_FACTOR_MAX}, such as 2 for a doubling")
    if spread is None or not 0 <= spread <= _SPREAD_MAX:
        raise UserError("--spread", spread, f"give 0 to {_SPREAD_MAX}, such as 0.5")
    return Scenario(math.log(growth), spread, None if cone_from is None else cli.day(cone_from, "cone-from"))


def _thresholds(texts: Sequence[str] | None) -> dict[str, Decimal]:
    found = {}
    for name, text in cli.pairs(texts, "threshold").items():
        try:
            found[name] = Decimal(text)
        except InvalidOperation as error:
            raise UserError("--threshold", f"{name}={text}", "give NAME=NUMBER, such as one-buyer=35") from error
    return found


def _sight(
    given: own.OwnFile, at: date, db: Path, parties: tuple[str, ...], scenario: Scenario | None
) -> tuple[Sight, Snapshot]:
    from trivium import catalog
    from trivium.capital.checkpoints import Sight
    from trivium.capital.deals import read_deals
    from trivium.capital.dependence import chain_of

    snapshot = catalog.load(given.overlays).snapshot(at)
    ledger = read_deals(snapshot)
    used = _used(db)
    pairs = used or tuple((surface, "") for surface in ROUTABLE_SURFACES)
    chains = [chain_of(snapshot, surface, model, at) for surface, model in pairs]
    found = tuple(dict.fromkeys(name for chain in chains for name in (*chain.parties, *chain.possible)))
    if parties:
        names = {one.name.casefold(): one.name for one in ledger.parties} | {name.casefold(): name for name in found}
        for name in parties:
            if name.casefold() not in names:
                raise UserError("--party", name, f"name one of {', '.join(sorted(set(names.values())))}")
        found = tuple(names[name.casefold()] for name in parties)
    makers = tuple(dict.fromkeys(name for chain in chains for name in chain.links["model_maker"].names))
    return Sight(snapshot, ledger, at, found, makers, used, given.own, scenario), snapshot


def _used(db: Path) -> tuple[tuple[str, str], ...] | None:
    """The surfaces and models of the ledger; None where there is no ledger at the default place."""
    if not db.is_file() and db == cli.DEFAULT_DB:
        return None
    with cli.opened(db) as ledger:
        return tuple((row.keys[0], row.keys[1]) for row in ledger.spend(("surface", "model")))


def _own_days(given: own.OwnFile, at: date, within: int) -> Iterator[OwnDay]:
    """The days of the organisation's contracts, as the plan names them, and when a move has to begin before notice."""
    from trivium.capital.checkpoints import OwnDay, move_days
    from trivium.plan.questions import contract_days

    stop = at + timedelta(days=within)
    for name, contract in sorted(given.organisation.contracts.items()):
        for due, reason in contract_days(contract, at, stop):
            if at <= due <= stop:
                yield OwnDay(due, name, reason)
    for one in own.committed_in(given, at):
        leads = [_lead(given, surface) for surface in one.surfaces]
        stated = [lead for lead in leads if lead is not None]
        if one.notice_by is not None and stated:
            yield move_days(one.name, one.surfaces, one.notice_by, max(stated), one.ends)


def _lead(given: own.OwnFile, surface: str) -> int | None:
    terms = given.own.exit.get(surface)
    if terms is None or terms.migration_months is None:
        return None
    return round(Fraction(terms.migration_months) * _DAYS_A_MONTH)


def _write(path: Path, points: tuple[Checkpoint, ...], given: own.OwnFile, sight: Sight, snapshot: Snapshot) -> None:
    from trivium.plan.report import CalendarOf, checkpoints_ics

    of = CalendarOf(given.organisation.about.name, sight.at, snapshot.digest, "check of triggers")
    cli.written("--ics", path, checkpoints_ics(points, of))


def _document(
    sight: Sight, readings: tuple[Reading, ...], points: tuple[Checkpoint, ...], snapshot: Snapshot
) -> dict[str, Any]:
    from trivium.capital.checkpoints import State, reading_document
    from trivium.capital.dependence import clause_documents, clauses_of

    return {
        "as_of": sight.at,
        "parties": sight.parties,
        "fired": sum(one.state is State.FIRED for one in readings),
        "evidence_days": sight.own.evidence_days,
        "triggers": [reading_document(one) for one in readings],
        "checkpoints": [
            {"due": one.due, "subject": one.subject, "reason": one.reason, "claims": list(one.claim_ids)}
            for one in points
        ],
        "claims": {name: _source(snapshot.claim(name)) for name in _named(readings, points)},
        "clauses": clause_documents(clauses_of(snapshot, "checkpoints")),
    }


def _named(readings: Sequence[Reading], points: Sequence[Checkpoint]) -> list[str]:
    read = {name for one in readings for name in one.claim_ids}
    return sorted(read | {name for one in points for name in one.claim_ids})


def _source(claim: Claim) -> dict[str, Any]:
    return {
        "grade": claim.status,
        "announced": claim.announced_on,
        "sources": [{"title": one.title, "address": one.address} for one in claim.sources],
    }


def _show(sight: Sight, readings: tuple[Reading, ...], points: tuple[Checkpoint, ...]) -> None:
    from trivium.capital.checkpoints import State
    from trivium.cli._output import console
    from trivium.figures import table

    screen = console()

    def say(text: str) -> None:
        screen.print(text, markup=False, soft_wrap=True)

    say(f"As of {sight.at}, for {', '.join(sight.parties)}")
    told = [one for one in readings if one.state is not State.NOT_FIRED]
    fired = sum(one.state is State.FIRED for one in readings)
    say(f"{fired} fired, {len(told) - fired} cannot be told, {len(readings) - len(told)} not fired")
    headers = ("trigger", "subject", "state", "verdict", "read", "owner")
    if told:
        say(table(headers, _rows(told), title="\nTriggers").terminal(screen.width))
    for one in told:
        if one.state is State.FIRED:
            say(f"  {one.trigger.name}, {one.subject}: {one.trigger.condition}: {one.value}")
            say(f"    then {one.trigger.action} [{', '.join(one.claim_ids)}]")
    missing = dict.fromkeys(f"{one.trigger.name}: {text}" for one in told for text in one.missing)
    for text in missing:
        say(f"  missing for {text}")
    dated = [(str(one.due), one.subject, one.reason) for one in points if not one.subject.startswith("trigger ")]
    if dated:
        say(table(("day", "subject", "look again"), dated, title="\nDays").terminal(screen.width))
    say(f"\n{shared.NOT_A_FINDING}")


def _rows(told: Sequence[Reading]) -> list[tuple[str, ...]]:
    """One row a trigger and standing; those that read nothing share one."""
    found: dict[tuple[str, ...], list[str]] = {}
    for one in told:
        apart = one.subject if one.value else ""
        key = (one.trigger.name, apart, one.state.value, one.verdict, one.value or "-", one.trigger.owner)
        found.setdefault(key, []).append(one.subject)
    return [(key[0], ", ".join(subjects), *key[2:]) for key, subjects in found.items()]
