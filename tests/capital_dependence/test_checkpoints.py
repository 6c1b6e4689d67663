"""Days to look again, from deals, filings, options, models, own contracts; the calendar; and the command."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from icalendar import Calendar
from typer.testing import CliRunner

from capital_dependence import books
from trivium import catalog
from trivium.capital.checkpoints import OwnDay, Sight, checkpoints, move_days, read_triggers, triggers_of
from trivium.capital.deals import read_deals
from trivium.capital.own import read_own
from trivium.cli.capital import app
from trivium.core import Checkpoint, UserError

NOV = date(2026, 11, 25)
SNAPSHOT = catalog.load().snapshot(NOV)
LEDGER = read_deals(SNAPSHOT)
YEARS = 12 * 366
FILE = """
[organisation]
name = "Northwind"

[contracts.edp]
kind = "spend-commitment"
surfaces = ["bedrock"]
status = "signed"
starts = 2026-07-01
term_months = 12
notice_days = 60
commitment_usd_per_year = "3650"

[capital]
owner = "risk"

[capital.exit.bedrock]
migration_months = 3
"""


def _sight(*parties: str, used: tuple[tuple[str, str], ...] | None = None) -> Sight:
    return Sight(SNAPSHOT, LEDGER, NOV, parties, ("Anthropic",), used, read_own({}))


def _days(*parties: str, within: int = YEARS) -> dict[tuple[date, str], Checkpoint]:
    """By day and deal, or claim."""
    return {(one.due, one.claim_ids[0]): one for one in checkpoints(_sight(*parties), within)}


def test_the_known_days_of_deals_come_out() -> None:
    found = _days("Anthropic", "OpenAI", "Google", "Amazon", "Oracle", "CoreWeave", "Microsoft")
    for due, claim in [
        (date(2027, 1, 1), "deal.D043"),  # Google's payments begin
        (date(2027, 1, 1), "deal.D014"),  # Oracle's begin
        (date(2028, 12, 31), "deal.D020"),  # Cerebras
        (date(2029, 5, 31), "deal.D045"),  # SpaceX
        (date(2030, 12, 31), "deal.D106"),  # OpenAI's share of revenue
        (date(2031, 12, 31), "deal.D043"),
        (date(2031, 12, 31), "deal.D014"),
        (date(2031, 12, 31), "deal.D016"),
        (date(2032, 12, 31), "date.microsoft-openai.licence"),
        (date(2034, 2, 27), "deal.D013"),
        (date(2036, 4, 20), "deal.D037"),
    ]:
        assert (due, claim) in found, (due, claim)
    assert found[date(2028, 12, 31), "deal.D103"].reason.startswith("the last day of its condition (D103, invest")
    assert found[date(2030, 12, 31), "date.openai-cerebras.option"].subject == "OpenAI to Cerebras"


def test_a_notice_names_the_day_from_which_it_changes_nothing() -> None:
    """90 days before 2029-05-31."""
    found = _days("Anthropic")[date(2029, 5, 31) - timedelta(days=90), "deal.D045"]
    assert "a notice of 90 days" in found.reason
    assert any("notice" in name for name in found.claim_ids[1:])


def test_every_day_names_its_claims_and_lies_in_the_window() -> None:
    found = checkpoints(_sight("Anthropic", "Oracle"), 365)
    assert found
    for one in found:
        assert NOV <= one.due <= NOV + timedelta(days=365)
        assert one.claim_ids
        for name in one.claim_ids:
            SNAPSHOT.claim(name)
    assert list(found) == sorted(found)


def test_filings_come_four_times_a_year() -> None:
    found = [one for one in checkpoints(_sight("Oracle"), 365) if one.claim_ids == ("date.oracle.filings",)]
    assert [one.due for one in found] == [
        date(2026, 12, 15),
        date(2027, 3, 15),
        date(2027, 6, 15),
        date(2027, 9, 15),
    ]


def test_superseded_deals_give_no_days() -> None:
    """D036's row is current; D009 was replaced by D103."""
    assert not [one for one in _days("OpenAI").values() if "deal.D009" in one.claim_ids]


def test_a_model_in_use_ends_on_its_day() -> None:
    sight = _sight("Anthropic", used=(("anthropic", "claude-sonnet-4-5"),))
    (found,) = [one for one in checkpoints(sight, 30) if one.subject == "claude-sonnet-4-5 on anthropic"]
    assert (found.due, found.claim_ids) == (date(2026, 11, 30), ("cap.anthropic.claude-sonnet-4-5.retirement",))


def test_a_move_begins_so_long_before_the_notice_as_it_takes() -> None:
    """Notice by 2027-05-02, 91 days: 2027-01-31. One that is past stands on the day itself."""
    own = move_days("edp", ("bedrock",), date(2027, 5, 2), 91, date(2027, 7, 1))
    assert own.due == date(2027, 1, 31)
    past = OwnDay(date(2026, 11, 1), "old", "begin to move")
    found = {one.subject: one for one in checkpoints(_sight(), 365, (), (own, past))}
    assert found["contract edp"].due == date(2027, 1, 31)
    assert "notice is due by 2027-05-02" in found["contract edp"].reason
    assert found["contract old"].due == NOV


def test_a_fired_trigger_stands_on_the_day_and_young_evidence_gives_a_day_to_re_check() -> None:
    """Oracle's backlog share was announced on 2026-06-10: its evidence is stale from 181 days later on."""
    sight = _sight("Microsoft", "Oracle")
    readings = read_triggers(sight, triggers_of(sight.own))
    found = {(one.due, one.subject): one for one in checkpoints(sight, 365, readings)}
    fired = found[NOV, "trigger one-buyer: Microsoft"]
    assert "stale: re-check" in fired.reason
    assert fired.claim_ids == ("indicator.microsoft.backlog-share.openai",)
    re_check = found[date(2026, 6, 10) + timedelta(days=181), "trigger one-buyer: Oracle"]
    assert re_check.reason == "its evidence becomes stale: re-check"


def test_a_malformed_day_is_named(tmp_path: Path) -> None:
    (tmp_path / "capital_dates.csv").write_text(
        "id,subject,predicate,value,status,source\nours.files,Oracle,files_quarterly,13-40,reported,our note\n"
    )
    snapshot = catalog.load((tmp_path,)).snapshot(NOV)
    sight = Sight(snapshot, read_deals(snapshot), NOV, ("Oracle",), (), None, read_own({}))
    with pytest.raises(UserError, match=r"ours\.files"):
        checkpoints(sight, 30)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    books.filled(tmp_path, books.repeated("search", "bedrock", 3))
    (tmp_path / "trivium.toml").write_text(FILE)
    return tmp_path


def _run(folder: Path, *arguments: str, code: int | None = None) -> Result:
    stated = ["--db", str(folder / "ledger.db"), "--file", str(folder / "trivium.toml"), "--as-of", "2026-11-25"]
    done = CliRunner().invoke(app, ["checkpoints", *stated, *arguments], env={"COLUMNS": "220"})
    assert code is None or done.exit_code == code, done.output
    return done


def _json(folder: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_run(folder, *arguments, "--json", code=code).stdout)
    return found


def test_the_parties_are_those_behind_the_surfaces_in_use(folder: Path) -> None:
    """Bedrock has Anthropic and Amazon behind it: nothing of Microsoft fires, and the exit code is 0."""
    found = _json(folder)
    assert found["parties"] == ["Anthropic", "Amazon"]
    assert found["fired"] == 0
    assert found["clauses"][0]["supports"].startswith("DORA")


def test_a_fired_trigger_ends_with_1_and_a_threshold_changes_it(folder: Path) -> None:
    found = _json(folder, "--party", "microsoft", code=1)
    assert found["fired"] == 1
    assert _json(folder, "--party", "microsoft", "--threshold", "one-buyer=45")["fired"] == 0
    claim = found["claims"]["indicator.microsoft.backlog-share.openai"]
    assert claim["grade"] == "reported"
    assert claim["sources"][0]["address"].startswith("https://")


def test_the_organisation_s_contracts_stand_in_the_same_list(folder: Path) -> None:
    days = {one["due"]: one for one in _json(folder)["checkpoints"] if one["subject"] == "contract edp"}
    assert set(days) == {"2027-01-31", "2027-05-02", "2027-07-01"}
    assert days["2027-05-02"]["reason"].startswith("last day to give notice, 60 days before 2027-07-01")


def test_the_calendar_holds_every_day_and_the_plan_s_own_keep_their_identity(folder: Path) -> None:
    """An event of a contract has the UID that the plan's calendar gives it, so a calendar shows it once."""
    from trivium.plan.report import CalendarOf, checkpoints_ics

    first, second = folder / "one.ics", folder / "two.ics"
    found = _json(folder, "--ics", str(first))
    _run(folder, "--ics", str(second))
    assert first.read_bytes() == second.read_bytes()
    events = list(Calendar.from_ical(first.read_bytes()).walk("VEVENT"))
    assert [event["dtstart"].dt.isoformat() for event in events] == [one["due"] for one in found["checkpoints"]]
    assert "Rests on: " in str(events[-1]["description"]) or events[-1]["summary"].startswith("contract")
    reason = "last day to give notice, 60 days before 2027-07-01, when it ends"
    plans = checkpoints_ics(
        (Checkpoint(date(2027, 5, 2), "contract edp", reason),), CalendarOf("Northwind", NOV, SNAPSHOT.digest)
    )
    (planned,) = Calendar.from_ical(plans).walk("VEVENT")
    assert str(planned["uid"]) in {str(event["uid"]) for event in events}


def test_text_names_what_is_missing_and_who_owns_a_trigger(folder: Path) -> None:
    text = _run(folder, "--party", "Microsoft", code=1).output
    assert "1 fired" in text
    assert "missing for run-rate-cone: a scenario: --growth and --spread" in text
    assert "risk" in text
    assert "then treat the platform and that buyer as one risk [indicator.microsoft.backlog-share.openai]" in text
    assert "no probability of default" in text


def test_a_scenario_is_the_reader_s(folder: Path) -> None:
    rows = _json(folder, "--growth", "100", "--spread", "0", code=1)["triggers"]
    assert {row["trigger"]: row["state"] for row in rows if row["trigger"] == "run-rate-cone"} == {
        "run-rate-cone": "fired"
    }


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (["--within", "0"], "--within"),
        (["--party", "Nobody"], "--party"),
        (["--threshold", "one-buyer"], "--threshold"),
        (["--threshold", "one-buyer=much"], "--threshold"),
        (["--threshold", "one-byer=3"], "--threshold"),
        (["--threshold", "one-buyer=-3"], "--threshold"),
        (["--growth", "2"], "--spread"),
        (["--spread", "0.5"], "--growth"),
        (["--threshold", "cover-years=1e999999"], "--threshold"),
        (["--growth", "-1", "--spread", "0.5"], "--growth"),
        (["--growth", "nan", "--spread", "0.5"], "--growth"),
        (["--growth", "1e300", "--spread", "0.5"], "--growth"),
        (["--growth", "2", "--spread", "11"], "--spread"),
        (["--cone-from", "2026-05-01"], "--cone-from"),
        (["--ics", "days.txt"], "--ics"),
        (["--as-of", "soon"], "--as-of"),
    ],
)
def test_wrong_options_are_named(folder: Path, arguments: list[str], field: str) -> None:
    error = _run(folder, *arguments).exception
    assert isinstance(error, UserError), error
    assert error.field == field
