"""What a plan must know besides prices, as plain values: requirements, quotas, capabilities, retirements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from trivium.core import Money, Offer
from trivium.plan._demand import Demand

COUNTS = ("requests", "input", "output", "cache_read", "cache_write")


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a workload needs. Empty fields take defaults, and the plan shows each default as an assumption."""

    workload: str
    models: tuple[str, ...] = ()  # besides the model each part of it uses now
    scopes: tuple[str, ...] = ()  # region scopes it may be served in; default: where it runs now
    surfaces: tuple[str, ...] = ()  # default: any that can be routed to
    batchable: bool = False  # latency class: an answer within a day is soon enough
    capabilities: tuple[str, ...] = ()  # besides what its usage shows


@dataclass(frozen=True, slots=True)
class Quota:
    """A limit per minute on one pool: a surface, some models (None: all), some scopes (None: all)."""

    name: str
    surface: str
    metric: str  # rpm · itpm · otpm · tpm
    limit: int
    weights: Mapping[str, int]  # what counts against it, by the names of COUNTS
    models: frozenset[str] | None = None
    scopes: frozenset[str] | None = None
    tier: str = ""
    claim_ids: tuple[str, ...] = ()
    status: str = "documented"
    note: str = ""

    def covers(self, offer: Offer) -> bool:
        """Whether requests to an offer count against it. Batches have queues of their own."""
        return (
            offer.surface == self.surface
            and offer.tier != "batch"
            and (self.models is None or offer.model in self.models)
            and (self.scopes is None or offer.scope in self.scopes)
        )

    def load(self, counts: Mapping[str, int]) -> int:
        """What some counts use of it."""
        return sum(weight * counts.get(name, 0) for name, weight in self.weights.items())

    def drawn(self, demand: Demand, life: str) -> Mapping[int, int]:
        """What every measured minute uses of it under a cache life; quotas that weigh alike share the answer."""
        key = ("drawn", life, *sorted(self.weights.items()))
        return demand.remembered(key, lambda: {m.minute: self.load(m.counts(life)) for m in demand.minutes})


@dataclass(frozen=True, slots=True)
class SpendCap:
    """The most that a surface lets an organisation of a usage tier spend in a calendar month."""

    surface: str
    tier: str
    amount: Money
    claim_ids: tuple[str, ...] = ()


class Answer(Enum):
    """Whether a surface can do something, as far as claims say."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer with the claims it rests on."""

    answer: Answer
    claim_ids: tuple[str, ...] = ()
    value: str = ""


@dataclass(frozen=True, slots=True)
class Retirement:
    """When a surface stops serving a model; `floor` says it is only a day before which it will not."""

    surface: str
    model: str
    day: date
    floor: bool = False
    claim_ids: tuple[str, ...] = ()
    status: str = "documented"


UNKNOWN = Verdict(Answer.UNKNOWN)


@dataclass(frozen=True)
class Facts:
    """Everything a plan asks of the catalogue, on the day of the plan; empty means that nothing is known."""

    quotas: tuple[Quota, ...] = ()  # those of the organisation's tiers: the placement keeps them
    other_quotas: tuple[Quota, ...] = ()  # those of other tiers: shown where they would break
    capabilities: Mapping[tuple[str, str, str], Verdict] = field(default_factory=dict)  # (surface, model, name)
    retirements: tuple[Retirement, ...] = ()
    caps: tuple[SpendCap, ...] = ()  # of the organisation's tiers
    assumptions: tuple[str, ...] = ()  # what was assumed in reading the claims, in words

    def capability(self, surface: str, model: str, name: str) -> Verdict:
        """What is known for the model on that surface, else for all its models."""
        for subject in (model, "*"):
            if (surface, subject, name) in self.capabilities:
                return self.capabilities[surface, subject, name]
        return UNKNOWN

    def retirement(self, surface: str, model: str) -> Retirement | None:
        """The earliest day on which a surface stops serving a model, if one is stated."""
        found = [r for r in self.retirements if (r.surface, r.model, r.floor) == (surface, model, False)]
        return min(found, key=lambda r: r.day, default=None)
