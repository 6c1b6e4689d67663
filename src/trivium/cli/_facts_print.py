"""How `trivium facts` prints: tables and walks for people, plain values for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from trivium.catalog import (
    Answer,
    CellAnswer,
    Change,
    Claim,
    Conflict,
    Finding,
    Grade,
    PriceCell,
    Snapshot,
    Source,
    Standing,
    State,
)
from trivium.cli._output import console, print_json
from trivium.figures import table

__all__ = ["print_json"]
_VALUE_MAX = 60


def _say(text: str) -> None:
    console().print(text, markup=False, soft_wrap=True)


def _width() -> int:
    return console().width


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    _say(table(headers, rows, title=title).terminal(_width()))


def _short(text: str, most: int = _VALUE_MAX) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _window(start: date | None, end: date | None) -> str:
    if start is None and end is None:
        return "open"
    return f"{start or '…'} to {end or '…'}"


# --- claims ---------------------------------------------------------------------------------------------------------


def standing_values(found: Standing) -> dict[str, Any]:
    """A claim and its state as plain values."""
    return claim_values(found.claim) | {
        "state": found.state.value,
        "state_by": found.by.id if found.by else None,
        "state_why": found.why,
    }


def claim_values(claim: Claim) -> dict[str, Any]:
    """A claim as plain values."""
    return {
        "id": claim.id,
        "topic": claim.topic,
        "subject": claim.subject,
        "predicate": claim.predicate,
        "value": claim.value,
        "unit": claim.unit,
        "status": claim.status,
        "valid_from": claim.valid_from,
        "valid_until": claim.valid_until,
        "announced_on": claim.announced_on,
        "seen_on": claim.seen_on,
        "review_by": claim.review_by,
        "surface": claim.surface or None,
        "models": claim.models,
        "sources": claim.sources,
        "supersedes": claim.supersedes,
        "note": claim.note,
        "layer": "shipped" if claim.layer == 0 else f"overlay {claim.layer}",
    }


def print_standings(found: Sequence[Standing], as_of: date, at: date, most: int) -> None:
    """Claims in two lines each, the first so many: what is said, then its id, grade, state and window."""
    for one in found[:most]:
        claim = one.claim
        said = f"{claim.value} {claim.unit}".strip()
        _say(f"{_short(claim.subject)} · {claim.predicate} = {_short(said, 90)}")
        why = f": {one.why}" if one.state in {State.CANCELLED, State.SUPERSEDED} else ""
        by = f" by {one.by.id}" if one.by else ""
        window = _window(claim.valid_from, claim.valid_until)
        _say(f"    {claim.id}   {claim.status}, {one.state.value}{by}{why}; {window}")
    more = f", {len(found) - most} of them not shown (--limit)" if len(found) > most else ""
    _say(f"{len(found)} claims announced by {as_of}, seen on {at}{more}")


def print_claim(found: Standing) -> None:
    """Everything a claim says."""
    claim = found.claim
    by = f" by {found.by.id}" if found.by else ""
    state = f"{found.state.value}{by}" + (f" ({found.why})" if found.why else "")
    lines = [
        claim.id,
        f"  {claim.subject} · {claim.predicate} = {claim.value}{f' {claim.unit}' if claim.unit else ''}",
        f"  status     {claim.status}",
        f"  state      {state}",
        f"  window     {_window(claim.valid_from, claim.valid_until)}",
    ]
    days = (("announced", claim.announced_on), ("seen", claim.seen_on), ("review by", claim.review_by))
    lines += [f"  {name:<10} {day}" for name, day in days if day is not None]
    if claim.supersedes:
        lines.append(f"  supersedes {', '.join(claim.supersedes)}")
    if claim.note:
        lines.append(f"  note       {claim.note}")
    lines += _source_lines(claim.sources, "  ")
    _say("\n".join(lines))


def _source_lines(sources: Sequence[Source], indent: str) -> list[str]:
    lines = []
    for source in sources:
        dated = f" ({source.date})" if source.date and source.date not in source.title else ""
        address = f" <{source.address}>" if source.address and source.address not in source.title else ""
        lines.append(f"{indent}source     {source.title}{dated}{address}")
        if source.quote:
            lines.append(f"{indent}  says     {source.quote}")
    return lines


# --- answers --------------------------------------------------------------------------------------------------------


def answer_values(answer: Answer, as_of: date, at: date) -> dict[str, Any]:
    """A question with its winner and losers as plain values."""
    ranked = answer.ranked
    return {
        "subject": answer.subject,
        "predicate": answer.predicate,
        "as_of": as_of,
        "at": at,
        "decided": ranked is not None and not ranked.tied,
        "winner": claim_values(ranked.winner) if ranked and not ranked.tied else None,
        "losers": [
            claim_values(claim) | {"why": reason}
            for claim, reason in (zip(ranked.claims[1:], ranked.reasons, strict=True) if ranked else ())
        ],
        "others": [standing_values(one) for one in answer.others],
    }


def print_answer(answer: Answer, as_of: date, at: date) -> None:
    """Which claim wins, which lose, and why."""
    _say(f"{answer.subject} · {answer.predicate}, on {at}, by what had been announced by {as_of}")
    ranked = answer.ranked
    if ranked is None:
        _say("no claim counts on that day")
    else:
        word = "undecided" if ranked.tied else "wins"
        for number, claim in enumerate(ranked.claims):
            reason = "" if number == 0 else ranked.reasons[number - 1]
            heading = word if number == 0 or ranked.tied else "agrees" if reason == "says the same" else "loses"
            why = f": {reason}" if heading == "loses" else ""
            _say(f"\n{heading}{why}")
            _say("\n".join(_claim_lines(claim)))
    for one in answer.others:
        by = f" by {one.by.id}" if one.by else ""
        why = one.why or "a more specific or better founded claim does"
        _say(f"\ndoes not count: {one.state.value}{by} ({why})")
        _say("\n".join(_claim_lines(one.claim)))


def _claim_lines(claim: Claim) -> list[str]:
    unit = f" {claim.unit}" if claim.unit else ""
    layer = "" if claim.layer == 0 else ", the organisation's own"
    first = (
        f"  {claim.value}{unit}   [{claim.id}; {claim.status}{layer}; {_window(claim.valid_from, claim.valid_until)}]"
    )
    note = [f"    note       {claim.note}"] if claim.note else []
    return [first, *note, *_source_lines(claim.sources, "    ")]


# --- prices ---------------------------------------------------------------------------------------------------------


def cell_values(answer: CellAnswer) -> dict[str, Any]:
    """A price cell and its claims as plain values."""
    cell = answer.cell
    return {
        "id": cell.id,
        "surface": cell.surface,
        "model": cell.model,
        "scope": cell.scope,
        "tier": cell.tier,
        "unit": cell.unit,
        "prompt_min": cell.band[0],
        "prompt_max": cell.band[1],
        "amount_usd": cell.amount_usd,
        "rate_picos": cell.rate_picos,
        "valid_from": cell.valid_from,
        "valid_until": cell.valid_until,
        "status": cell.status,
        "claims": [claim_values(claim) for claim in answer.claims],
    }


def print_cell(answer: CellAnswer) -> None:
    """A price walked back: the amount, then each claim it follows from with its sources."""
    cell = answer.cell
    _say(cell.id)
    window = _window(cell.valid_from, cell.valid_until)
    _say(f"  {cell.amount_usd} USD per {_per(cell)}, {cell.status}, {window}{_band(cell)}")
    for claim in answer.claims:
        _say(f"\n  {claim.predicate} of {_short(claim.subject, 80)}")
        _say("\n".join(f"  {line}" for line in _claim_lines(claim)))


def _per(cell: PriceCell) -> str:
    from trivium.core import TOKEN_UNITS

    return f"million tokens of {cell.unit}" if cell.unit in TOKEN_UNITS else cell.unit


def _band(cell: PriceCell) -> str:
    low, high = cell.band
    if high is not None:
        return f", prompts of {low} to {high} tokens"
    return f", prompts of {low} tokens and more" if low else ""


def print_cells(cells: Sequence[PriceCell]) -> None:
    """Price cells as a table."""
    rows = [
        (
            *(cell.surface, cell.model, cell.scope, cell.tier, cell.unit, format(cell.amount_usd, "f"), cell.status),
            _window(cell.valid_from, cell.valid_until) + _band(cell).replace(", prompts", ""),
        )
        for cell in cells
    ]
    _table(("surface", "model", "scope", "tier", "unit", "USD", "status", "window"), rows)
    _say(f"{len(cells)} prices; USD per million tokens, or per item")


# --- checks, conflicts, changes --------------------------------------------------------------------------------------


def print_findings(snapshot: Snapshot, found: Sequence[Finding], *, notes: bool) -> None:
    """Findings, one a line, notes only if asked for; then the counts."""
    shown = [finding for finding in found if notes or finding.grade is not Grade.NOTE]
    for finding in shown:
        _say(f"{finding.grade.value:<8} {finding.check:<16} {finding.subject}: {finding.text}")
    counts = {grade: sum(1 for finding in found if finding.grade is grade) for grade in Grade}
    total = ", ".join(f"{count} {grade.value}s" for grade, count in counts.items())
    _say(f"{len(snapshot.claims)} claims, {len(snapshot.cells)} price cells, digest {snapshot.digest[:12]}: {total}")


def conflict_values(conflict: Conflict) -> dict[str, Any]:
    """A conflict as plain values."""
    ranked = conflict.ranked
    return {
        "subject": conflict.subject,
        "predicate": conflict.predicate,
        "decided": not ranked.tied,
        "winner": None if ranked.tied else ranked.winner.id,
        "why": conflict.why,
        "claims": [claim_values(claim) for claim in ranked.claims],
    }


def print_conflicts(found: Sequence[Conflict]) -> None:
    """Each conflict with its claims, the winner first."""
    for conflict in found:
        _say(f"{conflict.subject} · {conflict.predicate}: {conflict.why}")
        for number, claim in enumerate(conflict.ranked.claims):
            word = "?" if conflict.ranked.tied else "wins" if number == 0 else "loses"
            _say(f"  {word:<6}{_short(claim.value, 90)}   [{claim.id}; {claim.status}]")
    undecided = sum(1 for conflict in found if conflict.ranked.tied)
    _say(f"{len(found)} conflicts, {undecided} undecided")


def change_values(change: Change) -> dict[str, Any]:
    """A change as plain values."""
    return {
        "day": change.day,
        "kind": change.kind.value,
        "subject": change.subject,
        "text": change.text,
        "claim": change.claim.id if change.claim else None,
    }


def print_changes(found: Sequence[Change]) -> None:
    """Changes as a table, by day."""
    rows = [
        (change.day.isoformat(), change.kind.value, _short(change.subject, 50), _short(change.text, 100))
        for change in found
    ]
    _table(("day", "what", "subject", "claim"), rows)
    _say(f"{len(found)} changes")
