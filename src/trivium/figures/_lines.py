"""Values over time: a sparkline for a row of text, a line chart for a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from trivium.core import UserError
from trivium.figures._figure import TERMINAL_WIDTH, Number, exact, number_text, svg_element, svg_text
from trivium.figures._text import clip, one_line, pad, width_of

_LEVELS = "▁▂▃▄▅▆▇█"
_GAP = "·"  # an unknown value
_WIDTH_PX, _HEIGHT_PX, _LEFT_PX, _RIGHT_PX, _TOP_PX, _BOTTOM_PX = 720, 260, 70, 12, 12, 28
_COLOURS = ("#3b6fb6", "#b5563b", "#4d8a4f", "#8a5aa8", "#a88a2f", "#4f8a8a")
_DASHES = ("", "6 3", "2 3", "8 3 2 3", "10 4", "4 4")  # told apart without colour too

Value = Number | None


@dataclass(frozen=True, slots=True)
class Sparkline:
    """One row of block characters; None is a gap."""

    values: tuple[Value, ...]
    label: str = ""

    def terminal(self, width: int = TERMINAL_WIDTH) -> str:
        """The values from lowest to highest in eight levels; more values than columns are averaged."""
        label = f"{clip(one_line(self.label), width // 2)} " if self.label else ""
        return label + _spark(self.values, max(1, width - width_of(label)), _range([self.values]))


@dataclass(frozen=True, slots=True)
class Series:
    """A named run of values at the chart's points."""

    name: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class LineChart:
    """Series over common points; None breaks a line."""

    title: str
    points: tuple[str, ...]
    series: tuple[Series, ...]

    def terminal(self, width: int = TERMINAL_WIDTH) -> str:
        """A sparkline a series, all on one scale, with the last value; the first and last point beneath."""
        lines = [clip(one_line(self.title), width)] if self.title else []
        if not self.points or not self.series:
            return "\n".join([*lines, "  (nothing to show)"])
        scale = _range([series.values for series in self.series])
        names = max(width_of(one_line(series.name)) for series in self.series)
        names = min(names, width // 3)
        texts = [number_text(series.values[-1]) for series in self.series]
        room = max(1, width - names - max(map(width_of, texts)) - 4)
        for series, text in zip(self.series, texts, strict=True):
            name = pad(clip(one_line(series.name), names), names)
            lines.append(f"  {name} {pad(_spark(series.values, room, scale), min(room, len(self.points)))} {text}")
        first, last = one_line(self.points[0]), one_line(self.points[-1])
        drawn = min(room, len(self.points))
        between = max(1, drawn - width_of(first) - width_of(last))
        lines.append(" " * (names + 3) + (first if len(self.points) == 1 else first + " " * between + last))
        return "\n".join(lines)

    def svg(self) -> str:
        """The lines with a value axis; series are told apart by dashes as well as by colour."""
        low, high = _range([series.values for series in self.series])
        low, high = min(low, Fraction(0)), max(high, Fraction(0))
        span = (high - low) or Fraction(1)
        across = _WIDTH_PX - _LEFT_PX - _RIGHT_PX
        down = _HEIGHT_PX - _TOP_PX - _BOTTOM_PX

        def place(number: int, value: Number) -> str:
            x = _LEFT_PX + across * number / max(1, len(self.points) - 1)
            return f"{x:.1f} {_TOP_PX + down * float((high - exact(value)) / span):.1f}"

        parts = []
        for step in range(5):
            value = low + span * Fraction(step, 4)
            y = _TOP_PX + down * (1 - step / 4)
            parts.append(
                f'<path d="M{_LEFT_PX} {y:.1f}H{_WIDTH_PX - _RIGHT_PX}" stroke="currentColor" opacity="0.15"/>'
            )
            parts.append(svg_text(_LEFT_PX - 6, y + 4, f"{float(value):,.4g}", anchor="end", opacity=0.7))
        for number, series in enumerate(self.series):
            colour, dash = _COLOURS[number % len(_COLOURS)], _DASHES[number % len(_DASHES)]
            drawn = _path(series.values, place)
            dashes = f' stroke-dasharray="{dash}"' if dash else ""
            parts.append(f'<path d="{drawn}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>')
            key_y = _HEIGHT_PX + 18 * number + 12
            parts.append(f'<path d="M{_LEFT_PX} {key_y - 4}h28" stroke="{colour}" stroke-width="2"{dashes}/>')
            parts.append(svg_text(_LEFT_PX + 36, key_y, one_line(series.name)))
        if self.points:
            parts.append(svg_text(_LEFT_PX, _HEIGHT_PX - 8, one_line(self.points[0]), opacity=0.7))
            end = one_line(self.points[-1])
            parts.append(svg_text(_WIDTH_PX - _RIGHT_PX, _HEIGHT_PX - 8, end, anchor="end", opacity=0.7))
        height = _HEIGHT_PX + 18 * len(self.series) + 4
        return svg_element(_WIDTH_PX, height, self.title or "line chart", self._described(), "".join(parts))

    def _described(self) -> str:
        if not self.points:
            return "nothing to show"
        span = f"{self.points[0]} to {self.points[-1]}"
        ends = "; ".join(
            f"{series.name} from {number_text(series.values[0])} to {number_text(series.values[-1])}"
            for series in self.series
        )
        return f"{span}: {ends}"


def sparkline(values: Iterable[Value], *, label: str = "") -> Sparkline:
    """A sparkline; None is a gap."""
    return Sparkline(tuple(values), label)


def line_chart(points: Sequence[str], series: Iterable[tuple[str, Sequence[Value]]], *, title: str = "") -> LineChart:
    """Series over common points; UserError if a series has another length than the points."""
    taken = tuple(Series(name, tuple(values)) for name, values in series)
    for one in taken:
        if len(one.values) != len(points):
            raise UserError(f"series {one.name}", len(one.values), f"give {len(points)} values, None where unknown")
    return LineChart(title, tuple(points), taken)


def _range(runs: Iterable[Sequence[Value]]) -> tuple[Fraction, Fraction]:
    known = [exact(value) for run in runs for value in run if value is not None]
    return (min(known), max(known)) if known else (Fraction(0), Fraction(0))


def _spark(values: Sequence[Value], columns: int, scale: tuple[Fraction, Fraction]) -> str:
    low, high = scale
    return "".join(_level(value, low, high) for value in _fitted(values, columns))


def _level(value: Fraction | None, low: Fraction, high: Fraction) -> str:
    if value is None:
        return _GAP
    if high == low:
        return _LEVELS[0] if high == 0 else _LEVELS[len(_LEVELS) // 2]
    return _LEVELS[min(len(_LEVELS) - 1, int((value - low) / (high - low) * len(_LEVELS)))]


def _fitted(values: Sequence[Value], columns: int) -> list[Fraction | None]:
    """At most `columns` values: runs of neighbours are averaged over what is known of them."""
    known = [None if value is None else exact(value) for value in values]
    if len(known) <= columns:
        return known
    fitted: list[Fraction | None] = []
    for column in range(columns):
        run = known[column * len(known) // columns : (column + 1) * len(known) // columns]
        there = [value for value in run if value is not None]
        fitted.append(sum(there, Fraction(0)) / len(there) if there else None)
    return fitted


def _path(values: Sequence[Value], place: Callable[[int, Number], str]) -> str:
    """The commands of a line that is broken at unknown values."""
    commands, pen_down = [], False
    for number, value in enumerate(values):
        if value is not None:
            commands.append(f"{'L' if pen_down else 'M'}{place(number, value)}")
        pen_down = value is not None
    return "".join(commands)
