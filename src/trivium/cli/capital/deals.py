"""`trivium capital deals`: the deal ledger as of a day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from trivium.cli._main import EXIT_FINDING
from trivium.cli.capital import _shared as shared
from trivium.core import UserError

if TYPE_CHECKING:
    from trivium.capital.deals import Contradiction, Deal, DealLedger, Firmness

_HEADERS = ("deal", "from", "to", "kind", "what", "bn USD", "announced", "stage", "state", "sources", "grade", "sure")
_ROOM, _WIDE = frozenset({"what", "announced", "sure"}), 120


def command(
    as_of: shared.AsOf = None,
    party: Annotated[list[str] | None, typer.Option(help="Only deals of this party; may be repeated.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="Only this kind of deal; may be repeated.")] = None,
    entered_by: shared.EnteredBy = None,
    overlay: shared.Overlay = None,
    as_json: shared.AsJson = False,
) -> None:
    """Every deal as of a day: who gives what to whom, how sure, and what became of it. Exit 1 if a row was not read."""
    from trivium.capital.deals import commitments, contradiction_document, deal_document, firmness_document
    from trivium.cli._output import print_json

    ledger, _, _ = shared.ledger_of(as_of, entered_by, overlay)
    parties = _parties(ledger, tuple(party or ()))
    chosen = _chosen(ledger, parties, tuple(kind or ()))
    owed = [commitments(ledger.current, name) for name in parties]
    if as_json:
        print_json(
            {
                "as_of": ledger.as_of,
                "deals": [deal_document(deal) for deal in chosen],
                "commitments": [firmness_document(one) for one in owed if one.rows],
                "contradictions": [contradiction_document(one) for one in _against(ledger, chosen)],
                "not_read": [{"claim": one.claim_id, "why": one.why} for one in ledger.refused],
            }
        )
    else:
        _show(ledger, chosen, owed)
    if ledger.refused:
        raise typer.Exit(EXIT_FINDING)


def _parties(ledger: DealLedger, asked: tuple[str, ...]) -> tuple[str, ...]:
    names = {one.name.casefold(): one.name for one in ledger.parties}
    for name in asked:
        if name.casefold() not in names:
            raise UserError("--party", name, f"name one of {', '.join(names.values())}")
    return tuple(names[name.casefold()] for name in asked)


def _chosen(ledger: DealLedger, parties: tuple[str, ...], kinds: tuple[str, ...]) -> tuple[Deal, ...]:
    from trivium.capital.deals import Kind

    known = [one.value for one in Kind]
    for name in kinds:
        if name not in known:
            raise UserError("--kind", name, f"use one of {', '.join(known)}")
    return tuple(
        deal
        for deal in ledger.deals
        if (not parties or {deal.giver, deal.getter}.intersection(parties)) and (not kinds or deal.kind.value in kinds)
    )


def _show(ledger: DealLedger, chosen: tuple[Deal, ...], owed: list[Firmness]) -> None:
    from trivium.cli._output import console
    from trivium.figures import table

    screen = console()
    # what a narrow terminal has no room for is in `trivium capital deal ID`
    kept = [number for number, name in enumerate(_HEADERS) if screen.width >= _WIDE or name not in _ROOM]
    rows = [tuple(_row(deal)[number] for number in kept) for deal in chosen]
    title = f"{len(rows)} deals as of {ledger.as_of}"
    drawn = table([_HEADERS[number] for number in kept], rows, title=title)
    screen.print(drawn.terminal(screen.width), markup=False, soft_wrap=True)
    rounds = sorted({deal.round for deal in chosen if deal.round})
    if rounds:
        screen.print(f"\nrounds: {', '.join(rounds)}; a round's total holds its parts", markup=False, soft_wrap=True)
    for total in owed:
        if total.rows:
            screen.print(_owed(total), markup=False, soft_wrap=True)
    if against := _against(ledger, chosen):
        screen.print(f"\n{len(against)} contradictions; `trivium capital deal ID` says what stands:", markup=False)
        for one in against:
            names = ", ".join(name.removeprefix("deal.") for name in one.deals)
            screen.print(f"  {names}: {one.says}", markup=False, soft_wrap=True)
    for row in ledger.refused:
        screen.print(f"not read: {row.claim_id}: {row.why}", markup=False, soft_wrap=True)
    screen.print(f"\n{shared.NOT_A_FINDING}", markup=False, soft_wrap=True)


def _against(ledger: DealLedger, chosen: tuple[Deal, ...]) -> tuple[Contradiction, ...]:
    names = {deal.id for deal in chosen}
    return tuple(one for one in ledger.contradictions if names.intersection(one.deals))


def _owed(total: Firmness) -> str:
    """What a party has committed, with its sum; firm is what is contracted and cannot be got out of."""
    parts = (
        ("committed", [row[1] for row in total.rows], total.headline_usd),
        ("contracted", [row[2] for row in total.rows], total.contracted_usd),
        ("firm", [row[3] for row in total.rows], total.firm_usd),
    )
    said = [
        f"{name} {' + '.join(shared.billions(usd) for usd in rows if usd) or '0'} = {shared.billions(usd)}"
        for name, rows, usd in parts
    ]
    unknown = ", ".join(name.removeprefix("deal.") for name in total.unknown)
    return f"\n{total.party}, bn USD: {'; '.join(said)}" + (f"; not known: {unknown}" if unknown else "")


def _row(deal: Deal) -> tuple[str, ...]:
    after = deal.superseded_by.removeprefix("deal.")
    state = f"now {after}" if after else deal.state.value
    return (
        deal.name,
        deal.giver,
        deal.getter,
        deal.kind.value,
        deal.what.replace("_", " "),
        shared.amount_text(deal.amount) + ("" if deal.counted else " (total)"),
        str(deal.announced_on or ""),
        deal.stage.value,
        state,
        str(len(deal.sources)),
        deal.grade,
        deal.confidence,
    )
