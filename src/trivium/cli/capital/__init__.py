"""`trivium capital`: who finances whom, what comes round, what is owed; one file a command."""

from __future__ import annotations

import typer

from trivium.cli.capital import capacity, clear, cover, deal, deals, flow, report, stress

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
