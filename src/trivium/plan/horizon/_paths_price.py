"""The cheapest path of every workload at once: a dynamic programme over offer, month and served stay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Ways:
    """What a path may do, whatever its prices: who may run where, what a move costs, how long a stay must last.

    `switch_usd` (W, P, P) is the cost of a move from one offer to another, before the weight of its month; `start` is
    the offer a workload runs on before the first month, -1 for none.
    """

    feasible: Flags  # (W, P, T)
    switch_usd: Floats  # (W, P, P)
    stay_months: Ints  # (P,)
    start: Ints  # (W,)
    month_weight: Floats  # (T,)


@dataclass(frozen=True, slots=True)
class Ahead:
    """What is still to come at best, before each month: on an offer that may be left, and on entering one."""

    free: Floats  # (T + 1, W, P)
    entered: Floats  # (T, W, P)
    end: Ints  # (T, P) the first month in which what was entered may be left
    next_offer: Ints  # (T, W, P)
    ways: Ways

    def cheapest(self) -> tuple[Floats, Ints]:
        """Value (W,) and offers (W, T) of each workload's cheapest path; the value is infinite where there is none."""
        months, workloads, _ = self.next_offer.shape
        every = np.arange(workloads)
        fresh = self.ways.start < 0
        first = self.entered[0].argmin(axis=1)
        begun = np.where(fresh, 0, self.ways.start)
        value = np.where(fresh, self.entered[0][every, first], self.free[0][every, begun])
        offer = np.where(fresh, first, begun)
        bound = np.where(fresh, self.end[0, first], 0)
        path = np.empty((workloads, months), dtype=np.int64)
        for month in range(months):
            chosen = self.next_offer[month, every, offer]
            moves = (bound <= month) & (chosen != offer)
            offer = np.where(moves, chosen, offer)
            bound = np.where(moves, self.end[month, offer], bound)
            path[:, month] = offer
        return value, path


def look_ahead(cost: Floats, ways: Ways) -> Ahead:
    """Solves the dynamic programme for `cost` (W, P, T), what a month on an offer costs.

    A stay that the horizon's end cuts short is allowed; the offer of the start may be left at once. The time is W·P²·T
    steps, in numpy.
    """
    workloads, offers, months = cost.shape
    end = np.minimum(np.arange(months)[:, None] + ways.stay_months[None, :], months)
    paid = np.zeros((workloads, offers, months + 1))
    np.cumsum(np.where(ways.feasible, cost, 0.0), axis=2, out=paid[:, :, 1:])
    barred = np.zeros((workloads, offers, months + 1), dtype=np.int64)
    np.cumsum(~ways.feasible, axis=2, out=barred[:, :, 1:])
    every = np.arange(offers)
    elsewhere = np.where(np.eye(offers, dtype=bool), np.inf, 0.0)
    free = np.zeros((months + 1, workloads, offers))
    entered = np.empty((months, workloads, offers))
    next_offer = np.empty((months, workloads, offers), dtype=np.int64)
    for month in range(months - 1, -1, -1):
        until = end[month]
        entry = paid[:, every, until] - paid[:, :, month] + free[until, :, every].T
        entered[month] = np.where(barred[:, every, until] > barred[:, :, month], np.inf, entry)
        moves = ways.switch_usd * ways.month_weight[month] + elsewhere + entered[month][:, None, :]
        target = moves.argmin(axis=2)
        moved = np.take_along_axis(moves, target[:, :, None], axis=2)[:, :, 0]
        stayed = np.where(ways.feasible[:, :, month], cost[:, :, month] + free[month + 1], np.inf)
        keeps = stayed <= moved
        free[month] = np.where(keeps, stayed, moved)
        next_offer[month] = np.where(keeps, every, target)
    return Ahead(free, entered, end, next_offer, ways)


def paths_within(cost: Floats, ahead: Ahead, slack: float, count_max: int) -> tuple[Ints, Ints] | None:
    """Every path that costs at most `slack` more than its workload's cheapest: owners and offers; None if too many."""
    owners: list[int] = []
    paths: list[list[int]] = []
    best, _ = ahead.cheapest()
    for workload in range(cost.shape[0]):
        begun = int(ahead.ways.start[workload])
        walk = _Walk(cost[workload], ahead, workload, float(best[workload]) + slack, count_max - len(paths))
        if begun >= 0:
            walk.choose(0, begun, 0.0, [])
        else:
            for offer in range(cost.shape[1]):
                walk.enter(0, offer, 0.0, [])
        if walk.overflow:
            return None
        owners += [workload] * len(walk.found)
        paths += walk.found
    return np.array(owners, dtype=np.int64), np.array(paths, dtype=np.int64)


class _Walk:
    """Depth-first over the choices of one workload, cut where the best of what is ahead passes the limit."""

    def __init__(self, cost: Floats, ahead: Ahead, workload: int, limit: float, count_max: int) -> None:
        self._cost, self._ahead, self._workload = cost, ahead, workload
        self._limit, self._count_max = limit, count_max
        self.found: list[list[int]] = []
        self.overflow = False

    def choose(self, month: int, offer: int, spent: float, path: list[int]) -> None:
        """At the start of a month, free to leave."""
        ahead, ways, own = self._ahead, self._ahead.ways, self._workload
        if month == self._cost.shape[1]:
            self.found.append(path)
            self.overflow = self.overflow or len(self.found) > self._count_max
        if self.overflow or month == self._cost.shape[1]:
            return
        if ways.feasible[own, offer, month]:
            stayed = spent + float(self._cost[offer, month])
            if stayed + ahead.free[month + 1, own, offer] <= self._limit:
                self.choose(month + 1, offer, stayed, [*path, offer])
        for other in range(self._cost.shape[0]):
            if other != offer:
                moved = spent + float(ways.switch_usd[own, offer, other] * ways.month_weight[month])
                self.enter(month, other, moved, path)

    def enter(self, month: int, offer: int, spent: float, path: list[int]) -> None:
        """On to an offer, for its stay."""
        if self.overflow or not spent + self._ahead.entered[month, self._workload, offer] <= self._limit:
            return
        end = int(self._ahead.end[month, offer])
        stayed = spent + float(self._cost[offer, month:end].sum())
        self.choose(end, offer, stayed, [*path, *[offer] * (end - month)])


def switching_usd(owner: Ints, path: Ints, ways: Ways) -> Floats:
    """What the moves of paths (N, T) cost (N,), each weighted by its month."""
    start = ways.start[owner]
    before = np.concatenate([np.where(start < 0, path[:, 0], start)[:, None], path[:, :-1]], axis=1)
    paid = np.where(before == path, 0.0, ways.switch_usd[owner[:, None], before, path])
    return np.asarray((paid * ways.month_weight).sum(axis=1))
