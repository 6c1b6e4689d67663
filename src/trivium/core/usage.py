"""What one request consumed, by unit. Unknown (None) is its own state and is never zero.

The token classes are disjoint: `input` counts only tokens that were neither read from a cache nor
written to one, as the Messages API reports them, so the prompt length is the sum of four classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from trivium.core.errors import UsageUnknown, UserError

TOKEN_UNITS = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")
PROMPT_UNITS = ("input", "cache_read", "cache_write_5m", "cache_write_1h")
TOOL_UNITS = ("web_search", "web_fetch", "code_execution_hours")
UNITS = TOKEN_UNITS + TOOL_UNITS

COUNT_MAX = 2**53  # far above any request or month; larger counts are corrupt input


@dataclass(frozen=True, slots=True)
class Usage:
    """Counts per unit; tokens, except web_search and web_fetch (requests) and code_execution_hours (hours)."""

    input: int | None = 0
    output: int | None = 0
    cache_read: int | None = 0
    cache_write_5m: int | None = 0
    cache_write_1h: int | None = 0
    web_search: int | None = 0
    web_fetch: int | None = 0
    code_execution_hours: int | None = 0

    def __post_init__(self) -> None:
        for unit in UNITS:
            count = getattr(self, unit)
            if count is None:
                continue
            if type(count) is not int or not 0 <= count <= COUNT_MAX:
                raise UserError(f"usage.{unit}", count, f"give a whole number from 0 to {COUNT_MAX}")

    def __iter__(self) -> Iterator[tuple[str, int | None]]:
        """Every (unit, count), in the fixed order of UNITS."""
        for unit in UNITS:
            yield unit, getattr(self, unit)

    def get(self, unit: str) -> int | None:
        """The count of one unit, None if unknown."""
        if unit not in UNITS:
            raise UserError("unit", unit, f"use one of {', '.join(UNITS)}")
        count: int | None = getattr(self, unit)
        return count

    @property
    def unknown(self) -> tuple[str, ...]:
        """The units whose count is unknown."""
        return tuple(unit for unit, count in self if count is None)

    @property
    def prompt_tokens(self) -> int:
        """Length of the whole prompt in tokens; raises UsageUnknown if a part of it is unknown."""
        counts = [self.get(unit) for unit in PROMPT_UNITS]
        if any(count is None for count in counts):
            raise UsageUnknown(f"prompt length is unknown: {', '.join(self.unknown)}", self.unknown)
        return sum(count for count in counts if count is not None)

    def __add__(self, other: Usage) -> Usage:
        """The sum, unit by unit; what is unknown in either is unknown in the sum."""
        sums: dict[str, int | None] = {}
        for unit, mine in self:
            theirs = other.get(unit)
            sums[unit] = None if mine is None or theirs is None else mine + theirs
        return replace(self, **sums)


NO_USAGE = Usage()
UNKNOWN_USAGE = Usage(None, None, None, None, None, None, None, None)
