"""What a price, a discount or a growth would change, in the time a slider moves: no program is solved."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from trivium.core import UserError
from trivium.plan.horizon._groups import surface_costs
from trivium.plan.horizon._instance import Flags, Floats, Instance, SpendCommitment
from trivium.plan.horizon._paths_input import periods_of
from trivium.plan.horizon._recourse import weighted_cvar


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the inputs; the default changes nothing.

    `price_factor` multiplies the list prices of each surface (0.9 is a plain discount of 10 %); `growth_per_month`
    compounds on top of the demand from the first month on, `demand_factor` multiplies all of it.
    """

    price_factor: tuple[float, ...] = ()  # (K,); empty: 1
    growth_per_month: float = 0.0
    demand_factor: float = 1.0

    def prices(self, instance: Instance) -> Floats:
        """Factors (K,); UserError where they do not fit the instance."""
        factors = np.asarray(self.price_factor or np.ones(len(instance.surfaces)), dtype=np.float64)
        if factors.shape != (len(instance.surfaces),):
            raise UserError("price_factor", len(factors), f"give one for each of {len(instance.surfaces)} surfaces")
        if not (np.isfinite(factors).all() and (factors >= 0).all()):
            raise UserError("price_factor", self.price_factor, "give finite factors of 0 or more")
        return factors

    def volumes(self, instance: Instance) -> Floats:
        """Factors of demand (T,); UserError where they could not be."""
        if not self.growth_per_month > -1 or not np.isfinite(self.growth_per_month):
            raise UserError("growth_per_month", self.growth_per_month, "give a share above -1, such as 0.02")
        if not (self.demand_factor >= 0 and np.isfinite(self.demand_factor)):
            raise UserError("demand_factor", self.demand_factor, "give a factor of 0 or more")
        months = np.arange(len(instance.month_weight))
        return np.asarray(self.demand_factor * (1 + self.growth_per_month) ** months)

    def apply(self, instance: Instance) -> Instance:
        """The changed instance, for the solvers."""
        prices = self.prices(instance)[instance.surface_of]
        return replace(
            instance,
            unit_cost_usd=instance.unit_cost_usd * prices[None, :, None],
            demand=instance.demand * self.volumes(instance),
        )


@dataclass(frozen=True)
class WhatIf:
    """Costs with each workload's month where it is cheapest after the change, and who moved. Forecasts."""

    scenario_usd: Floats  # (S,)
    expected_usd: float
    cvar_usd: float
    objective_usd: float
    moved: Flags  # (W, T): its cheapest surface is another than before


def what_if(instance: Instance, change: Change) -> WhatIf:
    """The optimum after a change, exact without commitments, or with one that is covered and signed.

    Other commitments need a program (`solve` on `change.apply(instance)`): UserError says so.
    """
    signed = _signed(instance)
    cost = surface_costs(instance)
    after = cost * change.prices(instance)[None, :, None]
    best = after.min(axis=1)
    if not np.isfinite(best).all():
        workload, month = np.argwhere(~np.isfinite(best))[0]
        where = f"feasible[{instance.workloads[workload]}, month {month}]"
        raise UserError(where, "no offer", "every workload needs an offer in every month: widen its needs")
    volumes = change.volumes(instance)
    paid = best * (volumes * instance.month_weight)
    scenario = np.zeros(instance.demand.shape[1])
    for workload, row in enumerate(paid):  # one pass over memory, no copy of the demand
        scenario += instance.demand[workload] @ row
    if signed is not None:
        scenario = scenario - _covered(instance, signed, after, best, volumes)
    expected = float(instance.probability @ scenario)
    worst = weighted_cvar(scenario, instance.probability, instance.risk_level)
    omega = instance.risk_weight
    moved = cost.argmin(axis=1) != after.argmin(axis=1)
    return WhatIf(scenario, expected, worst, (1 - omega) * expected + omega * worst, moved)


def _signed(instance: Instance) -> SpendCommitment | None:
    if not instance.commitments:
        return None
    (one, *others) = instance.commitments
    if others or not one.signed or one.form != "covered":
        raise UserError(
            "commitments",
            len(instance.commitments),
            "give none, or one that is covered and signed; others need solve(change.apply(instance))",
        )
    return one


def _covered(instance: Instance, signed: SpendCommitment, cost: Floats, best: Floats, volumes: Floats) -> Floats:
    """What one covered commitment saves in every scenario, less what is paid for it.

    A dollar of list spend elsewhere takes r dollars of the cover, so the cover goes to what has the least r: a prefix
    of the order of r, in every scenario.
    """
    amount, discount = signed.tiers[0] if signed.tiers else (signed.low_usd, signed.discount)
    weight = instance.month_weight
    there = cost[:, list(signed.surfaces), :].min(axis=1)
    saving = np.zeros(instance.demand.shape[1])
    for low, high, part in periods_of(signed, len(weight)):
        if np.ptp(weight[low:high]) > 0:
            raise UserError("month_weight", "varies within a period", "weigh the months of a period alike")
        able = np.isfinite(there[:, low:high]) & (best[:, low:high] > 0)
        workload, month = np.nonzero(able)
        month = month + low
        use, worth = there[workload, month], best[workload, month]
        order = np.argsort(use / worth, kind="stable")
        workload, month, use, worth = workload[order], month[order], use[order], worth[order]
        volume = instance.demand[workload, :, month] * volumes[month][:, None]  # (N, S)
        room = part * amount / (1 - discount)
        before = np.cumsum(volume * use[:, None], axis=0)
        before -= volume * use[:, None]
        taken = np.clip(room - before, 0.0, volume * use[:, None])
        saving += weight[low] * ((worth / use) @ taken - part * amount)
    return saving
