"""`trivium price`: the exact price of one request, or of a table of usage, and the claims behind it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trivium.cli import _ledger as shared
from trivium.core import Money, Offer, SystemClock, UserError
from trivium.core.usage import TOKEN_UNITS, TOOL_UNITS

if TYPE_CHECKING:
    from trivium.catalog import Snapshot
    from trivium.pricing import Price, PriceBook
    from trivium.pricing.tables import FileTotal


def command(
    surface: Annotated[str, typer.Option(help="Where it is bought: anthropic, bedrock, vertex, foundry, …")] = "",
    scope: Annotated[str, typer.Option(help="A region class, or a geography or region that leads to one.")] = "",
    model: Annotated[str, typer.Option(help="A model id, or any name it goes by.")] = "",
    tier: Annotated[str, typer.Option(help="One of standard, batch or fast.")] = "standard",
    at: Annotated[str | None, typer.Option(help="Prices of this day; today if not given.")] = None,
    as_of: shared.AsOf = None,
    input_: Annotated[
        int, typer.Option("--input", min=0, help="Tokens neither read from a cache nor written to one.")
    ] = 0,
    output: Annotated[int, typer.Option(min=0, help="Tokens of the answer.")] = 0,
    cache_read: Annotated[int, typer.Option(min=0, help="Tokens read from a cache.")] = 0,
    cache_write_5m: Annotated[int, typer.Option("--cache-write-5m", min=0, help="Tokens written for 5 minutes.")] = 0,
    cache_write_1h: Annotated[int, typer.Option("--cache-write-1h", min=0, help="Tokens written for an hour.")] = 0,
    web_search: Annotated[int, typer.Option(min=0, help="Server-side searches.")] = 0,
    web_fetch: Annotated[int, typer.Option(min=0, help="Server-side fetches.")] = 0,
    code_execution_hours: Annotated[int, typer.Option(min=0, help="Container hours.")] = 0,
    usage: Annotated[Path | None, typer.Option(help="A .csv or .parquet table of usage to price instead.")] = None,
    out: Annotated[Path | None, typer.Option(help="With --usage: write the rows with their amounts here.")] = None,
    overlay: shared.Overlay = None,
    as_json: shared.AsJson = False,
) -> None:
    """The exact price of a request, line by line, with the claims each price comes from.

    The band comes from the prompt length (input, cache reads and cache writes together), never from --tier.

    --usage FILE prices a table. Its columns: surface, scope, model; tier (else standard) and at (else --at);
    input, output, cache_read, cache_write_5m, cache_write_1h, web_search, web_fetch, code_execution_hours as
    far as they occur. Other columns pass through to --out.
    """
    from trivium.catalog import load
    from trivium.core import Usage
    from trivium.pricing import PriceBook, price

    today = SystemClock().now().date()
    day = today if at is None else shared.day(at, "at")
    known = load(tuple(overlay or ())).snapshot(today if as_of is None else shared.day(as_of, "as-of"))
    book = PriceBook.from_snapshot(known)
    if usage is not None:
        _price_file(usage, out, book, day, as_json=as_json)
        return
    if out is not None:
        raise UserError("--out", str(out), "give it together with --usage")
    offer = _offer(surface, scope, model, tier)
    counts = Usage(
        input_, output, cache_read, cache_write_5m, cache_write_1h, web_search, web_fetch, code_execution_hours
    )
    if not any(count for _, count in counts):
        raise UserError("usage", "nothing", "give at least one count, such as --input 1000000")
    found = price(counts, offer, day, book)
    if as_json:
        from trivium.cli._output import print_json

        print_json(_document(found, offer, known))
    else:
        _print(found, offer, known)


def _offer(surface: str, scope: str, model: str, tier: str) -> Offer:
    from trivium.catalog import model_id, surface_id
    from trivium.core import TIERS

    for name, value in (("--surface", surface), ("--model", model)):
        if not value:
            raise UserError(
                name, value, "say what is bought, such as --surface bedrock --scope us --model claude-opus-5"
            )
    if tier not in TIERS:
        raise UserError("--tier", tier, f"use one of {', '.join(TIERS)}; bands come from the prompt length alone")
    return Offer(surface_id(surface), scope, model_id(model), tier)


# --- one request -------------------------------------------------------------------------------------------


def _per_unit(unit: str, rate_picos: int) -> str:
    """The rate as it is published: dollars per million tokens, or per item of a tool."""
    return str(Money(rate_picos * 10**6)) if unit in TOKEN_UNITS else str(Money(rate_picos))


def _document(found: Price, asked: Offer, known: Snapshot) -> dict[str, Any]:
    claim_ids = dict.fromkeys(claim_id for line in found.lines for claim_id in line.claim_ids)
    return {
        "amount_usd": str(found.amount),
        "offer": _offer_document(found.offer),
        "asked_scope": asked.scope,
        "at": found.at.isoformat(),
        "as_of": known.as_of.isoformat(),
        "book_digest": found.book_digest,
        "snapshot_digest": known.digest,
        "lines": [
            {
                "unit": line.unit,
                "count": line.count,
                "rate_usd": _per_unit(line.unit, line.rate_picos),
                "per": "million tokens" if line.unit in TOKEN_UNITS else "item",
                "amount_usd": str(line.amount),
                "status": line.status,
                "cell": line.cell_id,
                "claims": list(line.claim_ids),
            }
            for line in found.lines
        ],
        "claims": [_claim_document(claim_id, known) for claim_id in claim_ids],
    }


def _offer_document(offer: Offer) -> dict[str, str]:
    return {"surface": offer.surface, "scope": offer.scope, "model": offer.model, "tier": offer.tier}


def _claim_document(claim_id: str, known: Snapshot) -> dict[str, Any]:
    claim = known.claim(claim_id)
    return {
        "id": claim.id,
        "value": str(claim.value),
        "unit": claim.unit,
        "status": claim.status,
        "valid_from": claim.valid_from,
        "valid_until": claim.valid_until,
        "sources": [
            {"title": source.title, "address": source.address, "date": str(source.date)} for source in claim.sources
        ],
    }


def _print(found: Price, asked: Offer, known: Snapshot) -> None:
    from rich.table import Table

    from trivium.cli._output import console

    offer, screen = found.offer, console()
    scope = offer.scope if offer.scope == asked.scope else f"{offer.scope} (asked for {asked.scope or 'any scope'})"
    screen.print(f"{offer.model} on {offer.surface}, scope {scope}, tier {offer.tier}, on {found.at}")
    table = Table("unit", box=None, pad_edge=False)
    for heading in ("count", "USD per million tokens or item", "USD"):
        table.add_column(heading, justify="right")
    table.add_column("graded")
    for line in found.lines:
        rate = _per_unit(line.unit, line.rate_picos)
        table.add_row(line.unit, f"{line.count:,}", rate, str(line.amount), line.status)
    table.add_row("total", "", "", str(found.amount), "")
    screen.print(table)
    screen.print()
    screen.print("Claims behind it:")
    for claim_id in dict.fromkeys(claim_id for line in found.lines for claim_id in line.claim_ids):
        claim = known.claim(claim_id)
        screen.print(f"  {claim.id}: {claim.value} {claim.unit} ({claim.status})", markup=False)
        for source in claim.sources:
            screen.print(f"    {source.title}, {source.date or 'no date'} {source.address}".rstrip(), markup=False)
    screen.print(f"As of {known.as_of}; book {found.book_digest[:12]}.")


# --- a table of usage --------------------------------------------------------------------------------------


def _price_file(path: Path, out: Path | None, book: PriceBook, day: date, *, as_json: bool) -> None:
    from trivium.pricing.tables import price_file

    with shared.progress("pricing") as progress:
        total = price_file(path, book, at=day, out=out, canonical=_canonical, progress=progress)
    if as_json:
        from trivium.cli._output import print_json

        print_json(_file_document(total, out))
    else:
        _print_file(total, out)


def _canonical(offer: Offer) -> Offer:
    from trivium.catalog import model_id, surface_id

    return Offer(surface_id(offer.surface), offer.scope, model_id(offer.model), offer.tier)


def _file_document(total: FileTotal, out: Path | None) -> dict[str, Any]:
    return {
        "amount_usd": str(total.amount),
        "rows": total.rows,
        "usage": total.usage,
        "offers": [
            {**_offer_document(item.offer), "rows": item.rows, "amount_usd": str(item.amount)}
            for item in sorted(total.offers.values(), key=lambda item: (-item.picos, item.offer))
        ],
        "book_digest": total.book_digest,
        "out": None if out is None else str(out),
    }


def _print_file(total: FileTotal, out: Path | None) -> None:
    from rich.table import Table

    from trivium.cli._output import console

    table = Table("surface", "scope", "model", "tier", box=None, pad_edge=False)
    table.add_column("rows", justify="right")
    table.add_column("USD", justify="right")
    for item in sorted(total.offers.values(), key=lambda item: (-item.picos, item.offer)):
        offer = item.offer
        table.add_row(offer.surface, offer.scope, offer.model, offer.tier, f"{item.rows:,}", str(item.amount))
    table.add_row("total", "", "", "", f"{total.rows:,}", str(total.amount))
    screen = console()
    screen.print(table)
    counted = ", ".join(f"{unit} {total.usage[unit]:,}" for unit in TOKEN_UNITS + TOOL_UNITS if total.usage.get(unit))
    screen.print(f"Consumed: {counted or 'nothing'}")
    screen.print(f"Book {total.book_digest[:12]}." + ("" if out is None else f" Priced rows: {out}"))
