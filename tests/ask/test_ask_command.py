"""The command: text for people, JSON for programs, exit 3 where no claim answers; the page's examples."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from trivium.catalog.ask import questions
from trivium.cli import ask as ask_module
from trivium.core import UserError

PAGE = Path(__file__).parents[2] / "docs/ask.md"
app = typer.Typer(add_completion=False)
app.command()(ask_module.command)
AS_OF = ["--as-of", "2026-11-25"]


def _run(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "160"})
    assert done.exit_code == code, done.output
    return done.output


def test_a_question_may_be_several_words_or_one() -> None:
    loose = _run("when", "does", "Sonnet", "4.5", "retire", *AS_OF)
    assert loose == _run("when does Sonnet 4.5 retire", *AS_OF)
    assert "claude-sonnet-4-5 retires on anthropic on 2026-11-30 (documented)" in loose


def test_json_holds_the_whole_answer() -> None:
    found = json.loads(_run("what does the article say", *AS_OF, "--json"))
    assert found["kind"] == "article"
    assert found["answered"] is True
    assert len(found["figures"][0]["rows"]) == 89
    assert found["evidence"][0].keys() >= {"claim_id", "grade", "state", "valid_from", "sources", "seen_on"}
    assert found["as_of"] == "2026-11-25"


def test_words_between_colons_are_printed_as_they_are() -> None:
    assert "commit:cloud: 250 bn USD" in _run("How does the deal change Microsoft's relationship with OpenAI?", *AS_OF)


def test_where_no_claim_answers_the_exit_code_is_three_and_says_what_can_be_asked() -> None:
    text = _run("what is the weather", *AS_OF, code=3)
    assert "What can be asked, the nearest first" in text
    assert json.loads(_run("what is the weather", *AS_OF, "--json", code=3))["answered"] is False


def test_the_list_holds_every_kind() -> None:
    assert _run("--list").splitlines() == [text for _, text in questions()]
    assert [row["kind"] for row in json.loads(_run("--list", "--json"))] == [name for name, _ in questions()]


def test_all_shows_rows_that_are_left_out_otherwise() -> None:
    assert "69 more rows (--all)" in _run("what does the article say", *AS_OF)
    assert "article.S089" in _run("what does the article say", *AS_OF, "--all")


def test_a_day_that_is_none_is_wrong_input() -> None:
    done = CliRunner().invoke(app, ["what is stale", "--as-of", "soon"])
    assert isinstance(done.exception, UserError)


def test_an_organisations_own_claims_answer_too(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text(
        "id,surface,predicate,value,status,source\n"
        "own.soc2,foundry,soc2,Type II report of 2026,documented,Audit folder\n"
    )
    text = _run("is foundry SOC 2 certified?", *AS_OF, "--overlay", str(tmp_path))
    assert "foundry: Type II report of 2026; documented [own.soc2]" in text


def _examples() -> list[tuple[str, list[str]]]:
    found = []
    for block in re.findall(r"^```(?:text|console)\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *lines = part.splitlines()
            found.append((command, [line.strip() for line in lines if line.strip() and line.strip() != "…"]))
    return found


@pytest.mark.parametrize(("command", "expected"), _examples())
def test_an_example_of_the_page_prints_what_the_page_shows(command: str, expected: list[str]) -> None:
    words = shlex.split(command)
    assert words[:2] == ["trivium", "ask"]
    done = CliRunner().invoke(app, words[2:], env={"COLUMNS": "160"})
    squeezed = re.sub(r"\s+", " ", done.output)
    assert [line for line in expected if re.sub(r"\s+", " ", line) not in squeezed] == []


def test_the_page_names_every_kind_of_question() -> None:
    text = PAGE.read_text()
    assert [name for name, _ in questions() if f"`{name}`" not in text] == []
