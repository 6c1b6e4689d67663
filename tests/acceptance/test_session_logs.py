"""A Claude Code user's own session logs, as they lie on a disk where Claude Code is at work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trivium.cli._up.trace import Kind, choose
from trivium.core import UserError
from trivium.ledger import importers


def answer(number: int, output: int = 50) -> dict[str, Any]:
    return {
        "type": "assistant",
        "sessionId": "s1",
        "requestId": f"req_{number}",
        "timestamp": f"2026-11-20T10:{number:02}:00Z",
        "message": {
            "id": f"msg_{number}",
            "model": "claude-opus-5",
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 9, "cache_creation_input_tokens": 900, "output_tokens": output},
        },
    }


def logs(folder: Path, *lines: str) -> Path:
    file = folder / "projects" / "-home-me-app" / "s1.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text("".join(lines))
    return folder / "projects"


def test_a_line_that_is_still_being_written_is_not_there_yet(tmp_path: Path) -> None:
    whole, half = json.dumps(answer(1)) + "\n", json.dumps(answer(2))[:70]
    projects = logs(tmp_path, whole, half)
    assert [event.closed.upstream_request_id for event in importers.claude_code_logs.read(projects)] == ["req_1"]


def test_a_broken_line_in_the_middle_is_still_refused(tmp_path: Path) -> None:
    projects = logs(tmp_path, json.dumps(answer(1))[:70] + "\n", json.dumps(answer(2)) + "\n")
    with pytest.raises(UserError, match=r"s1\.jsonl:1: line"):
        list(importers.claude_code_logs.read(projects))


def test_up_replays_what_can_be_read_and_names_what_cannot(tmp_path: Path) -> None:
    projects = logs(tmp_path, json.dumps(answer(1)) + "\n", "{broken\n", json.dumps(answer(2)) + "\n")
    chosen = choose(projects, beside=tmp_path / "none", requests_min=10, seed=1)
    assert (chosen.kind, chosen.requests) == (Kind.NAMED, 2)
    (unread,) = chosen.unread
    assert "s1.jsonl:2: line: '{broken'" in unread


def test_up_says_why_when_nothing_can_be_read(tmp_path: Path) -> None:
    projects = logs(tmp_path, json.dumps(answer(1) | {"timestamp": "yesterday"}) + "\n")
    with pytest.raises(UserError, match=r"no request with known token counts; .*timestamp: 'yesterday'"):
        choose(projects, beside=tmp_path / "none", requests_min=10, seed=1)
