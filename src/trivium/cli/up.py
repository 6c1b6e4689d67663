"""`trivium up`: lab, gateway, a replay of real usage, the report, and then a gateway that keeps serving."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trivium.core import Money, SystemClock, UserError
from trivium.core.files import write_whole

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Console

    from trivium.cli._up.prepare import Prepared
    from trivium.cli._up.report import Figures
    from trivium.cli._up.site import Site
    from trivium.core import Usage

_PORT = 8484


def command(
    trace: Annotated[
        Path | None, typer.Option(help="Replay this: a trace, a folder of Claude Code session logs, a ledger export.")
    ] = None,
    requests: Annotated[int, typer.Option(help="Replay whole sessions with at least so many requests.")] = 2000,
    seed: Annotated[int, typer.Option(help="Which sessions are taken or drawn.")] = 3,
    port: Annotated[int, typer.Option(help="Port of the gateway; a free one if it is taken.")] = _PORT,
    folder: Annotated[Path, typer.Option(help="Where runs keep their ledger, settings and logs.")] = Path(
        ".trivium/up"
    ),
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
    *,
    once: Annotated[bool, typer.Option("--once", help="End after printing instead of serving on.")] = False,
) -> None:
    """Run everything on this machine: lab, gateway, a replay of real usage, and the plan. Ctrl-C ends it."""
    from trivium.cli._output import console
    from trivium.cli._up.prepare import prepare
    from trivium.cli._up.trace import BESIDE, REQUESTS_MIN, choose

    if requests < 1:
        raise UserError("--requests", requests, f"give 1 or more; {REQUESTS_MIN} is the usual size")
    if json_file is not None and not json_file.resolve().parent.is_dir():
        raise UserError("--json", str(json_file), "name a file in a folder that exists")
    screen = console()
    signal.signal(signal.SIGTERM, _stop)  # a supervisor's stop ends lab and gateway in order, like Ctrl-C
    chosen = choose(trace and trace.expanduser(), beside=BESIDE, requests_min=requests, seed=seed)
    try:
        _run(screen, prepare(chosen), folder, port, json_file, once=once)
    except KeyboardInterrupt:
        screen.print("\nended; this run's ledger, settings and logs are kept under " + str(folder))


def _stop(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _run(screen: Console, prepared: Prepared, root: Path, port: int, json_file: Path | None, *, once: bool) -> None:
    from trivium.cli._up import report
    from trivium.cli._up.prepare import make_keys
    from trivium.cli._up.site import ROUTES, gateway, lab, new_folder, spread
    from trivium.plan import write_routes

    chosen = prepared.chosen
    report.announce(screen, chosen, prepared.left_out)
    folder = new_folder(root, SystemClock().now()).resolve()
    # There before the gateway is: a session that began by another table would keep to where its cache lives.
    write_routes(spread(prepared.offers), folder / ROUTES)
    began = time.monotonic()
    with lab(folder) as (lab_said, lab_process), gateway(folder, lab_said, _free(port)) as (url, process):
        site = _site(folder, url, lab_said, process, lab_process)
        screen.print(f"  lab and gateway are up after {time.monotonic() - began:.1f} s ({folder})", markup=False)
        keys = make_keys(site, chosen)
        figures = _replay_and_plan(screen, site, prepared, keys)
        report.show(screen, figures)
        if json_file is not None:
            _write(json_file, report.as_json(figures))
        ahead = f"trivium plan --db {site.ledger} --at {figures.plan.at} --report report.html"
        screen.print(f"months ahead, commitments, a report: {ahead}", markup=False, soft_wrap=True)
        if once:
            _verdict(figures)
            return
        site.control("POST", "/clock", {"mode": "system"})  # from here on it is today: its models, its prices
        screen.rule("Your turn: Claude Code or any Anthropic SDK, through this gateway to the lab", align="left")
        for line in report.exports(site, keys):
            screen.print(line, markup=False, soft_wrap=True)
        screen.print(f"\nserving until Ctrl-C; `trivium spend --db {site.ledger}` shows what is spent", markup=False)
        while True:
            time.sleep(1)
            site.check()


def _site(folder: Path, url: str, lab_said: Mapping[str, Any], process: Any, lab_process: Any) -> Site:
    from trivium.cli._up.site import Site

    return Site(folder, url, lab_said, process, lab_process)


def _replay_and_plan(screen: Console, site: Site, prepared: Prepared, keys: Mapping[str, str]) -> Figures:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from trivium.cli._up import replay, report
    from trivium.cli._up.plan import make
    from trivium.cli._up.site import SCOPES, with_default
    from trivium.core import Offer
    from trivium.plan import write_routes
    from trivium.pricing import price as price_of

    chosen, book = prepared.chosen, prepared.book

    def price(usage: Usage, surface: str, model: str, at: datetime) -> Money:
        return price_of(usage, Offer(surface, SCOPES[surface], model), at, book).amount

    columns = (TextColumn("replaying"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen, transient=False) as bars:
        task = bars.add_task("replaying", total=chosen.requests)
        surfaces = sorted({offer.surface for found in prepared.offers.values() for offer in found})
        outcome = replay.run(
            site, chosen.conversations, keys, lambda count: bars.update(task, completed=count), surfaces, price
        )
    _tell_errors(screen, outcome)
    plan = make(site, chosen, prepared.snapshot, book)
    write_routes(with_default(plan.route_table()), site.routes)
    return report.gather(site, chosen, outcome, prepared.catalog, plan)


def _tell_errors(screen: Console, outcome: Any) -> None:
    """The first few errors, so that a failing run explains itself."""
    failed = [answer for answer in outcome.answers if not answer.ok]
    for answer in failed[:5]:
        screen.print(
            f"  error: HTTP {answer.status}, surface {answer.surface or '-'}: {answer.error[:200]}", markup=False
        )


def _verdict(figures: Figures) -> None:
    """`--once` fails loudly where the money does not agree."""
    from trivium.cli._up.site import SiteFailed

    if figures.difference.picos:
        raise SiteFailed(f"the ledger and the lab's bill differ by {figures.difference} USD")


def _free(port: int) -> int:
    """The wanted port, or 0 (any) if somebody has it."""
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return 0
    return port


def _write(path: Path, value: Mapping[str, Any]) -> None:
    import json

    from trivium.cli._output import jsonable

    write_whole(path, (json.dumps(value, default=jsonable, indent=2, ensure_ascii=False) + "\n").encode())
