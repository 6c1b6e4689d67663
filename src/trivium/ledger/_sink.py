"""Group commit: many tasks hand in records, one thread makes them durable, a batch with each fsync."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from trivium.core import Closed, LedgerError, Opened, UserError

Result = str | LedgerError | UserError
Commit = Callable[[Sequence[Opened | Closed]], Sequence[Result]]

_Waiting = tuple[Opened | Closed, asyncio.AbstractEventLoop, "asyncio.Future[None]"]


class GroupCommitSink:
    """A core `Sink`: `opened` and `closed` return once their record is committed and fsynced.

    A lone record is committed at once. While one batch is being fsynced the next gathers, so batches grow with the
    load and with the slowness of the disk. On a disk with very fast fsyncs a `window_ms` above 0 makes the thread wait
    that long for more while it is busy: fewer commits, more latency. At most `pending_max` records wait; beyond that
    callers queue up. Each sink serves one event loop.
    """

    def __init__(
        self, commit: Commit, *, window_ms: float = 0.0, batch_max: int = 1024, pending_max: int = 8192
    ) -> None:
        self._commit = commit
        self._window_s = window_ms / 1000
        self._batch_max = batch_max
        self._room = asyncio.BoundedSemaphore(pending_max)
        self._queue: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self.batches = 0  # committed so far
        self.records = 0
        self._thread = threading.Thread(target=self._run, name="ledger-sink", daemon=True)
        self._thread.start()

    async def opened(self, event: Opened) -> None:
        """Record the start of an attempt; DuplicateEvent if its id is known with other content."""
        await self._put(event)

    async def closed(self, event: Closed) -> None:
        """Record the end of an attempt; OutOfOrder if it was never opened, or is closed already."""
        await self._put(event)

    async def close(self) -> None:
        """Commit what waits, then stop. Later calls of `opened` and `closed` raise LedgerError."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        await asyncio.to_thread(self._thread.join)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _put(self, record: Opened | Closed) -> None:
        await self._room.acquire()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._changed:
            if self._closing:
                self._room.release()
                raise LedgerError("the ledger's sink is closed")
            self._queue.append((record, loop, future))
            self._changed.notify_all()
        # A caller that is cancelled leaves its record behind: it is committed all the same.
        await future

    def _run(self) -> None:
        busy = False
        while batch := self._gather(busy=busy):
            busy = len(batch) > 1
            records = [record for record, _, _ in batch]
            results: Sequence[Result]
            try:
                results = self._commit(records)
            except LedgerError as error:
                results = [type(error)(*error.args) for _ in batch]
            except Exception as error:  # noqa: BLE001  handed to every waiter: a silent thread would leave them waiting
                reason = f"the ledger could not record: {type(error).__name__}: {error}"
                results = [LedgerError(reason) for _ in batch]
            else:
                self.batches += 1
                self.records += len(batch)
            loop = batch[0][1]
            try:
                loop.call_soon_threadsafe(self._tell, batch, results)
            except RuntimeError:  # the loop is gone, and with it everyone who waited; the records are safe
                continue

    def _gather(self, *, busy: bool) -> list[_Waiting]:
        """The next batch; empty when the sink is closing and nothing waits."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing)
            if busy and self._window_s > 0 and not self._closing:
                self._changed.wait_for(lambda: len(self._queue) >= self._batch_max or self._closing, self._window_s)
            return [self._queue.popleft() for _ in range(min(len(self._queue), self._batch_max))]

    def _tell(self, batch: Sequence[_Waiting], results: Sequence[Result]) -> None:
        for (_, _, future), result in zip(batch, results, strict=True):
            self._room.release()
            if future.done():  # its caller was cancelled
                continue
            if isinstance(result, str):
                future.set_result(None)
            else:
                future.set_exception(result)
