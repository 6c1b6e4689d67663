"""What goes on if a party fails or a surface is withdrawn: only what the ledger has measured counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from trivium.capital.dependence._concentrate import Chains
from trivium.capital.dependence._values import Chain, Continuity, Goes, How, Part, Seen, Spent
from trivium.core import Outcome, UsageEvent

_SURFACE, _PARTY = "surface", "party"


def without_party(
    party: str, spent: Sequence[Spent], seen: Sequence[Seen], chains: Chains, window: tuple[date, date]
) -> Continuity:
    """What goes on if a party fails. A surface that may depend on it, one of several names, is no evidence either.

    Evidence is an answer to the same workload and model by another surface, last within the days of the window. One
    answer shows that it works there, not that all of it would fit.
    """
    return _without(_PARTY, party, (spent, seen), chains, window)


def without_surface(
    surface: str, spent: Sequence[Spent], seen: Sequence[Seen], chains: Chains, window: tuple[date, date]
) -> Continuity:
    """What goes on if a surface is withdrawn."""
    return _without(_SURFACE, surface, (spent, seen), chains, window)


def _without(
    kind: str,
    name: str,
    given: tuple[Sequence[Spent], Sequence[Seen]],
    chains: Chains,
    window: tuple[date, date],
) -> Continuity:
    spent, seen = given
    since, until = window
    parts = []
    for one in spent:
        sure, perhaps = _depends(kind, name, chains[one.surface, one.model])
        evidence = () if not (sure or perhaps) else _evidence(kind, name, one, seen, chains, window)
        goes = Goes.UNAFFECTED if not (sure or perhaps) else Goes.SHOWN if evidence else Goes.NOT_SHOWN
        unknown = chains[one.surface, one.model].not_stated if kind == _PARTY else ()
        parts.append(Part(one, goes, perhaps and not sure, evidence, unknown))
    ordered = sorted(parts, key=lambda part: (part.spent.workload, part.spent.model, part.spent.surface))
    return Continuity(kind, name, tuple(ordered), since, until)


def _depends(kind: str, name: str, chain: Chain) -> tuple[bool, bool]:
    if kind == _SURFACE:
        return chain.surface == name, False
    return name in chain.parties, name in chain.possible


def _evidence(
    kind: str, name: str, one: Spent, seen: Sequence[Seen], chains: Chains, window: tuple[date, date]
) -> tuple[Seen, ...]:
    since, until = window
    found = [
        other
        for other in seen
        if (other.workload, other.model) == (one.workload, one.model)
        and other.count > 0
        and since <= other.last_on <= until
        and other.surface != one.surface
        and other.instead_of in {"", one.surface}
        and (other.surface, other.model) in chains
        and not any(_depends(kind, name, chains[other.surface, other.model]))
    ]
    return tuple(sorted(found, key=lambda other: (-other.last_on.toordinal(), other.surface, other.how.value)))


def failovers(events: Iterable[UsageEvent]) -> tuple[Seen, ...]:
    """Requests that one surface did not answer and another did, from attempts in the order of their start.

    A client that left is no failure. Each surface that did not answer is counted once a request.
    """
    failed: dict[str, list[str]] = {}
    counts: dict[tuple[str, str, str, str], tuple[int, date]] = {}
    for event in events:
        opened = event.opened
        if event.closed.outcome is Outcome.CANCELLED:
            continue
        if event.closed.outcome is not Outcome.OK:
            failed.setdefault(opened.request_id, []).append(opened.offer.surface)
            continue
        for surface in dict.fromkeys(failed.pop(opened.request_id, [])):
            if surface != opened.offer.surface:
                key = (opened.workload, opened.offer.model, opened.offer.surface, surface)
                count, _ = counts.get(key, (0, opened.at.date()))
                counts[key] = (count + 1, opened.at.date())
    return tuple(
        Seen(workload, model, answered, count, last, How.FAILOVER, failed_on)
        for (workload, model, answered, failed_on), (count, last) in sorted(counts.items())
    )
