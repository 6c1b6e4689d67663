"""`trivium serve`: run the gateway from trivium.toml."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    settings: Annotated[Path, typer.Option(help="The settings file.")] = Path("trivium.toml"),
    log_level: Annotated[str, typer.Option(help="DEBUG, INFO, WARNING or ERROR; the log goes to stderr.")] = "INFO",
    *,
    replay: Annotated[bool, typer.Option("--replay", help="Heed x-trivium-trace-time: only for a replay.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line when ready.")] = False,
) -> None:
    """Run the gateway until Ctrl-C or SIGTERM; requests in flight are finished first. Reloads on change and SIGHUP.

    A second Ctrl-C or SIGTERM cuts what is in flight; its records are closed all the same. SIGUSR2 starts a successor
    on the same socket and ends this process once that one serves.
    """
    import json
    import os
    import sys

    from trivium.app.serve import log_to_stderr, serve
    from trivium.cli._output import console
    from trivium.core import SystemClock, UserError

    if log_level.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise UserError("--log-level", log_level, "use DEBUG, INFO, WARNING or ERROR")
    log_to_stderr(log_level.upper())

    def ready(address: str) -> None:
        if as_json:
            sys.stdout.write(json.dumps({"url": address, "settings": str(settings), "pid": os.getpid()}) + "\n")
            sys.stdout.flush()
        else:
            console().print(f"The gateway serves {address} (settings {settings}). Ctrl-C ends it.")

    serve(settings, SystemClock(), replay=replay, ready=ready)
