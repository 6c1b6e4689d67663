"""What a drill replays: a trace the user names, or many short sessions drawn from the profile, one after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from trivium.cli._up.trace import PINNED, Chosen, Kind, choose, with_workload
from trivium.core import UsageEvent
from trivium.lab.profile import draw, shipped_profile
from trivium.lab.replay import select

_TURNS_MAX = 6  # short sessions, so that there are always some that begin: weights apply to those
_BEGIN_EVERY = timedelta(seconds=20)  # of trace time: a cache lives through a session's pauses


def workload(trace: Path | None, *, requests: int, seed: int) -> Chosen:
    """Conversations with at least so many requests; raises UserError for a trace that cannot be read."""
    if trace is not None:
        return choose(trace, beside=trace, requests_min=requests, seed=seed)
    profile = shipped_profile()
    events = draw(profile, seed, PINNED, sessions=max(8, requests // 4))
    usable = [event for event in events if not event.closed.usage.unknown and event.closed.usage.prompt_tokens > 0]
    chosen: list[tuple[UsageEvent, ...]] = []
    total = 0
    for turns in select(usable, requests_min=len(usable), seed=seed):
        if total >= requests:
            break
        short = _moved(with_workload(turns[:_TURNS_MAX]), PINNED + len(chosen) * _BEGIN_EVERY)
        chosen.append(short)
        total += len(short)
    return Chosen(Kind.DRAWN, profile.source, tuple(chosen), len(usable))


def _moved(turns: Sequence[UsageEvent], begin: datetime) -> tuple[UsageEvent, ...]:
    """The same session, begun at another time."""
    by = begin - turns[0].opened.at
    return tuple(
        replace(
            event,
            opened=replace(event.opened, at=event.opened.at + by),
            closed=replace(event.closed, at=event.closed.at + by),
        )
        for event in turns
    )
