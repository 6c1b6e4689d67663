"""The months of a horizon, as all of the plan counts them."""

from trivium.plan._months import DAYS_PER_MONTH, add_months, last_days, month_starts

__all__ = ["DAYS_PER_MONTH", "add_months", "last_days", "month_starts"]
