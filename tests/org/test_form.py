"""Twelve questions: defaults and answers become an organisation, demand, and assumptions that say so."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trivium.cli._main import root
from trivium.core import UserError
from trivium.plan.org import QUESTIONS, ask, from_answers, presets

AT = date(2026, 11, 20)


def test_there_are_at_most_twelve_questions_and_each_has_a_usable_default() -> None:
    assert len(QUESTIONS) <= 12
    found = from_answers({}, AT)
    assert [demand.workload for demand in found.demands] == ["chat"]
    # 50 people, 15 requests each, 30 days
    assert found.demands[0].requests == 50 * 15 * 30
    assert {item.field for item in found.organisation.assumed} >= {f"form.{q.id}" for q in QUESTIONS}


def test_answers_become_needs_volumes_and_contracts() -> None:
    found = from_answers(
        {
            "kinds": "coding-agent, extraction",
            "people": "80",
            "requests": "200,000",
            "waiting_percent": "30",
            "geography": "eu",
            "attestations": "soc2, hipaa_baa",
            "cloud": "bedrock",
            "commitment_usd": "120000",
            "seats": "1000/80",
            "growth": "1/4/9",
            "tuning": "2027-03-01",
        },
        AT,
        name="Acme",
    )
    organisation = found.organisation
    requests = {demand.workload: demand.requests for demand in found.demands}
    assert requests == {"coding-agent": 80 * 140 * 30, "extraction": 200_000 * 30}
    needs = organisation.needs("coding-agent")
    assert (needs.geography, needs.batchable_percent, needs.attestations) == ("eu", 30, ("soc2", "hipaa_baa"))
    assert (needs.users, needs.place) == (80, "terminal")
    assert needs.tuning is not None
    assert needs.tuning.wanted_from == date(2027, 3, 1)
    assert organisation.contracts["committed"].commitment_usd_per_year == "120000"
    assert (organisation.microsoft.m365_seats, organisation.microsoft.github_copilot_seats) == (1000, 80)
    assert organisation.about.growth is not None
    assert [str(value) for value in (organisation.about.growth.low, organisation.about.growth.high)] == ["0.01", "0.09"]


def test_every_preset_figure_is_an_assumption_with_its_source() -> None:
    kinds = ", ".join(presets())
    assumed = {item.field: item for item in from_answers({"kinds": kinds}, AT).organisation.assumed}
    for kind, shape in presets().items():
        assert assumed[f"form.{kind}"].why == shape["source"]


@pytest.mark.parametrize(
    ("answers", "field", "remedy"),
    [
        ({"kinds": "poetry"}, "form.kinds", "coding-agent"),
        ({"people": "many"}, "form.people", "give a number"),
        ({"waiting_percent": "140"}, "form.waiting_percent", "0 to 100"),
        ({"geography": "mars"}, "form.geography", "eu"),
        ({"seats": "12"}, "form.seats", "2 numbers"),
        ({"growth": "1/x/3"}, "form.growth", "numbers"),
        ({"tuning": "soon"}, "form.tuning", "2027-03-01"),
        ({"people": "0"}, "form.people", "above 0"),
        ({"colour": "red"}, "form", "kinds"),
        ({"growth": "9/3/1"}, "form.growth", "low ≤ point ≤ high"),
        ({"growth": "-150/0/1"}, "form.growth", "above -1"),
        ({"growth": "nan/nan/nan"}, "form.growth", "give numbers"),
        ({"growth": "0/1/1e30"}, "form.growth", "at most"),
        ({"seats": "nan/1"}, "form.seats", "give numbers"),
        ({"seats": "-5/1"}, "form.seats", "from zero up"),
        ({"seats": "5.5/1"}, "form.seats", "whole numbers"),
        ({"people": "1,5"}, "form.people", "1,500"),
        ({"people": "2.5"}, "form.people", "whole number"),
        ({"people": "1e30"}, "form.people", "to 1,000"),
        ({"requests": "inf", "kinds": "extraction"}, "form.requests", "give a number"),
        ({"commitment_usd": "-1"}, "form.commitment_usd", "from 0"),
        ({"commitment_usd": "0.0000000000001"}, "form.commitment_usd", "12 decimal places"),
        ({"cloud": "bedrok"}, "form.cloud", "did you mean bedrock?"),
        ({"kinds": ""}, "form.kinds", "at least one"),
    ],
)
def test_an_answer_that_cannot_be_used_is_refused_by_name(answers: dict[str, str], field: str, remedy: str) -> None:
    with pytest.raises(UserError) as caught:
        from_answers(answers, AT)
    assert caught.value.field == field
    assert remedy in caught.value.remedy


def test_asking_takes_the_default_for_an_empty_answer() -> None:
    answers = ask(lambda question: "7" if question.id == "people" else "")
    assert answers["people"] == "7"
    assert answers["cloud"] == "anthropic"


def test_the_command_gives_the_whole_report_without_ledger_or_usage(tmp_path: Path) -> None:
    form = tmp_path / "form.toml"
    form.write_text('kinds = ["extraction"]\nrequests = 50000\ngeography = "eu"\ncloud = "bedrock"\n')
    page, written = tmp_path / "report.html", tmp_path / "trivium.toml"
    arguments = ["assess", "--form", str(form), "--at", "2026-11-20", "--as-of", "2026-11-20", "--json"]
    result = CliRunner().invoke(
        root, [*arguments, "--report", str(page), "--write", str(written)], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    decision = json.loads(result.stdout)
    (workload,) = decision["workloads"]
    assert [answer["question"] for answer in workload["answers"]] == [
        *("type", "window", "price", "microsoft", "checkpoints")
    ]
    assert all(stage["offer"]["scope"] == "eu" for stage in workload["stages"])
    assert page.read_text().startswith("<!doctype html>")
    assert "[workloads.extraction.needs]" in written.read_text()


def test_asking_without_a_terminal_names_the_way_out() -> None:
    with pytest.raises(UserError, match="--form"):
        CliRunner().invoke(root, ["assess", "--ask"], catch_exceptions=False)
    with pytest.raises(UserError, match="--ask"):
        CliRunner().invoke(root, ["assess"], catch_exceptions=False)
