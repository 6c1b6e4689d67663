"""Which recorded sessions to replay: whole ones, seeded, until there are enough requests."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

from trivium.core import UsageEvent
from trivium.lab.profile import agent


def select(events: Iterable[UsageEvent], *, requests_min: int, seed: int) -> list[list[UsageEvent]]:
    """Conversations of whole sessions with at least `requests_min` requests in all (or everything there is).

    Sessions are taken in an order given by the seed. Each conversation is in order of time; a session's
    sub-agents are conversations of their own.
    """
    sessions: dict[str, dict[str, list[UsageEvent]]] = {}
    for event in events:
        agents = sessions.setdefault(event.opened.session, {})
        agents.setdefault(agent(event), []).append(event)
    order = sorted(sessions, key=lambda name: blake2b(f"{seed}/{name}".encode(), digest_size=8).digest())
    chosen: list[list[UsageEvent]] = []
    total = 0
    for name in order:
        if total >= requests_min:
            break
        for turns in sessions[name].values():
            turns.sort(key=lambda event: (event.opened.at, event.opened.event_id))
            chosen.append(turns)
            total += len(turns)
    return chosen
