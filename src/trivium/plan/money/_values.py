"""What the real price of a workload is asked of, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

from trivium.catalog import Snapshot
from trivium.core import ROUTABLE_SURFACES, Money, Offer, UserError
from trivium.plan._demand import Demand
from trivium.plan.decision import Answer, Basis, Bridge, Ground
from trivium.plan.org import Contract, Needs
from trivium.pricing import PriceBook

LEVER_NAMES: Mapping[str, str] = {
    "cache_life": "cache life",
    "batch": "batch",
    "region_scope": "region scope",
    "model": "model",
    "contract": "contract",
    "surface": "surface",
}


@dataclass(frozen=True, slots=True)
class Path:
    """Use in each month ahead; 1.0 is the measured pace. `low` and `high` are monthly quantiles, shown and not priced.

    Without a path (`Path.flat`) the future is like the measured span, and the answer says that nothing is known of it.
    """

    point: tuple[float, ...]
    basis: Basis
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not self.point:
            raise UserError("path", (), "give at least one month ahead")
        if any(not 0 <= value < float("inf") for value in self.point):
            raise UserError("path", self.point, "use relative to the measured pace is a finite number from zero up")

    @classmethod
    def flat(cls, months: int) -> Path:
        """As measured, every month."""
        return cls((1.0,) * months, Basis((Ground.ASSUMPTION,), note="no growth is known; use stays as measured"))


@dataclass(frozen=True)
class PriceAsk:
    """One workload and everything its price depends on.

    `demands` are the workload's, one a model. `early` is the same for its first month alone, where it was measured:
    without it, drift is read from the minutes of `demands`, and the drift of long prompts is not known. `list_book` is
    the book without contracts, if there are any. `contracts` are those of the organisation; only signed ones count.
    """

    workload: str
    demands: tuple[Demand, ...]
    needs: Needs
    snapshot: Snapshot
    book: PriceBook
    at: date
    path: Path
    span_days: float | None = None  # None: from the demands' own first and last instant
    list_book: PriceBook | None = None
    contracts: Mapping[str, Contract] = field(default_factory=dict)
    surfaces: tuple[str, ...] = ROUTABLE_SURFACES
    quota_tiers: Mapping[str, str] = field(default_factory=dict)
    early: tuple[Demand, ...] = ()
    fits: Callable[[Offer], bool] | None = None  # whether evidence lets it run there; None: nothing is held against it


@dataclass(frozen=True, slots=True)
class LeverWorth:
    """One lever on the measured span, exact: its step in the combination, alone, and what is not allowed now.

    `low` and `high` bound the step where it rests on more than counts (token counts of another model).
    """

    name: str  # of LEVER_NAMES
    step: Money
    alone: Money
    closed: Money | None
    why: str
    basis: Basis
    low: Money | None = None
    high: Money | None = None


@dataclass(frozen=True)
class RealPrice:
    """The answer to the third question, with both bridges.

    `bridge` leads from the first month's extrapolation to the forecast of what runs now; `levers` from that span's list
    amount to what it costs with every lever open. `measured` and `levered` are exact and of the measured span.
    """

    answer: Answer
    bridge: Bridge
    levers: Bridge
    worth: tuple[LeverWorth, ...]
    measured: Money
    levered: Money
    monthly_usd: float
    not_known: tuple[str, ...]
