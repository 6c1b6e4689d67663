"""Tables: columns aligned by what they hold, numbers never cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from trivium.core import UserError
from trivium.figures._figure import TERMINAL_WIDTH
from trivium.figures._text import clip, one_line, pad, width_of

_GAP = "  "
_TEXT_WIDTH_MIN = 6


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under headers. `align` has one letter a column: l for text, r for numbers."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    align: str
    title: str = ""
    total: tuple[str, ...] = ()  # a last row under a line

    def terminal(self, width: int = TERMINAL_WIDTH) -> str:
        """The table in at most `width` columns: text is shortened where it must be, numbers are not."""
        widths = self._widths(width)
        lines = [self.title] if self.title else []
        lines.append(self._line(self.headers, widths))
        rule = _GAP.join("─" * column for column in widths)
        lines.append(rule)
        lines += [self._line(row, widths) for row in self.rows]
        if self.total:
            lines += [rule, self._line(self.total, widths)]
        return "\n".join(lines)

    def html(self) -> str:
        """The table as an HTML element."""

        def cells(row: Sequence[str], tag: str) -> str:
            styled = (
                f'<{tag} style="text-align:{"right" if side == "r" else "left"}">{escape(cell)}</{tag}>'
                for cell, side in zip(row, self.align, strict=True)
            )
            return f"<tr>{''.join(styled)}</tr>"

        caption = f"<caption>{escape(self.title)}</caption>" if self.title else ""
        body = "".join(cells(row, "td") for row in self.rows)
        foot = f"<tfoot>{cells(self.total, 'td')}</tfoot>" if self.total else ""
        return f"<table>{caption}<thead>{cells(self.headers, 'th')}</thead><tbody>{body}</tbody>{foot}</table>"

    @property
    def width(self) -> int:
        """How many columns the table takes if nothing is shortened."""
        widths = self._natural()
        return sum(widths) + len(_GAP) * (len(widths) - 1)

    def _natural(self) -> list[int]:
        everything = [self.headers, *self.rows, *([self.total] if self.total else [])]
        return [max(width_of(one_line(row[column])) for row in everything) for column in range(len(self.headers))]

    def _widths(self, width: int) -> list[int]:
        widths = self._natural()
        excess = sum(widths) + len(_GAP) * (len(widths) - 1) - width
        while excess > 0:
            texts = [
                number for number, side in enumerate(self.align) if side == "l" and widths[number] > _TEXT_WIDTH_MIN
            ]
            if not texts:
                break  # only numbers are left: they stay whole
            widths[max(texts, key=lambda number: widths[number])] -= 1
            excess -= 1
        return widths

    def _line(self, row: Sequence[str], widths: Sequence[int]) -> str:
        cells = []
        for cell, side, column in zip(row, self.align, widths, strict=True):
            text = one_line(cell)
            cells.append(pad(text if side == "r" else clip(text, column), column, right=side == "r"))
        return _GAP.join(cells).rstrip()


def table(
    headers: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    align: str | None = None,
    title: str = "",
    total: Sequence[str] = (),
) -> Table:
    """A table; without `align` every column is text. UserError if a row has another width than the headers."""
    sides = "l" * len(headers) if align is None else align
    if len(sides) != len(headers) or set(sides) - {"l", "r"}:
        raise UserError("align", sides, f"give {len(headers)} letters, each l or r")
    taken = tuple(tuple(row) for row in rows)
    for number, row in enumerate([*taken, *([tuple(total)] if total else [])]):
        if len(row) != len(headers):
            raise UserError(f"row {number}", len(row), f"give {len(headers)} cells")
    return Table(tuple(headers), taken, sides, title, tuple(total))
