"""A whole choice from a fractional one: a path a workload, a size a commitment, bettered one at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trivium.plan.horizon._paths_master import Columns, Master, Relaxed, Stuck
from trivium.plan.horizon._paths_terms import Option, Terms

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SWEEPS_MAX = 25


@dataclass(frozen=True, slots=True)
class Choice:
    """A path of each workload (a row of the columns), the size of each deal, and what that costs."""

    rows: Ints
    sizes: tuple[Option, ...]
    value: float


class Rounder:
    """Local search over the known paths; what it returns is priced by the bill and not by the program."""

    def __init__(self, terms: Terms, open_usd: Floats, spend_max: Floats) -> None:
        self._terms, self._open_usd = terms, open_usd
        self._sizing = Master(terms, np.zeros(len(open_usd)), 0, spend_max, np.zeros(0)) if terms.deals else None

    def value(self, columns: Columns, rows: Ints, sizes: tuple[Option, ...]) -> float:
        """The objective of a whole choice."""
        fixed = columns.move_usd[rows].sum() + self._open_usd @ (columns.share[rows] > 0).any(axis=0)
        bill = self._terms.bill_usd(columns.spend[rows].sum(axis=0), sizes)
        return float(fixed + self._terms.objective_usd(bill))

    def round(self, columns: Columns, relaxed: Relaxed, allowed: NDArray[np.bool_], workloads: int) -> Choice:
        """The choice that the fractional answer leans to, and what local search makes of it."""
        lean = np.where(allowed, relaxed.shares, -1.0)
        order = np.lexsort((-lean, columns.owner))
        _, first = np.unique(columns.owner[order], return_index=True)
        rows = order[first]
        assert len(rows) == workloads  # noqa: S101  every workload has an allowed path in a solved branch
        return self.improve(columns, allowed, rows, self._lean_sizes(relaxed))

    def improve(self, columns: Columns, allowed: NDArray[np.bool_], rows: Ints, sizes: tuple[Option, ...]) -> Choice:
        """Paths and sizes in turn, until neither gains."""
        best = Choice(rows, sizes, self.value(columns, rows, sizes))
        for _ in range(_SWEEPS_MAX):
            sizes = self._best_sizes(columns, best)
            rows = self._best_rows(columns, allowed, best.rows, sizes)
            value = self.value(columns, rows, sizes)
            if not value < best.value * (1.0 - 1e-9):
                break
            best = Choice(rows, sizes, value)
        return best

    def _lean_sizes(self, relaxed: Relaxed) -> tuple[Option, ...]:
        return tuple(
            deal.options[int(np.argmax(weights))] if deal.options else Option(weights[0], deal.discount)
            for deal, weights in zip(self._terms.deals, relaxed.sizes, strict=True)
        )

    def _best_sizes(self, columns: Columns, choice: Choice) -> tuple[Option, ...]:
        if self._sizing is None:
            return choice.sizes
        spend = columns.spend[choice.rows].sum(axis=0)
        sizes, value = list(choice.sizes), float(self._terms.objective_usd(self._terms.bill_usd(spend, choice.sizes)))
        for number, deal in enumerate(self._terms.deals):
            for option in deal.options:
                trial = [*sizes[:number], option, *sizes[number + 1 :]]
                cost = float(self._terms.objective_usd(self._terms.bill_usd(spend, trial)))
                if cost < value:
                    sizes, value = trial, cost
        if all(deal.options for deal in self._terms.deals):
            return tuple(sizes)
        fixed = [
            (picked, picked) if (picked := np.array([float(option == size) for option in deal.options])).size else None
            for deal, size in zip(self._terms.deals, sizes, strict=True)
        ]
        none = np.zeros(0, dtype=bool)
        zero = np.zeros(len(self._open_usd))
        self._sizing.restrict(none, (zero, zero), fixed)
        self._sizing.fix_spend(spend)
        try:
            relaxed = self._sizing.solve()
        except Stuck:
            relaxed = None
        if relaxed is None:
            return tuple(sizes)
        found = [
            size if deal.options else Option(weights[0], deal.discount)
            for deal, size, weights in zip(self._terms.deals, sizes, relaxed.sizes, strict=True)
        ]
        return tuple(found) if self._terms.objective_usd(self._terms.bill_usd(spend, found)) < value else tuple(sizes)

    def _best_rows(self, columns: Columns, allowed: NDArray[np.bool_], rows: Ints, sizes: tuple[Option, ...]) -> Ints:
        rows = rows.copy()
        total = columns.spend[rows].sum(axis=0)
        used = (columns.share > 0).astype(np.int64)
        uses = used[rows].sum(axis=0)
        order = np.argsort(columns.owner, kind="stable")
        starts = np.searchsorted(columns.owner[order], np.arange(len(rows) + 1))
        for _ in range(_SWEEPS_MAX):
            changed = False
            for workload, now in enumerate(rows):
                mine = order[starts[workload] : starts[workload + 1]]
                mine = mine[allowed[mine]]
                others, rest = total - columns.spend[now], uses - used[now]
                cost = self._terms.objective_usd(self._terms.bill_usd(others + columns.spend[mine], sizes))
                cost = cost + columns.move_usd[mine] + ((rest + used[mine]) > 0) @ self._open_usd
                best = int(np.argmin(cost))
                held = np.flatnonzero(mine == now)
                if held.size and cost[best] >= cost[held[0]] - 1e-9 * abs(cost[held[0]]):
                    continue
                rows[workload] = mine[best]
                total, uses, changed = others + columns.spend[mine[best]], rest + used[mine[best]], True
            if not changed:
                break
        return rows
