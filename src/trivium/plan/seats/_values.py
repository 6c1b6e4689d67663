"""What an export says about seats: who used them, how much, and what was paid; exact, with what it left unsaid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from trivium.core import Money
from trivium.plan._months import DAYS_PER_MONTH

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class ModelUse:
    """One model of an export. `model` is the catalogue's id, empty where the catalogue has none for the name."""

    name: str  # as the export spells it
    model: str
    requests: Decimal = ZERO
    credits: Decimal = ZERO
    interactions: int = 0  # of adoption reports: prompts a user started; neither billed nor tokens
    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    net: Money | None = None


@dataclass(frozen=True, slots=True)
class SeatUsage:
    """One export as read. None means that this kind of export does not say it."""

    surface: str  # github-copilot · m365-copilot · copilot-studio
    report: str  # which kind of export
    source: str  # the file's name
    first_day: date | None
    last_day: date | None
    rows: int
    seats: int | None = None  # licensed users
    seat_months: Decimal | None = None  # billed
    active: int | None = None  # users with any use in the span
    requests: Decimal | None = None  # premium requests
    credits: Decimal | None = None
    credits_if_metered: Decimal | None = None  # what requests would have been under usage billing
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    by_model: tuple[ModelUse, ...] = ()
    gross: Money | None = None
    discount: Money | None = None
    net: Money | None = None
    left_out: int = 0  # rows of other products
    unknown_columns: tuple[str, ...] = ()  # read past
    notes: tuple[str, ...] = ()

    @property
    def months(self) -> Decimal | None:
        """The span in average months; None without days."""
        if self.first_day is None or self.last_day is None:
            return None
        return Decimal((self.last_day - self.first_day).days + 1) / Decimal(DAYS_PER_MONTH)
