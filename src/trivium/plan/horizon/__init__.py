"""Months, scenarios and commitments: what to run where and what to sign, to a proven distance from the best."""

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

__all__ = [
    "Instance",
    "Lot",
    "Move",
    "Moves",
    "PathSolution",
    "Pool",
    "Provisioned",
    "ProvisionedSolution",
    "Signed",
    "SpendCommitment",
    "Term",
    "peak_factors",
    "solve_paths",
    "solve_provisioned",
]
