"""A matrix of states: what runs where, what could, and what is excluded and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from html import escape

from trivium.core import UserError
from trivium.figures._axes import WIDTH_PX, fit, key, nothing, text_px
from trivium.figures._figure import TERMINAL_WIDTH, svg_element, svg_text
from trivium.figures._palette import DOWN, MAIN, NEUTRAL
from trivium.figures._text import clip, one_line, pad, width_of

_ROW_PX, _COLUMN_PX_MAX, _LABEL_PX_MAX = 26.0, 74.0, 220.0
_HEAD_PX_MAX = 130.0
_SLANT = 0.62  # of a heading's length that its slanted form is high


class State(Enum):
    """What a cell says; the value is its word."""

    RUNS = "runs here"
    COULD = "could run here"
    EXCLUDED = "excluded"
    UNKNOWN = "not looked at"


_GLYPHS = {State.RUNS: "●", State.COULD: "○", State.EXCLUDED: "×", State.UNKNOWN: "·"}  # noqa: RUF001  a cross
_FILLS = {State.RUNS: MAIN, State.COULD: DOWN, State.EXCLUDED: NEUTRAL, State.UNKNOWN: NEUTRAL}
_SHADES = {State.RUNS: 1.0, State.COULD: 0.3, State.EXCLUDED: 0.14, State.UNKNOWN: 0.0}


@dataclass(frozen=True, slots=True)
class Square:
    """One cell: its state, and in words why."""

    state: State
    why: str = ""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows and columns by name; a missing cell was not looked at."""

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: Mapping[tuple[str, str], Square]

    def at(self, row: str, column: str) -> Square:
        """The cell."""
        return self.cells.get((row, column), Square(State.UNKNOWN))

    def terminal(self, width: int = TERMINAL_WIDTH) -> str:
        """A sign a cell under numbered columns, whose names stand beneath."""
        lines = [clip(one_line(self.title), width)] if self.title else []
        if not self.rows or not self.columns:
            return "\n".join([*lines, "  (nothing to show)"])
        names = min(max(width_of(one_line(row)) for row in self.rows), max(8, width // 3))
        lines.append(" " * (names + 2) + "".join(f"{number + 1:>3}" for number in range(len(self.columns))))
        for row in self.rows:
            signs = "".join(f"  {_GLYPHS[self.at(row, column).state]}" for column in self.columns)
            lines.append(f"  {pad(clip(one_line(row), names), names)}{signs}")
        lines += [clip(f"  {number + 1:>2} {one_line(name)}", width) for number, name in enumerate(self.columns)]
        lines.append("  " + "  ".join(f"{_GLYPHS[state]} {state.value}" for state in State))
        return "\n".join(lines)

    def svg(self) -> str:
        """Squares with a sign each; the reason shows when pointed at."""
        if not self.rows or not self.columns:
            return nothing(self.title)
        labels = min(_LABEL_PX_MAX, max(text_px(row) for row in self.rows) + 12)
        head = min(_HEAD_PX_MAX, max(text_px(column) for column in self.columns) * _SLANT + 14)
        wide = min(_COLUMN_PX_MAX, (WIDTH_PX - labels - 0.75 * head) / len(self.columns))
        parts = []
        for number, column in enumerate(self.columns):
            left, shown = labels + (number + 0.5) * wide, fit(column, (head - 10) / _SLANT)
            parts.append(
                f'<text transform="translate({left:.1f} {head - 6:.1f}) rotate(-40)" opacity="0.85">'
                f"{escape(shown)}</text>"
            )
        for line, row in enumerate(self.rows):
            top = head + line * _ROW_PX
            parts.append(svg_text(0, round(top + 16, 1), fit(row, labels - 8)))
            for number, column in enumerate(self.columns):
                parts.append(_square(self.at(row, column), f"{row} on {column}", labels + number * wide, top, wide))
        bottom = head + len(self.rows) * _ROW_PX
        entries = [(_sample(state), state.value) for state in State]
        legend, taken = key(entries, bottom + 10)
        return svg_element(
            WIDTH_PX, bottom + 10 + taken, self.title or "matrix", self._described(), "".join([*parts, legend])
        )

    def _described(self) -> str:
        told = []
        for row in self.rows:
            for column in self.columns:
                cell = self.at(row, column)
                if cell.state is not State.UNKNOWN:
                    told.append(f"{row} on {column}: {cell.state.value}" + (f" ({cell.why})" if cell.why else ""))
        return "; ".join(told) or "nothing was looked at"


def matrix(
    rows: Sequence[str], columns: Sequence[str], cells: Mapping[tuple[str, str], Square], *, title: str = ""
) -> Matrix:
    """A matrix; UserError if a cell is in no row or column, or if a name occurs twice."""
    for names, field in ((rows, "rows"), (columns, "columns")):
        if len(set(names)) != len(names):
            raise UserError(field, ", ".join(names), "give each name once")
    stray = next(((row, column) for row, column in cells if row not in rows or column not in columns), None)
    if stray is not None:
        raise UserError("cells", str(stray), "give cells of the rows and columns only")
    return Matrix(title, tuple(rows), tuple(columns), dict(cells))


def _square(cell: Square, name: str, left: float, top: float, wide: float) -> str:
    title = escape(one_line(f"{name}: {cell.state.value}" + (f". {cell.why}" if cell.why else "")))
    ink = "#ffffff" if cell.state is State.RUNS else "currentColor"
    return (
        f'<g><title>{title}</title><rect x="{left + 1:.1f}" y="{top + 1:.1f}" width="{wide - 2:.1f}" '
        f'height="{_ROW_PX - 2:g}" rx="3" fill="{_FILLS[cell.state]}" fill-opacity="{_SHADES[cell.state]:g}"/>'
        f'<text x="{left + wide / 2:.1f}" y="{top + 17:.1f}" text-anchor="middle" fill="{ink}">'
        f"{_GLYPHS[cell.state]}</text></g>"
    )


def _sample(state: State) -> str:
    ink = "#ffffff" if state is State.RUNS else "currentColor"
    return (
        f'<rect width="14" height="14" rx="2" fill="{_FILLS[state]}" fill-opacity="{_SHADES[state]:g}"/>'
        f'<text x="7" y="11.5" text-anchor="middle" font-size="11" fill="{ink}">{_GLYPHS[state]}</text>'
    )
