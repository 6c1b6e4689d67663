"""Months, scenarios and commitments: what to run where and what to sign, to a proven distance from the best."""

from trivium.plan.horizon._curve import commitment_curve
from trivium.plan.horizon._groups import Groups, group, scenario_cost
from trivium.plan.horizon._instance import Instance, SpendCommitment
from trivium.plan.horizon._paths import Move, Moves, PathSolution, Signed, solve_paths
from trivium.plan.horizon._provisioned import (
    Lot,
    Pool,
    Provisioned,
    ProvisionedSolution,
    Term,
    peak_factors,
    solve_provisioned,
)
from trivium.plan.horizon._recourse import Level, Solution, solve
from trivium.plan.horizon._volume import VolumeSolution, VolumeTiers, solve_volume

__all__ = [
    "Groups",
    "Instance",
    "Level",
    "Lot",
    "Move",
    "Moves",
    "PathSolution",
    "Pool",
    "Provisioned",
    "ProvisionedSolution",
    "Signed",
    "Solution",
    "SpendCommitment",
    "Term",
    "VolumeSolution",
    "VolumeTiers",
    "commitment_curve",
    "group",
    "peak_factors",
    "scenario_cost",
    "solve",
    "solve_paths",
    "solve_provisioned",
    "solve_volume",
]
