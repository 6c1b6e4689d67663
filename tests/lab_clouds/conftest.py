"""Labs for the official clients, one with TLS and one without, shared by all tests of the folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab_clouds.helpers import running
from trivium.lab import LabServer


@pytest.fixture(scope="session")
def tls_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """Every port behind the lab's own certificates."""
    folder: Path = tmp_path_factory.mktemp("tls")
    with running(tls=folder, seed=3) as lab:
        yield lab


@pytest.fixture(scope="session")
def plain_lab() -> Iterator[LabServer]:
    """Plain HTTP, for clients whose trust in certificates cannot be given as an argument."""
    with running(seed=3) as lab:
        yield lab
