"""Demand measured from usage events, in one pass and constant memory per conversation."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from operator import attrgetter

from trivium.core import Offer, Outcome, Quality, Usage, UsageEvent, UserError
from trivium.core.usage import UNITS
from trivium.plan._demand import GAP_EDGES_S, LIFE_S, BandUsage, Demand, Gap, Minute, Reads

_LIFE_5M, _LIFE_1H = LIFE_S["5m"], LIFE_S["1h"]
_NONE_HIDDEN = (0, 0, 0, 0)
_REUSED = 7  # of a row's sums: where `here_5m` stands, followed by `here_1h` and the two of `joined`
_counts_of: Callable[[Usage], tuple[int | None, ...]] = attrgetter(*UNITS)


def demand_from_events(
    events: Iterable[UsageEvent],
    *,
    band_starts: Sequence[int] = (0,),
    reads: Reads = Reads.AUTO,
    progress: Callable[[int], None] | None = None,
) -> tuple[Demand, ...]:
    """Demand per (workload, model), sorted; the requests of one conversation must come in order of time.

    `band_starts` are the prompt lengths at which some price changes (`plan.band_starts(book)`). Refused attempts and
    token counts consumed nothing; attempts with unknown usage are counted in `unknown`. `progress` is told the number
    of events read, every 1,000.
    """
    if any(start < 0 for start in band_starts):
        raise UserError("band_starts", tuple(band_starts), "give prompt lengths, 0 or more")
    starts = tuple(sorted({0, *band_starts}))
    found: dict[tuple[str, str], _Sums] = {}
    number = 0
    for number, event in enumerate(events, 1):
        opened, closed = event.opened, event.closed
        if progress is not None and number % 1000 == 0:
            progress(number)
        if closed.outcome is Outcome.REFUSED or opened.endpoint != "messages":
            continue
        key = (opened.workload, opened.offer.model)
        sums = found.get(key)
        if sums is None:
            sums = found[key] = _Sums(starts, reads)
        sums.add(event)
    if progress is not None:
        progress(number)
    return tuple(sums.demand(*key) for key, sums in sorted(found.items()) if sums.rows or sums.unknown)


class _Turn:
    """The last request of a conversation: when, where, how much stood under cache control, and its cache life."""

    __slots__ = ("at_s", "cached", "life_s", "surface")

    def __init__(self, at_s: float, surface: str, cached: int, life_s: int) -> None:
        self.at_s, self.surface, self.cached, self.life_s = at_s, surface, cached, life_s


class _Sums:
    """Running sums of one (workload, model)."""

    def __init__(self, starts: tuple[int, ...], reads: Reads) -> None:
        self.starts, self.reads = starts, reads
        self.rows: dict[tuple[Offer, int], list[int]] = {}
        self.minutes: dict[int, list[int]] = {}
        self.gaps = [[0, 0] for _ in range(len(GAP_EDGES_S) + 1)]
        self.turns: dict[tuple[str, str], _Turn] = {}
        self.sessions: set[str] = set()
        self.streamed = self.unknown = self.prompt_max = self.alone = 0
        self.alive_read = self.alive_could = (
            0  # of requests whose prefix still lived: what they read of what they could
        )
        self.first_at: datetime | None = None
        self.last_at: datetime | None = None

    def add(self, event: UsageEvent) -> None:
        """Take in one event."""
        opened = event.opened
        counts = _counts_of(event.closed.usage)
        known = [count for count in counts if count is not None]
        if len(known) < len(counts):
            self.unknown += 1
            return
        at = opened.at
        if self.first_at is None or at < self.first_at:
            self.first_at = at
        if self.last_at is None or at > self.last_at:
            self.last_at = at
        self.streamed += opened.stream
        plain, output, read, write_5m, write_1h, *tools = known
        cached = read + write_5m + write_1h
        prompt = plain + cached
        self.prompt_max = max(self.prompt_max, prompt)
        billed = self._billed(event)
        reusable = self._reusable(event, read, cached, write_1h, billed=billed)
        here_5m, _, joined_5m, joined_1h = reusable[:4]
        if not billed:
            read, write_5m, write_1h = here_5m, cached - here_5m, 0
        key = (opened.offer, bisect_right(self.starts, prompt) - 1)
        more = (1, plain, output, cached, read, write_5m, write_1h, *reusable[:5], *tools, *reusable[5:])
        row = self.rows.get(key)
        self.rows[key] = list(more) if row is None else [a + b for a, b in zip(row, more, strict=True)]
        minute = int(at.timestamp() // 60)
        load = (1, plain, output, cached, joined_5m, joined_1h, *reusable[7:])
        sums = self.minutes.get(minute)
        self.minutes[minute] = list(load) if sums is None else [a + b for a, b in zip(sums, load, strict=True)]

    def _billed(self, event: UsageEvent) -> bool:
        if self.reads is Reads.AUTO:
            return event.closed.quality is not Quality.ESTIMATED or "trace" not in event.opened.tags
        return self.reads is Reads.BILLED

    def _reusable(self, event: UsageEvent, read: int, cached: int, write_1h: int, *, billed: bool) -> tuple[int, ...]:
        """What 5 minutes and 1 hour of life read: where it ran, then kept on one surface; and the shared reads.

        Then how much of the first four was not billed as read, and is taken to be re-used like the rest.
        """
        opened = event.opened
        if not opened.session:  # nothing is known of what came before: reads stay as they are
            self.alone += 1
            return read, read, read, read, 0, *_NONE_HIDDEN
        conversation = (opened.session, opened.tags.get("subagent", ""))
        at_s, surface = opened.at.timestamp(), opened.offer.surface
        before = self.turns.get(conversation)
        new_session = opened.session not in self.sessions
        if before is None:
            self.sessions.add(opened.session)
            self.turns[conversation] = _Turn(at_s, surface, cached, _LIFE_1H if write_1h else _LIFE_5M)
            if not billed:  # shared with another model's request, if at all: another cache
                return 0, 0, 0, 0, 0, *_NONE_HIDDEN
            return read, read, read, read, read if new_session else 0, *_NONE_HIDDEN
        gap_s = max(at_s - before.at_s, 0.0)
        bucket = self.gaps[bisect_right(GAP_EDGES_S, gap_s)]
        bucket[0] += 1
        bucket[1] += cached
        if not billed:
            reuse = min(read, before.cached)
            short, long = (reuse if gap_s < life_s else 0 for life_s in (_LIFE_5M, _LIFE_1H))
            result: tuple[int, ...] = (short, long, short, long, 0, *_NONE_HIDDEN)
        else:
            could = max(read, min(before.cached, cached))
            if surface == before.surface and gap_s < before.life_s:
                self.alive_read += read
                self.alive_could += could
            result = _reusable_billed(before, gap_s, surface, read, could)
        before.at_s, before.surface, before.cached = max(at_s, before.at_s), surface, cached
        if write_1h:
            before.life_s = _LIFE_1H
        return result

    def _lost(self, hidden: int) -> int:
        """The part of what was hidden that no life would have read, because prompts are rewritten now and then."""
        if not self.alive_could:
            return 0
        return hidden - hidden * self.alive_read // self.alive_could

    def _kept(self, row: list[int]) -> list[int]:
        """The sums of a row, with re-use as far as it was measured where the prefix still lived."""
        sums, hidden = row[:-4], row[-4:]
        for number, amount in enumerate(hidden, _REUSED):
            sums[number] -= self._lost(amount)
        return sums

    def _minute(self, minute: int, load: list[int]) -> Minute:
        requests, plain, output, cached, joined_5m, joined_1h, hidden_5m, hidden_1h = load
        short, long = joined_5m - self._lost(hidden_5m), joined_1h - self._lost(hidden_1h)
        return Minute(minute, requests, plain, output, cached, short, long)

    def demand(self, workload: str, model: str) -> Demand:
        """The sums as a value."""
        upto = (*GAP_EDGES_S, None)
        return Demand(
            workload=workload,
            model=model,
            rows=tuple(BandUsage(offer, band, *self._kept(row)) for (offer, band), row in sorted(self.rows.items())),
            band_starts=self.starts,
            minutes=tuple(self._minute(minute, load) for minute, load in sorted(self.minutes.items())),
            gaps=tuple(Gap(edge, *bucket) for edge, bucket in zip(upto, self.gaps, strict=True)),
            sessions=len(self.sessions),
            conversations=len(self.turns) + self.alone,
            streamed=self.streamed,
            prompt_tokens_max=self.prompt_max,
            unknown=self.unknown,
            first_at=self.first_at,
            last_at=self.last_at,
        )


def _reusable_billed(before: _Turn, gap_s: float, surface: str, read: int, could: int) -> tuple[int, ...]:
    """From what was billed: a gap longer than the life, or another surface, hid what could have been read.

    What could have been read is what the request before had under cache control, as far as this one has as much; of
    what was hidden, the same share is taken to be re-used as of what was not (`_Sums._lost`).
    """
    moved = surface != before.surface
    if not moved and gap_s < before.life_s:  # alive: what was read is what can be read
        short = read if gap_s < _LIFE_5M else 0
        return short, read, short, read, 0, *_NONE_HIDDEN
    hidden_5m = could - read if gap_s < _LIFE_5M else 0
    hidden_1h = could - read if gap_s < _LIFE_1H else 0
    joined = (read + hidden_5m, read + hidden_1h)
    if moved:
        return read, read, *joined, 0, 0, 0, hidden_5m, hidden_1h
    return *joined, *joined, read, hidden_5m, hidden_1h, hidden_5m, hidden_1h
