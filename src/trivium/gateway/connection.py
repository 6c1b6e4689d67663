"""One client's connection on uvicorn, with the deadlines uvicorn leaves open: slow heads, slow bodies, slow readers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from trivium.gateway.parser import Parser
from trivium.gateway.seams import GatewaySettings
from trivium.gateway.wire.errors import envelope

_LOOKS = 4  # at what a slow reader has taken, per `stall_s`
# The gateway itself answers a late body, and gives up the client of a stream, and says so in its record: it goes first.
_AFTER_THE_GATEWAY = 1 + 1 / _LOOKS


class Connection(HttpToolsProtocol):
    """Ends itself where a client takes too long. `limits` are asked anew each time, so a reload holds at once.

    - a request's head must be whole `header_read_s` after its first byte (a new connection: after it was made), and
      at most `header_bytes_max` long;
    - its body within `body_read_s`, also after an answer was given that did not wait for it;
    - between two requests a connection may be idle for `keep_alive_s`;
    - while the server is `leaving`, every answer says `connection: close`: the client asks elsewhere next; so does one
      to a client that offered another protocol, as its connection cannot be read on;
    - bytes for the client must shrink within `stall_s`; uvicorn itself stops the answer, and so the reading from the
      upstream, while more than 64 KiB wait.
    """

    def __init__(
        self, *args: Any, limits: Callable[[], GatewaySettings], leaving: Callable[[], bool], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.parser: Parser = Parser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own, for pipelined requests
        self._limits = limits
        self._leaving = leaving
        self._timer: asyncio.TimerHandle | None = None  # of the head or the body that is being read
        self._stall: asyncio.TimerHandle | None = None
        self._in_head = True
        self._head_bytes = 0
        self._deaf = False  # what followed a request was none, so nothing that comes after it is
        self._waiting_bytes = 0  # for the client, at the last look
        self._moved_at = 0.0  # when they last became fewer

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client connected."""
        super().connection_made(transport)
        self.timeout_keep_alive = self._limits().keep_alive_s  # type: ignore[assignment]  # it is a number of seconds
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._stop()
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes of a request; those of a head are counted."""
        if self._deaf:
            return
        if self._in_head:
            if self._timer is None:
                self._expect_head()
            self._head_bytes += len(data)
        super().data_received(data)
        limit = self._limits().header_bytes_max
        if self._in_head and self._head_bytes > limit and not self.transport.is_closing():
            self._refuse(431, "invalid_request_error", f"headers: send at most {limit} bytes")

    def on_message_begin(self) -> None:
        """A head begins, perhaps in the bytes that ended the request before."""
        super().on_message_begin()
        if self._timer is None:
            self._expect_head()

    def on_headers_complete(self) -> None:
        """The head is whole; what follows is body."""
        self._in_head = False
        self._expect_body()
        super().on_headers_complete()
        if self.cycle is not None and (self._leaving() or self.parser.offered):
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """The request is whole, unless its body comes behind an offer that is passed over."""
        if self.parser.offered:
            return
        self._stop()
        self._in_head, self._head_bytes = True, 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer is written, which does not say that it was taken."""
        super().on_response_complete()
        self._watch_writes()

    def pause_writing(self) -> None:
        """The client takes less than is written."""
        super().pause_writing()
        self._watch_writes()

    def timeout_keep_alive_handler(self) -> None:
        """Idle for long enough; what the client never took does not keep the connection."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def retire(self) -> None:
        """Say `connection: close` with the answer under way, as with all that begin while the server is leaving."""
        if self.cycle is not None and not self.cycle.response_started:
            self.cycle.keep_alive = False

    def _expect_head(self) -> None:
        self._await(self._limits().header_read_s, self._late_head)

    def _expect_body(self) -> None:
        self._await(self._limits().body_read_s * _AFTER_THE_GATEWAY, self._late_body)

    def _await(self, seconds: float, late: Callable[[], None]) -> None:
        self._stop()
        self._timer = self.loop.call_later(seconds, late)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late_head(self) -> None:
        self._timer = None
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self._expect_head()  # begun while an answer is under way: that one is not broken for it
        elif self._head_bytes:
            seconds = self._limits().header_read_s
            self._refuse(408, "timeout_error", f"headers: did not arrive within {seconds:g} s")
        else:
            self.transport.close()

    def _late_body(self) -> None:
        self._timer = None
        if self.cycle is not None and not self.cycle.response_complete:
            self._expect_body()  # the gateway waits for it and has its own deadlines, longer ones for uploads
        else:
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP; in the form of every other error."""
        self._refuse(400, "invalid_request_error", msg)

    def _refuse(self, status: int, error_type: str, message: str) -> None:
        """Answer what never became a request, and close; while an answer is under way, after that one alone."""
        if self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body:
            self.cycle.keep_alive = False
            self._deaf = True
            return
        body = envelope(error_type, message)
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self._stop()
        self.transport.write(head.encode() + body)
        self.transport.close()
        self._watch_writes()

    def _watch_writes(self) -> None:
        if self._stall is None and self.transport.get_write_buffer_size():
            self._waiting_bytes, self._moved_at = self.transport.get_write_buffer_size(), self.loop.time()
            self._look_later()

    def _look_later(self) -> None:
        self._stall = self.loop.call_later(self._limits().stall_s / _LOOKS, self._look)

    def _look(self) -> None:
        """Give up a client that took nothing: closing alone would wait for it without end."""
        self._stall = None
        waiting_bytes, now = self.transport.get_write_buffer_size(), self.loop.time()
        if not waiting_bytes:
            return
        if waiting_bytes < self._waiting_bytes:
            self._moved_at = now
        self._waiting_bytes = waiting_bytes
        if now - self._moved_at > self._limits().stall_s * _AFTER_THE_GATEWAY:
            self.transport.abort()
        else:
            self._look_later()
