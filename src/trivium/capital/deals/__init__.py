"""The deal ledger: who invests in, commits to, supplies, lends to and guarantees whom, as of a day."""

from trivium.capital.deals._document import (
    contradiction_document,
    deal_document,
    decimal_text,
    figure_document,
    firmness_document,
    statement_document,
)
from trivium.capital.deals._firmness import Firmness, commitments
from trivium.capital.deals._read import DealLedger, kind_of, read_deals
from trivium.capital.deals._schedule import Schedule
from trivium.capital.deals._terms import assumed_figures
from trivium.capital.deals._values import (
    Amount,
    Contradiction,
    Deal,
    Figure,
    Kind,
    Party,
    Refused,
    Share,
    Stage,
    State,
    Statement,
    Tranche,
    Version,
)

__all__ = [
    "Amount",
    "Contradiction",
    "Deal",
    "DealLedger",
    "Figure",
    "Firmness",
    "Kind",
    "Party",
    "Refused",
    "Schedule",
    "Share",
    "Stage",
    "State",
    "Statement",
    "Tranche",
    "Version",
    "assumed_figures",
    "commitments",
    "contradiction_document",
    "deal_document",
    "decimal_text",
    "figure_document",
    "firmness_document",
    "kind_of",
    "read_deals",
    "statement_document",
]
