"""A ladder: what falls due by period in parts of different firmness, and beside it what may come in, as quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from trivium.core import UserError
from trivium.figures._axes import WIDTH_PX, finite, key, nothing, short, ticks
from trivium.figures._figure import TERMINAL_WIDTH, svg_element, svg_text
from trivium.figures._palette import DOWN, UP
from trivium.figures._table import Table
from trivium.figures._text import clip, one_line

_HEIGHT_PX, _LEFT_PX, _TOP_PX, _BOTTOM_PX = 290.0, 58.0, 26.0, 28.0
_STYLES = (
    (0.95, ""),
    (0.5, ""),
    (0.12, "5 3"),
)  # of the parts, the firmest first: opacity of the fill, dashes of the frame


@dataclass(frozen=True, slots=True)
class Comes:
    """What may come in, by period: low, middle and high."""

    name: str
    low: tuple[float, ...]
    middle: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Ladder:
    """Parts by period that add up, the firmest at the bottom."""

    title: str
    unit: str
    periods: tuple[str, ...]
    parts: tuple[tuple[str, tuple[float, ...]], ...]
    comes: Comes | None = None

    def terminal(self, width: int = TERMINAL_WIDTH) -> str:
        """A row a period, a column a part."""
        title = clip(one_line(f"{self.title} ({self.unit})"), width)
        if not self.periods:
            return f"{title}\n  (nothing to show)"
        headers = ["", *(name for name, _ in self.parts), *([self.comes.name] if self.comes else [])]
        rows = []
        for number, period in enumerate(self.periods):
            row = [period, *(short(values[number]) for _, values in self.parts)]
            if self.comes:
                row.append(f"{short(self.comes.low[number])} … {short(self.comes.high[number])}")
            rows.append(tuple(row))
        return Table(tuple(headers), tuple(rows), "l" + "r" * (len(headers) - 1), title).terminal(width)

    def svg(self) -> str:
        """Stacked bars, and beside each a line from low to high with a mark at the middle."""
        if not self.periods or not self.parts:
            return nothing(self.title)
        highest = max(sum(values[n] for _, values in self.parts) for n in range(len(self.periods)))
        scale = ticks(0.0, highest if self.comes is None else max(highest, _seen(self.comes, highest)))
        down = _HEIGHT_PX - _TOP_PX - _BOTTOM_PX
        per_unit = down / scale[-1]
        floor = _TOP_PX + down
        parts = [svg_text(0, 12, self.unit, opacity=0.7)]
        for value in scale:
            y = floor - value * per_unit
            parts.append(f'<path d="M{_LEFT_PX:g} {y:.1f}H{WIDTH_PX}" stroke="currentColor" opacity="0.13"/>')
            parts.append(svg_text(_LEFT_PX - 8, round(y + 4, 1), short(value), anchor="end", opacity=0.7))
        step = (WIDTH_PX - _LEFT_PX) / len(self.periods)
        wide = min(56.0, step * 0.5)
        for number, period in enumerate(self.periods):
            left = _LEFT_PX + (number + 0.5) * step - wide * (0.5 if self.comes is None else 0.75)
            parts += self._bar(number, left, wide, floor, per_unit)
            if self.comes is not None:
                parts.append(self._span(number, left + wide * 1.3, floor, per_unit, scale[-1]))
            middle = _LEFT_PX + (number + 0.5) * step
            parts.append(svg_text(round(middle, 1), _HEIGHT_PX - 8, one_line(period), anchor="middle", opacity=0.7))
        legend, taken = key(self._key(), _HEIGHT_PX + 6, _LEFT_PX, WIDTH_PX - _LEFT_PX)
        return svg_element(WIDTH_PX, _HEIGHT_PX + 6 + taken, self.title, self._described(), "".join([*parts, legend]))

    def _bar(self, number: int, left: float, wide: float, floor: float, per_unit: float) -> list[str]:
        parts, y, whole = [], floor, 0.0
        for (name, values), (opacity, dash) in zip(self.parts, _STYLES, strict=False):
            whole += values[number]
            tall = values[number] * per_unit
            if tall <= 0:
                continue
            y -= tall
            frame = f' stroke="{UP}" stroke-dasharray="{dash}"' if dash else ""
            title = escape(one_line(f"{self.periods[number]}, {name}: {short(values[number])} {self.unit}"))
            parts.append(
                f'<rect x="{left:.1f}" y="{y:.2f}" width="{wide:.1f}" height="{tall:.2f}" fill="{UP}" '
                f'fill-opacity="{opacity:g}"{frame}><title>{title}</title></rect>'
            )
        if whole:
            parts.append(svg_text(round(left + wide / 2, 1), round(y - 5, 1), short(whole), anchor="middle"))
        return parts

    def _span(self, number: int, x: float, floor: float, per_unit: float, top: float) -> str:
        comes = self.comes
        if comes is None:
            return ""
        low, middle, high = comes.low[number], comes.middle[number], comes.high[number]
        text = f"{self.periods[number]}, {comes.name}: {short(low)} · {short(middle)} · {short(high)} {self.unit}"
        beyond = high > top  # it leaves the picture: an arrow says so
        y_low, y_high = floor - min(low, top) * per_unit, floor - min(high, top) * per_unit
        drawn = [f'<path d="M{x:.1f} {y_low:.1f}V{y_high:.1f}" stroke="{DOWN}" stroke-width="4" opacity="0.55"/>']
        if beyond:
            drawn.append(f'<path d="M{x - 6:.1f} {y_high + 8:.1f}l6 -9l6 9Z" fill="{DOWN}"/>')
        if middle <= top:
            drawn.append(f'<circle cx="{x:.1f}" cy="{floor - middle * per_unit:.1f}" r="5" fill="{DOWN}"/>')
        return f"<g><title>{escape(one_line(text))}</title>{''.join(drawn)}</g>"

    def _key(self) -> list[tuple[str, str]]:
        entries = []
        for (name, _), (opacity, dash) in zip(self.parts, _STYLES, strict=False):
            frame = f' stroke="{UP}" stroke-dasharray="3 2"' if dash else ""
            entries.append((f'<rect width="14" height="12" fill="{UP}" fill-opacity="{opacity:g}"{frame}/>', name))
        if self.comes is not None:
            drawing = f'<path d="M7 0V12" stroke="{DOWN}" stroke-width="4" opacity="0.55"/>'
            drawing += f'<circle cx="7" cy="6" r="4" fill="{DOWN}"/>'
            entries.append((drawing, f"{self.comes.name} (an arrow: beyond the picture)"))
        return entries

    def _described(self) -> str:
        told = []
        for number, period in enumerate(self.periods):
            words = ", ".join(f"{name} {short(values[number])}" for name, values in self.parts)
            told.append(f"{period}: {words} {self.unit}")
        return "; ".join(told)


def _seen(comes: Comes, highest: float) -> float:
    """How high the picture reaches: all that comes in, but not so high that what falls due cannot be read."""
    return min(max(comes.high), 2.5 * highest)


def ladder(
    periods: Sequence[str],
    parts: Sequence[tuple[str, Sequence[float]]],
    *,
    comes: Comes | None = None,
    title: str = "",
    unit: str = "",
) -> Ladder:
    """A ladder of at most three parts, the firmest first. UserError for another length or an amount below zero."""
    if len(parts) > len(_STYLES):
        raise UserError("parts", len(parts), f"give at most {len(_STYLES)}")
    for name, values in parts:
        if len(values) != len(periods):
            raise UserError(name, len(values), f"give {len(periods)} values")
        if any(finite(value, name) < 0 for value in values):
            raise UserError(name, min(values), "parts of a whole are 0 or more")
    taken = tuple((name, tuple(values)) for name, values in parts)
    return Ladder(title, unit, tuple(periods), taken, comes)
