"""Questions in words, answered from claims alone: with grades, dates, conflicts and sources."""

from trivium.catalog.ask._advantages import TYPES, Advantage, Assignment, advantages, article_assignments
from trivium.catalog.ask._outcomes import OUTCOMES, Outcome, outcome_of
from trivium.catalog.ask._values import Answer, Evidence, Figures

__all__ = [
    "OUTCOMES",
    "TYPES",
    "Advantage",
    "Answer",
    "Assignment",
    "Evidence",
    "Figures",
    "Outcome",
    "advantages",
    "article_assignments",
    "outcome_of",
]
