"""Debt, cash flow and backlog of the parties as claims: which stand, which lose to which, and how old they are."""

from trivium.capital.indicators._indicators import (
    EVIDENCE_DAYS_MAX,
    STALE,
    TOPIC,
    Indicator,
    indicator_document,
    read_indicators,
)

__all__ = ["EVIDENCE_DAYS_MAX", "STALE", "TOPIC", "Indicator", "indicator_document", "read_indicators"]
