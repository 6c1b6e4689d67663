"""Horizontal bars: amounts beside each other, from one zero line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from html import escape

from trivium.figures._figure import TERMINAL_WIDTH, Number, exact, number_text, svg_element, svg_text
from trivium.figures._text import clip, one_line, pad, width_of

_EIGHTHS = " ▏▎▍▌▋▊▉"
_FULL, _NEGATIVE, _ZERO = "█", "▓", "│"
_LABEL_SHARE_MAX = 0.45
_BAR_COLUMNS_MIN = 8
_ROW_PX, _BAR_PX, _CHARACTER_PX, _WIDTH_PX = 26, 16, 7.2, 720
_FILL, _FILL_NEGATIVE = "#3b6fb6", "#b5563b"  # told apart by their side of the zero line as well


@dataclass(frozen=True, slots=True)
class Bar:
    """One amount; None is unknown and gets no bar. `text` is what is written beside it."""

    label: str
    value: Number | None
    text: str = ""

    @property
    def shown(self) -> str:
        """What is written beside the bar."""
        return self.text or number_text(self.value)


@dataclass(frozen=True, slots=True)
class BarChart:
    """Bars on one scale."""

    title: str
    bars: tuple[Bar, ...]

    def terminal(self, width: int = TERMINAL_WIDTH) -> str:
        """Label, bar in eighths of a column, amount; negative amounts lie left of the zero line."""
        if not self.bars:
            return "\n".join([*([self.title] if self.title else []), "  (nothing to show)"])
        label_width = max(width_of(one_line(bar.label)) for bar in self.bars)
        text_width = max(width_of(one_line(bar.shown)) for bar in self.bars)
        spare = width - text_width - 4 - _BAR_COLUMNS_MIN  # a label gives way before a bar or an amount does
        label_width = min(label_width, max(4, min(int(width * _LABEL_SHARE_MAX), spare)))
        room = max(_BAR_COLUMNS_MIN, width - label_width - text_width - 4)
        low, high = self._range()
        left = 0 if low == 0 else min(room - 2, max(1, round(room * -low / (high - low))))
        right = room - left - (1 if left else 0)
        lines = [clip(one_line(self.title), width)] if self.title else []
        for bar in self.bars:
            label = pad(clip(one_line(bar.label), label_width), label_width)
            drawn = _drawn(bar, (low, high), (left, right))
            lines.append(f"  {label} {drawn} {pad(one_line(bar.shown), text_width, right=True)}".rstrip())
        return "\n".join(lines)

    def svg(self) -> str:
        """The same bars as an inline SVG element."""
        low, high = self._range()
        label_px = min(280.0, max((width_of(bar.label) for bar in self.bars), default=0) * _CHARACTER_PX + 8)
        text_px = max((width_of(bar.shown) for bar in self.bars), default=0) * _CHARACTER_PX + 8
        scale_px = max(60.0, _WIDTH_PX - label_px - text_px)
        span = (high - low) or Fraction(1)
        zero_px = label_px + float(-low / span) * scale_px
        parts = []
        for number, bar in enumerate(self.bars):
            top = number * _ROW_PX + 4
            middle = top + _BAR_PX - 3
            parts.append(svg_text(0, middle, clip(one_line(bar.label), int(label_px / _CHARACTER_PX)), opacity=0.85))
            value = Fraction(0) if bar.value is None else exact(bar.value, bar.label)
            length_px = float(abs(value) / span) * scale_px
            start_px = zero_px - length_px if value < 0 else zero_px
            fill = _FILL_NEGATIVE if value < 0 else _FILL
            parts.append(
                f'<rect x="{start_px:.2f}" y="{top:g}" width="{length_px:.2f}" height="{_BAR_PX}" rx="2" fill="{fill}">'
                f"<title>{escape(one_line(bar.label))}: {escape(bar.shown)}</title></rect>"
            )
            parts.append(svg_text(max(zero_px, start_px + length_px) + 6, middle, one_line(bar.shown)))
        height = max(1, len(self.bars)) * _ROW_PX + 6
        if low < 0:
            parts.append(f'<path d="M{zero_px:.2f} 0V{height}" stroke="currentColor" opacity="0.4"/>')
        description = "; ".join(f"{bar.label}: {bar.shown}" for bar in self.bars) or "nothing to show"
        return svg_element(_WIDTH_PX, height, self.title or "bar chart", description, "".join(parts))

    def _range(self) -> tuple[Fraction, Fraction]:
        values = [exact(bar.value, bar.label) for bar in self.bars if bar.value is not None]
        return min([*values, Fraction(0)]), max([*values, Fraction(0)])


def bar_chart(
    rows: Iterable[Bar | tuple[str, Number | None] | tuple[str, Number | None, str]], *, title: str = ""
) -> BarChart:
    """A bar chart from bars, or from (label, value) or (label, value, text)."""
    return BarChart(title, tuple(row if isinstance(row, Bar) else Bar(*row) for row in rows))


def _drawn(bar: Bar, scale: tuple[Fraction, Fraction], columns: tuple[int, int]) -> str:
    low, high = scale
    left, right = columns
    value = Fraction(0) if bar.value is None else exact(bar.value, bar.label)
    if value < 0:
        length = max(1, round(left * value / low))
        return pad(_NEGATIVE * length, left, right=True) + _ZERO + " " * right
    before = " " * left + (_ZERO if left else "")
    if value == 0:
        return before + " " * right
    eighths = max(1, round(right * 8 * value / high))  # the smallest amount is still seen
    whole, part = divmod(eighths, 8)
    return before + pad(_FULL * whole + (_EIGHTHS[part] if part else ""), right)
