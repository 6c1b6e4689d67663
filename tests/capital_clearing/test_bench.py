"""The benchmark runs at a hundredth of its size, and its cross-check holds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "bench" / "capital.py"


def test_the_quick_benchmark_checks_itself_and_is_within_its_limits() -> None:
    run = subprocess.run(
        [sys.executable, str(BENCH), "--quick", "--json"], check=True, capture_output=True, text=True, timeout=120
    )
    lines = json.loads(run.stdout)
    assert [line["name"].split(",")[0].strip() for line in lines[:4]] == [
        "cash layer",
        "with one thread",
        "plain loops",
        "ours",
    ]
    assert "0 unsolved" in lines[0]["note"]
