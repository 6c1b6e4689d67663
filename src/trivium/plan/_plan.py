"""The plan as a value: where each workload should run, why, at what cost, and what would change the answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from trivium.core import Checkpoint, Money, Offer, Route, RouteTable, Target
from trivium.core.files import write_whole
from trivium.plan._candidates import Excluded
from trivium.plan._levers import Lever


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a workload on one offer, in hundredths."""

    offer: Offer
    cache_life: str  # 5m · 1h · none
    percent: int


@dataclass(frozen=True, slots=True)
class RunnerUp:
    """The best way to run a workload on another surface, how much dearer it is, and when the answer flips.

    At prices `break_even` times its own (for all its tokens) it costs the same as the choice; None if it is free.
    """

    offer: Offer
    cache_life: str
    cost: Money
    gap: Money
    break_even: Decimal | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Reason:
    """A constraint that decides, and what lifting it would save over the measured span."""

    constraint: str
    shadow_price: Money
    claim_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkloadPlan:
    """One workload's use of one model: placement, money, reasons."""

    workload: str
    model: str
    requests: int
    baseline: Money
    cost: Money
    shares: tuple[Share, ...]
    reasons: tuple[Reason, ...]
    runner_up: RunnerUp | None
    fallbacks: tuple[Offer, ...]
    cache_costs: dict[str, Money]  # on the chosen offer, under each cache life
    claim_ids: tuple[str, ...]
    excluded: tuple[Excluded, ...]
    why: str


@dataclass(frozen=True, slots=True)
class QuotaFinding:
    """A quota against the measured peak: of the plan, or of everything of a workload put on one offer."""

    subject: str  # "the plan", or workload/model
    pool: str  # surface, and the models that share it
    metric: str
    tier: str
    limit: int | None  # None: not published or not known
    peak: int
    peak_minute: str
    breaks: bool
    claim_ids: tuple[str, ...]
    note: str = ""
    enforced: bool = True  # False: of a usage tier that is not the organisation's


@dataclass(frozen=True, slots=True)
class Unplaced:
    """Demand that no offer can take on the day of the plan, or that has no price where it runs."""

    workload: str
    model: str
    requests: int
    reason: str


@dataclass(frozen=True)
class Plan:
    """See the module. All money is exact, for the measured span, at the prices of `at`."""

    at: date
    as_of: date | None
    span_days: Decimal
    baseline: Money
    cost: Money
    workloads: tuple[WorkloadPlan, ...]
    levers: tuple[Lever, ...]
    remainder: Money  # what quotas, requirements and divided workloads take from the levers; steps + remainder = saving
    quotas: tuple[QuotaFinding, ...]
    reasons: tuple[Reason, ...]
    checkpoints: tuple[Checkpoint, ...]
    assumptions: tuple[str, ...]
    claim_ids: tuple[str, ...]
    unplaced: tuple[Unplaced, ...] = ()  # in none of the amounts
    snapshot_digest: str = ""
    book_digest: str = ""

    @property
    def saving(self) -> Money:
        """Baseline minus plan."""
        return self.baseline - self.cost

    @property
    def broken(self) -> tuple[QuotaFinding, ...]:
        """Quotas that a placement would break."""
        return tuple(finding for finding in self.quotas if finding.breaks)

    def route_table(self) -> RouteTable:
        """Weights in hundredths; the best offers on other surfaces follow with weight 0, for failover."""
        routes = []
        for item in self.workloads:
            targets = [Target(share.offer, share.percent, _advice(share.cache_life)) for share in item.shares]
            life = _advice(item.shares[0].cache_life)
            targets += [Target(offer, 0, life) for offer in item.fallbacks]
            routes.append(Route(item.workload, item.model, tuple(targets), item.why))
        return RouteTable(tuple(routes), f"{self.at.isoformat()}-{self.book_digest[:12]}")


def _advice(life: str) -> str:
    return life if life in {"5m", "1h"} else "as_sent"


def write_routes(table: RouteTable, path: Path) -> None:
    """Replace the file in one step, so that a gateway that reloads it sees the old table or the new one, never half."""
    write_whole(path, table.to_json().encode(), mode=0o644)  # the gateway may be another user; no secret is in it
