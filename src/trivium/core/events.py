"""Usage events: what the gateway hands to a sink and an importer to the ledger.

An attempt at an upstream is opened before the surface is called and closed once. A request may have
several attempts; each has its own event. Events carry counts, times and tags, never prompts or answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

from trivium.core.offer import Offer
from trivium.core.usage import UNKNOWN_USAGE, Usage


class Outcome(Enum):
    """How an attempt ended."""

    OK = "ok"
    REFUSED = "refused"  # the surface answered with an error; nothing was billed
    FAILED = "failed"  # no usable answer; whether it was billed is unknown
    CUT = "cut"  # the stream broke after its first event
    CUT_BY_BUDGET = "cut_by_budget"  # ended by us: its budget allowed no more
    CANCELLED = "cancelled"  # the client left
    ABANDONED = "abandoned"  # found open after a crash and resolved by the reaper


class TerminalState(Enum):
    """How an attempt ended, by who ended it: what `Outcome` says in detail, for people and for counters."""

    OK = "ok"
    CLIENT_ABORT = "client_abort"
    UPSTREAM_ERROR = "upstream_error"
    CUT_BY_BUDGET = "cut_by_budget"
    HEDGE_LOST = "hedge_lost"  # ended by us: another attempt at the same request answered first
    GATEWAY_ERROR = "gateway_error"  # a shutdown, a crash, a defect, a deadline of our own


class Quality(Enum):
    """How well the counts are known."""

    EXACT = "exact"
    ESTIMATED = "estimated"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Opened:
    """An attempt about to be sent; durable before the surface is called."""

    event_id: str
    request_id: str
    attempt: int
    at: datetime
    offer: Offer
    workload: str
    key_id: str = ""
    session: str = ""
    endpoint: str = "messages"
    stream: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    prompt_bytes: int = 0
    max_output_tokens: int | None = None
    decision: str = ""  # why it went where it went: `core.Decision` as text


@dataclass(frozen=True, slots=True)
class Closed:
    """The end of an attempt: what it consumed and how long it took.

    Where the final counts never came, each count lies between those of `usage_lower` and `usage_upper` (None there:
    no bound), and the prompt classes of the upper one are each the most that the whole prompt may be.
    """

    event_id: str
    at: datetime
    outcome: Outcome
    usage: Usage = UNKNOWN_USAGE
    quality: Quality = Quality.UNKNOWN
    http_status: int | None = None
    ttft_ms: int | None = None  # request sent to first content byte
    latency_ms: int | None = None  # request sent to last byte
    upstream_request_id: str = ""
    stop_reason: str = ""
    error_type: str = ""
    usage_lower: Usage | None = None  # None: the counts are final, or nothing is known about bounds
    usage_upper: Usage | None = None

    @property
    def terminal_state(self) -> TerminalState:
        """Who ended it."""
        return terminal_state(self.outcome, self.error_type)


OWN_ENDS = ("deadline", "shutdown", "killed")  # error types of ends that are neither the client's nor the surface's
OWN_DEFECT = "gateway."  # begins the error type of an attempt that a defect of ours ended
_STATES = {
    Outcome.OK: TerminalState.OK,
    Outcome.CANCELLED: TerminalState.CLIENT_ABORT,
    Outcome.CUT_BY_BUDGET: TerminalState.CUT_BY_BUDGET,
    Outcome.ABANDONED: TerminalState.GATEWAY_ERROR,
}


def terminal_state(outcome: Outcome, error_type: str) -> TerminalState:
    """Who ended an attempt, from what its record says."""
    if error_type == TerminalState.HEDGE_LOST.value:
        return TerminalState.HEDGE_LOST
    if error_type in OWN_ENDS or error_type.startswith(OWN_DEFECT):
        return TerminalState.GATEWAY_ERROR
    return _STATES.get(outcome, TerminalState.UPSTREAM_ERROR)


@dataclass(frozen=True, slots=True)
class UsageEvent:
    """An attempt whole: what importers yield and exports carry."""

    opened: Opened
    closed: Closed


class Sink(Protocol):
    """Where the gateway records attempts. Each call returns when the record is durable, else raises LedgerError."""

    async def opened(self, event: Opened) -> None:
        """Record the start of an attempt; an error here forbids the attempt."""
        ...

    async def closed(self, event: Closed) -> None:
        """Record the end of an attempt, once."""
        ...
