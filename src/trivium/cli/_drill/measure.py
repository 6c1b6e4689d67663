"""What an outage cost: from the answers that came back and from the ledger's records with their decisions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from trivium.cli._drill.outage import Course
from trivium.core import Decision, Money, Offer, Outcome, PriceError, Usage, UsageEvent
from trivium.lab.replay import Replayed

PHASES = ("before", "during", "after")
ADDED_S_MAX = 0.005  # a first byte is back where it was when it comes at most so much later
_WINDOW = 50  # requests whose slowest first byte is looked at together
# Codes of a candidate that would have been asked but for its state.
_LEFT = {"failed", "breaker", "resting", "draining"}
Pricer = Callable[[Usage, Offer, datetime], Money]


@dataclass(frozen=True, slots=True)
class Recovery:
    """Times in seconds; None where it did not happen while the drill lasted."""

    first_failure_s: float | None  # from the loss of the surface to the first request that met it
    first_byte_s: float | None  # from then until the slowest of 50 in a row is back under the p99 of before
    p99_before_ms: float
    slowest_ms: float  # of all first bytes during the outage
    served_again_s: float | None  # from the return of the surface to the first request it answered
    weight_again_s: float | None  # until of the last 20 sessions that began it took half of its share of before


@dataclass(frozen=True, slots=True)
class Cost:
    """Exact amounts; what could not be priced is counted, never taken for nothing."""

    displaced_requests: int  # answered elsewhere, of sessions that the surface would have had
    added: Money  # what they cost, less what the lost surface would have taken for the same with its cache
    unpriced: int
    cache_lost_tokens: int
    cache_lost: Money  # from the decisions of the requests that left a living cache
    cache_moves: int
    cache_unknown: int  # moves whose tokens or price are not known
    extra_attempts: int
    maybe_billed: int  # attempts that ended without an answer and may be on the bill


def recovery(course: Course, surface: str) -> Recovery:
    """How soon nobody waited any more, and how soon the surface had its part again."""
    answers = sorted(course.answers, key=lambda one: one.began_s)
    before = sorted(one.first_s for one in answers if course.phase(one) == "before")
    p99_s = before[int(len(before) * 0.99)] if before else 0.0
    hit = [one for one in answers if one.began_s >= course.away_s - one.first_s and (one.attempts > 1 or not one.ok)]
    met_s = max(hit[0].began_s, course.away_s) if hit else None
    back = [one for one in answers if course.phase(one) == "after" and one.ok and one.surface == surface]
    during = [one.first_s for one in answers if course.phase(one) == "during"]
    return Recovery(
        first_failure_s=None if met_s is None else met_s - course.away_s,
        first_byte_s=None if met_s is None else _quick_again(answers, met_s, p99_s + ADDED_S_MAX),
        p99_before_ms=1000 * p99_s,
        slowest_ms=1000 * max(during, default=0.0),
        served_again_s=back[0].began_s + back[0].first_s - course.back_s if back else None,
        weight_again_s=_weight_again(answers, course, surface),
    )


def _quick_again(answers: Sequence[Replayed], met_s: float, bar_s: float) -> float | None:
    """Seconds from the first failure to the first request that with the next 49 had its first byte in time."""
    later = [one for one in answers if one.began_s >= met_s]
    for index in range(len(later) - _WINDOW + 1):
        window = later[index : index + _WINDOW]
        if all(one.ok and one.first_s <= bar_s for one in window):
            return window[0].began_s - met_s
    return None


_SESSIONS = 20


def _weight_again(answers: Sequence[Replayed], course: Course, surface: str) -> float | None:
    """Weights apply to what is new: sessions that moved stay where they are now."""
    seen: set[str] = set()
    firsts = []
    for one in answers:
        if one.request.session not in seen:
            seen.add(one.request.session)
            firsts.append(one)
    before = [one for one in firsts if course.phase(one) == "before"]
    share = sum(one.surface == surface for one in before) / len(before) if before else 0.0
    after = [one for one in firsts if course.phase(one) == "after"]
    for index in range(len(after)):
        last = after[max(0, index + 1 - _SESSIONS) : index + 1]
        taken = sum(one.surface == surface for one in last)
        if taken and taken >= share / 2 * min(_SESSIONS, len(after)):
            return last[-1].began_s + last[-1].first_s - course.back_s
    return None


def served(course: Course) -> Mapping[str, Mapping[str, int]]:
    """Answered requests by phase and surface."""
    counts: dict[str, Counter[str]] = {phase: Counter() for phase in PHASES}
    for one in course.answers:
        if one.ok:
            counts[course.phase(one)][one.surface] += 1
    return {phase: dict(sorted(found.items())) for phase, found in counts.items()}


def cost(course: Course, events: Iterable[UsageEvent], lost: Offer, price: Pricer) -> Cost:
    """Walk through the records request by request, from the loss of the surface on."""
    requests: dict[str, list[UsageEvent]] = {}
    for event in events:
        requests.setdefault(event.opened.request_id, []).append(event)
    displaced: set[str] = set()
    found = Cost(0, Money(0), 0, 0, Money(0), 0, 0, 0, 0)
    for answer in sorted(course.answers, key=lambda one: one.began_s):
        attempts = sorted(requests.get(answer.request_id, ()), key=lambda event: event.opened.attempt)
        if (course.phase(answer) == "before" and len(attempts) < 2) or not attempts:  # noqa: PLR2004  a first and a second
            continue
        found = replace(
            found,
            extra_attempts=found.extra_attempts + len(attempts) - 1,
            maybe_billed=found.maybe_billed
            + sum(event.closed.outcome in {Outcome.FAILED, Outcome.CUT} for event in attempts),
        )
        last, session = attempts[-1], answer.request.session
        if last.opened.offer.surface == lost.surface:
            displaced.discard(session)
            continue
        if _left(attempts, lost.surface):
            displaced.add(session)
        if session in displaced and last.closed.outcome is Outcome.OK:
            found = _add(found, last, lost, price)
    return found


def _left(attempts: Sequence[UsageEvent], surface: str) -> bool:
    """Whether one of a request's decisions says that the surface would have been asked."""
    prefix = f"{surface}/"
    for event in attempts:
        decision = Decision.decode(event.opened.decision)
        if event.opened.offer.surface == surface:
            return True
        if decision is None:
            continue
        moved = decision.affinity == "moved" and decision.home.startswith(prefix)
        if moved or any(one.offer.startswith(prefix) and one.code in _LEFT for one in decision.considered):
            return True
    return False


def _add(found: Cost, last: UsageEvent, lost: Offer, price: Pricer) -> Cost:
    """One displaced request that was answered elsewhere."""
    decision = Decision.decode(last.opened.decision)
    usage, tokens = last.closed.usage, 0
    if decision is not None and decision.affinity == "moved" and decision.home.startswith(f"{lost.surface}/"):
        unknown = decision.lost_tokens is None or decision.lost is None
        tokens = decision.lost_tokens or 0
        found = replace(
            found,
            cache_moves=found.cache_moves + 1,
            cache_unknown=found.cache_unknown + unknown,
            cache_lost_tokens=found.cache_lost_tokens + tokens,
            cache_lost=found.cache_lost + (decision.lost or Money(0)),
        )
    found = replace(found, displaced_requests=found.displaced_requests + 1)
    offer = last.opened.offer
    try:
        paid = price(usage, offer, last.opened.at)
        instead = price(_as_if_read(usage, tokens), replace(lost, model=offer.model, tier=offer.tier), last.opened.at)
    except PriceError:
        return replace(found, unpriced=found.unpriced + 1)
    return replace(found, added=found.added + paid - instead)


def _as_if_read(usage: Usage, tokens: int) -> Usage:
    """The same request where its cache still lives: what was lost is read, not written."""
    hour = min(tokens, usage.cache_write_1h or 0)
    short = min(tokens - hour, usage.cache_write_5m or 0)
    return replace(
        usage,
        cache_read=(usage.cache_read or 0) + hour + short,
        cache_write_1h=(usage.cache_write_1h or 0) - hour,
        cache_write_5m=(usage.cache_write_5m or 0) - short,
    )
