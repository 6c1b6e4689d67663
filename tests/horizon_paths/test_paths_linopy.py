"""Paths, stays, openings and commitments of any size equal an independent model of the same problem."""

from __future__ import annotations

from dataclasses import replace

import linopy
import numpy as np
import pytest
import xarray as xr

from horizon_paths.worlds import Commit, Months, world
from trivium.plan.horizon import Moves, solve_paths


def array(values: np.ndarray, dims: str) -> xr.DataArray:
    data = np.asarray(values, dtype=float)
    return xr.DataArray(
        data, dims=list(dims), coords={dim: range(size) for dim, size in zip(dims, data.shape, strict=True)}
    )


class Independent:
    """One binary per workload, offer and month; every rule written out."""

    def __init__(self, instance: Months, moves: Moves, stay: int) -> None:
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

    def solve(self) -> float:
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
        self.model.solve("highs", output_flag=False, mip_rel_gap=0.0)
        return float(self.model.objective.value)


@pytest.mark.parametrize("stay", [1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_laddered_commitments_of_any_size_equal_an_independent_model(seed: int, stay: int) -> None:
    """Three workloads, four offers on three surfaces, six months that weigh less and less, four scenarios.

    Two savings plans overlap on the first surface, the horizon cuts the second's, the third has a signed take-or-pay.
    """
    rng = np.random.default_rng(seed)
    instance = world(rng, 3, 4, 3, 6, 4)
    month = float(instance.demand.mean(axis=1).sum(axis=0)[0])
    commitments = (
        Commit((0,), 0, 4, 1, "covered", 0.2, high_usd=10 * month),
        Commit((0,), 2, 4, 2, "covered", 0.15, high_usd=10 * month),
        Commit((1,), 3, 6, 1, "covered", 0.25, high_usd=10 * month),
        Commit((2,), 0, 6, 2, "take-or-pay", 0.05, low_usd=0.6 * month, high_usd=0.6 * month, signed=True),
    )
    instance = replace(instance, commitments=commitments)
    moves = Moves([0, 1, -1], rng.uniform(0.0, 0.1, (3, 4, 4)) * month, [0.0, 0.3 * month, 0.0], stay)
    found = solve_paths(instance, moves, gap=0.0)
    expected = Independent(instance, moves, stay).solve()
    assert found.lower_bound_usd <= expected * (1 + 1e-6)
    assert found.objective_usd == pytest.approx(expected, rel=1e-5)
