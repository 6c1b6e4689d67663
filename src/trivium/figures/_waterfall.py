"""A bridge: from one amount to another in steps, each from where the last one ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from trivium.figures._axes import WIDTH_PX, finite, fit, short, text_px
from trivium.figures._figure import TERMINAL_WIDTH, svg_element, svg_text
from trivium.figures._palette import DOWN, NEUTRAL, UP
from trivium.figures._text import clip, one_line, pad, width_of

_ROW_PX, _BAR_PX, _TOP_PX = 30.0, 18.0, 6.0
_LABEL_PX_MAX = 270.0
_TIGHT = 0.35  # where all levels lie in less than so much of the highest, the axis does not start at zero
_MARGIN = 0.25


@dataclass(frozen=True, slots=True)
class Leg:
    """One bar: an amount that is added, or (`total`) a level that is reached."""

    name: str
    amount: float
    note: str = ""
    total: bool = False

    @property
    def shown(self) -> str:
        """What is written beside the bar: steps carry their sign."""
        if self.total:
            return short(self.amount)
        return ("+" if self.amount > 0 else "") + short(self.amount).replace("-", "−")  # noqa: RUF001  a minus sign


@dataclass(frozen=True, slots=True)
class Waterfall:
    """Bars in their order; `unit` is that of all amounts."""

    title: str
    unit: str
    legs: tuple[Leg, ...]

    def spans(self) -> Iterator[tuple[Leg, float, float]]:
        """Each bar with the levels it lies between: totals from zero, steps from the last level."""
        level = 0.0
        for leg in self.legs:
            if leg.total:
                level = leg.amount
                yield leg, 0.0, level
            else:
                yield leg, level, level + leg.amount
                level += leg.amount

    def _range(self) -> tuple[float, float]:
        """What the axis covers: from zero, unless the steps would be too small to see."""
        levels = [end for _, _, end in self.spans()]
        low, high = min(levels, default=0.0), max(levels, default=0.0)
        if low > 0 and high - low < _TIGHT * high:
            return max(0.0, low - _MARGIN * ((high - low) or high)), high
        return min(0.0, low), max(0.0, high)

    def terminal(self, width: int = TERMINAL_WIDTH) -> str:
        """Name, bar, amount; ▒ where less is to pay, █ where more is, ░ for the levels."""
        lines = [clip(one_line(f"{self.title} ({self.unit})" if self.unit else self.title), width)]
        if not self.legs:
            return "\n".join([*lines, "  (nothing to show)"])
        texts = max(width_of(leg.shown) for leg in self.legs)
        names = max(width_of(one_line(leg.name)) for leg in self.legs)
        names = min(names, max(6, int(width * 0.45)), max(6, width - texts - 14))
        room = max(8, width - names - texts - 4)
        low, high = self._range()
        per_column = room / ((high - low) or 1.0)
        for leg, start, end in self.spans():
            left = max(0, int((max(low, min(start, end)) - low) * per_column))
            right = max(left, round((max(start, end) - low) * per_column))
            mark = "░" if leg.total else "█" if leg.amount > 0 else "▒"
            length = max(1 if leg.amount else 0, right - left)
            left = min(left, room - length)
            bar = pad(" " * left + mark * length, room)
            lines.append(f"  {pad(clip(one_line(leg.name), names), names)} {bar} {pad(leg.shown, texts, right=True)}")
        if low > 0:
            lines.append(f"  (bars start at {short(low)})")
        return "\n".join(line.rstrip() for line in lines)

    def svg(self) -> str:
        """Rows from top to bottom, joined by thin lines; colour and sign say which way a step goes."""
        labels = min(_LABEL_PX_MAX, max((text_px(leg.name) for leg in self.legs), default=0.0) + 10)
        texts = max((text_px(leg.shown) for leg in self.legs), default=0.0) + 10
        room = WIDTH_PX - labels - texts - 4
        low, high = self._range()
        scale = room / ((high - low) or 1.0)

        def x(value: float) -> float:
            return labels + (max(low, value) - low) * scale

        parts, ends = [], []
        for number, (leg, start, end) in enumerate(self.spans()):
            top = _TOP_PX + number * _ROW_PX
            left, right = sorted((x(start), x(end)))
            fill = NEUTRAL if leg.total else UP if leg.amount > 0 else DOWN
            parts.append(svg_text(0, top + 13, fit(leg.name, labels - 6), opacity=0.9))
            title = escape(one_line(f"{leg.name}: {leg.shown} {self.unit}" + (f". {leg.note}" if leg.note else "")))
            parts.append(
                f'<rect x="{left:.1f}" y="{top:g}" width="{max(1.0, right - left):.1f}" height="{_BAR_PX:g}" rx="2" '
                f'fill="{fill}"><title>{title}</title></rect>'
            )
            if leg.total and low > 0:  # the bar is cut at its foot: say so where it is cut
                parts.append(
                    f'<path d="M{left + 7:.1f} {top - 2:g}l5 {_BAR_PX / 2 + 2:g}l-5 {_BAR_PX / 2 + 2:g}" fill="none" '
                    'stroke="currentColor" stroke-width="1.5" opacity="0.7"/>'
                )
            parts.append(svg_text(round(right + 6, 1), top + 13, leg.shown))
            ends.append(x(end))
        for number, (end, _) in enumerate(pairwise(ends)):
            y = _TOP_PX + number * _ROW_PX + _BAR_PX
            parts.append(
                f'<path d="M{end:.1f} {y:g}v{_ROW_PX - _BAR_PX:g}" stroke="currentColor" opacity="0.45" '
                'stroke-dasharray="2 2"/>'
            )
        height = _TOP_PX + max(1, len(self.legs)) * _ROW_PX
        foot = self.unit + (f" · bars start at {short(low)}, not at zero" if low > 0 else "")
        parts.append(svg_text(labels, height + 10, foot, opacity=0.7))
        described = "; ".join(f"{leg.name}: {leg.shown}" for leg in self.legs) or "nothing to show"
        return svg_element(WIDTH_PX, height + 18, self.title or "bridge", f"{described} ({self.unit})", "".join(parts))


def waterfall(
    start: tuple[str, float], steps: Iterable[Leg], end: tuple[str, float], *, title: str = "", unit: str = "USD"
) -> Waterfall:
    """A bridge between two levels; UserError if an amount is not finite. Whether it adds up is its maker's to prove."""
    legs = (Leg(*start, total=True), *steps, Leg(*end, total=True))
    for leg in legs:
        finite(leg.amount, leg.name)
    return Waterfall(title, unit, legs)
