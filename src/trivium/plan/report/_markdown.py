"""A document as Markdown: every text escaped, drawings left out and said to be."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trivium.figures import one_line
from trivium.plan.report._document import Block, Cell, Document, Entry, Grid, Items, Text

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&])")


def markdown(doc: Document) -> str:
    """The document as one Markdown text."""
    lines = [f"# {_escaped(doc.title)}", "", _escaped(doc.subtitle)]
    for section in doc.sections:
        lines += ["", f"{'#' * section.level} {_escaped(section.title)}"]
        for block in section.blocks:
            lines += ["", *_lines(block)]
    return "\n".join([*lines, "", _escaped(doc.foot), ""])


def _lines(block: Block) -> Iterator[str]:
    if isinstance(block, Text):
        yield _cell(block.cell)
    elif isinstance(block, Items):
        for number, item in enumerate(block.items):
            yield f"{f'{number + 1}.' if block.ordered else '-'} {_cell(item)}"
    elif isinstance(block, Grid):
        if block.title:
            yield f"**{_escaped(block.title)}**"
            yield ""
        yield "| " + " | ".join(map(_escaped, block.headers)) + " |"
        yield "|" + "|".join("---:" if side == "r" else "---" for side in block.align) + "|"
        for row in block.rows:
            yield "| " + " | ".join(map(_cell, row)) + " |"
    elif isinstance(block, Entry):
        yield f"- **{_escaped(block.heading)}**"
        for line in block.lines:
            yield f"  {_cell(line)}  "
    else:
        yield f"(drawing: {_escaped(block.caption.text)})"


def _cell(cell: Cell) -> str:
    text = _escaped(cell.text)
    if cell.tone in {"strong", "good", "bad"} and text:
        text = f"**{text}**"
    refs = ", ".join(_escaped(ref.text) for ref in cell.refs)
    return f"{text} ({refs})" if refs else text


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", one_line(text))
