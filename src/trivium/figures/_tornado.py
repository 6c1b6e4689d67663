"""A tornado: how far each input moves an amount, the widest on top."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from trivium.figures._axes import WIDTH_PX, finite, label, nothing, short, text_px
from trivium.figures._figure import TERMINAL_WIDTH, svg_element, svg_text
from trivium.figures._palette import DOWN, UP
from trivium.figures._text import clip, one_line, pad, width_of

_ROW_PX, _BAR_PX, _TOP_PX = 42.0, 18.0, 22.0
_LABEL_PX = 250.0


@dataclass(frozen=True, slots=True)
class Ends:
    """One input: in words at its low and high end, and the amount at each."""

    name: str
    low: str
    high: str
    at_low: float
    at_high: float


@dataclass(frozen=True, slots=True)
class Tornado:
    """Inputs around the amount as it is expected."""

    title: str
    unit: str
    middle: float
    inputs: tuple[Ends, ...]
    middle_name: str = "expected"

    def _range(self) -> tuple[float, float]:
        values = [self.middle, *(value for item in self.inputs for value in (item.at_low, item.at_high))]
        return min(values), max(values)

    def terminal(self, width: int = TERMINAL_WIDTH) -> str:
        """Name, bar around the middle, the two amounts; ▒ below the middle, █ above it."""
        heading = f"{self.title} ({self.unit}; {self.middle_name} {short(self.middle)})"
        lines = [clip(one_line(heading), width)]
        if not self.inputs:
            return "\n".join([*lines, "  (nothing to show)"])
        texts = [f"{short(min(i.at_low, i.at_high))} … {short(max(i.at_low, i.at_high))}" for i in self.inputs]
        side = max(map(width_of, texts))
        names = min(max(width_of(one_line(item.name)) for item in self.inputs), max(6, width - side - 24), width // 2)
        room = max(8, width - names - side - 4)
        low, high = self._range()
        scale = (room - 1) / ((high - low) or 1.0)
        middle = round((self.middle - low) * scale)
        for item, text in zip(self.inputs, texts, strict=True):
            left = round((min(item.at_low, item.at_high, self.middle) - low) * scale)
            right = round((max(item.at_low, item.at_high, self.middle) - low) * scale)
            bar = " " * left + "▒" * (middle - left) + "│" + "█" * (right - middle)
            name = pad(clip(one_line(item.name), names), names)
            lines.append(f"  {name} {pad(bar, room)} {pad(text, side, right=True)}".rstrip())
        return "\n".join(lines)

    def svg(self) -> str:
        """Two lines of words a row, the bar from the middle to either end, the amounts at its ends."""
        if not self.inputs:
            return nothing(self.title)
        ends = max(text_px(short(value)) for item in self.inputs for value in (item.at_low, item.at_high)) + 10
        low, high = self._range()
        left_px = _LABEL_PX + ends
        scale = (WIDTH_PX - left_px - ends) / ((high - low) or 1.0)

        def x(value: float) -> float:
            return left_px + (value - low) * scale

        height = _TOP_PX + len(self.inputs) * _ROW_PX
        middle = x(self.middle)
        parts = [
            f'<path d="M{middle:.1f} {_TOP_PX - 4:g}V{height:g}" stroke="currentColor" opacity="0.5"/>',
            label(
                middle, 12, f"{self.middle_name} {short(self.middle)} {self.unit}", 300, anchor="middle", opacity=0.75
            ),
        ]
        for number, item in enumerate(self.inputs):
            top = _TOP_PX + number * _ROW_PX + 2
            parts.append(label(0, top + 12, item.name, _LABEL_PX - 8))
            parts.append(label(0, top + 28, f"{item.low} … {item.high}", _LABEL_PX - 8, opacity=0.65))
            for words, value in ((item.low, item.at_low), (item.high, item.at_high)):
                left, right = sorted((x(value), middle))
                title = escape(one_line(f"{item.name}, {words}: {short(value)} {self.unit}"))
                parts.append(
                    f'<rect x="{left:.1f}" y="{top:g}" width="{right - left:.1f}" height="{_BAR_PX:g}" '
                    f'fill="{UP if value > self.middle else DOWN}"><title>{title}</title></rect>'
                )
            first, last = sorted((item.at_low, item.at_high))
            parts.append(svg_text(round(min(x(first), middle) - 6, 1), top + 13, short(first), anchor="end"))
            parts.append(svg_text(round(max(x(last), middle) + 6, 1), top + 13, short(last)))
        described = "; ".join(
            f"{item.name}: {item.low} {short(item.at_low)}, {item.high} {short(item.at_high)}" for item in self.inputs
        )
        described = f"{self.middle_name} {short(self.middle)} {self.unit}; {described}"
        return svg_element(WIDTH_PX, height, self.title or "tornado", described, "".join(parts))


def tornado(
    middle: float, inputs: Iterable[Ends], *, title: str = "", unit: str = "USD", middle_name: str = "expected"
) -> Tornado:
    """A tornado with its widest bar on top; UserError if an amount is not finite."""
    taken = sorted(inputs, key=lambda item: (-abs(item.at_high - item.at_low), item.name))
    for item in taken:
        finite(item.at_low, item.name)
        finite(item.at_high, item.name)
    return Tornado(title, unit, finite(middle, "middle"), tuple(taken), middle_name)
