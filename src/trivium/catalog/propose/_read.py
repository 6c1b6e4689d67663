"""Reads a saved file, whatever it is: a page, a feed, a table of a tool, a CSV. Bounded, and nothing is fetched."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

from trivium.catalog.audit import Models, Table, read_table
from trivium.catalog.audit._collect import parse_json, read_text
from trivium.catalog.propose._feed import Item, is_json_feed, is_xml_feed, read_json, read_xml
from trivium.catalog.propose._markup import Page, read_page
from trivium.catalog.propose._prose import read_prose
from trivium.catalog.propose._tables import Setting, read_grid
from trivium.catalog.propose._values import Candidate, Issue, Origin, Reading, clean
from trivium.core import UserError
from trivium.core.usage import TOKEN_UNITS

FILE_BYTES_MAX = 8 * 2**20  # a saved page is well under one
_MARKUP = re.compile(r"<\s*(!doctype html|html|head|body|table|h[1-6]|p|div|section|article)\b", re.IGNORECASE)

# Whose word is first-hand on which surface, by the host a page was saved from. Other hosts report.
OPERATORS = {
    "anthropic.com": "anthropic",
    "claude.com": "anthropic",
    "aws.amazon.com": "bedrock",
    "cloud.google.com": "vertex",
    "microsoft.com": "foundry",
    "azure.com": "foundry",
    "github.com": "github-copilot",
}


def read_file(  # noqa: PLR0913  what a file does not say of itself
    path: Path,
    models: Models,
    *,
    surface: str = "",
    scope: str = "",
    address: str = "",
    title: str = "",
    day: str = "",
    status: str = "",
    scale: Decimal | None = None,
) -> Reading:
    """The candidate prices of a file; raises UserError if none can be found, saying what was looked for."""
    text = read_text(path, FILE_BYTES_MAX)
    kind, page, found = _kind(text, path, models)
    said = Origin(
        title=clean(title or page.title or path.name),
        address=clean(address or page.address),
        date=clean(day or page.day),
        surface="",
        status="",
    )
    operator = _operator(said.address)
    origin = replace(said, surface=surface or operator or "anthropic", status=status or _grade(kind, operator, surface))
    setting = Setting(origin.surface, models, scale, scope or "global")
    candidates: list[Candidate]
    issues: list[Issue] = []
    if isinstance(found, Table):
        candidates = _of_table(found)
    elif found is not None:
        candidates, issues = _of_items(found, setting)
    else:
        candidates, issues = _of_page(page, setting)
    clear, doubts = _without_doubts(candidates)
    issues += doubts
    if not clear and not issues:
        raise UserError(
            path.name,
            f"{kind}: no price of a Claude model",
            "save the whole page, with a table of models and token kinds (input, output, cache …), or write a CSV",
        )
    return Reading(kind, origin, tuple(clear), tuple(issues))


def _kind(text: str, path: Path, models: Models) -> tuple[str, Page, Table | tuple[Item, ...] | None]:
    start = text.lstrip()[:1]
    if start == "<" and is_xml_feed(text):
        title, items = read_xml(text, path.name)
        return "feed", Page(title=title), items
    if start in {"{", "["}:
        document = parse_json(text, path.name)
        if is_json_feed(document):
            title, items = read_json(document)
            return "feed", Page(title=title, address=str(document.get("home_page_url", ""))), items
        return "table", Page(), read_table(path, models)
    if start == "<" or _MARKUP.search(text[:65_536]):
        return "page", read_page(text), None
    return "table", Page(), read_table(path, models)


def _operator(address: str) -> str:
    """The surface whose operator's page it is, empty if it is nobody's."""
    host = urlsplit(address if "//" in address else f"//{address}").hostname or ""
    return next((name for end, name in OPERATORS.items() if host == end or host.endswith(f".{end}")), "")


def _grade(kind: str, operator: str, surface: str) -> str:
    """First-hand and of the surface in question: documented. A stranger's table: unconfirmed. Else reported."""
    if kind != "table" and operator and surface in {"", operator}:
        return "documented"
    return "unconfirmed" if kind == "table" else "reported"


def _of_page(page: Page, setting: Setting) -> tuple[list[Candidate], list[Issue]]:
    found: list[Candidate] = []
    issues: list[Issue] = []
    for grid in page.grids:
        more, doubts = read_grid(grid, setting)
        found += more
        issues += doubts
    told = {candidate.place for candidate in found}
    found += [said for said in read_prose(page.paragraphs, setting) if said.place not in told]
    return found, issues


def _of_items(items: Sequence[Item], setting: Setting) -> tuple[list[Candidate], list[Issue]]:
    """The newest word on each place wins: a feed is a history."""
    newest: dict[tuple[object, ...], Candidate] = {}
    issues: list[Issue] = []
    for item in sorted(items, key=lambda item: item.day):
        page = read_page(item.body)
        page.paragraphs = [(item.title, text) for _, text in page.paragraphs]
        found, doubts = _of_page(page, setting)
        name = f"item {item.number} ({clean(item.title, 60)})"
        issues += [replace(doubt, where=f"{name}, {doubt.where}") for doubt in doubts]
        clear, unclear = _without_doubts(found)
        issues += [replace(doubt, where=f"{name}, {doubt.where}") for doubt in unclear]
        for one in clear:
            newest[one.place] = replace(one, where=f"{name}, {one.where}", said_on=item.day, link=clean(item.link))
    return list(newest.values()), issues


def _of_table(table: Table) -> list[Candidate]:
    return [
        Candidate(
            label=entry.key,
            model=entry.model,
            surface=entry.surface,
            scope=entry.scope,
            tier=entry.tier,
            unit=entry.unit,
            usd=entry.usd,
            where=entry.where,
            quote=clean(f"{entry.where}: {entry.usd:f}"),
            band=entry.band,
            said_on=entry.valid_from.isoformat() if entry.valid_from else "",
        )
        for entry in table.entries
        if entry.unit in TOKEN_UNITS and entry.valid_until is None
    ]


def _without_doubts(candidates: Sequence[Candidate]) -> tuple[list[Candidate], list[Issue]]:
    """Candidates that stand alone or repeat themselves; two prices for one thing are doubts, and neither is taken."""
    by_place: dict[tuple[object, ...], list[Candidate]] = {}
    for candidate in candidates:
        by_place.setdefault(candidate.place, []).append(candidate)
    clear, doubts = [], []
    for found in by_place.values():
        if len({candidate.usd for candidate in found}) == 1:
            clear.append(found[0])
            continue
        said = "; ".join(f"{candidate.usd:f} in {candidate.where}" for candidate in found[:4])
        first = found[0]
        doubts.append(
            Issue(
                f"{first.label}, {first.tier} {first.unit}",
                clean(said, 400),
                "two prices for one thing: keep the table that holds, or say in a CSV which scope or tier each is for",
            )
        )
    return clear, doubts
