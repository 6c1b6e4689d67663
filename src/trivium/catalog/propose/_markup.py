"""Tables and paragraphs of a saved page: linear in its size, whatever stands in it; nothing is loaded or run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)([^<>]*)>")
_ATTRIBUTE = re.compile(r"([a-zA-Z:-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
_SAVED = re.compile(r"saved from url=\(\d+\)(\S+)")
_SPAN = re.compile(r"[0-9]{1,3}")
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6", "caption"}
_BLOCKS = {
    "p",
    "li",
    "div",
    "section",
    "article",
    "br",
    "tr",
    "table",
    "dd",
    "dt",
    "ul",
    "ol",
    "figcaption",
    *_HEADINGS,
}
_SILENT = {"script", "style", "noscript", "template", "svg"}
_SPAN_MAX = 60
_CELLS_MAX = 100_000


@dataclass
class Grid:
    """One table: its cells with spans filled in, the heading above it and the paragraph before it."""

    number: int
    heading: str
    before: str
    rows: list[list[str]] = field(default_factory=list)


@dataclass
class Page:
    """What a page says: title, address and day where it states them, tables, paragraphs with their heading."""

    title: str = ""
    address: str = ""
    day: str = ""
    grids: list[Grid] = field(default_factory=list)
    paragraphs: list[tuple[str, str]] = field(default_factory=list)


def read_page(text: str) -> Page:
    """The page in a text; what is not markup is text."""
    page = Page()
    saved = _SAVED.search(text[:4096])
    if saved:
        page.address = saved[1]
    _Reader(page).read(_without_comments(text))
    return page


def _without_comments(text: str) -> str:
    kept, start = [], 0
    while (opened := text.find("<!--", start)) >= 0:
        kept.append(text[start:opened])
        closed = text.find("-->", opened + 4)
        if closed < 0:
            return "".join(kept)
        start = closed + 3
    kept.append(text[start:])
    return "".join(kept)


def _attributes(text: str) -> dict[str, str]:
    found = _ATTRIBUTE.findall(text[:2000])
    return {name.lower(): unescape(one or two or three) for name, one, two, three in found}


class _Reader:
    """Walks over tags once, keeping the block, the heading and the table it is in."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.heading = ""
        self.last_paragraph = ""
        self.block: list[str] = []
        self.block_tag = ""
        self.silent = ""
        self.grid: Grid | None = None
        self.row: list[str] | None = None
        self.cell: list[str] | None = None
        self.spans: dict[tuple[int, int], str] = {}
        self.cell_span = (1, 1)
        self.cells = 0

    def read(self, text: str) -> None:
        """Take the whole text."""
        for plain, closing, tag, attributes in _tokens(text):
            if self.silent:
                if closing and tag == self.silent:
                    self.silent = ""
                continue
            if plain:
                self._text(plain)
            if not tag:
                continue
            if tag in _SILENT:
                self.silent = "" if closing else tag
            elif closing:
                self._close(tag)
            else:
                self._open(tag, attributes)
        self._flush()
        self._end_table()

    def _text(self, text: str) -> None:
        (self.block if self.cell is None else self.cell).append(unescape(text))

    def _open(self, tag: str, text: str) -> None:
        if tag in {"meta", "link", "time", "base"}:
            self._say(tag, _attributes(text))
        elif tag == "table":
            self._flush()
            self._end_table()
            self.grid = Grid(len(self.page.grids) + 1, self.heading, self.last_paragraph)
            self.spans = {}
        elif tag == "tr" and self.grid is not None:
            self._end_row()
            self.row = []
        elif tag in {"td", "th"} and self.row is not None:
            self._end_cell()
            self.cell = []
            given = _attributes(text)
            self.cell_span = (_span(given.get("colspan", "1")), _span(given.get("rowspan", "1")))
        elif self.cell is not None:
            if tag == "br":
                self.cell.append(" ")
        elif tag in _BLOCKS or tag == "title":
            self._flush()
            self.block_tag = tag

    def _close(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self._end_cell()
        elif tag == "tr":
            self._end_row()
        elif tag == "table":
            self._end_table()
        elif self.cell is not None:
            self.cell.append(" ")
        elif tag in _BLOCKS or tag == "title":
            self._flush()

    def _say(self, tag: str, given: dict[str, str]) -> None:
        name = (given.get("property") or given.get("name") or given.get("rel") or "").lower()
        if tag == "link" and name == "canonical":
            self.page.address = given.get("href", "")
        elif tag == "meta" and name == "og:url" and not self.page.address:
            self.page.address = given.get("content", "")
        elif tag == "meta" and name.endswith(("modified_time", "published_time", "last-modified")):
            self.page.day = given.get("content", "")[:10]
        elif tag == "time" and not self.page.day:
            self.page.day = given.get("datetime", "")[:10]

    def _flush(self) -> None:
        text = " ".join("".join(self.block).split())
        self.block = []
        if not text:
            return
        if self.block_tag == "title":
            self.page.title = self.page.title or text
        elif self.block_tag in _HEADINGS:
            self.heading = text
            if self.grid is not None:
                self.grid.heading = f"{self.grid.heading}: {text}" if self.grid.heading else text
        else:
            self.last_paragraph = text
            self.page.paragraphs.append((self.heading, text))
        self.block_tag = ""

    def _end_cell(self) -> None:
        if self.cell is None or self.row is None or self.grid is None:
            return
        text = " ".join("".join(self.cell).split())
        self.cell = None
        across, down = self.cell_span
        self.cells += across * down
        if self.cells > _CELLS_MAX:
            return
        line = len(self.grid.rows)
        self._fill(line)
        for _ in range(across):
            for below in range(1, down):
                self.spans[line + below, len(self.row)] = text
            self.row.append(text)

    def _fill(self, line: int) -> None:
        """Cells that reach down from rows above."""
        while self.row is not None and (line, len(self.row)) in self.spans:
            self.row.append(self.spans.pop((line, len(self.row))))

    def _end_row(self) -> None:
        self._end_cell()
        if self.row is not None and self.grid is not None:
            self._fill(len(self.grid.rows))
            if self.row:
                self.grid.rows.append(self.row)
        self.row = None

    def _end_table(self) -> None:
        self._end_row()
        if self.grid is not None and self.grid.rows:
            self.page.grids.append(self.grid)
        self.grid = None
        self.last_paragraph = ""


def _tokens(text: str) -> Iterator[tuple[str, bool, str, str]]:
    """(text before, closing?, tag, attributes) of every tag, then the rest."""
    place = 0
    for tag in _TAG.finditer(text):
        yield text[place : tag.start()], bool(tag[1]), tag[2].lower(), tag[3]
        place = tag.end()
    yield text[place:], False, "", ""


def _span(text: str) -> int:
    return max(1, min(int(text), _SPAN_MAX)) if _SPAN.fullmatch(text) else 1
