"""`trivium whatif`: the plan as decided, and the one to make, if a price, a discount, demand or growth changed."""

from __future__ import annotations

from time import perf_counter
from typing import Annotated, Any

import typer

from trivium.cli import _ahead as ahead
from trivium.cli import _ledger as shared
from trivium.cli._output import console, print_json
from trivium.core import UserError

Pairs = list[str] | None
_HUNDRED, _MOST = 100.0, 1e6
_MADE = {  # the options, by what a change calls them
    "--price": "price",
    "--discount": "discount",
    "--demand": "demand",
    "--growth": "growth",
    "--without": "withdrawn",
}


def command(
    price: Annotated[Pairs, typer.Option(help="SURFACE=PERCENT: list prices there change so much; * for all.")] = None,
    discount: Annotated[Pairs, typer.Option(help="SURFACE=PERCENT: a discount there from now on.")] = None,
    demand: Annotated[Pairs, typer.Option(help="WORKLOAD=PERCENT: so much more use; * for all.")] = None,
    growth: Annotated[Pairs, typer.Option(help="WORKLOAD=PERCENT: so much more growth a month; * for all.")] = None,
    without: Annotated[list[str] | None, typer.Option(help="SURFACE that may no longer be used.")] = None,
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
    """What the plan costs, kept as it is and made anew, if something changes. Options may be repeated and combined."""
    from trivium.plan.decide import Change, choose, what_if

    change = Change(
        prices=_percents(price, "price"),
        discounts=_percents(discount, "discount"),
        demand=_percents(demand, "demand"),
        growth=_percents(growth, "growth"),
        withdrawn=tuple(without or ()),
    )
    if change == Change():
        raise UserError("whatif", "nothing", "give at least one of --price, --discount, --demand, --growth, --without")
    source = ahead.Source(file, trace, at, as_of, since, until, months, tuple(overlay or ()), db)
    found = ahead.gather(source)
    with shared.progress("deciding"):
        chosen = choose(found.given)
    start = perf_counter()
    try:
        then = what_if(chosen, change)
    except UserError as error:
        option = next((told for told, made in _MADE.items() if error.field.startswith(made)), error.field)
        raise UserError(option, error.value, error.remedy) from error
    took_ms = (perf_counter() - start) * 1000
    if as_json:
        print_json(_document(then, took_ms))
        return
    screen = console()
    screen.print(f"as decided      {_spread(then.before)}", markup=False)
    kept = "cannot be kept: a part of it would have no place" if then.kept is None else _spread(then.kept)
    screen.print(f"the same plan   {kept}", markup=False)
    screen.print(f"a new plan      {_spread(then.best)}", markup=False)
    for move in then.moved:
        screen.print(f"  {move.part}: {move.before} → {move.after}, from {move.first_month}", markup=False)
    for text in then.waits:
        screen.print(f"  {text}: nothing else is open before", markup=False)
    for name, amount in then.signed:
        screen.print(f"  sign {name} at {amount:,.0f} USD a year", markup=False)
    if not then.moved:
        screen.print("  nothing moves", markup=False)
    screen.print(f"computed in {took_ms:.0f} ms", markup=False)


def _percents(texts: Pairs, option: str) -> dict[str, float]:
    found = {}
    for name, text in shared.pairs(texts, option).items():
        try:
            percent = float(text.removesuffix("%"))
        except ValueError as error:
            raise UserError(f"--{option}", f"{name}={text}", "give NAME=PERCENT, such as bedrock=5") from error
        if option == "discount" and not 0 <= percent < _HUNDRED:
            raise UserError(f"--{option}", f"{name}={text}", "give percent from 0 to below 100")
        if not -_HUNDRED < percent <= _MOST:  # what is no number is refused too
            raise UserError(f"--{option}", f"{name}={text}", f"give percent above -100, to {_MOST:,.0f}")
        found[name] = percent / _HUNDRED
    return found


def _spread(spread: Any) -> str:
    low, high = spread.quantiles_usd[0], spread.quantiles_usd[-1]
    nine = f"{low:,.0f} to {high:,.0f} in nine of ten"
    return f"{spread.mean_usd:,.0f} USD on average, {nine}, {spread.cvar_usd:,.0f} on average of the worst"


def _document(then: Any, took_ms: float) -> dict[str, Any]:
    def spread(value: Any) -> dict[str, Any] | None:
        if value is None:
            return None
        return {"mean_usd": value.mean_usd, "cvar_usd": value.cvar_usd, "quantiles_usd": list(value.quantiles_usd)}

    return {
        "as_decided": spread(then.before),
        "same_plan": spread(then.kept),
        "new_plan": spread(then.best),
        "moved": [
            {"part": move.part, "before": move.before, "after": move.after, "first_month": move.first_month.isoformat()}
            for move in then.moved
        ],
        "waits": list(then.waits),
        "signed": [{"contract": name, "usd_per_year": amount} for name, amount in then.signed],
        "took_ms": took_ms,
    }
