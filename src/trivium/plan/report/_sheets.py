"""Negotiation sheets as pages and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trivium.catalog import Claim
from trivium.plan.decision import Decision
from trivium.plan.report._document import Block, Cell, Document, Grid, Items, Section, Text
from trivium.plan.report._evidence import evidence_section
from trivium.plan.report._html import page
from trivium.plan.report._markdown import markdown
from trivium.plan.report._negotiate import Ask, Sheet
from trivium.plan.report._refs import Refs
from trivium.plan.report._words import count, grounds_text, surface_text, usd


def sheets_html(sheets: Sequence[Sheet], decision: Decision, claims: Mapping[str, Claim]) -> str:
    """All sheets as one page, a platform on a sheet of paper of its own."""
    return page(_document(sheets, decision, claims))


def sheets_markdown(sheets: Sequence[Sheet], decision: Decision, claims: Mapping[str, Claim]) -> str:
    """All sheets as Markdown, for a file that people edit."""
    return markdown(_document(sheets, decision, claims))


def _document(sheets: Sequence[Sheet], decision: Decision, claims: Mapping[str, Claim]) -> Document:
    used = sorted({name for sheet in sheets for ask in sheet.asks for name in ask.basis.claim_ids})
    known = {claim.id: claim for sheet in sheets for claim in sheet.claims}
    refs = Refs({name: number + 1 for number, name in enumerate(used)}, {**known, **claims})
    parts = tuple(_section(sheet, number, refs) for number, sheet in enumerate(sheets))
    if not parts:
        parts = (Section("none", "No platform", 2, (Text(Cell("The plan uses no platform and none made an offer.")),)),)
    return Document(
        title="What to ask of each platform" + (f": {decision.organisation}" if decision.organisation else ""),
        subtitle="Not for the other side. "
        f"From the plan of {decision.at} for {count(decision.horizon_months, 'month')}.",
        sections=(*parts, evidence_section(refs, (), decision.at)) if used else parts,
        foot=f"catalogue {decision.snapshot_digest[:12]} · prices {decision.book_digest[:12]} · seed {decision.seed}",
        day=decision.at.isoformat(),
    )


def _section(sheet: Sheet, number: int, refs: Refs) -> Section:
    blocks: list[Block] = []
    if sheet.spend_usd > 0:
        blocks.append(Text(Cell(f"Forecast to be spent here as planned: {usd(sheet.spend_usd)}.", tone="strong")))
    else:
        blocks.append(Text(Cell("Nothing is planned to be spent here: this platform may win it.", tone="strong")))
    if sheet.asks:
        headers = ("Point", "Ask for", "Worth to us", "Because", "Rests on")
        rows = tuple(_row(ask, refs) for ask in sheet.asks)
        blocks.append(Grid(headers, "lllll", rows, title="What to ask for", weights=(3, 6, 4, 6, 3)))
    if sheet.alternatives:
        if sheet.leaving_usd_per_month is None:
            text = "What we do otherwise. Not everything has another place, which weakens our hand:"
        else:
            text = f"What we do otherwise: leaving costs {usd(sheet.leaving_usd_per_month)} a month and the moves."
        blocks += [Text(Cell(text, tone="strong")), Items(tuple(Cell(line) for line in sheet.alternatives))]
    if sheet.deadlines:
        rows = tuple((Cell(str(day), tone="strong"), Cell(text)) for day, text in sheet.deadlines)
        blocks.append(Grid(("Day", "What"), "ll", rows, title="By when", weights=(1, 5)))
    return Section(f"platform-{sheet.surface}", surface_text(sheet.surface), 2, tuple(blocks), opens_page=number > 0)


def _row(ask: Ask, refs: Refs) -> tuple[Cell, ...]:
    worth = "not computed" if ask.worth_usd is None else f"{usd(ask.worth_usd)} {ask.per}".strip()
    claims = refs.all(ask.basis.claim_ids)
    return (
        Cell(ask.topic, tone="strong"),
        Cell(ask.ask),
        Cell(worth),
        Cell(ask.why),
        Cell(grounds_text(ask.basis), claims),
    )
