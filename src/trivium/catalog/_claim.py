"""A dated, sourced, graded fact, and the price cell that follows from some of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

# From the weakest grade to the strongest. A claim of an organisation's overlay stands above all of them.
STATUSES = ("forward-looking", "unconfirmed", "reported", "documented", "measured", "contracted")
GRADE = {status: rank for rank, status in enumerate(STATUSES)}
FORWARD_LOOKING = "forward-looking"
UNCONFIRMED = "unconfirmed"
CONTRACTED = "contracted"

_NUMBER = re.compile(r"-?\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a claim was read. `date` is as recorded (a day, a month, a range); `quote` what it says, as recorded."""

    title: str
    address: str = ""
    date: str = ""
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """One fact. Windows are half-open: from ≤ day < until; an open end is None.

    `announced_on` is the day from which an as-of query knows it; `supersedes` names the claims it corrects or cancels.
    `surface` is a canonical surface id (empty if the claim is not about one) and `models` the models it speaks of
    (empty: all of them). `layer` 0 is shipped; a higher one is an organisation's overlay.
    """

    id: str
    topic: str
    subject: str
    predicate: str
    value: str
    unit: str
    status: str
    valid_from: date | None = None
    valid_until: date | None = None
    announced_on: date | None = None
    seen_on: date | None = None
    review_by: date | None = None
    sources: tuple[Source, ...] = ()
    supersedes: tuple[str, ...] = ()
    note: str = ""
    surface: str = ""
    models: tuple[str, ...] = ()
    layer: int = 0

    def known_by(self, day: date) -> bool:
        """Whether it had been announced by a day; a claim without an announcement counts from its start."""
        announced = self.announced_on or self.valid_from
        return announced is None or announced <= day

    def holds_on(self, day: date) -> bool:
        """Whether the day falls in its window."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day < self.valid_until
        )

    def speaks_of(self, model: str) -> bool:
        """Whether it covers a model: by name, or because it covers all."""
        return not self.models or model in self.models

    @property
    def number(self) -> Decimal | None:
        """The value as a number, None if it is words."""
        if not _NUMBER.fullmatch(self.value):
            return None
        try:
            return Decimal(self.value)
        except InvalidOperation:
            return None


@dataclass(frozen=True, slots=True)
class PriceCell:
    """One price of one unit, expanded from rules; `claim_ids` are the claims it follows from, base price first."""

    id: str
    surface: str
    model: str
    scope: str
    tier: str
    unit: str
    band: tuple[int, int | None]
    rate_picos: int
    amount_usd: Decimal
    valid_from: date | None
    valid_until: date | None
    status: str
    claim_ids: tuple[str, ...]

    def holds_on(self, day: date) -> bool:
        """Whether the day falls in its window."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day < self.valid_until
        )


def weakest(statuses: tuple[str, ...]) -> str:
    """The lowest grade: what follows from several claims is as sure as the least sure of them."""
    return min(statuses, key=GRADE.__getitem__)
