"""What a proposal is made of: where a price was read, the price, and what it would mean for the catalogue."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

Band = tuple[int, int | None]
WHOLE: Band = (0, None)
_QUOTE_MAX = 200


@dataclass(frozen=True, slots=True)
class Origin:
    """The page, feed or table that was read, and how far its word goes (a grade of the catalogue)."""

    title: str
    address: str
    date: str
    surface: str
    status: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One price as read: USD per million tokens. `model` is empty if the catalogue knows none by that label."""

    label: str
    model: str
    surface: str
    scope: str
    tier: str
    unit: str
    usd: Decimal
    where: str
    quote: str
    band: Band = WHOLE
    said_on: str = ""  # the day of a feed's item, where it has its own
    link: str = ""

    @property
    def place(self) -> tuple[str, str, str, str, str, Band]:
        """What it is the price of."""
        return (self.surface, self.scope, self.model or self.label, self.tier, self.unit, self.band)


@dataclass(frozen=True, slots=True)
class Issue:
    """Something that looks like a price and was not taken: where, what, and what to do."""

    where: str
    text: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that was read from one file."""

    kind: str
    origin: Origin
    candidates: tuple[Candidate, ...]
    issues: tuple[Issue, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the review: a candidate against the catalogue on the day from which it would hold."""

    verdict: str  # "same" | "changed" | "new" | "conflict"
    candidate: Candidate
    ours_usd: Decimal | None
    status: str
    claim_ids: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """The review of one reading, and the rules it proposes as text in the catalogue's authored form."""

    reading: Reading
    valid_from: date
    seen_on: date
    lines: tuple[Line, ...]
    rules: str

    def count(self, verdict: str) -> int:
        """How many lines have a verdict."""
        return sum(line.verdict == verdict for line in self.lines)


def clean(text: str, most: int = _QUOTE_MAX) -> str:
    """Text of a stranger on one line: no control or format characters, no lone surrogates, of bounded length."""
    kept = "".join(" " if char.isspace() else char for char in text[: most * 8] if _visible(char))
    line = " ".join(kept.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _visible(char: str) -> bool:
    return char.isspace() or not unicodedata.category(char).startswith("C")
