"""A document as Markdown: every text escaped, drawings left out and said to be."""

from __future__ import annotations

from collections.abc import Iterator

from trivium.figures import markdown_text
from trivium.plan.report._document import Block, Cell, Document, Entry, Grid, Items, Text


def markdown(doc: Document) -> str:
    """The document as one Markdown text."""
    lines = [f"# {markdown_text(doc.title)}", "", markdown_text(doc.subtitle)]
    for section in doc.sections:
        lines += ["", f"{'#' * section.level} {markdown_text(section.title)}"]
        for block in section.blocks:
            lines += ["", *_lines(block)]
    return "\n".join([*lines, "", markdown_text(doc.foot), ""])


def _lines(block: Block) -> Iterator[str]:
    if isinstance(block, Text):
        yield _cell(block.cell)
    elif isinstance(block, Items):
        for number, item in enumerate(block.items):
            yield f"{f'{number + 1}.' if block.ordered else '-'} {_cell(item)}"
    elif isinstance(block, Grid):
        if block.title:
            yield f"**{markdown_text(block.title)}**"
            yield ""
        yield "| " + " | ".join(map(markdown_text, block.headers)) + " |"
        yield "|" + "|".join("---:" if side == "r" else "---" for side in block.align) + "|"
        for row in block.rows:
            yield "| " + " | ".join(map(_cell, row)) + " |"
    elif isinstance(block, Entry):
        yield f"- **{markdown_text(block.heading)}**"
        for line in block.lines:
            yield f"  {_cell(line)}  "
    else:
        yield f"(drawing: {markdown_text(block.caption.text)})"


def _cell(cell: Cell) -> str:
    text = markdown_text(cell.text)
    if cell.tone in {"strong", "good", "bad"} and text:
        text = f"**{text}**"
    refs = ", ".join(markdown_text(ref.text) for ref in cell.refs)
    return f"{text} ({refs})" if refs else text
