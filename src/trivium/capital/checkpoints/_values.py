"""The values of checkpoints: what is looked at, a trigger, its state on a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum

from trivium.capital.cover import Growth
from trivium.capital.deals import DealLedger
from trivium.capital.own import Own
from trivium.catalog import Snapshot

STALE = "stale: re-check"


class State(Enum):
    """Whether a trigger has fired on a day."""

    FIRED = "fired"
    NOT_FIRED = "not fired"
    CANNOT_TELL = "cannot be told"


@dataclass(frozen=True, slots=True)
class Scenario:
    """The cone a run rate is held against: growth as a factor a year and spread, the reader's; no claim."""

    growth: float  # continuous, a year
    spread: float
    since: date | None = None  # the reading it starts from: the last by this day; None: the third newest

    def of(self, run_rate_usd: float) -> Growth:
        """The cone from a run rate."""
        return Growth(run_rate_usd, self.growth, self.spread)


@dataclass(frozen=True, slots=True)
class Sight:
    """What triggers and dates are read from. `parties` are those that stand behind what the organisation uses.

    `makers` are the model makers among them; `used` the (surface, model) pairs in use, None where no ledger says.
    """

    snapshot: Snapshot
    ledger: DealLedger
    at: date
    parties: tuple[str, ...]
    makers: tuple[str, ...]
    used: tuple[tuple[str, str], ...] | None
    own: Own
    scenario: Scenario | None = None


@dataclass(frozen=True, slots=True)
class Trigger:
    """An exit trigger: what fires it, with its threshold in a unit, who owns it, and what is then done."""

    name: str
    condition: str
    threshold: Decimal
    unit: str
    owner: str
    action: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A trigger held against the claims of a day, for one subject.

    `value` is what was read; `missing` names each claim that would decide a state that cannot be told. `evidence_on`
    is the newest day of the claims behind it. Above the set age `verdict` reads `stale: re-check`; `state` is kept.
    """

    trigger: Trigger
    subject: str
    state: State
    value: str
    claim_ids: tuple[str, ...]
    missing: tuple[str, ...]
    evidence_on: date | None
    age_days: int | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule read for one subject, before its age is looked at."""

    subject: str
    state: State
    value: str
    claim_ids: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    evidence_on: date | None = None
