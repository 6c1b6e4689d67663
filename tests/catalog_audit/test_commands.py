"""`trivium facts audit` and `trivium facts propose`: exit codes, what programs read, what people see."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from trivium.cli.facts import app
from trivium.core import UserError

RUNNER = CliRunner()
DATA = Path(__file__).parent / "data"
DAY = ("--as-of", "2026-11-22")


def run(*arguments: str, code: int) -> str:
    done = RUNNER.invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output


def read(*arguments: str, code: int) -> Any:
    return json.loads(run(*arguments, "--json", code=code))


def test_an_audit_with_findings_exits_1_and_gives_money_as_strings() -> None:
    told = read("audit", str(DATA / "litellm.json"), *DAY, code=1)
    assert (told["format"], told["at"], told["entries"], told["compared"], told["equal"]) == (
        "litellm",
        "2026-11-22",
        12,
        11,
        5,
    )
    assert told["classes"] == {"C01": 4, "C06": 2, "C12": 1}
    assert told["not_compared"] == {"openrouter": 1}
    first = next(one for one in told["findings"] if one["unit"] == "input" and one["class_id"] == "C01")
    assert (first["expected_usd"], first["observed_usd"], first["ratio"]) == ("5.5", "5", "0.909")
    assert first["claim_ids"][0] == "price.base.claude-opus-5"


def test_an_audit_without_findings_exits_0(tmp_path: Path) -> None:
    table = tmp_path / "prices.csv"
    table.write_text("surface,model,input,output\nanthropic,claude-opus-5,5,25\n")
    assert "2 compared, 2 equal, 0 findings" in run("audit", str(table), *DAY, code=0)


def test_gaps_are_shown_when_asked_for(tmp_path: Path) -> None:
    table = tmp_path / "prices.csv"
    table.write_text("surface,model,input,output\nanthropic,claude-opus-5,5,25\n")
    assert "C04    anthropic/global/claude-opus-5/standard" not in run("audit", str(table), *DAY, code=0)
    assert "C04    anthropic/global/claude-opus-5/standard" in run("audit", str(table), "--gaps", *DAY, code=0)


def test_the_day_is_the_newest_in_the_table_unless_given(tmp_path: Path) -> None:
    row = {"id": "claude-opus-5", "vendor": "anthropic", "input": 5, "output": 25}
    table = tmp_path / "current-v1.json"
    table.write_text(json.dumps({"updated_at": "2026-08-05", "prices": [row]}))
    assert read("audit", str(table), *DAY, code=0)["at"] == "2026-08-05"
    assert read("audit", str(table), "--at", "2026-09-01", *DAY, code=0)["at"] == "2026-09-01"


def test_an_organisations_own_price_is_what_a_table_is_held_against(tmp_path: Path) -> None:
    """A contract of 0.8 of list: 0.8 x 5 = 4."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "prices.toml").write_text(
        '[sources.deal]\ntitle = "Contract"\n'
        '[[contract]]\nid = "deal"\nsurface = "anthropic"\nfactor = "0.8"\nstatus = "contracted"\nsources = ["deal"]\n'
    )
    table = tmp_path / "theirs.csv"
    table.write_text("surface,model,input\nanthropic,claude-opus-5,5\n")
    (finding,) = read("audit", str(table), "--overlay", str(own), *DAY, code=1)["findings"]
    assert (finding["expected_usd"], finding["status"]) == ("4", "contracted")


def test_a_proposal_is_written_where_asked_and_told_to_programs(tmp_path: Path) -> None:
    out = tmp_path / "proposals"
    page = str(DATA / "pricing.html")
    told = read("propose", page, "--seen", "2026-11-22", "--out", str(out), *DAY, code=0)
    assert told["counts"] == {"conflict": 0, "changed": 8, "new": 5, "same": 12}
    assert (told["source"]["status"], told["valid_from"]) == ("documented", "2026-11-20")
    assert [Path(told[name]).name for name in ("rules", "review")] == [
        "pricing-2026-11-22.toml",
        "pricing-2026-11-22.md",
    ]
    assert "5 -> 4.50" in run("propose", page, "--seen", "2026-11-22", "--out", str(out), *DAY, code=0)


@pytest.mark.parametrize(
    ("option", "value", "remedy"),
    [("--per", "byte", "use one of mtok"), ("--status", "sure", "use one of"), ("--date", "soon", "give a date")],
)
def test_a_wrong_option_is_named_with_the_remedy(option: str, value: str, remedy: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=remedy):
        run("propose", str(DATA / "pricing.html"), option, value, "--out", str(tmp_path), code=0)
    assert list(tmp_path.iterdir()) == []
