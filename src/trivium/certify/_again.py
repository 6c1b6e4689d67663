"""Puts the calls of a recording to a lab again, so that a lab that has changed is held against what a surface said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from trivium.certify._calls import Call
from trivium.certify._read import read
from trivium.certify._record import Record, lines, record
from trivium.certify._redact import Guard, Redactor
from trivium.certify._run import Report, Row, Unreachable, judged
from trivium.certify._send import Site, prepare, send
from trivium.core import ZERO, UserError

_LIVE = "live"
_NONCE = "again"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recording as it was shared: what the live surface said, and where and when it was asked."""

    surface: str
    model: str
    scope: str
    region: str
    credential: str
    public_address: bool
    started_at: datetime
    live: Mapping[str, Record]  # by call
    head: Mapping[str, Any]


def read_recording(text: str) -> Recorded:
    """A recording from its JSON lines; UserError names the line that is none."""
    first, *others = text.splitlines() or [""]
    head = _line(1, first, _First)
    live: dict[str, Record] = {}
    for number, line in enumerate(others, 2):
        found = _line(number, line, _Line)
        if found.side == _LIVE:
            live[found.call] = msgspec.to_builtins(found)
    return Recorded(live=live, head=msgspec.to_builtins(head)["run"], **msgspec.structs.asdict(head.run))


class _Run(msgspec.Struct, frozen=True):
    surface: str
    model: str
    scope: str
    region: str
    credential: str
    public_address: bool
    started_at: datetime


class _First(msgspec.Struct, frozen=True):
    run: _Run


class _Request(msgspec.Struct, frozen=True):
    method: str
    path: str
    headers: dict[str, str]
    body: Any


class _Event(msgspec.Struct, frozen=True):
    at_ms: int
    event: str
    framing: list[str]
    data: Any


class _Line(msgspec.Struct, frozen=True):
    call: str
    side: str
    request: _Request
    status: int
    headers: dict[str, str]
    body: Any
    events: list[_Event] | None
    broken: str
    trouble: str
    elapsed_ms: int


_Kind = TypeVar("_Kind")


def _line(number: int, text: str, kind: type[_Kind]) -> _Kind:
    """A line of somebody's file, checked whole."""
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(f"recording, line {number}", text[:40], f"give a file that --record wrote ({error})") from error


async def again(recorded: Recorded, lab: Site, calls: Sequence[Call]) -> Report:
    """The lab's answers of today beside the recorded ones; nothing is sent anywhere else, and nothing is spent."""
    redactor = Redactor(Guard())
    records: list[Record] = []
    rows = [await _row(call, recorded, lab, redactor, records) for call in calls]
    return Report(
        surface=recorded.surface,
        model=recorded.model,
        public=recorded.public_address,
        started_at=recorded.started_at,
        rows=tuple(rows),
        worst=ZERO,
        budget=ZERO,
        book_digest="",
        recording=lines([{"run": recorded.head}, *records], redactor),
        guard=redactor.guard,
    )


async def _row(call: Call, recorded: Recorded, lab: Site, redactor: Redactor, records: list[Record]) -> Row:
    said = recorded.live.get(call.id)
    if said is None:
        return Row(call, not_run="not in the recording")
    outbound = prepare(call, lab, _NONCE)
    if isinstance(outbound, str):
        return Row(call, not_run=f"not replayed: {outbound}")
    exchange = await send(call, outbound, lab)
    if not exchange.status and not call.padding_bytes:
        raise Unreachable(f"the lab does not answer ({call.id}): {exchange.trouble}")
    answer = record("lab", exchange, read(exchange), redactor)
    if _asked(said) != _asked(answer):
        return Row(call, not_run="the call has changed since it was recorded")
    records += [said, answer]
    return judged(Row(call), said, answer, redactor.guard)


def _asked(item: Record) -> Any:
    """The form of a request, but for the model's name, which a deployment may replace."""
    body = item["request"]["body"]
    shown = {name: value for name, value in body.items() if name != "model"} if isinstance(body, Mapping) else body
    return item["request"]["method"], shown
