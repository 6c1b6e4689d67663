"""The report for who leans on a platform: pictures, tables and claims on one page, and the same as JSON."""

from trivium.capital.report._gather import gather
from trivium.capital.report._json import report_json
from trivium.capital.report._page import report_page
from trivium.capital.report._values import IS_NOT, Asked, Reading, Report, Scenario

__all__ = ["IS_NOT", "Asked", "Reading", "Report", "Scenario", "gather", "report_json", "report_page"]
