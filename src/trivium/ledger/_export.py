"""The ledger's own export: JSON lines with a header that names the version and an end that proves completeness."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec

from trivium.core import Closed, LedgerError, Opened, UsageEvent, UserError
from trivium.core.files import replacing

FORMAT = "trivium-ledger"
VERSION = 2  # 2: attempts carry their decision
READS = (1, 2)
_PROGRESS_ROWS = 1000


def write_export(events: Iterable[UsageEvent], path: Path, *, progress: Callable[[int], None] | None = None) -> int:
    """Write events to a new file (gzip if its name ends in .gz); how many. The file appears when it is whole."""
    if path.exists():
        raise UserError("export", str(path), "name a file that does not exist yet")
    try:
        with replacing(path) as raw:
            if path.suffix == ".gz":
                with gzip.GzipFile(fileobj=raw, mode="wb", filename="", mtime=0) as packed:
                    count = write_lines(events, cast("BinaryIO", packed), progress=progress)
            else:
                count = write_lines(events, raw, progress=progress)
    except OSError as error:
        raise LedgerError(f"export to {path} failed: {error}") from error
    return count


def write_lines(
    events: Iterable[UsageEvent], out: BinaryIO | BytesIO, *, progress: Callable[[int], None] | None = None
) -> int:
    """Write header, events and end to an open stream; how many events."""
    encode = msgspec.json.Encoder(order="sorted").encode
    out.write(encode({"format": FORMAT, "version": VERSION}) + b"\n")
    count = 0
    for count, event in enumerate(events, 1):
        out.write(encode({"opened": _opened(event.opened), "closed": _closed(event.closed)}) + b"\n")
        if progress is not None and count % _PROGRESS_ROWS == 0:
            progress(count)
    out.write(encode({"end": count}) + b"\n")
    if progress is not None:
        progress(count)
    return count


def _opened(opened: Opened) -> dict[str, Any]:
    offer = opened.offer
    values: dict[str, Any] = {name: getattr(opened, name) for name in OPENED_FIELDS}
    return values | {
        "at": opened.at.isoformat(),
        "offer": {"surface": offer.surface, "scope": offer.scope, "model": offer.model, "tier": offer.tier},
        "tags": dict(opened.tags),
    }


def _closed(closed: Closed) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(closed, name) for name in CLOSED_FIELDS}
    return values | {
        "at": closed.at.isoformat(),
        "outcome": closed.outcome.value,
        "quality": closed.quality.value,
        "usage": dict(closed.usage),
        **{name: dict(bound) for name in BOUND_FIELDS if (bound := getattr(closed, name)) is not None},
    }


# Fields that are written as they are; the rest have a form of their own above.
OPENED_FIELDS = (
    *("event_id", "request_id", "attempt", "workload", "key_id", "session", "endpoint", "stream"),
    *("prompt_bytes", "max_output_tokens", "decision"),
)
CLOSED_FIELDS = (
    *("event_id", "http_status", "ttft_ms", "latency_ms", "upstream_request_id", "stop_reason", "error_type"),
)
BOUND_FIELDS = ("usage_lower", "usage_upper")  # written where there are any
