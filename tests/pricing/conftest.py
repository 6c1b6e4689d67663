"""Fixtures of the pricing room."""

from __future__ import annotations

import pytest

from pricing.hand_book import HandSnapshot, hand_cells
from trivium.pricing import PriceBook


@pytest.fixture(scope="session")
def book() -> PriceBook:
    return PriceBook.from_snapshot(HandSnapshot(hand_cells()))
