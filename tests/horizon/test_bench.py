"""The benchmark runs at a tenth of its size, and aggregation changes no objective there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "bench" / "horizon.py"


def test_the_quick_benchmark_names_every_size_of_the_horizon() -> None:
    run = subprocess.run(
        [sys.executable, str(BENCH), "--quick", "--json"], check=True, capture_output=True, text=True, timeout=60
    )
    lines = json.loads(run.stdout)
    names = " ".join(line["name"] for line in lines)
    for part in ("recourse", "0.5%", "0.1%", "volume", "400 levels", "what-if", "extensive form"):
        assert part in names
    assert lines[-1]["note"].split(";")[0].endswith("apart")
    assert float(lines[-1]["note"].split("objectives ")[1].split()[0]) < 1e-6
