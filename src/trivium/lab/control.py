"""The control port: health, clock, bill, faults, killing and reviving, requests seen. JSON in, JSON out.

GET  /health                        GET  /bill            ?lines=1 with every request
GET  /clock                         GET  /requests        ?last=N (default 20)
POST /clock {"set": ISO} | {"advance_s": n} | {"mode": "system"}
GET  /faults     POST /faults {"kind": …}      DELETE /faults[/ID]
POST /surfaces/NAME/kill            POST /surfaces/NAME/revive
     kill takes {"drain": true} to answer what was read before it closes
POST /reset
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from trivium.core import UserError, parse_utc
from trivium.lab.faults import Fault
from trivium.lab.surfaces._base import TOKENIZER

if TYPE_CHECKING:
    from trivium.lab.server import LabServer

_LAST = 20
_FAULT_PARTS = 2


class Control:
    """The handler of the control port."""

    def __init__(self, lab: LabServer) -> None:
        self._lab = lab

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        try:
            value = await self._answer(request)
        except UserError as error:
            return _json(400, {"error": str(error), "field": error.field, "remedy": error.remedy})
        return (
            _json(404, {"error": f"{request.method} {request.path} is not served"})
            if value is None
            else _json(200, value)
        )

    async def _answer(self, request: web.BaseRequest) -> Any:
        parts = [part for part in request.path.split("/") if part]
        match (request.method, parts):
            case ("GET", ["health"]):
                return self._health()
            case ("GET", ["clock"]):
                return self._clock()
            case ("POST", ["clock"]):
                return self._set_clock(await _body(request))
            case ("GET", ["bill"]):
                return self._lab.bill.as_json(lines=request.query.get("lines", "0") not in {"", "0"})
            case ("GET", ["requests"]):
                return self._lab.seen.as_json(_whole(request.query.get("last", str(_LAST))))
            case ("POST", ["surfaces", name, "kill"]):
                body = await _body(request) if request.can_read_body else {}
                await self._lab.kill(name, drain=bool(body.get("drain", False)))
                return {"surface": name, "alive": self._lab.alive(name)}
            case ("POST", ["surfaces", name, "revive"]):
                await self._lab.revive(name)
                return {"surface": name, "alive": self._lab.alive(name)}
            case ("POST", ["reset"]):
                self._lab.reset()
                return {"reset": True}
            case (_, ["faults", *rest]):
                return await self._faults(request, rest)
        return None

    async def _faults(self, request: web.BaseRequest, rest: list[str]) -> Any:
        faults = self._lab.faults
        if request.method == "GET" and not rest:
            return {"faults": faults.as_json()}
        if request.method == "POST" and not rest:
            return {"id": faults.add(Fault.from_json(await _body(request)))}
        if request.method == "DELETE" and len(rest) < _FAULT_PARTS:
            return {"cleared": faults.clear(_whole(rest[0]) if rest else None)}
        return None

    def _health(self) -> dict[str, Any]:
        lab = self._lab
        return {
            "status": "ok",
            "tokenizer": TOKENIZER,
            "seed": lab.seed,
            "clock": self._clock(),
            "surfaces": {name: {"url": lab.url(name), "alive": lab.alive(name)} for name in lab.names},
            "cache_entries": len(lab.engine.cache),
            "unpriced": len(lab.bill.unpriced),
        }

    def _clock(self) -> dict[str, Any]:
        clock = self._lab.clock
        return {"mode": clock.mode, "now": clock.now().isoformat()}

    def _set_clock(self, body: dict[str, Any]) -> dict[str, Any]:
        clock = self._lab.clock
        match body:
            case {"set": str(text)}:
                try:
                    clock.set(parse_utc(text))
                except ValueError as error:
                    raise UserError("set", text, "give an ISO 8601 instant") from error
            case {"advance_s": int(seconds) | float(seconds)}:
                clock.advance(seconds)
            case {"mode": "system"}:
                clock.run()
            case _:
                raise UserError("clock", body, 'give {"set": ISO}, {"advance_s": n} or {"mode": "system"}')
        return self._clock()


async def _body(request: web.BaseRequest) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(await request.read())
    except msgspec.DecodeError as error:
        raise UserError("body", "", f"give a JSON object ({error})") from error
    if not isinstance(value, dict):
        raise UserError("body", type(value).__name__, "give a JSON object")
    return value


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise UserError("number", text, "give a whole number")
    return int(text)


def _json(status: int, value: object) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(value), content_type="application/json")
