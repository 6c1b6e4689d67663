"""A defect of the program is no finding: a script that passes over 1 must not pass over it."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from trivium.cli import main
from trivium.cli._main import COMMANDS


def test_a_defect_ends_with_a_code_of_its_own_and_shows_where(capsys: pytest.CaptureFixture[str]) -> None:
    broken = ModuleType("trivium.cli.broken")

    def command() -> None:
        """Fail."""
        raise ZeroDivisionError("nobody expected this")

    broken.command = command  # type: ignore[attr-defined]
    sys.modules["trivium.cli.broken"] = broken
    COMMANDS["broken"] = ("broken", "Fail.")
    try:
        with pytest.raises(SystemExit) as ended:
            main(["broken"])
    finally:
        del COMMANDS["broken"], sys.modules["trivium.cli.broken"]
    assert ended.value.code == 5
    assert "ZeroDivisionError: nobody expected this" in capsys.readouterr().err
