"""The event time of a request: the clock's, or in a replay the one the driver names."""

from __future__ import annotations

from datetime import datetime

from trivium.core import Clock, UserError, parse_utc
from trivium.gateway.seams import Headers, Stamp

TRACE_TIME = "x-trivium-trace-time"


def clock_stamp(clock: Clock) -> Stamp:
    """Requests happen when they arrive."""

    def stamp(_headers: Headers) -> datetime:
        return clock.now()

    return stamp


def trace_stamp(clock: Clock) -> Stamp:
    """Requests happen when `x-trivium-trace-time` says; composed only for a replay, never by default."""

    def stamp(headers: Headers) -> datetime:
        text = headers.get(TRACE_TIME)
        if text is None:
            return clock.now()
        try:
            return parse_utc(text)
        except ValueError as error:
            raise UserError(TRACE_TIME, text, "give an ISO 8601 instant") from error

    return stamp
