"""Recorded usage for commands: any file that an importer reads, as usage events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from trivium.core import FactError, UsageEvent, UserError
from trivium.ledger import importers


def read_events(
    path: Path,
    progress: Callable[[int, int], None] | None = None,
    on_bad: Callable[[UserError], None] | None = None,
) -> Iterator[UsageEvent]:
    """The events of a trace, a folder of session logs or a ledger export; raises UserError naming what is wrong.

    With `on_bad`, rows that cannot be read are handed to it and left out.
    """
    options = importers.ImportOptions(progress=progress, model_id=canonical_models(), on_bad=on_bad)
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
