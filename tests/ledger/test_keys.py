"""Keys are stored hashed, seen at once wherever they are changed, and never deleted."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from ledger import world
from trivium.core import UserError, hash_secret, well_formed


def test_a_key_is_found_by_the_hash_of_its_secret(tmp_path: Path) -> None:
    with world.ledger(tmp_path) as ledger:
        record, secret = ledger.keys.create(
            "chat", tags={"team": "blue"}, models=["claude-opus-5"], expires_at=world.NOON + timedelta(days=30)
        )
        assert well_formed(secret)
        assert ledger.keys.find(hash_secret(secret)) == record
        assert ledger.keys.find(hash_secret("sk-trv-other")) is None
        assert ledger.keys.list() == (record,)
    with world.ledger(tmp_path) as again:
        assert again.keys.find(hash_secret(secret)) == record


def test_no_secret_is_in_the_file(tmp_path: Path) -> None:
    with world.ledger(tmp_path) as ledger:
        _, secret = ledger.keys.create("chat")
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert secret.encode() not in stored
    assert secret.removeprefix("sk-trv-").encode() not in stored


def test_a_revocation_by_another_process_is_seen_at_the_next_look_up(tmp_path: Path) -> None:
    with world.ledger(tmp_path) as ledger:
        record, secret = ledger.keys.create("chat")
        found = ledger.keys.find(hash_secret(secret))
        assert found is not None
        assert found.revoked_at is None
        script = (
            "import sys; from trivium.core import SystemClock; from trivium.ledger import Ledger\n"
            "with Ledger.open(sys.argv[1], clock=SystemClock()) as ledger: ledger.keys.revoke(sys.argv[2])"
        )
        subprocess.run([sys.executable, "-c", script, str(ledger.path), record.key_id], check=True)
        revoked = ledger.keys.find(hash_secret(secret))
        assert revoked is not None
        assert revoked.revoked_at is not None


def test_traffic_does_not_make_the_keys_be_read_again(tmp_path: Path) -> None:
    with world.ledger(tmp_path) as ledger:
        _, secret = ledger.keys.create("chat")
        before = ledger.keys.find(hash_secret(secret))
        ledger.append([world.event()])
        assert ledger.keys.find(hash_secret(secret)) is before


def test_revoking_twice_keeps_the_first_time_and_an_unknown_key_is_refused(tmp_path: Path) -> None:
    clock = world.clock()
    with world.ledger(tmp_path, clock=clock) as ledger:
        record, _ = ledger.keys.create("chat")
        first = ledger.keys.revoke(record.key_id)
        clock.advance(timedelta(hours=1))
        assert ledger.keys.revoke(record.key_id) == first
        with pytest.raises(UserError, match="key: 'key_none'"):
            ledger.keys.revoke("key_none")


@pytest.mark.parametrize(
    ("settings", "field"),
    [({"workload": " "}, "workload"), ({"workload": "a", "surfaces": ["moon"]}, "surface"),
     ({"workload": "a", "expires_at": world.NOON}, "expires")],
)  # fmt: skip
def test_a_key_that_makes_no_sense_is_refused(tmp_path: Path, settings: dict[str, object], field: str) -> None:
    with world.ledger(tmp_path) as ledger, pytest.raises(UserError) as refused:
        ledger.keys.create(**settings)  # type: ignore[arg-type]
    assert refused.value.field == field


def test_a_key_cannot_be_changed_or_deleted_behind_our_back(tmp_path: Path) -> None:
    with world.ledger(tmp_path) as ledger:
        ledger.keys.create("chat")
    raw = sqlite3.connect(tmp_path / "ledger.db")
    for statement in ("UPDATE keys SET workload = 'x'", "DELETE FROM keys"):
        with pytest.raises(sqlite3.IntegrityError, match="the ledger only grows"):
            raw.execute(statement)
    raw.close()
