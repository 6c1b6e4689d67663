"""A short soak: replays under faults and a killed gateway, after which the books balance."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).parents[2] / "bench/_soak.py"


def soak(*arguments: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, str(SOAK), "--json", *arguments], capture_output=True, text=True, check=False, timeout=250
    )
    found: dict[str, object] = json.loads(done.stdout)
    assert (done.returncode, found["broken"]) == (0, []), done.stdout
    return found


def test_two_rounds_with_a_killed_gateway_leave_the_books_balanced() -> None:
    found = soak("--minutes", "0", "--requests", "60", "--seed", "1")
    assert found["rounds"] == 2
    assert found["kills"] == 1
    assert found["whole"]


@pytest.mark.slow
def test_three_minutes_of_faults_and_kills_leave_the_books_balanced() -> None:
    found = soak("--minutes", "3", "--seed", "7")
    assert int(str(found["kills"])) > 1
