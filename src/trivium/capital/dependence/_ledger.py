"""What the ledger says of dependence: exact spend by workload, model and surface, and who answered when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime

from trivium.capital.dependence._continue import failovers
from trivium.capital.dependence._values import How, Seen, Spent
from trivium.core import Outcome, UsageEvent
from trivium.ledger import Ledger

_KEYS = ("workload", "model", "surface")
_STEP = 1000


def spent_in(ledger: Ledger, since: datetime | None, until: datetime | None) -> tuple[Spent, ...]:
    """The spend of a span, dearest first; amounts are the ledger's, and what has no price is counted, never 0."""
    return tuple(
        Spent(row.keys[0], row.keys[1], row.keys[2], row.amount, row.requests, row.unpriced)
        for row in ledger.spend(_KEYS, since=since, until=until)
    )


def seen_in(
    ledger: Ledger, since: datetime, until: datetime, progress: Callable[[int], None] | None = None
) -> tuple[Seen, ...]:
    """Which surface answered which workload and model in a span: how often and when last; failovers apart."""
    found: dict[tuple[str, ...], tuple[int, date]] = {}
    for row in ledger.spend((*_KEYS, "day"), since=since, until=until, where={"outcome": Outcome.OK.value}):
        day = date.fromisoformat(row.keys[3])
        count, last = found.get(row.keys[:3], (0, day))
        found[row.keys[:3]] = (count + row.requests, max(last, day))
    answered = tuple(
        Seen(workload, model, surface, count, last, How.ANSWERED)
        for (workload, model, surface), (count, last) in sorted(found.items())
    )
    if not _any_failed(ledger, since, until):
        return answered
    return (*answered, *failovers(_counted(ledger.events(since=since, until=until), progress)))


def _any_failed(ledger: Ledger, since: datetime, until: datetime) -> bool:
    fine = {Outcome.OK.value, Outcome.CANCELLED.value}
    return any(row.keys[0] not in fine for row in ledger.spend(("outcome",), since=since, until=until))


def _counted(events: Iterator[UsageEvent], progress: Callable[[int], None] | None) -> Iterator[UsageEvent]:
    for number, event in enumerate(events, 1):
        if progress is not None and number % _STEP == 0:
            progress(number)
        yield event
