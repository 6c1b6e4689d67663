"""The lab as a process of its own: `python -m trivium.lab --surfaces anthropic` prints one JSON line when ready."""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import signal
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from trivium.core import ManualClock, TriviumError, UserError, parse_utc
from trivium.lab.server import SURFACES, LabServer


async def serve(make: Callable[[], LabServer], ready: Callable[[LabServer], None]) -> None:
    """Run a lab until the process is asked to end; `ready` is called once every port listens."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with make() as lab:
        ready(lab)
        await stop.wait()


def settings(options: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Arguments of LabServer from command-line options; certificates go into `folder` unless one is named."""
    surfaces = [name.strip() for name in options["surfaces"].split(",") if name.strip()] or list(SURFACES)
    if not 0 <= options["latency"] < math.inf:
        raise UserError("latency", options["latency"], "give a factor of 0 or more")
    made: dict[str, Any] = {
        "surfaces": surfaces,
        "seed": options["seed"],
        "trace_time": options["trace_time"],
        "latency_scale": options["latency"],
        "tls": Path(options["tls_folder"]) if options["tls_folder"] else None,
    }
    if options["tls"] and made["tls"] is None:
        made["tls"] = folder
    if options["start"]:
        made["clock"] = ManualClock(_instant(options["start"]))
    if options["port_base"]:
        named = ["control", *surfaces, "signin"]
        made["ports"] = {name: options["port_base"] + offset for offset, name in enumerate(named)}
    return made


def _instant(text: str) -> datetime:
    try:
        return parse_utc(text)
    except ValueError as error:
        raise UserError("start", text, "give an ISO 8601 instant") from error


def main(arguments: list[str] | None = None) -> int:
    """Parse, run, and say on stderr what went wrong."""
    parser = argparse.ArgumentParser(prog="python -m trivium.lab", description=__doc__)
    parser.add_argument("--surfaces", default=",".join(SURFACES))
    parser.add_argument("--port-base", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", default="", help="a manual clock's first instant, ISO 8601")
    parser.add_argument("--latency", type=float, default=0.0, help="scale of the latency profiles; 0 is off")
    parser.add_argument("--trace-time", action="store_true")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--tls-folder", default="")
    options = vars(parser.parse_args(arguments))
    with tempfile.TemporaryDirectory(prefix="trivium-lab-") as folder:
        try:
            chosen = settings(options, Path(folder))
            asyncio.run(serve(lambda: LabServer(**chosen), _print_ready))
        except TriviumError as error:
            sys.stderr.write(f"trivium.lab: {error}\n")
            return 2
    return 0


def _print_ready(lab: LabServer) -> None:
    sys.stdout.write(json.dumps(lab.describe()) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
