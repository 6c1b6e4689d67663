"""Questions in words, answered from claims alone: with grades, dates, conflicts and sources."""

from trivium.catalog.ask._advantages import TYPES, Advantage, Assignment, advantages, article_assignments
from trivium.catalog.ask._ask import ask, questions
from trivium.catalog.ask._derive import Sum, sums
from trivium.catalog.ask._outcomes import OUTCOMES, Outcome, article_claims, outcome_of
from trivium.catalog.ask._phrase import Phrase, added, phrased, plain
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
    "Phrase",
    "Sum",
    "added",
    "advantages",
    "article_assignments",
    "article_claims",
    "ask",
    "outcome_of",
    "phrased",
    "plain",
    "questions",
    "sums",
]
