"""The engine: a call in, an answer out. It checks the Messages rules, counts tokens, keeps the cache, writes the bill.

The server drives it:

    engine.count(call, request_id)                 the answer of count_tokens
    answer = engine.begin(call, request_id)        raises Refused; nothing is billed yet
    engine.started(answer)                         the response starts: cache entries become readable
    answer.message() / answer.events()             what the surface frames
    engine.finished(answer, outcome, output)       the bill line
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from trivium.lab.surfaces._base import Call


class Answer:
    """What the surface will say to one call, whole, before any of it is sent."""

    call: Call
    request_id: str
    at: datetime  # the time of the request: trace time where it is on

    def message(self) -> dict[str, Any]:
        """The finished message, as a non-streaming answer."""
        raise NotImplementedError

    def events(self) -> Iterator[tuple[dict[str, Any], int]]:
        """Every Messages stream event with the output tokens generated up to and with it."""
        raise NotImplementedError


class Engine:
    """See the module."""

    def count(self, call: Call, request_id: str) -> int:
        """Input tokens of a call."""
        raise NotImplementedError

    def begin(self, call: Call, request_id: str) -> Answer:
        """Check the call and decide its whole answer."""
        raise NotImplementedError

    def started(self, answer: Answer) -> None:
        """The response starts."""
        raise NotImplementedError

    def finished(self, answer: Answer, outcome: str, output_tokens: int) -> None:
        """The response ended: "ok", "cut" or "cancelled", with the output tokens that were generated."""
        raise NotImplementedError
