"""A ring: parties around a circle, who pays whom as arcs across it, each direction its own, so that cycles show.

The width of an arc's line stands for money that flows, and only for that: a worth that is carried somewhere has no
place in it. The style of the line says how sure the flow is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from html import escape
from math import cos, hypot, pi, sin, sqrt

from trivium.core import UserError
from trivium.figures._axes import WIDTH_PX, finite, fit, key, nothing, short
from trivium.figures._figure import TERMINAL_WIDTH, svg_element
from trivium.figures._palette import DOWN, MAIN, NEUTRAL, UP
from trivium.figures._table import Table
from trivium.figures._text import clip, one_line

_RADIUS_PX, _LABEL_PX, _TOP_PX = 214.0, 132.0, 0.0
_NODE_PX, _WIDEST_PX, _THIN_PX = 5.0, 13.0, 1.3
_PORT = 0.035  # radians between where a party's arcs leave and where they arrive
_BEND_PX, _NEXT_PX = 30.0, 22.0
_COLOURS = (MAIN, DOWN, UP, NEUTRAL)


class Line(Enum):
    """How a line is drawn; the value is its dash pattern."""

    SOLID = ""
    DASHED = "8 5"
    DOTTED = "1 5"


@dataclass(frozen=True, slots=True)
class Arc:
    """Money from one party to another; `kind` decides the colour, `anchor` where a click leads."""

    giver: str
    getter: str
    amount: float
    kind: str
    line: Line = Line.SOLID
    text: str = ""
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Ring:
    """Parties in the order in which they stand around the circle; `lines` says what each style means."""

    title: str
    unit: str
    parties: tuple[str, ...]
    arcs: tuple[Arc, ...]
    lines: tuple[tuple[Line, str], ...]

    def terminal(self, width: int = TERMINAL_WIDTH) -> str:
        """A row an arc, the largest first."""
        title = clip(one_line(f"{self.title} ({self.unit})"), width)
        if not self.arcs:
            return f"{title}\n  (nothing to show)"
        words = dict(self.lines)
        rows = tuple(
            (one.giver, one.getter, one.kind, words.get(one.line, ""), short(one.amount))
            for one in sorted(self.arcs, key=lambda one: -one.amount)
        )
        return Table(("from", "to", "for", "status", self.unit), rows, "llllr", title).terminal(width)

    def svg(self) -> str:
        """The circle, the arcs with heads, a legend of colours, line styles and widths."""
        if not self.arcs:
            return nothing(self.title)
        centre = WIDTH_PX / 2, _TOP_PX + _LABEL_PX + _RADIUS_PX
        angles = {name: 2 * pi * number / len(self.parties) - pi / 2 for number, name in enumerate(self.parties)}
        most, colours = max(one.amount for one in self.arcs), self._colours()
        parts, beside = [], Counter[tuple[str, str]]()
        for one in sorted(self.arcs, key=lambda one: -one.amount):
            nth = beside[one.giver, one.getter]
            beside[one.giver, one.getter] += 1
            ends = (_at(centre, angles[one.giver] - _PORT), _at(centre, angles[one.getter] + _PORT))
            wide = max(_THIN_PX, _WIDEST_PX * sqrt(one.amount / most)) if most else _THIN_PX
            parts.append(self._arc(one, ends, centre, wide, _BEND_PX + _NEXT_PX * nth, colours[one.kind]))
        for name, angle in angles.items():
            parts.append(_node(name, angle, centre))
        bottom = _TOP_PX + 2 * (_LABEL_PX + _RADIUS_PX) + 6
        legend, taken = key(self._key(colours, most), bottom)
        return svg_element(WIDTH_PX, bottom + taken, self.title, self._described(), "".join([*parts, legend]))

    def _arc(
        self,
        one: Arc,
        ends: tuple[tuple[float, float], tuple[float, float]],
        centre: tuple[float, float],
        wide: float,
        bend: float,
        colour: str,
    ) -> str:
        (x1, y1), (x2, y2) = ends
        long = hypot(x2 - x1, y2 - y1) or 1.0
        pull = 0.45  # towards the centre, so that neighbours are joined inside the circle
        mid_x, mid_y = (x1 + x2) / 2, (y1 + y2) / 2
        bend = min(bend, long / 2)
        cx = mid_x + (centre[0] - mid_x) * pull - (y2 - y1) / long * bend
        cy = mid_y + (centre[1] - mid_y) * pull + (x2 - x1) / long * bend
        near = hypot(x2 - cx, y2 - cy) or 1.0
        ux, uy = (x2 - cx) / near, (y2 - cy) / near
        head, half = 6 + wide * 0.7, 3 + wide * 0.45
        bx, by = x2 - ux * head, y2 - uy * head
        dash = f' stroke-dasharray="{one.line.value}"' if one.line.value else ""
        cap = "round" if one.line is Line.DOTTED else "butt"
        words = dict(self.lines).get(one.line, "")
        text = f"{one.giver} to {one.getter}: {short(one.amount)} {self.unit}, {one.kind}, {words}. {one.text}"
        drawn = (
            f'<g class="arc" data-line="{one.line.name.lower()}" stroke="{colour}" fill="none" opacity="0.8">'
            f"<title>{escape(one_line(text))}</title>"
            f'<path d="M{x1:.1f} {y1:.1f}Q{cx:.1f} {cy:.1f} {bx:.1f} {by:.1f}" stroke-width="{wide:.2f}"{dash} '
            f'stroke-linecap="{cap}"/>'
            f'<path d="M{x2:.1f} {y2:.1f}L{bx - uy * half:.1f} {by + ux * half:.1f}L{bx + uy * half:.1f} '
            f'{by - ux * half:.1f}Z" fill="{colour}" stroke="none"/></g>'
        )
        return f'<a href="#{escape(one.anchor)}">{drawn}</a>' if one.anchor else drawn

    def _colours(self) -> dict[str, str]:
        kinds = dict.fromkeys(one.kind for one in self.arcs)
        return {kind: _COLOURS[min(number, len(_COLOURS) - 1)] for number, kind in enumerate(kinds)}

    def _key(self, colours: dict[str, str], most: float) -> list[tuple[str, str]]:
        entries = [
            (f'<path d="M0 6h14" stroke="{colour}" stroke-width="6"/>', kind) for kind, colour in colours.items()
        ]
        used = {one.line for one in self.arcs}
        for line, words in self.lines:
            if line in used:
                dash = (
                    f' stroke-dasharray="{line.value.replace("8 5", "5 3").replace("1 5", "1 4")}"'
                    if line.value
                    else ""
                )
                cap = ' stroke-linecap="round"' if line is Line.DOTTED else ""
                entries.append((f'<path d="M0 6h15" stroke="currentColor" stroke-width="2.4"{dash}{cap}/>', words))
        for share in (1.0, 0.1):
            wide = max(_THIN_PX, _WIDEST_PX * sqrt(share))
            drawing = f'<path d="M0 6h14" stroke="currentColor" opacity="0.6" stroke-width="{wide:.1f}"/>'
            entries.append((drawing, f"{short(most * share)} {self.unit}"))
        return entries

    def _described(self) -> str:
        words = dict(self.lines)
        return "; ".join(
            f"{one.giver} to {one.getter} {short(one.amount)} {self.unit} ({one.kind}, {words.get(one.line, '')})"
            for one in self.arcs
        )


def ring(
    arcs: Iterable[Arc],
    *,
    parties: Sequence[str] = (),
    lines: Sequence[tuple[Line, str]] = (),
    title: str = "",
    unit: str = "",
) -> Ring:
    """A ring; parties not given stand in the order of their first arc. UserError for an amount that cannot be drawn."""
    taken = tuple(arcs)
    for one in taken:
        if finite(one.amount, f"{one.giver} to {one.getter}") < 0:
            raise UserError(f"{one.giver} to {one.getter}", one.amount, "give 0 or more")
        if one.giver == one.getter:
            raise UserError("arc", one.giver, "name two different parties")
    found = dict.fromkeys([*parties, *(name for one in taken for name in (one.giver, one.getter))])
    return Ring(title, unit, tuple(found), taken, tuple(lines))


def _at(centre: tuple[float, float], angle: float, radius: float = _RADIUS_PX - _NODE_PX) -> tuple[float, float]:
    return centre[0] + radius * cos(angle), centre[1] + radius * sin(angle)


def _node(name: str, angle: float, centre: tuple[float, float]) -> str:
    """A dot, and its name along the radius, turned so that it is never upside down."""
    x, y = _at(centre, angle, _RADIUS_PX + 3)
    tx, ty = _at(centre, angle, _RADIUS_PX + 13)
    left = cos(angle) < -1e-9  # noqa: PLR2004  straight up reads upwards
    turn = angle * 180 / pi + (180 if left else 0)
    anchor = "end" if left else "start"
    return (
        f'<g><title>{escape(one_line(name))}</title><circle cx="{x:.1f}" cy="{y:.1f}" r="{_NODE_PX:g}"/>'
        f'<text transform="translate({tx:.1f} {ty:.1f}) rotate({turn:.1f})" dy="4.5" text-anchor="{anchor}">'
        f"{escape(fit(name, _LABEL_PX))}</text></g>"
    )
