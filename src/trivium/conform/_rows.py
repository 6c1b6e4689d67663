"""The rows of the contract, and what can be said of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """What was seen of a row; a row that nothing was seen of never passes."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_OBSERVED = "not observed"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement, its verdict and one line of evidence."""

    row: str
    requirement: str
    verdict: Verdict
    evidence: str


# Every row, in the order of the report: those that a client sees, then those that only an upstream sees.
REQUIREMENTS: Mapping[str, str] = {
    "P1.messages": "POST /v1/messages?beta=true is answered: the path decides, not the query",
    "P1.count-tokens": "count_tokens is answered with the number that the upstream counts, no estimate (optional)",
    "P2.hello": "HEAD /api/hello is answered, with any status",
    "P2.profiles": "GET /inference-profiles is answered to Bedrock-format clients",
    "P3.bearer": "GET /v1/models?limit=1000 takes a bearer token: in 3 s, no redirect, names with claude",
    "P3.api-key": "GET /v1/models?limit=1000 takes x-api-key just as well",
    "P4.version": "anthropic-version is forwarded as it came",
    "P4.betas": "anthropic-beta is forwarded whole and in order, unknown values too",
    "P4.headers": "unknown anthropic-* headers are forwarded",
    "P4.fields": "unknown fields of the body are forwarded",
    "P4.bytes": "the body arrives byte for byte, but for the model's name",
    "P5.system": "the system array arrives exactly: nothing added, moved or merged",
    "P6.pairs": "the beta and the field of a capability travel together",
    "P7.events": "a stream is server-sent events from message_start to message_stop",
    "P7.unbuffered": "an event reaches the client before the next one is sent",
    "P7.pings": "ping events are forwarded",
    "P7.comments": "comment lines are forwarded",
    "P7.silence": "over an upstream without pings, such as Bedrock, the gateway sends its own",
    "P8.envelope": "a request that is wrong gets 400 and an error the client can read",
    "P8.upstream": "the upstream's error keeps its status, type and wording, or carries capability_rejected:",
    "P9.session": "x-claude-code-* headers are used here and not forwarded",
    "P10.spend": "a spend block is 429 billing_error with x-should-retry: false and retry-after",
    "P10.limits": "the upstream's rate-limit headers do not reach the client",
    "P10.account": "the upstream's anthropic-organization-id does not reach the client",
    "P11.clouds": "betas go into the body for Bedrock and by header to Vertex and Foundry",
    "P12.filters": "no filter blocks a body for the text in it",
    "P13.lacking": "an endpoint that the backend lacks is 501 not_supported with x-should-retry: false",
    "P13.overloaded": "529 overloaded_error reaches the client as it is",
}
WITNESSED = frozenset({
    "P4.version", "P4.betas", "P4.headers", "P4.fields", "P4.bytes", "P5.system", "P6.pairs",
    "P7.unbuffered", "P7.pings", "P7.comments", "P8.upstream", "P9.session", "P10.limits", "P10.account",
    "P13.overloaded",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look says about a row."""

    verdict: Verdict
    evidence: str


def passed(evidence: str) -> Seen:
    """The row holds."""
    return Seen(Verdict.PASSED, evidence)


def failed(evidence: str) -> Seen:
    """The row does not hold."""
    return Seen(Verdict.FAILED, evidence)


def unseen(evidence: str) -> Seen:
    """Nothing was seen that decides the row."""
    return Seen(Verdict.NOT_OBSERVED, evidence)


def inapplicable(evidence: str) -> Seen:
    """The row asks nothing of this gateway."""
    return Seen(Verdict.NOT_APPLICABLE, evidence)


def judged(holds: bool, evidence: str) -> Seen:
    """Passed or failed, with the same evidence."""
    return passed(evidence) if holds else failed(evidence)


def report(seen: Mapping[str, Seen]) -> list[Row]:
    """All rows in order; what no look spoke of was not observed."""
    silent = unseen("needs --upstream: only an upstream sees it")
    return [
        Row(name, requirement, found.verdict, found.evidence)
        for name, requirement in REQUIREMENTS.items()
        for found in [seen.get(name, silent if name in WITNESSED else unseen("nothing that was sent shows it"))]
    ]
