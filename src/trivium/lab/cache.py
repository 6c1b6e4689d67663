"""The prompt cache: prefixes marked by `cache_control`, matched exactly, alive for five minutes or an hour.

Positions are blocks in the order tools, system, messages. A breakpoint looks for an entry at its own block and at
the 19 before it; the longest hit of all breakpoints is read, and what lies between it and the last breakpoint is
written. Time comes in as an argument, so trace time expires entries as real time would.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

LOOKBACK_BLOCKS = 20
_ENTRIES_MAX = 100_000  # beyond it the dead are swept out
TTL_S = {"5m": 300, "1h": 3600}


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """A block that carries `cache_control`."""

    position: int  # index of the block that ends the prefix
    ttl_s: int


@dataclass(frozen=True, slots=True)
class Lookup:
    """What a request reads from the cache and will write to it; `read + write_5m + write_1h + input` is the prompt."""

    read: int
    write_5m: int
    write_1h: int
    input: int
    refreshes: tuple[bytes, ...]
    writes: tuple[tuple[bytes, int], ...]  # (prefix hash, life in seconds)


@dataclass(slots=True)
class _Entry:
    ttl_s: int
    expires_at: datetime


class PromptCache:
    """Entries of one lab, partitioned by an owner key (surface, account, model)."""

    def __init__(self) -> None:
        self._entries: dict[tuple[tuple[str, ...], bytes], _Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    def look_up(
        self,
        owner: tuple[str, ...],
        prefix_hashes: Sequence[bytes],
        prefix_tokens: Sequence[int],
        breakpoints: Sequence[Breakpoint],
        tokens_min: int,
        at: datetime,
    ) -> Lookup:
        """What a request at `at` would read and write. `prefix_*[i]` describe the prompt up to and with block i."""
        total = prefix_tokens[-1] if prefix_tokens else 0
        eligible = [point for point in breakpoints if prefix_tokens[point.position] >= tokens_min]
        hit = self._longest_hit(owner, prefix_hashes, prefix_tokens, eligible, tokens_min, at)
        read = prefix_tokens[hit] if hit >= 0 else 0
        refreshes = [prefix_hashes[hit]] if hit >= 0 else []
        refreshes += [prefix_hashes[point.position] for point in eligible if point.position < hit]
        beyond = [point for point in eligible if point.position > hit]
        end_1h = max((prefix_tokens[point.position] for point in beyond if point.ttl_s == TTL_S["1h"]), default=read)
        end = max((prefix_tokens[point.position] for point in beyond), default=read)
        return Lookup(
            read=read,
            write_5m=end - end_1h,
            write_1h=end_1h - read,
            input=total - end,
            refreshes=tuple(refreshes),
            writes=tuple((prefix_hashes[point.position], point.ttl_s) for point in beyond),
        )

    def commit(self, owner: tuple[str, ...], lookup: Lookup, at: datetime) -> None:
        """The response starts: what was read lives on, what was written becomes readable."""
        for prefix in lookup.refreshes:
            entry = self._entries.get((owner, prefix))
            if entry is not None and at < entry.expires_at:
                entry.expires_at = max(entry.expires_at, at + timedelta(seconds=entry.ttl_s))
        if len(self._entries) > _ENTRIES_MAX:
            self._entries = {key: entry for key, entry in self._entries.items() if at < entry.expires_at}
        for prefix, ttl_s in lookup.writes:
            expires_at = at + timedelta(seconds=ttl_s)
            entry = self._entries.get((owner, prefix))
            if entry is None or entry.expires_at < expires_at:
                self._entries[owner, prefix] = _Entry(ttl_s, expires_at)

    def _longest_hit(
        self,
        owner: tuple[str, ...],
        prefix_hashes: Sequence[bytes],
        prefix_tokens: Sequence[int],
        eligible: Sequence[Breakpoint],
        tokens_min: int,
        at: datetime,
    ) -> int:
        best = -1
        for point in reversed(eligible):
            for position in range(point.position, max(point.position - LOOKBACK_BLOCKS, best), -1):
                if prefix_tokens[position] < tokens_min:
                    break
                entry = self._entries.get((owner, prefix_hashes[position]))
                if entry is not None and at < entry.expires_at:
                    best = max(best, position)
                    break
        return best
