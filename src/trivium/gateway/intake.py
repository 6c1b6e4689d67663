"""The body of a client's request, read whole: bounded in size and time, never decompressed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from trivium.gateway.admit import Refused
from trivium.gateway.reply import Receive

_HANG_UP = {"connection": "close"}  # the rest of the body is not read


def address_of(scope: Mapping[str, Any], headers: Mapping[str, str]) -> str:
    """This gateway's address as the client wrote it, for links that lead back here; shown to that client alone."""
    told = headers.get("x-forwarded-proto", "").partition(",")[0].strip().lower()
    scheme = told if told in {"http", "https"} else str(scope.get("scheme", "http"))
    return f"{scheme}://{headers.get('host', '')}"


async def read_body(headers: Mapping[str, str], receive: Receive, *, bytes_max: int, read_s: float) -> bytes:
    """The body; raises Refused when it is encoded, too large or too slow."""
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        message = f"content-encoding: {encoding[:40]}: send the body uncompressed"
        raise Refused(415, "invalid_request_error", message, _HANG_UP)
    declared = headers.get("content-length", "")
    if declared.isdigit() and int(declared) > bytes_max:
        raise Refused(413, "request_too_large", f"body: {declared} bytes: send at most {bytes_max}", _HANG_UP)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(read_s):
            while True:
                event = await receive()
                if event["type"] == "http.disconnect":
                    raise Refused(400, "invalid_request_error", "body: the connection closed before its end")
                part = event.get("body", b"")
                size += len(part)
                if size > bytes_max:
                    raise Refused(413, "request_too_large", f"body: send at most {bytes_max} bytes", _HANG_UP)
                parts.append(part)
                if not event.get("more_body", False):
                    return parts[0] if len(parts) == 1 else b"".join(parts)
    except TimeoutError as error:
        message = f"body: did not arrive within {read_s:g} s"
        raise Refused(408, "timeout_error", message, _HANG_UP) from error
