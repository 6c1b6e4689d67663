"""How commands print: one JSON document with --json, else text through Rich."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from rich.console import Console

from trivium.core import Money

PIPED_WIDTH = 140  # columns for output that is not a terminal, unless COLUMNS says otherwise


def console() -> Console:
    """The console for people; plain and wide when the output is not a terminal."""
    if sys.stdout.isatty() or "COLUMNS" in os.environ:
        return Console(highlight=False, emoji=False)
    return Console(width=PIPED_WIDTH, highlight=False, emoji=False)


def print_json(value: object) -> None:
    """One JSON document on stdout: money and decimals as strings, dates in ISO form."""
    sys.stdout.write(json.dumps(value, default=jsonable, ensure_ascii=False, indent=2) + "\n")


def jsonable(value: object) -> Any:
    """What json cannot write by itself."""
    if isinstance(value, Money):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    raise TypeError(f"cannot write {type(value).__name__} as JSON")
