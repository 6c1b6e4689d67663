"""A timeline: what runs where in which months, a lane for each thing that runs at once, and days to remember."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape

from trivium.core import UserError
from trivium.figures._axes import WIDTH_PX, fit, key, label, month_text, spaced, swatch, text_px
from trivium.figures._figure import TERMINAL_WIDTH, svg_element, svg_text
from trivium.figures._palette import UP, colour_of
from trivium.figures._text import clip, one_line, pad, width_of

_LANE_PX, _GAP_PX, _HEAD_PX = 20.0, 8.0, 24.0
_LABEL_PX_MAX = 200.0
_MARK_PX = 20.0  # marks nearer than this become one
_MARKS_TOLD = 12
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Span:
    """Something that runs in a row from a day up to another (that day excluded); `key` decides its colour."""

    row: str
    start: date
    end: date
    text: str
    key: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A day to remember."""

    day: date
    text: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """Rows in the order of their first span; marks in the order of their days."""

    title: str
    start: date
    end: date
    spans: tuple[Span, ...]
    marks: tuple[Mark, ...] = ()

    def lanes(self) -> tuple[tuple[str, tuple[tuple[Span, ...], ...]], ...]:
        """Each row with its lanes: spans that run at once lie in different lanes."""
        found: dict[str, list[list[Span]]] = {}
        for span in self.spans:
            mine = found.setdefault(span.row, [])
            free = next((lane for lane in mine if lane[-1].end <= span.start), None)
            if free is None:
                mine.append([span])
            else:
                free.append(span)
        return tuple((row, tuple(map(tuple, lanes))) for row, lanes in found.items())

    def terminal(self, width: int = TERMINAL_WIDTH) -> str:
        """A line a lane: a letter for each key over the months, its meaning beneath, then the days to remember."""
        lines = [clip(one_line(self.title), width)] if self.title else []
        if not self.spans:
            return "\n".join([*lines, "  (nothing to show)"])
        letters = {name: _LETTERS[n % len(_LETTERS)] for n, name in enumerate(dict.fromkeys(s.key for s in self.spans))}
        names = min(max(width_of(one_line(span.row)) for span in self.spans), max(6, width // 3))
        room = max(8, width - names - 3)
        days = max(1, (self.end - self.start).days)
        for row, lanes in self.lanes():
            for number, lane in enumerate(lanes):
                cells = ["·"] * room
                for span in lane:
                    left = (max(span.start, self.start) - self.start).days * room // days
                    right = (min(span.end, self.end) - self.start).days * room // days
                    cells[left : max(left + 1, right)] = letters[span.key] * max(1, right - left)
                name = clip(one_line(row), names) if number == 0 else ""
                lines.append(f"  {pad(name, names)} {''.join(cells[:room])}")
        first, last = month_text(self.start), month_text(self.end - timedelta(days=1))
        between = " " * max(1, room - len(first) - len(last))
        lines.append(" " * (names + 3) + (first if first == last else first + between + last))
        lines += [clip(f"  {letter} {one_line(name)}", width) for name, letter in letters.items()]
        lines += [clip(f"  {mark.day}  {one_line(mark.text)}", width) for mark in self.marks]
        return "\n".join(lines)

    def svg(self) -> str:
        """Bars over a month axis; marks are numbered, and told beneath."""
        lanes = self.lanes()
        labels = min(_LABEL_PX_MAX, max((text_px(row) for row, _ in lanes), default=0.0) + 10)
        days = max(1, (self.end - self.start).days)

        def x(day: date) -> float:
            held = min(max(day, self.start), self.end)
            return labels + (WIDTH_PX - labels - 8) * (held - self.start).days / days

        parts, top = [], _HEAD_PX
        for row, mine in lanes:
            parts.append(label(0, top + 14, row, labels - 6))
            for lane in mine:
                parts += [_bar(span, x(span.start), x(span.end), top) for span in lane]
                top += _LANE_PX
            top += _GAP_PX
        axis = self._axis(x, top)
        marks, told, below = self._marks(x, top + 20)
        names = dict.fromkeys(span.key for span in self.spans)
        legend, taken = key([(swatch(colour_of(name)), name) for name in names], top + 24 + below)
        body = "".join([axis, *parts, marks, told, legend])
        return svg_element(WIDTH_PX, top + 24 + below + taken, self.title or "timeline", self._described(), body)

    def _axis(self, x: Callable[[date], float], bottom: float) -> str:
        firsts = [self.start]
        while (following := _month_after(firsts[-1])) < self.end:
            firsts.append(following)
        places = [x(day) for day in firsts]
        parts = []
        for number in spaced(places, 54):
            place = places[number]
            parts.append(f'<path d="M{place:.1f} {_HEAD_PX - 4:g}V{bottom:g}" stroke="currentColor" opacity="0.12"/>')
            if place < WIDTH_PX - 48:
                parts.append(svg_text(round(place, 1), bottom + 13, month_text(firsts[number]), opacity=0.7))
        return "".join(parts)

    def _marks(self, x: Callable[[date], float], top: float) -> tuple[str, str, float]:
        """Numbered marks (near ones share one), the list that tells them, and its height."""
        inside = [mark for mark in self.marks if self.start <= mark.day <= self.end]
        groups: list[tuple[float, list[int]]] = []
        for number, mark in enumerate(inside):
            place = x(mark.day)
            if groups and place - groups[-1][0] < _MARK_PX:
                groups[-1][1].append(number + 1)
            else:
                groups.append((place, [number + 1]))
        parts = []
        for place, numbers in groups:
            text = str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}–{numbers[-1]}"  # noqa: RUF001  a range
            anchor = "end" if place > WIDTH_PX - 30 else "middle"
            parts.append(f'<path d="M{place:.1f} {_HEAD_PX - 6:g}V{top - 20:g}" stroke="{UP}" stroke-dasharray="3 3"/>')
            parts.append(svg_text(round(place, 1), 12, text, anchor=anchor))
        told = [
            label(0, top + 18 + 18 * n, f"{n + 1}  {mark.day}  {mark.text}", WIDTH_PX, opacity=0.85)
            for n, mark in enumerate(inside[:_MARKS_TOLD])
        ]
        rest = len(inside) - _MARKS_TOLD
        if rest > 0:
            told.append(svg_text(0, top + 18 + 18 * _MARKS_TOLD, f"and {rest} more", opacity=0.7))
        return "".join(parts), "".join(told), 18.0 * len(told) + (8 if told else 0)

    def _described(self) -> str:
        rows = [f"{span.row}: {span.text}, {span.start} to before {span.end}" for span in self.spans]
        rows += [f"{mark.day}: {mark.text}" for mark in self.marks]
        return "; ".join(rows) or "nothing to show"


def timeline(start: date, end: date, spans: Iterable[Span], marks: Iterable[Mark] = (), *, title: str = "") -> Timeline:
    """A timeline of the days from `start` up to `end`; UserError if a span ends before it starts."""
    taken: Sequence[Span] = tuple(spans)
    if end <= start:
        raise UserError("end", str(end), f"give a day after {start}")
    for span in taken:
        if span.end <= span.start:
            raise UserError(f"span {span.text}", str(span.end), f"give an end after {span.start}")
    rows = list(dict.fromkeys(span.row for span in taken))
    ordered = sorted(taken, key=lambda span: (rows.index(span.row), span.start))
    return Timeline(title, start, end, tuple(ordered), tuple(sorted(marks, key=lambda mark: (mark.day, mark.text))))


def _bar(span: Span, left: float, right: float, top: float) -> str:
    title = escape(one_line(f"{span.row}: {span.text}, {span.start} to before {span.end}"))
    width = max(2.0, right - left - 1.5)
    drawn = (
        f'<rect x="{left:.1f}" y="{top:g}" width="{width:.1f}" height="{_LANE_PX - 3:g}" rx="3" '
        f'fill="{colour_of(span.key)}"><title>{title}</title></rect>'
    )
    shown = fit(span.text, width - 8)
    if len(shown) < min(4, len(span.text)):
        return drawn
    return drawn + f'<text x="{left + 5:.1f}" y="{top + 13:g}" font-size="12" fill="#ffffff">{escape(shown)}</text>'


def _month_after(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)
