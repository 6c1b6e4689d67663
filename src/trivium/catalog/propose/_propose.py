"""From a saved file to a proposal, and a proposal to files for review. Nothing here touches the claims."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from trivium.catalog._catalog import SHIPPED
from trivium.catalog._snapshot import Snapshot
from trivium.catalog._tables import parse_day
from trivium.catalog.audit import CellIndex
from trivium.catalog.propose._compare import compare
from trivium.catalog.propose._rules import rules_text
from trivium.catalog.propose._values import Line, Proposal, Reading
from trivium.core import UserError
from trivium.core.files import write_whole

_SLUG = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Written:
    """The files of a proposal."""

    rules: Path
    review: Path


def propose(
    reading: Reading, index: CellIndex, snapshot: Snapshot, *, seen_on: date, valid_from: date | None = None
) -> Proposal:
    """Hold a reading against the catalogue; prices would hold from `valid_from`, else from the day the page states."""
    start = valid_from or parse_day(reading.origin.date) or seen_on
    lines = compare(reading, index, snapshot, start)
    return Proposal(reading, start, seen_on, lines, rules_text(reading, lines, index, snapshot, (start, seen_on)))


def write(proposal: Proposal, name: str, out: Path) -> Written:
    """Write rules and review into a folder that is not a folder of claims; the same file and day overwrite."""
    folder = out.resolve()
    if folder.is_relative_to(SHIPPED.parent.resolve()) or (folder / "prices.toml").exists():
        raise UserError("--out", str(out), "give a folder that holds no claims: a person moves proposals in, by hand")
    stem = _SLUG.sub("-", Path(name).stem.lower()).strip("-")[:60] or "page"
    written = Written(folder / f"{stem}-{proposal.seen_on}.toml", folder / f"{stem}-{proposal.seen_on}.md")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(written.rules, proposal.rules.encode())
        write_whole(written.review, review_text(proposal).encode())
    except OSError as error:
        raise UserError("--out", str(out), f"give a folder that can be written ({error.strerror})") from error
    return written


def review_text(proposal: Proposal) -> str:
    """The review as a page: what would contradict, change, be new; what was not taken; what is the same."""
    origin = proposal.reading.origin
    source = f"Source: {_cell(origin.address or 'no address stated')}, dated {_cell(origin.date or 'not stated')}"
    parts = [
        f"# Proposed on {proposal.seen_on}: {_cell(origin.title)}",
        "",
        f"{source}; grade {origin.status}; prices would hold from {proposal.valid_from}.",
    ]
    for verdict, title in _TITLES.items():
        lines = [line for line in proposal.lines if line.verdict == verdict]
        if lines:
            parts += [
                "",
                f"## {title}: {len(lines)}",
                "",
                "| price | ours | page | why | where |",
                "|---|---|---|---|---|",
            ]
            parts += [_row(line) for line in lines]
    if proposal.reading.issues:
        parts += ["", f"## Not taken: {len(proposal.reading.issues)}", "", "| where | text | remedy |", "|---|---|---|"]
        parts += [
            f"| {_cell(issue.where)} | {_cell(issue.text)} | {issue.remedy} |" for issue in proposal.reading.issues
        ]
    return "\n".join(parts) + "\n"


_TITLES = {"conflict": "Would contradict", "changed": "Changed", "new": "New", "same": "The same"}


def _row(line: Line) -> str:
    candidate = line.candidate
    low, high = candidate.band
    length = f" >{low - 1}" if low else f" ≤{high}" if high else ""
    model = candidate.model or f"{candidate.label} (unknown)"
    price = f"{candidate.surface}/{candidate.scope}/{model}/{candidate.tier} {candidate.unit}{length}"
    ours = "" if line.ours_usd is None else f"{line.ours_usd:f} ({line.status})"
    return f"| {_cell(price)} | {ours} | {candidate.usd:f} | {_cell(line.reason)} | {_cell(candidate.where)} |"


def _cell(text: str) -> str:
    """Text of a stranger inside a table: no markup survives."""
    return (
        text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "&#124;").replace("`", "'").replace("[", "&#91;")
    )
