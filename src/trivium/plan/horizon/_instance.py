"""One problem over months and scenarios: demand, prices, what is feasible, what may be signed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trivium.core import UserError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_SUM_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class SpendCommitment:
    """A spend commitment on one or more surfaces; amounts are US dollars a period.

    `months` from `first_month` on (negative if it began before the horizon) are cut into equal `periods`. The size lies
    anywhere in [low_usd, high_usd] at `discount`, or is one of `tiers` (amount, discount), of which none is a choice
    too. What is `signed` has one size, its only tier or low_usd. Covered: the amount is paid and covers list spend of
    amount / (1 - discount). Take-or-pay: all spend has the discount, and a period costs the amount at least.
    """

    surfaces: tuple[int, ...]
    first_month: int
    months: int
    periods: int = 1
    form: Literal["covered", "take-or-pay"] = "covered"
    discount: float = 0.0
    low_usd: float = 0.0
    high_usd: float = 0.0
    tiers: tuple[tuple[float, float], ...] = ()
    signed: bool = False

    def check(self, name: str, surfaces: int) -> None:
        """UserError where the commitment contradicts itself."""
        if not self.surfaces or min(self.surfaces) < 0 or max(self.surfaces) >= surfaces:
            raise UserError(f"{name}.surfaces", str(self.surfaces), f"surfaces of 0 to {surfaces - 1}")
        if self.form not in {"covered", "take-or-pay"}:
            raise UserError(f"{name}.form", self.form, "covered or take-or-pay")
        if self.periods < 1 or self.months < self.periods:
            value = f"{self.periods} in {self.months} months"
            raise UserError(f"{name}.periods", value, "at least 1, each of a month or more")
        for amount, discount in (*self.tiers, (self.low_usd, self.discount)):
            if not (np.isfinite(amount) and amount >= 0 and 0 <= discount < 1):
                raise UserError(
                    name, f"{amount} USD at {discount}", "an amount of 0 or more, a discount from 0 to below 1"
                )
        if self.signed and len(self.tiers) > 1:
            raise UserError(f"{name}.tiers", str(len(self.tiers)), "one, where it is signed")
        if not self.tiers and not self.signed and self.high_usd < self.low_usd:
            raise UserError(f"{name}.high_usd", str(self.high_usd), f"at least low_usd, {self.low_usd}")


@dataclass(frozen=True, eq=False)
class Instance:
    """W workloads, P offers on K surfaces, T months, S scenarios; the objective is (1 - ω)·E + ω·CVaR of the cost.

    `demand` (W, S, T) counts units of a workload's base month, `unit_cost_usd` (W, P, T) is a unit's list price on an
    offer, `feasible` (W, P, T) says who may run where and when. CVaR is the mean of the worst 1 - `risk_level` of all
    cases.
    """

    workloads: tuple[str, ...]
    offers: tuple[str, ...]
    surfaces: tuple[str, ...]
    surface_of: Ints  # (P,)
    demand: Floats
    unit_cost_usd: Floats
    feasible: Flags
    probability: Floats  # (S,)
    risk_weight: float = 0.5  # ω, the tail's weight
    risk_level: float = 0.9
    commitments: tuple[SpendCommitment, ...] = ()
    month_weight: Floats = field(default_factory=lambda: np.zeros(0))  # (T,) discount factors; empty: 1

    def __post_init__(self) -> None:
        workloads, offers, surfaces = len(self.workloads), len(self.offers), len(self.surfaces)
        if self.demand.ndim != 3 or 0 in self.demand.shape:  # noqa: PLR2004  workloads, scenarios, months
            raise UserError("demand", f"shape {self.demand.shape}", "workloads by scenarios by months, none empty")
        scenarios, months = self.demand.shape[1:]
        if not self.month_weight.size:
            object.__setattr__(self, "month_weight", np.ones(months))
        shapes = {
            "surface_of": (self.surface_of, (offers,)),
            "demand": (self.demand, (workloads, scenarios, months)),
            "unit_cost_usd": (self.unit_cost_usd, (workloads, offers, months)),
            "feasible": (self.feasible, (workloads, offers, months)),
            "probability": (self.probability, (scenarios,)),
            "month_weight": (self.month_weight, (months,)),
        }
        for name, (values, shape) in shapes.items():
            if values.shape != shape:
                raise UserError(name, f"shape {values.shape}", f"shape {shape}")
        if not ((self.surface_of >= 0) & (self.surface_of < surfaces)).all():
            raise UserError("surface_of", f"{self.surface_of.min()} to {self.surface_of.max()}", f"0 to {surfaces - 1}")
        self._check_amounts()
        for number, commitment in enumerate(self.commitments):
            commitment.check(f"commitments[{number}]", surfaces)

    def _check_amounts(self) -> None:
        priced = np.where(self.feasible, self.unit_cost_usd, 0.0)
        for name, values in (("demand", self.demand), ("unit_cost_usd", priced), ("probability", self.probability)):
            if not (np.isfinite(values).all() and (values >= 0).all()):
                raise UserError(name, f"least {np.min(values)}", "finite numbers of 0 or more (prices: where feasible)")
        if abs(self.probability.sum() - 1.0) > _SUM_TOLERANCE:
            raise UserError("probability", f"sum {self.probability.sum()}", "a sum of 1")
        if not (np.isfinite(self.month_weight).all() and (self.month_weight > 0).all()):
            raise UserError("month_weight", f"least {np.min(self.month_weight)}", "discount factors above 0")
        if not 0.0 <= self.risk_weight <= 1.0:
            raise UserError("risk_weight", str(self.risk_weight), "from 0 (mean alone) to 1 (tail alone)")
        if not 0.0 <= self.risk_level < 1.0:
            raise UserError("risk_level", str(self.risk_level), "from 0 to below 1, such as 0.9 for the worst tenth")
