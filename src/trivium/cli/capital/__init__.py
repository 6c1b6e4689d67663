"""`trivium capital`: who finances whom, and whether the ground under each platform is firm."""

from __future__ import annotations

import typer

from trivium.cli.capital import clear

app = typer.Typer(no_args_is_help=True, help="Who finances whom, what is owed, what a failure would set off.")
app.command("clear")(clear.command)
