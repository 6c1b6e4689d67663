"""The organisation as values: what its workloads need, what it has signed or been offered, its Microsoft footprint.

Every field that was left out has a default; `Organisation.assumed` names each of them with its value and its remedy, so
that a report can show what it rests on. Amounts are decimal strings, as they stand in the file, and never floats.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from trivium.core import Money


class Growth(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Growth per month as shares (0.05 is 5 %): one month in ten is believed below `low`, one in ten above `high`."""

    low: Decimal
    point: Decimal
    high: Decimal
    note: str = ""


class Tuning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A wish to customise a model: when it would be used, and on which model if that matters."""

    wanted_from: date | None = None
    wanted_until: date | None = None
    model: str = ""  # empty: any Claude


class Needs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one workload needs of a platform (`[workloads.NAME.needs]`)."""

    models: tuple[str, ...] = ()  # that may be used besides the present ones; empty: it keeps what it uses
    scopes: tuple[str, ...] = ()  # region scopes it may be served in; empty: where it runs now
    geography: str = ""  # us · eu · …: processing must stay there; narrows the scopes
    capabilities: tuple[str, ...] = ()
    attestations: tuple[str, ...] = ()  # hipaa_baa · fedramp · dod_il · soc2 · iso27001 · pci … as the claims call them
    data_terms: tuple[str, ...] = ()  # zdr · training_use · eu_data_boundary …
    latency_ms_p95: int | None = None  # to the first token
    availability_percent: Decimal | None = None
    batchable_percent: Decimal = Decimal(0)  # share of its requests that may wait a day
    growth: Growth | None = None
    tuning: Tuning | None = None
    place: Literal["", "api", "ide", "terminal", "microsoft-365", "teams", "github", "copilot-studio"] = ""
    users: int | None = None  # people who use it; seats are compared with tokens for them
    seat_surfaces: tuple[
        str, ...
    ] = ()  # github-copilot · m365-copilot · copilot-studio: where the same work could be bought
    continuity_percent: Decimal | None = None  # share that must go on if its platform fails
    note: str = ""


class Workload(msgspec.Struct, frozen=True):
    """One workload: who owns it, what it may use, what it needs. The gateway reads all fields but `needs` too."""

    owner: str = ""
    models: tuple[str, ...] = ()
    surfaces: tuple[str, ...] = ()
    tags: dict[str, str] = {}
    needs: Needs = Needs()
    scopes: tuple[str, ...] = ()
    cache_loss_usd_max: str = ""
    forwards_identity: bool = False
    hedge_after_ms: int = 0


class Tier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From a yearly spend on, the discount on what is above it."""

    from_usd: str
    discount_percent: Decimal


class Contract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something signed, offered or assumed (`[contracts.NAME]`); a FOCUS `contract_commitment` row becomes one."""

    kind: Literal["spend-commitment", "discount", "volume-tiers", "provisioned", "reserved"]
    surfaces: tuple[str, ...]
    status: Literal["signed", "offered", "assumed"] = "offered"
    form: Literal["covered", "take-or-pay"] = "take-or-pay"
    starts: date | None = None  # None: the day of the plan
    term_months: int = 12
    notice_days: int = 0
    renews: bool = False
    discount_percent: Decimal = Decimal(0)
    commitment_usd_per_year: str = ""  # signed: the amount; offered: the least
    commitment_usd_per_year_max: str = ""  # offered: the most; empty: as the least, if there is one
    levels: tuple[Tier, ...] = ()  # discrete offers: commit so much a year for such a discount
    remaining_usd: str = ""  # of a signed commitment's present year; empty: all of it
    counts_percent: Decimal = Decimal(100)  # share of the spend on Claude that burns it down
    other_spend_usd_per_year: str = "0"  # other spend that burns it down, whatever Claude does
    stacks: bool = False  # it counts dollars that another commitment counts too
    tiers: tuple[Tier, ...] = ()  # volume-tiers
    model: str = ""  # provisioned, reserved
    scope: str = "global"
    unit_tokens_per_minute: int | None = None  # what one unit carries, input-equivalent
    output_weight: Decimal = Decimal(5)  # an output token counts as so many input tokens against a unit
    price_usd_per_unit_hour: str = ""
    units_min: int = 1
    source: str = ""  # document, page, or person and day
    expires: date | None = None  # of an offer: the last day on which it can be signed
    note: str = ""


class Microsoft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The Microsoft footprint (`[microsoft]`): seats, identity, data residency, what a year of each costs."""

    m365_seats: int = 0
    m365_copilot_seats: int = 0
    github_copilot_seats: int = 0
    github_copilot_plan: str = "Copilot Business"
    copilot_studio_credits_per_month: int = 0
    entra: bool = False
    eu_data_boundary: bool = False
    m365_copilot_usd_per_seat_month: str = ""  # empty: not public or not known: the field is yours
    github_copilot_usd_per_seat_month: str = ""  # empty: the public price
    copilot_studio_usd_per_month: str = ""
    macc_remaining_usd: str = ""
    exports: tuple[str, ...] = ()  # files of GitHub, Microsoft 365 and Copilot Studio reports, relative to this file


class Onboarding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What it takes to open a surface (`[onboarding.SURFACE]`), low to high, in days of work and in money."""

    days_low: Decimal = Decimal(5)
    days_high: Decimal = Decimal(20)
    usd_per_day: Decimal = Decimal(800)
    fees_usd: str = "0"
    weeks: Decimal = Decimal(6)  # until the first request may go there
    done: bool = False  # already in use
    switch_days_per_workload: Decimal = Decimal(2)


class About(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The organisation and how it decides (`[organisation]`)."""

    name: str = ""
    horizon_months: int = 12
    risk_weight: Decimal = Decimal("0.5")  # of CVaR in the objective
    risk_level: Decimal = Decimal("0.9")
    discount_rate_percent_per_year: Decimal = Decimal(0)
    surface_share_max_percent: Decimal = Decimal(100)  # of expected spend
    surfaces_min: int = 1
    min_stay_months: int = 1
    surfaces: tuple[str, ...] = ()  # that may be used at all; empty: every one that can be routed to
    quota_tiers: dict[str, str] = {}  # surface → usage tier
    scenarios: int = 200
    seed: int = 1
    growth: Growth | None = None  # for workloads without a belief of their own
    nothing_runs: bool = False  # no surface is in use yet: each has to be opened, and nothing is moved
    growth_ceiling_per_year: Decimal = Decimal(3)  # no scenario is counted beyond it: the plan would be made anew


class DemandAs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the totals of a source's model stand for (`[usage.demand.MODEL]`): a workload that would run on Claude."""

    workload: str
    model: str
    surface: str = "anthropic"
    scope: str = "global"
    percent: Decimal = Decimal(100)  # of the source's volume
    tokens_percent: Decimal = Decimal(100)  # Claude tokens for a hundred of the source's
    peak_over_mean: Decimal = Decimal("5.3")  # busiest minute against the mean of its span


class Usage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the usage comes from (`[usage]`); at most one source. Empty: the ledger of `[paths]`."""

    trace: str = ""  # a file an importer reads
    csv: str = ""  # monthly or daily totals, read with `columns`
    columns: dict[str, str] = {}  # our field → their column
    profile: str = ""  # `shipped`, or a profile file
    requests_per_month: int | None = None  # with a profile: scaled to this
    history: str = ""  # earlier totals per workload, for the cone
    demand: dict[str, DemandAs] = {}  # totals of the ledger: their model → what they stand for here


@dataclass(frozen=True, slots=True)
class Assumption:
    """A default that stands in for something nobody said: shown wherever it counts."""

    field: str  # as in the file: workloads.search.needs.batchable_percent
    value: str
    why: str
    remedy: str


@dataclass(frozen=True)
class Organisation:
    """The whole file, checked."""

    about: About
    workloads: dict[str, Workload]
    contracts: dict[str, Contract]
    microsoft: Microsoft
    onboarding: dict[str, Onboarding]
    usage: Usage
    assumed: tuple[Assumption, ...]  # fields left out, with the default that was taken

    def needs(self, workload: str) -> Needs:
        """The needs of a workload, defaults if it is not in the file."""
        found = self.workloads.get(workload)
        return found.needs if found is not None else Needs()


def money(text: str) -> Money | None:
    """An amount of the file; None where it was left empty. UserError if it is no amount."""
    return Money.from_usd(text) if text else None
