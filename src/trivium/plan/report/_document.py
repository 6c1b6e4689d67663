"""A report as a value: sections of paragraphs, lists, tables, charts and entries, whatever it is printed as.

Page and print are made from the same document, so they say the same. Text is plain: a printer escapes it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference to what a statement rests on: its text, and the anchor it leads to (empty: none)."""

    text: str
    anchor: str = ""
    hint: str = ""  # said when pointed at


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of text with its references; `tone` is "", "strong", "faint", "good" or "bad"."""

    text: str
    refs: tuple[Ref, ...] = ()
    tone: str = ""
    anchor: str = ""  # where the text itself leads


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; `role` is "", "lead" or "note"."""

    cell: Cell
    role: str = ""
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class Items:
    """A list; `ordered` numbers it."""

    items: tuple[Cell, ...]
    ordered: bool = False
    kind: str = "items"


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; `align` has a letter a column (l or r), `anchors` one for each row that can be led to."""

    headers: tuple[str, ...]
    align: str
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    anchors: tuple[str, ...] = ()
    weights: tuple[int, ...] = ()  # relative widths in print; empty: by content
    kind: str = "grid"

    @property
    def numbered(self) -> tuple[tuple[str, tuple[Cell, ...]], ...]:
        """The rows with their anchors."""
        return tuple(zip(self.anchors or ("",) * len(self.rows), self.rows, strict=True))


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing and what it shows."""

    svg: str
    caption: Cell
    kind: str = "chart"


@dataclass(frozen=True, slots=True)
class Entry:
    """A small item with a heading and lines beneath: a claim with its sources."""

    anchor: str
    heading: str
    lines: tuple[Cell, ...]
    kind: str = "entry"


Block = Text | Items | Grid | Chart | Entry


@dataclass(frozen=True, slots=True)
class Section:
    """A part with a heading; `level` 2 for parts, 3 within them; `opens_page` in print."""

    anchor: str
    title: str
    level: int
    blocks: tuple[Block, ...]
    opens_page: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """The whole report."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]
    foot: str
    day: str
