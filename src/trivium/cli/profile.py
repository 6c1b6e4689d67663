"""`trivium profile`: measure the shape of real sessions, show it, draw sessions from it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trivium.cli._output import console, print_json
from trivium.core import UserError, parse_utc
from trivium.core.files import write_whole

app = typer.Typer(no_args_is_help=True, help="Measure the shape of real sessions; draw sessions from it.")


@app.command()
def measure(
    trace: Annotated[Path, typer.Argument(help="A trace, a folder of Claude Code session logs, or a ledger export.")],
    out: Annotated[Path | None, typer.Option(help="Write the profile here; without it, print it.")] = None,
    source: Annotated[str, typer.Option(help="What the profile says about where it comes from.")] = "",
) -> None:
    """Measure a profile: quantiles and dependence of session figures. No prompt and no identifier is in it."""
    import sys

    from trivium.cli._usage import read_events
    from trivium.lab.profile import measure as measure_profile

    screen = console()
    errors = sys.stderr
    profile = measure_profile(
        read_events(trace), source or trace.name, lambda line: print(f"measuring {line}", file=errors, flush=True)
    )
    if out is None:
        sys.stdout.write(profile.to_json())
        return
    write_whole(out, profile.to_json().encode())
    screen.print(
        f"{out}: {profile.totals['requests']:,} requests in {len(profile.strata)} strata, from {profile.source}"
    )


@app.command()
def show(
    profile: Annotated[
        Path | None, typer.Argument(help="A profile file; without it, the one the product carries.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Show a profile's totals and medians per stratum."""
    from rich.table import Table

    from trivium.lab.profile import load_profile, shipped_profile

    found = load_profile(profile) if profile else shipped_profile()
    rows = [
        {
            "model": stratum.model,
            "kind": "subagent" if stratum.subagent else "main",
            "conversations": stratum.conversations,
            "requests_median": stratum.median("requests"),
            "first_prompt_tokens_median": stratum.median("first_prompt"),
            "new_tokens_per_turn_median": stratum.median("new_mean"),
            "output_tokens_per_turn_median": stratum.median("output_mean"),
        }
        for stratum in found.strata
    ]
    if as_json:
        print_json({"source": found.source, "totals": found.totals, "strata": rows})
        return
    table = Table(title=f"profile: {found.source}")
    for name in rows[0]:
        table.add_column(name.replace("_", " "), no_wrap=name == "model")
    for row in rows:
        table.add_row(*(f"{value:,.0f}" if isinstance(value, int | float) else value for value in row.values()))
    console().print(table)


@app.command()
def draw(
    out: Annotated[Path, typer.Argument(help="Write the drawn sessions here, as a ledger export.")],
    profile: Annotated[Path | None, typer.Option(help="A profile file; without it, the shipped one.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed draws the same sessions.")] = 1,
    sessions: Annotated[int | None, typer.Option(help="How many; as many as were measured if not given.")] = None,
    start: Annotated[str, typer.Option(help="First day of the drawn sessions.")] = "2026-04-15",
    as_json: Annotated[bool, typer.Option("--json", help="Print the totals as JSON.")] = False,
) -> None:
    """Draw seeded sessions and write them as a ledger export, which every reader of usage takes."""
    from trivium.lab.profile import draw as draw_sessions
    from trivium.lab.profile import load_profile, shipped_profile, totals
    from trivium.ledger import write_export

    if sessions is not None and sessions < 1:
        raise UserError("--sessions", sessions, "give 1 or more")
    found = load_profile(profile) if profile else shipped_profile()
    events = draw_sessions(found, seed, parse_utc(start), sessions=sessions)
    write_export(events, out)
    figures = {"file": str(out), "seed": seed, **totals(events)}
    if as_json:
        print_json(figures)
    else:
        console().print(f"{out}: {figures['requests']:,} requests of {figures['conversations']:,} conversations")
