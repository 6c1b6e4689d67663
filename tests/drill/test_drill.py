"""`trivium drill` end to end on a small replay: nothing is lost, and the record can be kept."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest


def drill(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trivium.cli", "drill", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("how", ["529", pytest.param("hang", marks=pytest.mark.slow)])
def test_a_surface_taken_away_loses_no_request_and_leaves_a_record(how: str, tmp_path: Path) -> None:
    kept = tmp_path / "drill.json"
    options = ["--requests", "150", "--breaker", "1", "--json", "--write", str(kept)]
    done = drill("bedrock", "--how", how, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    record: dict[str, Any] = json.loads(done.stdout)
    assert json.loads(kept.read_text()) == record
    assert record["format"] == "trivium-drill/1"
    assert record["lost_requests"] == 0
    assert record["errors"] == []
    served = record["served"]
    assert sum(sum(found.values()) for found in served.values()) == record["workload"]["requests"] >= 150
    assert served["before"]["bedrock"] > 0
    assert "bedrock" not in served["during"]
    assert record["attempts"]["extra"] > 0
    assert record["cost"]["displaced_requests"] > 0
    assert (Decimal(record["cache"]["lost_usd"]) > 0) == (record["cache"]["lost_tokens"] > 0)
    assert len(record["versions"]["route_table_sha256"]) == 64
    assert record["recovery"]["first_byte_s"] is not None


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("mars",), "SURFACE"),
        (("bedrock", "--how", "gently"), "--how"),
        (("bedrock", "--requests", "3"), "--requests"),
        (("bedrock", "--breaker", "0"), "--breaker"),
        (("bedrock", "--write", "/nowhere/at/all.json"), "--write"),
    ],
)
def test_what_cannot_be_drilled_is_refused_by_name(arguments: tuple[str, ...], named: str) -> None:
    done = drill(*arguments)
    assert done.returncode == 2
    assert named in done.stderr
