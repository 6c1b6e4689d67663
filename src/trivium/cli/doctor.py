"""`trivium doctor`: check configuration, credentials and environment; name each remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    settings: Annotated[Path, typer.Option(help="The settings file.")] = Path("trivium.toml"),
    *,
    offline: Annotated[bool, typer.Option("--offline", help="Do not try to reach the surfaces.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Check settings, credentials, reach, proxy and CA, ledger, routes and catalogue. Exit 1 if anything is wrong."""
    from trivium.app.doctor import Grade, examine
    from trivium.cli._output import console, print_json
    from trivium.core import SystemClock

    found = examine(settings, SystemClock(), offline=offline)
    if as_json:
        print_json([{"grade": f.grade, "subject": f.subject, "text": f.text, "remedy": f.remedy} for f in found])
    else:
        screen = console()
        for finding in found:
            screen.print(f"{finding.grade.value:<8}{finding.subject}: {finding.text}", markup=False)
            if finding.remedy:
                screen.print(f"        remedy: {finding.remedy}", markup=False)
    if any(finding.grade is Grade.ERROR for finding in found):
        raise typer.Exit(1)
