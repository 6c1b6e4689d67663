"""`trivium capital deal ID`: one deal with its versions, sources, assumptions and contradictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from trivium.cli.capital import _shared as shared

if TYPE_CHECKING:
    from trivium.capital.deals import Contradiction, Deal, Figure, Statement

    About = tuple[tuple[Statement, ...], tuple[Contradiction, ...], tuple[Figure, ...]]


def command(
    deal_id: Annotated[str, typer.Argument(metavar="ID", help="A deal, such as D045.")],
    as_of: shared.AsOf = None,
    entered_by: shared.EnteredBy = None,
    overlay: shared.Overlay = None,
    as_json: shared.AsJson = False,
) -> None:
    """One deal: what it says, how it came to be, what is assumed, what contradicts it, and where it was read."""
    from trivium.capital.deals import contradiction_document, deal_document, figure_document, statement_document
    from trivium.cli._output import print_json

    ledger, _, _ = shared.ledger_of(as_of, entered_by, overlay)
    deal = ledger.deal(deal_id)
    about = ledger.about(deal)
    if as_json:
        said, against, figures = about
        print_json(
            {
                **deal_document(deal),
                "article": [statement_document(one) for one in said],
                "contradictions": [contradiction_document(one) for one in against],
                "figures": [figure_document(one) for one in figures],
            }
        )
        return
    for line in _lines(deal, about):
        _say(line)


def _lines(deal: Deal, about: About) -> list[str]:
    said, against, figures = about
    return [
        *_terms(deal),
        *_listed(
            "versions", [f"{one.on or 'no day'}  {one.event}: {one.text} ({one.claim_id})" for one in deal.versions]
        ),
        *_listed("assumed, because no source gives it", deal.assumptions),
        *_listed("what contradicts", [_against(one) for one in against]),
        *_listed("sums it enters (bn USD)", [_sum(one) for one in figures]),
        *_listed(
            "what the article says",
            [f"{one.claim.subject} · {one.claim.predicate}: {one.figure} ({one.claim.id})" for one in said],
        ),
        *_listed(f"sources ({len(deal.sources)})", [one.title for one in deal.sources]),
        "",
        shared.NOT_A_FINDING,
    ]


def _terms(deal: Deal) -> list[str]:
    when = deal.schedule
    notice = f"{deal.notice_days} days of notice" if deal.notice_days is not None else "no notice known"
    firm = "unknown" if deal.firm_usd is None else f"{shared.billions(deal.firm_usd)} bn USD"
    firm += " (assumed)" if deal.firm.assumed else ""
    amount = shared.amount_text(deal.amount) + ("" if deal.amount.point is None else " bn USD")
    assumed, sure = " (partly assumed)" if when.assumed else "", deal.confidence or "not stated"
    lines = [
        f"{deal.name}  {deal.giver} -> {deal.getter}: {deal.kind.value}, {deal.what.replace('_', ' ')}",
        f"{amount}; {deal.stage.value}, {deal.state.value}; graded {deal.grade}, confidence {sure}",
        f"schedule: {when.shape}, {when.start} to {when.end}{assumed}; {notice}; firm part: {firm}",
    ]
    if deal.superseded_by:
        lines.append(f"superseded by {deal.superseded_by.removeprefix('deal.')}")
    if not deal.counted:
        lines.append(f"left out of sums: {deal.not_counted}")
    for word, names in (("inside", deal.inside), ("may overlap", deal.overlaps), ("qualified by", deal.qualified_by)):
        if names:
            lines.append(f"{word} {', '.join(name.removeprefix('deal.') for name in names)}")
    if deal.round:
        lines.append(f"round {deal.round}")
    lines += _listed("conditions", deal.conditions)
    lines += _listed(
        "tranches",
        [
            f"{one.name}: {'unknown' if one.amount is None else shared.billions(int(one.amount.usd)) + ' bn USD'}"
            for one in deal.tranches
        ],
    )
    return [*lines, f"as recorded: {deal.claim.note}"]


def _against(one: Contradiction) -> str:
    stands = f"{', '.join(one.stands)} stands" if one.stands else "nothing decides"
    return f"{one.says}: {stands}; {one.why} ({', '.join(one.claim_ids)})"


def _sum(one: Figure) -> str:
    if one.missing:
        return f"{one.name}: not known yet, {one.missing}"
    return f"{one.name}: {one.worked} = {one.result} ({', '.join(one.claim_ids)})"


def _listed(title: str, lines: tuple[str, ...] | list[str]) -> list[str]:
    return [f"{title}:", *(f"  {line}" for line in lines)] if lines else []


def _say(text: str) -> None:
    from trivium.cli._output import console

    console().print(text, markup=False, soft_wrap=True)
