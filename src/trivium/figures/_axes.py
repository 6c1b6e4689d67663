"""What charts with axes share: round ticks, short amounts, month labels that keep their distance."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from math import floor, isfinite, log10

from trivium.core import UserError
from trivium.figures._figure import svg_element, svg_text
from trivium.figures._text import clip, one_line, width_of

CHARACTER_PX = 7.2  # of the drawings' 13 px type, on the wide side
WIDTH_PX = 720
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SCALES = ((1e9, "bn"), (1e6, "M"), (1e3, "k"))
_ROWS = 13
_HUNDRED = 100
_TINY = 0.005


def finite(value: float, field: str) -> float:
    """The value; UserError if it cannot be drawn."""
    if not isfinite(value):
        raise UserError(field, str(value), "give a finite number")
    return float(value)


def short(value: float) -> str:
    """A number in few characters, for axes and the ends of bars: 1.24M, 410k, 87, 0.42."""
    size = abs(value)
    for scale, letter in _SCALES:
        if size >= 0.9995 * scale:  # what would be written as 1,000 of the smaller
            return f"{_digits(value / scale)}{letter}"
    return _digits(value)


def _digits(value: float) -> str:
    size = abs(value)
    if size >= _HUNDRED - _TINY * _HUNDRED:
        return f"{value:.0f}"
    text = f"{value:.1f}" if size >= 10 - 0.05 else f"{value:.2f}"  # three digits in all
    text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def ticks(low: float, high: float, most: int = 6) -> tuple[float, ...]:
    """Round values from at or below `low` to at or above `high`, at most `most` of them."""
    if high <= low:
        high = low + (abs(low) or 1.0)
    raw = (high - low) / max(1, most - 2)
    size = 10.0 ** floor(log10(raw))
    step = next(factor * size for factor in (1, 2, 2.5, 5, 10) if factor * size >= raw * (1 - 1e-9))
    first = floor(low / step + 1e-9)
    values = [first * step]
    while values[-1] < high - 1e-9 * step:
        values.append((first + len(values)) * step)
    return tuple(values)


def month_text(day: date) -> str:
    """A month for an axis: Nov 26."""
    return f"{_MONTHS[day.month - 1]} {day.year % 100:02d}"


def spaced(positions_px: Sequence[float], least_px: float) -> tuple[int, ...]:
    """Which of ascending positions can be labelled so that labels keep a distance: every n-th, from the first."""
    if not positions_px:
        return ()
    for stride in (1, 2, 3, 6, 12, 24, 48):
        chosen = range(0, len(positions_px), stride)
        gaps = [positions_px[b] - positions_px[a] for a, b in zip(chosen, list(chosen)[1:], strict=False)]
        if all(gap >= least_px for gap in gaps):
            return tuple(chosen)
    return (0,)


def sampled(count: int) -> list[int]:
    """About thirteen places of a series, for rows of text: evenly from the first, and the last."""
    return sorted({*range(0, count, -(-count // _ROWS)), count - 1})


def nothing(title: str) -> str:
    """A drawing of no data, which says so."""
    return svg_element(WIDTH_PX, 30, title, "nothing to show", svg_text(0, 18, "nothing to show"))


def label(x: float, y: float, text: str, room_px: float, *, anchor: str = "start", opacity: float = 1) -> str:
    """One line of text that gives way: cut with an ellipsis to the room it has."""
    return svg_text(round(x, 1), round(y, 1), fit(text, room_px), anchor=anchor, opacity=opacity)


def fit(text: str, room_px: float) -> str:
    """The text, cut to the room it has."""
    return clip(one_line(text), max(1, int(room_px / CHARACTER_PX)))


def text_px(text: str) -> float:
    """About how wide a text is drawn."""
    return width_of(one_line(text)) * CHARACTER_PX


def key(entries: Sequence[tuple[str, str]], top: float, left: float = 0, width: float = WIDTH_PX) -> tuple[str, float]:
    """A legend of (drawing of 14 by 12 px at the origin, text) in rows; the drawing and the height it takes."""
    parts, x, y = [], left, top
    for drawing, text in entries:
        shown = fit(text, width - 30)
        need = 22 + text_px(shown) + 14
        if x > left and x + need > left + width:
            x, y = left, y + 20
        parts.append(f'<g transform="translate({x:.1f} {y:.1f})">{drawing}</g>')
        parts.append(svg_text(round(x + 20, 1), round(y + 11, 1), shown, opacity=0.85))
        x += need
    return "".join(parts), (y - top + 20 if entries else 0)


def swatch(colour: str, opacity: float = 1) -> str:
    """A patch of colour for a legend."""
    faint = "" if opacity == 1 else f' opacity="{opacity:g}"'
    return f'<rect width="14" height="12" rx="2" fill="{colour}"{faint}/>'
