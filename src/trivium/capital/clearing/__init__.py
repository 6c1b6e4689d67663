"""The mathematics of clearing: who pays what, and what is left, if all claims of a network fall due on each other."""

from trivium.capital.clearing._cash import NOTICES, CashNetwork, CashRuns, Due, Notice, cash_network, run_cash
from trivium.capital.clearing._clear import (
    Clearing,
    Solution,
    Tranche,
    clear,
    greatest_solution,
    least_solution,
    waves_of,
    with_tranches,
)
from trivium.capital.clearing._debtrank import debtrank
from trivium.capital.clearing._document import clearing_json, read_system, solution_json
from trivium.capital.clearing._system import TOLERANCE, System, from_liabilities, system

__all__ = [
    "NOTICES",
    "TOLERANCE",
    "CashNetwork",
    "CashRuns",
    "Clearing",
    "Due",
    "Notice",
    "Solution",
    "System",
    "Tranche",
    "cash_network",
    "clear",
    "clearing_json",
    "debtrank",
    "from_liabilities",
    "greatest_solution",
    "least_solution",
    "read_system",
    "run_cash",
    "solution_json",
    "system",
    "waves_of",
    "with_tranches",
]
