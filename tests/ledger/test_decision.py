"""Why an attempt went where it went is kept with it, survives export and migration, and is told in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from ledger import world
from trivium.core import DECISION_CHARS_MAX, Considered, Decision, Money, Outcome, Usage, UsageEvent, UserError
from trivium.ledger import Ledger, importers, write_export
from trivium.ledger._schema import HEAD
from trivium.ledger._store import MIGRATIONS, Store

Run = Callable[..., tuple[int, str]]
MOVED = Decision(
    affinity="moved",
    found_by="session",
    home="bedrock/us/claude-opus-5/standard",
    considered=(
        Considered("bedrock/us/claude-opus-5/standard", "resting", "42 s"),
        Considered("anthropic/global/claude-opus-5/standard", "order"),
    ),
    lost_tokens=180_000,
    lost=Money.from_usd("1.035"),
    table="v7",
)


def test_a_decision_comes_back_from_its_text() -> None:
    assert Decision.decode(MOVED.encode()) == MOVED
    kept = Decision("kept", "session", "a/b/c/d", (Considered("a/b/c/d", "cache"),))
    assert kept.encode() == '{"v":1,"affinity":"kept","found_by":"session","considered":[["a/b/c/d","cache"]]}'
    assert Decision.decode(kept.encode()) == kept
    assert Decision.decode("") is None
    assert Decision.decode(Decision().encode()) == Decision()
    for text in ("{}", "[]", "nonsense", '{"v":9}', '{"v":1,"colour":"blue"}'):
        with pytest.raises(UserError, match="decision"):
            Decision.decode(text)


def test_a_decision_is_bounded_and_keeps_what_was_chosen() -> None:
    many = tuple(Considered(f"surface-{number}/global/model/standard", "cannot", "x" * 500) for number in range(40))
    long = replace(MOVED, considered=(*many, Considered("a/b/c/d", "order")), table="t" * 3000)
    text = long.encode()
    assert len(text) <= DECISION_CHARS_MAX
    found = Decision.decode(text)
    assert found is not None
    assert found.considered[-1] == Considered("a/b/c/d", "order")
    assert found.left_out == 41 - len(found.considered)


def test_the_ledger_keeps_a_decision_through_export_and_import(tmp_path: Path) -> None:
    event = world.event("e1", decision=MOVED.encode())
    with world.ledger(tmp_path) as ledger:
        ledger.append([event])
        assert ledger.event("e1").opened.decision == MOVED.encode()
        write_export(ledger.events(), tmp_path / "out.jsonl")
        with pytest.raises(UserError, match="decision"):
            ledger.append([world.event("e2", decision="x" * (DECISION_CHARS_MAX + 1))])
    (tmp_path / "copy").mkdir()
    with world.ledger(tmp_path / "copy") as copy:
        copy.append(list(importers.ledger_export.read(tmp_path / "out.jsonl")))
        assert copy.event("e1") == event


def test_an_export_of_before_is_read_without_decisions(tmp_path: Path) -> None:
    path = tmp_path / "old.jsonl"
    write_export([world.event("e1")], path)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[0]["version"] = 1
    del lines[1]["opened"]["decision"]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert list(importers.ledger_export.read(path)) == [world.event("e1")]


def test_a_ledger_of_before_is_migrated_with_its_attempts(tmp_path: Path) -> None:
    store = Store(tmp_path / "ledger.db")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with store.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(
            "INSERT INTO attempts_opened VALUES (1, 'e1', 'r1', 1, 5, 'anthropic', 'global', 'claude-opus-5', "
            "'standard', 'chat', '', '', 'messages', 0, '{}', 10, NULL, 5)"
        )
    store.close()
    assert Ledger.migrate_file(tmp_path / "ledger.db") == ("0001", HEAD)
    with world.ledger(tmp_path) as ledger:
        assert [(one.event_id, one.decision) for one in ledger.attempts("r1")] == [("e1", "")]
        ledger.append([world.event("e2", decision=MOVED.encode())])
        assert ledger.event("e2").opened.decision == MOVED.encode()
        assert ledger.verify() == ()


@pytest.fixture
def failed_over(tmp_path: Path) -> Path:
    """One request of three attempts: refused, answered elsewhere, and one that has not ended."""
    refused = world.closed("e1", outcome=Outcome.REFUSED, usage=Usage(), http_status=529)
    with world.ledger(tmp_path) as ledger:
        ledger.append([UsageEvent(world.opened("e1", request_id="req_7"), refused)])
        ledger.append([world.event("e2", request_id="req_7", attempt=2, decision=MOVED.encode())])
        ledger.append([world.event("other")])
        ledger._commit([world.opened("e3", request_id="req_7", attempt=3)])
    return tmp_path


def test_why_lists_every_attempt_of_a_request_with_its_decision(run: Run, failed_over: Path) -> None:
    code, text = run("why", "req_7")
    assert code == 0, text
    lines = [line.rstrip() for line in text.splitlines()]
    assert lines[0] == "req_7: 3 attempts, 0.01 USD, 1 not ended"
    starts = [line.split(":")[0] for line in lines if line.startswith("e")]
    assert starts == ["e1", "e2", "e3"]
    assert "  lost      180,000 tokens must be cached anew, for 1.035 USD" in lines
    assert "moved away from bedrock/us/claude-opus-5/standard (found by its session); route table v7" in " ".join(
        text.split()
    )
    assert "    bedrock/us/claude-opus-5/standard  passed over: it asked for no request (42 s)" in lines
    assert "    anthropic/global/claude-opus-5/standard  chosen: next in the order of the route" in lines


def test_why_as_json_adds_up_and_takes_an_attempt_as_well(run: Run, failed_over: Path) -> None:
    code, printed = run("why", "req_7", "--json")
    assert code == 0, printed
    found = json.loads(printed)
    assert (found["request_id"], found["amount_usd"], found["unpriced"]) == ("req_7", "0.01", 0)
    assert [one["event_id"] for one in found["attempts"]] == ["e1", "e2", "e3"]
    assert found["attempts"][0]["decision"] is None
    assert found["attempts"][1]["decision"]["lost_usd"] == "1.035"
    assert found["attempts"][1]["decision"]["considered"][1]["chosen"] is True
    assert found["attempts"][2]["outcome"] is None
    code, printed = run("why", "e2", "--json")
    assert json.loads(printed)["event_id"] == "e2"
    assert run("why", "nothing")[0] == 2


def test_a_decision_that_cannot_be_read_hides_no_amount(run: Run, tmp_path: Path) -> None:
    with world.ledger(tmp_path) as ledger:
        ledger.append([world.event("e1", decision='{"v":2,"colour":"blue"}')])
    code, text = run("why", "e1")
    assert code == 0, text
    assert "e1: 0.01 USD" in text
    assert "this program reads version 1" in text
    code, printed = run("why", "e1", "--json")
    assert "this program reads version 1" in json.loads(printed)["decision"]["unreadable"]
