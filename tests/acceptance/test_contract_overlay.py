"""An organisation's own contract, laid over the list, changes the price, the plan and the reasons given."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from trivium.core import Closed, Offer, Opened, Outcome, Quality, Usage, UsageEvent
from trivium.ledger import write_export

OVERLAY = Path(__file__).parents[1] / "facts/overlay"  # 15 % off Claude Opus 5 on `anthropic` from 2026-10-01
START = datetime(2026, 11, 20, tzinfo=UTC)


def trivium(*arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "trivium.cli", *arguments, "--json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def usage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten sessions of Opus 5 on Bedrock at list: 1,000 output tokens a request, 20 requests each."""
    events = []
    for session in range(10):
        for number in range(20):
            at = START + timedelta(hours=session, seconds=30 * number)
            event_id = f"s{session}-{number}"
            offer = Offer("bedrock", "global", "claude-opus-5")
            opened = Opened(event_id, event_id, 1, at, offer, "search", session=f"s{session}")
            usage = Usage(input=100, output=1000)
            events.append(UsageEvent(opened, Closed(event_id, at, Outcome.OK, usage, Quality.EXACT, 200)))
    path = tmp_path_factory.mktemp("usage") / "usage.jsonl"
    write_export(events, path)
    return path


def test_the_contract_changes_a_price_and_says_where_it_stands() -> None:
    asked = ("price", "--surface", "anthropic", "--scope", "global", "--model", "claude-opus-5", "--output", "1000000")
    day = ("--at", "2026-11-22")
    assert trivium(*asked, *day)["amount_usd"] == "25"
    contracted = trivium(*asked, *day, "--overlay", str(OVERLAY))
    assert contracted["amount_usd"] == "21.25"  # 25 x 0.85
    assert "price.contract.anthropic-2026" in json.dumps(contracted)


def test_the_plan_moves_to_the_contract_and_says_so(usage: Path) -> None:
    at_list = trivium("plan", "--trace", str(usage), "--at", "2026-11-22")
    assert at_list["saving_usd"] == "0"
    plan = trivium("plan", "--trace", str(usage), "--at", "2026-11-22", "--overlay", str(OVERLAY))
    (item,) = plan["workloads"]
    assert item["placements"][0]["surface"] == "anthropic"
    # 200 requests x (100 x 5 + 1,000 x 25) USD per million = 5.1; 15 % of it
    assert (plan["baseline_usd"], plan["saving_usd"]) == ("5.1", "0.765")
    levers = {lever["name"]: lever for lever in plan["levers"]}
    assert levers["contract"]["saving_usd"] == "0"
    assert "another surface" in levers["contract"]["reason"]
    assert levers["surface"]["saving_usd"] == "0.765"
    assert "contracted prices" in levers["surface"]["reason"]
    assert item["runner_up"]["break_even_price_multiplier"].startswith("0.85")
    assert "price.contract.anthropic-2026" in plan["claims"]


def test_a_contract_where_the_workload_already_runs_is_the_contract_lever(tmp_path: Path) -> None:
    offer = Offer("anthropic", "global", "claude-opus-5")
    event = UsageEvent(
        Opened("one", "one", 1, START, offer, "search"),
        Closed("one", START, Outcome.OK, Usage(output=1000), Quality.EXACT, 200),
    )
    write_export([event], tmp_path / "usage.jsonl")
    plan = trivium("plan", "--trace", str(tmp_path / "usage.jsonl"), "--at", "2026-11-22", "--overlay", str(OVERLAY))
    levers = {lever["name"]: lever["saving_usd"] for lever in plan["levers"]}
    assert levers["contract"] == "0.00375"  # 1,000 x 25 USD per million x 15 %
