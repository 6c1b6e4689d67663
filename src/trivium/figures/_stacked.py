"""Stacked bars: a whole of parts, month by month."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from trivium.core import UserError
from trivium.figures._axes import WIDTH_PX, finite, key, nothing, sampled, short, spaced, swatch, ticks
from trivium.figures._figure import TERMINAL_WIDTH, svg_element, svg_text
from trivium.figures._palette import colour_of
from trivium.figures._table import Table
from trivium.figures._text import clip, one_line

_HEIGHT_PX, _LEFT_PX, _TOP_PX, _BOTTOM_PX = 240.0, 58.0, 24.0, 26.0


@dataclass(frozen=True, slots=True)
class Layer:
    """One part of the whole, at every point; its name decides its colour."""

    name: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class StackedBars:
    """Layers over common points, the first at the bottom."""

    title: str
    unit: str
    points: tuple[str, ...]
    layers: tuple[Layer, ...]

    def terminal(self, width: int = TERMINAL_WIDTH) -> str:
        """A row for each of at most thirteen points, a column a layer."""
        title = clip(one_line(f"{self.title} ({self.unit})" if self.unit else self.title), width)
        if not self.points or not self.layers:
            return f"{title}\n  (nothing to show)"
        rows = tuple(
            (
                self.points[number],
                *(short(layer.values[number]) for layer in self.layers),
                short(sum(layer.values[number] for layer in self.layers)),
            )
            for number in sampled(len(self.points))
        )
        room = max(6, (width - 20) // len(self.layers) - 2)
        headers = ("", *(clip(one_line(layer.name), room) for layer in self.layers), "all")
        return Table(headers, rows, "l" + "r" * (len(headers) - 1), title).terminal(width)

    def svg(self) -> str:
        """Bars with a value axis and a legend."""
        if not self.points or not self.layers:
            return nothing(self.title)
        tops = [sum(layer.values[number] for layer in self.layers) for number in range(len(self.points))]
        scale = ticks(0.0, max(tops))
        down = _HEIGHT_PX - _TOP_PX - _BOTTOM_PX
        per_unit = down / scale[-1]
        parts = [svg_text(0, 12, self.unit, opacity=0.7)]
        for value in scale:
            y = _TOP_PX + down - value * per_unit
            parts.append(f'<path d="M{_LEFT_PX:g} {y:.1f}H{WIDTH_PX}" stroke="currentColor" opacity="0.13"/>')
            parts.append(svg_text(_LEFT_PX - 8, round(y + 4, 1), short(value), anchor="end", opacity=0.7))
        step = (WIDTH_PX - _LEFT_PX) / len(self.points)
        wide = min(48.0, step * 0.78)
        places = [_LEFT_PX + (number + 0.5) * step for number in range(len(self.points))]
        for number, place in enumerate(places):
            y = _TOP_PX + down
            for layer in self.layers:
                tall = layer.values[number] * per_unit
                if tall <= 0:
                    continue
                y -= tall
                title = escape(one_line(f"{self.points[number]}, {layer.name}: {short(layer.values[number])}"))
                parts.append(
                    f'<rect x="{place - wide / 2:.1f}" y="{y:.2f}" width="{wide:.1f}" height="{tall:.2f}" '
                    f'fill="{colour_of(layer.name)}"><title>{title} {escape(self.unit)}</title></rect>'
                )
        for number in spaced(places, 54):
            if places[number] < WIDTH_PX - 20:
                text = self.points[number]
                parts.append(
                    svg_text(round(places[number], 1), _HEIGHT_PX - 6, one_line(text), anchor="middle", opacity=0.7)
                )
        entries = [(swatch(colour_of(layer.name)), layer.name) for layer in self.layers]
        legend, taken = key(entries, _HEIGHT_PX + 6, _LEFT_PX, WIDTH_PX - _LEFT_PX)
        return svg_element(WIDTH_PX, _HEIGHT_PX + 6 + taken, self.title, self._described(), "".join([*parts, legend]))

    def _described(self) -> str:
        return "; ".join(
            f"{layer.name} from {short(layer.values[0])} to {short(layer.values[-1])} {self.unit}"
            for layer in self.layers
        )


def stacked_bars(
    points: Sequence[str], layers: Iterable[tuple[str, Sequence[float]]], *, title: str = "", unit: str = "USD"
) -> StackedBars:
    """Stacked bars; UserError if a layer has another length than the points, or an amount below zero."""
    taken = tuple(Layer(name, tuple(finite(value, name) for value in values)) for name, values in layers)
    for layer in taken:
        if len(layer.values) != len(points):
            raise UserError(f"layer {layer.name}", len(layer.values), f"give {len(points)} values")
        if min(layer.values, default=0.0) < 0:
            raise UserError(f"layer {layer.name}", min(layer.values), "parts of a whole are 0 or more")
    return StackedBars(title, unit, tuple(points), taken)
