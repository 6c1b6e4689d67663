"""A decision for those who take it: as JSON, page, printed report, in the terminal, and beside another one."""

from trivium.plan.report._json import FORMAT, decision_from_json, decision_json

__all__ = ["FORMAT", "decision_from_json", "decision_json"]
