"""One request in the air: who may cut it short and why, and work that must end even then."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from enum import Enum
from typing import Any, TypeVar

Result = TypeVar("Result")
_unfinished: set[asyncio.Future[Any]] = set()  # the loop itself holds its tasks weakly


class Cut(Enum):
    """Why a request is ended before its answer is."""

    CLIENT = "client_gone"
    STALLED = "client_stalled"
    DEADLINE = "deadline"
    SHUTDOWN = "shutdown"


class Flight:
    """The task that serves one request; cutting it cancels the task, and the reason tells it what to say."""

    __slots__ = ("landed", "reason", "task")

    def __init__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a flight begins inside a task")
        self.task = task
        self.reason: Cut | None = None
        self.landed = False

    def cut(self, reason: Cut) -> None:
        """End the request; the first reason stands."""
        if self.reason is None and not self.landed:
            self.reason = reason
            self.task.cancel()

    def absorb(self) -> bool:
        """Whether a caught cancellation is this flight's own cut; if so it is over, and the task goes on."""
        if self.reason is None:
            return False
        self.landed = True
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
