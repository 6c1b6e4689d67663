"""The report as values: what was asked, and everything that was found, before any of it is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from trivium.capital.capacity import Buys, Evidence, Lag, Range, Silicon, Swing
from trivium.capital.cover import Degree, Dues, Growth, Means, Shortfall
from trivium.capital.deals import DealLedger, Firmness
from trivium.capital.flow import Flow
from trivium.capital.network import DealNetwork
from trivium.capital.stress import Stress
from trivium.catalog import Claim, Snapshot

IS_NOT = (
    "This is not a forecast and no rating: no probability of default of a named company is presented as a finding. "
    "Amounts are claims of the press and of filings, each with its grade. Scenarios and balance sheets are yours."
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What the reader assumes of a party; nothing of it is claimed. `accepted`: what break-even growth may risk."""

    growth: Growth
    means: Means
    paths: int
    seed: int
    accepted: float


@dataclass(frozen=True, slots=True)
class Reading:
    """One line for a section that another room of the product fills: what, the figure, the claims behind it."""

    name: str
    value: str
    note: str = ""
    due: date | None = None
    claim_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What the report is about. `command` reruns it; `stale_days`: from which age of the newest deal it says so."""

    party: str
    quarters: int = 24
    stale_days: int = 90
    scenario: Scenario | None = None
    cancelled: tuple[str, ...] = ()
    run_rate_usd: Fraction | None = None
    command: str = ""


@dataclass(frozen=True, slots=True)
class Past:
    """What had been committed by the day of a claimed run rate, in USD by degree."""

    on: date
    run_rate_usd: Fraction
    claim: Claim
    committed_usd: Mapping[Degree, Fraction]

    def years(self, degree: Degree) -> float:
        """Years of that run rate."""
        return float(self.committed_usd[degree] / self.run_rate_usd)


@dataclass(frozen=True, slots=True)
class Sweep:
    """One input from one end to the other, the rest unmoved, and the reading at each end."""

    name: str
    low: str
    high: str
    at_low: float
    at_high: float
    claim_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Short:
    """What came of the reader's scenario at one degree; `break_even` as a factor a year."""

    shortfall: Shortfall
    break_even: float | None


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a gigawatt buys, by silicon, the claims it rests on, and what moves it most."""

    costs: tuple[Evidence, ...]
    cost: Range
    chips: tuple[Silicon, ...]
    buys: tuple[Buys, ...]
    swings: Mapping[str, tuple[Swing, ...]]
    lags: tuple[Lag, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """Everything that the pages show. `rate_claim` is None where the reader gave the run rate."""

    asked: Asked
    snapshot: Snapshot
    ledger: DealLedger
    flow: Flow
    run_rate_usd: Fraction | None
    rate_claim: Claim | None
    firmness: Firmness
    dues: Mapping[Degree, Dues]
    history: tuple[Past, ...]
    sweeps: tuple[Sweep, ...]
    short: Mapping[Degree, Short]
    scenario_sweeps: tuple[Sweep, ...]
    income_usd: Mapping[float, tuple[float, ...]]  # by quantile: what is free for dues, by year from the day on
    capacity: Capacity | None
    network: DealNetwork | None
    stress: tuple[Stress, ...]
    newest: date | None
    checkpoints: tuple[Reading, ...] = ()
    dependence: tuple[Reading, ...] = ()

    @property
    def committed_usd(self) -> dict[Degree, Fraction]:
        """What the party committed, by degree."""
        one = self.firmness
        return {
            Degree.HEADLINE: one.headline_usd,
            Degree.CONTRACTED: one.contracted_usd,
            Degree.FIRM: one.firm_usd,
        }

    @property
    def age_days(self) -> int | None:
        """How old the newest announcement is, on the day of the report."""
        return None if self.newest is None else (self.snapshot.as_of - self.newest).days

    @property
    def stale(self) -> bool:
        """Whether the evidence is older than the reader accepts."""
        return self.age_days is None or self.age_days > self.asked.stale_days
