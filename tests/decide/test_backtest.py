"""The back-test that the documentation quotes runs, and the plan beats what people do without one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRACE = ROOT.parent / "shared/traces/servegen/client_usage_6h.csv.gz"


@pytest.mark.trace
@pytest.mark.skipif(not TRACE.is_file(), reason=f"the ServeGen trace is not beside the checkout ({TRACE})")
def test_planning_on_one_week_beats_habit_in_the_next() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "bench/backtest.py"), "--trials", "60", "--json"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    rules = json.loads(done.stdout)["rules"]
    plan = rules["plan (mean only)"]["bill_usd"]
    assert rules["hindsight"]["bill_usd"] <= plan
    for habit in ("best for a week like the last", "all on bedrock, last week committed"):
        assert plan <= rules[habit]["bill_usd"], habit
    assert plan <= 1.01 * rules["cheapest list price, no commitment"]["bill_usd"]
