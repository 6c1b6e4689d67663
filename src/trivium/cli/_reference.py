"""The command reference as Markdown, made from the commands themselves (`python -m trivium.cli._reference`)."""

from __future__ import annotations

import sys
from typing import Any

import typer.main

from trivium.cli._main import COMMANDS, root


def render() -> str:
    """Every command with its arguments and options, as docs/commands.md holds it."""
    lines = [
        "# Commands",
        "",
        "Made by `make reference`; a test holds it against the commands. Exit codes: 0 done · 1 the check found",
        "something · 2 wrong input · 3 no answer (no claim, no price) · 4 a surface, the ledger or the environment",
        "failed · 5 a defect of Trivium itself.",
        "",
    ]
    group: Any = typer.main.get_command(root)
    for name in COMMANDS:
        _render(group.get_command(None, name), f"trivium {name}", lines)
    return "\n".join(lines).rstrip() + "\n"


def _render(command: Any, path: str, lines: list[str]) -> None:
    children = getattr(command, "commands", None)
    if children:
        lines += [f"## {path}", "", _sentence(command), ""]
        for name, child in children.items():
            _render(child, f"{path} {name}", lines)
        return
    depth = "##" if path.count(" ") == 1 else "###"
    lines += [f"{depth} {path}", "", _sentence(command), ""]
    rows = [row for row in map(_row, command.params) if row]
    if rows:
        lines += ["| option | meaning |", "|---|---|", *rows, ""]


def _row(parameter: Any) -> str:
    if getattr(parameter, "hidden", False) or "--help" in parameter.opts:
        return ""
    if parameter.param_type_name == "argument":
        name = str(parameter.name).upper()
    else:
        name = ", ".join([*parameter.opts, *parameter.secondary_opts])
        if not parameter.is_flag:
            name += " VALUE"
    text = " ".join(str(getattr(parameter, "help", "") or "").split()).replace("|", "\\|")
    return f"| `{name}` | {text} |"


def _sentence(command: Any) -> str:
    return " ".join(str(command.help or command.short_help or "").split("\n\n")[0].split())


if __name__ == "__main__":
    sys.stdout.write(render())
