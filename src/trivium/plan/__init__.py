"""Where each workload should run: demand from events, exact costs of every offer, placement, levers, reasons."""

from trivium.plan._candidates import Candidate, Choice, Excluded, Frame, choose_from
from trivium.plan._demand import BandUsage, Demand, Gap, Minute, Reads
from trivium.plan._facts import Answer, Facts, Quota, Requirement, Retirement, Verdict
from trivium.plan._in_force import Remaining, remaining
from trivium.plan._levers import LEVERS, Lever, Prices
from trivium.plan._make import make_plan
from trivium.plan._market import BookMarket, Market, Rate, band_starts
from trivium.plan._measure import demand_from_events
from trivium.plan._plan import Plan, QuotaFinding, Reason, RunnerUp, Share, Unplaced, WorkloadPlan, write_routes
from trivium.plan._problem import Column, Problem, Row, Violation, check
from trivium.plan._report import plan_json, plan_text
from trivium.plan._solve import Solution, SolverFailed, solve_problem
from trivium.plan._solve_from import PlanOptions, demand_from_ledger, solve
from trivium.plan._totals import Total, demand_from_totals

__all__ = [
    "LEVERS",
    "Answer",
    "BandUsage",
    "BookMarket",
    "Candidate",
    "Choice",
    "Column",
    "Demand",
    "Excluded",
    "Facts",
    "Frame",
    "Gap",
    "Lever",
    "Market",
    "Minute",
    "Plan",
    "PlanOptions",
    "Prices",
    "Problem",
    "Quota",
    "QuotaFinding",
    "Rate",
    "Reads",
    "Reason",
    "Remaining",
    "Requirement",
    "Retirement",
    "Row",
    "RunnerUp",
    "Share",
    "Solution",
    "SolverFailed",
    "Total",
    "Unplaced",
    "Verdict",
    "Violation",
    "WorkloadPlan",
    "band_starts",
    "check",
    "choose_from",
    "demand_from_events",
    "demand_from_ledger",
    "demand_from_totals",
    "make_plan",
    "plan_json",
    "plan_text",
    "remaining",
    "solve",
    "solve_problem",
    "write_routes",
]
