"""The values of the deal ledger: a deal, its amount, schedule, assumed shares, versions and what contradicts it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from fractions import Fraction

from trivium.capital.deals._schedule import Schedule
from trivium.catalog import Claim, Source
from trivium.core import Money


class Kind(Enum):
    """What a deal is, whatever the table calls it in detail."""

    INVEST = "invest"
    STAKE = "stake"
    COMMIT = "commit"
    SUPPLY = "supply"
    LEND = "lend"
    LEASE = "lease"
    GUARANTEE = "guarantee"
    WARRANT = "warrant"
    REVENUE_SHARE = "revenue share"


class Stage(Enum):
    """How far a deal had come, by its own row."""

    LETTER_OF_INTENT = "letter of intent"
    ANNOUNCED = "announced"
    REPORTED = "reported"
    CONTRACTED = "contracted"


class State(Enum):
    """What has become of it by the day of the ledger."""

    CURRENT = "current"
    ENDED = "ended"  # its window is over
    SUPERSEDED = "superseded"  # another row says more, from that row's announcement on
    TERMINATED = "terminated"


@dataclass(frozen=True, slots=True)
class Amount:
    """What is paid in all, in exact USD, with the words it was given in (`at least`, `up to`, `about`).

    `point` is the figure of the row; None is unknown, which is not zero. `low` or `high` is None where the words leave
    that side open. `per` is `year` where the figure is for one year of it.
    """

    low: Money | None
    point: Money | None
    high: Money | None
    words: str = ""
    per: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """A share between 0 and 1 with its range. `assumed`: no source gives it, and `why` says what it rests on."""

    field: str
    low: Fraction
    point: Fraction
    high: Fraction
    assumed: bool
    claim_id: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Tranche:
    """A part of a deal; an amount of None is unknown."""

    name: str
    amount: Money | None
    claim_id: str


@dataclass(frozen=True, slots=True)
class Version:
    """A step in the life of a deal: announced, reported, contracted, amended, qualified, superseded, terminated."""

    event: str
    on: date | None
    text: str
    claim_id: str
    amount: Money | None = None


@dataclass(frozen=True, slots=True)
class Deal:
    """Who gives what to whom. `giver` pays, invests, lends, holds, supplies or guarantees; `getter` receives.

    `head` and `what` are the table's own words (`commit`, `cloud`). `cash`: money moves from giver to getter, and
    `no_cash` says why not.
    `counted`: part of sums; a round's total, a programme and a backlog are not, and `not_counted` says why.
    `inside` and `overlaps` name deals that hold, or may hold, the same money.
    """

    id: str
    giver: str
    getter: str
    kind: Kind
    head: str
    what: str
    amount: Amount
    schedule: Schedule
    stage: Stage
    state: State
    grade: str
    confidence: str
    announced_on: date | None
    start: date | None
    end: date | None
    cash: bool
    no_cash: str
    counted: bool
    not_counted: str
    conditions: tuple[str, ...]
    tranches: tuple[Tranche, ...]
    notice_days: int | None
    firm: Share
    avoidable: Share
    resale: Share
    round: str
    inside: tuple[str, ...]
    overlaps: tuple[str, ...]
    qualified_by: tuple[str, ...]
    superseded_by: str
    versions: tuple[Version, ...]
    sources: tuple[Source, ...]
    claim: Claim
    term_ids: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its short id, such as `D045`."""
        return self.id.removeprefix("deal.")

    @property
    def firm_usd(self) -> Fraction | None:
        """What cannot be got out of, in USD: contracted, and its firm share. None if the amount is unknown."""
        if self.amount.point is None:
            return None
        return self.firm.point * Fraction(self.amount.point.usd) if self.stage is Stage.CONTRACTED else Fraction(0)

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What no source gives, in sentences: shares and the parts of the schedule that were assumed."""
        shares = [
            f"{one.field} {one.low}..{one.point}..{one.high}: {one.why} ({one.claim_id})"
            for one in (self.firm, self.avoidable, self.resale)
            if one.assumed
        ]
        return (*shares, *self.schedule.assumed)


@dataclass(frozen=True, slots=True)
class Statement:
    """A claim of the article that speaks of deals, or of none (`note` says why); `figure` is exact where it has one."""

    claim: Claim
    deals: tuple[str, ...]
    note: str

    @property
    def figure(self) -> str:
        """What it says, with its unit."""
        return f"{self.claim.value} {self.claim.unit}".strip()


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Claims that cannot all be true of a deal; `stands` are those that win, empty if nothing decides."""

    id: str
    says: str
    deals: tuple[str, ...]
    claim_ids: tuple[str, ...]
    stands: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that could not be read as a deal, and why."""

    claim_id: str
    why: str


@dataclass(frozen=True, slots=True)
class Party:
    """A party by its name, what it does (`model maker`, `cloud`, `chip maker`, `vehicle`, or empty)."""

    name: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A derived figure: its sum written out, what comes out, and the claims behind it."""

    claim_id: str
    name: str
    worked: str
    result: str
    recorded: str
    claim_ids: tuple[str, ...] = field(default=())
    missing: str = ""
