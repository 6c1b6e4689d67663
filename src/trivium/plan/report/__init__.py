"""A decision for those who take it: as JSON, page, printed report, in the terminal, and beside another one."""

from trivium.plan.report._html import report_html
from trivium.plan.report._json import FORMAT, decision_from_json, decision_json
from trivium.plan.report._pdf import report_pdf

__all__ = ["FORMAT", "decision_from_json", "decision_json", "report_html", "report_pdf"]
