"""Indicators of the parties: every figure with its grade, what loses to what, and how old it is."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trivium import catalog
from trivium.capital.indicators import STALE, Indicator, read_indicators
from trivium.cli.capital import app
from trivium.core import UserError

DAY = date(2026, 11, 25)
SNAPSHOT = catalog.load().snapshot(DAY)


def _by_id(day: date = DAY, days_max: int = 180) -> dict[str, Indicator]:
    found = read_indicators(catalog.load().snapshot(day), day, evidence_days_max=days_max)
    return {one.claim.id.removeprefix("indicator."): one for one in found}


def test_the_121_billion_are_bank_of_america_s_and_the_other_attribution_is_kept_as_the_loser() -> None:
    found = _by_id()
    winner, loser = found["hyperscalers.debt.of-bofa"], found["hyperscalers.debt.of-goldman"]
    assert (winner.claim.value, winner.loses_to) == ("Bank of America", "")
    assert (loser.claim.value, loser.loses_to) == ("Goldman Sachs", "indicator.hyperscalers.debt.of-bofa")
    assert loser.why == "reported stands above unconfirmed"
    assert found["hyperscalers.debt"].claim.number == 121 * 10**9


def test_the_figures_of_the_parties_are_there_with_their_grades() -> None:
    found = {name: (one.claim.value, one.claim.status) for name, one in _by_id().items()}
    assert found["microsoft.backlog-share.openai"] == ("45", "reported")
    assert found["microsoft.backlog.2025-12"] == (str(625 * 10**9), "reported")
    assert found["oracle.backlog.2026-05"] == (str(638 * 10**9), "documented")
    assert found["oracle.free-cash-flow.fy2026"] == (str(-237 * 10**8), "documented")
    assert found["coreweave.revenue-share.microsoft.2025"] == ("67", "reported")
    assert found["google.backlog-share.anthropic"] == ("40", "unconfirmed")
    assert found["google.backlog.2026-03"] == (str(460 * 10**9), "reported")
    assert found["bis.remark"][1] == "reported"
    assert found["fpc.remark"][1] == "unconfirmed"


def test_a_claim_without_an_address_is_never_graded_above_unconfirmed() -> None:
    bare = [one.claim for one in _by_id().values() if not any(source.address for source in one.claim.sources)]
    assert bare
    assert {claim.status for claim in bare} == {"unconfirmed"}


def test_evidence_above_the_set_age_reads_stale() -> None:
    """From 2026-06-10 to 2026-11-25 are 20 + 31 + 31 + 30 + 31 + 25 = 168 days."""
    oracle = "oracle.backlog.2026-05"
    assert (_by_id()[oracle].age_days, _by_id()[oracle].verdict) == (168, "stands")
    assert _by_id(days_max=168)[oracle].verdict == "stands"
    assert _by_id(days_max=167)[oracle].verdict == STALE
    assert _by_id()["hyperscalers.debt.of-goldman"].verdict == f"loses; {STALE}"


def test_what_was_announced_later_is_not_known_yet() -> None:
    assert "oracle.backlog.2026-05" not in _by_id(date(2026, 6, 9))
    assert "oracle.backlog.2026-05" in _by_id(date(2026, 6, 10))


def test_later_readings_of_one_measure_are_no_contradiction() -> None:
    """Each backlog holds until the next one; only what two pages say of the same days is a conflict."""
    assert {name for name, one in _by_id().items() if one.loses_to} == {
        "hyperscalers.debt.of-goldman",
        "hyperscalers.debt.period-past-year",
    }
    assert not [name for name, one in _by_id().items() if one.tied]


def test_an_own_claim_stands_above_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "indicators.csv").write_text(
        "id,subject,predicate,value,status,from,announced,source\n"
        "ours.debt,Hyperscalers (5),debt_figure_by,our desk,reported,2025-11-17,2026-11-01,note of the desk\n"
        "ours.tie,Hyperscalers (5),debt_figure_by,another desk,reported,2025-11-17,2026-11-01,note of another desk\n"
    )
    snapshot = catalog.load((tmp_path,)).snapshot(DAY)
    found = {one.claim.id: one for one in read_indicators(snapshot, DAY, party="hyperscalers (5)")}
    assert found["ours.debt"].verdict == found["ours.tie"].verdict == "undecided"
    assert found["ours.tie"].why == "nothing decides between them"


def test_the_command_shows_the_conflict_and_its_winner() -> None:
    done = CliRunner().invoke(
        app, ["indicators", "--as-of", "2026-11-25", "--party", "Hyperscalers (5)"], env={"COLUMNS": "200"}
    )
    assert done.exit_code == 0, done.output
    assert "indicator.hyperscalers.debt.of-goldman: loses to indicator.hyperscalers.debt.of-bofa" in done.output
    assert "121 bn USD" in done.output
    text = CliRunner().invoke(app, ["indicators", "--as-of", "2026-11-25", "--party", "oracle", "--json"]).output
    rows = {row["claim"]: row for row in json.loads(text)["indicators"]}
    assert {row["party"] for row in rows.values()} == {"Oracle"}
    assert rows["indicator.oracle.free-cash-flow.fy2026"]["value"] == "-23700000000"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (["--party", "Nobody"], "--party"),
        (["--evidence-days", "0"], "--evidence-days"),
        (["--as-of", "soon"], "--as-of"),
    ],
)
def test_wrong_input_is_named(arguments: list[str], field: str) -> None:
    error = CliRunner().invoke(app, ["indicators", *arguments]).exception
    assert isinstance(error, UserError)
    assert error.field == field
