"""Drill records stand beside what was measured, are in no share, and a file that is none is named."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from capital_dependence import books
from trivium.cli._drill.record import FORMAT
from trivium.cli.capital import app
from trivium.cli.capital._drill_file import read_drills
from trivium.core import UserError

DAY = date(2026, 11, 25)
RECORD: dict[str, Any] = {
    "format": FORMAT,
    "made_at": "2026-11-20T23:30:00-05:00",
    "versions": {"route_table": "7"},
    "drill": {"surface": "bedrock", "how": "dead", "against": "own site: gateway and emulated surfaces on one machine"},
    "workload": {"requests": 601},
    "lost_requests": 2,
    "recovery": {"first_byte_s": 0.01},
    "cost": {"added_usd": "5.26950446"},
}


def written(folder: Path, **changed: Any) -> Path:
    path = folder / "drill.json"
    path.write_text(json.dumps({**RECORD, **changed}))
    return path


def test_a_record_is_read_with_its_day_in_utc(tmp_path: Path) -> None:
    (found,) = read_drills((written(tmp_path),), DAY, 90)
    assert (found.surface, found.how, found.made_on, found.lost, found.requests) == (
        *("bedrock", "dead", date(2026, 11, 21), 2, 601),
    )
    assert (found.first_byte_s, found.added_usd, found.recent) == (0.01, "5.26950446", True)
    assert not read_drills((written(tmp_path),), DAY, 3)[0].recent


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"format": "other/1"}, "format"),
        ({"made_at": "soon"}, "made_at"),
        ({"made_at": "2026-12-01T00:00:00+00:00"}, "made_at"),
        ({"lost_requests": None}, "lost_requests"),
        ({"lost_requests": True}, "lost_requests"),
        ({"drill": []}, "drill.surface"),
        ({"cost": {"added_usd": 5}}, "cost.added_usd"),
    ],
)
def test_a_file_that_is_no_record_of_the_time_is_named(changed: dict[str, Any], named: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=named):
        read_drills((written(tmp_path, **changed),), DAY, 90)


def test_other_text_is_no_record(tmp_path: Path) -> None:
    path = tmp_path / "drill.json"
    path.write_text("{")
    with pytest.raises(UserError, match="--drill"):
        read_drills((path,), DAY, 90)


def test_the_command_shows_it_and_counts_it_in_no_share(tmp_path: Path) -> None:
    """Search runs on Bedrock alone: without it nothing goes on, whatever was rehearsed."""
    books.filled(tmp_path, books.repeated("search", "bedrock", 2))
    (tmp_path / "trivium.toml").write_text("")
    asked = ["dependence", "--db", str(tmp_path / "ledger.db"), "--file", str(tmp_path / "trivium.toml")]
    asked += ["--until", str(DAY), "--surface", "bedrock", "--drill", str(written(tmp_path))]
    done = CliRunner().invoke(app, asked, env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    assert "rehearsed without bedrock (dead) on 2026-11-21: 2 of 601 requests lost, first byte back" in done.output
    assert "so in no share" in done.output
    assert "not shown" in done.output
    document = json.loads(CliRunner().invoke(app, [*asked, "--json"]).stdout)
    assert [(one["surface"], one["lost"]) for one in document["drills"]] == [("bedrock", 2)]
    assert document["continuity"][0]["spend_share"] == "0"
