"""`trivium plan`, from a file to a report, a document and a route table that the gateway reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from plan.market import START, turn
from trivium.cli._main import root
from trivium.core import ManualClock, Money, NoPrice, Offer, RouteTable, Usage, UserError
from trivium.ledger import Ledger, write_export

CONTRACT = """
[sources.order]
title = "Order form"
date = "2026-03-01"

[[contract]]
id = "half"
surface = "anthropic"
models = ["claude-opus-4-6"]
tiers = ["standard"]
factor = "0.5"
from = 2026-03-01
until = 2027-03-01
status = "contracted"
sources = ["order"]
"""
OPUS = Offer("anthropic", "global", "claude-opus-4-6")


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """One session: 10,000 written; a minute later read with 500 new; 20 minutes later all written again."""
    path = tmp_path / "usage.jsonl"
    turns = [(0, Usage(0, 100, 0, 10_000)), (60, Usage(0, 100, 10_000, 500)), (1260, Usage(0, 100, 0, 11_000))]
    write_export([turn(at, usage, offer=OPUS) for at, usage in turns], path)
    return path


def run(*arguments: str, exits: int = 0) -> str:
    result = CliRunner().invoke(root, ["plan", *arguments], catch_exceptions=False)
    assert result.exit_code == exits, result.output
    return result.stdout


def test_a_file_becomes_one_document_and_a_route_table(export: Path, tmp_path: Path) -> None:
    """At 5/25 USD/Mtok, 5m: 21,500 x 6.25 + 10,000 x 0.5 + 300 x 25 = 146,875 millionths; 1h: 11,000 x 10 + 20,500 x
    0.5 + 7,500 = 127,750."""
    routes = tmp_path / "routes.json"
    found = json.loads(run("--trace", str(export), "--at", "2026-04-15", "--json", "--write-routes", str(routes)))
    assert (found["baseline_usd"], found["cost_usd"], found["saving_usd"]) == ("0.146875", "0.12775", "0.019125")
    assert {lever["name"]: lever["saving_usd"] for lever in found["levers"]} == {
        "cache_life": "0.019125",
        "batch": "0",
        "region_scope": "0",
        "model": "0",
        "contract": "0",
        "surface": "0",
    }
    (item,) = found["workloads"]
    assert item["placements"] == [
        {
            "surface": "anthropic",
            "scope": "global",
            "model": "claude-opus-4-6",
            "tier": "standard",
            "cache_life": "1h",
            "percent": 100,
        }
    ]
    assert "price.base.claude-opus-4-6" in item["claims"]
    table = RouteTable.from_json(routes.read_text())
    assert table.version == found["route_table_version"]
    route = table.find("chat", "claude-opus-4-6")
    assert route is not None
    assert [target.weight for target in route.targets] == [100]  # nothing else is open yet to stand in


def test_the_ledger_gives_the_same_plan_as_the_file(export: Path, tmp_path: Path) -> None:
    from trivium.ledger import importers

    with Ledger.open(tmp_path / "ledger.db", clock=ManualClock(START)) as ledger:
        ledger.append(importers.ledger_export.read(export))
    from_file = json.loads(run("--trace", str(export), "--at", "2026-04-15", "--json"))
    from_ledger = json.loads(run("--db", str(tmp_path / "ledger.db"), "--at", "2026-04-15", "--json"))
    assert from_ledger == from_file


def test_the_report_names_levers_quotas_and_claims(export: Path) -> None:
    text = run("--trace", str(export), "--at", "2026-04-15")
    for expected in (
        "cache life",
        "same list price",
        "interactive",
        "Quotas of the plan",
        "price.base.claude-opus-4-6",
    ):
        assert expected in " ".join(text.split())


def test_an_own_price_is_the_contract_lever(export: Path, tmp_path: Path) -> None:
    """Half of every list price on the surface in use: the contract takes half of what the cache life left."""
    overlay = tmp_path / "own"
    overlay.mkdir()
    (overlay / "prices.toml").write_text(CONTRACT)
    found = json.loads(run("--trace", str(export), "--at", "2026-04-15", "--json", "--overlay", str(overlay)))
    steps = {lever["name"]: Money.from_usd(lever["saving_usd"]) for lever in found["levers"]}
    assert steps["contract"] * 2 == Money.from_usd("0.12775")
    assert Money.from_usd(found["cost_usd"]) == steps["contract"]


def test_options_open_and_close_offers(export: Path) -> None:
    base = ("--trace", str(export), "--at", "2026-04-15", "--json")
    moved = json.loads(run(*base, "--surfaces", "bedrock, vertex"))
    assert {p["surface"] for w in moved["workloads"] for p in w["placements"]} <= {"bedrock", "vertex"}
    cheaper = json.loads(run(*base, "--allow-model", "chat=claude-haiku-4-5"))
    assert cheaper["workloads"][0]["placements"][0]["model"] == "claude-haiku-4-5"
    narrow = json.loads(run(*base, "--quota-tier", "anthropic=tier1"))
    assert {f["tier"] for f in narrow["quotas"] if f["enforced"] and f["limit"] is not None} == {"tier1"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--surfaces", "azure"], "surfaces"),
        (["--allow-model", "chat"], "WORKLOAD=VALUE"),
        (["--batchable", "chta"], "use one of chat"),
        (["--quota-tier", "anthropic=gold"], "tiers of anthropic"),
        (["--at", "soon"], "--at"),
        (["--horizon-days", "-1"], "horizon"),
        (["--since", "2026-04-15"], "select in a ledger"),
    ],
)
def test_wrong_input_is_refused_with_its_remedy(export: Path, options: list[str], says: str) -> None:
    with pytest.raises(UserError, match=says):
        run("--trace", str(export), *(options if "--at" in options else ["--at", "2026-04-15", *options]))


def test_a_day_on_which_nothing_is_sold_has_no_answer(export: Path) -> None:
    with pytest.raises(NoPrice, match="no offer meets what chat/claude-opus-4-6 needs"):
        run("--trace", str(export), "--at", "2024-01-01")


def test_what_has_no_place_is_listed_and_ends_with_a_finding(tmp_path: Path) -> None:
    """Opus 4.1 was retired on 2026-08-05: its use has no price after that, the other workload's has."""
    path = tmp_path / "usage.jsonl"
    old = Offer("anthropic", "global", "claude-opus-4-1")
    write_export([turn(0, Usage(input=10), offer=OPUS), turn(1, Usage(input=10), offer=old, workload="old")], path)
    found = json.loads(run("--trace", str(path), "--at", "2026-11-22", "--json", exits=1))
    assert [(item["workload"], item["requests"]) for item in found["unplaced"]] == [("old", 1)]
    assert [item["workload"] for item in found["workloads"]] == ["chat"]
    assert found["baseline_usd"] == "0.00005"  # 10 tokens at 5 USD per million
    assert "Without a place" in run("--trace", str(path), "--at", "2026-11-22", exits=1)


def test_a_route_table_that_refuses_measured_usage_is_not_written_unless_that_is_said(tmp_path: Path) -> None:
    """Opus 4.1 has retired by then: its workload gets no route, and the gateway answers 404 without one."""
    path, routes = tmp_path / "usage.jsonl", tmp_path / "routes.json"
    old = Offer("anthropic", "global", "claude-opus-4-1")
    events = [turn(0, Usage(input=10), offer=OPUS)]
    events += [turn(1 + n, Usage(input=10), offer=old, workload="old") for n in range(2)]
    write_export(events, path)
    words = ("--trace", str(path), "--at", "2026-11-22", "--today", "--write-routes", str(routes))
    with pytest.raises(UserError, match=r"old/claude-opus-4-1 \(2 requests\).*--drop-unrouted") as caught:
        run(*words)
    assert caught.value.field == "--write-routes"
    assert not routes.exists()

    told = " ".join(run(*words, "--drop-unrouted", "--dry-run", exits=1).split())
    assert "refused with 404, and in neither amount: old/claude-opus-4-1 (2 requests)" in told
    assert "answered with 404, for want of a route: old/claude-opus-4-1 (2 requests)" in told
    table = RouteTable.from_json(routes.read_text())
    assert table.find("old", "claude-opus-4-1") is None
    assert table.find("chat", "claude-opus-4-6") is not None

    ran = json.loads(run("--trace", str(path), "--at", "2026-11-22", "--today", "--dry-run", "--json", exits=1))
    assert ran["dry_run"]["refused"] == [{"workload": "old", "model": "claude-opus-4-1", "requests": 2}]
    # the one request of the other: 10 tokens at 5 USD per million
    assert (ran["dry_run"]["requests"], ran["dry_run"]["before_usd"]) == (1, "0.00005")


def test_own_claims_that_the_file_names_count_and_their_end_is_told(export: Path, tmp_path: Path) -> None:
    """[paths] overlays of the organisation file, relative to it; what the end of a quote would change is a note."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own/prices.toml").write_text(CONTRACT.replace("2027-03-01", "2026-09-01"))
    file = tmp_path / "trivium.toml"
    file.write_text('[paths]\noverlays = ["own"]\n\n[organisation]\nname = "Own"\n')
    found = json.loads(run("--trace", str(export), "--at", "2026-04-15", "--json", "--organisation", str(file)))
    assert next(lever for lever in found["levers"] if lever["name"] == "contract")["alone_usd"] == "0.0734375"
    assert any("half on anthropic ends on 2026-09-01" in note for note in found["ahead"]["notes"])


@pytest.mark.parametrize(
    ("option", "name", "remedy"),
    [
        ("--report", "none/x.html", "make the folder"),
        ("--report", "x.docx", "ends in .html or .pdf or .json"),
        ("--report", "folder.html", "this is a folder"),
        ("--calendar", "none/x.ics", "make the folder"),
        ("--sheets", "none/x.md", "make the folder"),
        ("--sheets", "x.txt", "ends in .html or .md"),
        ("--write-routes", "none/x.json", "make the folder"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is_read_and_no_folder_is_made(
    option: str, name: str, remedy: str, tmp_path: Path
) -> None:
    (tmp_path / "folder.html").mkdir()
    target = tmp_path / name
    arguments = ["--trace", str(tmp_path / "there-is-none.csv"), option, str(target)]
    with pytest.raises(UserError) as caught:
        run(*arguments)
    assert (caught.value.field, caught.value.value) == (option, str(target))
    assert remedy in caught.value.remedy
    assert [path.name for path in tmp_path.iterdir()] == ["folder.html"]
