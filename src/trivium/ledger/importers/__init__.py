"""Readers of recorded usage, one file per format; each yields what the ledger takes and tells bad rows apart."""

from trivium.ledger.importers import (
    azure_2023,
    claude_code_logs,
    claude_code_trace,
    ledger_export,
    servegen,
    tracelab,
)
from trivium.ledger.importers._common import BadRow, ImportOptions, undated
from trivium.ledger.importers._detect import EVENT_FORMATS, FORMATS, check_start, detect, reader

__all__ = [
    "EVENT_FORMATS",
    "FORMATS",
    "BadRow",
    "ImportOptions",
    "azure_2023",
    "check_start",
    "claude_code_logs",
    "claude_code_trace",
    "detect",
    "ledger_export",
    "reader",
    "servegen",
    "tracelab",
    "undated",
]
