"""Recorded usage for commands: any file that an importer reads, as usage events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from trivium.core import UsageEvent
from trivium.ledger import importers


def read_events(path: Path, progress: Callable[[int, int], None] | None = None) -> Iterator[UsageEvent]:
    """The events of a trace, a folder of session logs or a ledger export; raises UserError naming what is wrong."""
    return importers.reader(importers.detect(path))(path, importers.ImportOptions(progress=progress))
