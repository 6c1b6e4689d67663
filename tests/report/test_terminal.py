"""What any command prints: names of others are shown, and command no terminal."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table
from typer.testing import CliRunner

from plan.market import turn
from trivium.cli._main import _fail, root
from trivium.cli._output import Harmless, console, print_json
from trivium.core import FactError, Offer, Usage
from trivium.ledger import write_export

HOSTILE = "\x1b[2J\x1b]0;pwn\x07\x9b31mname"
OPUS = Offer("anthropic", "global", "claude-opus-4-6")


def harmless(text: str) -> bool:
    return all(character.isprintable() or character == "\n" for character in text)


def test_no_text_of_a_console_commands_the_terminal_in_a_line_or_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    screen = console()
    screen.print(HOSTILE, markup=False, soft_wrap=True)
    table = Table(HOSTILE)
    table.add_row(HOSTILE)
    screen.print(table)
    shown = capsys.readouterr().out
    assert harmless(shown)
    assert shown.count("name") == 3


def test_lines_and_colours_of_our_own_are_kept() -> None:
    out = StringIO()
    screen = Console(file=out, force_terminal=True, color_system="standard", width=80)
    screen.push_render_hook(Harmless())
    screen.print("[bold]one[/bold]\ntwo")
    assert out.getvalue() == "\x1b[1mone\x1b[0m\ntwo\n"


def test_json_holds_the_exact_name_and_no_control_character(capsys: pytest.CaptureFixture[str]) -> None:
    name = f"{HOSTILE}\u2028\x7fé"
    print_json({"name": name})
    shown = capsys.readouterr().out
    assert harmless(shown)
    assert "é" in shown
    assert json.loads(shown) == {"name": name}


def test_an_error_names_what_was_given_without_obeying_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        _fail(FactError(f"no model {HOSTILE}"), 3)
    assert harmless(capsys.readouterr().err)


@pytest.mark.parametrize("words", [["plan", "--dry-run"], ["quote", "request"], ["plan", "--json"]])
def test_a_workload_with_such_a_name_is_planned_and_shown(words: list[str], tmp_path: Path) -> None:
    path = tmp_path / "usage.jsonl"
    write_export([turn(60 * n, Usage(input=1_000), offer=OPUS, workload=HOSTILE) for n in range(3)], path)
    found = CliRunner().invoke(root, [*words, "--trace", str(path), "--at", "2026-04-15"], catch_exceptions=False)
    assert found.exit_code == 0, found.output
    assert "pwn" in found.stdout
    assert harmless(found.stdout)
