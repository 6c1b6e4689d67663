"""Who waits for a first byte, and since when: a silent surface is found out before every request has timed out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

from trivium.gateway.seams import (
    Breaker,
    Circuit,
    Headers,
    Inbound,
    Outbound,
    Patience,
    Timeouts,
    Transport,
    TransportError,
)

_OK = range(200, 300)
_LEARNT = 20  # answers after which a circuit's own pace is believed
_SLOWER = 3.0  # times the slowest answer of late: then something is wrong
_FADES = 0.99  # the slowest answer counts for less with each that follows
Elsewhere = Callable[[], bool]  # whether the request could be served by another surface, within the law


@dataclass(eq=False, slots=True)
class _Wait:
    """One attempt that has no byte yet."""

    began_s: float
    elsewhere: Elsewhere
    bound: asyncio.Timeout | None = None
    timer: asyncio.TimerHandle | None = None
    why: str = ""  # it was given up, and for this


@dataclass(slots=True)
class _Line:
    """Those who wait for one circuit; streams and whole answers stand in lines of their own."""

    circuit: Circuit
    patience: Patience
    waits: dict[_Wait, None] = field(default_factory=dict)  # the oldest first
    slowest_s: float = 0.0
    answers: int = 0
    answered_s: float = float("-inf")

    limit_s: float = 0.0

    @property
    def learnt(self) -> bool:
        """Whether enough was answered to know the circuit's pace."""
        return self.answers >= _LEARNT

    def patience_s(self, least_s: float) -> float:
        """How long a first byte may take now."""
        return min(max(least_s, _SLOWER * self.slowest_s), self.limit_s)


class Waiting:
    """Opens the breaker of a circuit at which several requests wait and none was answered for too long.

    Those who wait there then go elsewhere, if they can; so does each one after it as its own time comes. Times are the
    event loop's. The table has at most two lines for each circuit.
    """

    def __init__(self, breaker: Breaker, *, waiters: int, events: Patience, whole: Patience) -> None:
        self._breaker = breaker
        self._waiters = waiters
        self._patience = {True: events, False: whole}
        self._urgent_s = events.unlearnt_s  # while the breaker is open: what the pace, once known, is not to fall below
        self._lines: dict[tuple[Circuit, bool], _Line] = {}

    def over(self, transport: Transport, circuit: Circuit, elsewhere: Elsewhere) -> Transport:
        """The transport for one attempt at a circuit."""
        return _Watched(self, transport, circuit, elsewhere)

    def line(self, circuit: Circuit, *, events: bool) -> _Line:
        """Where attempts at a circuit wait."""
        key = circuit, events
        found = self._lines.get(key)
        if found is None:
            found = self._lines[key] = _Line(circuit, self._patience[events])
        return found

    def begin(self, line: _Line, limit_s: float, elsewhere: Elsewhere) -> _Wait:
        """An attempt is sent; it waits for a byte until it is answered, ended or given up."""
        loop = asyncio.get_running_loop()
        wait = _Wait(loop.time(), elsewhere)
        line.waits[wait] = None
        line.limit_s = limit_s
        patience_s = self._patience_s(line)
        if patience_s < limit_s:
            wait.timer = loop.call_later(patience_s, self._look, line, wait, patience_s)
        return wait

    def _patience_s(self, line: _Line) -> float:
        """Long while all seems well; for a probe, and for who still waits at an open breaker, as the pace was."""
        if self._breaker.closed(line.circuit):
            return line.patience_s(line.patience.least_s if line.learnt else line.patience.unlearnt_s)
        return line.patience_s(self._urgent_s if line.learnt else max(self._urgent_s, line.patience.least_s))

    def end(self, line: _Line, wait: _Wait, *, status: int | None = None) -> None:
        """It waits no longer; with a status there was an answer."""
        line.waits.pop(wait, None)
        if wait.timer is not None:
            wait.timer.cancel()
        if status is None:
            return
        now_s = asyncio.get_running_loop().time()
        line.answered_s = now_s
        if status in _OK:  # how fast a surface refuses says nothing about its pace
            line.slowest_s = max(line.slowest_s * _FADES, now_s - wait.began_s)
            line.answers += 1

    def _look(self, line: _Line, wait: _Wait, patience_s: float) -> None:
        """An attempt has waited for as long as should be needed; it is looked at again as long as it waits."""
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        wait.timer = loop.call_later(patience_s, self._look, line, wait, patience_s)
        why = f"no byte after {now_s - wait.began_s:.1f} s, and none to {len(line.waits)} who wait"
        if not self._breaker.closed(line.circuit):
            if line.answered_s < wait.began_s:
                _give_up(wait, why)
            return
        old = [one for one in line.waits if now_s - one.began_s >= patience_s]
        if len(old) < self._waiters or now_s - line.answered_s < patience_s:
            return
        self._breaker.trip(line.circuit)
        for one in old:
            _give_up(one, why)
        self._hasten(line.circuit)

    def _hasten(self, circuit: Circuit) -> None:
        """The circuit says nothing: those in its other line wait no longer than it used to take."""
        loop = asyncio.get_running_loop()
        for events in (True, False):
            line = self.line(circuit, events=events)
            patience_s = self._patience_s(line)
            for one in line.waits:
                if one.timer is not None and not one.why:
                    one.timer.cancel()
                    left_s = max(one.began_s + patience_s - loop.time(), 0.0)
                    one.timer = loop.call_later(left_s, self._look, line, one, patience_s)


def _give_up(wait: _Wait, why: str) -> None:
    """Its request goes elsewhere, if it can; if not it goes on waiting."""
    if not wait.why and wait.elsewhere():
        wait.why = why
        if wait.bound is not None:
            wait.bound.reschedule(0.0)


class _Watched:
    """A transport whose answers must begin within the surface's time, or while others are answered."""

    def __init__(self, waiting: Waiting, inner: Transport, circuit: Circuit, elsewhere: Elsewhere) -> None:
        self._waiting = waiting
        self._inner = inner
        self._circuit = circuit
        self._elsewhere = elsewhere

    async def send(self, outbound: Outbound, timeouts: Timeouts) -> Inbound:
        """Send; what is read of the answer first is waited for as its headers are."""
        events = outbound.stream or self._circuit.endpoint == "count_tokens"
        line = self._waiting.line(self._circuit, events=events)
        limit_s = timeouts.stream_first_byte_s if events else timeouts.first_byte_s
        if limit_s > timeouts.first_byte_s:
            timeouts = replace(timeouts, first_byte_s=limit_s)
        wait = self._waiting.begin(line, limit_s, self._elsewhere)
        status: int | None = None
        try:
            async with _bound(wait, limit_s):
                inbound = await self._inner.send(outbound, timeouts)
            status = inbound.status
        finally:
            if status not in _OK:  # refused, broken or cancelled: it waits no longer
                self._waiting.end(line, wait, status=status)
        return _First(inbound, self._waiting, line, wait, limit_s) if status in _OK else inbound

    async def close(self) -> None:
        """Close every connection."""
        await self._inner.close()


class _First:
    """An answer whose first bytes are watched; those that follow pass as they come."""

    def __init__(self, inner: Inbound, waiting: Waiting, line: _Line, wait: _Wait, limit_s: float) -> None:
        self._inner = inner
        self._waiting = waiting
        self._line = line
        self._wait: _Wait | None = wait
        self._limit_s = limit_s
        self._chunks: AsyncIterator[bytes] | None = None
        self.status = inner.status
        self.headers: Headers = inner.headers

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives."""
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._chunks is None:
            self._chunks = aiter(self._inner.chunks())
        if self._wait is None:
            return await anext(self._chunks)
        wait = self._wait
        async with _bound(wait, self._limit_s):
            data = await anext(self._chunks)
        self._wait = None
        self._waiting.end(self._line, wait, status=self.status)
        return data

    async def close(self) -> None:
        """Let go of the connection."""
        if self._wait is not None:
            self._waiting.end(self._line, self._wait)
            self._wait = None
        await self._inner.close()


class _bound:  # noqa: N801  a context manager that reads as a verb
    """Ends a wait for bytes at its limit, or when it is given up."""

    __slots__ = ("_timeout", "_wait")

    def __init__(self, wait: _Wait, limit_s: float) -> None:
        self._wait = wait
        self._timeout = asyncio.timeout_at(wait.began_s + limit_s)

    async def __aenter__(self) -> None:
        self._wait.bound = self._timeout
        await self._timeout.__aenter__()
        if self._wait.why:  # given up between headers and body
            self._timeout.reschedule(0.0)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        wait, self._wait.bound = self._wait, None
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError as late:
            limit_s = asyncio.get_running_loop().time() - wait.began_s
            raise TransportError(wait.why or f"no byte within {limit_s:.0f} s", sent=True) from late
