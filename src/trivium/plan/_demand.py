"""Demand: what each (workload, model) consumed, summed so that any offer and cache life can still be priced exactly.

Sums are kept per present offer and prompt-length band, because a price depends on the length of each prompt and an
aggregate that hides a band cannot be priced. Cache life is a decision of the plan, so each request also contributes
what a cache of five minutes or of an hour would have let it read, judged by the measured idle gap before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from enum import Enum
from functools import cached_property
from typing import TypeVar

from trivium.core import Offer, Usage

T = TypeVar("T")

LIFE_S: Mapping[str, int] = {"5m": 300, "1h": 3600}
GAP_EDGES_S = (60, 300, 900, 3600)


class Reads(Enum):
    """What `cache_read` means in the events at hand."""

    BILLED = "billed"  # what the surface reported: idle gaps have already turned reads into writes
    REUSABLE = "reusable"  # the longest common prefix with the request before, whatever the gap
    AUTO = "auto"  # reusable where an event is of a recorded trace and its counts are estimated; else billed


@dataclass(frozen=True, slots=True)
class BandUsage:
    """Everything that ran on one offer with prompts of one band. Token counts; every field is a plain sum.

    `cached` is the part of the prompts under cache control: read or written. `here_*` is how much of it that cache
    life would have read with every request where it ran; `joined_*` with each conversation kept on one surface.
    `shared` are reads of prefixes that other sessions had written: what is lost when sessions are divided.
    """

    offer: Offer
    band: int
    requests: int = 0
    input: int = 0
    output: int = 0
    cached: int = 0
    read: int = 0
    write_5m: int = 0
    write_1h: int = 0
    here_5m: int = 0
    here_1h: int = 0
    joined_5m: int = 0
    joined_1h: int = 0
    shared: int = 0
    web_search: int = 0
    web_fetch: int = 0
    code_execution_hours: int = 0

    def as_sent(self) -> Usage:
        """The measured counts."""
        return self._usage(self.read, self.write_5m, self.write_1h)

    def with_life(self, life: str, *, joined: bool = True, divided: bool = False) -> Usage:
        """The counts under one cache life; `divided` turns reads of other sessions' prefixes into writes."""
        joined_read, here_read = (self.joined_5m, self.here_5m) if life == "5m" else (self.joined_1h, self.here_1h)
        read = joined_read if joined else here_read
        if divided:
            read -= min(read, self.shared)
        written = self.cached - read
        return self._usage(read, *((written, 0) if life == "5m" else (0, written)))

    def uncached(self) -> Usage:
        """The counts if no request finds anything in a cache."""
        return replace(self._usage(0, 0, 0), input=self.input + self.cached)

    def _usage(self, read: int, write_5m: int, write_1h: int) -> Usage:
        return Usage(
            self.input,
            self.output,
            read,
            write_5m,
            write_1h,
            self.web_search,
            self.web_fetch,
            self.code_execution_hours,
        )

    def scaled(self, factor: int) -> BandUsage:
        """Every sum times a whole number."""
        counts = {item.name: getattr(self, item.name) * factor for item in fields(self)[2:]}
        return replace(self, **counts)


@dataclass(frozen=True, slots=True)
class Minute:
    """One clock minute with traffic: what quotas are measured against."""

    minute: int  # since 1970-01-01T00:00Z
    requests: int
    input: int
    output: int
    cached: int
    joined_5m: int
    joined_1h: int

    @property
    def at(self) -> datetime:
        """The minute's first instant."""
        return datetime.fromtimestamp(self.minute * 60, UTC)

    def counts(self, life: str) -> dict[str, int]:
        """What a quota may count, under a cache life."""
        read = self.joined_1h if life == "1h" else self.joined_5m
        return {
            "requests": self.requests,
            "input": self.input,
            "output": self.output,
            "cache_read": read,
            "cache_write": self.cached - read,
        }


@dataclass(frozen=True, slots=True)
class Gap:
    """Requests that followed the one before in their conversation in less than `upto_s` (None: any longer gap)."""

    upto_s: int | None
    requests: int
    cached: int  # their prompt tokens under cache control


@dataclass(frozen=True, slots=True)
class Span:
    """What was counted in a stretch of time within which nothing finer is known."""

    minute: int  # its first, since 1970-01-01T00:00Z
    minutes: int  # how many
    requests: int
    input: int
    output: int
    cached: int
    joined_5m: int

    def share_before(self, until: datetime) -> float:
        """How much of it lies before an instant, as far as it was even."""
        return min(max((until.timestamp() / 60 - self.minute) / self.minutes, 0.0), 1.0)


@dataclass(frozen=True)
class Demand:
    """What one workload asked of one model in the measured span."""

    workload: str
    model: str
    rows: tuple[BandUsage, ...]
    band_starts: tuple[int, ...] = (0,)
    minutes: tuple[Minute, ...] = ()
    gaps: tuple[Gap, ...] = ()
    sessions: int = 0
    conversations: int = 0
    streamed: int = 0
    prompt_tokens_max: int = 0
    unknown: int = 0  # requests whose counts are unknown; they are not in the sums
    first_at: datetime | None = None
    last_at: datetime | None = None
    spans: tuple[Span, ...] = ()  # of a source of totals: its `minutes` are then their busiest ones, not all there were

    @cached_property
    def stretches(self) -> tuple[Span, ...]:
        """All that was counted, by when it was: the spans of a source of totals, else the minutes."""
        if self.spans:
            return self.spans
        return tuple(Span(m.minute, 1, m.requests, m.input, m.output, m.cached, m.joined_5m) for m in self.minutes)

    @cached_property
    def requests(self) -> int:
        """Requests in the sums."""
        return sum(row.requests for row in self.rows)

    @cached_property
    def usage(self) -> Usage:
        """All measured counts; for display, since a sum over bands cannot be priced."""
        return sum((row.as_sent() for row in self.rows), Usage())

    @cached_property
    def offers(self) -> tuple[tuple[Offer, int], ...]:
        """Where it runs now, with requests, most first."""
        found: dict[Offer, int] = {}
        for row in self.rows:
            found[row.offer] = found.get(row.offer, 0) + row.requests
        return tuple(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    @property
    def home(self) -> Offer:
        """The offer that carries most requests now."""
        return self.offers[0][0]

    @property
    def hit_rate(self) -> float:
        """Share of prompt tokens read from a cache, for display."""
        usage = self.usage
        return (usage.cache_read or 0) / (usage.prompt_tokens or 1)

    def remembered(self, key: tuple[object, ...], find: Callable[[], T]) -> T:
        """The answer to a question, found once."""
        if key not in self._answers:
            self._answers[key] = find()
        return self._answers[key]  # type: ignore[return-value]  # the key names the question, so the type is find's

    @cached_property
    def _answers(self) -> dict[tuple[object, ...], object]:
        return {}

    def peak(self, life: str = "5m") -> dict[str, int]:
        """The most of each count in one minute."""
        return self._over_minutes(life, 1.0)

    def p99(self, life: str = "5m") -> dict[str, int]:
        """The 99th percentile over minutes with traffic (inverse of the empirical distribution)."""
        return self._over_minutes(life, 0.99)

    def _over_minutes(self, life: str, share: float) -> dict[str, int]:
        counted = [minute.counts(life) for minute in self.minutes]
        if not counted:
            return {}
        rank = max(-(-len(counted) * int(share * 100) // 100) - 1, 0)
        return {name: sorted(counts[name] for counts in counted)[rank] for name in counted[0]}

    def scaled(self, factor: int) -> Demand:
        """The same shape with a whole multiple of the traffic in every minute."""
        minutes = tuple(
            Minute(m.minute, *(factor * n for n in (m.requests, m.input, m.output, m.cached, m.joined_5m, m.joined_1h)))
            for m in self.minutes
        )
        return replace(self, rows=tuple(row.scaled(factor) for row in self.rows), minutes=minutes)

    def units(self) -> Iterator[str]:
        """Usage units with a count above zero."""
        return (unit for unit, count in self.usage if count)
