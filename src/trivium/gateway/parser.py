"""The parser of requests: an offer to speak another protocol is passed over, as HTTP allows, and its body is read."""

from __future__ import annotations

from typing import Protocol

import httptools

_FRAMING = {b"content-length", b"transfer-encoding"}


class Reader(Protocol):
    """Whoever is told of a request's parts."""

    headers: list[tuple[bytes, bytes]]

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""

    def on_message_complete(self) -> None:
        """The request is whole."""


class Parser(httptools.HttpRequestParser):
    """Clients of Java offer HTTP/2 (`Upgrade: h2c`) with their first request; this parser would drop its body.

    After such an offer it reads no further request: the connection must be closed with the answer.
    """

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader)
        self._reader = reader
        self._rest: _Rest | None = None

    @property
    def offered(self) -> bool:
        """Whether the end of the request that is told now is none: the offer was read, the body was not."""
        return self._rest is None and bool(self.should_upgrade())

    def feed_data(self, data: bytes) -> None:  # type: ignore[override]  # uvicorn feeds bytes
        """Bytes of a request; raises as httptools does for what is none."""
        if self._rest is not None:
            self._rest.feed(data)
            return
        try:
            super().feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._rest = _Rest(self._reader)
            self._rest.feed(data[offer.args[0] :])


class _Rest:
    """Reads a body alone, behind a head of our own that frames it as the client's head did; what follows is dropped."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._over = False
        framing = [name + b": " + value for name, value in reader.headers if name in _FRAMING]
        self._parser = httptools.HttpRequestParser(self)
        self._parser.feed_data(b"\r\n".join([b"POST / HTTP/1.1", *(framing or [b"content-length: 0"]), b"\r\n"]))

    def feed(self, data: bytes) -> None:
        if data and not self._over:
            self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        if not self._over:
            self._reader.on_body(body)

    def on_message_complete(self) -> None:
        if not self._over:
            self._over = True
            self._reader.on_message_complete()
