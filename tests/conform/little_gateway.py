"""A little gateway that keeps the contract, and breaks one part of it on demand."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from aiohttp import web

MODEL = "claude-sonnet-4-5"
KEY = "sk-little"
_HIDDEN = ("anthropic-ratelimit-", "anthropic-organization-id")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class LittleGateway:
    def __init__(self, upstream_url: str, fault: str = "") -> None:
        self._upstream_url = upstream_url
        self._fault = fault

    async def answer(self, request: web.Request) -> web.StreamResponse:
        given = {request.headers.get("x-api-key"), request.headers.get("authorization", "").removeprefix("Bearer ")}
        if request.path == "/api/hello" and self._fault == "hello":
            assert request.transport is not None
            request.transport.close()
        if KEY not in given and request.path != "/":
            return _error(401, "authentication_error", f"unknown key: {sorted(map(str, given))}")
        if request.path == "/v1/models":
            return self._models(request)
        if request.method == "POST" and self._fault.startswith("spent"):
            told = {"x-should-retry": "false"} if self._fault == "spent" else {}
            return _error(429, "billing_error", "over the limit", {**told, "retry-after": "60"})
        if request.path.endswith("/count_tokens") and (told := await self._count(request)) is not None:
            return told
        if request.method != "POST" or (self._fault == "path" and request.raw_path == "/v1/messages?beta=true"):
            return _error(404, "not_found_error", "no such path")
        body = await request.read()
        if self._fault == "filter" and b"<script>" in body:
            return web.Response(status=403, text="<html>Forbidden</html>")
        if self._fault == "page" and body == b'{"model":':
            return web.Response(status=400, text="<html>Bad Request</html>")
        return await self._relay(request, self._body(body))

    async def _count(self, request: web.Request) -> web.Response | None:
        if self._fault == "count lacking":
            return _error(501, "not_supported", "not here", {"x-should-retry": "false"})
        if self._fault == "estimate":
            return web.json_response({"input_tokens": len(await request.read()) // 4})
        return _error(404, "not_found_error", "no such path") if self._fault == "no count" else None

    def _models(self, request: web.Request) -> web.Response:
        if self._fault == "redirect":
            raise web.HTTPFound("/v1/other")
        if self._fault == "bearer only" and "x-api-key" in request.headers:
            return _error(401, "authentication_error", "send a bearer token")
        return web.json_response({"data": [{"id": MODEL, "display_name": "Sonnet"}]})

    def _body(self, body: bytes) -> bytes:
        fault = self._fault
        if fault == "anew":
            with contextlib.suppress(ValueError):
                return json.dumps(json.loads(body)).encode()
        changed: dict[str, Any] = json.loads(body) if b'"system"' in body else {}
        if fault == "system" and changed:
            changed["system"].insert(0, {"type": "text", "text": "Be polite."})
        elif fault == "field of pair" and changed:
            del changed["context_management"]
        elif fault == "fields" and changed:
            del changed["conform_probe"]
        else:
            return body
        return json.dumps(changed).encode()

    def _headers(self, request: web.Request) -> dict[str, str]:
        found = {
            name.lower(): value
            for name, value in request.headers.items()
            if name.lower().startswith("anthropic-")
            or (self._fault == "session" and name.lower().startswith("x-claude-code-"))
        }
        betas = found.get("anthropic-beta", "").split(",")
        drop = {"betas": "unknown", "beta of pair": "effort"}.get(self._fault, "\0")
        found["anthropic-beta"] = ",".join(beta for beta in betas if drop not in beta)
        if self._fault == "headers":
            found.pop("anthropic-conform-probe", None)
        if self._fault == "version":
            found["anthropic-version"] = "2023-01-01"
        return {**found, "content-type": "application/json", "x-api-key": "sk-upstream"}

    async def _relay(self, request: web.Request, body: bytes) -> web.StreamResponse:
        url = self._upstream_url + request.path
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=body, headers=self._headers(request)) as upstream,
        ):
            if upstream.status == 529 and self._fault == "overloaded":
                return _error(503, "api_error", "try later")
            if self._fault == "wording" and upstream.status == 400 and body != b'{"model":':
                return _error(400, "invalid_request_error", "the upstream refused")
            of_stream = upstream.content_type == "text/event-stream"
            shown = {
                name: value
                for name, value in upstream.headers.items()
                if name.lower() == "content-type"
                or (name.lower().startswith(_HIDDEN) and self._leaks(name.lower(), of_stream))
            }
            if self._fault == "buffer":
                return web.Response(status=upstream.status, headers=shown, body=await upstream.read())
            response = web.StreamResponse(status=upstream.status, headers=shown)
            await response.prepare(request)
            async for part in upstream.content.iter_any():
                await response.write(self._part(part))
            await response.write_eof()
            return response

    def _leaks(self, name: str, of_stream: bool) -> bool:
        if self._fault == "limits of streams":
            return of_stream and "ratelimit" in name
        return self._fault == ("limits" if "ratelimit" in name else "account")

    def _part(self, part: bytes) -> bytes:
        if self._fault == "cut":
            return re.sub(rb"event: message_stop\n.*\n\n", b"", part)
        if self._fault == "pings":
            return re.sub(rb"event: ping\n.*\n\n", b"", part)
        return re.sub(rb": conform.*\n\n", b"", part) if self._fault == "comments" else part


def _error(status: int, kind: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
    told = {"type": "error", "error": {"type": kind, "message": message}}
    return web.json_response(told, status=status, headers=headers)


@contextlib.asynccontextmanager
async def little_gateway(upstream_port: int, fault: str = "") -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", LittleGateway(f"http://127.0.0.1:{upstream_port}", fault).answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
