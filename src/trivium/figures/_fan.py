"""A fan chart: what may come, month by month, as bands around a median; what was, as dots."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from trivium.core import UserError
from trivium.figures._axes import (
    WIDTH_PX,
    finite,
    key,
    label,
    month_text,
    nothing,
    sampled,
    short,
    spaced,
    swatch,
    ticks,
)
from trivium.figures._figure import TERMINAL_WIDTH, svg_element, svg_text
from trivium.figures._palette import MAIN
from trivium.figures._table import Table
from trivium.figures._text import clip, one_line

_HEIGHT_PX, _LEFT_PX, _RIGHT_PX, _TOP_PX, _BOTTOM_PX = 270.0, 58.0, 58.0, 24.0, 26.0
_HALF = 0.5
_CLOSE = 1e-9


@dataclass(frozen=True, slots=True)
class Band:
    """An interval a month that holds the value with a chance of `percent`."""

    percent: float
    low: tuple[float, ...]
    high: tuple[float, ...]

    @property
    def name(self) -> str:
        """For a legend."""
        return f"{self.percent:.3g} % interval"


@dataclass(frozen=True, slots=True)
class FanChart:
    """Bands from the widest to the narrowest; `history` lies before (or on) the months."""

    title: str
    unit: str
    months: tuple[date, ...]
    median: tuple[float, ...]
    bands: tuple[Band, ...]
    history: tuple[tuple[date, float], ...] = ()
    history_name: str = "measured"

    def terminal(self, width: int = TERMINAL_WIDTH) -> str:
        """A row for each of at most thirteen months: median and bands as numbers, in `unit`."""
        title = clip(one_line(f"{self.title} ({self.unit})" if self.unit else self.title), width)
        if not self.months:
            return f"{title}\n  (nothing to show)"
        headers = ("month", "median", *(f"{band.percent:.3g} %" for band in reversed(self.bands)))
        rows = tuple(
            (
                month_text(self.months[number]),
                short(self.median[number]),
                *(f"{short(band.low[number])} … {short(band.high[number])}" for band in reversed(self.bands)),
            )
            for number in sampled(len(self.months))
        )
        return Table(headers, rows, "l" + "r" * (len(headers) - 1), title).terminal(width)

    def svg(self) -> str:
        """Bands, median and dots over a time axis."""
        if not self.months:
            return nothing(self.title)
        values = [*self.median, *(value for _, value in self.history)]
        values += [value for band in self.bands for run in (band.low, band.high) for value in run]
        scale = ticks(min(0.0, *values), max(values))
        x = self._across()
        down = _HEIGHT_PX - _TOP_PX - _BOTTOM_PX

        def y(value: float) -> float:
            return _TOP_PX + down * (scale[-1] - value) / (scale[-1] - scale[0])

        parts = [svg_text(0, 12, self.unit, opacity=0.7), *_value_axis(scale, y), *self._month_axis(x)]
        for number, band in enumerate(self.bands):
            opacity = 0.16 + 0.14 * number
            parts.append(f'<path d="{self._outline(band, x, y)}" fill="{MAIN}" opacity="{opacity:g}"/>')
        middle = "".join(
            f"{'L' if number else 'M'}{x(day):.1f} {y(value):.1f}"
            for number, (day, value) in enumerate(zip(self.months, self.median, strict=True))
        )
        parts.append(
            f'<path d="{middle}" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round"/>'
        )
        parts.append(f'<circle cx="{x(self.months[-1]):.1f}" cy="{y(self.median[-1]):.1f}" r="3" fill="currentColor"/>')
        beside = 8 if len(self.months) > 1 else 20
        end = svg_text(round(x(self.months[-1]) + beside, 1), round(y(self.median[-1]) + 4, 1), short(self.median[-1]))
        parts.append(end)
        parts += [
            f'<circle cx="{x(day):.1f}" cy="{y(value):.1f}" r="2.6" fill="currentColor" opacity="0.75"/>'
            for day, value in self.history
        ]
        drawn, taken = key(self._key(), _HEIGHT_PX + 8, _LEFT_PX, WIDTH_PX - _LEFT_PX)
        return svg_element(WIDTH_PX, _HEIGHT_PX + 8 + taken, self.title, self._described(), "".join([*parts, drawn]))

    def _across(self) -> Callable[[date], float]:
        days = [*self.months, *(day for day, _ in self.history)]
        first, last = min(days).toordinal(), max(days).toordinal()
        room = WIDTH_PX - _LEFT_PX - _RIGHT_PX

        def x(day: date) -> float:
            return _LEFT_PX + (room / 2 if first == last else room * (day.toordinal() - first) / (last - first))

        return x

    def _month_axis(self, x: Callable[[date], float]) -> list[str]:
        days = sorted({day.replace(day=1) if day < self.months[0] else day for day, _ in self.history} | {*self.months})
        days = [day for day in days if x(day) >= _LEFT_PX - 1]
        places = [x(day) for day in days]
        room = WIDTH_PX - 24.0
        return [
            svg_text(round(places[n], 1), _HEIGHT_PX - 6, month_text(days[n]), anchor="middle", opacity=0.7)
            for n in spaced(places, 52)
            if places[n] <= room
        ]

    def _outline(self, band: Band, x: Callable[[date], float], y: Callable[[float], float]) -> str:
        if len(self.months) == 1:  # one month has no width of its own
            left, top, bottom = x(self.months[0]) - 14, y(band.high[0]), y(band.low[0])
            return f"M{left:.1f} {top:.1f}h28V{bottom:.1f}h-28Z"
        there = [f"{x(day):.1f} {y(value):.1f}" for day, value in zip(self.months, band.high, strict=True)]
        back = [f"{x(day):.1f} {y(value):.1f}" for day, value in zip(self.months, band.low, strict=True)]
        return "M" + "L".join([*there, *reversed(back)]) + "Z"

    def _key(self) -> list[tuple[str, str]]:
        line = '<path d="M0 6h14" stroke="currentColor" stroke-width="1.8"/>'
        entries = [(line, "median")]
        shades = [0.16 + 0.14 * number for number in range(len(self.bands))]
        entries += [
            (swatch(MAIN, min(1.0, sum(shades[: number + 1]))), band.name) for number, band in enumerate(self.bands)
        ][::-1]
        if self.history:
            entries.append(('<circle cx="7" cy="6" r="2.6" fill="currentColor" opacity="0.75"/>', self.history_name))
        return entries

    def _described(self) -> str:
        ends = f"median from {short(self.median[0])} to {short(self.median[-1])} {self.unit}"
        wide = "".join(
            f"; at the end {band.percent:.3g} % between {short(band.low[-1])} and {short(band.high[-1])}"
            for band in self.bands
        )
        return f"{month_text(self.months[0])} to {month_text(self.months[-1])}: {ends}{wide}"


def _value_axis(scale: Sequence[float], y: Callable[[float], float]) -> list[str]:
    parts = []
    for value in scale:
        faint = 0.35 if value == 0 else 0.13
        parts.append(
            f'<path d="M{_LEFT_PX:g} {y(value):.1f}H{WIDTH_PX - _RIGHT_PX:g}" stroke="currentColor" opacity="{faint}"/>'
        )
        parts.append(label(_LEFT_PX - 8, y(value) + 4, short(value), _LEFT_PX, anchor="end", opacity=0.7))
    return parts


def fan_chart(
    months: Sequence[date],
    levels: Sequence[float],
    quantiles: Sequence[Sequence[float]],
    *,
    history: Sequence[tuple[date, float]] = (),
    history_name: str = "measured",
    title: str = "",
    unit: str = "",
) -> FanChart:
    """A fan from quantiles[level][month]: levels that mirror each other around a half become bands.

    UserError if the lengths differ, if the level 0.5 is missing, or if a value is not finite.
    """
    if len(levels) != len(quantiles) or any(len(run) != len(months) for run in quantiles):
        raise UserError("quantiles", f"{len(quantiles)} runs", f"give {len(levels)} runs of {len(months)} months")
    runs = {
        level: tuple(finite(value, f"quantile {level}") for value in run)
        for level, run in zip(levels, quantiles, strict=True)
    }
    middle = next((level for level in runs if abs(level - _HALF) < _CLOSE), None)
    if middle is None:
        raise UserError("levels", ", ".join(map(str, levels)), "give the level 0.5, the median")
    bands = []
    for low in sorted(level for level in runs if level < _HALF - _CLOSE):
        high = next((level for level in runs if abs(level - (1 - low)) < _CLOSE), None)
        if high is not None:
            bands.append(Band(round(100 * (high - low), 6), runs[low], runs[high]))
    past = tuple((day, finite(value, "history")) for day, value in sorted(history))
    return FanChart(title, unit, tuple(months), runs[middle], tuple(bands), past, history_name)
