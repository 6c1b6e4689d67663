"""`trivium doctor`: check configuration, credentials and environment; name each remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    settings: Annotated[Path, typer.Option(help="The settings file.")] = Path("trivium.toml"),
    *,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the surfaces.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Check settings, credentials, surfaces, proxy and CA, ledger, routes and catalogue. Exit 1 or 4 if one is wrong.

    Each surface is asked to count the tokens of a word, or for something it must refuse: nothing is spent. Exit 4 if
    one does not answer or does not take the credential, 1 if anything else is wrong.
    """
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
    errors = [finding for finding in found if finding.grade is Grade.ERROR]
    if errors:
        raise typer.Exit(4 if any(finding.of_surface for finding in errors) else 1)
