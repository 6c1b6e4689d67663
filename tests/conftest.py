"""Property tests look anywhere on a developer's machine, and at the same places each time on CI."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# No deadline: a slow machine is no counter-example. What a random run finds is added as an @example where it was found.
settings.register_profile("developer", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "developer")


@pytest.fixture(autouse=True)
def _no_columns() -> None:
    """Text is as wide as in a pipe, whatever a developer's terminal or an earlier test left in the environment."""
    os.environ.pop("COLUMNS", None)
