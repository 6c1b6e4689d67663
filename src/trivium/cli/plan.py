"""`trivium plan`: where each workload should run, why, and what would change the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec import structs

from trivium.cli import _ahead as ahead
from trivium.cli import _ledger as shared
from trivium.cli._main import EXIT_FINDING
from trivium.cli._output import console, print_json
from trivium.core import ROUTABLE_SURFACES, RouteTable, UserError

if TYPE_CHECKING:
    from trivium.plan import Demand, Plan, Requirement
    from trivium.plan.decide import DryRun, RouteChange, Unrouted
    from trivium.plan.decision import Decision
    from trivium.plan.org import Organisation

Pairs = list[str] | None
_WHOLE = 100
_DAYS_MAX = 3_660
_UNROUTED = (
    "the gateway would answer these requests with 404: give them a place (`trivium plan` says what each lacks; what is "
    "planned as batches has no route), or refuse them with --drop-unrouted"
)


def command(
    file: ahead.File = ahead.DEFAULT_FILE,
    trace: ahead.Trace = None,
    at: ahead.At = None,
    as_of: ahead.AsOf = None,
    since: ahead.Since = None,
    until: ahead.Until = None,
    months: ahead.Months = None,
    surfaces: Annotated[str | None, typer.Option(help="Only these surfaces, separated by commas.")] = None,
    allow_model: Annotated[Pairs, typer.Option(help="WORKLOAD=MODEL: it may use this model too.")] = None,
    allow_scope: Annotated[Pairs, typer.Option(help="WORKLOAD=SCOPE: it may be served there.")] = None,
    need: Annotated[Pairs, typer.Option(help="WORKLOAD=CAPABILITY: it needs this.")] = None,
    batchable: Annotated[Pairs, typer.Option(help="WORKLOAD that may wait a day for its answers.")] = None,
    quota_tier: Annotated[Pairs, typer.Option(help="SURFACE=TIER: your usage tier there.")] = None,
    horizon_days: Annotated[int, typer.Option(help="Today: leave out what is retired within so many days.")] = 30,
    today: Annotated[
        bool, typer.Option("--today", help="Only where to run today: no forecast, no commitments.")
    ] = False,
    report: ahead.Report = None,
    calendar: Annotated[Path | None, typer.Option(help="Write the checkpoints here, as .ics.")] = None,
    sheets: Annotated[Path | None, typer.Option(help="Write the negotiation sheets here: .html or .md.")] = None,
    write_routes: Annotated[
        Path | None, typer.Option(help="Write the route table here; the gateway loads it without a restart.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what the routes change and what they would have made of this usage.")
    ] = False,
    drop_unrouted: Annotated[
        bool,
        typer.Option("--drop-unrouted", help="Write routes that refuse what has no place; the gateway answers 404."),
    ] = False,
    overlay: shared.Overlay = None,
    db: shared.Db = shared.DEFAULT_DB,
    as_json: shared.AsJson = False,
) -> None:
    """Where each workload should run, today and ahead, at what cost, why, and what would change the answer.

    Ahead: over the months of the organisation file, with its contracts and offers. Options may be repeated.
    """
    if not 0 <= horizon_days <= _DAYS_MAX:
        raise UserError("--horizon-days", horizon_days, f"give a number from 0 to {_DAYS_MAX:,}")
    files = _Files(tuple(report or ()), calendar, sheets)
    files.check(write_routes, today=today)
    source = ahead.Source(file, trace, at, as_of, since, until, months, tuple(overlay or ()), db)
    wishes = _Wishes(allow_model, allow_scope, need, batchable, quota_tier, _surfaces(surfaces))
    found = ahead.gather(source, wishes.applied)
    now = _today(found, timedelta(days=horizon_days))
    decision = None
    if not today:
        with shared.progress("deciding"):
            decision = ahead.decided(found)
    table = now.route_table() if decision is None else decision.routes
    refused = _refused(found, table, may_be=write_routes is None or drop_unrouted)
    ran = _routes(found, table, write_routes) if dry_run else None
    if decision is not None:
        _write(found, decision, files)
    if write_routes is not None:
        _write_routes(table, write_routes)
    if as_json:
        print_json(_document(now, decision, ran))
    else:
        _print(now, decision, ran)
        if write_routes is not None:
            told = f"\n{write_routes}: route table {table.version}"
            if refused:
                told += f"; answered with 404, for want of a route: {_pairs(refused)}"
            console().print(told, markup=False)
    if now.unplaced or (decision is not None and any(item.unplaced for item in decision.workloads)):
        raise typer.Exit(EXIT_FINDING)  # the document says which; a script must not take the rest for everything


@dataclass(frozen=True)
class _Wishes:
    """What the options ask for, over what the file says."""

    models: Pairs
    scopes: Pairs
    needs: Pairs
    batchable: Pairs
    tiers: Pairs
    surfaces: tuple[str, ...]

    def applied(self, organisation: Organisation, demands: Sequence[Demand]) -> Organisation:
        """The organisation with the options laid over it; a workload that nothing is known of is refused."""
        from trivium.plan.org import Workload

        models = {
            name: [_model(name, model) for model in wanted]
            for name, wanted in _several(self.models, "allow-model").items()
        }
        scopes = _several(self.scopes, "allow-scope")
        needs = _several(self.needs, "need")
        waiting = set(self.batchable or ())
        now: dict[str, set[str]] = {}
        for demand in demands:
            now.setdefault(demand.workload, set()).update(offer.scope for offer, _ in demand.offers)
        workloads = dict(organisation.workloads)
        for name in sorted({*models, *scopes, *needs, *waiting}):
            if name not in now:
                raise UserError("workload", name, f"use one of {', '.join(sorted(now))}")
            entry = workloads.get(name, Workload())
            need = entry.needs
            need = structs.replace(
                need,
                models=(*need.models, *models.get(name, ())),
                # an allowed scope is added to those in use
                scopes=tuple(sorted({*scopes[name], *(need.scopes or now[name])})) if name in scopes else need.scopes,
                capabilities=(*need.capabilities, *needs.get(name, ())),
                batchable_percent=Decimal(100) if name in waiting else need.batchable_percent,
            )
            workloads[name] = structs.replace(entry, needs=need)
        about = organisation.about
        tiers = {**about.quota_tiers, **shared.pairs(self.tiers, "quota-tier")}
        about = structs.replace(about, quota_tiers=tiers, surfaces=self.surfaces or about.surfaces)
        return replace(organisation, about=about, workloads=workloads)


def _model(workload: str, name: str) -> str:
    try:
        return ahead.model_of(name)
    except UserError as error:
        raise UserError("--allow-model", f"{workload}={name}", error.remedy) from error


def _today(found: ahead.Ahead, horizon: timedelta) -> Plan:
    """The exact plan at the prices and quotas of the day."""
    from trivium import plan as room

    about = found.organisation.about
    options = room.PlanOptions(
        list_book=found.list_book,
        surfaces=about.surfaces or ROUTABLE_SURFACES,
        quota_tiers=about.quota_tiers,
        horizon=horizon,
    )
    known = {demand.workload for demand in found.demands}
    requirements = [_requirement(name, found.organisation) for name in found.organisation.workloads if name in known]
    return room.solve(found.demands, requirements, found.snapshot, found.book, found.at, options)


def _requirement(name: str, organisation: Organisation) -> Requirement:
    from trivium.plan import Requirement

    entry, needs = organisation.workloads[name], organisation.needs(name)
    allowed = organisation.about.surfaces
    return Requirement(
        workload=name,
        models=needs.models or entry.models,
        scopes=needs.scopes or ((needs.geography,) if needs.geography else ()),
        surfaces=tuple(surface for surface in entry.surfaces if not allowed or surface in allowed),
        batchable=needs.batchable_percent == _WHOLE,  # a part that may wait is planned ahead, not today
        capabilities=needs.capabilities,
    )


@dataclass(frozen=True)
class _Ran:
    """What the routes change, and a dry run of the usage under them."""

    changes: tuple[RouteChange, ...]
    run: DryRun


def _route_table(path: Path) -> RouteTable:
    """The table that a file holds already."""
    try:
        return RouteTable.from_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError("--write-routes", str(path), f"name a route table, or a new file ({error})") from error


def _routes(found: ahead.Ahead, table: RouteTable, path: Path | None) -> _Ran:
    from trivium.plan.decide import diff_routes, dry_run

    before = None
    if path is not None and path.is_file():
        before = _route_table(path)
    return _Ran(diff_routes(before, table), dry_run(found.demands, table, found.book, found.at))


@dataclass(frozen=True)
class _Files:
    """Where the decision is to be written."""

    reports: tuple[Path, ...]
    calendar: Path | None
    sheets: Path | None

    def check(self, routes: Path | None, *, today: bool) -> None:
        """Refuse what could not be written, before anything is computed."""
        if today and (self.reports or self.calendar or self.sheets):
            raise UserError(
                "--report, --calendar, --sheets", "--today", "leave out --today: they show the decision ahead"
            )
        for path in self.reports:
            shared.output("--report", path, *ahead.REPORTS)
        shared.output("--calendar", self.calendar)
        shared.output("--sheets", self.sheets, ".html", ".md")
        shared.output("--write-routes", routes)


def _write(found: ahead.Ahead, decision: Decision, files: _Files) -> None:
    ahead.write_reports(found, decision, files.reports)
    if files.calendar is not None:
        ahead.write_calendar(decision, files.calendar)
    if files.sheets is not None:
        ahead.write_sheets(found, decision, files.sheets)


def _write_routes(table: RouteTable, path: Path) -> None:
    from trivium import plan as room

    try:
        path.parent.mkdir(exist_ok=True)
        room.write_routes(table, path)
    except OSError as error:
        raise UserError("--write-routes", str(path), f"make it writable ({error.strerror})") from error


def _refused(found: ahead.Ahead, table: RouteTable, *, may_be: bool) -> tuple[Unrouted, ...]:
    """What of the measured usage the table would let the gateway refuse: an operator must not learn it from a 404."""
    from trivium.plan.decide import unrouted

    refused = unrouted(found.demands, table)
    if refused and not may_be:
        raise UserError("--write-routes", _pairs(refused), _UNROUTED)
    return refused


def _pairs(refused: Sequence[Unrouted]) -> str:
    return ", ".join(
        f"{item.workload}/{item.model} ({item.requests:,} request{'' if item.requests == 1 else 's'})"
        for item in refused
    )


def _document(now: Plan, decision: Decision | None, ran: _Ran | None) -> dict[str, Any]:
    from trivium import plan as room
    from trivium.plan.report import decision_json

    found = room.plan_json(now)
    found["ahead"] = None if decision is None else decision_json(decision)
    if ran is not None:
        run = ran.run
        found["dry_run"] = {
            "at": run.at.isoformat(),
            "requests": run.requests,
            "moved": run.moved,
            "before_usd": str(run.before),
            "after_usd": str(run.after),
            "refused": [
                {"workload": item.workload, "model": item.model, "requests": item.requests} for item in run.refused
            ],
            "unpriced": list(run.unpriced),
            "changes": [
                {"workload": c.workload, "model": c.model, "before": list(c.before), "after": list(c.after)}
                for c in ran.changes
            ],
        }
    return found


def _print(now: Plan, decision: Decision | None, ran: _Ran | None) -> None:
    from trivium import plan as room
    from trivium.plan.report import decision_text

    screen = console()
    if decision is not None:
        screen.print(
            "[bold]Today[/bold]: without contracts and months to come; what the routes follow stands under Ahead"
        )
    screen.print(room.plan_text(now))
    if decision is not None:
        screen.print("\n[bold]Ahead[/bold]: moves, contracts and evidence counted; the route table follows this one")
        screen.print(decision_text(decision))
    if ran is not None:
        screen.print("\n[bold]What the routes change[/bold]")
        for change in ran.changes:
            before, after = ", ".join(change.before) or "no route", ", ".join(change.after) or "no route"
            screen.print(f"  {change.workload} / {change.model}: {before} → {after}", markup=False)
        run = ran.run
        screen.print(
            f"  this usage: {run.before.rounded()} USD as it ran, {run.after.rounded()} under these routes with its "
            f"cache lives as sent; about {run.moved:,} of {run.requests:,} requests on another surface",
            markup=False,
        )
        if run.refused:
            screen.print(f"  refused with 404, and in neither amount: {_pairs(run.refused)}", markup=False)
        for text in run.unpriced:
            screen.print(f"  without a price, and in neither amount: {text}", markup=False)


def _surfaces(text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise UserError("--surfaces", text, f"give one or more of {', '.join(ROUTABLE_SURFACES)}")
    return names


def _several(texts: Pairs, option: str) -> dict[str, list[str]]:
    """Options of the form name=value in which a name may come several times."""
    found: dict[str, list[str]] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not (equals and name and value):
            raise UserError(f"--{option}", text, "give WORKLOAD=VALUE")
        found.setdefault(name, []).append(value)
    return found
