"""The gate between upstream and client: closed until content shows, so that until then another surface may answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Protocol, Self

from trivium.gateway.flight import Cut, Flight
from trivium.gateway.hedge import Lane
from trivium.gateway.reply import Reply
from trivium.gateway.seams import GatewaySettings


class _HasSettings(Protocol):
    @property
    def settings(self) -> GatewaySettings: ...


class Gate:
    """Holds opening events back for a moment, sends pings when the upstream is silent, gives up stalled clients."""

    def __init__(
        self, reply: Reply | Lane, flight: Flight | Lane, tools: _HasSettings, headers: Mapping[str, str]
    ) -> None:
        self._reply = reply
        self._flight = flight
        self._settings = tools.settings
        self._headers = headers
        self._held: list[bytes] = []
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._beats: set[asyncio.Future[None]] = set()
        self._over = False

    def __enter__(self) -> Self:
        self._again(self._settings.ping_interval_s)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True  # a beat that was already scheduled must not begin an answer any more
        if self._timer is not None:
            self._timer.cancel()

    async def put(self, data: bytes, *, content: bool) -> None:
        """Pass whole events on, or hold them while no content has come."""
        if self._reply.started:
            await self._reply.write(data, self._headers)
            return
        self._held.append(data)
        if content:
            await self.flush()
        elif len(self._held) == 1:
            self._again(self._settings.gate_hold_s)

    async def flush(self) -> None:
        """Open the gate: everything held goes out."""
        held = b"".join(self._held)
        self._held.clear()
        if held:
            self._again(self._settings.ping_interval_s)
            await self._reply.write(held, self._headers)

    def _again(self, delay_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(delay_s, self._beat)

    def _beat(self) -> None:
        """The timer: open the gate, ping, or give up, then wait for the next moment something may be due."""
        reply, settings = self._reply, self._settings
        silent_s = reply.silent_s
        if reply.sending:
            if silent_s >= settings.stall_s:
                self._flight.cut(Cut.STALLED)
                return
            self._again(min(settings.ping_interval_s, settings.stall_s - silent_s))
            return
        if reply.started and silent_s < settings.ping_interval_s:
            self._again(settings.ping_interval_s - silent_s)
            return
        beat = asyncio.ensure_future(self._show_life())
        self._beats.add(beat)
        beat.add_done_callback(self._beats.discard)
        self._again(settings.ping_interval_s)

    async def _show_life(self) -> None:
        if self._over:
            return
        if self._held:
            await self.flush()
        else:
            await self._reply.ping(self._headers)
