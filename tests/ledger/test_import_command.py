"""Importing by command: priced from the catalogue, idempotent, and bad rows told, with the way back to a source."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ledger import world
from trivium.core import Offer, Usage, hash_secret
from trivium.ledger import write_export

Run = Callable[..., tuple[int, str]]
HAIKU = Offer("anthropic", "global", "claude-haiku-4-5")


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """One priced request of 2026-04-15 and one on a surface where nothing of that name is sold."""
    at = datetime(2026, 4, 15, 12, tzinfo=UTC)
    events = [
        world.event("e1", at=at, offer=HAIKU, usage=Usage(input=1000, output=200, cache_read=5000)),
        world.event("e2", at=at, offer=Offer("anthropic", "global", "no-such-model")),
    ]
    path = tmp_path / "export.jsonl"
    write_export(events, path)
    return path


def _json(result: tuple[int, str], code: int = 0) -> Any:
    assert result[0] == code, result[1]
    return json.loads(result[1])


def test_an_import_is_priced_once_and_said(run: Run, export: Path) -> None:
    first = _json(run("ledger", "import", str(export), "--as-of", "2026-04-15", "--json"))
    assert (first["format"], first["new"], first["known"], first["unpriced"]) == ("ledger_export", 2, 0, 1)
    again = _json(run("ledger", "import", str(export), "--json"))
    assert (again["new"], again["known"]) == (0, 2)
    spent = _json(run("spend", "--by", "model", "--json"))
    # 1000 x 1 + 200 x 5 + 5000 x 0.10 USD per million tokens
    assert {row["model"]: (row["amount_usd"], row["unpriced"]) for row in spent["rows"]} == {
        "claude-haiku-4-5": ("0.0025", 0),
        "no-such-model": ("0", 1),
    }


def test_one_amount_is_walked_back_to_a_source_and_its_date(run: Run, export: Path) -> None:
    run("ledger", "import", str(export))
    found = _json(run("spend", "--why", "e1", "--json"))
    assert (found["amount_usd"], found["same_book"], found["note"]) == ("0.0025", True, "")
    assert [line["unit"] for line in found["lines"]] == ["input", "output", "cache_read"]
    for line in found["lines"]:
        assert line["missing"] == []
        assert line["claims"]
        sources = [source for claim in line["claims"] for source in claim["sources"]]
        assert any(source["title"] and source["date"] for source in sources)
    code, text = run("ledger", "why", "e1")
    assert code == 0
    assert "the facts of that day still give it" in text
    assert "sum of lines 0.0025 USD" in text
    code, text = run("ledger", "why", "e2")
    assert code == 0
    assert "unpriced: NoPrice" in text
    assert run("ledger", "why", "none")[0] == 2


def test_rating_again_says_what_still_has_no_price(run: Run, export: Path) -> None:
    run("ledger", "import", str(export))
    found = _json(run("ledger", "rate", "--json"), code=3)
    assert (found["priced"], found["unpriced"]) == (0, 1)
    assert next(iter(found["reasons"])).startswith("NoPrice")


def test_reaping_by_command_ends_what_was_left_open(run: Run, tmp_path: Path) -> None:
    with world.ledger(tmp_path) as ledger:
        ledger._commit([world.opened("e1", offer=HAIKU)])
    found = _json(run("ledger", "reap", "--older-than", "0s", "--json"))
    # 4000 bytes as hour-long writes at 2, 1000 tokens of output at 5 USD per million
    assert [(row["event_id"], row["lower_usd"], row["upper_usd"]) for row in found["reaped"]] == [("e1", "0", "0.013")]
    assert run("ledger", "reap", "--older-than", "soon")[0] == 2


def test_bad_rows_stop_an_import_or_are_listed(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "azure.csv"
    path.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n2026-04-15 10:00:00,100,10\n2026-04-15 10:00:01,x,10\n")
    arguments = ("ledger", "import", str(path), "--model", "claude-haiku-4-5", "--tag", "team=blue")
    code, text = run(*arguments)
    assert code == 2
    assert f"{path}:3: ContextTokens: 'x': give a whole number" in text
    found = _json(run(*arguments, "--skip-bad", "--json"), code=1)
    assert found["new"] == 1
    assert [(row["line"], row["field"], row["value"]) for row in found["left_out"]] == [(3, "ContextTokens", "x")]
    moved = _json(run(*arguments, "--skip-bad", "--start", "2026-05-01", "--json"), code=1)
    assert moved["new"] == 0  # known from above with other times: refused, and told
    assert [row["field"] for row in moved["left_out"]] == ["ContextTokens", "event"]
    assert _json(run("spend", "--by", "tag:team", "--json"))["rows"][0]["tag:team"] == "blue"


def test_a_key_made_by_command_works_and_its_secret_is_shown_once(run: Run, tmp_path: Path) -> None:
    made = _json(
        run("key", "create", "--workload", "chat", "--model", "claude-haiku-4-5", "--expires", "30d", "--json")
    )
    with world.ledger(tmp_path) as ledger:
        record = ledger.keys.find(hash_secret(made["secret"]))
        assert record is not None
        assert (record.key_id, record.models) == (made["key_id"], ("claude-haiku-4-5",))
    code, text = run("key", "list")
    assert code == 0
    assert made["secret"] not in text
    assert "valid until" in text
    code, text = run("key", "create", "--workload", "chat", "--expires", "2020-01-01")
    assert code == 2
    assert "give an instant in the future" in text
