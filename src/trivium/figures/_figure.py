"""What every figure offers, and numbers as they come: money, decimals, counts."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from fractions import Fraction
from html import escape
from math import isfinite
from typing import Protocol

from trivium.core import Money, UserError
from trivium.figures._text import one_line

Number = int | float | Decimal | Fraction | Money

TERMINAL_WIDTH = 80


class Figure(Protocol):
    """A chart or table as a value: the same figure for the terminal and for a page."""

    def terminal(self, width: int = TERMINAL_WIDTH) -> str:
        """The figure as lines of text of at most `width` columns; it needs no colour."""
        ...


class SvgFigure(Figure, Protocol):
    """A figure that can also be drawn."""

    def svg(self) -> str:
        """An inline SVG element with a title and a description for screen readers."""
        ...


def exact(value: Number, field: str = "value") -> Fraction:
    """The number as a fraction, so that nothing is rounded before it is drawn; UserError if it is not finite."""
    if isinstance(value, Money):
        return Fraction(value.usd)
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise UserError(field, str(value), "give a finite number, or None if it is unknown")
        return Fraction(value)
    if isinstance(value, float) and not isfinite(value):
        raise UserError(field, str(value), "give a finite number, or None if it is unknown")
    return Fraction(value)


def number_text(value: Number | None) -> str:
    """A number for reading; unknown is said, not shown as zero."""
    if value is None:
        return "unknown"
    if isinstance(value, Money):
        return f"${value.rounded()}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Fraction):
        value = float(value)
    return f"{value:,.6g}" if isinstance(value, float) else f"{value:,f}"


def svg_element(width: float, height: float, title: str, description: str, body: str) -> str:
    """An SVG element that scales with its place, takes the page's text colour, and names itself."""
    mark = hashlib.sha256(f"{title}\x1f{description}\x1f{body}".encode()).hexdigest()[:12]
    title, description = escape(one_line(title)), escape(one_line(description))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="100%" '
        f'style="max-width:{width:g}px" role="img" aria-labelledby="t{mark} d{mark}" '
        f'font-family="system-ui, sans-serif" font-size="13" fill="currentColor">'
        f'<title id="t{mark}">{title}</title><desc id="d{mark}">{description}</desc>{body}</svg>'
    )


def svg_text(x: float, y: float, text: str, *, anchor: str = "start", opacity: float = 1) -> str:
    """One line of text in a drawing."""
    faint = "" if opacity == 1 else f' opacity="{opacity:g}"'
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{faint}>{escape(one_line(text))}</text>'
