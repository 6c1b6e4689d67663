"""A short soak: replays under faults and a killed gateway, after which the books balance."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def soak(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.soak", "--json", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=280,
    )
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode, found["broken"]) == (0, []), done.stdout
    return found


def test_two_rounds_with_a_killed_gateway_leave_the_books_balanced() -> None:
    found = soak("--minutes", "0", "--requests", "60", "--seed", "1")
    assert (found["rounds"], found["done"]["gateways killed"]) == (2, 1)
    assert found["clients_saw"]["whole"] > found["requests"] / 2
    # what the lab billed lies between the exact amounts and those with the most that the others may have cost
    exact, upper, lab = (Decimal(found[name]) for name in ("ledger_exact_usd", "upper_bounds_usd", "lab_usd"))
    assert 0 < exact <= lab <= exact + upper


@pytest.mark.slow
def test_three_minutes_of_faults_and_kills_leave_the_books_balanced() -> None:
    found = soak("--minutes", "3", "--seed", "7")
    assert found["done"]["gateways killed"] > 1
    assert all(found["checked"][name] for name in ("bounds", "complete", "estimated", "exact", "grammar", "routes"))
