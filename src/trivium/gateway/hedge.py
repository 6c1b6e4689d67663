"""A hedge: where a policy asks for it, a second surface is asked while the first is silent, and one of them answers.

The client gets the answer that begins first, whole. The other attempt is ended and recorded with its bounds, since it
may be billed. Nothing of it has reached the client, so that two answers are never mixed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack

from trivium.gateway.flight import Cut, Flight, unbroken
from trivium.gateway.leaving import ReadOn
from trivium.gateway.reply import Reply
from trivium.gateway.seams import Failure

_EVENTS = {"content-type": "text/event-stream; charset=utf-8"}
_log = logging.getLogger("trivium.gateway")


class Lane:
    """One attempt's way to the client, and its flight: closed until it wins, and for good once another has."""

    def __init__(self, race: Race, flight: Flight, reply: Reply, number: int) -> None:
        self._race = race
        self.number = number  # 0: the attempt there would be without a hedge
        self._flight = flight
        self._reply = reply
        self._read_on: ReadOn | None = None
        self.headers: dict[str, str] = {}  # take effect when it wins
        self.task: asyncio.Future[Failure | None] | None = None
        self.lost = False
        self.native = False  # whether its answer comes in the client's own dialect already

    # --- what an attempt asks of its flight -----------------------------------------------------------------------

    @property
    def reason(self) -> Cut | None:
        """Why it is ended, if it is."""
        return Cut.HEDGE if self.lost else self._flight.reason

    @property
    def read_on(self) -> ReadOn | None:
        """Whether a client that leaves ends it; before the race is decided it does, whatever the surface's policy."""
        return self._read_on

    @read_on.setter
    def read_on(self, value: ReadOn | None) -> None:
        self._read_on = value
        if self._race.winner is self:
            self._flight.read_on = value

    @property
    def abandoned(self) -> bool:
        """Whether it goes on for its counts alone."""
        return not self.lost and self._flight.abandoned

    def enough(self, size: int) -> bool:
        """Whether no more may be read for the counts."""
        return not self.lost and self._flight.enough(size)

    def cut(self, reason: Cut) -> None:
        """End the request."""
        self._flight.cut(reason)

    # --- what an attempt asks of its reply ------------------------------------------------------------------------

    @property
    def started(self) -> bool:
        """Whether this attempt's answer has begun at the client."""
        return self._race.winner is self and self._reply.started

    @property
    def sending(self) -> bool:
        """Whether a write of this attempt's is under way."""
        return self._race.winner is self and self._reply.sending

    @property
    def silent_s(self) -> float:
        """Seconds since the last bytes for the client."""
        return self._reply.silent_s

    async def write(self, data: bytes, headers: Mapping[str, str]) -> None:
        """Events for the client; the first ones decide the race."""
        self._claim()
        await self._reply.write(data, headers)

    async def answer(self, body: bytes, headers: Mapping[str, str]) -> None:
        """A whole answer decides the race as well."""
        self._claim()
        await self._reply.answer(body, headers)

    async def ping(self, headers: Mapping[str, str]) -> None:
        """Show life; before the race is decided in the name of all that were asked."""
        if self._race.winner is self:
            await self._reply.ping(headers)
        elif self._race.winner is None:
            if not self._reply.started:
                self._reply.headers |= self._race.headers
            await self._reply.ping(_EVENTS)

    def told(self) -> None:
        """The last event has been written; only the winner has one."""
        self._reply.told()

    async def error(self, envelope: bytes) -> None:
        """An error after the first byte; only the winner has one."""
        await self._reply.error(envelope)

    async def end(self) -> None:
        """End the stream; only the winner does."""
        await self._reply.end()

    def lose(self) -> None:
        """Another was first."""
        self.lost = True
        if self.task is not None:
            self.task.cancel()

    def _claim(self) -> None:
        if not self._race.won_by(self):
            raise asyncio.CancelledError
        self._reply.native = self.native
        if self._flight.read_on is None:
            self._flight.read_on = self._read_on


Run = Callable[[Lane], Awaitable[Failure | None]]


class Race:
    """The attempts at one request that are under way at once."""

    def __init__(self, flight: Flight, reply: Reply) -> None:
        self._flight = flight
        self._reply = reply
        self._lanes: list[Lane] = []
        self.winner: Lane | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What is said of an answer that nobody has begun yet."""
        names = (lane.headers.get("x-trivium-surface", "") for lane in self._lanes)
        return {"x-trivium-surface": ", ".join(names), "x-trivium-attempts": str(len(self._lanes))}

    def won_by(self, lane: Lane) -> bool:
        """Whether the lane has won, which the first that asks does; the others are ended."""
        if self.winner is None and not lane.lost:
            self.winner = lane
            if not self._reply.started:
                self._reply.headers |= lane.headers | {"x-trivium-attempts": str(len(self._lanes))}
            for other in self._lanes:
                if other is not lane:
                    other.lose()
        return self.winner is lane

    async def run(self, first: Run, second: Callable[[], Run | None], after_s: float) -> Failure | None:
        """The winner's end; the last failure if there is no winner. `second` says who is asked after so long, if any.

        Returns once every attempt has been recorded, also when it is cancelled.
        """
        async with AsyncExitStack() as unfinished:  # cancelled, or a defect of ours: no attempt goes on by itself
            unfinished.push_async_callback(lambda: unbroken(self._end()))
            leading = self._start(first)
            await asyncio.wait((leading,), timeout=after_s)
            # A ping that went out named the first alone: the client has been told who answers.
            if not leading.done() and self.winner is None and not self._reply.started:
                run = second()
                if run is not None:
                    await asyncio.wait((leading, self._start(run)))
            await asyncio.wait((leading,))
            unfinished.pop_all()
        if self.winner is None and not self._reply.started:
            self._reply.headers |= self._lanes[0].headers | {"x-trivium-attempts": str(len(self._lanes))}
        return self._outcome()

    def _start(self, run: Run) -> asyncio.Future[Failure | None]:
        lane = Lane(self, self._flight, self._reply, len(self._lanes))
        self._lanes.append(lane)
        lane.task = asyncio.ensure_future(run(lane))
        return lane.task

    async def _end(self) -> None:
        tasks = [lane.task for lane in self._lanes if lane.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _outcome(self) -> Failure | None:
        """The winner's end; without a winner the failure of the first attempt, as if it had been alone."""
        results = [(lane, _result(lane)) for lane in self._lanes]
        for lane, result in results:
            if lane is self.winner or (self.winner is None and lane is self._lanes[0]):
                if isinstance(result, BaseException):
                    raise result
                return result
        return None


def _result(lane: Lane) -> Failure | BaseException | None:
    """How an attempt ended; what is neither the winner's nor the first one's matters to its record alone."""
    task = lane.task
    if task is None or task.cancelled():
        return None
    error = task.exception()
    if error is None:
        return task.result()
    if lane.number:
        _log.warning("hedge: not made: %s", type(error).__name__)
    return error
