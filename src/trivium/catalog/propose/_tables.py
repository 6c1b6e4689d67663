"""Prices in a table: models down and token kinds across, or the other way round."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from trivium.catalog.audit import Models
from trivium.catalog.propose._markup import Grid
from trivium.catalog.propose._values import WHOLE, Candidate, Issue, clean
from trivium.catalog.propose._words import Meaning, amounts, is_foreign, is_nothing, meaning, scale_in

_AFTER_NAME = re.compile(r"\s*[\(\[–—:|].*$|\s+[-≤>].*$|\s+(on|with|for|via)\s.*$", re.DOTALL)  # noqa: RUF001  dashes as pages write them
_HEADER_ROWS = 3


@dataclass(frozen=True, slots=True)
class Setting:
    """What holds for a whole file: its surface, the models known, the scale if the reader was told."""

    surface: str
    models: Models
    scale: Decimal | None
    scope: str = "global"


def model_in(text: str, models: Models) -> tuple[str, str] | None:
    """(label, canonical id or empty) if a text is the name of one of Anthropic's models, else None."""
    label = clean(_AFTER_NAME.sub("", text.strip()[:200]), 60)
    words = label.lower().split()
    if not words or len(words) > 6:  # noqa: PLR2004  a name, not a sentence
        return None
    known = models.find("claude-" + "-".join(words).removeprefix("claude-").replace(".", "-"))
    if known is None and words[0] != "claude" and not label.lower().startswith("claude-"):
        return None
    return label, known or ""


def read_grid(grid: Grid, setting: Setting) -> tuple[list[Candidate], list[Issue]]:
    """The prices of one table and what could not be taken."""
    found: list[Candidate] = []
    issues: list[Issue] = []
    rows = grid.rows
    if not _has_models(rows, setting.models):
        rows = _turned(rows)
        if not _has_models(rows, setting.models):
            return found, issues
    head = _header(rows)
    if head is None:
        return found, issues
    line, meanings, titles = head
    heading = f" ({clean(grid.heading, 60)})" if grid.heading else ""
    for number, row in enumerate(rows[line + 1 :], start=line + 2):
        named = next((one for cell in row[:2] if (one := model_in(cell, setting.models)) is not None), None)
        if named is None:
            continue
        about = meaning(" ".join(row[:2]))
        for column, sense in meanings.items():
            if column >= len(row):
                continue
            where = f"table {grid.number}{heading}, row {number}, column {column + 1}"
            taken = _price(row[column], where, (titles[column], grid.heading, grid.before), setting)
            if isinstance(taken, Issue):
                issues.append(taken)
            elif taken is not None:
                found.append(_candidate(named, about, sense, meaning(grid.heading), taken, where, row, setting))
    return found, issues


def _has_models(rows: Sequence[Sequence[str]], models: Models) -> bool:
    return any(model_in(cell, models) for row in rows[1:] for cell in row[:2])


def _turned(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    width = max((len(row) for row in rows), default=0)
    return [[row[column] if column < len(row) else "" for row in rows] for column in range(width)]


def _header(rows: Sequence[Sequence[str]]) -> tuple[int, dict[int, Meaning], dict[int, str]] | None:
    """The last header row, what its columns mean, and their titles (with those of the rows above it)."""
    for line in range(min(_HEADER_ROWS, len(rows)) - 1, -1, -1):
        titles = {
            column: " ".join(dict.fromkeys(row[column] for row in rows[: line + 1] if column < len(row)))
            for column in range(len(rows[line]))
        }
        meanings = {column: sense for column, text in titles.items() if (sense := meaning(text)).unit}
        own = [column for column, text in enumerate(rows[line]) if meaning(text).unit and not amounts(text)]
        if own:
            return line, meanings, titles
    return None


def _price(text: str, where: str, context: tuple[str, ...], setting: Setting) -> Decimal | Issue | None:
    if is_nothing(text):
        return None
    if is_foreign(text):
        return Issue(where, clean(text, 80), "give a page in US dollars")
    found = amounts(text)
    if not found:
        return None
    if len(found) > 1:
        return Issue(where, clean(text, 80), "several amounts in one cell: write the one that holds into a CSV")
    scale = scale_in(text, *context) or setting.scale
    if scale is None:
        return Issue(where, clean(text, 80), "say with --per what the amounts are for: mtok, ktok or token")
    return found[0] * scale


def _candidate(
    named: tuple[str, str],
    about: Meaning,
    sense: Meaning,
    heading: Meaning,
    usd: Decimal,
    where: str,
    row: Sequence[str],
    setting: Setting,
) -> Candidate:
    label, model = named
    bands = [said.band for said in (sense, about, heading) if said.band != WHOLE]
    return Candidate(
        label=label,
        model=model,
        surface=setting.surface,
        scope=sense.scope or about.scope or heading.scope or setting.scope,
        tier=sense.tier or about.tier or heading.tier or "standard",
        unit=sense.unit,
        usd=usd,
        where=where,
        quote=clean(" | ".join(row)),
        band=bands[0] if bands else WHOLE,
    )
