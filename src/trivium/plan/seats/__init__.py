"""Seats: exports of GitHub Copilot, Microsoft 365 Copilot and Copilot Studio; the depth of a Microsoft footprint."""

from trivium.plan.seats._depth import Depth, DepthAsk, footprint, microsoft_depth, onboarding_usd
from trivium.plan.seats._rates import metered
from trivium.plan.seats._read import REPORTS, Report, read_seats, read_seats_text
from trivium.plan.seats._values import ModelUse, SeatUsage
from trivium.plan.seats._ways import Way

__all__ = [
    "REPORTS",
    "Depth",
    "DepthAsk",
    "ModelUse",
    "Report",
    "SeatUsage",
    "Way",
    "footprint",
    "metered",
    "microsoft_depth",
    "onboarding_usd",
    "read_seats",
    "read_seats_text",
]
