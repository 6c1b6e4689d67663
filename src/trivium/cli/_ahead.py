"""What the commands about a decision share: the organisation, its usage, the facts of a day, and the asked decision."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trivium.cli import _ledger as shared
from trivium.core import FactError, UserError

if TYPE_CHECKING:
    from datetime import date

    from trivium.catalog import Claim, Conflict, Snapshot
    from trivium.core import UsageEvent
    from trivium.ledger import DemandRow
    from trivium.plan import Demand, Total
    from trivium.plan.decide import Evidence, Given
    from trivium.plan.decision import Decision, Stage
    from trivium.plan.org import DemandAs, Organisation, QuoteState
    from trivium.plan.seats import SeatUsage
    from trivium.pricing import PriceBook

DEFAULT_FILE = Path("trivium.toml")
REPORTS = (".html", ".pdf", ".json")

File = Annotated[
    Path, typer.Option("--organisation", help="The organisation file; defaults where there is none, shown as assumed.")
]
Trace = Annotated[
    Path | None, typer.Option(help="Plan on this file instead of the ledger: any format an import reads.")
]
At = Annotated[str | None, typer.Option(help="The day of the decision; today if not given.")]
AsOf = Annotated[str | None, typer.Option(help="Only what had been announced by this day.")]
Since = Annotated[str | None, typer.Option(help="Usage of the ledger from this day or instant on.")]
Until = Annotated[str | None, typer.Option(help="Usage of the ledger before this day or instant.")]
Report = Annotated[
    list[Path] | None, typer.Option(help="Write the report here: .html, .pdf or .json; may be repeated.")
]
Months = Annotated[int | None, typer.Option("--horizon-months", help="Months to plan ahead; the file's if not given.")]


@dataclass(frozen=True)
class Source:
    """What a command was asked to plan on."""

    file: Path = DEFAULT_FILE
    trace: Path | None = None
    at: str | None = None
    as_of: str | None = None
    since: str | None = None
    until: str | None = None
    months: int | None = None
    overlay: Sequence[Path] = ()
    db: Path = shared.DEFAULT_DB


@dataclass(frozen=True)
class Ahead:
    """Everything a decision is made from."""

    given: Given
    voices: Evidence
    demands: tuple[Demand, ...]
    organisation: Organisation
    snapshot: Snapshot
    book: PriceBook
    list_book: PriceBook | None
    at: date


Laid = Callable[["Organisation", Sequence["Demand"]], "Organisation"]


def gather(source: Source, laid: Laid | None = None) -> Ahead:
    """Read what is to be planned on; UserError names the file and field that cannot be used.

    `laid` may lay a command's options over the organisation, once its usage is known.
    """
    facts, at = facts_of(source)
    organisation = read(source)
    demands = usage(source, organisation, bands_of(facts), at)
    if source.trace is None and organisation.usage.profile:
        from trivium.cli._profile_usage import assumed

        organisation = replace(organisation, assumed=(*organisation.assumed, *assumed(organisation)))
    if laid is not None:
        organisation = laid(organisation, demands)
    return asked(source, organisation, demands, facts, at)


Facts = tuple["Snapshot", "PriceBook", "PriceBook | None"]


def facts_of(source: Source) -> tuple[Facts, date]:
    """The snapshot, its price book, the book without the organisation's own claims if there are any; and the day."""
    from trivium import catalog
    from trivium.pricing import PriceBook

    at, as_of = shared.day(source.at, "at"), shared.day(source.as_of, "as-of")
    own = overlays(source)
    snapshot = catalog.load(own).snapshot(as_of)
    listed = PriceBook.from_snapshot(catalog.load().snapshot(as_of)) if own else None
    return (snapshot, PriceBook.from_snapshot(snapshot), listed), at


def overlays(source: Source) -> tuple[Path, ...]:
    """The folders of own claims: those of the command, else those that the file names in [paths], relative to it."""
    if source.overlay or not source.file.is_file():
        return tuple(source.overlay)
    try:
        paths = tomllib.loads(source.file.read_text(encoding="utf-8")).get("paths", {})
    except (OSError, ValueError, RecursionError):  # reading the organisation says what is wrong
        return ()
    named = paths.get("overlays", []) if isinstance(paths, dict) else paths
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        raise UserError("paths.overlays", named, 'give a list of folders, such as ["our-claims"]')
    return tuple(source.file.parent / name for name in named)


def bands_of(facts: Facts) -> tuple[int, ...]:
    """The prompt lengths at which a price of the day's book changes."""
    from trivium.plan import band_starts

    return band_starts(facts[1])


def asked(
    source: Source,
    organisation: Organisation,
    demands: tuple[Demand, ...],
    facts: Facts,
    at: date,
) -> Ahead:
    """The same from an organisation and demand that are known already."""
    from trivium.plan.decide import Given, check_names, read_history, speaking
    from trivium.plan.money import point_ratio

    snapshot, book, listed = facts
    check_names(organisation, snapshot, book)
    voices = speaking(snapshot, seats(source, organisation), listed)
    earlier = organisation.usage.history
    names = {demand.workload for demand in demands}
    history = read_history(source.file.parent / earlier, names, at) if earlier else None
    given = Given(organisation, demands, snapshot, book, at, voices.by_claims, point_ratio(snapshot, at), history)
    return Ahead(given, voices, demands, organisation, snapshot, book, listed, at)


def read(source: Source) -> Organisation:
    """The organisation file, or defaults that are shown as assumed."""
    from trivium.plan.org import default_organisation, read_organisation

    exists = source.file.exists()  # a folder of that name is refused when it is read
    if not exists and source.file != DEFAULT_FILE:
        raise UserError("--organisation", str(source.file), "give an existing file: `trivium init` writes one")
    found = read_organisation(source.file, model_of) if exists else default_organisation()
    return with_months(found, source.months)


def model_of(name: str) -> str:
    """The catalogue's id of a model; UserError with the names that are near."""
    from difflib import get_close_matches

    from trivium import catalog

    try:
        return catalog.model_id(name)
    except FactError as error:
        near = ", ".join(get_close_matches(name, catalog.known_models(), 3, 0.5)) or "a model of `trivium facts list`"
        raise UserError("model", name, f"use {near}") from error


def with_months(organisation: Organisation, months: int | None) -> Organisation:
    """The organisation with another horizon, if a command gives one."""
    from msgspec import structs

    from trivium.plan.org import MONTHS_MAX

    if months is None:
        return organisation
    if not 1 <= months <= MONTHS_MAX:
        raise UserError("--horizon-months", months, f"give a number from 1 to {MONTHS_MAX}")
    return replace(organisation, about=structs.replace(organisation.about, horizon_months=months))


def seats(source: Source, organisation: Organisation) -> tuple[SeatUsage, ...]:
    """The Microsoft and GitHub exports that the file names, relative to it."""
    from trivium.plan.seats import read_seats

    base = source.file.parent
    try:
        return tuple(item for name in organisation.microsoft.exports for item in read_seats(base / name))
    except UserError as error:
        raise UserError(f"microsoft.exports: {error.field}", error.value, error.remedy) from error


def usage(source: Source, organisation: Organisation, bands: Sequence[int], at: date) -> tuple[Demand, ...]:
    """Demand from where the command or the file says: a trace, a table, a profile, or the ledger with its totals."""
    from trivium.plan import demand_from_events, demand_from_totals

    told = organisation.usage
    base = source.file.parent
    trace = source.trace or (base / told.trace if told.trace else None)
    if trace is None and told.csv:
        from trivium.plan.org import read_usage_csv

        return read_usage_csv(base / told.csv, told.columns, bands)
    if trace is None and told.profile:
        from trivium.cli._profile_usage import from_profile

        return from_profile(organisation, base, bands, at)
    with events(trace, source) as found:
        demands = demand_from_events(found, band_starts=bands)
    if trace is None and told.demand:
        with shared.opened(source.db) as ledger:
            totals = list(totals_of(ledger.demand(), told.demand, at))
        demands += demand_from_totals(totals, bands)
    return demands


@contextmanager
def events(trace: Path | None, source: Source) -> Iterator[Iterator[UsageEvent]]:
    """The events to plan on, with a bar on stderr while they are read."""
    from trivium.cli._usage import read_events

    from_, to = shared.instant(source.since, "since"), shared.instant(source.until, "until")
    if from_ is not None and to is not None and to <= from_:
        raise UserError("--until", source.until, f"give a day after --since {source.since}")
    if trace is not None:
        if from_ or to:
            raise UserError(
                "--since, --until", source.since or source.until, "leave them out with a trace: they select in a ledger"
            )
        with shared.progress(f"reading {trace.name}") as show, _remedied():
            yield read_events(trace, show)
        return
    with shared.opened(source.db) as ledger, shared.progress("reading the ledger") as show:

        def counted() -> Iterator[UsageEvent]:
            for number, event in enumerate(ledger.events(since=from_, until=to), 1):
                if number % 1000 == 0:
                    show(number, None)
                yield event

        yield counted()


@contextmanager
def _remedied() -> Iterator[None]:
    """A remedy that is an option of the import, which a plan does not have, says where that option is."""
    try:
        yield
    except UserError as error:
        if "--" not in error.remedy:
            raise
        where = "of `trivium ledger import`, and plan on the ledger; a table of totals is named in [usage], as csv"
        raise UserError(error.field, error.value, f"{error.remedy}: {where}") from error


def totals_of(rows: Iterator[DemandRow], named: dict[str, DemandAs], at: date) -> Iterator[Total]:
    """Totals of a source without dates, laid so that they end on the day of the plan."""
    from trivium.core import Offer
    from trivium.plan import Total

    found = [row for row in rows if row.model in named]
    if not found:
        return
    end = max(row.offset_s + row.span_s for row in found)
    start = datetime(at.year, at.month, at.day, tzinfo=UTC) - timedelta(seconds=end)
    sums: dict[tuple[str, int], list[int]] = {}
    spans: dict[tuple[str, int], int] = {}
    for row in found:
        key = (row.model, row.offset_s)
        counts = sums.setdefault(key, [0, 0, 0])
        for index, count in enumerate((row.requests, row.input_tokens, row.output_tokens)):
            counts[index] += count
        spans[key] = row.span_s
    for (model, offset), (requests, input_tokens, output_tokens) in sorted(sums.items()):
        entry = named[model]
        share, tokens = Fraction(entry.percent) / 100, Fraction(entry.tokens_percent) / 100
        offer = Offer(entry.surface, entry.scope, entry.model)
        yield Total(
            workload=entry.workload,
            offer=offer,
            at=start + timedelta(seconds=offset),
            span=timedelta(seconds=spans[model, offset]),
            requests=round(requests * share),
            input=round(input_tokens * share * tokens),
            output=round(output_tokens * share * tokens),
            peak_over_mean=Fraction(entry.peak_over_mean),
        )


def decided(found: Ahead) -> Decision:
    """The decision ahead, with what the end of each own quote would change."""
    from trivium.plan.decide import decide
    from trivium.plan.org import quote_states, what_expired

    decision = decide(found.given, found.voices)
    states = quote_states(found.snapshot.catalog, found.demands, found.at)
    ended = what_expired(states, found.at, max((stage.last_month for stage in _stages(decision)), default=found.at))
    notes = tuple(
        f"the quote {state.quote} on {state.surface} {'has ended' if state.expired else 'ends'} on {state.until}: the "
        f"present use costs {state.more_usd_per_month:,.2f} USD a month more without it, "
        f"{state.moved_more_usd_per_month:,.2f} if all of it ran there{_without(state)}"
        for state in ended
    )
    return replace(decision, notes=(*decision.notes, *notes))


def _without(state: QuoteState) -> str:
    """What has no price, and is therefore in neither amount."""
    names = tuple(dict.fromkeys((*state.unpriced, *state.moved_unpriced)))
    return f" (without {', '.join(names)}, which has no price there)" if names else ""


def _stages(decision: Decision) -> Iterator[Stage]:
    return (stage for item in decision.workloads for stage in item.stages)


def claims_of(found: Ahead, decision: Decision) -> tuple[Mapping[str, Claim], tuple[Conflict, ...]]:
    """The claims a decision names, and the conflicts among claims of the day that touch them."""
    named = {name: found.snapshot.claim(name) for name in decision.claim_ids}
    touched = tuple(
        conflict
        for conflict in found.snapshot.conflicts(found.at)
        if any(claim.id in named for claim in conflict.ranked.claims)
    )
    return named, touched


def write_reports(found: Ahead, decision: Decision, paths: Sequence[Path]) -> None:
    """The report in the form that each name ends in: .html, .pdf or .json."""
    from trivium.plan.report import decision_json, report_html, report_pdf

    claims, conflicts = claims_of(found, decision)
    for path in paths:
        match path.suffix:
            case ".html":
                content = report_html(decision, claims, conflicts).encode()
            case ".pdf":
                content = report_pdf(decision, claims, conflicts)
            case ".json":
                content = (json.dumps(decision_json(decision), indent=2, ensure_ascii=False) + "\n").encode()
            case _:
                raise UserError("--report", str(path), f"give a name that ends in {' or '.join(REPORTS)}")
        shared.written("--report", path, content)


def write_calendar(decision: Decision, path: Path) -> None:
    """The checkpoints as a calendar."""
    from trivium.plan.report import calendar_ics

    shared.written("--calendar", path, calendar_ics(decision))


def write_sheets(found: Ahead, decision: Decision, path: Path) -> None:
    """One negotiation sheet a platform, in one file: .html or .md."""
    from trivium.plan.report import negotiation_sheets, sheets_html, sheets_markdown

    claims, _ = claims_of(found, decision)
    sheets = negotiation_sheets(decision, found.snapshot, found.organisation.contracts)
    text = (sheets_html if path.suffix == ".html" else sheets_markdown)(sheets, decision, claims)
    shared.written("--sheets", path, text.encode())
