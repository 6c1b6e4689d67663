"""Paths and commitments equal a search through every possibility, on instances small enough for that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from horizon_paths.worlds import world
from trivium.plan.horizon import Instance, Moves, SpendCommitment, solve_paths


def every_path(instance: Instance, workload: int, moves: Moves, stay: int) -> Iterator[tuple[tuple[int, ...], float]]:
    """Every offer sequence that is feasible and keeps its stays, with the cost of its moves."""
    offers, length = len(instance.offers), len(instance.month_weight)
    start = int(moves.start[workload])
    for path in product(range(offers), repeat=length):
        if not all(instance.feasible[workload, offer, month] for month, offer in enumerate(path)):
            continue
        cost, before, entered, kept = 0.0, start, -stay, True
        for month, offer in enumerate(path):
            if offer != before:
                kept = kept and month - entered >= stay
                if before >= 0:
                    cost += np.asarray(moves.switch_cost_usd)[workload, before, offer] * instance.month_weight[month]
                entered = month
            before = offer
        if kept:
            yield path, cost


def period_bill(instance: Instance, commit: SpendCommitment, size: tuple[float, float], spend: np.ndarray) -> float:
    """What one scenario's spend (K, T) on the surfaces of a commitment costs, straight from its definition."""
    total, (amount, discount) = 0.0, size
    length = commit.months // commit.periods
    for period in range(commit.periods):
        begin = commit.first_month + period * length
        span = [month for month in range(begin, begin + length) if month < spend.shape[1]]
        if not span:
            continue
        bought = spend[list(commit.surfaces)][:, span].sum()
        due = amount * len(span) / length
        weight = instance.month_weight[span].mean()
        assert np.ptp(instance.month_weight[span]) == 0.0  # else the order of cover would matter
        if commit.form == "covered":
            total += weight * (due + max(bought - due / (1 - discount), 0.0))
        else:
            total += weight * max(due, (1 - discount) * bought)
    return total


def cost_of(
    instance: Instance, paths: tuple[tuple[int, ...], ...], sizes: tuple[tuple[float, float], ...]
) -> np.ndarray:
    costs = []
    for scenario in range(len(instance.probability)):
        spend = np.zeros((len(instance.surfaces), len(instance.month_weight)))
        for workload, path in enumerate(paths):
            for month, offer in enumerate(path):
                unit = instance.unit_cost_usd[workload, offer, month]
                spend[instance.surface_of[offer], month] += unit * instance.demand[workload, scenario, month]
        cost, touched = 0.0, np.zeros(spend.shape, dtype=bool)
        for commit, size in zip(instance.commitments, sizes, strict=True):
            cost += period_bill(instance, commit, size, spend)
            end = min(commit.first_month + commit.months, spend.shape[1])
            touched[list(commit.surfaces), commit.first_month : end] = True
        costs.append(cost + (spend * instance.month_weight * ~touched).sum())
    return np.array(costs)


def objective(instance: Instance, cost: np.ndarray) -> float:
    """CVaR by its definition for equal chances: the mean of the worst (1 - level)·S costs."""
    count = round((1 - instance.risk_level) * len(cost))
    assert count == (1 - instance.risk_level) * len(cost)
    return float((1 - instance.risk_weight) * cost.mean() + instance.risk_weight * np.sort(cost)[-count:].mean())


def best_of_all(instance: Instance, moves: Moves, stay: int) -> float:
    best = np.inf
    choices = [list(every_path(instance, workload, moves, stay)) for workload in range(len(instance.workloads))]
    options = [((0.0, 0.0), *commit.tiers) if not commit.signed else commit.tiers for commit in instance.commitments]
    for combination in product(*choices):
        paths = tuple(path for path, _ in combination)
        used = {int(instance.surface_of[offer]) for path in paths for offer in path}
        fixed = sum(cost for _, cost in combination) + sum(np.asarray(moves.onboard_cost_usd)[sorted(used)])
        for sizes in product(*options):
            best = min(best, fixed + objective(instance, cost_of(instance, paths, sizes)))
    return best


@pytest.mark.parametrize("form", ["covered", "take-or-pay"])
@pytest.mark.parametrize(("stay", "length"), [(1, 3), (2, 4), (3, 4)])
@pytest.mark.parametrize("seed", range(2))
def test_the_answer_is_the_best_of_all(form: str, stay: int, length: int, seed: int) -> None:
    """Two workloads, three offers on two surfaces, four scenarios, two commitments of two sizes, cut by the end."""
    rng = np.random.default_rng(seed)
    instance = replace(world(rng, 2, 3, 2, length, 4), month_weight=np.array([1.0, 1.0, 0.9, 0.9])[:length])
    month = float(instance.demand.mean(axis=1).sum(axis=0)[0])
    commitments = (
        SpendCommitment((0,), 0, 4, 2, form, tiers=((0.8 * month, 0.1), (1.6 * month, 0.2))),
        SpendCommitment((1,), 2, 4, 2, form, tiers=((0.6 * month, 0.1), (1.2 * month, 0.25))),
    )
    instance = replace(instance, commitments=commitments)
    moves = Moves(
        start=[0, -1],
        switch_cost_usd=rng.uniform(0.0, 0.3, (2, 3, 3)) * month,
        onboard_cost_usd=[0.0, 0.2 * month],
        min_stay_months=stay,
    )
    found = solve_paths(instance, moves, gap=0.0)
    expected = best_of_all(instance, moves, stay)
    assert found.objective_usd == pytest.approx(expected, rel=1e-6)
    assert found.lower_bound_usd <= expected * (1 + 1e-6)
    assert found.gap <= 1e-6


@pytest.mark.parametrize("seed", range(3))
def test_what_is_said_of_the_answer_is_what_its_paths_cost(seed: int) -> None:
    """The reported scenario costs are the bills of the reported paths and sizes, recomputed from the definitions."""
    rng = np.random.default_rng(100 + seed)
    instance = replace(world(rng, 5, 4, 2, 8, 4), month_weight=np.repeat([1.0, 0.9], 4))
    month = float(instance.demand.mean(axis=1).sum(axis=0)[0])
    commitments = (
        SpendCommitment((0,), 0, 8, 2, "covered", tiers=((2 * month, 0.15),)),
        SpendCommitment((1,), 0, 8, 2, "take-or-pay", 0.1),
    )
    instance = replace(instance, commitments=commitments)
    moves = Moves([0, 1, 2, 3, 0], np.full(5, 0.05 * month), [0.0, 0.1 * month], 2)
    found = solve_paths(instance, moves, gap=0.0)
    paths = tuple(tuple(int(offer) for offer in path) for path in found.offer)
    sizes = tuple((signed.amount_usd, signed.discount) for signed in found.signed)
    bills = cost_of(instance, paths, sizes)
    moved = sum(move.cost_usd for move in found.moves)
    opened = float(np.asarray(moves.onboard_cost_usd)[found.opened].sum())
    assert found.scenario_usd == pytest.approx(bills + moved + opened, rel=1e-9)
    assert (found.switching_usd, found.onboarding_usd) == (pytest.approx(moved), pytest.approx(opened))
    assert found.objective_usd == pytest.approx(objective(instance, found.scenario_usd), rel=1e-9)
    assert {int(instance.surface_of[offer]) for path in paths for offer in path} == set(np.flatnonzero(found.opened))
