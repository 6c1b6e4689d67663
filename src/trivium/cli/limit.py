"""`trivium limit`: where the spend limits of the settings stand, check them now, try their addresses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

from trivium.cli._output import console, print_json
from trivium.core import SystemClock, UserError

if TYPE_CHECKING:
    from trivium.watch import Limit, LimitState

app = typer.Typer(no_args_is_help=True, help="Spend limits and their alerts.")
SettingsFile = Annotated[Path, typer.Option(help="The settings file.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document.")]
_DEFAULT = Path("trivium.toml")


@app.command("list")
def list_limits(settings: SettingsFile = _DEFAULT, as_json: AsJson = False) -> None:
    """Show every limit: spent, share, and when it will be passed at the recent rate."""
    from rich.table import Table

    with _Open(settings) as site:
        rows = [_row(state) for state in site.states()]
    if as_json:
        print_json(rows)
        return
    table = Table()
    for name in ("limit", "window", "where", "spent USD", "of USD", "share", "passed on"):
        table.add_column(name, no_wrap=True)
    for row in rows:
        where = ", ".join(f"{key}={value}" for key, value in row["where"].items()) or "everything"
        table.add_row(
            row["limit"],
            row["window"],
            where,
            f"{row['spent_usd'].rounded(2)}",
            f"{row['amount_usd'].rounded(2)}",
            f"{row['share']:.1%}",
            row["crossing_at"].isoformat(timespec="minutes") if row["crossing_at"] else "-",
        )
    console().print(table)


@app.command()
def check(settings: SettingsFile = _DEFAULT, as_json: AsJson = False) -> None:
    """Check the limits now and deliver what is due, as `trivium serve` does every minute. Exit 1 if any alert holds."""
    from trivium.app.alerts import deliver_due

    with _Open(settings) as site:
        alerts, failures = deliver_due(site.limits, site.ledger, site.now)
    found = [
        {
            "limit": alert.limit.name,
            "kind": alert.kind,
            "threshold": alert.threshold,
            "title": alert.title,
            "body": alert.body,
            "spent_usd": alert.spent,
            "crossing_at": alert.crossing_at,
        }
        for alert in alerts
    ]
    if as_json:
        print_json({"alerts": found, "failed": failures})
    else:
        for alert in alerts:
            console().print(f"{alert.title}\n  {alert.body}", markup=False)
        for failure in failures:
            console().print(f"failed: {failure}", markup=False)
        if not alerts:
            console().print("no limit calls for an alert")
    if alerts or failures:
        raise typer.Exit(1)


@app.command("test")
def send_test(
    name: Annotated[str, typer.Argument(help="The limit whose addresses get a test message.")],
    settings: SettingsFile = _DEFAULT,
) -> None:
    """Send a test message to a limit's addresses, so that the first real alert is not the first try."""
    from trivium.app.alerts import limits_of
    from trivium.app.settings import read_settings
    from trivium.watch import AppriseNotifier

    limits = {limit.name: limit for limit in limits_of(read_settings(settings))}
    if name not in limits:
        raise UserError("NAME", name, f"use one of {', '.join(limits) or '(there are no limits)'}")
    if not limits[name].notify:
        raise UserError(f"limits.{name}.notify", "[]", "name at least one address")
    for address in limits[name].notify:
        AppriseNotifier().send(address, f"Trivium: test of limit {name}", "If you read this, alerts reach you.")
    console().print(f"sent to {len(limits[name].notify)} addresses")


class _Open:
    """The limits of a settings file with the ledger they are computed from."""

    def __init__(self, path: Path) -> None:
        from trivium.app.alerts import read_limits
        from trivium.ledger import Ledger

        clock = SystemClock()
        settings, limits = read_limits(path, clock)
        self.limits: tuple[Limit, ...] = limits
        self.now = clock.now()
        self.ledger = Ledger.open(path.parent / settings.paths.ledger, clock=clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.ledger.close()

    def states(self) -> list[LimitState]:
        from functools import partial

        from trivium.app.compose import spend_between
        from trivium.watch import state

        first_at = self.ledger.first_at()
        return [state(limit, partial(spend_between, self.ledger), self.now, first_at) for limit in self.limits]


def _row(state: LimitState) -> dict[str, Any]:
    return {
        "limit": state.limit.name,
        "window": state.limit.window,
        "where": dict(state.limit.where),
        "window_start": state.window_start,
        "spent_usd": state.spent,
        "amount_usd": state.limit.amount,
        "share": float(state.share),
        "unpriced": state.unpriced,
        "crossing_at": state.crossing_at,
    }
