"""One request in the air: who may cut it short and why, and work that must end even then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from enum import Enum
from typing import Any, TypeVar

from trivium.gateway.leaving import ReadOn

Result = TypeVar("Result")
_unfinished: set[asyncio.Future[Any]] = set()  # the loop itself holds its tasks weakly


class Cut(Enum):
    """Why a request is ended before its answer is."""

    CLIENT = "client_gone"
    STALLED = "client_stalled"
    DEADLINE = "deadline"
    SHUTDOWN = "shutdown"
    HEDGE = "hedge_lost"  # another attempt was first


class Flight:
    """The task that serves one request; cutting it cancels the task, and the reason tells it what to say.

    While `read_on` is set, a client that leaves does not end the task: nothing is written any more, and what still
    comes is read for its counts, as long as that allows.
    """

    __slots__ = ("_bytes", "_ending", "_muted", "landed", "read_on", "reason", "task")

    def __init__(self, mute: Callable[[], None] = lambda: None) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a flight begins inside a task")
        self.task = task
        self.reason: Cut | None = None
        self.landed = False
        self.read_on: ReadOn | None = None
        self._muted = mute
        self._bytes = 0
        self._ending: asyncio.TimerHandle | None = None

    def cut(self, reason: Cut) -> None:
        """End the request; the first reason stands."""
        if self.landed:
            return
        if self.reason is None:
            self.reason = reason
            if reason is Cut.CLIENT and self.read_on is not None:
                self._muted()
                self._ending = asyncio.get_running_loop().call_later(self.read_on.seconds_max, self._give_up)
            else:
                self.task.cancel()
        elif self._ending is not None and reason is not Cut.CLIENT:
            self._give_up()

    def _give_up(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
            self.task.cancel()

    def enough(self, size: int) -> bool:
        """Whether the client has left and what was read since is all that may be; `size` bytes just came."""
        if self._ending is None or self.read_on is None:
            return False
        self._bytes += size
        return self._bytes > self.read_on.bytes_max

    @property
    def abandoned(self) -> bool:
        """Whether the client has left while the task goes on."""
        return self._ending is not None

    def land(self) -> None:
        """It is over: nothing may cut it any more."""
        self.landed = True
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None

    def absorb(self) -> bool:
        """Whether a caught cancellation is this flight's own cut; if so it is over, and the task goes on."""
        if self.reason is None:
            return False
        self.land()
        self.task.uncancel()
        return True


def later(work: Coroutine[Any, Any, Result]) -> asyncio.Future[Result]:
    """Run `work` beside the request, which does not wait for it; a shutdown does."""
    future = asyncio.ensure_future(work)
    _unfinished.add(future)
    future.add_done_callback(_unfinished.discard)
    return future


async def unbroken(work: Coroutine[Any, Any, Result]) -> Result:
    """Await `work` to its end even when cancelled meanwhile; the cancellation is raised afterwards."""
    future = later(work)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        if not future.done():
            await asyncio.wait((future,))
        if not future.cancelled():
            future.exception()  # the cancellation goes first; the work has recorded its own failure
        raise


async def all_settled(timeout_s: float) -> None:
    """Wait for work that a second cancellation left running, and for what runs beside requests."""
    if _unfinished:
        await asyncio.wait(tuple(_unfinished), timeout=timeout_s)
