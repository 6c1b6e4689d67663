"""A curve with a band: an amount over a level one may choose, its mean and where nine in ten cases lie."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from trivium.figures._axes import WIDTH_PX, finite, key, label, nothing, sampled, short, spaced, swatch, ticks
from trivium.figures._figure import TERMINAL_WIDTH, svg_element, svg_text
from trivium.figures._palette import MAIN, UP
from trivium.figures._table import Table
from trivium.figures._text import clip, one_line

_HEIGHT_PX, _LEFT_PX, _RIGHT_PX, _TOP_PX, _BOTTOM_PX = 260.0, 64.0, 24.0, 24.0, 44.0


@dataclass(frozen=True, slots=True)
class At:
    """One level: the mean, and the ends of the band."""

    level: float
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class BandCurve:
    """Points by level; `chosen` is marked."""

    title: str
    unit: str
    level_unit: str
    points: tuple[At, ...]
    chosen: float | None = None

    def terminal(self, width: int = TERMINAL_WIDTH) -> str:
        """A row for each of at most thirteen levels; the chosen one is marked."""
        title = clip(one_line(f"{self.title} ({self.unit})"), width)
        if not self.points:
            return f"{title}\n  (nothing to show)"
        chosen = sampled(len(self.points))
        near = self._chosen_number()
        if near is not None:
            chosen = sorted({*chosen, near})
        rows = tuple(
            (
                short(self.points[number].level) + (" ←" if number == near else ""),
                short(self.points[number].mean),
                f"{short(self.points[number].low)} … {short(self.points[number].high)}",
            )
            for number in chosen
        )
        return Table((self.level_unit, "mean", "nine in ten"), rows, "lrr", title).terminal(width)

    def _chosen_number(self) -> int | None:
        if self.chosen is None or not self.points:
            return None
        chosen = self.chosen
        return min(range(len(self.points)), key=lambda number: abs(self.points[number].level - chosen))

    def svg(self) -> str:
        """Mean and band over the level, the zero line, and the chosen level."""
        if not self.points:
            return nothing(self.title)
        scale = ticks(min(0.0, *(p.low for p in self.points)), max(0.0, *(p.high for p in self.points)))
        first, last = self.points[0].level, self.points[-1].level
        room, down = WIDTH_PX - _LEFT_PX - _RIGHT_PX, _HEIGHT_PX - _TOP_PX - _BOTTOM_PX

        def x(level: float) -> float:
            return _LEFT_PX + (room / 2 if last == first else room * (level - first) / (last - first))

        def y(value: float) -> float:
            return _TOP_PX + down * (scale[-1] - value) / (scale[-1] - scale[0])

        parts = [svg_text(0, 12, self.unit, opacity=0.7)]
        for value in scale:
            faint = 0.5 if value == 0 else 0.13
            line = f'<path d="M{_LEFT_PX:g} {y(value):.1f}h{room:g}" stroke="currentColor" opacity="{faint}"/>'
            parts += [line, label(_LEFT_PX - 8, y(value) + 4, short(value), _LEFT_PX, anchor="end", opacity=0.7)]
        levels = [value for value in ticks(first, last, 8) if first <= value <= last] or [first]
        for number in spaced([x(value) for value in levels], 56):
            place = round(x(levels[number]), 1)
            parts.append(svg_text(place, _HEIGHT_PX - 26, short(levels[number]), anchor="middle", opacity=0.7))
        parts.append(label(WIDTH_PX - _RIGHT_PX, _HEIGHT_PX - 8, self.level_unit, room, anchor="end", opacity=0.7))
        if first == last:
            only = self.points[0]
            top, tall = y(only.high), y(only.low) - y(only.high)
            spot = f'x="{x(first) - 14:.1f}" y="{top:.1f}" width="28" height="{tall:.1f}"'
            parts.append(f'<rect {spot} fill="{MAIN}" opacity="0.22"/>')
            parts.append(f'<circle cx="{x(first):.1f}" cy="{y(only.mean):.1f}" r="4" fill="{MAIN}"/>')
        else:
            there = [f"{x(p.level):.1f} {y(p.high):.1f}" for p in self.points]
            back = [f"{x(p.level):.1f} {y(p.low):.1f}" for p in reversed(self.points)]
            parts.append(f'<path d="M{"L".join([*there, *back])}Z" fill="{MAIN}" opacity="0.22"/>')
            mean = "L".join(f"{x(p.level):.1f} {y(p.mean):.1f}" for p in self.points)
            parts.append(f'<path d="M{mean}" fill="none" stroke="{MAIN}" stroke-width="2.2"/>')
        entries = [
            (f'<path d="M0 6h14" stroke="{MAIN}" stroke-width="2.2"/>', "mean"),
            (swatch(MAIN, 0.22), "nine cases in ten"),
        ]
        if self.chosen is not None and first <= self.chosen <= last:
            place = x(self.chosen)
            parts.append(
                f'<path d="M{place:.1f} {_TOP_PX:g}v{down:g}" stroke="{UP}" stroke-width="1.6" stroke-dasharray="4 3"/>'
            )
            entries.append((f'<path d="M0 6h14" stroke="{UP}" stroke-dasharray="4 3"/>', f"at {short(self.chosen)}"))
        legend, taken = key(entries, _HEIGHT_PX + 2, _LEFT_PX, room)
        return svg_element(WIDTH_PX, _HEIGHT_PX + 2 + taken, self.title, self._described(), "".join([*parts, legend]))

    def _described(self) -> str:
        return "; ".join(
            f"at {short(p.level)}: mean {short(p.mean)}, nine in ten between {short(p.low)} and {short(p.high)}"
            for p in self.points
        )


def band_curve(
    points: Iterable[tuple[float, float, float, float]],
    *,
    title: str = "",
    unit: str = "USD",
    level_unit: str = "USD a year",
    chosen: float | None = None,
) -> BandCurve:
    """A curve from (level, mean, low end, high end); UserError if a number is not finite."""
    taken = [At(*(finite(value, title or "curve") for value in point)) for point in points]
    return BandCurve(title, unit, level_unit, tuple(sorted(taken, key=lambda point: point.level)), chosen)
