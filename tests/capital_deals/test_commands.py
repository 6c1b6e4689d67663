"""The commands on deals: text for people, JSON for programs, exit codes that mean something."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trivium.cli.capital import app
from trivium.core import NoClaim, UserError

NOW = ["--as-of", "2026-11-25"]
FIRST = ["--as-of", "2026-06-28", "--entered-by", "2026-06-28"]


def _run(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})
    assert done.exit_code == code, done.output
    return done.output


def _refused(*arguments: str) -> BaseException:
    error = CliRunner().invoke(app, list(arguments)).exception
    assert error is not None
    return error


def test_deals_lists_status_sources_and_grade() -> None:
    text = _run("deals", *NOW, "--party", "cerebras")
    assert "3 deals as of 2026-11-25" in text
    assert "at least 20" in text
    assert "no probability of default" in text
    assert 'D003: the Azure purchase of OpenAI runs "through 2032"' in _run("deals", *NOW)
    assert "now D103" in _run("deals", *NOW)


def test_a_narrow_terminal_leaves_columns_out_and_cuts_no_line() -> None:
    done = CliRunner().invoke(app, ["deals", *NOW, "--kind", "guarantee"], env={"COLUMNS": "80"})
    table = done.output.split("\n\n")[0].splitlines()
    assert max(map(len, table)) <= 80
    assert "announced" not in table[1]


def test_deals_as_json_holds_every_deal_and_filters_by_party_and_kind() -> None:
    found = json.loads(_run("deals", *NOW, "--json"))
    assert len(found["deals"]) == 101
    assert found["not_read"] == []
    guarantees = json.loads(_run("deals", *NOW, "--kind", "guarantee", "--party", "Google", "--json"))["deals"]
    assert [deal["id"] for deal in guarantees] == ["D051", "D052", "D098"]
    assert guarantees[0]["amount_usd"] == {
        "low": "0",
        "point": "7000000000",
        "high": "7000000000",
        "words": "about",
        "per": "",
    }


def test_deals_of_a_party_add_up_what_it_owes_with_the_sum() -> None:
    assert (
        "Anthropic, bn USD: committed 30 + 100 + 200 + 45 = 375; contracted 30 + 100 + 45 = 175; "
        "firm 30 + 100 + 3.75 = 133.75; not known: D042, D046, D049"
    ) in _run("deals", *FIRST, "--party", "Anthropic")
    found = json.loads(_run("deals", *FIRST, "--party", "Anthropic", "--json"))["commitments"]
    assert [(one["party"], one["firm_usd"]) for one in found] == [("Anthropic", "133750000000")]


def test_a_row_that_cannot_be_read_is_named_and_ends_with_1(tmp_path: Path) -> None:
    (tmp_path / "deals.csv").write_text(
        "id,subject,predicate,value,unit,status,source\ndeal.OWN,Nobody,commit:cloud,1,USD,contracted,Ours\n"
    )
    text = _run("deals", *NOW, "--overlay", str(tmp_path), code=1)
    assert "not read: deal.OWN: the subject 'Nobody' does not name two parties as `A -> B`" in text


def test_a_deal_shows_versions_sources_assumptions_and_what_contradicts() -> None:
    text = _run("deal", "D030", *NOW)
    for part in (
        "versions:",
        "assumed, because no source gives it:",
        "what contradicts:",
        "sources (4):",
        "250 / 30 = 8.33",
    ):
        assert part in text
    found = json.loads(_run("deal", "D003", *NOW, "--json"))
    assert "term.conflict.azure-2032" in {one["id"] for one in found["contradictions"]}
    assert [one["sum"] for one in found["figures"] if one["result"] == "8.33"] == ["250 / 30"]


def test_flow_as_json_gives_the_figures_of_the_first_edition() -> None:
    found = json.loads(_run("flow", *FIRST, "--json"))
    assert found["circulation"] == {
        "total_usd": 1_766_000_000_000,
        "circulating_usd": 410_600_000_000,
        "invested_usd": 225_900_000_000,
        "returned_usd_max": 184_800_000_000,
        "into_model_makers_usd": 214_800_000_000,
        "model_makers_returned_usd_max": 184_800_000_000,
        "counted_twice_usd": 45_000_000_000,
        "rounded_to_usd": 1,
    }
    assert len(found["cycles"]) == 10
    assert {one["ratio"] for one in found["round_trips"]} == {"0.33", "0.215", "0.166667", "0.362319", "0.0552"}


def test_flow_shows_an_earlier_ledger_beside_and_what_it_rests_on() -> None:
    text = _run("flow", *NOW, "--beside", "2026-06-28", "--null", "5")
    assert "0.000 to 0.643" in text
    assert "ratio 2026-06-28" in text
    assert "schedules, starts and terms are assumed" in text
    assert "5 have as many" in text or "of 5 have as many" in text
    assert "no probability of default" in text
    both = json.loads(_run("flow", *NOW, "--beside", "2026-06-28", "--json"))
    assert {"D009", "D032"} <= set(both["beside"]["gone"])
    assert {"D103", "D108", "D106"} <= set(both["beside"]["new"])
    assert both["beside"]["circulation"]["total_usd"] == 1_766_000_000_000


def test_flow_of_a_year_and_at_present_value() -> None:
    found = json.loads(_run("flow", *FIRST, "--year", "2027", "--present-value", "0.08", "--json"))
    assert found["present_value_rate"] == "0.08"
    assert found["circulation"]["rounded_to_usd"] == 1_000_000
    assert "whole multiples of 1,000,000 USD" in _run("flow", *FIRST, "--year", "2027", "--present-value", "0.08")
    assert found["years"] == []
    google = next(edge for edge in found["edges"] if edge["claim"] == "deal.D043")
    assert 36_900_000_000 < google["usd"] < 37_100_000_000  # 40 bn, 368 days ahead at 8 %


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (["deals", "--party", "Nobody"], "--party"),
        (["deals", "--kind", "gift"], "--kind"),
        (["deals", "--as-of", "yesterday"], "--as-of"),
        (["flow", "--present-value", "eight"], "--present-value"),
        (["flow", "--year", "27"], "--year"),
        (["flow", "--null", "0"], "--null"),
    ],
)
def test_wrong_input_is_refused_by_name(arguments: list[str], field: str) -> None:
    error = _refused(*arguments)
    assert isinstance(error, UserError)
    assert error.field == field


def test_a_deal_that_is_not_there_is_no_answer() -> None:
    assert isinstance(_refused("deal", "D999"), NoClaim)
    assert isinstance(_refused("deal", "D006", "--as-of", "2026-01-01"), NoClaim)
