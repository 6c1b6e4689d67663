"""`trivium up` end to end on a small replay: the ledger equals the lab's own bill, one surface dies, a plan stands."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from trivium.cli._up.trace import BESIDE, Kind, choose
from trivium.core import UserError
from trivium.ledger import importers, write_export

ROOT = Path(__file__).parents[2]


def up(folder: Path, *arguments: str) -> tuple[subprocess.CompletedProcess[str], Path]:
    figures = folder / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "trivium.cli", "up", "--once", "--port", "0", "--json", str(figures), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    return done, figures


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any], Path]:
    folder = tmp_path_factory.mktemp("up")
    done, figures = up(folder, "--requests", "300")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, json.loads(figures.read_text()), folder


def test_the_ledger_is_the_labs_own_bill_to_the_last_digit(run: tuple[str, dict[str, Any], Path]) -> None:
    _, figures, _ = run
    assert figures["requests"] >= 300
    assert figures["errors"] == 0
    assert figures["unpriced"] <= figures["killed_surface"]["extra_attempts"]
    assert Decimal(figures["ledger_usd"]) == Decimal(figures["lab_usd"]) > 0
    assert sum(Decimal(row["amount_usd"]) for row in figures["spend"]) == Decimal(figures["ledger_usd"])


def test_half_of_the_requests_are_streamed(run: tuple[str, dict[str, Any], Path]) -> None:
    _, figures, _ = run
    assert figures["streamed"] == pytest.approx(figures["requests"] / 2, rel=0.1)


def test_sessions_drawn_from_the_profile_are_used_without_a_trace_and_the_screen_says_so(
    run: tuple[str, dict[str, Any], Path],
) -> None:
    text, figures, _ = run
    assert figures["trace"]["kind"] == "drawn"
    assert Kind.DRAWN.value in " ".join(text.split())
    assert "2026-04-15" in text


def test_a_lost_surface_costs_attempts_and_cache_but_no_answer(run: tuple[str, dict[str, Any], Path]) -> None:
    _, figures, _ = run
    killed = figures["killed_surface"]
    assert killed["surface"] in {"bedrock", "vertex", "foundry"}
    assert killed["errors"] == 0
    assert killed["requests_moved"] > 0
    assert killed["extra_attempts"] > 0
    assert (Decimal(killed["lost_cache_usd"]) > 0) == (killed["lost_prefix_tokens"] > 0)


def test_the_plan_names_every_lever_and_a_place_for_every_workload(run: tuple[str, dict[str, Any], Path]) -> None:
    text, figures, _ = run
    assert [lever["name"] for lever in figures["levers"]] == [
        "cache_life",
        "batch",
        "region_scope",
        "model",
        "contract",
        "surface",
    ]
    workloads = {(row["workload"], row["model"]) for row in figures["spend"]}
    assert {(item["workload"], item["model"]) for item in figures["plan"]["workloads"]} == workloads
    assert figures["plan"]["claims"]
    assert "One amount walked back" in text


def test_the_route_table_of_the_plan_is_left_for_the_gateway(run: tuple[str, dict[str, Any], Path]) -> None:
    _, figures, folder = run
    (routes,) = (folder / ".trivium/up").glob("*/routes.json")
    assert json.loads(routes.read_text())["version"] == figures["plan"]["route_table_version"]


def test_a_named_export_is_replayed_again(run: tuple[str, dict[str, Any], Path], tmp_path: Path) -> None:
    _, _, folder = run
    chosen = choose(None, beside=folder / "nothing", requests_min=40, seed=3)
    export = tmp_path / "usage.jsonl.gz"
    write_export([event for turns in chosen.conversations for event in turns], export)
    done, figures = up(tmp_path, "--requests", "30", "--trace", str(export))
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(figures.read_text())
    assert found["trace"]["kind"] == "named"
    assert Decimal(found["ledger_usd"]) == Decimal(found["lab_usd"])


def test_a_file_that_is_no_usage_is_refused_with_its_name(tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv.gz"
    bad.write_bytes(gzip.compress(b"a,b\n1,2\n"))
    done, _ = up(tmp_path, "--trace", str(bad))
    assert done.returncode == 2
    assert "bad.csv.gz" in done.stderr
    with pytest.raises(UserError, match="missing"):
        choose(tmp_path / "missing", beside=tmp_path, requests_min=1, seed=1)


@pytest.mark.trace
@pytest.mark.skipif(not (ROOT / BESIDE).exists(), reason="the Claude Code trace does not lie beside the checkout")
def test_the_real_trace_is_chosen_when_it_lies_beside_the_checkout() -> None:
    chosen = choose(None, beside=ROOT / BESIDE, requests_min=2000, seed=1)
    assert chosen.kind is Kind.BESIDE
    assert chosen.requests >= 2000
    recorded = {event.opened.event_id: event for event in importers.claude_code_trace.read(ROOT / BESIDE)}
    for turns in chosen.conversations:
        for event in turns:
            assert event.closed.usage == recorded[event.opened.event_id].closed.usage


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_ends_lab_and_gateway_too(tmp_path: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "trivium.cli", "up", "--port", "0", "--requests", "20"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        address = ""
        for line in process.stdout:
            if line.startswith("export ANTHROPIC_BASE_URL="):
                address = line.partition("=")[2].strip()
            if line.startswith("serving until"):
                break
        with urllib.request.urlopen(f"{address}/healthz", timeout=5) as answer:
            assert answer.status == 200
        process.send_signal(number)
        assert process.wait(30) == 0
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{address}/healthz", timeout=5)
