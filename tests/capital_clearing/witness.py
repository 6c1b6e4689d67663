"""Independent witnesses of clearing: a linear program, and every set of defaults and failures tried one by one."""

from __future__ import annotations

from itertools import product

import numpy as np
from scipy.optimize import linprog

from trivium.capital.clearing import System

NEAR = 1e-7


def eisenberg_noe(system: System) -> np.ndarray:
    """Greatest payments without holdings of equity and costs: max 1'p, 0 <= p <= debt, p - inflow <= outside assets."""
    count = len(system.parties)
    found = linprog(
        -np.ones(count),
        A_ub=np.eye(count) - system.debt_holdings[0],
        b_ub=system.outside_assets,
        bounds=[(0.0, debt) for debt in system.debt[0]],
        method="highs",
    )
    assert found.status == 0
    return found.x


def every_solution(system: System) -> list[tuple[np.ndarray, np.ndarray]]:
    """(payments, equity) of all solutions with one class of debt, by trying all sets; none may be on an edge."""
    count = len(system.parties)
    debt, shares, stakes = system.debt[0], system.debt_holdings[0], system.equity_holdings
    fallible = [(False, True) if threshold > 0 else (False,) for threshold in system.thresholds]
    found = []
    for fallen in product((False, True), repeat=count):
        for failed in product(*fallible):
            # unknown: p and E; p = debt, E = a + S E + D p - debt, or p = alpha a + beta (S E + D p), E = 0
            left, right = np.eye(2 * count), np.zeros(2 * count)
            outside = system.outside_assets - system.failure_costs * np.array(failed)
            for i in range(count):
                income = np.concatenate([shares[i], stakes[i]])
                if fallen[i]:
                    left[i] -= system.beta[i] * income
                    right[i] = system.alpha[i] * max(outside[i], 0.0) + min(outside[i], 0.0)
                else:
                    right[i] = debt[i]
                    left[count + i] -= income
                    right[count + i] = outside[i] - debt[i]
            solved = np.linalg.solve(left, right)
            paid, equity = solved[:count], solved[count:]
            paid = np.maximum(paid, 0.0) if (paid >= -NEAR).all() else paid
            assets = outside + shares @ paid + stakes @ equity
            if (
                (paid >= 0).all()
                and ((assets < debt) == np.array(fallen)).all()
                and ((equity < system.thresholds) == np.array(failed)).all()
            ):
                found.append((paid, equity))
    return found


def by_iteration(system: System, *, best: bool, rounds: int = 100_000) -> tuple[np.ndarray, np.ndarray]:
    """(payments, equity) by the plain iteration of capital.md from above or below, class by class, in loops."""
    names = range(len(system.parties))
    classes = range(len(system.debt))
    owed = [sum(system.debt[k][i] for k in classes) for i in names]
    paid = [[float(system.debt[k][i]) if best else 0.0 for i in names] for k in classes]
    most = np.linalg.solve(
        np.eye(len(owed)) - system.equity_holdings,
        np.maximum(system.outside_assets, 0.0) + sum(system.debt_holdings[k] @ system.debt[k] for k in classes),
    )
    equity = [float(most[i]) if best else 0.0 for i in names]
    for _ in range(rounds):
        then_paid = [[0.0] * len(owed) for _ in classes]
        then_equity = [0.0] * len(owed)
        for i in names:
            failing = system.thresholds[i] > 0 and equity[i] < system.thresholds[i] - 1e-12
            outside = system.outside_assets[i] - (system.failure_costs[i] if failing else 0.0)
            income = sum(system.equity_holdings[i][j] * equity[j] for j in names)
            income += sum(system.debt_holdings[k][i][j] * paid[k][j] for k in classes for j in names)
            if outside + income >= owed[i] - 1e-12:
                then_equity[i] = max(outside + income - owed[i], 0.0)
                rest = float("inf")
            else:
                rest = system.alpha[i] * max(outside, 0.0) + min(outside, 0.0) + system.beta[i] * income
            for k in classes:
                then_paid[k][i] = min(max(rest, 0.0), system.debt[k][i])
                rest -= system.debt[k][i]
        moved = max(abs(a - b) for a, b in zip(sum(paid, equity), sum(then_paid, then_equity), strict=True))
        paid, equity = then_paid, then_equity
        if moved < 1e-14:
            break
    return np.array(paid), np.array(equity)
