"""The commands of ledger, spend and key: exact JSON, exit codes, and text that says what happened."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger import world
from trivium.core import Offer, Usage, well_formed
from trivium.ledger import importers

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """Two workloads; one attempt without a price."""
    with world.ledger(tmp_path) as ledger:
        ledger.append(
            [
                world.event("e1", workload="chat"),
                world.event("e2", workload="batch", usage=Usage(cache_read=9000, cache_write_5m=1000)),
                world.event("e3", workload="batch", offer=Offer("vertex", "eu", "claude-opus-5")),
            ]
        )
    return tmp_path


def _json(run: Run, *arguments: str) -> Any:
    code, printed = run(*arguments, "--json")
    assert code == 0, printed
    return json.loads(printed)


def test_spend_prints_exact_amounts_and_counts_what_has_no_price(run: Run, filled: Path) -> None:
    found = _json(run, "spend", "--by", "workload,surface")
    assert [(row["workload"], row["surface"], row["amount_usd"], row["unpriced"]) for row in found["rows"]] == [
        ("batch", "anthropic", "0.01075", 0),
        ("chat", "anthropic", "0.01", 0),
        ("batch", "vertex", "0", 1),
    ]
    assert found["rows"][0]["cache_hit_rate"] == "0.900000"
    assert found["rows"][2]["unpriced_upper_usd"] is None
    assert (found["total"]["amount_usd"], found["total"]["unpriced"]) == ("0.02075", 1)
    code, text = run("spend", "--by", "workload")
    assert code == 0
    assert "█" in text
    assert "1 attempts are unpriced (between 0 USD and an unknown amount) and not in the sums" in text


def test_spend_chooses_and_refuses_by_name(run: Run, filled: Path) -> None:
    assert _json(run, "spend", "--where", "tag:team=blue", "--by", "model")["total"]["attempts"] == 3
    code, text = run("spend", "--until", "2026-01-01")
    assert (code, text.strip()) == (0, "nothing was spent: no attempt matches")
    for arguments, told in (
        (["--by", "colour"], "dimension: 'colour': use one of workload"),
        (["--where", "team"], "--where: 'team': give name=value"),
        (["--since", "soon"], "--since: 'soon': give a date"),
    ):
        code, text = run("spend", *arguments)
        assert code == 2
        assert told in text


def test_a_missing_ledger_is_wrong_input_and_is_not_made(run: Run, tmp_path: Path) -> None:
    for command in (["spend"], ["ledger", "verify"], ["ledger", "export", "-"], ["key", "list"], ["ledger", "migrate"]):
        code, text = run(*command)
        assert code == 2
        assert "there is no ledger" in text
    assert list(tmp_path.iterdir()) == []


def test_an_export_is_what_the_ledger_holds(run: Run, filled: Path) -> None:
    out = filled / "out.jsonl.gz"
    assert _json(run, "ledger", "export", str(out), "--where", "workload=batch") == {"file": str(out), "events": 2}
    assert [event.opened.event_id for event in importers.ledger_export.read(out)] == ["e2", "e3"]
    code, text = run("ledger", "export", "-")
    assert code == 0
    assert [next(iter(json.loads(line))) for line in text.splitlines()] == ["format", *["closed"] * 3, "end"]


def test_backup_restore_and_prune_say_what_they_did(run: Run, filled: Path) -> None:
    copy = filled / "copy.db"
    assert _json(run, "ledger", "backup", str(copy))["bytes"] == copy.stat().st_size
    looked = _json(run, "ledger", "prune", "--before", "2026-04-16", "--dry-run")
    assert (looked["dry_run"], looked["attempts"], looked["kept_unpriced"]) == (True, 2, 1)
    code, text = run("ledger", "prune", "--before", "2026-04-16")
    assert code == 0
    assert "2 attempts before 2026-04-16 were turned into 2 sums; kept: 0 open (see `reap`), 1 unpriced" in text
    assert _json(run, "spend", "--by", "workload")["total"]["amount_usd"] == "0.02075"
    code, text = run("spend", "--since", "2026-04-15T06:00")
    assert code == 2
    assert "start of a day" in text
    restored = _json(run, "ledger", "restore", str(copy))
    assert Path(restored["kept"]).exists()
    assert len(list(world.ledger_events(filled))) == 3


def test_verify_exits_1_on_a_finding(run: Run, filled: Path) -> None:
    assert _json(run, "ledger", "verify")["findings"] == []
    with world.raw(filled) as raw:
        raw.execute("DROP TRIGGER ratings_no_update")
        raw.execute("UPDATE ratings SET amount_picos = 1 WHERE amount_picos IS NOT NULL")
    code, text = run("ledger", "verify")
    assert code == 1
    assert "3 attempts, 3 findings" in text
    assert "amounts: e1: amount 1 pico-USD, its lines give 10000000000" in text


def test_keys_are_listed_and_revoked(run: Run, filled: Path) -> None:
    with world.ledger(filled) as ledger:
        record, secret = ledger.keys.create("chat", tags={"team": "blue"})
    (listed,) = _json(run, "key", "list")
    assert (listed["key_id"], listed["workload"], listed["tags"]) == (record.key_id, "chat", {"team": "blue"})
    assert well_formed(secret)
    assert secret not in json.dumps(listed)
    assert _json(run, "key", "revoke", record.key_id)["revoked_at"] is not None
    code, text = run("key", "list")
    assert code == 0
    assert "revoked 2" in text
    code, text = run("key", "revoke", "key_none")
    assert code == 2
