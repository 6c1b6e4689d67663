"""Months, scenarios and commitments: what to run where and what to sign, to a proven distance from the best."""

from trivium.plan.horizon._continuity import Continuity, ContinuitySolution, solve_continuity
from trivium.plan.horizon._curve import commitment_curve
from trivium.plan.horizon._groups import Groups, group, scenario_cost
from trivium.plan.horizon._instance import Instance, SpendCommitment
from trivium.plan.horizon._merge import merge
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
from trivium.plan.horizon._whatif import Change, WhatIf, what_if
from trivium.plan.horizon._worth import (
    ShadowPrice,
    Turn,
    Worth,
    break_even,
    evaluate,
    roll,
    shadow_prices,
    value_of_information,
    value_of_waiting,
)

__all__ = [
    "Change",
    "Continuity",
    "ContinuitySolution",
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
    "ShadowPrice",
    "Signed",
    "Solution",
    "SpendCommitment",
    "Term",
    "Turn",
    "VolumeSolution",
    "VolumeTiers",
    "WhatIf",
    "Worth",
    "break_even",
    "commitment_curve",
    "evaluate",
    "group",
    "merge",
    "peak_factors",
    "roll",
    "scenario_cost",
    "shadow_prices",
    "solve",
    "solve_continuity",
    "solve_paths",
    "solve_provisioned",
    "solve_volume",
    "value_of_information",
    "value_of_waiting",
    "what_if",
]
