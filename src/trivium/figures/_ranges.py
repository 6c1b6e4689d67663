"""Ranges under each other on one logarithmic axis: low, point and high; and marks on one line before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

from trivium.core import UserError
from trivium.figures._axes import WIDTH_PX, finite, key, label, nothing, short, text_px, ticks
from trivium.figures._figure import TERMINAL_WIDTH, svg_element, svg_text
from trivium.figures._palette import MAIN, UP
from trivium.figures._table import Table
from trivium.figures._text import clip, one_line

_ROW_PX, _TOP_PX, _LABEL_PX = 30.0, 26.0, 250.0


@dataclass(frozen=True, slots=True)
class Between:
    """One range above 0, and its name."""

    name: str
    low: float
    point: float
    high: float


@dataclass(frozen=True, slots=True)
class RangeBars:
    """Ranges on a logarithmic axis: conflicting claims span powers of ten."""

    title: str
    unit: str
    rows: tuple[Between, ...]

    def terminal(self, width: int = TERMINAL_WIDTH) -> str:
        """A row a range."""
        rows = tuple((one.name, short(one.low), short(one.point), short(one.high)) for one in self.rows)
        title = clip(one_line(f"{self.title} ({self.unit})"), width)
        return Table(("", "low", "point", "high"), rows, "lrrr", title).terminal(width)

    def svg(self) -> str:
        """A bar from low to high, a dot at the point, the three figures beside it."""
        if not self.rows:
            return nothing(self.title)
        texts = [f"{short(one.low)} · {short(one.point)} · {short(one.high)}" for one in self.rows]
        right = WIDTH_PX - max(map(text_px, texts)) - 12
        first = floor(log10(min(one.low for one in self.rows)) + 1e-9)
        last = max(ceil(log10(max(one.high for one in self.rows)) - 1e-9), first + 1)

        def x(value: float) -> float:
            return _LABEL_PX + (right - _LABEL_PX) * (log10(value) - first) / (last - first)

        height = _TOP_PX + len(self.rows) * _ROW_PX
        parts = [svg_text(0, 14, self.unit, opacity=0.7)]
        for power in range(first, last + 1):
            place = x(10.0**power)
            parts.append(
                f'<path d="M{place:.1f} {_TOP_PX - 4:g}V{height:g}" stroke="currentColor" opacity="0.15"/>'
                + svg_text(round(place, 1), 14, short(10.0**power), anchor="middle", opacity=0.7)
            )
        for number, (one, text) in enumerate(zip(self.rows, texts, strict=True)):
            middle = _TOP_PX + (number + 0.5) * _ROW_PX
            title = escape(one_line(f"{one.name}: {text} {self.unit}"))
            parts.append(label(0, middle + 4, one.name, _LABEL_PX - 8))
            parts.append(
                f'<g><title>{title}</title><path d="M{x(one.low):.1f} {middle:.1f}H{x(one.high):.1f}" stroke="{MAIN}" '
                f'stroke-width="9" opacity="0.5"/><circle cx="{x(one.point):.1f}" cy="{middle:.1f}" r="5.5" '
                f'fill="{MAIN}"/></g>'
            )
            parts.append(svg_text(WIDTH_PX, round(middle + 4, 1), text, anchor="end"))
        described = "; ".join(f"{one.name}: {text}" for one, text in zip(self.rows, texts, strict=True))
        return svg_element(WIDTH_PX, height, self.title, f"{described} ({self.unit})", "".join(parts))


@dataclass(frozen=True, slots=True)
class Moved:
    """One row: the amount before, and after it at its best and at its worst."""

    name: str
    before: float
    best: float
    worst: float


@dataclass(frozen=True, slots=True)
class Dumbbells:
    """Where amounts go to, at best and at worst, from where they were."""

    title: str
    unit: str
    rows: tuple[Moved, ...]

    def terminal(self, width: int = TERMINAL_WIDTH) -> str:
        """A row each: before, best, worst."""
        rows = tuple((one.name, short(one.before), short(one.best), short(one.worst)) for one in self.rows)
        title = clip(one_line(f"{self.title} ({self.unit})"), width)
        return Table(("", "before", "best", "worst"), rows, "lrrr", title).terminal(width)

    def svg(self) -> str:
        """An upright tick before, a full dot at best, an empty one at worst."""
        if not self.rows:
            return nothing(self.title)
        values = [value for one in self.rows for value in (one.before, one.best, one.worst)]
        scale = ticks(min(0.0, *values), max(values))
        texts = [f"{short(one.before)} → {short(one.best)} · {short(one.worst)}" for one in self.rows]
        right = WIDTH_PX - max(map(text_px, texts)) - 16

        def x(value: float) -> float:
            return _LABEL_PX + (right - _LABEL_PX) * (value - scale[0]) / (scale[-1] - scale[0])

        height = _TOP_PX + len(self.rows) * _ROW_PX
        parts = [svg_text(0, 14, self.unit, opacity=0.7)]
        for value in scale:
            faint = 0.35 if value == 0 else 0.15
            parts.append(
                f'<path d="M{x(value):.1f} {_TOP_PX - 4:g}V{height:g}" stroke="currentColor" opacity="{faint}"/>'
                + svg_text(round(x(value), 1), 14, short(value), anchor="middle", opacity=0.7)
            )
        for number, (one, text) in enumerate(zip(self.rows, texts, strict=True)):
            middle = _TOP_PX + (number + 0.5) * _ROW_PX
            title = escape(
                one_line(f"{one.name}: before {short(one.before)}, best {short(one.best)}, worst {short(one.worst)}")
            )
            ends = sorted((one.before, one.worst, one.best))
            parts.append(label(0, middle + 4, one.name, _LABEL_PX - 14))
            parts.append(
                f'<g><title>{title}</title><path d="M{x(ends[0]):.1f} {middle:.1f}H{x(ends[-1]):.1f}" stroke="{UP}" '
                f'stroke-width="3" opacity="0.5"/><path d="M{x(one.before):.1f} {middle - 8:.1f}v16" '
                f'stroke="currentColor" stroke-width="2"/><circle cx="{x(one.worst):.1f}" cy="{middle:.1f}" r="6.5" '
                f'fill="none" stroke="{UP}" stroke-width="2"/><circle cx="{x(one.best):.1f}" cy="{middle:.1f}" r="4" '
                f'fill="{UP}"/></g>'
            )
            parts.append(svg_text(WIDTH_PX, round(middle + 4, 1), text, anchor="end"))
        entries = [
            ('<path d="M7 0v12" stroke="currentColor" stroke-width="2"/>', "before"),
            (f'<circle cx="7" cy="6" r="4" fill="{UP}"/>', "best equilibrium"),
            (f'<circle cx="7" cy="6" r="5.5" fill="none" stroke="{UP}" stroke-width="2"/>', "worst equilibrium"),
        ]
        legend, taken = key(entries, height + 8)
        described = "; ".join(f"{one.name}: {text}" for one, text in zip(self.rows, texts, strict=True))
        return svg_element(WIDTH_PX, height + 8 + taken, self.title, described, "".join([*parts, legend]))


def range_bars(rows: Sequence[Between], *, title: str = "", unit: str = "") -> RangeBars:
    """Ranges; UserError if one is not above 0 and in order."""
    for one in rows:
        if not 0 < one.low <= one.point <= finite(one.high, one.name):
            raise UserError(one.name, f"{one.low} {one.point} {one.high}", "give low, point and high above 0, in order")
    return RangeBars(title, unit, tuple(rows))


def dumbbells(rows: Sequence[Moved], *, title: str = "", unit: str = "") -> Dumbbells:
    """Before, best and worst; UserError if an amount is not finite."""
    for one in rows:
        for value in (one.before, one.best, one.worst):
            finite(value, one.name)
    return Dumbbells(title, unit, tuple(rows))
