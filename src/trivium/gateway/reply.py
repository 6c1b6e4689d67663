"""The answer to one client: headers go out with the first bytes, and until then everything may still change."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

from trivium.core import Clock
from trivium.gateway.dialect import MessagesSpeech, Speech

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
_NS = 1_000_000_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Reply:
    """Writes one ASGI response. `headers` are the gateway's own and go with every answer."""

    def __init__(self, send: Send, clock: Clock, headers: Mapping[str, str]) -> None:
        self._send = send
        self._clock = clock
        self.headers = dict(headers)
        self.speech: Speech = MessagesSpeech()  # until the path says which dialect the client speaks
        self.native = False  # whether answers come in that dialect already
        self.status = 0  # 0 until the first byte
        self.ended = False
        self._told = False  # the last event is out, the answer's own or an error
        self._gone = False
        self._lock = asyncio.Lock()
        self._touched_ns = clock.monotonic_ns()
        self.sending = False

    @property
    def started(self) -> bool:
        """Whether the client has been told a status; after that nothing may be tried again."""
        return self.status != 0

    @property
    def silent_s(self) -> float:
        """Seconds since the last bytes for the client, or for which the present write has been stuck."""
        return (self._clock.monotonic_ns() - self._touched_ns) / _NS

    def mute(self) -> None:
        """The client has left: whatever is written from now on goes nowhere."""
        self._gone = True

    async def whole(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """A complete answer at once."""
        async with self._lock:
            await self._start(status, {**headers, "content-length": str(len(body))})
            self.ended = True
            await self._put(body, more=False)

    async def answer(self, body: bytes, headers: Mapping[str, str]) -> None:
        """A complete Messages answer, in the client's dialect; a native one as it came."""
        await self.whole(200, body if self.native else self.speech.whole(body), self.speech.head(headers))

    async def refuse(self, status: int, envelope: bytes, headers: Mapping[str, str]) -> None:
        """An error in the client's dialect: as the whole answer, or as the end of a stream that has begun."""
        if not self.started:
            spoken = self.speech.refusal(status, envelope)
            await self.whole(spoken.status, spoken.body, {**headers, **spoken.headers})
        elif not self.ended:
            if not self._told:  # nothing may follow the last event, whatever ended the request behind it
                await self._write(self.speech.error_event(envelope), {})
            await self.end()

    def told(self) -> None:
        """The last event of a stream has been written."""
        self._told = True

    async def error(self, envelope: bytes) -> None:
        """An error after the first byte; the stream is ended by its attempt."""
        await self._write(self.speech.error_event(envelope), {})
        self.told()

    async def write(self, data: bytes, headers: Mapping[str, str]) -> None:
        """Whole events, said in the client's dialect or native; the first ones bring status 200 and `headers`."""
        await self._write(data if self.native else self.speech.events(data), headers)

    async def _write(self, data: bytes, headers: Mapping[str, str]) -> None:
        async with self._lock:
            if not self.started:
                await self._start(200, self.speech.head(headers))
            if data:
                await self._put(data, more=True)

    async def pass_on(self, data: bytes, headers: Mapping[str, str], stall_s: float) -> None:
        """Bytes of an answer that is no message, as they are. A client that takes none for so long is left behind."""
        if self.ended:
            return
        try:
            async with asyncio.timeout(stall_s), self._lock:
                if not self.started:
                    await self._start(200, headers)
                if data:
                    await self._put(data, more=True)
        except TimeoutError:
            self.ended = True  # what it has is incomplete, and the server will close the connection on it

    def abandon(self) -> None:
        """Say nothing more: an answer that has begun stays incomplete, which its client can see."""
        self.ended = True

    async def ping(self, headers: Mapping[str, str]) -> None:
        """Show life, unless a write is under way anyway."""
        beat = self.speech.ping()
        if beat and not self._lock.locked() and not self.ended:
            await self._write(beat, headers)

    async def end(self) -> None:
        """End a stream."""
        async with self._lock:
            if not self.ended:
                self.ended = True
                await self._put(b"", more=False)

    async def _start(self, status: int, headers: Mapping[str, str]) -> None:
        if self._gone:
            return
        self.status = status
        await self._send(
            {"type": "http.response.start", "status": status, "headers": _encoded({**headers, **self.headers}.items())}
        )

    async def _put(self, data: bytes, *, more: bool) -> None:
        if self._gone:
            return
        self._touched_ns = self._clock.monotonic_ns()
        self.sending = True
        try:
            await self._send({"type": "http.response.body", "body": data, "more_body": more})
        finally:
            self.sending = False
            self._touched_ns = self._clock.monotonic_ns()


def _encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Header bytes; a control character in an upstream's value cannot open a header of its own."""
    return [(name.encode("latin-1"), _CONTROL.sub(" ", value).encode("latin-1", "replace")) for name, value in headers]
