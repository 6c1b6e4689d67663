"""`trivium capital stress`: what a scenario does to a network that the user describes: best and worst, by channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trivium.cli import _ledger as shared
from trivium.cli._output import console, print_json
from trivium.cli.capital._shared import AsOf, EnteredBy, Overlay, ledger_of, need
from trivium.cli.capital.clear import read_text
from trivium.core import UserError

if TYPE_CHECKING:
    from datetime import date

    from trivium.capital.network import DealNetwork
    from trivium.capital.stress import End, Network, Paths, Scenario, Stress

IS_NOT = "The balance sheets and the scenarios are the user's. This states no probability of default of anybody."


def command(
    file: Annotated[
        Path | None, typer.Argument(help="The network as TOML or JSON (capital-stress.md); - is standard input.")
    ] = None,
    scenario: Annotated[
        list[str] | None,
        typer.Option(help="Such as default:PARTY or outage:PLATFORM:14; those of the file if not given."),
    ] = None,
    example: Annotated[
        bool, typer.Option("--example", help="Use the shipped network, in which all is invented.")
    ] = False,
    deals: Annotated[
        bool, typer.Option("--deals", help="Make the network from the deal ledger and your --sheets.")
    ] = False,
    sheets: Annotated[
        Path | None,
        typer.Option(help="With --deals: balance sheets and assumptions, TOML or JSON (capital-network.md)."),
    ] = None,
    as_of: AsOf = None,
    entered_by: EnteredBy = None,
    overlay: Overlay = None,
    paths: Annotated[int, typer.Option(help="Also draw so many paths of income, by the spreads in the file.")] = 0,
    seed: Annotated[int, typer.Option(help="The same seed draws the same paths.")] = 1,
    as_json: shared.AsJson = False,
) -> None:
    """Best and worst equilibrium per party under each scenario, with the channels through which the loss came."""
    need("numpy", "numba")
    from trivium.capital.stress import parse_scenario, run_paths, run_stress

    _refuse_mixed(file, sheets, example=example, deals=deals, day_given=bool(as_of or entered_by or overlay))
    bound = of_deals(sheets, (as_of, entered_by, overlay), example=example) if deals else None
    network, stated = _read(file) if bound is None else (bound[0].network, bound[1])
    asked = [parse_scenario(text) for text in scenario] if scenario else list(stated)
    found = []
    with shared.progress("stress") as show:
        for number, item in enumerate(asked or [None]):
            found.append(run_stress(network, item))
            show(number + 1, len(asked) or 1)
    drawn: list[Paths] = []
    if paths:
        with shared.progress("paths") as show:
            drawn = [run_paths(network, run.scenario, paths, seed, show) for run in found]
    if as_json:
        documents = [_document(run) for run in found]
        for document, some in zip(documents, drawn, strict=False):  # none are drawn unless asked for
            document["paths"] = asdict(some)
        made = {} if bound is None else {"network_of_deals": made_document(bound[0], bound[2])}
        print_json({"note": IS_NOT, "runs": documents} | made)
        return
    if bound is not None:
        _show_made(bound[0], bound[2])
    for number, run in enumerate(found):
        _show(run)
        if drawn:
            _show_paths(drawn[number])
    console().print(IS_NOT, markup=False)


def _refuse_mixed(file: Path | None, sheets: Path | None, *, example: bool, deals: bool, day_given: bool) -> None:
    if not deals and (sheets is not None or day_given):
        raise UserError("--deals", "not given", "--sheets, --as-of, --entered-by and --overlay go with --deals")
    if deals and (file is not None or (sheets is None) == (not example)):
        raise UserError("--deals", str(file or sheets or ""), "give --sheets FILE or --example with it, and not both")
    if not deals and (file is None) == (not example):
        raise UserError("FILE", None if file is None else str(file), "give a file, or --example, and not both")


def _read(file: Path | None) -> tuple[Network, Sequence[Scenario]]:
    from trivium.capital.stress import example_text, read_network

    return read_network(example_text() if file is None else read_text(file))


def of_deals(
    sheets: Path | None, day: tuple[str | None, str | None, Sequence[Path] | None], *, example: bool = False
) -> tuple[DealNetwork, Sequence[Scenario], date]:
    """The network of the deal ledger of a day over the user's sheets, and the scenarios in them."""
    from trivium.capital.network import deal_network, example_sheets, read_sheets

    given = read_sheets(example_sheets() if example or sheets is None else read_text(sheets))
    ledger, _, on = ledger_of(*day)
    return deal_network(ledger, given), given.scenarios, on


def made_document(made: DealNetwork, on: date) -> dict[str, Any]:
    """Which deals the network is made of, which not and why, and what was assumed."""
    return {
        "as_of": on,
        "unit": "bn USD",
        "taken": [{"claim": one.deal_id, "as": one.role, "how": one.how} for one in made.taken],
        "left_out": [{"claim": name, "why": why} for name, why in made.left_out],
        "without_sheet": made.without_sheet,
        "assumed": made.assumed,
    }


def _show_made(made: DealNetwork, on: date) -> None:
    screen = console()
    taken = len({one.deal_id for one in made.taken})
    text = (
        f"deal ledger as of {on}, bn USD: {taken} deals are in the network, {len(made.left_out)} are not "
        f"(--json says why), {len(made.assumed)} figures assumed"
    )
    screen.print(text, markup=False, soft_wrap=True)
    if made.without_sheet:
        screen.print(f"without a sheet of yours: {', '.join(made.without_sheet)}", markup=False, soft_wrap=True)


def _document(run: Stress) -> dict[str, Any]:
    from trivium.capital.stress import scenario_words

    return {
        "scenario": scenario_words(run.scenario),
        "parties": [asdict(outcome) for outcome in run.outcomes],
        "waves": {"best": run.waves_best, "worst": run.waves_worst},
        "gap_outside_value": run.gap,
        "gross_up": {"before": run.gross_up_before, "best": run.gross_up_best},
        "monotone": run.monotone,
        "cycles": run.cycles,
    }


def _show(run: Stress) -> None:
    from rich.markup import escape
    from rich.table import Table

    from trivium.capital.stress import scenario_words

    table = Table(title=f"{escape(scenario_words(run.scenario))}: best · worst")
    for name in ("party", "equity before", "after", "paid of debts", "direct", "through others", "cash"):
        table.add_column(name, justify="left" if name in {"party", "through others", "cash"} else "right")
    for item in run.outcomes:
        ends = (item.best, item.worst)
        table.add_row(
            escape(item.party),
            f"{item.before:,.2f}",
            " · ".join(f"{end.equity:,.2f}{'!' if end.failed and not end.default else ''}" for end in ends),
            " · ".join(f"{end.recovery:.0%}{' default' if end.default else ''}" for end in ends),
            " · ".join(f"{end.direct + 0.0:+,.2f}" for end in ends),
            _both(item.best, item.worst),
            "in time" if item.first_behind is None else f"behind in quarter {item.first_behind + 1}",
        )
    screen = console()
    screen.print(table)
    for text, waves in (("best", run.waves_best), ("worst", run.waves_worst)):
        if waves:
            screen.print(f"defaults, {text}: " + " → ".join(", ".join(wave) for wave in waves), markup=False)
    if abs(run.gap) > 1e-9:  # noqa: PLR2004  an amount that shows
        screen.print(f"there only because all expect it: {run.gap:,.2f} of what is held outside", markup=False)
    if run.cycles:
        screen.print(
            f"not settled: it goes round between {len(run.cycles)} states; one end is no equilibrium", markup=False
        )
    elif not run.monotone:
        screen.print("not monotone (deducted tranches or guarantees): there may be ends beyond these two", markup=False)


def _show_paths(found: Paths) -> None:
    from rich.markup import escape
    from rich.table import Table

    spread = ", ".join(f"{name} {value:g}" for name, value in found.income_spread.items() if value)
    table = Table(title=escape(f"{found.count:,} paths, seed {found.seed}; spread a year: {spread}"))
    for name in ("party", "behind in", "default in", "first behind, 5 · 50 · 95 %", "unpaid at the end, mean"):
        table.add_column(name, justify="left" if name == "party" else "right")
    for item in found.parties:
        quarters = "-" if item.first_behind is None else " · ".join(f"Q{when + 1:.0f}" for when in item.first_behind)
        shares = (f"{share:.1%} of paths" for share in (item.behind_share, item.default_share))
        table.add_row(escape(item.party), *shares, quarters, f"{item.unpaid:,.2f}")
    console().print(table)


def _both(best: End, worst: End) -> str:
    texts = [_channels(end) for end in (best, worst)]
    return texts[0] if texts[0] == texts[1] else f"{texts[0]} · {texts[1]}"


def _channels(end: End) -> str:
    shown = [f"{name} {amount:+,.2f}" for name, amount in end.channels.items() if abs(amount) >= 0.005]  # noqa: PLR2004
    return ", ".join(shown) or "-"
