"""What claims and measured shape answer: workload type, tuning window, checkpoints; and what is feasible at all."""

from trivium.plan.questions._checker import Violation, check_plan
from trivium.plan.questions._feasibility import Verdict, feasibility

__all__ = ["Verdict", "Violation", "check_plan", "feasibility"]
