"""`trivium capital capacity`: what a gigawatt, a commitment or a number of chips buys, as ranges over claims."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from trivium.cli import _ledger as shared
from trivium.cli._output import console, print_json
from trivium.core import UserError

if TYPE_CHECKING:
    from trivium.capital.capacity import Assumptions, Buys, Evidence, Lag, Range, Swing

NOT_A_FINDING = (
    "No platform publishes Claude's throughput: tokens are those of open-weight models on one chip, scaled. "
    "These ranges are shown and swept; no placement counts them."
)
_ASSUMED = ("facility_overhead", "utilisation", "life_years", "capital_rate", "energy_usd_per_kwh")


def command(
    gw: Annotated[float | None, typer.Option(help="So many gigawatts.")] = None,
    usd: Annotated[float | None, typer.Option(help="A commitment of so many dollars, such as 30e9.")] = None,
    chips: Annotated[float | None, typer.Option(help="So many chips, of every silicon in turn.")] = None,
    cost_usd_per_gw: Annotated[
        str | None,
        typer.Option(metavar="LOW[:POINT]:HIGH", help="Your own cost of a gigawatt, in place of the claims'."),
    ] = None,
    assume: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=LOW[:POINT]:HIGH", help=f"Your own range for one of {', '.join(_ASSUMED)}."),
    ] = None,
    silicon: Annotated[str, typer.Option(help="Only silicon with this in its name.")] = "",
    as_of: Annotated[
        str | None, typer.Option(help="Only what had been announced by this day; today if not given.")
    ] = None,
    overlay: shared.Overlay = None,
    as_json: shared.AsJson = False,
) -> None:
    """What a gigawatt, a dollar commitment or a chip count buys: chips, tokens a year, USD per million tokens.

    One gigawatt unless --gw, --usd or --chips says otherwise. Every figure is a range over conflicting claims, with
    what moves it most, and the days from signing to serving.
    """
    from trivium import catalog
    from trivium.capital import capacity

    kind, amount = _asked(gw=gw, usd=usd, chips=chips)
    assumed = _assumptions(assume or [])
    snapshot = catalog.load(tuple(overlay or ())).snapshot(shared.day(as_of, "as-of"))
    costs = capacity.gigawatt_costs(snapshot)
    if not costs and cost_usd_per_gw is None:
        raise UserError(
            "--as-of", str(snapshot.as_of), "no cost of a gigawatt had been claimed; give --cost-usd-per-gw"
        )
    claimed = None if cost_usd_per_gw is None else _range("--cost-usd-per-gw", cost_usd_per_gw)
    cost = claimed or capacity.Range.over(tuple(found.value for found in costs))
    known = capacity.silicon(snapshot)
    kinds = [chip for chip in known if silicon.casefold() in chip.name]
    if not kinds:
        raise UserError("--silicon", silicon, f"use part of {', '.join(chip.name for chip in known)}")
    bought = [capacity.buys(kind, amount, cost, chip, assumed) for chip in kinds]
    moved = {chip.name: capacity.swings(cost, chip, assumed) for chip in kinds}
    found = capacity.lags(snapshot)
    if as_json:
        print_json(
            {
                "as_of": snapshot.as_of,
                "asked": {"kind": kind, "amount": amount},
                "cost_usd_per_gw": cost,
                "costs": costs,
                "silicon": kinds,
                "assumptions": assumed,
                "buys": bought,
                "swings": moved,
                "proxy_costs_usd_per_mtok": capacity.proxy_costs(snapshot),
                "lags": [{"days": lag.days, "days_to_revenue": lag.days_to_revenue, "lag": lag} for lag in found],
                "not_a_finding": NOT_A_FINDING,
            }
        )
        return
    _show(
        f"{amount / 1e9:g} bn USD" if kind == "usd" else f"{amount:,g} {kind.upper() if kind == 'gw' else kind}",
        costs if claimed is None else (),
        cost,
        bought,
    )
    _show_more(moved, capacity.proxy_costs(snapshot), found)


def _asked(*, gw: float | None, usd: float | None, chips: float | None) -> tuple[str, float]:
    given = {name: value for name, value in (("gw", gw), ("usd", usd), ("chips", chips)) if value is not None}
    if len(given) > 1:
        raise UserError("--" + ", --".join(given), "together", "give one of them")
    return next(iter(given.items()), ("gw", 1.0))


def _range(field: str, text: str) -> Range:
    from trivium.capital.capacity import Range

    parts = text.split(":")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    if len(numbers) == 2:  # noqa: PLR2004  LOW:HIGH
        numbers.insert(1, sum(numbers) / 2)
    if len(numbers) == 1:
        numbers *= 3
    if len(numbers) != 3:  # noqa: PLR2004  LOW:POINT:HIGH
        raise UserError(field, text, "give LOW:HIGH, LOW:POINT:HIGH or one number")
    try:
        return Range(*numbers)
    except UserError as error:
        raise UserError(field, text, "give numbers above 0 in rising order") from error


def _assumptions(pairs: list[str]) -> Assumptions:
    from trivium.capital.capacity import Assumptions

    found = Assumptions()
    for pair in pairs:
        name, given, text = pair.partition("=")
        if not given or name not in _ASSUMED:
            raise UserError("--assume", pair, f"give NAME=LOW:HIGH, NAME one of {', '.join(_ASSUMED)}")
        found = replace(found, **{name: _range(f"--assume {name}", text)})
    return found


def _show(asked: str, costs: tuple[Evidence, ...], cost: Range, bought: list[Buys]) -> None:
    from trivium.figures import table

    screen = console()
    if costs:
        rows = [(_bn(found.value), found.name, ", ".join(found.claim_ids)) for found in costs]
        drawn = table(("bn USD a GW", "who says so", "claim"), rows, title="What a gigawatt costs, by claim")
        screen.print(drawn.terminal(screen.width), markup=False, soft_wrap=True)
    lines = [
        (one.silicon, _short(one.gw), _short(one.chips), _short(one.tokens_per_year), _short(one.usd_per_mtok))
        for one in bought
    ]
    head = ("silicon", "GW", "chips", "tokens a year", "USD per Mtok")
    drawn = table(head, lines, title=f"What {asked} buys at {_bn(cost)} bn USD a gigawatt (low .. point .. high)")
    screen.print(drawn.terminal(screen.width), markup=False, soft_wrap=True)


def _show_more(moved: dict[str, tuple[Swing, ...]], proxies: tuple[Evidence, ...], found: tuple[Lag, ...]) -> None:
    from trivium.figures import table

    screen = console()
    name, swings = next(iter(moved.items()))
    rows = [
        (
            one.name,
            _short(one.value),
            f"{one.at_low_usd_per_mtok:.3g} .. {one.at_high_usd_per_mtok:.3g}",
            f"{one.spread:.2f}",
        )
        for one in swings
    ]
    head = ("input", "from .. to", "USD per Mtok", "times")
    screen.print(table(head, rows, title=f"What moves it, {name}").terminal(screen.width), markup=False, soft_wrap=True)
    if proxies:
        published = [(f"{one.value.point:g}", one.name, ", ".join(one.claim_ids)) for one in proxies]
        drawn = table(
            ("USD per Mtok", "published for", "claim"), published, title="What is published, none of it for Claude"
        )
        screen.print(drawn.terminal(screen.width), markup=False, soft_wrap=True)
    waits = [
        (
            one.subject,
            str(one.signed_on),
            str(one.serving_from),
            str(one.days),
            "said ahead" if one.forward else "seen",
            str(one.paid_from or "not stated"),
            str(one.days_to_revenue if one.days_to_revenue is not None else ""),
        )
        for one in found
    ]
    drawn = table(
        ("capacity", "signed", "serving", "days", "", "paid from", "days"),
        waits,
        title="From signing to serving to revenue",
    )
    screen.print(drawn.terminal(screen.width), markup=False, soft_wrap=True)
    screen.print(f"\n{NOT_A_FINDING}", markup=False, soft_wrap=True)


def _bn(value: Range) -> str:
    return _short(value / 1e9)


def _short(value: Range) -> str:
    ends = [f"{number:.3g}" for number in (value.low, value.point, value.high)]
    return ends[0] if len(set(ends)) == 1 else " .. ".join(ends)
