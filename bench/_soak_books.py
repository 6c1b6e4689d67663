"""The soak's auditor: what clients saw, what the ledger holds and what the lab billed, request by request."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bench._soak_client import Seen, known_tokens

from trivium.core import Money, Outcome, Quality, UsageEvent, parse_utc
from trivium.ledger import Rating
from trivium.pricing import PriceBook, price

ATTEMPTS_MAX = 3  # the gateway's default: one and two extra ones
UNKNOWN_BILLS_MAX = 2  # attempts of a request that may be billed without an answer
NOTHING = Money(0)


@dataclass(slots=True)
class Sums:
    """What the balances of all rounds add up to."""

    lab: Money = NOTHING
    exact: Money = NOTHING  # attempts with exact counts
    estimated: Money = NOTHING  # attempts whose answer broke off: the ledger's amount, and the lab's
    estimated_lab: Money = NOTHING
    upper: Money = NOTHING  # the most that attempts without exact counts may have cost
    unknown_lab: Money = NOTHING  # what the lab billed for attempts without any counts
    attempts: Counter[str] = field(default_factory=Counter)  # by how they ended
    lines: int = 0
    checked: Counter[str] = field(default_factory=Counter)  # how often each invariant was looked at


@dataclass(frozen=True, slots=True)
class Entry:
    """An attempt of the ledger with its rating."""

    event: UsageEvent
    rating: Rating


class Books:
    """Balances one round after the other; `broken` collects what does not hold."""

    def __init__(self, book: PriceBook) -> None:
        self.book = book
        self.sums = Sums()
        self.broken: list[str] = []

    def balance(self, seen: Sequence[Seen], entries: Iterable[Entry], lines: Iterable[Mapping[str, Any]]) -> None:
        """One round: each request's view of the client, of the ledger and of the lab."""
        attempts = _by_request(seen, entries, self.broken)
        billed: dict[datetime, list[Mapping[str, Any]]] = defaultdict(list)
        for line in lines:
            billed[parse_utc(line["at"])].append(line)
            self.sums.lines += 1
            self.sums.lab += Money.from_usd(line["amount_usd"])
        for one in seen:
            at = parse_utc(one.at)
            self._request(one, attempts.get(at, []), billed.pop(at, []))
        if billed:
            self._say("bill", f"the lab billed {sum(map(len, billed.values()))} answers that no client asked for")
        low, high = self.sums.exact, self.sums.exact + self.sums.upper
        if not low <= self.sums.lab <= high:
            self._say("sums", f"the lab's bill {self.sums.lab} is not within {low} and {high}")
        self.sums.checked["sums"] += 1

    def _say(self, invariant: str, text: str) -> None:
        self.broken.append(f"{invariant}: {text}")

    def _request(self, seen: Seen, entries: list[Entry], lines: list[Mapping[str, Any]]) -> None:
        name = f"request at {seen.at} ({seen.state})"
        self._law(seen, entries, name)
        whole = [entry for entry in entries if entry.event.closed.outcome is Outcome.OK]
        if seen.state == "whole":
            self.sums.checked["complete"] += 1
            told = known_tokens(whole[0].event.closed.usage) if len(whole) == 1 else None
            if told != seen.tokens:
                self._say(
                    "complete", f"{name}: the client saw {seen.tokens}, the ledger {told} in {len(whole)} records"
                )
        left = list(lines)
        for entry in sorted(entries, key=_certainty):
            self.sums.attempts[entry.event.closed.outcome.value] += 1
            self._entry(entry, left, name)
        if left:
            ends = [entry.event.closed.outcome.value for entry in entries]
            self._say("bill", f"{name}: billed by {left[0]['surface']} ({left[0]['outcome']}), attempts ended {ends}")

    def _law(self, seen: Seen, entries: list[Entry], name: str) -> None:
        """Attempts are counted from 1, few, of one request id, and at most one succeeded."""
        self.sums.checked["law"] += 1
        numbers = sorted(entry.event.opened.attempt for entry in entries)
        ids = {entry.event.opened.request_id for entry in entries}
        if numbers != list(range(1, len(numbers) + 1)) or len(numbers) > ATTEMPTS_MAX:
            self._say("law", f"{name}: attempts are numbered {numbers}")
        if len(ids) > 1 or (ids and seen.request_id and ids != {seen.request_id}):
            self._say("law", f"{name}: the client knows it as {seen.request_id}, the ledger as {sorted(ids)}")
        ends = Counter(entry.event.closed.outcome for entry in entries)
        if ends[Outcome.OK] > 1 or ends[Outcome.FAILED] + ends[Outcome.CUT] > UNKNOWN_BILLS_MAX:
            self._say("law", f"{name}: attempts ended {dict(ends)}")

    def _entry(self, entry: Entry, left: list[Mapping[str, Any]], name: str) -> None:
        """Find the bill line of one attempt and take it away."""
        closed, rating = entry.event.closed, entry.rating
        tokens = known_tokens(closed.usage)
        candidates = [line for line in left if line["surface"] == entry.event.opened.offer.surface]
        if tokens is None:
            self._unknown(entry, candidates, left, name)
            return
        if rating.amount is None:
            self._say("rating", f"{name}: counts are known, the amount is not: {rating.reason}")
            return
        if not tokens:  # refused, or never sent
            self.sums.checked["free"] += 1
            if rating.amount != NOTHING:
                self._say("free", f"{name}: {closed.outcome.value} and yet {rating.amount} USD")
            return
        if closed.quality is Quality.EXACT:
            self.sums.checked["exact"] += 1
            self.sums.exact += rating.amount
            match = [line for line in candidates if _counted(line) == tokens]
            match = [line for line in match if Money.from_usd(line["amount_usd"]) == rating.amount]
            if not match:
                billed = [(line["outcome"], _counted(line), line["amount_usd"]) for line in candidates]
                self._say("exact", f"{name}: ledger {closed.outcome.value} {tokens} {rating.amount}, bill {billed}")
                left[:] = [line for line in left if line not in candidates[:1]]
                return
            left.remove(match[0])
            return
        self._estimated(entry, tokens, candidates, left, name)

    def _estimated(
        self,
        entry: Entry,
        tokens: Mapping[str, int],
        candidates: Sequence[Mapping[str, Any]],
        left: list[Mapping[str, Any]],
        name: str,
    ) -> None:
        """The prompt is known exactly, the output by its size."""
        opened, closed = entry.event.opened, entry.event.closed
        self.sums.checked["estimated"] += 1
        prompt = {unit: count for unit, count in tokens.items() if unit != "output"}
        match = [line for line in candidates if {u: n for u, n in _counted(line).items() if u != "output"} == prompt]
        upper = price(replace(closed.usage, output=opened.max_output_tokens), opened.offer, opened.at, self.book).amount
        if not match or Money.from_usd(match[0]["amount_usd"]) > upper:
            self._say("estimated", f"{name}: ledger {closed.outcome.value} {dict(tokens)}, bill {list(candidates)}")
            return
        left.remove(match[0])
        self.sums.upper += upper
        self.sums.estimated += entry.rating.amount or NOTHING
        self.sums.estimated_lab += Money.from_usd(match[0]["amount_usd"])

    def _unknown(
        self, entry: Entry, candidates: Sequence[Mapping[str, Any]], left: list[Mapping[str, Any]], name: str
    ) -> None:
        """Nobody knows what it cost; the bounds must hold what the lab billed, if it billed anything."""
        self.sums.checked["bounds"] += 1
        lower, upper = entry.rating.lower, entry.rating.upper
        if lower is None or upper is None:
            self._say("bounds", f"{name}: {entry.event.closed.outcome.value} without bounds: {entry.rating.reason}")
            return
        self.sums.upper += upper
        if not candidates:
            return
        amount = Money.from_usd(candidates[0]["amount_usd"])
        if not lower <= amount <= upper:
            self._say("bounds", f"{name}: billed {amount}, not within {lower} and {upper}")
        self.sums.unknown_lab += amount
        left.remove(candidates[0])

    def whole_ledger(self, path: Path, spent: Money) -> None:
        """The file itself, read without the product: one end a start, nothing twice; and the ledger's own total."""
        with sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True) as file:
            (opened, ids), (ends, corrections), (twice,) = (
                file.execute(query).fetchone()
                for query in (
                    "SELECT count(*), count(DISTINCT event_id) FROM attempts_opened",
                    "SELECT sum(revision = 0), sum(revision > 0) FROM attempts_closed",
                    "SELECT count(*) - count(DISTINCT request_id || '/' || attempt) FROM attempts_opened",
                )
            )
            (orphans,) = file.execute(
                "SELECT count(*) FROM attempts_closed WHERE opened_seq NOT IN (SELECT seq FROM attempts_opened)"
            ).fetchone()
        file.close()
        self.sums.checked["file"] += 1
        if (opened, twice, orphans, corrections) != (ends, 0, 0, 0) or ids != opened:
            self._say(
                "file",
                f"{opened} starts with {ids} ids, {ends} ends, {orphans} without a start, {corrections} corrected, "
                f"{twice} attempts twice",
            )
        if spent != self.sums.exact + self.sums.estimated:
            self._say(
                "file", f"the ledger's total is {spent}, its attempts give {self.sums.exact + self.sums.estimated}"
            )


def _by_request(seen: Sequence[Seen], entries: Iterable[Entry], broken: list[str]) -> dict[datetime, list[Entry]]:
    """Attempts by the trace time of their request: the latest of its conversation that is not after the attempt."""
    times: dict[str, list[datetime]] = defaultdict(list)
    for one in seen:
        times[one.session].append(parse_utc(one.at))
    found: dict[datetime, list[Entry]] = defaultdict(list)
    for entry in entries:
        opened = entry.event.opened
        before = [at for at in times[opened.session] if at <= opened.at]
        if before:
            found[max(before)].append(entry)
        else:
            broken.append(f"ledger: attempt {opened.event_id} belongs to no request")
    return found


def _certainty(entry: Entry) -> int:
    closed = entry.event.closed
    return {Quality.EXACT: 0, Quality.ESTIMATED: 1, Quality.UNKNOWN: 2}[closed.quality]


def _counted(line: Mapping[str, Any]) -> dict[str, int]:
    return {unit: count for unit, count in line["tokens"].items() if count}
