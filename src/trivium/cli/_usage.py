"""Recorded usage for commands: any file that an importer reads, as usage events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from trivium.core import FactError, UsageEvent
from trivium.ledger import importers


def read_events(path: Path, progress: Callable[[int, int], None] | None = None) -> Iterator[UsageEvent]:
    """The events of a trace, a folder of session logs or a ledger export; raises UserError naming what is wrong."""
    options = importers.ImportOptions(progress=progress, model_id=canonical_models())
    return importers.reader(importers.detect(path))(path, options)


def canonical_models() -> Callable[[str], str]:
    """Model ids as the catalogue has them; a name it does not know stays as it is, but for its date."""
    from trivium import catalog
    from trivium.ledger.importers import undated

    @cache
    def find(name: str) -> str:
        try:
            return catalog.model_id(name)
        except FactError:
            return undated(name)

    return find
