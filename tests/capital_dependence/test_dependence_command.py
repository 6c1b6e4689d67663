"""`trivium capital dependence` on a real ledger and an organisation file: JSON, text, wrong input by name."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from capital_dependence import books
from report.sample import stages as stages_of
from trivium.app.settings import parse_settings
from trivium.cli.capital import app
from trivium.core import Outcome, UserError

ROOT = Path(__file__).parent.parent.parent
FILE = """
[contracts.edp]
kind = "spend-commitment"
surfaces = ["bedrock", "bedrock-mantle"]
status = "signed"
starts = 2026-07-01
term_months = 12
notice_days = 60
commitment_usd_per_year = "3650"

[contracts.offer]
kind = "spend-commitment"
surfaces = ["vertex"]
commitment_usd_per_year = "100"

[capital]
failover_days = 30

[capital.exit.bedrock]
prepaid_usd = "100"
migration_months = 3
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """24 days: search spent 6 x 5 on Bedrock and 1 x 5 on Vertex after a failure, chat 3 x 5 on Vertex."""
    books.filled(
        tmp_path,
        [
            *books.repeated("search", "bedrock", 6),
            *books.repeated("chat", "vertex", 3),
            books.attempt("r1-1", "search", "bedrock", 7, outcome=Outcome.FAILED, request="r1"),
            books.attempt("r1-2", "search", "vertex", 7, request="r1", number=2),
        ],
    )
    (tmp_path / "trivium.toml").write_text(FILE)
    return tmp_path


def _run(folder: Path, *arguments: str) -> Result:
    stated = ["--db", str(folder / "ledger.db"), "--file", str(folder / "trivium.toml"), "--until", "2026-11-25"]
    return CliRunner().invoke(app, ["dependence", *stated, *arguments], env={"COLUMNS": "200"})


def _json(folder: Path, *arguments: str) -> dict[str, Any]:
    done = _run(folder, *arguments, "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_concentration_is_of_the_ledger_s_exact_money(folder: Path) -> None:
    """Bedrock 30, Vertex 5 + 15 = 20, of 50: 60^2 + 40^2 = 5,200; one maker: 10,000; tied by stakes: 10,000."""
    found = _json(folder)
    assert found["total_usd"] == "50"
    by = {one["by"]: one for one in found["concentration"]}
    assert by["operator"]["hhi"] == {"low": "5200", "high": "5200"}
    assert by["operator"]["shares"][0] == {"name": "Amazon", "usd": "30", "share": "0.6"}
    assert by["model_maker"]["hhi"]["low"] == "10000"
    assert by["silicon"]["not_stated"] == {"usd": "50", "share": "1"}
    tied = {one["by"]: one for one in found["connected"]["concentration"]}
    assert tied["operator"]["hhi"]["low"] == "10000"
    assert "D034" in {one["deal"] for one in found["connected"]["stakes"]}


def test_what_goes_on_is_what_was_measured(folder: Path) -> None:
    """Without Google: 30 unaffected, 5 of search measured on Bedrock, 15 of chat never ran elsewhere: 35 of 50."""
    found = {one.get("party", one.get("surface")): one for one in _json(folder)["continuity"]}
    google = found["Google"]
    assert google["spend_share"] == "0.7"
    assert google["spend_usd"] == {"does not depend on it": "30", "measured": "5", "not shown": "15"}
    assert google["workloads"] == {"chat": "not shown", "search": "goes on"}
    assert google["workload_share"] == "0.5"
    assert found["Anthropic"]["spend_share"] == "0"
    assert found["bedrock"]["spend_share"] == "1"
    (part,) = [part for part in found["bedrock"]["parts"] if part["surface"] == "bedrock"]
    assert [(one["how"], one["count"], one["last_on"]) for one in part["evidence"]] == [
        ("answered elsewhere", 1, "2026-11-08"),
        ("failover", 1, "2026-11-08"),
    ]


def test_evidence_grows_old(folder: Path) -> None:
    """The answer on Vertex was on 2026-11-08, 17 days before 2026-11-25."""
    assert _json(folder, "--surface", "bedrock", "--within-days", "17")["continuity"][0]["spend_share"] == "1"
    assert _json(folder, "--surface", "bedrock", "--within-days", "16")["continuity"][0]["spend_share"] == "0.4"


def test_an_exit_joins_the_contract_and_what_the_file_states(folder: Path) -> None:
    """From 2026-11-25 to 2027-07-01 are 218 days: 3,650 x 218 / 365 = 2,180 remain; 30 USD in 24 days are 1.25 a day.

    Stressed 2,180 + 100 prepaid. Planned: 3 months are 91.25 days, 2,180 - 1.25 x 91.25 = 2,065.9375, and no credit
    is left. Staying: 2,180 - 1.25 x 218 = 1,907.5.
    """
    exits = {one["surface"]: one for one in _json(folder)["exits"]}
    bedrock = exits["bedrock"]
    assert bedrock["spend_usd_per_day"] == "1.25"
    assert bedrock["remaining_usd"] == "2180"
    assert bedrock["planned"]["stranded_usd"] == "2065.9375"
    assert bedrock["stressed"]["stranded_usd"] == "2280"
    assert bedrock["planned"]["migration_from"] == "stated"
    (edp,) = bedrock["commitments"]
    assert edp["stranded_usd"]["staying"] == "1907.5"
    assert (edp["ends"], edp["notice_by"]) == ("2027-07-01", "2027-05-02")
    assert exits["vertex"]["commitments"] == []  # an offer binds to nothing
    assert exits["vertex"]["planned"]["migration_months"] is None


def test_each_reading_names_the_clauses_it_supports(folder: Path) -> None:
    clauses = _json(folder)["clauses"]
    assert {name for name, found in clauses.items() if found} == {
        "look-through",
        "concentration",
        "connected",
        "continuity",
        "exit",
        "commitments",
    }
    named = {one["supports"] for found in clauses.values() for one in found}
    for clause in (
        "Art. 28(3)",
        "Art. 28(8)",
        "Art. 29(1)",
        "Art. 29(2)",
        "88 FR 37920",
        "SS2/21 ch. 10",
        "GOVERN 6.2",
    ):
        assert any(clause in name for name in named), clause


def test_nothing_here_claims_that_a_clause_is_met(folder: Path) -> None:
    """A reading supports a clause: in the output, the code, the data and the page."""
    claims = re.compile(
        r"compliant|compliance(?!\.)|\bcompl(?:y|ies|ied)\b|satisf(?:y|ies|ied)|fulfils?", re.IGNORECASE
    )
    texts = {"output": _run(folder).output, "json": json.dumps(_json(folder))}
    room = ROOT / "src/trivium"
    for path in [
        *(room / "capital/dependence").glob("*.py"),
        *(room / "capital/checkpoints").glob("*.py"),
        *(room / "cli/capital").glob("*.py"),
        room / "catalog/claims/clauses.csv",
        *(ROOT / "docs").glob("capital-*.md"),
    ]:
        texts[path.name] = path.read_text()
    assert len(texts) > 10
    assert {name: found[0] for name, text in texts.items() if (found := claims.search(text))} == {}


def test_text_says_what_is_not_known_and_what_supports_what(folder: Path) -> None:
    text = _run(folder).output
    assert "50.00 USD from the first attempt" in text
    assert "0 to 10,000" in text
    assert "D036, announced; not counted" in text
    assert "capital.exit.vertex.migration_months" in text
    assert "continuity supports DORA (EU) 2022/2554 Art. 28(8)" in text
    asked = _run(folder, "--party", "amazon").output
    assert "1 failover by vertex, last on 2026-11-08" in asked


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (["--party", "Nobody"], "--party"),
        (["--surface", "foundry"], "--surface"),
        (["--within-days", "0"], "--within-days"),
        (["--since", "2026-11-25"], "--until"),
        (["--since", "soon"], "--since"),
    ],
)
def test_wrong_options_are_named(folder: Path, arguments: list[str], field: str) -> None:
    error = _run(folder, *arguments).exception
    assert isinstance(error, UserError)
    assert error.field == field


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("capital = 1", "capital"),
        ("[capital]\nfailover_day = 3", "capital.failover_day"),
        ("[capital]\nfailover_days = 0", "capital.failover_days"),
        ("[capital]\nevidence_days = 'soon'", "capital.evidence_days"),
        ("[capital.exit.azure]\nprepaid_usd = '1'", "capital.exit.azure"),
        ("[capital.exit.bedrock]\nprepaid_usd = '-1'", "capital.exit.bedrock.prepaid_usd"),
        ("[capital.exit.bedrock]\nprepaid_usd = 'much'", "capital.exit.bedrock.prepaid_usd"),
        ("[capital.exit.bedrock]\nmigration_months = -1", "capital.exit.bedrock.migration_months"),
        ("[capital.exit.bedrock]\nmonths = 1", "capital.exit.bedrock.months"),
    ],
)
def test_what_the_file_says_wrongly_is_named(folder: Path, text: str, field: str) -> None:
    (folder / "trivium.toml").write_text(text)
    error = _run(folder).exception
    assert isinstance(error, UserError), error
    assert error.field == field


def _plan(folder: Path) -> Path:
    """Search moves in the seventh month: Bedrock 100, then Bedrock 60 and Vertex 40 a month."""
    from report.sample import sample
    from trivium.plan.report import decision_json

    decision = sample(12, ("search",))
    search = decision.workloads[0]
    amounts = (100.0, 60.0, 40.0)
    stages = tuple(
        replace(stage, usd_per_month=usd)
        for stage, usd in zip(stages_of("search", 12, split=True), amounts, strict=True)
    )
    path = folder / "plan.json"
    path.write_text(json.dumps(decision_json(replace(decision, workloads=(replace(search, stages=stages),)))))
    return path


def test_a_plan_s_placement_is_concentrated_too(folder: Path) -> None:
    """First month: Amazon alone, 10,000. Last: 60^2 + 40^2 = 5,200."""
    first, last = _json(folder, "--plan", str(_plan(folder)))["planned"]
    by_role = [{one["by"]: one["hhi"]["low"] for one in month["concentration"]} for month in (first, last)]
    assert [found["operator"] for found in by_role] == ["10000", "5200"]
    assert (first["untold_stages"], last["untold_stages"]) == (0, 0)
    assert "As planned, in the month of" in _run(folder, "--plan", str(_plan(folder))).output


def test_a_file_that_is_no_plan_is_named(folder: Path) -> None:
    error = _run(folder, "--plan", str(folder / "trivium.toml")).exception
    assert isinstance(error, UserError)
    assert error.field == "plan"


def test_a_narrow_terminal_cuts_no_name(folder: Path) -> None:
    stated = ["--db", str(folder / "ledger.db"), "--file", str(folder / "trivium.toml"), "--until", "2026-11-25"]
    text = CliRunner().invoke(app, ["dependence", *stated], env={"COLUMNS": "80"}).output
    assert "operator: Amazon 60.0 %, Google 40.0 %; not stated 0.0 %; HHI 5,200, effective number 1.92" in text
    assert "\u2026" not in text


def test_the_gateway_leaves_the_table_alone() -> None:
    credential = {"kind": "api-key", "env": "KEY"}
    raw: dict[str, object] = {"surfaces": {"anthropic": {"credential": credential}}, "capital": {"owner": "risk"}}
    assert parse_settings(raw).capital == {"owner": "risk"}


def test_an_empty_span_has_no_shares(folder: Path) -> None:
    found = _json(folder, "--since", "2026-11-20")
    assert (found["total_usd"], found["continuity"]) == ("0", [])
    assert found["concentration"][0]["effective_number"] == {"low": None, "high": None}
