"""`trivium capital`: who finances whom, what comes round, what is owed; one file a command."""

from __future__ import annotations

import typer

from trivium.cli.capital import (
    capacity,
    checkpoints,
    clear,
    cover,
    deal,
    deals,
    dependence,
    flow,
    indicators,
    report,
    stress,
)

app = typer.Typer(
    no_args_is_help=True,
    help="Who finances whom, what comes round, and what a failure would set off; never a probability of default.",
)
app.command("deals")(deals.command)
app.command("deal")(deal.command)
app.command("flow")(flow.command)
app.command("capacity")(capacity.command)
app.command("cover")(cover.command)
app.command("clear")(clear.command)
app.command("stress")(stress.command)
app.command("report")(report.command)
app.command("indicators")(indicators.command)
app.command("dependence")(dependence.command)
app.command("checkpoints")(checkpoints.command)
