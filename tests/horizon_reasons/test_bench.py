"""The benchmark of what-ifs and worths runs at a tenth of its size, and no what-if there takes a tenth of a second."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "bench" / "worth.py"


def test_the_quick_benchmark_asks_every_question() -> None:
    run = subprocess.run(
        [sys.executable, str(BENCH), "--quick", "--json"], check=True, capture_output=True, text=True, timeout=120
    )
    lines = json.loads(run.stdout)
    names = " ".join(line["name"] for line in lines)
    for part in ("what if", "merging", "continuity", "requirement", "information", "waiting"):
        assert part in names
    assert max(line["own_seconds"] for line in lines if line["name"].startswith("what if")) < 0.1
