"""What the tests of `ask` share: the shipped catalogue as of the day it was last reviewed."""

from __future__ import annotations

from datetime import date

import pytest

from trivium.catalog import Catalog, Snapshot, load

NOW = date(2026, 11, 25)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load()


@pytest.fixture(scope="session")
def snapshot(catalog: Catalog) -> Snapshot:
    return catalog.snapshot(NOW)
