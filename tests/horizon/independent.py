"""Commitments and placement without any aggregation, as the contract says it: what `solve` is held against."""

from __future__ import annotations

from itertools import product

import linopy
import numpy as np
import xarray as xr
from scipy.optimize import linprog

from trivium.plan.horizon import Instance, SpendCommitment, VolumeTiers

Sizes = tuple[tuple[float, float], ...]  # (amount, discount) of each commitment; (0, 0) is nothing


def spans(commitment: SpendCommitment, length: int) -> list[tuple[list[int], float]]:
    """The months of each period inside the horizon, and the part of the period that they are."""
    step = commitment.months // commitment.periods
    found = []
    for number in range(commitment.periods):
        first = commitment.first_month + number * step
        inside = [month for month in range(first, first + step) if 0 <= month < length]
        if inside:
            found.append((inside, len(inside) / step))
    return found


def mixed(costs: np.ndarray, instance: Instance) -> float:
    """(1 - ω)·E + ω·CVaR, CVaR as the least, over every η that is a cost, of η + E[(cost - η)+] / (1 - level)."""
    chance = instance.probability
    tails = [eta + chance @ np.maximum(costs - eta, 0) / (1 - instance.risk_level) for eta in costs]
    return float((1 - instance.risk_weight) * (chance @ costs) + instance.risk_weight * min(tails))


def placed(instance: Instance, sizes: Sizes) -> np.ndarray:
    """The least cost of each scenario once everything is signed: one linear programme over all that runs."""
    return np.array([_placed(instance, sizes, scenario) for scenario in range(len(instance.probability))])


def _placed(instance: Instance, sizes: Sizes, scenario: int) -> float:  # noqa: C901  one programme, written out
    workloads, offers, length = instance.unit_cost_usd.shape
    weight = instance.month_weight
    cost: list[float] = []
    upper: list[float | None] = []
    rows: list[tuple[dict[int, float], float]] = []  # ≤
    whole: dict[tuple[int, int], dict[int, float]] = {(w, t): {} for w in range(workloads) for t in range(length)}

    def variable(usd: float, most: float | None) -> int:
        cost.append(usd)
        upper.append(most)
        return len(cost) - 1

    def spend(w: int, p: int, t: int) -> float:
        return float(instance.unit_cost_usd[w, p, t] * instance.demand[w, scenario, t])

    runs = [index for index in product(range(workloads), range(offers), range(length)) if instance.feasible[index]]
    for w, p, t in runs:
        whole[w, t][variable(spend(w, p, t) * weight[t], 1.0)] = 1.0
    due = 0.0
    for commitment, (amount, discount) in zip(instance.commitments, sizes, strict=True):
        for inside, part in spans(commitment, length):
            mean = float(np.mean(weight[inside]))
            through = {}
            for w, p, t in runs:
                if t in inside and int(instance.surface_of[p]) in commitment.surfaces:
                    column = variable(0.0, 1.0)
                    whole[w, t][column] = 1.0
                    through[column] = spend(w, p, t)
            if commitment.form == "covered":
                due += part * amount * mean
                rows.append((through, part * amount / (1 - discount)))
            else:
                bill = variable(mean, None)
                rows.append(({column: (1 - discount) * usd for column, usd in through.items()} | {bill: -1.0}, 0.0))
                rows.append(({bill: -1.0}, -part * amount))
    matrix = np.zeros((len(rows), len(cost)))
    for number, (terms, _) in enumerate(rows):
        matrix[number, list(terms)] = list(terms.values())
    equal = np.zeros((len(whole), len(cost)))
    for number, terms in enumerate(whole.values()):
        equal[number, list(terms)] = 1.0
    found = linprog(
        cost,
        matrix if rows else None,
        [limit for _, limit in rows] if rows else None,
        equal,
        np.ones(len(whole)),
        [(0, most) for most in upper],
    )
    assert found.status == 0, found.message
    return float(found.fun) + due


def choices(commitment: SpendCommitment) -> list[tuple[float, float]]:
    """What may be signed of a commitment that has no range."""
    if commitment.tiers:
        return [*([] if commitment.signed else [(0.0, 0.0)]), *commitment.tiers]
    return [(commitment.low_usd, commitment.discount)]


def tried(instance: Instance) -> float:
    """The best of every combination of sizes."""
    every = product(*(choices(commitment) for commitment in instance.commitments))
    return min(mixed(placed(instance, sizes), instance) for sizes in every)


def array(values: np.ndarray, dims: str) -> xr.DataArray:
    data = np.asarray(values, dtype=float)
    return xr.DataArray(
        data, dims=list(dims), coords={dim: range(size) for dim, size in zip(dims, data.shape, strict=True)}
    )


def extensive(instance: Instance) -> float:
    """The optimum of the extensive form in linopy: all workloads, offers, months and scenarios, sizes and CVaR."""
    workloads, offers, length = instance.unit_cost_usd.shape
    chance, count = array(instance.probability, "s"), len(instance.probability)
    model = linopy.Model()
    coords = [range(workloads), range(offers), range(count), range(length)]
    money = array(np.where(instance.feasible, instance.unit_cost_usd, 0.0), "wpt") * array(instance.demand, "wst")
    may = array(instance.feasible, "wpt")
    listed = model.add_variables(lower=0, coords=coords, dims=["w", "p", "s", "t"])
    model.add_constraints(listed <= may)
    total = listed.sum("p")
    bill = (listed * money * array(instance.month_weight, "t")).sum(["w", "p", "t"])
    for commitment in instance.commitments:
        ranged = not commitment.tiers and not commitment.signed and commitment.form == "covered"
        options = commitment.tiers or ((commitment.low_usd, commitment.discount),)
        if ranged:
            amounts = [model.add_variables(lower=commitment.low_usd, upper=commitment.high_usd)]
        elif commitment.tiers and not commitment.signed:
            switches = [model.add_variables(binary=True) for _ in options]
            model.add_constraints(sum(switches[1:], start=1 * switches[0]) <= 1)
            amounts = [amount * switch for (amount, _), switch in zip(options, switches, strict=True)]
        else:
            switches = [model.add_variables(lower=1, upper=1)]
            amounts = [options[0][0] * switches[0]]
        mine = array(np.isin(instance.surface_of, commitment.surfaces), "p")
        for inside, part in spans(commitment, length):
            weight = float(np.mean(instance.month_weight[inside]))
            now = array(np.isin(np.arange(length), inside), "t")
            for number, (_, discount) in enumerate(options):
                through = model.add_variables(lower=0, coords=coords, dims=["w", "p", "s", "t"])
                model.add_constraints(through <= may * mine * now)
                total = total + through.sum("p")
                spend = (through * money).sum(["w", "p", "t"])
                if commitment.form == "covered":
                    model.add_constraints(spend - (part / (1 - discount)) * amounts[number] <= 0)
                    bill = bill + (part * weight) * amounts[number]
                else:
                    paid = model.add_variables(lower=0, coords=[range(count)], dims=["s"])
                    model.add_constraints(paid - (1 - discount) * spend >= 0)
                    model.add_constraints(paid - part * amounts[number] >= 0)
                    model.add_constraints(through - switches[number] <= 0)
                    bill = bill + weight * paid
    model.add_constraints(total == 1)
    eta = model.add_variables()
    over = model.add_variables(lower=0, coords=[range(count)], dims=["s"])
    model.add_constraints(over - bill + eta >= 0)
    tail = eta + (over * chance).sum() / (1 - instance.risk_level)
    model.add_objective((1 - instance.risk_weight) * (bill * chance).sum() + instance.risk_weight * tail)
    status, condition = model.solve(
        solver_name="highs", mip_rel_gap=0.0, mip_abs_gap=1e-9, output_flag=False, threads=1
    )
    assert status == "ok", condition
    return float(model.objective.value)


def volume(instance: Instance, tiers: tuple[VolumeTiers, ...], periods: int) -> np.ndarray:
    """The least bill of each scenario under volume tiers: whole steps of each surface's bill, in linopy."""
    length = len(instance.month_weight)
    step = length // periods
    return np.array(
        [
            sum(_volume(instance, tiers, scenario, range(p * step, (p + 1) * step)) for p in range(periods))
            for scenario in range(len(instance.probability))
        ]
    )


def _volume(instance: Instance, tiers: tuple[VolumeTiers, ...], scenario: int, months: range) -> float:
    now = list(months)
    may = array(instance.feasible[:, :, now], "wpt")
    usd = np.where(instance.feasible, instance.unit_cost_usd, 0.0)[:, :, now] * instance.demand[:, None, scenario, now]
    model = linopy.Model()
    share = model.add_variables(lower=0, coords=[range(size) for size in usd.shape], dims=["w", "p", "t"])
    model.add_constraints(share <= may)
    model.add_constraints(share.sum("p") == 1)
    spend = share * array(usd, "wpt")
    cost = spend.sum()
    largest = float(usd.sum()) + 1.0
    for tier in tiers:
        mine = array(instance.surface_of == tier.surface, "p")
        parts, before = [], None
        for number, start in enumerate((0.0, *tier.from_usd)):
            end = (*tier.from_usd, largest)[number]
            part = model.add_variables(lower=0, upper=max(end - start, 0.0))
            parts.append(part)
            if number:  # a step begins only when the one before is full
                reached = model.add_variables(binary=True)
                model.add_constraints(part - largest * reached <= 0)
                model.add_constraints(before[0] - before[1] * reached >= 0)
                cost = cost - tier.discounts[number - 1] * part
            before = part, max(end - start, 0.0)
        model.add_constraints(sum(parts[1:], start=1 * parts[0]) - (spend * mine).sum() == 0)
    model.add_objective(cost)
    status, condition = model.solve(
        solver_name="highs", mip_rel_gap=0.0, mip_abs_gap=1e-9, output_flag=False, threads=1
    )
    assert status == "ok", condition
    return float(model.objective.value) * float(instance.month_weight[now[0]])
