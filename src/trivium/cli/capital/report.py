"""`trivium capital report`: who finances whom and whether it can be served, as one page that needs nothing else."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trivium.cli import _ledger as cli
from trivium.cli._output import console, print_json
from trivium.cli.capital import _shared as shared
from trivium.cli.capital import cover
from trivium.cli.capital.stress import of_deals
from trivium.core import UserError
from trivium.core.files import write_whole

if TYPE_CHECKING:
    from trivium.capital.deals import DealLedger
    from trivium.capital.report import Asked, Report, Scenario
    from trivium.catalog import Snapshot

_STALE_DAYS = 90
Day = tuple[str | None, str | None, Sequence[Path] | None]


def command(
    out: Annotated[Path | None, typer.Option(help="Where to write the page.")] = None,
    party: Annotated[str, typer.Option(help="The party that pays, as the ledger names it.")] = "Anthropic",
    as_of: shared.AsOf = None,
    sheets: Annotated[
        Path | None, typer.Option(help="Balance sheets and scenarios for the stress table (capital-network.md).")
    ] = None,
    example_sheets: Annotated[
        bool, typer.Option("--example-sheets", help="Use the shipped sheets, in which every figure is invented.")
    ] = False,
    run_rate: Annotated[
        str | None, typer.Option(help="Its run rate in USD a year; the latest claim if not given.")
    ] = None,
    growth: Annotated[float | None, typer.Option(help="Scenario: growth as a factor a year.")] = None,
    spread: Annotated[float | None, typer.Option(help="Scenario: standard deviation of the log after a year.")] = None,
    share: Annotated[float | None, typer.Option(help="Scenario: share of revenue that is free for the dues.")] = None,
    cash: Annotated[float, typer.Option(help="Scenario: cash at hand, USD.")] = 0.0,
    growth_end: Annotated[float | None, typer.Option(help="Scenario: the factor a year that growth fades to.")] = None,
    half_life: Annotated[float, typer.Option(help="Scenario: years in which the difference halves.")] = 1.0,
    cancelled: Annotated[list[str] | None, typer.Option(help="Scenario: leave this deal out; may be repeated.")] = None,
    accepted: Annotated[float, typer.Option(help="The share of futures short that break-even growth accepts.")] = 0.05,
    quarters: Annotated[int, typer.Option(help="How far to look.")] = 24,
    paths: Annotated[int, typer.Option(help="Futures, an even number.")] = 20_000,
    seed: Annotated[int, typer.Option(help="The seed of the futures.")] = 1,
    stale_days: Annotated[int, typer.Option(help="From which age of the newest deal the page says so.")] = _STALE_DAYS,
    overlay: shared.Overlay = None,
    as_json: shared.AsJson = False,
) -> None:
    """Who finances whom, what comes round, years of cover, dues, capacity and stress, on one page that fetches nothing.

    Growth, spread and share are yours: without them no probability is on the page, and none is a finding about a party.
    """
    shared.need("numpy", "scipy", "networkx", "numba", "jinja2")
    from trivium.capital.report import Asked, report_json, report_page

    _refuse(out, sheets, as_json=as_json, example=example_sheets, sizes=(quarters, paths))
    ledger, snapshot, _ = shared.ledger_of(as_of, None, overlay)
    name = _party(ledger, party)
    rate = None if run_rate is None and growth is None else cover.rate_of(run_rate, snapshot, name)[0]
    scenario = _scenario(rate, (growth, spread, share), cash, (growth_end, half_life), (paths, seed, accepted))
    options = {
        "party": name,
        "as-of": snapshot.as_of,
        "quarters": quarters,
        "stale-days": stale_days,
        "sheets": sheets,
        "run-rate": run_rate,
        "growth": growth,
        "spread": spread,
        "share": share,
        **({} if scenario is None else {"cash": cash, "paths": paths, "seed": seed, "accepted": accepted}),
        **({} if growth_end is None else {"growth-end": growth_end, "half-life": half_life}),
    }
    asked = Asked(
        party=name,
        quarters=quarters,
        stale_days=stale_days,
        scenario=scenario,
        cancelled=tuple(cancelled or ()),
        run_rate_usd=rate if run_rate else None,
        command=_command(options, cancelled, overlay, example=example_sheets),
    )
    report = _found(snapshot, asked, sheets, (as_of, None, overlay), example=example_sheets)
    if out is not None:
        write_whole(out, report_page(report).encode())
    if as_json:
        print_json(report_json(report))
    else:
        console().print(f"{out}: {name} as of {snapshot.as_of}", markup=False, soft_wrap=True)


def _refuse(out: Path | None, sheets: Path | None, *, as_json: bool, example: bool, sizes: tuple[int, int]) -> None:
    cover.check_sizes(*sizes)
    if out is None and not as_json:
        raise UserError("--out", "none", "give a file for the page, or --json")
    if sheets is not None and example:
        raise UserError("--sheets", str(sheets), "give it, or --example-sheets, and not both")


def _party(ledger: DealLedger, asked: str) -> str:
    """A party that pays, by its name in whatever case."""
    names = {deal.giver.casefold(): deal.giver for deal in ledger.deals}
    if (name := names.get(asked.casefold())) is None:
        raise UserError("--party", asked, f"name one of {', '.join(sorted(names.values()))}")
    return name


def _scenario(
    rate: Fraction | None,
    given: tuple[float | None, float | None, float | None],
    cash: float,
    fade: tuple[float | None, float],
    run: tuple[int, int, float],
) -> Scenario | None:
    """The scenario of `capital cover`; without a growth it is refused before the run rate matters."""
    from trivium.capital.report import Scenario

    found = cover.scenario_of(rate or Fraction(1), given, cash, fade, run)
    return None if found is None else Scenario(found.growth, found.means, *run)


def _found(snapshot: Snapshot, asked: Asked, sheets: Path | None, day: Day, *, example: bool) -> Report:
    """The report, over the network of deals where sheets were given; steps are shown."""
    from trivium.capital.report import gather

    bound = of_deals(sheets, day, example=example) if sheets or example else None
    network, shocks = (None, ()) if bound is None else bound[:2]
    with cli.progress("capital report") as note:
        return gather(snapshot, asked, network=network, shocks=shocks, progress=note)


def _command(
    options: Mapping[str, object], cancelled: Sequence[str] | None, overlay: Sequence[Path] | None, *, example: bool
) -> str:
    """The command that makes this page again."""
    words = ["trivium", "capital", "report"]
    for option, value in options.items():
        words += [] if value is None else [f"--{option}", f"{value:.15g}" if isinstance(value, float) else str(value)]
    for deal in cancelled or ():
        words += ["--cancelled", deal]
    for folder in overlay or ():
        words += ["--overlay", str(folder)]
    return shlex.join([*words, *(["--example-sheets"] if example else []), "--out", "report.html"])
