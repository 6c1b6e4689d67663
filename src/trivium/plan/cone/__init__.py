"""The demand cone: how much each workload may be used in time to come, with intervals that hold."""

from trivium.plan.cone._early import Missed, extrapolation_error
from trivium.plan.cone._judge import LEVELS, Coverage, coverage, mean_width, pinball
from trivium.plan.cone._model import ConeModel, fit
from trivium.plan.cone._naive import naive
from trivium.plan.cone._values import DAY, EVERY, MONTH, WEEK, Belief, Cone, History, Prior, default_prior

DEFAULT_PRIOR = default_prior()

__all__ = [
    "DAY",
    "DEFAULT_PRIOR",
    "EVERY",
    "LEVELS",
    "MONTH",
    "WEEK",
    "Belief",
    "Cone",
    "ConeModel",
    "Coverage",
    "History",
    "Missed",
    "Prior",
    "coverage",
    "default_prior",
    "extrapolation_error",
    "fit",
    "mean_width",
    "naive",
    "pinball",
]
