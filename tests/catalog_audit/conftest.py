"""The catalogue as known on the day the facts were gathered, ready for audits."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from trivium.catalog import Snapshot, load
from trivium.catalog.audit import (
    CellIndex,
    Report,
    announced_in,
    audit,
    index_of,
    listed_profiles,
    models_of,
    read_table,
)

TODAY = date(2026, 11, 22)
Audit = Callable[..., Report]


@pytest.fixture(scope="session")
def snapshot() -> Snapshot:
    return load().snapshot(TODAY)


@pytest.fixture(scope="session")
def index(snapshot: Snapshot) -> CellIndex:
    return index_of(snapshot)


@pytest.fixture
def run(snapshot: Snapshot, index: CellIndex, tmp_path: Path) -> Audit:
    """Audits a document (JSON as a value, a CSV as text) as the command does."""

    def audited(document: Any, at: date = TODAY) -> Report:
        path = tmp_path / "table"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return audit(
            read_table(path, models_of(index)),
            index,
            at=at,
            as_of=TODAY,
            announced=announced_in(snapshot),
            profiles=listed_profiles(snapshot),
        )

    return audited
