"""`trivium capital report`: who finances whom and whether it can be served, as one page that needs nothing else."""

from __future__ import annotations

import shlex
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trivium.cli import _ahead as ahead
from trivium.cli import _ledger as cli
from trivium.cli._output import console, print_json
from trivium.cli.capital import _own_file as own
from trivium.cli.capital import _shared as shared
from trivium.cli.capital import cover
from trivium.cli.capital._report_readings import checkpoints_of, dependence_of
from trivium.cli.capital.stress import of_deals
from trivium.core import UserError
from trivium.core.files import write_whole

if TYPE_CHECKING:
    from trivium.capital.deals import DealLedger
    from trivium.capital.report import Scenario

_STALE_DAYS = 90
_TOLD = {"party", "as_of", "out", "as_json"}  # said of themselves, or not about what is on the page


def command(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option(help="Where to write the page.")] = None,
    party: Annotated[str, typer.Option(help="Whose ground it is, as the ledger names it.")] = "Anthropic",
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
    file: own.File = ahead.DEFAULT_FILE,
    db: cli.Db = cli.DEFAULT_DB,
    overlay: shared.Overlay = None,
    as_json: shared.AsJson = False,
) -> None:
    """Who finances whom, what comes round, years of cover, dues, capacity and stress, on one page that fetches nothing.

    Growth, spread and share are yours: without them no probability is on the page, and none is a finding about a party.
    """
    _need_packages()
    from trivium.capital.report import Asked, gather, report_json, report_page

    _refuse(out, sheets, as_json=as_json, example=example_sheets, sizes=(quarters, paths))
    ledger, snapshot, _ = shared.ledger_of(as_of, None, overlay)
    name = _party(ledger, party)
    rate = None if run_rate is None and growth is None else cover.rate_of(run_rate, snapshot, name)[0]
    scenario = _scenario(rate, (growth, spread, share), cash, (growth_end, half_life), (paths, seed, accepted))
    asked = Asked(
        party=name,
        quarters=quarters,
        stale_days=stale_days,
        scenario=scenario,
        cancelled=tuple(cancelled or ()),
        run_rate_usd=rate if run_rate else None,
        command=_again(context, name, snapshot.as_of),
    )
    bound = of_deals(sheets, (as_of, None, overlay), example=example_sheets) if sheets or example_sheets else None
    given = own.read_file(file, overlay)
    with cli.progress("capital report") as note:
        report = gather(
            snapshot,
            asked,
            network=None if bound is None else bound[0],
            shocks=() if bound is None else bound[1],
            checkpoints=checkpoints_of(snapshot, ledger, name, scenario, given),
            dependence=dependence_of(file, db, overlay, snapshot),
            progress=note,
        )
    if out is not None:
        write_whole(out, report_page(report).encode())
    if as_json:
        print_json(report_json(report))
    else:
        console().print(f"{out}: {name} as of {snapshot.as_of}", markup=False, soft_wrap=True)


def _need_packages() -> None:
    shared.need("numpy", "scipy", "networkx", "numba")
    shared.need("jinja2", extra="report")


def _refuse(out: Path | None, sheets: Path | None, *, as_json: bool, example: bool, sizes: tuple[int, int]) -> None:
    cover.check_sizes(*sizes)
    if out is None and not as_json:
        raise UserError("--out", "none", "give a file for the page, or --json")
    if sheets is not None and example:
        raise UserError("--sheets", str(sheets), "give it, or --example-sheets, and not both")


def _party(ledger: DealLedger, asked: str) -> str:
    """A party of the ledger, by its name in whatever case."""
    names = {party.name.casefold(): party.name for party in ledger.parties}
    if (name := names.get(asked.casefold())) is None:
        told = f"name one of {', '.join(names.values())}" if names else f"no deal was announced by {ledger.as_of}"
        raise UserError("--party", asked, told)
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


def _again(context: typer.Context, party: str, day: date) -> str:
    """The command that makes this page again: every option that is not as it is without being given."""
    words = ["trivium", "capital", "report", "--party", party, "--as-of", day.isoformat()]
    for parameter in context.command.params:
        value = context.params.get(parameter.name or "")
        if parameter.name in _TOLD or value is None or value == parameter.default:
            continue
        for one in value if isinstance(value, list | tuple) else (value,):
            words += [parameter.opts[0]] if one is True else [parameter.opts[0], _text(one)]
    return shlex.join([*words, "--out", "report.html"])


def _text(value: object) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)
