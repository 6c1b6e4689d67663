"""A figure that is not one number: low, point and high, as claims word it or as other ranges make it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from trivium.core import UserError

_NUMBER = r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_BETWEEN = re.compile(rf"({_NUMBER}) to ({_NUMBER})")
_WORDED = re.compile(rf"(about|nearly|up to|more than|at least)? ?({_NUMBER})")


@dataclass(frozen=True, slots=True)
class Range:
    """Positive, low ≤ point ≤ high; multiplied end by end, for every formula here rises or falls in each factor."""

    low: float
    point: float
    high: float

    def __post_init__(self) -> None:
        if not 0 < self.low <= self.point <= self.high < float("inf"):
            shown = f"{self.low:g} {self.point:g} {self.high:g}"
            raise UserError("range", shown, "give low, point and high above 0 in rising order")

    @classmethod
    def at(cls, value: float) -> Self:
        """One number, held to be exact."""
        return cls(value, value, value)

    @classmethod
    def read(cls, text: str) -> Self | None:
        """A claim's value: a number, `about` one, or `LOW to HIGH` (its point the middle); None if it is other words.

        `up to`, `nearly`, `more than` and the like keep their one number: how far off they are nobody says.
        """
        if (between := _BETWEEN.fullmatch(text.strip())) is not None:
            low, high = float(between[1]), float(between[2])
            return cls(low, (low + high) / 2, high)
        worded = _WORDED.fullmatch(text.strip())
        return None if worded is None else cls.at(float(worded[2]))

    @classmethod
    def over(cls, ranges: tuple[Range, ...]) -> Self:
        """What several claims span together: the extremes, and the median of their points (the lower of two)."""
        points = sorted(found.point for found in ranges)
        middle = points[(len(points) - 1) // 2]
        return cls(min(found.low for found in ranges), middle, max(found.high for found in ranges))

    def __mul__(self, other: Range | float) -> Range:
        """The product of two independent figures."""
        by = other if isinstance(other, Range) else Range.at(other)
        return Range(self.low * by.low, self.point * by.point, self.high * by.high)

    def __truediv__(self, other: Range | float) -> Range:
        """The quotient: lowest over highest, highest over lowest."""
        by = other if isinstance(other, Range) else Range.at(other)
        return Range(self.low / by.high, self.point / by.point, self.high / by.low)

    def __add__(self, other: Range) -> Range:
        """The sum."""
        return Range(self.low + other.low, self.point + other.point, self.high + other.high)
