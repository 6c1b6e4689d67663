"""What claims and measured shape answer: workload type, tuning window, checkpoints; and what is feasible at all."""

from trivium.plan.questions._checker import Violation, check_plan
from trivium.plan.questions._feasibility import Verdict, feasibility
from trivium.plan.questions._shape import Shape, shape_of
from trivium.plan.questions._type import workload_type
from trivium.plan.questions._window import Alternative, alternatives, tuning_window

__all__ = [
    "Alternative",
    "Shape",
    "Verdict",
    "Violation",
    "alternatives",
    "check_plan",
    "feasibility",
    "shape_of",
    "tuning_window",
    "workload_type",
]
