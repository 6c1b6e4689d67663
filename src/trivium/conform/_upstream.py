"""A recording stand-in for an upstream in first-party format: answers by script and keeps what reached it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from trivium.core import UserError

HOLD_S = 4.0  # how long a stream waits for the client to have seen its first event
COMMENT = b": conform comment\n\n"
# What an upstream tells its own customer; none of it is the client's to see.
ACCOUNT = {"anthropic-organization-id": "conform-upstream-organization"}
LIMITS = {
    "anthropic-ratelimit-requests-limit": "7654321",
    "anthropic-ratelimit-requests-remaining": "7654320",
    "anthropic-ratelimit-tokens-remaining": "7654319",
}
ERROR = ("invalid_request_error", "conform: messages.1.content.0: `thinking` blocks cannot be modified 7654318")
OVERLOADED = ("overloaded_error", "Overloaded")
_BODY_BYTES_MAX = 64 << 20  # a gateway's own probes are smaller
_USAGE = {"input_tokens": 3, "output_tokens": 1}

COUNTED = 70717  # what the stand-in counts in any request: a number that nobody arrives at by estimating


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it reached the upstream."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The decoded body; empty if it is no object."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


@dataclass
class StandIn:
    """Answers `mode` to all that comes; `seen` is set by the client once it has the first event."""

    mode: str = "normal"
    received: list[Received] = field(default_factory=list)
    seen: asyncio.Event = field(default_factory=asyncio.Event)
    waited_in_vain: bool = False

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One request; what is no message is answered as a first-party upstream would."""
        body = await request.read()
        if request.method != "POST":
            return web.json_response({"data": [], "has_more": False, "first_id": None, "last_id": None})
        got = Received(request.path, {name.lower(): value for name, value in request.headers.items()}, body)
        if request.path.endswith("/count_tokens"):
            return web.json_response({"input_tokens": COUNTED})
        self.received.append(got)
        if not got.json():
            return _error(400, ("invalid_request_error", "The request body is not valid JSON"))
        if self.mode == "error":
            return _error(400, ERROR)
        if self.mode == "overloaded":
            return _error(529, OVERLOADED)
        if got.json().get("stream"):
            return await self._stream(request, got.json())
        return web.json_response(_message(got.json()), headers={**LIMITS, **ACCOUNT, "request-id": "req_conform"})

    async def _stream(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream", **LIMITS, **ACCOUNT})
        await response.prepare(request)
        start = {**_message(body), "content": [], "stop_reason": None}
        await response.write(_event("message_start", message=start))
        await response.write(_event("content_block_start", index=0, content_block={"type": "text", "text": ""}))
        await response.write(_event("content_block_delta", index=0, delta={"type": "text_delta", "text": "first"}))
        if self.mode == "held":
            try:
                await asyncio.wait_for(self.seen.wait(), HOLD_S)
            except TimeoutError:
                self.waited_in_vain = True
        await response.write(_event("ping") + COMMENT)
        await response.write(_event("content_block_stop", index=0))
        ended = {"stop_reason": "end_turn", "stop_sequence": None}
        await response.write(_event("message_delta", delta=ended, usage={"output_tokens": 1}))
        await response.write(_event("message_stop"))
        await response.write_eof()
        return response


@asynccontextmanager
async def listening(host: str, port: int) -> AsyncIterator[StandIn]:
    """The stand-in on an address, until the block ends."""
    stand_in = StandIn()
    app = web.Application(client_max_size=_BODY_BYTES_MAX)
    app.router.add_route("*", "/{path:.*}", stand_in.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        raise UserError("--upstream", f"{host}:{port}", f"give an address that is free ({error.strerror})") from error
    try:
        yield stand_in
    finally:
        await runner.cleanup()


def _event(name: str, **fields: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n".encode()


def _message(body: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "msg_conform",
        "type": "message",
        "role": "assistant",
        "model": body.get("model", ""),
        "content": [{"type": "text", "text": "first"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": _USAGE,
    }


def _error(status: int, error: tuple[str, str]) -> web.Response:
    told = {"type": "error", "error": {"type": error[0], "message": error[1]}, "request_id": "req_conform"}
    return web.json_response(told, status=status)
