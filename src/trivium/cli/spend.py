"""`trivium spend`: what was spent by any dimension or tag, with a chart, or one amount walked back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from trivium.cli import _ledger as shared
from trivium.cli._output import console, print_json
from trivium.core import Usage

if TYPE_CHECKING:
    from trivium.figures import Table
    from trivium.ledger import SpendRow

_CHART_ROWS_MAX = 20
_CHART_WIDTH_MAX = 110
_PIPED_WIDTH = 160


def command(
    by: Annotated[str, typer.Option(help="Dimensions separated by commas: workload, model, surface, tag:NAME …")] = (
        "workload,model,surface"
    ),
    since: Annotated[str | None, typer.Option(help="From this day or instant on.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this day or instant.")] = None,
    where: Annotated[
        list[str] | None, typer.Option(help="Only dimension=value or tag:NAME=value; may be repeated.")
    ] = (None),
    why: Annotated[
        str | None, typer.Option(help="Walk the amount of this attempt or request back to its sources instead.")
    ] = None,
    overlay: shared.Overlay = None,
    db: shared.Db = shared.DEFAULT_DB,
    as_json: shared.AsJson = False,
) -> None:
    """What was spent, by any dimension or tag; amounts are exact, and what has no price is counted, never 0."""
    if why is not None:
        shared.print_why(db, why, overlay, as_json=as_json)
        return
    dimensions = tuple(name.strip() for name in by.split(",") if name.strip())
    chosen = shared.pairs(where, "where")
    from_, to = shared.instant(since, "since"), shared.instant(until, "until")
    with shared.opened(db) as ledger:
        rows = ledger.spend(dimensions, since=from_, until=to, where=chosen)
        (total,) = ledger.spend((), since=from_, until=to, where=chosen) or (None,)
    if as_json:
        print_json(spend_values(dimensions, rows, total) | {"since": from_, "until": to, "where": chosen})
        return
    screen = console()
    width = screen.width if screen.is_terminal else max(screen.width, _PIPED_WIDTH)
    screen.print(spend_text(dimensions, rows, total, width), markup=False)


def spend_values(dimensions: Sequence[str], rows: Sequence[SpendRow], total: SpendRow | None) -> dict[str, object]:
    """Totals as plain values: money and rates as decimal strings."""
    return {
        "by": list(dimensions),
        "rows": [dict(zip(dimensions, row.keys, strict=True)) | _row_values(row) for row in rows],
        "total": None if total is None else _row_values(total),
    }


def spend_text(
    dimensions: Sequence[str], rows: Sequence[SpendRow], total: SpendRow | None, width: int, *, chart: bool = True
) -> str:
    """A table and a chart for the terminal. A dimension that is the same in all rows makes room where it is short."""
    from trivium.figures import bar_chart

    if total is None or not total.attempts:
        return "nothing was spent: no attempt matches"
    varying = [number for number in range(len(dimensions)) if len({row.keys[number] for row in rows}) > 1]
    made = _table(dimensions, rows, total, range(len(dimensions)))
    parts = []
    if made.width > width and varying:
        same = [number for number in range(len(dimensions)) if number not in varying]
        parts.append("all: " + ", ".join(f"{dimensions[number]} {_key(rows[0], number)}" for number in same))
        made = _table(dimensions, rows, total, varying)
        if made.width > width:  # names and amounts matter more than token counts, which --json has exact
            made = _table(dimensions, rows, total, varying, brief=True)
    parts.append(made.terminal(width))
    if chart and len(rows) > 1:
        shown = [
            (" · ".join(_key(row, number) for number in varying), row.amount, f"${row.amount.rounded()}")
            for row in rows[:_CHART_ROWS_MAX]
        ]
        more = f" (the {_CHART_ROWS_MAX} dearest of {len(rows)})" if len(rows) > _CHART_ROWS_MAX else ""
        names = ", ".join(dimensions[number] for number in varying)
        parts.append(bar_chart(shown, title=f"USD by {names}{more}").terminal(min(width, _CHART_WIDTH_MAX)))
    parts += _remarks(total)
    return "\n\n".join(part for part in parts if part != "all: ")


def _table(
    dimensions: Sequence[str], rows: Sequence[SpendRow], total: SpendRow, chosen: Sequence[int], *, brief: bool = False
) -> Table:
    from trivium.figures import table

    unpriced = bool(total.unpriced)
    tokens = [] if brief else ["prompt", "output"]
    headers = ["requests", *tokens, "cached", *(["unpriced"] if unpriced else []), "USD"]
    return table(
        [*(dimensions[number] for number in chosen), *headers],
        [[*(_key(row, number) for number in chosen), *_cells(row, unpriced=unpriced, brief=brief)] for row in rows],
        align="l" * len(chosen) + "r" * len(headers),
        total=["total", *[""] * (len(chosen) - 1), *_cells(total, unpriced=unpriced, brief=brief)] if chosen else (),
    )


def _key(row: SpendRow, number: int) -> str:
    return row.keys[number] or "(none)"


def _cells(row: SpendRow, *, unpriced: bool, brief: bool) -> list[str]:
    rate = row.cache_hit_rate
    return [
        f"{row.requests:,}",
        *([] if brief else [_short(_prompt_tokens(row.usage)), _short(row.usage.output or 0)]),
        "-" if rate is None else f"{rate:.1%}",
        *([f"{row.unpriced:,}"] if unpriced else []),
        row.amount.rounded(),
    ]


def _short(tokens: int) -> str:
    """Tokens for reading, in thousands, millions or billions; --json has them exact."""
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if tokens >= size:
            return f"{tokens / size:.2f} {unit}"
    return str(tokens)


def _remarks(total: SpendRow) -> list[str]:
    remarks = []
    if total.unpriced:
        upper = "an unknown amount" if total.unpriced_upper is None else f"{total.unpriced_upper} USD"
        bounds = f"between {total.unpriced_lower} USD and {upper}"
        remarks.append(
            f"{total.unpriced:,} attempts are unpriced ({bounds}) and not in the sums: `trivium ledger rate`"
        )
    if total.open:
        remarks.append(f"{total.open:,} attempts have not ended: `trivium ledger reap` resolves what a crash left")
    if total.estimated:
        upper = "an unknown amount" if total.upper is None else f"{total.upper.rounded()} USD"
        bounds = (
            f": all together cost between {total.lower.rounded()} and {upper}" if total.lower != total.upper else ""
        )
        remarks.append(f"{total.estimated:,} of {total.attempts:,} attempts have estimated counts{bounds}")
    return ["\n".join(remarks)] if remarks else []


def _row_values(row: SpendRow) -> dict[str, object]:
    rate = row.cache_hit_rate
    return {
        "requests": row.requests,
        "attempts": row.attempts,
        "usage": dict(row.usage),
        "amount_usd": row.amount,
        "cache_hit_rate": None if rate is None else f"{rate:.6f}",
        "unpriced": row.unpriced,
        "unpriced_lower_usd": row.unpriced_lower,
        "unpriced_upper_usd": row.unpriced_upper,
        "lower_usd": row.lower,
        "upper_usd": row.upper,
        "open": row.open,
        "unknown_usage": row.unknown_usage,
        "estimated": row.estimated,
    }


def _prompt_tokens(usage: Usage) -> int:
    counts: Mapping[str, int | None] = dict(usage)
    return sum(counts[unit] or 0 for unit in ("input", "cache_read", "cache_write_5m", "cache_write_1h"))
