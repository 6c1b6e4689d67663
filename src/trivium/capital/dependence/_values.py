"""The values of dependence: what is behind a surface, what was spent, what was seen to answer, and the readings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from fractions import Fraction

from trivium.core import Money

ROLES = ("model_maker", "operator", "biller", "hosting_cloud", "silicon")


@dataclass(frozen=True, slots=True)
class Link:
    """Who stands in one role behind a surface. No name: not stated; several: one of them, and nobody says which."""

    role: str
    names: tuple[str, ...]
    claim_id: str
    grade: str
    note: str = ""

    @property
    def stated(self) -> str:
        """The one name, empty if there is none or several."""
        return self.names[0] if len(self.names) == 1 else ""


@dataclass(frozen=True, slots=True)
class Chain:
    """What is behind a surface for a model. `makers` names the party behind each chip of the silicon link."""

    surface: str
    model: str
    links: Mapping[str, Link]
    makers: Mapping[str, str]

    @property
    def parties(self) -> tuple[str, ...]:
        """Every party that surely stands behind it, each once, in the order of the roles."""
        found = [self.links[role].stated for role in ROLES]
        return tuple(dict.fromkeys(self.makers.get(name, name) for name in found if name))

    @property
    def possible(self) -> tuple[str, ...]:
        """Parties that may stand behind it: one of several that a claim names."""
        named = [name for role in ROLES for name in self.links[role].names if len(self.links[role].names) > 1]
        found = dict.fromkeys(self.makers.get(name, name) for name in named)
        return tuple(name for name in found if name not in self.parties)

    @property
    def not_stated(self) -> tuple[str, ...]:
        """The roles that nobody states."""
        return tuple(role for role in ROLES if not self.links[role].names)


@dataclass(frozen=True, slots=True)
class Spent:
    """What a workload spent on a model of a surface; `unpriced` attempts have no amount and are in no share."""

    workload: str
    model: str
    surface: str
    amount: Money
    requests: int
    unpriced: int = 0


@dataclass(frozen=True, slots=True)
class Concentration:
    """How an amount is spread over the names in one role.

    `shares` are of the whole, largest first. `several` is what one of some names carries, `not_stated` what nobody
    states. The Herfindahl index (0 to 10,000) lies between `hhi_low`, where what is unknown is spread over very many
    and what is one of several is divided evenly among these, and `hhi_high`, where each is in whole that name's that
    makes it greatest. They are one number where everything is stated.
    """

    role: str
    total: Money
    shares: tuple[tuple[str, Money, Fraction], ...]
    several: tuple[tuple[tuple[str, ...], Money, Fraction], ...]
    not_stated: Money
    hhi_low: Fraction
    hhi_high: Fraction

    @property
    def not_stated_share(self) -> Fraction:
        """The share that nobody states; 0 of nothing."""
        return Fraction(self.not_stated.picos, self.total.picos) if self.total.picos else Fraction(0)

    @property
    def effective_low(self) -> Fraction | None:
        """The effective number of names, 1 / sum of squared shares, at `hhi_high`; None of nothing."""
        return 10_000 / self.hhi_high if self.hhi_high else None

    @property
    def effective_high(self) -> Fraction | None:
        """The same at `hhi_low`; None where nothing is stated."""
        return 10_000 / self.hhi_low if self.hhi_low else None


@dataclass(frozen=True, slots=True)
class Connection:
    """A stake that ties two parties; `counted` if it is contracted or reported, not merely announced."""

    deal_id: str
    holder: str
    held: str
    counted: bool
    stage: str


@dataclass(frozen=True, slots=True)
class Exposure:
    """How much of an amount has a party somewhere behind it: surely, or perhaps. Exposures overlap."""

    party: str
    sure: Money
    perhaps: Money
    roles: tuple[str, ...]


class How(Enum):
    """Where evidence that a workload can go on comes from."""

    ANSWERED = "answered elsewhere"
    FAILOVER = "failover"
    DRILL = "drill"


@dataclass(frozen=True, slots=True)
class Seen:
    """So many requests of a workload's model were answered by a surface, last on a day.

    A failover and a drill say `instead_of` which surface; a drill's record may come from a file of another command.
    """

    workload: str
    model: str
    surface: str
    count: int
    last_on: date
    how: How = How.ANSWERED
    instead_of: str = ""


class Goes(Enum):
    """Whether a part of the spend goes on without a party or a surface."""

    UNAFFECTED = "does not depend on it"
    SHOWN = "measured"
    NOT_SHOWN = "not shown"


@dataclass(frozen=True, slots=True)
class Part:
    """One workload's model on one surface, and whether it goes on. `perhaps`: it may depend, one of several names.

    `seen` is the evidence, the most recent first; `not_stated` the roles of its surface that nobody states.
    """

    spent: Spent
    goes: Goes
    perhaps: bool
    seen: tuple[Seen, ...]
    not_stated: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Continuity:
    """What goes on if a party fails or a surface is withdrawn, from what was measured."""

    kind: str  # party, surface
    name: str
    parts: tuple[Part, ...]
    since: date
    until: date

    def amount(self, goes: Goes) -> Money:
        """The spend of one standing."""
        return Money(sum(part.spent.amount.picos for part in self.parts if part.goes is goes))

    @property
    def total(self) -> Money:
        """All of it."""
        return Money(sum(part.spent.amount.picos for part in self.parts))

    @property
    def share(self) -> Fraction | None:
        """The share of spend that goes on: unaffected or measured; None of nothing."""
        kept = self.amount(Goes.UNAFFECTED).picos + self.amount(Goes.SHOWN).picos
        return Fraction(kept, self.total.picos) if self.total.picos else None

    @property
    def workloads(self) -> Mapping[str, bool]:
        """Each workload, and whether all of its parts go on."""
        found: dict[str, bool] = {}
        for part in self.parts:
            found[part.spent.workload] = found.get(part.spent.workload, True) and part.goes is not Goes.NOT_SHOWN
        return dict(sorted(found.items()))


@dataclass(frozen=True, slots=True)
class Committed:
    """A commitment that binds, in plain values: what remains to `ends` and what burns it down whatever Claude does.

    `counts` is the share of spend that burns it down. `remaining_usd` of None: it binds, and its amount is not known.
    """

    name: str
    surfaces: tuple[str, ...]
    ends: date
    remaining_usd: Fraction | None
    other_usd: Fraction = Fraction(0)
    counts: Fraction = Fraction(1)
    notice_days: int = 0
    notice_by: date | None = None
    renews: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class Stranded:
    """What of a commitment could not be used: if all stays, if it is left as planned, if it is cut off today.

    `planned_usd` is None where nobody states how long the move takes.
    """

    commitment: Committed
    staying_usd: Fraction | None
    planned_usd: Fraction | None
    stressed_usd: Fraction | None


@dataclass(frozen=True, slots=True)
class Exit:
    """What leaving a platform costs and takes: planned, after the move, and stressed, from one day to the next.

    Amounts of None are not known, and `unknown` says why. `leaves_on` is the day on which nothing runs there any more.
    """

    surface: str
    spend_usd_per_day: Fraction
    commitments: tuple[Stranded, ...]
    prepaid_usd: Fraction | None
    prepaid_lost_planned_usd: Fraction | None
    migration_months: Fraction | None
    migration_from: str
    leaves_on: date | None
    bound_until: date | None
    unknown: tuple[str, ...]

    @property
    def remaining_usd(self) -> Fraction | None:
        """The exposure: what is committed and not yet used; None if an amount is not known."""
        return _sum([one.commitment.remaining_usd for one in self.commitments])

    @property
    def planned_usd(self) -> Fraction | None:
        """What a planned exit strands; None if a part is not known."""
        return _sum([*(one.planned_usd for one in self.commitments), self.prepaid_lost_planned_usd])

    @property
    def stressed_usd(self) -> Fraction | None:
        """What a stressed exit strands; None if a part is not known."""
        return _sum([*(one.stressed_usd for one in self.commitments), self.prepaid_usd])


def _sum(parts: list[Fraction | None]) -> Fraction | None:
    known = [part for part in parts if part is not None]
    return sum(known, Fraction(0)) if len(known) == len(parts) else None
