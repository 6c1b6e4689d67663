"""The rows that an upstream alone can see: what was sent, held against what arrived."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from trivium.conform._client import Answer, Client
from trivium.conform._rows import WITNESSED, Seen, Verdict, failed, judged, passed, unseen
from trivium.conform._upstream import ACCOUNT, COMMENT, ERROR, LIMITS, OVERLOADED, Received, StandIn
from trivium.conform._visible import MESSAGES

_MODEL = re.compile(rb'"model"\s*:\s*"[^"]*"')
_OVERLOADED = 529
_REJECTED = "capability_rejected:"


class Witness:
    """Sends through the gateway and reads what reached the stand-in."""

    def __init__(self, client: Client, stand_in: StandIn, request: Mapping[str, Any], plain: Mapping[str, Any]) -> None:
        self._client = client
        self._stand_in = stand_in
        self._request = request
        self._plain = plain

    async def rows(self) -> dict[str, Seen]:
        """All witnessed rows; not observed when nothing reaches the stand-in."""
        answer, got = await self._send(json.dumps(self._plain["body"]).encode())
        if got is None:
            why = unseen(f"no message reached the stand-in; set it as the gateway's upstream ({answer.line()})")
            return dict.fromkeys(WITNESSED, why)
        found = self._hidden(answer)
        for look in (self._forwarded, self._bytes, self._stream, self._errors):
            found.update(await look())
        return found

    async def _send(
        self, body: bytes, headers: Mapping[str, str] | None = None, mode: str = "normal"
    ) -> tuple[Answer, Received | None]:
        self._stand_in.mode = mode
        self._stand_in.received.clear()
        self._stand_in.seen.clear()
        self._stand_in.waited_in_vain = False

        def look(data: bytes) -> None:
            if b"content_block_delta" in data:
                self._stand_in.seen.set()

        told = {**self._plain["headers"], **(headers or {})}
        answer = await self._client.ask("POST", MESSAGES, headers=told, body=body, on_bytes=look)
        self._stand_in.mode = "normal"
        return answer, next(iter(self._stand_in.received), None)

    def _hidden(self, answer: Answer) -> dict[str, Seen]:
        return {"P10.limits": _leaked(answer, LIMITS), "P10.account": _leaked(answer, ACCOUNT)}

    async def _forwarded(self) -> dict[str, Seen]:
        request = self._request
        betas = [*request["open_betas"], request["unknown_beta"]]
        pairs = request["pairs"]
        body = {**self._plain["body"], "system": request["system"], **request["unknown_field"]}
        for pair in pairs:
            body |= pair["fields"]
        sent_betas = ",".join([*betas, *(pair["beta"] for pair in pairs)])
        headers = {"anthropic-beta": sent_betas, **request["unknown_header"], **request["session_headers"]}
        answer, got = await self._send(json.dumps(body).encode(), headers)
        if got is None:
            names = ("P4.version", "P4.betas", "P4.headers", "P4.fields", "P5.system", "P6.pairs", "P9.session")
            why = failed(f"a message as Claude Code sends it did not reach the upstream: {answer.line()}")
            return dict.fromkeys(names, why)
        arrived = got.json()
        of_pairs = {pair["beta"] for pair in pairs}
        came = [part.strip() for part in got.headers.get("anthropic-beta", "").split(",") if part.strip()]
        came_open = [beta for beta in came if beta not in of_pairs]
        version = self._plain["headers"]["anthropic-version"]
        leaked = sorted(name for name in got.headers if name.startswith("x-claude-code-"))
        return {
            "P4.version": _same(version, got.headers.get("anthropic-version")),
            "P4.betas": _same(",".join(betas), ",".join(came_open)),
            "P4.headers": _all_same(request["unknown_header"], got.headers),
            "P4.fields": _all_same(request["unknown_field"], arrived),
            "P5.system": _system(request["system"], arrived.get("system")),
            "P6.pairs": _pairs(pairs, came, arrived),
            "P9.session": judged(
                not leaked, f"sent {', '.join(request['session_headers'])}; arrived {', '.join(leaked) or 'none'}"
            ),
        }

    async def _bytes(self) -> dict[str, Seen]:
        """Spacing, escapes and the form of numbers are lost when a body is read and written anew."""
        model = json.dumps(self._plain["body"]["model"]).encode()
        body = (
            b'{"model" :' + model + b',\n "max_tokens":1, "temperature":1.0,'
            b' "messages" : [ {"role":"user","content":"\\u00e9 \\/"} ]}'
        )
        answer, got = await self._send(body)
        if got is None:
            return {"P4.bytes": failed(f"the body did not arrive: {answer.line()}")}
        sent, came = (_MODEL.sub(b'"model":""', text, count=1) for text in (body, got.body))
        return {
            "P4.bytes": judged(sent == came, f"sent {body.decode()} ; arrived {got.body.decode('utf-8', 'replace')}")
        }

    async def _stream(self) -> dict[str, Seen]:
        body = json.dumps({**self._plain["body"], "stream": True}).encode()
        answer, got = await self._send(body, mode="held")
        if got is None or not answer.ok:
            return dict.fromkeys(("P7.unbuffered", "P7.pings", "P7.comments"), unseen(f"no stream: {answer.line()}"))
        late = self._stand_in.waited_in_vain
        when = "not before the upstream gave up waiting" if late else "while the upstream held back the next"
        pings = answer.body.count(b"event: ping")
        comment = COMMENT.strip() in answer.body
        leaks = {name: seen for name, seen in self._hidden(answer).items() if seen.verdict is Verdict.FAILED}
        return leaks | {
            "P7.unbuffered": judged(not late, f"the first content event came {when}"),
            "P7.pings": judged(pings > 0, f"the upstream sent 1 ping, {pings} came"),
            "P7.comments": judged(comment, f"the upstream sent {COMMENT.strip().decode()!r}, it came: {comment}"),
        }

    async def _errors(self) -> dict[str, Seen]:
        body = json.dumps(self._plain["body"]).encode()
        wrong, got_wrong = await self._send(body, mode="error")
        busy, got_busy = await self._send(body, mode="overloaded")
        error = wrong.error()
        holds = wrong.status == 400 and error is not None and (error == ERROR or error[1].startswith(_REJECTED))  # noqa: PLR2004  the stand-in's status
        busy_error = busy.error()
        told = busy.status == _OVERLOADED and busy_error is not None and busy_error[0] == OVERLOADED[0]
        return {
            "P8.upstream": judged(holds, f"the upstream said 400 {ERROR[0]}: {ERROR[1]}; {wrong.line()}")
            if got_wrong
            else unseen(f"the message did not arrive: {wrong.line()}"),
            "P13.overloaded": judged(told, f"the upstream said 529 {OVERLOADED[0]}; {busy.line()}")
            if got_busy
            else unseen(f"the message did not arrive: {busy.line()}"),
        }


def _leaked(answer: Answer, told: Mapping[str, str]) -> Seen:
    came = sorted(name for name, value in told.items() if answer.headers.get(name) == value)
    return judged(not came, f"the upstream sent {', '.join(told)}; the client got {', '.join(came) or 'none'}")


def _same(sent: str, came: str | None) -> Seen:
    return passed(f"{sent} arrived") if sent == came else failed(f"sent {sent}; arrived {came or 'nothing'}")


def _all_same(sent: Mapping[str, Any], came: Mapping[str, Any]) -> Seen:
    lost = [name for name, value in sent.items() if came.get(name) != value]
    return failed(f"lost or changed: {', '.join(lost)}") if lost else passed(f"{', '.join(sent)} arrived unchanged")


def _system(sent: list[Any], came: object) -> Seen:
    if sent == came:
        return passed(f"{len(sent)} blocks arrived in order and unchanged")
    shown = json.dumps(came)[:200]
    count = len(came) if isinstance(came, list) else 0
    return failed(f"sent {len(sent)} blocks, {count} arrived: {shown}")


def _pairs(pairs: list[Any], betas: list[str], body: Mapping[str, Any]) -> Seen:
    broken = []
    for pair in pairs:
        beta = pair["beta"] in betas
        whole = all(body.get(name) == value for name, value in pair["fields"].items())
        if not (beta and whole):
            state = "both halves lost" if not (beta or whole) else "beta alone" if beta else "field alone"
            broken.append(f"{pair['name']}: {state}")
    names = ", ".join(pair["name"] for pair in pairs)
    return failed("; ".join(broken)) if broken else passed(f"{names}: beta and field arrived together")
