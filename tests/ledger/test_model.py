"""A ledger and a small model of it agree, whatever is recorded, repeated, reaped, pruned, reopened or restored."""

from __future__ import annotations

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ledger import world
from trivium.core import Closed, DuplicateEvent, Money, Offer, Opened, Outcome, OutOfOrder, Quality, Usage, UsageEvent
from trivium.core.usage import UNKNOWN_USAGE

NAMES = st.sampled_from([f"e{number}" for number in range(6)])
WORKLOADS = st.sampled_from(["chat", "batch"])
DAYS = st.integers(0, 3)
USAGES = st.sampled_from([Usage(input=1000, output=200), Usage(cache_read=7), Usage(web_search=1), UNKNOWN_USAGE])
OFFERS = st.sampled_from([world.OPUS, Offer("vertex", "eu", "claude-opus-5")])
AMOUNTS = {USAGE: Money.from_usd(usd) for USAGE, usd in [
    (Usage(input=1000, output=200), "0.01"), (Usage(cache_read=7), "0.0000035"), (Usage(web_search=1), "0.01"),
]}  # fmt: skip


class LedgerMachine(RuleBasedStateMachine):
    """The model: what was opened, how it ended, and the sum of what was pruned."""

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ledger-model-"))
        self.clock = world.clock(world.NOON + timedelta(days=10))
        self.opened: dict[str, Opened] = {}
        self.closed: dict[str, Closed] = {}
        self.pruned_before = world.NOON - timedelta(days=100)
        self.pruned: dict[str, list[int]] = {}  # workload -> attempts, pico-dollars
        self.backups = 0
        self.ledger = world.ledger(self.folder, clock=self.clock)

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            self.ledger.close()
            shutil.rmtree(self.folder)

    @rule(name=NAMES, workload=WORKLOADS, day=DAYS, offer=OFFERS)
    def open_one(self, name: str, workload: str, day: int, offer: Offer) -> None:
        record = world.opened(name, workload=workload, at=world.NOON + timedelta(days=day), offer=offer)
        (result,) = self.ledger._commit([record])
        if name in self.opened:
            assert (result == "known") if self.opened[name] == record else isinstance(result, DuplicateEvent)
        elif record.at < self.pruned_before:
            assert isinstance(result, OutOfOrder)
        else:
            assert result == "new"
            self.opened[name] = record

    @rule(name=NAMES, usage=USAGES)
    def close_one(self, name: str, usage: Usage) -> None:
        quality = Quality.UNKNOWN if usage == UNKNOWN_USAGE else Quality.EXACT
        record = world.closed(name, usage=usage, quality=quality)
        (result,) = self.ledger._commit([record])
        known = self.closed.get(name)
        if name not in self.opened or (known is not None and known.outcome is not Outcome.ABANDONED):
            assert isinstance(result, OutOfOrder)
        else:
            assert result == "new"
            self.closed[name] = record

    @rule(names=st.lists(NAMES, max_size=4))
    def append_again(self, names: list[str]) -> None:
        events = [UsageEvent(self.opened[name], self.closed[name]) for name in names if name in self.closed]
        assert self.ledger.append(events).known == len(events)

    @rule()
    def reap(self) -> None:
        for rating in self.ledger.reap(timedelta(0)):
            assert rating.event_id not in self.closed
            assert rating.amount is None
            self.closed[rating.event_id] = self.ledger.event(rating.event_id).closed
        assert set(self.opened) == set(self.closed)

    @rule(day=DAYS)
    def prune(self, day: int) -> None:
        before = (world.NOON + timedelta(days=day)).replace(hour=0)
        if before < self.pruned_before:
            return
        gone = [name for name in self.closed if self._priced(name) is not None and self.opened[name].at < before]
        assert self.ledger.prune(before).attempts == len(gone)
        self.pruned_before = before
        for name in gone:
            sums = self.pruned.setdefault(self.opened[name].workload, [0, 0])
            amount = self._priced(name)
            assert amount is not None
            sums[0] += 1
            sums[1] += amount.picos
            del self.opened[name], self.closed[name]

    @rule()
    def reopen(self) -> None:
        self.ledger.close()
        self.ledger = world.ledger(self.folder, clock=self.clock)

    @rule(name=NAMES)
    def back_up_spoil_and_restore(self, name: str) -> None:
        self.backups += 1
        copy = self.ledger.backup(self.folder / f"backup-{self.backups}.db")
        spoil = world.opened(f"spoil-{self.backups}", at=world.NOON + timedelta(days=9))
        self.ledger._commit([spoil, world.closed(name)])
        self.clock.advance(timedelta(seconds=1))
        self.ledger.restore(copy)

    @rule()
    def rate_again(self) -> None:
        assert self.ledger.rate().priced == 0

    @invariant()
    def totals_agree(self) -> None:
        if not hasattr(self, "ledger"):
            return
        expected = {workload: [*sums, 0, 0] for workload, sums in self.pruned.items()}
        for name, record in self.opened.items():
            sums = expected.setdefault(record.workload, [0, 0, 0, 0])
            amount = self._priced(name) if name in self.closed else None
            sums[0] += 1
            sums[1] += 0 if amount is None else amount.picos
            sums[2] += name in self.closed and amount is None
            sums[3] += name not in self.closed
        found = {
            row.keys[0]: [row.attempts, row.amount.picos, row.unpriced, row.open]
            for row in self.ledger.spend(["workload"])
        }
        assert found == expected
        assert {event.opened.event_id: event for event in self.ledger.events()} == {
            name: UsageEvent(self.opened[name], self.closed[name]) for name in self.closed
        }
        assert {record.event_id for record in self.ledger.open_attempts()} == set(self.opened) - set(self.closed)
        assert self.ledger.verify() == ()

    def _priced(self, name: str) -> Money | None:
        if self.opened[name].offer != world.OPUS:
            return None
        return AMOUNTS.get(self.closed[name].usage)


LedgerMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestLedgerModel = LedgerMachine.TestCase
