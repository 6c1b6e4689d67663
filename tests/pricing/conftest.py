"""Fixtures of the pricing room."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pricing.hand_book import HandSnapshot, hand_cells
from trivium.cli import main
from trivium.pricing import PriceBook


@pytest.fixture(scope="session")
def book() -> PriceBook:
    return PriceBook.from_snapshot(HandSnapshot(hand_cells()))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command: its exit code and what it printed on both streams."""

    def command(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return command
