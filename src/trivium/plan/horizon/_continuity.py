"""Spreading over surfaces as hard rows: what the largest share and a least number of surfaces cost, exactly.

Placement follows the scenario, as in the problem without these rows, so aggregation holds. With base spend D of a
group, ratio r of a surface and y the part of D that goes there,

    minimise (1 - ω)·E + ω·CVaR of Σ r y,   Σ_k y = D,   E[list spend on k] ≤ share · E[list spend on all]

and for each of `surfaces_min` surfaces E[list spend on k] ≥ share_min · E[all]: a programme for each set of so many
surfaces, the best of which is the optimum. Its dual values are what the rows cost at the margin.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import highspy
import numpy as np

from trivium.core import UserError
from trivium.plan._solve import SolverFailed
from trivium.plan.horizon._groups import Groups, group
from trivium.plan.horizon._instance import Floats, Instance, Ints
from trivium.plan.horizon._merge import merge
from trivium.plan.horizon._paths_program import Program, quiet_solver
from trivium.plan.horizon._recourse import weighted_cvar

_SCALED_TOTAL = 1e4  # HiGHS's tolerances are absolute
_SETS_MAX = 100
_INF = float("inf")


@dataclass(frozen=True, slots=True)
class Continuity:
    """No surface has more than `share_max` of the expected spend; `surfaces_min` have at least `share_min` each."""

    share_max: float = 1.0
    surfaces_min: int = 1
    share_min: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.share_max <= 1:
            raise UserError("share_max", self.share_max, "give a share above 0, up to 1")
        if self.surfaces_min < 1:
            raise UserError("surfaces_min", self.surfaces_min, "give 1 or more")
        if not 0 <= self.share_min <= min(self.share_max, 1 / self.surfaces_min):
            most = min(self.share_max, 1 / self.surfaces_min)
            raise UserError("share_min", self.share_min, f"give 0 to {most:.3g}, so that all of them have room")


@dataclass(frozen=True)
class ContinuitySolution:
    """The optimum with the rows, what they cost, and the cost of a hundredth more of each. Forecasts.

    `tighter_usd[k]` is what the objective rises, at the margin, for each hundredth of the spend that surface k may have
    less (its largest share binds) or must have more (its least share does); 0 where neither binds.
    """

    shares: Floats  # (W, K, T), expected
    scenario_usd: Floats
    spend_share: Floats  # (K,) of the expected spend at list prices
    expected_usd: float
    cvar_usd: float
    objective_usd: float
    free_usd: float  # the objective without the rows
    tighter_usd: Floats  # (K,)
    required: tuple[int, ...]  # surfaces that have share_min

    @property
    def price_usd(self) -> float:
        """What continuity costs over the horizon."""
        return self.objective_usd - self.free_usd


def solve_continuity(instance: Instance, continuity: Continuity) -> ContinuitySolution:
    """Placement without commitments under continuity rows; UserError where no placement satisfies them."""
    if instance.commitments:
        raise UserError("commitments", len(instance.commitments), "leave them out: continuity is solved by itself")
    surfaces = len(instance.surfaces)
    if continuity.surfaces_min > surfaces:
        raise UserError("surfaces_min", continuity.surfaces_min, f"give 1 to {surfaces}: there are no more surfaces")
    small, of = merge(instance)
    groups = group(small)
    needs = continuity.surfaces_min if continuity.share_min > 0 else 0
    sets = list(combinations(range(surfaces), needs))
    if len(sets) > _SETS_MAX:
        raise UserError("surfaces_min", needs, f"give fewer: {len(sets)} sets of surfaces are too many to try")
    found = [answer for required in sets if (answer := _Rows(small, groups, continuity, required).solve()) is not None]
    if not found:
        raise UserError(
            "continuity",
            f"at most {continuity.share_max:.0%} on one, {continuity.share_min:.0%} on {needs or 1}",
            "no placement keeps it: lower it, or let workloads run on more surfaces",
        )
    best = min(found, key=lambda answer: answer.objective_usd)
    shares = best.shares[groups.of].transpose(0, 2, 1)[of]
    return ContinuitySolution(
        shares=np.asarray(shares),
        scenario_usd=best.scenario_usd,
        spend_share=best.spend_share,
        expected_usd=best.expected_usd,
        cvar_usd=best.cvar_usd,
        objective_usd=best.objective_usd,
        free_usd=_objective(small, groups.cheapest_usd),
        tighter_usd=best.tighter_usd,
        required=best.required,
    )


@dataclass(frozen=True)
class _Answer:
    shares: Floats  # (G, K)
    scenario_usd: Floats
    spend_share: Floats
    expected_usd: float
    cvar_usd: float
    objective_usd: float
    tighter_usd: Floats
    required: tuple[int, ...]


class _Rows:
    """The programme of one set of required surfaces."""

    def __init__(self, instance: Instance, groups: Groups, continuity: Continuity, required: tuple[int, ...]) -> None:
        self.instance, self.groups, self.rule, self.required = instance, groups, continuity, required
        total = float(groups.cheapest_usd.mean())
        self.scale = _SCALED_TOTAL / total if total > 0 else 1.0
        self.program = Program()
        self.placed: list[tuple[int, Ints, Ints]] = []  # surface, its groups, y[g, s]

    def _build(self) -> None:
        program, groups, scenarios = self.program, self.groups, len(self.instance.probability)
        chance, omega = self.instance.probability, self.instance.risk_weight
        cost = program.variables((1 - omega) * chance, _INF, scenarios)
        self.cost = cost
        if omega > 0:
            eta = program.variables(omega, _INF, 1)  # a quantile of costs of 0 or more
            over = program.variables(omega / (1 - self.instance.risk_level) * chance, _INF, scenarios)
            tail = program.constraints(0.0, _INF, scenarios)  # over + eta - cost ≥ 0
            program.put(tail, over, 1.0)
            program.put(tail, eta, 1.0)
            program.put(tail, cost, -1.0)
        billed = program.constraints(0.0, 0.0, scenarios)  # Σ r y - cost = 0
        program.put(billed, cost, -1.0)
        base = groups.base_usd * self.scale
        whole = program.constraints(1.0, 1.0, base.size).reshape(base.shape)  # Σ_k x = 1
        count = len(self.instance.surfaces)
        self.most = program.constraints(-_INF, 0.0, count)  # E[k] - share_max E[all] ≤ 0
        self.least = program.constraints(0.0, _INF, len(self.required))  # E[k] - share_min E[all] ≥ 0
        for surface in range(count):
            able = np.flatnonzero(np.isfinite(groups.ratio[:, surface]))
            ratio, weight = groups.ratio[able, surface][:, None], groups.weight[able][:, None]
            x = program.variables(0.0, 1.0, len(able) * scenarios).reshape(len(able), scenarios)
            self.placed.append((surface, able, x))
            program.put(whole[able], x, 1.0)
            spend = ratio * weight * base[able]
            program.put(np.broadcast_to(billed, x.shape), x, spend)
            for other in range(count):
                part = float(other == surface) - self.rule.share_max
                program.put(np.full(x.shape, self.most[other]), x, part * spend * chance)
            for row, needed in zip(self.least, self.required, strict=True):
                part = float(needed == surface) - self.rule.share_min
                program.put(np.full(x.shape, row), x, part * spend * chance)

    def solve(self) -> _Answer | None:
        """The optimum, None where these rows leave no placement."""
        self._build()
        solver = quiet_solver(90.0)
        solver.passModel(self.program.finish())
        solver.run()
        status = solver.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            return None
        if status != highspy.HighsModelStatus.kOptimal:
            raise SolverFailed(f"continuity rows: the program ended as {solver.modelStatusToString(status)}")
        solution = solver.getSolution()
        values, duals = np.array(solution.col_value), np.array(solution.row_dual)
        instance, groups, chance = self.instance, self.groups, self.instance.probability
        spend = np.zeros(len(instance.surfaces))
        shares = np.zeros(groups.ratio.shape)
        scenario = np.zeros(len(chance))
        expected = groups.base_usd @ chance
        for surface, able, x in self.placed:
            carried = groups.base_usd[able] * values[x]
            paid = (groups.ratio[able, surface] * groups.weight[able]) @ carried
            scenario += paid
            spend[surface] = float(paid @ chance)
            plain = np.divide(carried @ chance, expected[able], out=values[x] @ chance, where=expected[able] > 0)
            shares[able, surface] = plain
        total = float(spend.sum())
        tighter = np.zeros(len(spend))
        tighter -= duals[self.most]
        for row, surface in zip(self.least, self.required, strict=True):
            tighter[surface] += duals[row]
        mean = float(chance @ scenario)
        return _Answer(
            shares=shares,
            scenario_usd=scenario,
            spend_share=spend / total if total > 0 else spend,
            expected_usd=mean,
            cvar_usd=weighted_cvar(scenario, chance, instance.risk_level),
            objective_usd=_objective(instance, scenario),
            tighter_usd=tighter * total / 100.0,
            required=self.required,
        )


def _objective(instance: Instance, costs: Floats) -> float:
    mean = float(instance.probability @ costs)
    worst = weighted_cvar(costs, instance.probability, instance.risk_level)
    return (1 - instance.risk_weight) * mean + instance.risk_weight * worst
