"""What the requests of a batch consumed, read from a copy of its results: JSON lines, one a request."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

import msgspec

from trivium.core import NO_USAGE, UNKNOWN_USAGE, Closed, Outcome, OutOfOrder, Quality, Sink
from trivium.gateway.flight import later
from trivium.gateway.late import NEVER, REFUSALS, offer_again
from trivium.gateway.metrics import Metrics
from trivium.gateway.wire.usage import UsageReader

_log = logging.getLogger("trivium.gateway")


def event_id(request_id: str, custom_id: str) -> str:
    """The id of the attempt that one request of a batch is: the same whenever and by whomever its result is read.

    The batch's own id is not known yet when its attempts are opened, so the id of the request that makes it stands in.
    """
    digest = hashlib.blake2b(f"{request_id}\0{custom_id}".encode(), digest_size=16).hexdigest()
    return f"evt_{digest}"


class Lines:
    """Cuts what streams by into whole lines."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are whole now."""
        self._rest += data
        *whole, rest = bytes(self._rest).split(b"\n") if b"\n" in data else (bytes(self._rest),)
        self._rest = bytearray(rest)
        return [line for line in whole if line.strip()]

    def finish(self) -> list[bytes]:
        """A last line without an end."""
        rest = bytes(self._rest)
        self._rest.clear()
        return [rest] if rest.strip() else []


@dataclass(frozen=True, slots=True)
class End:
    """The end of one request of a batch, and the model that answered, as the surface calls it."""

    closed: Closed
    model: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """Which ends were new to the ledger, and whether it has all of them."""

    new: tuple[End, ...]
    durable: bool


class _Taken(Enum):
    NEW = "new"
    KNOWN = "known"
    LATER = "later"


def ending(line: bytes, request_id: str, batch_id: str, at: datetime) -> End | None:
    """The end of an attempt as a line of results tells it; None for a line that is no result.

    What did not succeed costs nothing: errored, canceled and expired requests are not billed.
    """
    try:
        decoded = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    result = decoded.get("result") if isinstance(decoded, dict) else None
    custom_id = decoded.get("custom_id") if isinstance(decoded, dict) else None
    if not isinstance(result, dict) or not isinstance(custom_id, str):
        return None
    name = event_id(request_id, custom_id)
    if result.get("type") == "succeeded":
        return _succeeded(result.get("message"), name, batch_id, at)
    return End(
        Closed(
            name, at, Outcome.REFUSED, NO_USAGE, Quality.EXACT, upstream_request_id=batch_id, error_type=_why(result)
        )
    )


def _succeeded(message: Any, name: str, batch_id: str, at: datetime) -> End:
    reader = UsageReader(long_writes=True)  # the request is not at hand: a split that is missing stays unknown
    reader.read(message.get("usage") if isinstance(message, dict) else None)
    usage = reader.usage()
    known = usage.input is not None and usage.output is not None
    quality = (Quality.ESTIMATED if reader.mixed else Quality.EXACT) if known else Quality.UNKNOWN
    reason, model = (message.get(field) if isinstance(message, dict) else None for field in ("stop_reason", "model"))
    closed = Closed(
        name,
        at,
        Outcome.OK,
        usage if known else UNKNOWN_USAGE,
        quality,
        upstream_request_id=batch_id,
        stop_reason=reason if isinstance(reason, str) else "",
    )
    return End(closed, model if isinstance(model, str) else "")


def _why(result: dict[str, Any]) -> str:
    """`canceled`, `expired`, or the type of an error; a word that is ours where the surface's is none."""
    kind = result.get("type")
    error = result.get("error")
    inner = error.get("error") if isinstance(error, dict) else None
    named = inner.get("type") if isinstance(inner, dict) else None
    found = named if isinstance(named, str) else kind
    return found[:64] if isinstance(found, str) else "errored"


async def record(sink: Sink, metrics: Metrics, ends: Sequence[End]) -> Recorded:
    """Make ends durable, each once: one that the ledger has already changes nothing."""
    taken = await asyncio.gather(*(_record(sink, metrics, end.closed) for end in ends))
    new = tuple(end for end, how in zip(ends, taken, strict=True) if how is _Taken.NEW)
    return Recorded(new, durable=_Taken.LATER not in taken)


async def _record(sink: Sink, metrics: Metrics, closed: Closed) -> _Taken:
    try:
        await sink.closed(closed)
    except OutOfOrder:  # its end is known: the results were read before
        return _Taken.KNOWN
    except REFUSALS as error:  # the batch is paid for, so its results go on; counted, logged and offered again
        metrics.ledger_errors.labels("closed").inc()
        _log.error("ledger refused a closed record: %s event=%s", type(error).__name__, closed.event_id)
        if not isinstance(error, NEVER):
            later(offer_again(sink, closed))
        return _Taken.LATER
    return _Taken.NEW
