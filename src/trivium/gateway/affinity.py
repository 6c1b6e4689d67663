"""Where the prompt cache of a session, or of a prefix, lives: a bounded table in memory, with the life of the cache."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from trivium.core import Clock, Offer, Usage
from trivium.gateway.prefix import Prefix, fingerprint, wants_hour
from trivium.gateway.seams import MessagesRequest

_NS = 1_000_000_000
LIFE_S = {False: 300, True: 3600}  # of a cache, by whether the hour-long one was asked for
ENTRIES_MAX = 65_536

_Name = tuple[str, str, str | bytes]  # workload, model, session or fingerprint


@dataclass(frozen=True, slots=True)
class Home:
    """Where a cache lives, and what is known to be in it."""

    offer: Offer
    tokens: int | None  # None: the surface did not say
    hour: bool  # the hour-long cache was asked for
    until_ns: int


@dataclass(frozen=True, slots=True)
class Found:
    """A living cache, and by what it was found."""

    home: Home
    by: str  # session · prefix


class Marks:
    """What one request may be recognised by; fingerprints are taken when they are first needed, and once."""

    def __init__(self, request: MessagesRequest, workload: str) -> None:
        self._body = request.body
        self._scope = (workload, request.model)
        self._prefix: Prefix | None = None
        self.session = request.session
        self.of_use = True  # False: there is only one place to go

    @property
    def prefix(self) -> Prefix:
        """The fingerprints."""
        if self._prefix is None:
            self._prefix = fingerprint(self._body)
        return self._prefix

    @property
    def known(self) -> bool:
        """Whether what the request caches will be found again."""
        return self.of_use and bool(self.session or self.prefix.marked)

    @property
    def hour(self) -> bool:
        """Whether the request asks for the hour-long cache."""
        return wants_hour(self._body)

    @property
    def draw(self) -> str:
        """What a place is drawn by where no cache is known: every replica draws the same one."""
        return self.session or self.prefix.opening.hex()

    @property
    def by_session(self) -> _Name | None:
        """The name of its session, if it has one."""
        return (*self._scope, self.session) if self.session else None

    def by_prefix(self) -> Iterator[_Name]:
        """Names to look for, longest prefix first.

        A session that is new may go on with a conversation of before; the tools and system prompt that it shares with
        every other session do not say where it belongs.
        """
        places = self.prefix.turns if self.session else self.prefix.turns + self.prefix.base
        for digest in places:
            yield (*self._scope, digest)

    def to_keep(self) -> Iterator[_Name]:
        """Names under which its cache will be found; a known session needs no fingerprints."""
        if self.by_session is not None:
            yield self.by_session
        if self._prefix is not None or not self.session:
            for digest in self.prefix.marked:
                yield (*self._scope, digest)


class Affinity:
    """Session or prefix → home, the least recently used first to go."""

    def __init__(self, clock: Clock, *, entries_max: int = ENTRIES_MAX) -> None:
        self._clock = clock
        self._entries_max = entries_max
        self._homes: OrderedDict[_Name, Home] = OrderedDict()

    def __len__(self) -> int:
        return len(self._homes)

    def find(self, marks: Marks) -> Found | None:
        """Where the request's cache lives, if it still does."""
        if not marks.of_use:
            return None
        if marks.by_session is not None:
            home = self._living(marks.by_session)
            if home is not None:
                return Found(home, "session")
        for name in marks.by_prefix():
            home = self._living(name)
            if home is not None:
                return Found(home, "prefix")
        return None

    def keep(self, marks: Marks, offer: Offer, usage: Usage) -> None:
        """An answer came from there; where it read or wrote a cache, that lives on from now.

        Its life is the longest that the request asks for; a request that asks for less shortens nothing.
        """
        counts = (usage.cache_read, usage.cache_write_5m, usage.cache_write_1h)
        if not any(counts) or not marks.of_use:
            return
        tokens = None if None in counts else sum(count or 0 for count in counts)
        now_ns = self._clock.monotonic_ns()
        hour = marks.hour or bool(usage.cache_write_1h)
        for name in marks.to_keep():
            before = self._living(name)
            until_ns = now_ns + LIFE_S[hour] * _NS
            if before is not None and before.offer == offer:
                until_ns = max(until_ns, before.until_ns)
            self._homes[name] = Home(offer, tokens, hour, until_ns)
            self._homes.move_to_end(name)
        while len(self._homes) > self._entries_max:
            self._homes.popitem(last=False)

    def _living(self, name: _Name) -> Home | None:
        home = self._homes.get(name)
        if home is None:
            return None
        if home.until_ns <= self._clock.monotonic_ns():
            del self._homes[name]
            return None
        self._homes.move_to_end(name)
        return home
