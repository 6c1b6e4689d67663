"""Holds a secret that expires: fetched in a thread, by one caller at a time, and ahead of its end in the background."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from trivium.core import Clock, Retry, TriviumError, UpstreamError

Value = TypeVar("Value")

FETCH_S_MAX = 30.0  # a token endpoint that takes longer is treated as failed
_PAUSE = timedelta(seconds=30)  # between background fetches that bring nothing newer
_USABLE = timedelta(seconds=5)  # a value this close to its end may be refused on arrival
_log = logging.getLogger("trivium.gateway")


@dataclass(frozen=True, slots=True)
class Held(Generic[Value]):
    """A fetched value and when it ends; None means it is good until someone refuses it."""

    value: Value
    expires_at: datetime | None = None

    def __repr__(self) -> str:
        return f"Held(***, expires_at={self.expires_at})"


class Keeper(Generic[Value]):
    """`fetch` blocks (network, files, subprocesses), so it runs in a thread; however many ask, it runs once.

    From `ahead` before the end of a value on, the old one is still handed out while a new one is fetched. Once a
    value has ended, callers wait for the new one.
    """

    def __init__(self, surface: str, fetch: Callable[[], Held[Value]], *, clock: Clock, ahead: timedelta) -> None:
        self._surface = surface
        self._fetch = fetch
        self._clock = clock
        self._ahead = ahead
        self._held: Held[Value] | None = None
        self._fetching: asyncio.Future[Held[Value]] | None = None
        self._next_try = datetime.min.replace(tzinfo=UTC)

    async def get(self) -> Value:
        """The value; raises UpstreamError (retry elsewhere) when there is none to be had."""
        held, now = self._held, self._clock.now()
        if held is not None and (held.expires_at is None or now < held.expires_at - self._ahead):
            return held.value
        if held is not None and held.expires_at is not None and now < held.expires_at - _USABLE:
            if now >= self._next_try:
                self._next_try = now + _PAUSE
                self._start()
            return held.value
        fetching = self._start()
        # waited for, not awaited: a client that leaves must not take the token away from the others who wait for it
        await asyncio.wait((fetching,), timeout=FETCH_S_MAX)
        if not fetching.done():
            raise UpstreamError(self._surface, f"no credential within {FETCH_S_MAX:g} s", retry=Retry.ELSEWHERE)
        error = fetching.exception()
        if error is None:
            return fetching.result().value
        if isinstance(error, UpstreamError):
            raise error
        # Whatever an SDK raised (there is no common base), the attempt fails and another surface may serve.
        # Its words stay in the cause: they may quote a secret. Ours do not.
        reason = str(error) if isinstance(error, TriviumError) else type(error).__name__
        raise UpstreamError(self._surface, f"no credential: {reason}", retry=Retry.ELSEWHERE) from error

    async def forget(self) -> None:
        """The surface refused the value: the next caller waits for a fresh one."""
        self._held = None

    def _start(self) -> asyncio.Future[Held[Value]]:
        fetching, loop = self._fetching, asyncio.get_running_loop()
        if fetching is None or fetching.done() or fetching.get_loop() is not loop:
            fetching = loop.run_in_executor(None, self._fetch)
            fetching.add_done_callback(self._arrived)
            self._fetching = fetching
        return fetching

    def _arrived(self, fetching: asyncio.Future[Held[Value]]) -> None:
        if fetching.cancelled():
            return
        error = fetching.exception()
        if error is None:
            self._held = fetching.result()
        else:  # without its words: they may quote a secret
            _log.warning("credential of %s could not be fetched: %s", self._surface, type(error).__name__)
