"""A request's body as it arrives: bounded in size and time, never decompressed, taken to its end even if refused."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

from trivium.gateway.admit import Refused
from trivium.gateway.reply import Message, Receive
from trivium.gateway.seams import GatewaySettings

_HANG_UP = {"connection": "close"}  # the rest of the body is not read


class Arriving:
    """What a client sends; knows whether all of it came, so that a refusal is not lost on one that still sends.

    A connection that is closed with bytes unread is reset: the client sees a broken pipe instead of the answer, and
    tries again what can never be taken.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._begun = False
        self._whole = False

    async def __call__(self) -> Message:
        """The next message."""
        self._begun = True
        message = await self._receive()
        self._whole = self._whole or message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def drop_rest(self, headers: Mapping[str, str], settings: GatewaySettings) -> dict[str, str]:
        """Take what still comes, within the time of a body; headers for the answer that is given next.

        A client that waits to be told to go on (`expect`) is not: it learns from the answer that it need not.
        """
        if not self._begun and "expect" in headers:
            return dict(_HANG_UP)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(settings.body_read_s):
                while not self._whole:
                    await _next_within(self, settings.body_idle_s)
        return {}


async def read_body(
    headers: Mapping[str, str],
    receive: Receive,
    settings: GatewaySettings,
    *,
    bytes_max: int | None = None,
    read_s: float | None = None,
) -> bytes:
    """The whole body; Refused when too long, too slow, standing still or encoded. Messages set the default limits."""
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        message = f"content-encoding: {encoding[:40]}: send the body uncompressed"
        raise Refused(415, "invalid_request_error", message, _HANG_UP)
    limit = settings.body_bytes_max if bytes_max is None else bytes_max
    within_s = settings.body_read_s if read_s is None else read_s
    declared = headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise Refused(413, "request_too_large", f"body: {declared} bytes: send at most {limit}", _HANG_UP)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(within_s):
            while True:
                event = await _next(receive, settings.body_idle_s)
                if event["type"] == "http.disconnect":
                    raise Refused(400, "invalid_request_error", "body: the connection closed before its end")
                part = event.get("body", b"")
                size += len(part)
                if size > limit:
                    raise Refused(413, "request_too_large", f"body: send at most {limit} bytes", _HANG_UP)
                parts.append(part)
                if not event.get("more_body", False):
                    return parts[0] if len(parts) == 1 else b"".join(parts)
    except TimeoutError as error:
        message = f"body: did not arrive within {within_s:g} s"
        raise Refused(408, "timeout_error", message, _HANG_UP) from error


async def _next_within(receive: Receive, idle_s: float) -> Message:
    async with asyncio.timeout(idle_s):
        return await receive()


async def _next(receive: Receive, idle_s: float) -> Message:
    try:
        return await _next_within(receive, idle_s)
    except TimeoutError as error:
        raise Refused(408, "timeout_error", f"body: nothing came for {idle_s:g} s", _HANG_UP) from error
