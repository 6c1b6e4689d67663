"""The shipped catalogue, loaded once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from trivium.catalog import Catalog, Snapshot, load

ROOT = Path(__file__).parents[2]
FACTS = ROOT / "tests/facts"
BESIDE = ROOT.parent / "shared/facts"  # the facts tables, where they lie beside the checkout
TODAY = date(2026, 11, 22)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load()


@pytest.fixture(scope="session")
def snapshot(catalog: Catalog) -> Snapshot:
    return catalog.snapshot(TODAY)
