"""`trivium lab`: run the emulated surfaces alone, to test your own clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from trivium.lab import LabServer


def command(
    surfaces: Annotated[str, typer.Option(help="Comma-separated surfaces; all of them if not given.")] = "",
    port_base: Annotated[int, typer.Option(help="Control port; the surfaces follow it. 0 takes free ports.")] = 0,
    seed: Annotated[int, typer.Option(help="Seed of the world: what is answered, thought and called.")] = 0,
    start: Annotated[str, typer.Option(help="Stand at this instant (ISO 8601) instead of the machine's time.")] = "",
    latency: Annotated[float, typer.Option(help="Scale of the latency profiles; 0 answers at once.")] = 0.0,
    tls_folder: Annotated[str, typer.Option(help="Keep the certificates in this folder (implies --tls).")] = "",
    *,
    tls: Annotated[bool, typer.Option("--tls", help="Serve TLS with a certificate authority made now.")] = False,
    trace_time: Annotated[bool, typer.Option("--trace-time", help="Honour [[lab at=…]] in prompts.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line when ready.")] = False,
) -> None:
    """Run the emulated surfaces until Ctrl-C; print their addresses, fake credentials and what to export.

    No surface's emulation is certified against the live one yet: `trivium certify` holds the two against each other.
    """
    import asyncio
    import tempfile
    from pathlib import Path

    from trivium.lab.__main__ import serve, settings
    from trivium.lab.server import LabServer

    options = {
        "surfaces": surfaces,
        "port_base": port_base,
        "seed": seed,
        "start": start,
        "latency": latency,
        "tls": tls,
        "tls_folder": tls_folder,
        "trace_time": trace_time,
    }
    with tempfile.TemporaryDirectory(prefix="trivium-lab-") as folder:
        arguments = settings(options, Path(folder))
        asyncio.run(serve(lambda: LabServer(**arguments), lambda lab: _show(lab, Path(folder), as_json=as_json)))


def _show(lab: LabServer, folder: Any, *, as_json: bool) -> None:
    import json
    import sys

    from trivium.cli._output import console
    from trivium.lab.exports import exports

    variables = exports(lab, folder)
    if as_json:  # one line, so that a program knows where it ends
        sys.stdout.write(json.dumps({**lab.describe(), "exports": variables}) + "\n")
        sys.stdout.flush()
        return
    out = console()
    out.print(f"The lab is up (seed {lab.seed}, clock {lab.clock.mode}). Control port: {lab.control_url}")
    for name, pairs in variables.items():
        out.print(f"\n# {name}" + (f"  {lab.url(name)}" if name in lab.names else ""))
        for variable, value in pairs.items():
            out.print(f"export {variable}={value}", soft_wrap=True)
    out.print("\nThe credentials are fake and mean nothing elsewhere. Ctrl-C ends the lab.")
