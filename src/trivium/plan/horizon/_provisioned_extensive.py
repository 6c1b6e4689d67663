"""Provisioned throughput as one program over all scenarios: exact, and quick while it is small."""

from __future__ import annotations

import highspy
import numpy as np
from numpy.typing import NDArray

from trivium.plan.horizon._paths_program import Program, quiet_solver
from trivium.plan.horizon._paths_terms import objective_usd
from trivium.plan.horizon._provisioned_blocks import Block, Load, Shares
from trivium.plan.horizon._provisioned_master import Lots, Risk
from trivium.plan.horizon._provisioned_search import Bought

Floats = NDArray[np.float64]

_SECONDS = 120.0


def solve_extensive(load: Load, lots: Lots, held: Floats, risk: Risk, gap: float) -> Bought:
    """The least (1 - ω)·E + ω·CVaR; whole units to the gap."""
    _, pools, scenarios, months = load.shape
    program = Program()
    bought = program.variables(lots.price_usd, lots.most, len(lots.pool))
    least = np.full((pools, months), -highspy.kHighsInf)
    level = program.variables(risk.weight, highspy.kHighsInf, 1, lower=-highspy.kHighsInf)
    excess = program.variables(risk.weight * risk.probability / (1.0 - risk.level), highspy.kHighsInf, scenarios)
    shares = Shares.of(load.fits, range(months))
    for scenario in range(scenarios):
        saved = load.overflow_usd[shares.workload, scenario, shares.month]
        part = program.variables(-saved * (1.0 - risk.weight) * risk.probability[scenario], 1.0, len(saved))
        whole = program.constraints(-highspy.kHighsInf, 1.0, shares.rows)
        program.put(whole[shares.whole_row], part, 1.0)
        room = program.constraints(0.0, 0.0, pools * months).reshape(pools, months)
        program.row_lower[-1], program.row_upper[-1] = least.ravel(), held.ravel()
        program.put(
            room[shares.pool, shares.month], part, load.use[shares.workload, shares.pool, scenario, shares.month]
        )
        for row in range(len(lots.pool)):
            rows = room[lots.pool[row], lots.first[row] : lots.last[row]]
            program.put(rows, np.full(len(rows), bought[row]), -1.0)
        loss = program.constraints(-highspy.kHighsInf, 0.0, 1)
        program.row_upper[-1] = np.array([-load.overflow_usd[:, scenario].sum()])
        program.put(loss, part, -saved)
        program.put(loss, level, -1.0)
        program.put(loss, excess[scenario : scenario + 1], -1.0)
    found, bound = _run(program.finish(), bought[lots.whole], gap)
    base = (1.0 - risk.weight) * float(load.overflow_usd.sum(axis=(0, 2)) @ risk.probability)
    chosen = np.where(lots.whole, np.round(found[bought]), np.maximum(found[bought], 0.0))
    return _priced(load, lots, held, risk, chosen, bound + base)


def _run(program: highspy.HighsLp, whole: NDArray[np.int64], gap: float) -> tuple[Floats, float]:
    solver = quiet_solver(_SECONDS)
    if len(whole):
        kinds = [highspy.HighsVarType.kContinuous] * program.num_col_
        for column in whole:
            kinds[int(column)] = highspy.HighsVarType.kInteger
        program.integrality_ = kinds
        solver.setOptionValue("mip_rel_gap", gap)
        solver.setOptionValue("mip_abs_gap", 0.0)
    solver.passModel(program)
    solver.run()
    info = solver.getInfo()
    bound = info.mip_dual_bound if len(whole) else info.objective_function_value
    values = np.array(solver.getSolution().col_value)
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        values = np.zeros(program.num_col_)
    return values, float(bound)


def _priced(load: Load, lots: Lots, held: Floats, risk: Risk, chosen: Floats, bound: float) -> Bought:
    """The answer's cost is taken from the blocks and not from the program."""
    _, _, scenarios, months = load.shape
    blocks = [Block(load, scenario, range(months)) for scenario in range(scenarios)]

    def cost(bought: Floats) -> Floats:
        units = lots.units(bought, held)
        return np.array([block.cost(units)[0] for block in blocks]) + float(lots.price_usd @ bought)

    def objective(cost: Floats) -> float:
        return float(objective_usd(cost, risk.probability, risk.weight, risk.level))

    scenario, without = cost(chosen), cost(np.zeros(len(chosen)))
    if objective(without) < objective(scenario):
        chosen, scenario = np.zeros(len(chosen)), without
    return Bought(chosen, scenario, objective(scenario), bound, objective(without), 1)
