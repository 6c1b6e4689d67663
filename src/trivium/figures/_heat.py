"""A heat map of amounts: the row pays, the column receives; a dashed frame where not all of it is sure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import log10

from trivium.core import UserError
from trivium.figures._axes import WIDTH_PX, finite, fit, key, nothing, short, swatch, text_px
from trivium.figures._figure import TERMINAL_WIDTH, svg_element, svg_text
from trivium.figures._palette import MAIN
from trivium.figures._table import Table
from trivium.figures._text import clip, one_line

_ROW_PX, _LABEL_PX_MAX, _HEAD_PX_MAX, _COLUMN_PX_MAX = 27.0, 170.0, 124.0, 72.0
_SLANT = 0.72
_DECADES = 3.0  # from the largest amount down to the faintest shade
_DARK = 0.55  # from which shade on the figure is written in white


@dataclass(frozen=True, slots=True)
class Heat:
    """One cell: the amount, what to say of it, whether part of it is less than contracted, where a click leads."""

    amount: float
    text: str = ""
    unsure: bool = False
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Amounts by row and column; a missing cell is nothing known, which is not zero."""

    title: str
    unit: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: Mapping[tuple[str, str], Heat]
    unsure_means: str

    def terminal(self, width: int = TERMINAL_WIDTH) -> str:
        """A row a cell, the largest first: a grid would not fit."""
        title = clip(one_line(f"{self.title} ({self.unit})"), width)
        if not self.cells:
            return f"{title}\n  (nothing to show)"
        rows = tuple(
            (row, column, short(cell.amount), self.unsure_means if cell.unsure else "")
            for (row, column), cell in sorted(self.cells.items(), key=lambda pair: -pair[1].amount)
        )
        return Table(("pays", "receives", self.unit, ""), rows, "llrl", title).terminal(width)

    def svg(self) -> str:
        """Shaded cells with the amount in each; shades go by the logarithm."""
        if not self.cells:
            return nothing(self.title)
        most = max(cell.amount for cell in self.cells.values()) or 1.0
        labels = min(_LABEL_PX_MAX, max(text_px(row) for row in self.rows) + 10)
        head = min(_HEAD_PX_MAX, max(text_px(column) for column in self.columns) * _SLANT + 16)
        wide = min(_COLUMN_PX_MAX, (WIDTH_PX - labels - 0.7 * head) / len(self.columns))
        parts = [svg_text(0, head - 8, "pays ↓  receives →", opacity=0.65)]
        for number, column in enumerate(self.columns):
            shown = fit(column, (head - 12) / _SLANT)
            left = labels + (number + 0.5) * wide
            parts.append(
                f'<text transform="translate({left:.1f} {head - 6:.1f}) rotate(-46)" opacity="0.85">'
                f"{escape(shown)}</text>"
            )
        for line, row in enumerate(self.rows):
            top = head + line * _ROW_PX
            parts.append(svg_text(0, round(top + 18, 1), fit(row, labels - 6)))
            for number, column in enumerate(self.columns):
                place = (labels + number * wide, top, wide)
                parts.append(self._cell(row, column, place, most))
        bottom = head + len(self.rows) * _ROW_PX
        entries = [(swatch(MAIN, shade(most / by, most)), f"{short(most / by)} {self.unit}") for by in (1, 10, 100)]
        if any(cell.unsure for cell in self.cells.values()):
            entries.append(
                (
                    '<rect width="14" height="12" fill="none" stroke="currentColor" stroke-dasharray="3 2"/>',
                    self.unsure_means,
                )
            )
        legend, taken = key(entries, bottom + 10)
        described = "; ".join(
            f"{row} pays {column} {short(cell.amount)} {self.unit}" for (row, column), cell in self.cells.items()
        )
        return svg_element(WIDTH_PX, bottom + 10 + taken, self.title, described, "".join([*parts, legend]))

    def _cell(self, row: str, column: str, place: tuple[float, float, float], most: float) -> str:
        left, top, wide = place
        box = f'x="{left + 1:.1f}" y="{top + 1:.1f}" width="{wide - 2:.1f}" height="{_ROW_PX - 2:g}" rx="2"'
        cell = self.cells.get((row, column))
        if cell is None:
            fill = (
                'fill="currentColor" fill-opacity="0.14"'
                if row == column
                else 'fill="currentColor" fill-opacity="0.035"'
            )
            return f"<rect {box} {fill}/>"
        depth = shade(cell.amount, most)
        ink = "#ffffff" if depth > _DARK else "currentColor"
        frame = ' stroke="currentColor" stroke-dasharray="4 3"' if cell.unsure else ""
        text = escape(one_line(f"{row} pays {column}: {short(cell.amount)} {self.unit}. {cell.text}"))
        size = ' font-size="11"' if wide < 38 else ""  # noqa: PLR2004  four digits at 13 px
        drawn = (
            f'<g><title>{text}</title><rect {box} fill="{MAIN}" fill-opacity="{depth:.2f}"{frame}/>'
            f'<text x="{left + wide / 2:.1f}" y="{top + 18:.1f}" text-anchor="middle" fill="{ink}"{size}>'
            f"{short(cell.amount)}</text></g>"
        )
        return f'<a href="#{escape(cell.anchor)}">{drawn}</a>' if cell.anchor else drawn


def shade(amount: float, most: float) -> float:
    """How dark an amount is drawn, from 0.12 to 0.95, by its logarithm over three decades."""
    if amount <= 0:
        return 0.12
    return 0.12 + 0.83 * max(0.0, 1 + log10(amount / most) / _DECADES)


def heat_map(
    cells: Mapping[tuple[str, str], Heat],
    *,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    title: str = "",
    unit: str = "",
    unsure_means: str = "",
) -> HeatMap:
    """A heat map; rows and columns not given come in the order of the cells. UserError for amounts below zero."""
    for (row, column), cell in cells.items():
        if finite(cell.amount, f"{row} to {column}") < 0:
            raise UserError(f"{row} to {column}", cell.amount, "give 0 or more")
    across = tuple(dict.fromkeys([*columns, *(column for _, column in cells)]))
    down = tuple(dict.fromkeys([*rows, *(row for row, _ in cells)]))
    return HeatMap(title, unit, down, across, dict(cells), unsure_means)
