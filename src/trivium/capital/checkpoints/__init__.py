"""When to look again: exit triggers a machine can check, and the days that deals, filings and contracts give."""

from trivium.capital.checkpoints._dates import TOPIC, OwnDay, checkpoints, move_days
from trivium.capital.checkpoints._triggers import NAMES, read_triggers, reading_document, triggers_of
from trivium.capital.checkpoints._values import STALE, Reading, Scenario, Sight, State, Trigger

__all__ = [
    "NAMES",
    "STALE",
    "TOPIC",
    "OwnDay",
    "Reading",
    "Scenario",
    "Sight",
    "State",
    "Trigger",
    "checkpoints",
    "move_days",
    "read_triggers",
    "reading_document",
    "triggers_of",
]
