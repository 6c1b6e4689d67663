"""What an attempt cost lies between its bounds: in its rating, in sums, in an export and after pruning."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import column, create_engine, table

from ledger import world
from trivium.core import UNKNOWN_USAGE, Money, Outcome, Quality, TerminalState, Usage, UsageEvent, terminal_state
from trivium.ledger import importers, write_export
from trivium.ledger._store import MIGRATIONS
from trivium.ledger.importers import ImportOptions

SEEN = Usage(input=1000, output=40)


def cut(event_id: str, **changes: object) -> UsageEvent:
    """A stream that ended early: its prompt is known, its output lies between 0 and 400 tokens."""
    event = world.event(event_id, usage=SEEN)
    closed = replace(
        event.closed,
        outcome=Outcome.CANCELLED,
        quality=Quality.ESTIMATED,
        usage_lower=replace(SEEN, output=0),
        usage_upper=replace(SEEN, output=400),
    )
    return UsageEvent(event.opened, replace(closed, **changes))  # type: ignore[arg-type]


def usd(text: str) -> Money:
    return Money.from_usd(text)


def test_an_estimate_has_an_amount_and_bounds(tmp_path: Path) -> None:
    """Per token 5 millionths of a dollar in and 25 out: 0.005 + 0.001 between 0.005 + 0 and 0.005 + 0.01."""
    with world.ledger(tmp_path) as ledger:
        ledger.append([cut("e1"), world.event("e2")])
        rating = ledger.rating("e1")
        assert (rating.amount, rating.lower, rating.upper) == (usd("0.006"), usd("0.005"), usd("0.015"))
        assert (ledger.rating("e2").lower, ledger.rating("e2").upper) == (None, None)
        (total,) = ledger.spend()
        assert (total.amount, total.unpriced) == (usd("0.016"), 0)  # 0.006 + 0.01
        assert (total.lower, total.upper) == (usd("0.015"), usd("0.025"))  # 0.005 + 0.01, 0.015 + 0.01
        assert (total.unpriced_lower, total.unpriced_upper) == (Money(0), Money(0))
        assert ledger.event("e1") == cut("e1")
        assert ledger.verify() == ()


def test_an_unpriced_attempt_takes_the_bounds_it_was_recorded_with(tmp_path: Path) -> None:
    """Nothing was seen: no more than 200 tokens of prompt in whichever class is dearest, and 400 of output."""
    most = Usage(input=200, output=400, cache_read=200, cache_write_5m=200, cache_write_1h=200)
    with world.ledger(tmp_path) as ledger:
        ledger.append([cut("e1", usage=UNKNOWN_USAGE, usage_lower=Usage(), usage_upper=most)])
        rating = ledger.rating("e1")
        assert (rating.amount, rating.lower, rating.upper) == (None, Money(0), usd("0.012"))  # 0.002 + 0.01
        (total,) = ledger.spend()
        assert (total.lower, total.upper) == (Money(0), usd("0.012"))


def test_without_an_upper_bound_a_sum_has_none(tmp_path: Path) -> None:
    with world.ledger(tmp_path) as ledger:
        ledger.append([cut("e1", usage_upper=replace(SEEN, web_search=None)), world.event("e2")])
        rating = ledger.rating("e1")
        assert (rating.amount, rating.lower, rating.upper) == (usd("0.006"), usd("0.005"), None)
        (total,) = ledger.spend()
        assert (total.lower, total.upper) == (usd("0.015"), None)


def test_a_ledger_of_before_there_were_bounds_is_taken_on(tmp_path: Path) -> None:
    """Its rows have none, its amounts stay, and new rows stand beside them; summaries of before count as they are."""
    path = tmp_path / "ledger.db"
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    before = ScriptDirectory.from_config(config).get_revision("0004").down_revision
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, str(before))
        for name, values in OLD_ROWS.items():
            connection.execute(table(name, *map(column, values)).insert().values(values))
    engine.dispose()
    with world.ledger(tmp_path) as ledger:
        ledger.append([cut("e1")])
        closed = ledger.event("old").closed
        assert (closed.usage.output, closed.usage_lower, closed.usage_upper) == (2, None, None)
        (total,) = ledger.spend()
        assert total.amount == Money(7 + 5) + usd("0.006")
        assert (total.lower, total.upper) == (Money(12) + usd("0.005"), Money(12) + usd("0.015"))


OFFER = {"surface": "anthropic", "scope": "global", "model": "m", "tier": "standard"}
WHERE = {"workload": "w", "key_id": "", "endpoint": "messages", "tags": "{}"}
NO_MORE = dict.fromkeys(
    ("cache_read", "cache_write_5m", "cache_write_1h", "web_search", "web_fetch", "code_execution_hours"), 0
)
COUNTS = {"input": 1, "output": 2, **NO_MORE}
ENDED = {"outcome": "ok", "quality": "exact"}
ENDING = {**ENDED, "upstream_request_id": "", "stop_reason": "", "error_type": ""}
OLD_ROWS: dict[str, dict[str, object]] = {
    "attempts_opened": OFFER
    | WHERE
    | {"seq": 1, "event_id": "old", "request_id": "r", "attempt": 1, "at_us": 1, "session": "", "stream": 0}
    | {"prompt_bytes": 9, "recorded_at_us": 1},
    "attempts_closed": COUNTS | ENDING | {"opened_seq": 1, "revision": 0, "at_us": 2, "recorded_at_us": 2},
    "ratings": {"opened_seq": 1, "revision": 0, "amount_picos": 7, "reason": "", "scope": "global", "rated_at_us": 2},
    "prunes": {"prune_id": 1, "at_us": 1, "before_us": 0, "attempts": 1, "keep_tags": "[]"},
    "tombstones": OFFER
    | WHERE
    | COUNTS
    | ENDED
    | {"prune_id": 1, "day_us": 0, "requests": 1, "attempts": 1, "unknown_usage": 0, "amount_picos": "5"},
}


@pytest.mark.parametrize("most", [replace(SEEN, output=400), replace(SEEN, output=None)])
def test_bounds_survive_an_export_and_a_prune(tmp_path: Path, most: Usage) -> None:
    clock = world.clock()
    clock.advance(timedelta(days=20))
    with world.ledger(tmp_path, clock=clock) as ledger:
        ledger.append([cut("e1", usage_upper=most), world.event("e2")])
        before = ledger.spend()[0]
        write_export(ledger.events(), tmp_path / "copy.jsonl")
        ledger.prune(datetime(2026, 5, 1, tzinfo=UTC))
        after = ledger.spend()[0]
        assert (after.amount, after.lower, after.upper) == (before.amount, before.lower, before.upper)
    copied = list(importers.ledger_export.read(tmp_path / "copy.jsonl", ImportOptions()))
    assert copied == [cut("e1", usage_upper=most), world.event("e2")]


@pytest.mark.parametrize(
    ("outcome", "error_type", "state"),
    [
        (Outcome.OK, "", "ok"),
        (Outcome.CANCELLED, "client_gone", "client_abort"),
        (Outcome.CANCELLED, "client_stalled", "client_abort"),
        (Outcome.CANCELLED, "killed", "gateway_error"),
        (Outcome.REFUSED, "overloaded_error", "upstream_error"),
        (Outcome.FAILED, "api_error", "upstream_error"),
        (Outcome.CUT, "overloaded_error", "upstream_error"),
        (Outcome.CUT, "deadline", "gateway_error"),
        (Outcome.FAILED, "shutdown", "gateway_error"),
        (Outcome.FAILED, "gateway.ValueError", "gateway_error"),
        (Outcome.CUT_BY_BUDGET, "cut_by_budget", "cut_by_budget"),
        (Outcome.ABANDONED, "abandoned", "gateway_error"),
    ],
)
def test_a_terminal_state_says_who_ended_it(outcome: Outcome, error_type: str, state: str) -> None:
    assert terminal_state(outcome, error_type) is TerminalState(state)
