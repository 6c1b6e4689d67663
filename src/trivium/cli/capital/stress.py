"""`trivium capital stress`: what a scenario does to a network that the user describes: best and worst, by channel."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trivium.cli import _ledger as shared
from trivium.cli._output import console, print_json
from trivium.cli.capital._shared import need
from trivium.cli.capital.clear import read_text
from trivium.core import UserError

if TYPE_CHECKING:
    from trivium.capital.stress import End, Paths, Stress

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
    paths: Annotated[int, typer.Option(help="Also draw so many paths of income, by the spreads in the file.")] = 0,
    seed: Annotated[int, typer.Option(help="The same seed draws the same paths.")] = 1,
    as_json: shared.AsJson = False,
) -> None:
    """Best and worst equilibrium per party under each scenario, with the channels through which the loss came."""
    need("numpy", "numba")
    from trivium.capital.stress import example_text, parse_scenario, read_network, run_paths, run_stress

    if (file is None) == (not example):
        raise UserError("FILE", None if file is None else str(file), "give a file, or --example, and not both")
    network, stated = read_network(example_text() if file is None else read_text(file))
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
        print_json({"note": IS_NOT, "runs": documents})
        return
    for number, run in enumerate(found):
        _show(run)
        if drawn:
            _show_paths(drawn[number])
    console().print(IS_NOT, markup=False)


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
