"""Values of core to rows of the ledger and back, without loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from trivium.core import DECISION_CHARS_MAX, Closed, Offer, Opened, Outcome, Quality, Usage, UserError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ENCODER = msgspec.json.Encoder(order="sorted")
_INT64_MAX = 2**63 - 1
DAY_US = 86_400_000_000

OPENED_COLUMNS = (
    "event_id, request_id, attempt, at_us, surface, scope, model, tier, workload, key_id, session, endpoint, stream, "
    "tags, prompt_bytes, max_output_tokens, decision"
)
CLOSED_COLUMNS = (
    "at_us, outcome, quality, input, output, cache_read, cache_write_5m, cache_write_1h, web_search, web_fetch, "
    "code_execution_hours, http_status, ttft_ms, latency_ms, upstream_request_id, stop_reason, error_type, "
    "usage_lower, usage_upper"
)
OPENED_WIDTH = OPENED_COLUMNS.count(",") + 1
CLOSED_WIDTH = CLOSED_COLUMNS.count(",") + 1


def qualified(columns: str, table: str) -> str:
    """The same columns with the table's name before each."""
    return ", ".join(f"{table}.{column.strip()}" for column in columns.split(","))


def to_us(instant: datetime, field: str = "at") -> int:
    """Whole microseconds since 1970; UserError if the instant has no time zone or lies before 1970."""
    if instant.tzinfo is None:
        raise UserError(field, instant.isoformat(), "give an instant with a time zone")
    microseconds = (instant - _EPOCH) // _MICROSECOND
    if microseconds < 0:
        raise UserError(field, instant.isoformat(), "give an instant after 1970")
    return microseconds


def from_us(microseconds: int) -> datetime:
    """The instant, in UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


def to_json(value: Mapping[str, str] | Sequence[str]) -> str:
    """The stored form of tags and lists: compact JSON, keys sorted."""
    return _ENCODER.encode(value).decode() if value else ("{}" if isinstance(value, Mapping) else "[]")


def tags_from(text: str) -> dict[str, str]:
    """The tags of a stored row."""
    return {} if text == "{}" else msgspec.json.decode(text, type=dict[str, str])


def names_from(text: str) -> tuple[str, ...]:
    """The names in a stored list."""
    return () if text == "[]" else msgspec.json.decode(text, type=tuple[str, ...])


def counts_to_json(usage: Usage | None) -> str | None:
    """The stored form of a bound: counts by unit as compact JSON."""
    return None if usage is None else _ENCODER.encode(dict(usage)).decode()


def counts_from(text: str | None) -> Usage | None:
    """The bound of a stored row."""
    return None if text is None else Usage(**msgspec.json.decode(text, type=dict[str, int | None]))


def opened_row(opened: Opened) -> tuple[Any, ...]:
    """The values of OPENED_COLUMNS; UserError if one cannot be stored as it is."""
    if not opened.event_id:
        raise UserError("event_id", opened.event_id, "give each attempt an id of its own")
    for name, value in opened.tags.items():
        if not isinstance(name, str) or not isinstance(value, str) or not name or '"' in name:
            raise UserError("tags", {name: value}, 'give text for names and values, and no `"` in a name')
    for field, number in (("prompt_bytes", opened.prompt_bytes), ("max_output_tokens", opened.max_output_tokens or 0)):
        if not 0 <= number <= _INT64_MAX:
            raise UserError(field, number, "give a whole number, 0 or more")
    if len(opened.decision) > DECISION_CHARS_MAX:
        raise UserError("decision", f"{len(opened.decision)} characters", f"give at most {DECISION_CHARS_MAX}")
    offer = opened.offer
    return (
        opened.event_id,
        opened.request_id,
        opened.attempt,
        to_us(opened.at),
        offer.surface,
        offer.scope,
        offer.model,
        offer.tier,
        opened.workload,
        opened.key_id,
        opened.session,
        opened.endpoint,
        int(opened.stream),
        to_json(opened.tags),
        opened.prompt_bytes,
        opened.max_output_tokens,
        opened.decision,
    )


def closed_row(closed: Closed) -> tuple[Any, ...]:
    """The values of CLOSED_COLUMNS."""
    usage = closed.usage
    return (
        to_us(closed.at),
        closed.outcome.value,
        closed.quality.value,
        usage.input,
        usage.output,
        usage.cache_read,
        usage.cache_write_5m,
        usage.cache_write_1h,
        usage.web_search,
        usage.web_fetch,
        usage.code_execution_hours,
        closed.http_status,
        closed.ttft_ms,
        closed.latency_ms,
        closed.upstream_request_id,
        closed.stop_reason,
        closed.error_type,
        counts_to_json(closed.usage_lower),
        counts_to_json(closed.usage_upper),
    )


def opened_from(row: Sequence[Any]) -> Opened:
    """The value of a row in the order of OPENED_COLUMNS."""
    (event_id, request_id, attempt, at_us, surface, scope, model, tier, workload, key_id, session, *rest) = row
    endpoint, stream, tags, prompt_bytes, max_output_tokens, decision = rest
    return Opened(
        event_id=event_id,
        request_id=request_id,
        attempt=attempt,
        at=from_us(at_us),
        offer=Offer(surface, scope, model, tier),
        workload=workload,
        key_id=key_id,
        session=session,
        endpoint=endpoint,
        stream=bool(stream),
        tags=tags_from(tags),
        prompt_bytes=prompt_bytes,
        max_output_tokens=max_output_tokens,
        decision=decision,
    )


def closed_from(event_id: str, row: Sequence[Any]) -> Closed:
    """The value of a row in the order of CLOSED_COLUMNS."""
    at_us, outcome, quality = row[:3]
    http_status, ttft_ms, latency_ms, upstream_request_id, stop_reason, error_type, lower, upper = row[11:]
    return Closed(
        event_id=event_id,
        at=from_us(at_us),
        outcome=Outcome(outcome),
        usage=Usage(*row[3:11]),
        quality=Quality(quality),
        http_status=http_status,
        ttft_ms=ttft_ms,
        latency_ms=latency_ms,
        upstream_request_id=upstream_request_id,
        stop_reason=stop_reason,
        error_type=error_type,
        usage_lower=counts_from(lower),
        usage_upper=counts_from(upper),
    )


def differences(mine: Sequence[Any], theirs: Sequence[Any], columns: str) -> str:
    """Which columns of two rows differ, for a message."""
    names = [name.strip() for name in columns.split(",")]
    return ", ".join(
        f"{name} {old!r} became {new!r}" for name, old, new in zip(names, mine, theirs, strict=True) if old != new
    )
