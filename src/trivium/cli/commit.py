"""`trivium commit`: which commitment to sign, at which level, with its cone of saving and its regret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from trivium.cli import _ahead as ahead
from trivium.cli import _ledger as shared
from trivium.cli._main import EXIT_FINDING
from trivium.cli._output import console, print_json
from trivium.core import UserError

if TYPE_CHECKING:
    from trivium.plan.decision import Advice, Decision


_WIDTH_MAX = 100


def command(
    contract: Annotated[
        str | None, typer.Argument(help="One offer of the organisation file; all if not given.")
    ] = None,
    file: ahead.File = ahead.DEFAULT_FILE,
    trace: ahead.Trace = None,
    at: ahead.At = None,
    as_of: ahead.AsOf = None,
    since: ahead.Since = None,
    until: ahead.Until = None,
    months: ahead.Months = None,
    overlay: shared.Overlay = None,
    db: shared.Db = shared.DEFAULT_DB,
    as_json: shared.AsJson = False,
) -> None:
    """Whether to sign each offer, at which level, what it saves and may lose. Exit 1 if none is worth signing."""
    from trivium.plan.report import decision_json

    source = ahead.Source(file, trace, at, as_of, since, until, months, tuple(overlay or ()), db)
    found = ahead.gather(source)
    offers = [name for name, entry in found.organisation.contracts.items() if entry.status != "signed"]
    if contract is not None and contract not in offers:
        signed = "it is signed already; " if contract in found.organisation.contracts else ""
        raise UserError("contract", contract, f"{signed}use an offer of the file: {', '.join(offers) or 'it has none'}")
    if not offers:
        raise UserError("contracts", "none offered", "enter an offer as [contracts.NAME], or `trivium contract import`")
    with shared.progress("deciding"):
        decision = ahead.decided(found)
    advices = [advice for advice in decision.commitments if contract in {None, advice.contract}]
    if as_json:
        whole = decision_json(decision)
        shown = [item for item in whole["commitments"] if contract in {None, item["contract"]}]
        print_json(
            {"at": whole["at"], "commitments": shown, "waiting": whole["waiting"], "information": whole["information"]}
        )
    else:
        _print(decision, advices)
    if not any(advice.verdict == "sign" for advice in advices):
        raise typer.Exit(EXIT_FINDING)


def _print(decision: Decision, advices: list[Advice]) -> None:
    from trivium.figures import band_curve

    screen = console()
    for advice in advices:
        units = f"{advice.units:,} units, " if advice.units else ""
        level = f" at {units}{advice.level_usd_per_year:,.0f} USD a year" if advice.level_usd_per_year else ""
        screen.print(f"[bold]{advice.contract}[/bold] ({', '.join(advice.surfaces)}): {advice.verdict}{level}")
        low, high = advice.saving.quantiles_usd[0], advice.saving.quantiles_usd[-1]
        screen.print(
            f"  saves {advice.saving.mean_usd:,.0f} USD on average over the horizon, {low:,.0f} to {high:,.0f} in nine "
            f"of ten, {advice.worst_usd:,.0f} where use is dearest; loses in {advice.loss_probability:.0%} of "
            f"scenarios; regret {advice.regret_usd:,.0f} USD",
            markup=False,
        )
        if advice.break_even:
            screen.print(f"  {advice.break_even}", markup=False)
        if len(advice.curve) > 1:
            title = f"Saving of {advice.contract} by level"
            chart = band_curve(advice.curve, title=title, unit="USD over the horizon", chosen=advice.level_usd_per_year)
            screen.print(chart.terminal(min(screen.width, _WIDTH_MAX)), markup=False)
    for note in decision.notes:
        if "beside the plan" in note:
            screen.print(note, markup=False)
    for step in (decision.waiting, decision.information):
        if step is not None:
            screen.print(f"{step.name}: worth {step.amount_usd:,.0f} USD; {step.why}", markup=False)
