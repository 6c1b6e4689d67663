"""An exchange as it is kept and compared: everything in it has been made fit to be shared first."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from trivium.certify._read import Answer
from trivium.certify._redact import Redactor
from trivium.certify._send import Exchange

Side = Literal["live", "lab"]
Record = Mapping[str, Any]


def record(side: Side, exchange: Exchange, answer: Answer, redactor: Redactor) -> Record:
    """One line of the recording, as a value. Times are milliseconds since the request was sent."""
    return {
        "call": exchange.call,
        "side": side,
        "request": {
            "method": exchange.method,
            "path": redactor.path(exchange.url),
            "headers": redactor.headers(exchange.request_headers),
            "body": _request_body(exchange.request_body, redactor),
        },
        "status": exchange.status,
        "headers": redactor.headers(exchange.headers),
        "body": redactor.value(answer.body),
        "events": None if answer.events is None else [_event(event, redactor) for event in answer.events],
        "broken": answer.broken,
        "trouble": redactor.guard.scrub(exchange.trouble),
        "elapsed_ms": exchange.elapsed_ms,
    }


def _event(event: Any, redactor: Redactor) -> dict[str, Any]:
    return {
        "at_ms": event.at_ms,
        "event": redactor.code(event.name),
        "framing": [redactor.key(name) for name in event.framing],
        "data": redactor.value(event.data),
    }


def _request_body(body: bytes, redactor: Redactor) -> Any:
    if not body:
        return None
    try:
        return redactor.value(json.loads(body))
    except ValueError:
        return f"<{len(body)} bytes>"


def lines(records: Iterable[Record], redactor: Redactor) -> str:
    """The recording as JSON lines; the guard sees each once more, as it will be written."""
    written = (json.dumps(item, separators=(",", ":"), ensure_ascii=True) for item in records)
    return "".join(redactor.guard.scrub(line) + "\n" for line in written)


def error_words(item: Record) -> str:
    """What of an error's text may be shown; empty if the answer is none."""
    body = item["body"][0] if isinstance(item["body"], list) and item["body"] else item["body"]
    said = body.get("error", body) if isinstance(body, Mapping) else None
    return str(said.get("message", "")) if isinstance(said, Mapping) else ""


def digest(text: str) -> str:
    """What names a recording: SHA-256 of its bytes, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()
