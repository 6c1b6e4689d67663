"""Holds the lab against a live surface: a bounded list of calls, the same to both, and what differs."""

from trivium.certify._again import Recorded, again, read_recording
from trivium.certify._calls import Call, chosen, shipped_calls
from trivium.certify._claims import claims_csv
from trivium.certify._compare import Aspect, Found, Verdict
from trivium.certify._report import address, cell, cost, differences, document, markdown, summary, verdict
from trivium.certify._run import Plan, Planned, Report, Row, Unreachable, plan, run
from trivium.certify._send import Site

__all__ = [
    "Aspect",
    "Call",
    "Found",
    "Plan",
    "Planned",
    "Recorded",
    "Report",
    "Row",
    "Site",
    "Unreachable",
    "Verdict",
    "address",
    "again",
    "cell",
    "chosen",
    "claims_csv",
    "cost",
    "differences",
    "document",
    "markdown",
    "plan",
    "read_recording",
    "run",
    "shipped_calls",
    "summary",
    "verdict",
]
