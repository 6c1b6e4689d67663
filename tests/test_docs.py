"""The documentation is true: examples run, links lead somewhere, commands and settings are all described."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from trivium.app import settings as settings_module
from trivium.cli._reference import render

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
EXAMPLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)")


def _examples() -> list[tuple[str, str, list[str]]]:
    """(page, command, expected lines) of every `$ trivium …` in a console block."""
    found = []
    for page in PAGES:
        for block in EXAMPLE.findall(page.read_text()):
            for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, *lines = part.splitlines()
                if command.startswith("trivium "):
                    expected = [line.strip() for line in lines if line.strip() and line.strip() != "…"]
                    found.append((page.relative_to(ROOT).as_posix(), command, expected))
    return found


@pytest.mark.parametrize(("page", "command", "expected"), _examples())
def test_an_example_runs_and_prints_what_the_page_shows(
    page: str, command: str, expected: list[str], tmp_path: Path
) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "160"}
    (tmp_path / "src").symlink_to(ROOT / "src")
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode in {0, 1}, f"{page}: {done.stderr}"
    squeezed = re.sub(r"\s+", " ", done.stdout)
    missing = [line for line in expected if re.sub(r"\s+", " ", line) not in squeezed]
    assert missing == [], f"{page}: {command} printed\n{done.stdout}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    broken = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert broken == []


def test_the_command_reference_is_what_the_commands_say() -> None:
    assert (ROOT / "docs/commands.md").read_text() == render(), "run `make reference`"


def test_every_setting_is_described() -> None:
    text = (ROOT / "docs/settings.md").read_text()
    structs = [
        value
        for value in vars(settings_module).values()
        if isinstance(value, type) and issubclass(value, msgspec.Struct) and value is not msgspec.Struct
    ]
    missing = [
        f"{struct.__name__}.{field.encode_name}"
        for struct in structs
        for field in msgspec.structs.fields(struct)
        if f"`{field.encode_name}`" not in text
    ]
    assert missing == []


def test_the_first_screen_of_the_readme_shows_the_two_commands() -> None:
    first_screen = "\n".join((ROOT / "README.md").read_text().splitlines()[:40])
    assert "make up" in first_screen
    assert "make test" in first_screen


def test_every_decision_has_a_page_that_says_what_was_rejected() -> None:
    pages = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
    assert pages
    assert [page.name for page in pages if "## Rejected" not in page.read_text()] == []
