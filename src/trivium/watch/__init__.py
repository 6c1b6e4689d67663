"""Spend limits, alerts and their delivery."""

from trivium.watch._deliver import AlertLog, AppriseNotifier, DeliveryFailed, Notifier, Unwritten, deliver
from trivium.watch._limits import Alert, Kind, Limit, LimitState, check, forecast_crossing, state, window_bounds

__all__ = [
    "Alert",
    "AlertLog",
    "AppriseNotifier",
    "DeliveryFailed",
    "Kind",
    "Limit",
    "LimitState",
    "Notifier",
    "Unwritten",
    "check",
    "deliver",
    "forecast_crossing",
    "state",
    "window_bounds",
]
