"""`trivium capital flow`: round trips, cycles, and how much of what is invested can come back as purchases."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trivium.cli import _ledger as cli
from trivium.cli.capital import _shared as shared
from trivium.core import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from fractions import Fraction

    from rich.console import Console

    from trivium.capital.flow import Flow, NullModel

_YEARS = (1990, 2199)
_SAMPLES_MAX = 100_000
_CAVEAT = (
    "What can be routed back is a ceiling: which dollar paid for what is not known, so ranges are given and no point. "
    + shared.NOT_A_FINDING
)


def command(
    as_of: shared.AsOf = None,
    present_value: Annotated[
        str | None, typer.Option(help="Discount at this rate a year, such as 0.08; face value if not given.")
    ] = None,
    year: Annotated[int | None, typer.Option(help="Only what falls due in this calendar year.")] = None,
    pass_through: Annotated[
        bool, typer.Option("--pass-through", help="Add the assumed share that GPU clouds pass on to chip makers.")
    ] = False,
    null: Annotated[
        int | None, typer.Option(help="Compare the cycles with this many networks of the same degrees.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The seed of the rewired networks.")] = 1,
    beside: Annotated[str | None, typer.Option(help="Show the ledger as it stood on this day beside it.")] = None,
    entered_by: shared.EnteredBy = None,
    overlay: shared.Overlay = None,
    as_json: shared.AsJson = False,
) -> None:
    """Circular flow: pairs, cycles up to length 5, the maximum circulation, and each commitment's returned part."""
    from trivium.capital.flow import flow_document, rows_moved
    from trivium.cli._output import console, print_json

    rate = _rate(present_value)
    if year is not None and not _YEARS[0] <= year <= _YEARS[1]:
        raise UserError("--year", year, f"give a year from {_YEARS[0]} to {_YEARS[1]}")
    if null is not None and not 1 <= null <= _SAMPLES_MAX:
        raise UserError("--null", null, f"give a number from 1 to {_SAMPLES_MAX}")

    def found(as_of: str | None, entered_by: str | None, note: Callable[[int, int], None]) -> Flow:
        return _flow(as_of, entered_by, overlay, (rate, year, pass_through), note)

    with cli.progress("years") as note:
        flow = found(as_of, entered_by, note)
        earlier = None if beside is None else found(beside, beside, note)
    chance = None if null is None else _chance(flow, null, seed)
    if as_json:
        document: dict[str, Any] = {
            "as_of": cli.day(as_of, "as-of"),
            "present_value_rate": rate,
            "year": year,
            **flow_document(flow),
            "null_model": None if chance is None else _chance_document(chance),
        }
        if earlier is not None:
            gone, new = rows_moved(earlier, flow)
            document["beside"] = {"as_of": beside, "gone": gone, "new": new, **flow_document(earlier)}
        print_json(document)
        return
    screen = console()
    worth = "at face value" if rate is None else f"at present value, {rate} a year"
    screen.print(f"as of {cli.day(as_of, 'as-of')}, {worth}{f', due in {year}' if year else ''}; bn USD", markup=False)
    _show(screen, flow, earlier, beside)
    if chance is not None:
        _say(
            screen,
            f"\n{chance.cycles} cycles; rewired networks of the same degrees have {chance.mean:.1f} on average, and "
            f"{chance.at_least} of {chance.samples} have as many (p = {chance.p:.3f}, seed {chance.seed})",
        )
    _say(screen, f"\n{_CAVEAT}")


def _flow(
    as_of: str | None,
    entered_by: str | None,
    overlay: Any,
    what: tuple[Decimal | None, int | None, bool],
    note: Callable[[int, int], None],
) -> Flow:
    from trivium.capital.flow import Worth, circular_flow, pass_through

    rate, year, passed_on = what
    ledger, snapshot, day = shared.ledger_of(as_of, entered_by, overlay)
    modelled = pass_through(snapshot) if passed_on else ()
    return circular_flow(ledger, Worth(day, rate, year), modelled=modelled, progress=note)


def _chance(flow: Flow, samples: int, seed: int) -> NullModel:
    from trivium.capital.flow import null_model, pair_weights

    with cli.progress("rewired networks") as note:
        return null_model(pair_weights(flow.edges), samples, seed, note)


def _chance_document(chance: NullModel) -> dict[str, Any]:
    return {
        "cycles": chance.cycles,
        "samples": chance.samples,
        "mean": chance.mean,
        "at_least_as_many": chance.at_least,
        "p": chance.p,
        "seed": chance.seed,
    }


def _rate(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise UserError("--present-value", text, "give a rate a year, such as 0.08") from error


def _show(screen: Console, flow: Flow, earlier: Flow | None, beside: str | None) -> None:
    from trivium.capital.flow import rows_moved

    _totals(screen, flow, earlier, beside)
    _pairs(screen, flow, earlier, beside)
    _commitments(screen, flow, earlier, beside)
    _cycles(screen, flow)
    _years(screen, flow)
    if earlier is not None:
        gone, new = rows_moved(earlier, flow)
        _say(screen, f"\nrows of {beside} that are none now: {', '.join(gone) or 'none'}")
        _say(screen, f"rows that have come: {', '.join(new) or 'none'}")
    if flow.circulation.unit_usd > 1:
        _say(screen, f"circulation is in whole multiples of {flow.circulation.unit_usd:,} USD")
    for text in flow.assumed:
        _say(screen, f"assumed: {text}")
    if flow.schedules_assumed:
        _say(
            screen,
            f"{len(flow.schedules_assumed)} schedules, starts and terms are assumed; years and present values rest on "
            "them, face values do not (--json lists each)",
        )


def _totals(screen: Console, flow: Flow, earlier: Flow | None, beside: str | None) -> None:
    names = (
        ("money that moves", "total_usd"),
        ("maximum circulation, a dollar counted on each edge it passes", "circulating_usd"),
        ("invested", "invested_usd"),
        ("  of it can come back at most", "returned_usd"),
        ("invested in model makers", "into_makers_usd"),
        ("  of it can come back at most", "makers_returned_usd"),
    )
    rows = [
        (name, *(shared.billions(getattr(one.circulation, field)) for one in _both(flow, earlier)))
        for name, field in names
    ]
    rows.insert(
        1,
        (
            "  of it inside rows counted as well",
            *(shared.billions(one.counted_twice_usd) for one in _both(flow, earlier)),
        ),
    )
    rows.append(("elementary cycles up to length 5", *(str(len(one.cycles)) for one in _both(flow, earlier))))
    _table(screen, "In all", ("what", "now", *_beside(beside)), rows, "l" + "r" * (1 + (earlier is not None)))


def _pairs(screen: Console, flow: Flow, earlier: Flow | None, beside: str | None) -> None:
    then = {} if earlier is None else {(one.buyer, one.supplier): one for one in earlier.round_trips}
    rows = []
    for one in flow.round_trips:
        row = [
            f"{one.buyer} - {one.supplier}",
            shared.billions(one.committed_usd),
            shared.billions(one.invested_usd),
            shared.billions(one.conditional_usd),
            _ratio(one.ratio),
            one.stages[0] if one.stages else "",
            ", ".join(name.removeprefix("deal.") for name in one.deals),
        ]
        if earlier is not None:
            old = then.get((one.buyer, one.supplier))
            row.insert(5, "none" if old is None else _ratio(old.ratio))
        rows.append(tuple(row))
    headers = [
        "buyer - supplier",
        "committed",
        "invested back",
        "of it staged",
        "ratio",
        *(f"ratio {day}" for day in _beside(beside)),
        "weakest",
        "from",
    ]
    _table(screen, "Round trips", tuple(headers), rows, "lrrrr" + "r" * (earlier is not None) + "ll")


def _commitments(screen: Console, flow: Flow, earlier: Flow | None, beside: str | None) -> None:
    then = {} if earlier is None else {(one.payer, one.receiver): one for one in earlier.circulation.commitments}
    rows = []
    for one in flow.circulation.commitments:
        row = [
            f"{one.payer} -> {one.receiver}",
            shared.billions(one.committed_usd),
            f"{shared.billions(one.low_usd)} to {shared.billions(one.high_usd)}",
            f"{_ratio(one.low)} to {_ratio(one.high)}",
        ]
        if earlier is not None:
            old = then.get((one.payer, one.receiver))
            row.append("none" if old is None else f"{_ratio(old.low)} to {_ratio(old.high)}")
        rows.append(tuple(row))
    headers = ("commitment", "committed", "returned", "share", *(f"share {day}" for day in _beside(beside)))
    title = "What of each commitment can be investment come round, over all routings that return the most"
    _table(screen, title, headers, rows, "lrrr" + "r" * (earlier is not None))


def _cycles(screen: Console, flow: Flow) -> None:
    rows = [
        (" -> ".join((*one.parties, one.parties[0])), shared.billions(one.bottleneck_usd), " -> ".join(one.narrowest))
        for one in flow.cycles
    ]
    _table(screen, "Cycles", ("cycle", "bottleneck", "narrowest edge"), rows, "lrl")


def _years(screen: Console, flow: Flow) -> None:
    rows = [
        (
            str(one.year),
            *map(shared.billions, (one.total_usd, one.circulating_usd, one.invested_usd, one.returned_usd)),
        )
        for one in flow.years
    ]
    headers = ("year", "due", "circulating", "invested", "can come back")
    _table(screen, "By year of payment: what is invested in one year returns in that year", headers, rows, "lrrrr")


def _table(screen: Console, title: str, headers: tuple[str, ...], rows: Sequence[tuple[str, ...]], align: str) -> None:
    from trivium.figures import table

    if rows:
        _say(screen, "\n" + table(headers, rows, align=align, title=title).terminal(screen.width))


def _both(flow: Flow, earlier: Flow | None) -> tuple[Flow, ...]:
    return (flow,) if earlier is None else (flow, earlier)


def _beside(day: str | None) -> tuple[str, ...]:
    return () if day is None else (day,)


def _ratio(value: Fraction) -> str:
    return f"{float(value):.3f}"


def _say(screen: Console, text: str) -> None:
    screen.print(text, markup=False, soft_wrap=True)
