"""A decision for those who take it: as JSON, page, printed report, in the terminal, and beside another one."""

from trivium.plan.report._calendar import CalendarOf, calendar_ics, checkpoints_ics
from trivium.plan.report._compare import Cause, Comparison, Moved, Side, compare, comparison_json
from trivium.plan.report._html import report_html
from trivium.plan.report._json import FORMAT, decision_from_json, decision_json
from trivium.plan.report._negotiate import Ask, Sheet, negotiation_sheets
from trivium.plan.report._pdf import report_pdf
from trivium.plan.report._sheets import sheets_html, sheets_markdown
from trivium.plan.report._text import comparison_text, decision_text, workload_text

__all__ = [
    "FORMAT",
    "Ask",
    "CalendarOf",
    "Cause",
    "Comparison",
    "Moved",
    "Sheet",
    "Side",
    "calendar_ics",
    "checkpoints_ics",
    "compare",
    "comparison_json",
    "comparison_text",
    "decision_from_json",
    "decision_json",
    "decision_text",
    "negotiation_sheets",
    "report_html",
    "report_pdf",
    "sheets_html",
    "sheets_markdown",
    "workload_text",
]
