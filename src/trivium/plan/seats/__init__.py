"""Seats: exports of GitHub Copilot, Microsoft 365 Copilot and Copilot Studio; the depth of a Microsoft footprint."""

from trivium.plan.seats._read import REPORTS, Report, read_seats, read_seats_text
from trivium.plan.seats._values import ModelUse, SeatUsage

__all__ = ["REPORTS", "ModelUse", "Report", "SeatUsage", "read_seats", "read_seats_text"]
