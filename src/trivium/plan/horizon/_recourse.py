"""Commitments now, placement later: what to sign when each month's work may go where it is then cheapest.

Two stages: sizes of commitments are chosen before demand is known, each group's placement after. With base spend D of a
group and ratio r of a deal's cheapest surface, y of D goes through the deal:

    covered       the amount c is paid; Σ r y ≤ c / (1 - d) in each period; y saves the list price
    take-or-pay   v ≥ (1 - d) Σ r y,  v ≥ m in each period of a signed deal; y saves the list price and costs v

Cost of a scenario: base spend - Σ y + Σ c + Σ v. Objective (1 - ω)·E + ω·CVaR as a linear programme (Rockafellar and
Uryasev 2000). Discrete levels make it a mixed-integer programme, whose bound HiGHS proves. Forecasts, US dollars.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import highspy
import numpy as np
from numpy.typing import NDArray

from trivium.core import UserError
from trivium.plan._milp import quiet
from trivium.plan._solve import SolverFailed
from trivium.plan.horizon._cuts import Blocks, cut
from trivium.plan.horizon._groups import Groups, group
from trivium.plan.horizon._instance import Instance, SpendCommitment
from trivium.plan.horizon._paths_input import periods_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SCALED_TOTAL = 1e4  # HiGHS's tolerances are absolute
_INF = float("inf")
_CUTS_FROM = 50_000  # columns: below, one programme is as fast
_START_SCENARIOS = 20


@dataclass(frozen=True, slots=True)
class Level:
    """What is signed of a commitment: the amount a period, and the discount that goes with it; nothing is 0 at 0."""

    amount_usd: float
    discount: float


@dataclass(frozen=True)
class Solution:
    """What to sign, the expected placement, and the bound that no answer can beat. Forecasts."""

    levels: tuple[Level, ...]  # one a commitment
    shares: Floats  # (W, K, T): expected share of each workload's month on each surface
    scenario_usd: Floats  # (S,)
    expected_usd: float
    cvar_usd: float
    objective_usd: float
    lower_bound_usd: float
    groups: int
    columns: int

    @property
    def gap(self) -> float:
        """How far the answer can be from the optimum, as a share of its own objective."""
        if not self.objective_usd:
            return 0.0
        return max(self.objective_usd - self.lower_bound_usd, 0.0) / abs(self.objective_usd)  # never a tolerance's -0.0


def solve(
    instance: Instance, *, gap: float = 0.001, time_limit_s: float = 90.0, cuts_from: int = _CUTS_FROM
) -> Solution:
    """Commitments and placement to a proven `gap`; without discrete levels the linear programme is exact.

    Covered commitments of any size are solved by cuts where the programme has `cuts_from` columns or more.

    UserError where the instance contradicts itself, SolverFailed where HiGHS ends without an answer.
    """
    groups = group(instance)
    model = _Model(instance, groups)
    model.build()
    simple = all(deal.free or (deal.commitment.signed and not deal.optional) for deal in model.deals)
    covered = all(deal.commitment.form == "covered" for deal in model.deals)
    if simple and covered and any(deal.free for deal in model.deals) and model.columns >= cuts_from:
        found = _by_cuts(instance, groups, model)
        if found is not None:
            return found
    return model.solve(gap, time_limit_s)


def _by_cuts(instance: Instance, groups: Groups, model: _Model) -> Solution | None:
    """Start where a few scenarios would have it; then a small programme a scenario."""
    scenarios, scale = model.scenarios, model.scale
    few = min(_START_SCENARIOS, scenarios)
    pick = np.argsort(groups.cheapest_usd)[((np.arange(few) + 0.5) * scenarios / few).astype(np.int64)]
    sample = replace(instance, demand=instance.demand[:, pick], probability=np.full(few, 1 / few))
    begin = _Model(sample, replace(groups, base_usd=groups.base_usd[:, pick]), scale)
    begin.build()
    alone = replace(instance, demand=instance.demand[:, :1], probability=np.ones(1), risk_weight=0.0)
    one = _Model(alone, replace(groups, base_usd=groups.base_usd.max(axis=1, keepdims=True)), scale)
    one.build()
    sizes = np.concatenate(one.sizes)
    able = np.concatenate([groups_ for groups_, _, _ in one.placed])
    blocks = Blocks(
        program=one.program(),
        sizes=sizes,
        placed=np.concatenate([first for _, _, first in one.placed]),
        placed_most=groups.base_usd[able] * scale,
        shared=one.shared_rows,
        shared_most=groups.base_usd[one.shared_groups] * scale,
        total=groups.cheapest_usd * scale,
    )
    bounds = np.concatenate(one.lower)[sizes], np.concatenate(one.upper)[sizes]
    start = np.clip(begin.values()[np.concatenate(begin.sizes)], *bounds)
    risk = (instance.probability, instance.risk_weight, instance.risk_level)
    try:
        found = cut(blocks, bounds, start, risk, model.mixed)
    except SolverFailed:  # one programme may still have an answer, and fails by itself if not
        return None
    if found is None:
        return None
    values = np.zeros(model.columns)
    values[np.concatenate(model.sizes)] = found.sizes
    values[model.cost_columns] = found.costs
    firsts = np.concatenate([first for _, _, first in model.placed])
    values[firsts[:, None] + np.arange(scenarios)] = found.placed
    return model.answer(values, found.bound)


@dataclass(frozen=True, slots=True)
class _Deal:
    commitment: SpendCommitment
    options: tuple[tuple[float, float], ...]  # (amount, discount) that may be signed
    free: bool  # covered: any amount between the ends
    optional: bool  # nothing is a choice too
    spans: tuple[tuple[int, int, float], ...]


def _deal(commitment: SpendCommitment, months: int) -> _Deal:
    spans = tuple(periods_of(commitment, months))
    if commitment.tiers:
        return _Deal(commitment, commitment.tiers, False, not commitment.signed, spans)
    free = commitment.form == "covered" and not commitment.signed and commitment.high_usd > commitment.low_usd
    # the least of a range of take-or-pay is the best of it
    return _Deal(commitment, ((commitment.low_usd, commitment.discount),), free, False, spans)


class _Model:
    """Columns and rows as arrays; the order of columns is: sizes, CVaR, then those of the second stage."""

    def __init__(self, instance: Instance, groups: Groups, scale: float | None = None) -> None:
        self.instance, self.groups = instance, groups
        total = float(groups.cheapest_usd.mean())
        self.scale = scale or (_SCALED_TOTAL / total if total > 0 else 1.0)
        self.shared_groups = self.shared_rows = np.zeros(0, dtype=np.int64)
        self.scenarios = instance.demand.shape[1]
        self.deals = [_deal(c, len(instance.month_weight)) for c in instance.commitments]
        self.cost: list[Floats] = []
        self.lower: list[Floats] = []
        self.upper: list[Floats] = []
        self.integer: list[NDArray[np.bool_]] = []
        self.row_lower: list[Floats] = []
        self.row_upper: list[Floats] = []
        self.entries: list[tuple[Ints, Ints, Floats]] = []
        self.columns = self.rows = 0
        self.sizes: list[Ints] = []
        self.placed: list[tuple[Ints, int, Ints]] = []  # (groups, deal, first columns): y[g, s] = first + s

    def variables(self, cost: Floats, lower: Floats, upper: Floats, *, integer: bool = False) -> Ints:
        """New columns; their indices."""
        first = self.columns
        self.cost.append(cost)
        self.lower.append(lower)
        self.upper.append(upper)
        self.integer.append(np.full(len(cost), integer))
        self.columns += len(cost)
        return np.arange(first, self.columns)

    def constraints(self, lower: Floats, upper: Floats) -> Ints:
        """New rows; their indices."""
        first = self.rows
        self.row_lower.append(lower)
        self.row_upper.append(upper)
        self.rows += len(lower)
        return np.arange(first, self.rows)

    def put(self, rows: Ints, columns: Ints, values: Floats) -> None:
        """Coefficients."""
        self.entries.append((rows.ravel(), columns.ravel(), np.broadcast_to(values, rows.shape).ravel()))

    def build(self) -> None:
        """Everything."""
        scenarios, omega = self.scenarios, self.instance.risk_weight
        probability = self.instance.probability
        base = self.groups.cheapest_usd * self.scale
        free = np.full(scenarios, -_INF), np.full(scenarios, _INF)
        cost = self.variables((1 - omega) * probability, *free)  # the cost of each scenario
        self.cost_columns = cost
        if omega > 0:
            eta = self.variables(np.array([omega]), np.array([-_INF]), np.array([_INF]))
            tail = omega / (1 - self.instance.risk_level) * probability
            over = self.variables(tail, np.zeros(scenarios), np.full(scenarios, _INF))
            rows = self.constraints(np.zeros(scenarios), np.full(scenarios, _INF))  # over - cost + eta ≥ 0
            self.put(rows, over, np.ones(scenarios))
            self.put(rows, cost, -np.ones(scenarios))
            self.put(rows, np.repeat(eta, scenarios), np.ones(scenarios))
        self.balance = self.constraints(base, base)  # cost + Σ y - Σ c - Σ v = base
        self.put(self.balance, cost, np.ones(scenarios))
        for number, deal in enumerate(self.deals):
            self.sizes.append(self._size(deal))
            if deal.commitment.form == "covered":
                self._covered(number, deal)
            else:
                self._take_or_pay(number, deal)
        self._at_most_all()

    def _size(self, deal: _Deal) -> Ints:
        """What is signed: an amount where any will do, else one switch an option."""
        commitment, scale = deal.commitment, self.scale
        if deal.free:
            low, high = commitment.low_usd * scale, commitment.high_usd * scale
            return self.variables(np.zeros(1), np.array([low]), np.array([high]))
        count = len(deal.options)
        least = np.zeros(count) if deal.optional else np.ones(count)
        switches = self.variables(np.zeros(count), least, np.ones(count), integer=deal.optional)
        row = self.constraints(np.array([-_INF]), np.array([1.0]))
        self.put(np.repeat(row, count), switches, np.ones(count))
        return switches

    def _amounts(self, deal: _Deal) -> Floats:
        """What a unit of each size column pays a period."""
        return np.ones(1) if deal.free else np.array([amount for amount, _ in deal.options]) * self.scale

    def _rates(self, number: int, deal: _Deal) -> tuple[Ints, Floats, Ints]:
        """Groups a deal can carry, the ratio of its cheapest surface there, and the period each falls under."""
        ratio = self.groups.ratio[:, list(deal.commitment.surfaces)].min(axis=1)
        period = self.groups.touched[:, number]
        able = np.flatnonzero(np.isfinite(ratio) & (period >= 0) & (self.groups.base_usd.max(axis=1) > 0))
        return able, ratio[able], period[able]

    def _second(self, number: int, able: Ints) -> Ints:
        """Columns y[g, s] of a deal, bounded by what there is to place; counted in the balance."""
        count = len(able) * self.scenarios
        upper = (self.groups.base_usd[able] * self.scale).ravel()
        columns = self.variables(np.zeros(count), np.zeros(count), upper).reshape(len(able), self.scenarios)
        weight = np.broadcast_to(self.groups.weight[able][:, None], columns.shape)
        self.put(np.broadcast_to(self.balance, columns.shape), columns, weight)
        self.placed.append((able, number, columns[:, 0] if len(able) else np.zeros(0, dtype=np.int64)))
        return columns

    def _periods(self, deal: _Deal) -> tuple[Floats, Floats]:
        """The part of each period inside the horizon, and what a dollar in it weighs."""
        weight = self.instance.month_weight
        parts = np.array([part for _, _, part in deal.spans])
        return parts, np.array([weight[low:high].mean() for low, high, _ in deal.spans])

    def _covered(self, number: int, deal: _Deal) -> None:
        able, ratio, period = self._rates(number, deal)
        columns = self._second(number, able)
        parts, weights = self._periods(deal)
        amounts, sizes = self._amounts(deal), self.sizes[number]
        discounts = np.array([d for _, d in deal.options]) if not deal.free else np.array([deal.commitment.discount])
        paid = float((parts * weights).sum())
        for size, amount in zip(sizes, amounts, strict=True):  # what is signed is paid in every scenario
            self.put(self.balance, np.full(self.scenarios, size), np.full(self.scenarios, -paid * amount))
        rows = self.constraints(np.full(len(parts) * self.scenarios, -_INF), np.zeros(len(parts) * self.scenarios))
        rows = rows.reshape(len(parts), self.scenarios)
        self.put(rows[period], columns, np.broadcast_to(ratio[:, None], columns.shape))
        for size, amount, discount in zip(sizes, amounts, discounts, strict=True):
            room = np.broadcast_to((-parts * amount / (1 - discount))[:, None], rows.shape)
            self.put(rows, np.full(rows.shape, size), room)

    def _take_or_pay(self, number: int, deal: _Deal) -> None:
        able, ratio, period = self._rates(number, deal)
        parts, weights = self._periods(deal)
        shape = (len(parts), self.scenarios)
        most = np.zeros(shape)
        np.add.at(most, period, self.groups.base_usd[able] * self.scale * ratio[:, None])
        for size, (amount, discount) in zip(self.sizes[number], deal.options, strict=True):
            columns = self._second(number, able)
            count = len(parts) * self.scenarios
            paid = self.variables(np.zeros(count), np.zeros(count), np.full(count, _INF)).reshape(shape)
            self.put(np.broadcast_to(self.balance, shape), paid, np.broadcast_to(-weights[:, None], shape))
            bill = self.constraints(np.zeros(count), np.full(count, _INF)).reshape(shape)  # paid ≥ (1 - d) L
            self.put(bill, paid, np.ones(shape))
            self.put(bill[period], columns, np.broadcast_to(-(1 - discount) * ratio[:, None], columns.shape))
            least = self.constraints(np.zeros(count), np.full(count, _INF)).reshape(shape)  # paid ≥ m if signed
            self.put(least, paid, np.ones(shape))
            due = np.broadcast_to((-parts * amount * self.scale)[:, None], shape)
            self.put(least, np.full(shape, size), due)
            if deal.optional:  # nothing goes through it unless it is signed
                gate = self.constraints(np.full(count, -_INF), np.zeros(count)).reshape(shape)
                self.put(gate[period], columns, np.broadcast_to(ratio[:, None], columns.shape))
                self.put(gate, np.full(shape, size), -most)

    def _at_most_all(self) -> None:
        """What several deals carry of a group is no more than all of it."""
        carried: dict[int, list[int]] = {}
        for able, _, first in self.placed:
            for group_, column in zip(able.tolist(), first.tolist(), strict=True):
                carried.setdefault(group_, []).append(column)
        shared = {number: columns for number, columns in carried.items() if len(columns) > 1}
        if not shared:
            return
        rows = self.constraints(
            np.full(len(shared) * self.scenarios, -_INF),
            (self.groups.base_usd[list(shared)] * self.scale).ravel(),
        ).reshape(len(shared), self.scenarios)
        self.shared_groups, self.shared_rows = np.array(list(shared)), rows[:, 0]
        steps = np.arange(self.scenarios)
        for row, columns in zip(rows, shared.values(), strict=True):
            for column in columns:
                self.put(row, column + steps, np.ones(self.scenarios))

    def solve(self, gap: float, time_limit_s: float) -> Solution:
        """Run HiGHS and read the answer."""
        solver = quiet()
        whole = bool(np.concatenate(self.integer).any())
        for name, value in (("threads", 1), ("random_seed", 0), ("time_limit", time_limit_s), ("mip_rel_gap", gap)):
            solver.setOptionValue(name, value)
        solver.passModel(self.program())
        solver.run()
        info = solver.getInfo()
        if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            raise SolverFailed(f"no placement with commitments was found within {time_limit_s:.0f} s")
        bound = info.mip_dual_bound if whole else info.objective_function_value
        return self.answer(self._placed_everywhere(solver, np.array(solver.getSolution().col_value)), float(bound))

    def values(self) -> Floats:
        """The columns of the linear programme at its optimum."""
        solver = quiet()
        solver.setOptionValue("threads", 1)
        solver.passModel(self.program())
        solver.run()
        return np.array(solver.getSolution().col_value)

    def mixed(self, costs: Floats) -> float:
        """The objective of costs (S,)."""
        risk, probability = self.instance.risk_weight, self.instance.probability
        worst = weighted_cvar(costs, probability, self.instance.risk_level)
        return (1 - risk) * float(probability @ costs) + risk * worst

    def answer(self, values: Floats, bound: float) -> Solution:
        """What columns say, in dollars."""
        scenario = values[self.cost_columns] / self.scale
        expected = float(self.instance.probability @ scenario)
        worst = weighted_cvar(scenario, self.instance.probability, self.instance.risk_level)
        return Solution(
            levels=tuple(self._level(number, values) for number in range(len(self.deals))),
            shares=self._shares(values),
            scenario_usd=scenario,
            expected_usd=expected,
            cvar_usd=worst,
            objective_usd=self.mixed(scenario),
            lower_bound_usd=bound / self.scale,
            groups=len(self.groups.base_usd),
            columns=self.columns,
        )

    def _placed_everywhere(self, solver: highspy.Highs, values: Floats) -> Floats:
        """Scenarios that do not count in the objective are placed at their least too: sizes stay, every cost counts."""
        probability = self.instance.probability
        if self.instance.risk_weight < 1 and probability.all():
            return values
        sizes = np.concatenate([np.zeros(0, dtype=np.int64), *self.sizes]).astype(np.int32)
        fixed = values[sizes]
        whole = np.concatenate(self.integer)[sizes]
        fixed[whole] = np.round(fixed[whole])
        cost = np.zeros(self.columns)
        cost[self.cost_columns] = np.maximum(probability, probability[probability > 0].min())
        solver.changeColsCost(self.columns, np.arange(self.columns, dtype=np.int32), cost)
        solver.changeColsBounds(len(sizes), sizes, fixed, fixed)
        solver.run()
        if solver.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            raise SolverFailed("the scenarios that do not count could not be placed")
        return np.array(solver.getSolution().col_value)

    def _level(self, number: int, values: Floats) -> Level:
        deal, sizes = self.deals[number], values[self.sizes[number]]
        if deal.free:
            return Level(float(sizes[0]) / self.scale, deal.commitment.discount)
        chosen = int(np.argmax(sizes))
        return Level(*deal.options[chosen]) if sizes[chosen] > 0.5 else Level(0.0, 0.0)  # noqa: PLR2004  a switch

    def _shares(self, values: Floats) -> Floats:
        """Expected shares by group, then by workload and month."""
        count, surfaces = self.groups.ratio.shape
        weight = self.instance.probability
        expected = self.groups.base_usd @ weight
        shares = np.zeros((count, surfaces))
        steps = np.arange(self.scenarios)
        for able, number, first in self.placed:
            if not len(able):
                continue
            carried = values[first[:, None] + steps] @ weight / self.scale
            mine = np.array(self.deals[number].commitment.surfaces)
            best = mine[self.groups.ratio[np.ix_(able, mine)].argmin(axis=1)]
            np.add.at(
                shares,
                (able, best),
                np.divide(carried, expected[able], out=np.zeros_like(carried), where=expected[able] > 0),
            )
        rest = np.maximum(1.0 - shares.sum(axis=1), 0.0)
        shares[np.arange(count), self.groups.ratio.argmin(axis=1)] += rest
        return np.asarray(shares[self.groups.of].transpose(0, 2, 1))

    def program(self) -> highspy.HighsLp:
        rows, columns, values = (np.concatenate([entry[part] for entry in self.entries]) for part in range(3))
        order = np.lexsort((rows, columns))
        rows, columns, values = rows[order], columns[order], values[order]
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = self.columns, self.rows
        program.col_cost_ = np.concatenate(self.cost)
        program.col_lower_ = np.concatenate(self.lower)
        program.col_upper_ = np.concatenate(self.upper)
        program.row_lower_ = np.concatenate(self.row_lower)
        program.row_upper_ = np.concatenate(self.row_upper)
        program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        program.a_matrix_.start_ = np.searchsorted(columns, np.arange(self.columns + 1)).astype(np.int32)
        program.a_matrix_.index_ = rows.astype(np.int32)
        program.a_matrix_.value_ = values.astype(np.double)
        whole = np.concatenate(self.integer)
        if whole.any():
            kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
            program.integrality_ = [kinds[int(one)] for one in whole]
        return program


def weighted_cvar(costs: Floats, probability: Floats, level: float) -> float:
    """Mean of the dearest `1 - level` of weighted scenarios, exact."""
    if not 0 <= level < 1:
        raise UserError("risk_level", str(level), "from 0 to below 1")
    order = np.argsort(-costs)
    weight = np.minimum(np.cumsum(probability[order]), 1 - level)
    parts = np.diff(np.concatenate([[0.0], weight]))
    return float(parts @ costs[order]) / (1 - level)
