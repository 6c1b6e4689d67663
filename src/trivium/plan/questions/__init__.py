"""What claims and measured shape answer: workload type, tuning window, checkpoints; and what is feasible at all."""

from trivium.plan.questions._checker import Violation, check_plan
from trivium.plan.questions._dates import Asked, Occasion, asked_of, checkpoint_answer, checkpoints, contract_days
from trivium.plan.questions._feasibility import Ask, Verdict, feasibility
from trivium.plan.questions._needs import requirement_of
from trivium.plan.questions._residency import geographies
from trivium.plan.questions._shape import Shape, shape_of
from trivium.plan.questions._type import workload_type
from trivium.plan.questions._window import Alternative, alternatives, tuning_window

__all__ = [
    "Alternative",
    "Ask",
    "Asked",
    "Occasion",
    "Shape",
    "Verdict",
    "Violation",
    "alternatives",
    "asked_of",
    "check_plan",
    "checkpoint_answer",
    "checkpoints",
    "contract_days",
    "feasibility",
    "geographies",
    "requirement_of",
    "shape_of",
    "tuning_window",
    "workload_type",
]
