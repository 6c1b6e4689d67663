"""Running the product's commands on the ledger of one test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from trivium.cli import main


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run a command: its exit code and what it printed."""

    def command(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main([*arguments, "--db", str(tmp_path / "ledger.db")])
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out + printed.err

    return command
