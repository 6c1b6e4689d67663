"""Paths, stays, openings and commitments in linopy, rule by rule: what the path solver is measured against."""

from __future__ import annotations

import linopy
import numpy as np
import xarray as xr

from trivium.plan.horizon import Instance, Moves


def array(values: np.ndarray, dims: str) -> xr.DataArray:
    data = np.asarray(values, dtype=float)
    return xr.DataArray(
        data, dims=list(dims), coords={dim: range(size) for dim, size in zip(dims, data.shape, strict=True)}
    )


class Independent:
    """One binary per workload, offer and month; every rule written out."""

    def __init__(self, instance: Instance, moves: Moves, stay: int, gap: float = 0.0) -> None:
        self.gap = gap
        self.instance, self.moves, self.stay = instance, moves, stay
        self.model = linopy.Model()
        workloads, offers, length = instance.unit_cost_usd.shape
        self.t = range(length)
        coords = [range(workloads), range(offers), self.t]
        self.on = self.model.add_variables(binary=True, coords=coords, dims=["w", "p", "t"])
        self.model.add_constraints(self.on <= array(instance.feasible, "wpt"))
        self.model.add_constraints(self.on.sum("p") == 1)
        self.cost: linopy.LinearExpression | int = 0
        self._switch(workloads, offers, length)
        self._open()

    def _switch(self, workloads: int, offers: int, length: int) -> None:
        begun = np.zeros((workloads, offers, length))
        for workload, offer in enumerate(self.moves.start):
            if offer >= 0:
                begun[workload, offer, 0] = 1.0
        was, at_start = self.on.shift(t=1).fillna(0), array(begun, "wpt")
        for later in range(1, self.stay):
            inside = array(np.broadcast_to(np.arange(length) + later < length, begun.shape), "wpt").astype(bool)
            self.model.add_constraints(self.on - self.on.shift(t=-later).fillna(0) - was <= at_start, mask=inside)
        moved = self.model.add_variables(
            lower=0, coords=[range(workloads), range(offers), range(offers), self.t], dims=["w", "q", "p", "t"]
        )
        before = was.rename({"p": "q"})
        self.model.add_constraints(moved - self.on - before >= at_start.rename({"p": "q"}) - 1)
        usd = np.asarray(self.moves.switch_cost_usd) * (1 - np.eye(offers))
        weighted = usd[:, :, :, None] * self.instance.month_weight
        self.cost = (moved * array(weighted, "wqpt")).sum()

    def _open(self) -> None:
        for surface, usd in enumerate(self.moves.onboard_cost_usd):
            opened = self.model.add_variables(lower=0, upper=1)
            mine = np.flatnonzero(self.instance.surface_of == surface)
            self.model.add_constraints(self.on.sel(p=mine) - opened <= 0)
            self.cost = self.cost + usd * opened

    def solve(self, seconds: float = 600.0) -> float:
        """The objective at the optimum, or at the best within the time."""
        instance = self.instance
        money = instance.unit_cost_usd[:, :, None, :] * instance.demand[:, None]
        scenarios = len(instance.probability)
        bill: linopy.LinearExpression | int = 0
        spend, covered = [], []
        for surface in range(len(instance.surfaces)):
            mine = np.flatnonzero(instance.surface_of == surface)
            part = array(money, "wpst").sel(p=mine)
            spend.append((self.on.sel(p=mine) * part).sum(["w", "p"]))
            covered.append(0 * spend[-1])
            bill = bill + (spend[-1] * array(instance.month_weight, "t")).sum("t")
        for commit in instance.commitments:
            (surface,) = commit.surfaces
            amount = self.model.add_variables(lower=commit.low_usd, upper=commit.high_usd)
            length = commit.months // commit.periods
            for begin in range(commit.first_month, commit.first_month + commit.months, length):
                span = [month for month in range(begin, begin + length) if month in self.t]
                part, weight = len(span) / length, instance.month_weight[span].mean() if span else 0.0
                if not span:
                    continue
                if commit.form == "covered":
                    cover = self.model.add_variables(lower=0, coords=[range(scenarios), self.t], dims=["s", "t"])
                    inside = array(np.isin(self.t, span), "t") * 1e6
                    self.model.add_constraints(cover <= inside)
                    self.model.add_constraints(cover.sum("t") - part / (1 - commit.discount) * amount <= 0)
                    covered[surface] = covered[surface] + cover
                    bill = bill - (cover * array(instance.month_weight, "t")).sum("t")
                    self.cost = self.cost + part * weight * amount
                else:
                    bought = spend[surface].sel(t=span)
                    saved = (bought * array(instance.month_weight, "t").sel(t=span)).sum("t") * commit.discount
                    short = self.model.add_variables(lower=0, coords=[range(scenarios)], dims=["s"])
                    paid = bought.sum("t") * (1 - commit.discount)
                    self.model.add_constraints(short + paid - part * amount >= 0)
                    bill = bill - saved + weight * short
        for surface, cover in enumerate(covered):
            self.model.add_constraints(spend[surface] - cover >= 0)
        level = self.model.add_variables()
        excess = self.model.add_variables(lower=0, coords=[range(scenarios)], dims=["s"])
        self.model.add_constraints(excess - bill + level >= 0)
        chance = array(instance.probability, "s")
        risk = level + (excess * chance).sum() / (1 - instance.risk_level)
        mean = (bill * chance).sum()
        self.model.add_objective(self.cost + (1 - instance.risk_weight) * mean + instance.risk_weight * risk)
        self.model.solve("highs", output_flag=False, mip_rel_gap=self.gap, time_limit=seconds)
        return float(self.model.objective.value)
