"""Column generation for paths and contracts, and the branches on sizes and surfaces that close its gap."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from trivium.plan.horizon._paths_master import Columns, Master, Relaxed, Stuck
from trivium.plan.horizon._paths_price import Ahead, Ways, look_ahead, paths_within, switching_usd
from trivium.plan.horizon._paths_round import Choice, Rounder
from trivium.plan.horizon._paths_terms import Option, Terms

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_ROUNDS_MAX = 300
_LISTED_MAX = 4_000  # paths that are listed one by one to close a branch exactly
_UNSETTLED_MAX = 2  # branches whose list could not be solved in time, before no more are listed
_WHOLE_SECONDS = 10.0
_TOLERANCE = 1e-7
_FRACTION = 1e-6


@dataclass(frozen=True, slots=True)
class Case:
    """One problem of paths, its amounts scaled: what is spent where, who may go where, what was signed."""

    demand: Floats  # (W, S, T)
    unit: Floats  # (W, P, T)
    surface_of: Ints  # (P,)
    ways: Ways
    terms: Terms
    spend_weight: Floats  # (K, T) factor of spend as it enters its atom
    open_usd: Floats  # (K,)

    def month_cost(self, spend_price: Floats, open_price: Floats) -> Floats:
        """What a month on an offer costs (W, P, T), by prices of spend (A, S) and of a surface's use (W, K)."""
        months = self.demand.shape[2]
        price = spend_price[self.terms.atom] * self.spend_weight[:, :, None]  # (K, T, S)
        per_unit = np.matmul(self.demand.transpose(2, 0, 1), price.transpose(1, 2, 0))  # (T, W, K)
        use = open_price[:, self.surface_of, None] / months
        return np.asarray(self.unit * per_unit.transpose(1, 2, 0)[:, self.surface_of, :] + use)

    def columns(self, owner: Ints, path: Ints) -> Columns:
        """What these paths (N, T) cost and spend."""
        count, months = path.shape
        every, surfaces = np.arange(count), self.surface_of[path]
        unit = self.unit[owner[:, None], path, np.arange(months)] * self.spend_weight[surfaces, np.arange(months)]
        atom = self.terms.atom[surfaces, np.arange(months)]
        spend = np.zeros((count, self.terms.atoms, self.demand.shape[1]))
        share = np.zeros((count, len(self.open_usd)))
        for month in range(months):
            spend[every, atom[:, month]] += unit[:, month, None] * self.demand[owner, :, month]
            share[every, surfaces[:, month]] += 1.0 / months
        return Columns(owner, path, switching_usd(owner, path, self.ways), spend, share)

    def dearest_usd(self) -> Floats:
        """More than any path of a workload can cost (W,): what leaving it out must cost."""
        reach = np.where(self.ways.feasible, self.unit, 0.0).max(axis=1)
        spent = (reach * self.demand.max(axis=1)).sum(axis=1) * max(1.0, float(self.spend_weight.max()))
        moves = self.ways.switch_usd.max(axis=(1, 2)) * self.ways.month_weight.sum()
        return np.asarray(2.0 * spent + moves + self.open_usd.sum() + 1.0)

    def spend_max(self) -> Floats:
        """The most that can be spent in each atom (A, S), with every workload on its dearest offer there."""
        most = np.zeros((self.terms.atoms, self.demand.shape[1]))
        reach = np.where(self.ways.feasible, self.unit, 0.0)
        for surface in range(len(self.open_usd)):
            offers = self.surface_of == surface
            if offers.any():
                dearest = reach[:, offers].max(axis=1) * self.spend_weight[surface]  # (W, T)
                for month, atom in enumerate(self.terms.atom[surface]):
                    most[atom] += dearest[:, month] @ self.demand[:, :, month]
        return most


@dataclass(frozen=True, slots=True)
class Branch:
    """Bounds that a part of the search keeps: surfaces (lower, upper) and the weights of each deal's options."""

    opened: tuple[Floats, Floats]
    sizes: tuple[tuple[Floats, Floats] | None, ...]


@dataclass(frozen=True, slots=True)
class Priced:
    """A set of prices: the bound they prove, what they make months cost, and what is then ahead."""

    bound: float
    cost: Floats
    ahead: Ahead


@dataclass(frozen=True, slots=True)
class Found:
    """The best choice, its columns, the bound that no choice can beat, and the work done."""

    choice: Choice
    columns: Columns
    bound: float
    rounds: int
    branches: int


class Search:
    """One live master and one pool of paths, shared by all branches."""

    def __init__(self, case: Case, gap: float, branches_max: int) -> None:
        self._case, self._gap, self._branches_max = case, max(gap, _TOLERANCE), branches_max
        self._workloads = case.demand.shape[0]
        most = case.spend_max()
        penalty = case.dearest_usd() * (1.0 + case.terms.risk_weight / (1.0 - case.terms.risk_level))
        self._master = Master(case.terms, case.open_usd, self._workloads, most, penalty)
        self._rounder = Rounder(case.terms, case.open_usd, most)
        self._known: set[tuple[int, bytes]] = set()
        self._pool: Columns | None = None
        self._best: Choice | None = None
        self._rounds = 0
        self._unsettled = 0

    def run(self) -> Found | None:
        """None if some workload has no path at all."""
        root = self._root()
        value, path = look_ahead(self._plain_cost(), self._case.ways).cheapest()
        if not np.isfinite(value).all():
            return None
        self._offer(np.arange(self._workloads), path)
        self._best = self._first()
        queue: list[tuple[float, int, Branch]] = [(-np.inf, 0, root)]
        closed, branches, serial = np.inf, 0, 0
        while queue and branches < self._branches_max:
            bound, _, branch = heapq.heappop(queue)
            if self._good_enough(bound):
                heapq.heappush(queue, (bound, 0, branch))
                break
            branches += 1
            bound, children = self._explore(branch, bound)
            closed = closed if children else min(closed, bound)
            for child in children:
                serial += 1
                heapq.heappush(queue, (bound, serial, child))
        assert self._pool is not None  # noqa: S101  the first paths are in it
        bound = min([closed, self._best.value, *(entry[0] for entry in queue)])
        return Found(self._best, self._pool, bound, self._rounds, branches)

    def _first(self) -> Choice:
        """Each workload's cheapest path under the smallest sizes, bettered: an answer whatever the program does."""
        assert self._pool is not None  # noqa: S101  the first paths are in it
        sizes = tuple(
            deal.options[0] if deal.options else Option(deal.low_usd, deal.discount) for deal in self._case.terms.deals
        )
        everyone = np.arange(self._workloads)
        return self._rounder.improve(self._pool, np.ones(self._workloads, dtype=bool), everyone, sizes)

    def _root(self) -> Branch:
        surfaces = len(self._case.open_usd)
        sizes = tuple(
            (np.zeros(len(deal.options)), np.ones(len(deal.options))) if deal.options else None
            for deal in self._case.terms.deals
        )
        return Branch((np.zeros(surfaces), np.ones(surfaces)), sizes)

    def _plain_cost(self) -> Floats:
        terms = self._case.terms
        price = terms.atom_weight[:, None] * terms.probability[None, :]
        return self._case.month_cost(price, np.zeros((self._workloads, len(self._case.open_usd))))

    def _good_enough(self, bound: float) -> bool:
        return self._best is not None and self._best.value - bound <= self._gap * abs(self._best.value)

    def _offer(self, owner: Ints, path: Ints) -> int:
        fresh = [row for row, own in enumerate(owner) if (int(own), path[row].tobytes()) not in self._known]
        if fresh:
            self._known.update((int(owner[row]), path[row].tobytes()) for row in fresh)
            columns = self._case.columns(owner[fresh], path[fresh])
            self._master.add(columns)
            self._pool = columns if self._pool is None else self._pool.join(columns)
        return len(fresh)

    def _allowed(self, branch: Branch) -> Flags:
        assert self._pool is not None  # noqa: S101  the first paths are offered before any branch
        closed = branch.opened[1] < 1.0
        return np.asarray(~(self._pool.share[:, closed] > 0).any(axis=1))

    def _explore(self, branch: Branch, known: float) -> tuple[float, list[Branch]]:
        """The branch's bound, and its children; none if it is settled or nothing is left to branch on."""
        closed = branch.opened[1] < 1.0
        feasible = self._case.ways.feasible & ~closed[self._case.surface_of][None, :, None]
        ways = replace(self._case.ways, feasible=feasible)
        try:
            solved = self._generate(branch, ways, known)
        except Stuck:
            return known, []  # nothing more is known of it: its bound stays in the answer's
        if solved is None:
            return np.inf, []
        bound, priced, relaxed = solved
        if relaxed.artificial <= _FRACTION:
            assert self._pool is not None  # noqa: S101  as above
            choice = self._rounder.round(self._pool, relaxed, self._allowed(branch), self._workloads)
            if self._best is None or choice.value < self._best.value:
                self._best = choice
        if self._good_enough(bound):
            return bound, []
        bound = self._settle(branch, bound, priced)
        return bound, [] if self._good_enough(bound) else self._children(branch, relaxed)

    def _generate(self, branch: Branch, ways: Ways, known: float) -> tuple[float, Priced, Relaxed] | None:
        """Paths are priced and added until the relaxation and its Lagrangian bound meet, or the branch is hopeless."""
        bound = known
        while True:
            self._rounds += 1
            self._master.restrict(self._allowed(branch), branch.opened, branch.sizes)
            relaxed = self._master.solve()
            if relaxed is None:
                return None
            cost = self._case.month_cost(relaxed.spend_price, relaxed.open_price)
            ahead = look_ahead(cost, ways)
            value, path = ahead.cheapest()
            if not np.isfinite(value).all():
                return None
            here = float(value.sum() + relaxed.value - relaxed.convexity.sum())
            bound = max(bound, here)
            priced = Priced(here, cost, ahead)
            met = relaxed.value - bound <= _TOLERANCE * abs(relaxed.value)
            better = np.flatnonzero(value < relaxed.convexity - _TOLERANCE * np.abs(relaxed.convexity))
            if met or self._good_enough(bound) or self._rounds > _ROUNDS_MAX * (1 + len(self._case.terms.deals)):
                return bound, priced, relaxed
            if self._offer(better, path[better]) == 0:
                return bound, priced, relaxed

    def _settle(self, branch: Branch, bound: float, priced: Priced) -> float:
        """Lists every path that a better answer could use and solves over them; as before if they are too many."""
        if self._best is None or self._unsettled >= _UNSETTLED_MAX:
            return bound
        slack = self._best.value - priced.bound + _TOLERANCE * abs(self._best.value)
        listed = paths_within(priced.cost, priced.ahead, slack, _LISTED_MAX)
        if listed is None:
            return bound
        self._offer(*listed)
        self._master.restrict(self._allowed(branch), branch.opened, branch.sizes)
        whole, proven = self._master.solve_whole(_WHOLE_SECONDS, self._gap)
        if whole is not None:
            assert self._pool is not None  # noqa: S101  as above
            choice = self._rounder.round(self._pool, whole, self._allowed(branch), self._workloads)
            if choice.value < self._best.value:
                self._best = choice
        bound = max(bound, min(proven, self._best.value))
        self._unsettled += not self._good_enough(bound)
        return bound

    def _children(self, branch: Branch, relaxed: Relaxed) -> list[Branch]:
        """Two branches on what is most divided: an option of a deal, or a surface; none if nothing is."""
        worst, place = _FRACTION, None
        for number, (bounds, weights) in enumerate(zip(branch.sizes, relaxed.sizes, strict=True)):
            for option, weight in enumerate(weights if bounds is not None else ()):
                if min(weight, 1.0 - weight) > worst:
                    worst, place = min(weight, 1.0 - weight), (number, option)
        for surface, weight in enumerate(relaxed.opened):
            if self._case.open_usd[surface] > 0 and min(weight, 1.0 - weight) > worst:
                worst, place = min(weight, 1.0 - weight), (-1, surface)
        if place is None:
            return []
        number, item = place
        children = []
        for fixed in (1.0, 0.0):
            lower, upper = (part.copy() for part in (branch.opened if number < 0 else branch.sizes[number] or ()))
            lower[item] = upper[item] = fixed
            if number < 0:
                children.append(replace(branch, opened=(lower, upper)))
            else:
                sizes = [*branch.sizes[:number], (lower, upper), *branch.sizes[number + 1 :]]
                children.append(replace(branch, sizes=tuple(sizes)))
        return children
