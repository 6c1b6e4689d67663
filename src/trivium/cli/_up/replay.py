"""The replay of a run: progress, one surface pulled down half-way, and what that cost."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from trivium.cli._up.site import Site
from trivium.core import Money, Offer, Usage
from trivium.lab.replay import Client, Replayed, replay

_KILL_AT = 0.5  # share of the requests after which a surface is pulled down
_SPARED = "anthropic"
Pricer = Callable[[Usage, Offer, datetime], Money]


@dataclass(frozen=True, slots=True)
class Killed:
    """One surface pulled down during the replay, and what it cost."""

    surface: str
    after_requests: int
    extra_attempts: int
    requests_moved: int  # that the surface would have served
    errors: int
    lost_prefix_tokens: int  # cached on the dead surface, written again on another
    lost_cache_usd: Money


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that came back."""

    answers: tuple[Replayed, ...]
    killed: Killed | None

    @property
    def errors(self) -> int:
        """Requests whose client got no whole answer."""
        return sum(not answer.ok for answer in self.answers)


def run(
    site: Site,
    conversations: Sequence[Sequence[object]],
    keys: Mapping[str, str],
    on_progress: Callable[[int], None],
    surfaces: Sequence[str],
    price: Callable[[Usage, str, str, datetime], Money],
) -> Outcome:
    """Replay through the gateway; half-way pull down the busiest surface, if there is another to take over."""
    total = sum(len(turns) for turns in conversations)
    kill_at = int(total * _KILL_AT)
    served: Counter[str] = Counter()
    victims: list[str] = []

    async def on_done(count: int, answer: Replayed) -> None:
        on_progress(count)
        served[answer.surface] += answer.ok
        if count == kill_at and len(surfaces) > 1:
            # the surface of last resort is spared if another one has work: its loss would tell less
            victims.append(max(surfaces, key=lambda name: (name != _SPARED and served[name] > 0, served[name], name)))
            await asyncio.to_thread(site.control, "POST", f"/surfaces/{victims[0]}/kill", {"drain": True})

    client = Client(site.gateway_url, lambda event: keys[event.opened.workload])
    answers = asyncio.run(replay(conversations, client, on_done))  # type: ignore[arg-type]
    for victim in victims:
        site.control("POST", f"/surfaces/{victim}/revive")
    site.check()
    killed = _cost(victims[0], kill_at, answers, price) if victims else None
    return Outcome(tuple(answers), killed)


def _cost(
    victim: str, killed_at: int, answers: Sequence[Replayed], price: Callable[[Usage, str, str, datetime], Money]
) -> Killed:
    """What the loss of a surface cost: repeated attempts, errors, and prefixes written again instead of read."""
    home = {_conversation(answer): answer.surface for answer in answers[:killed_at]}
    displaced = {key for key, surface in home.items() if surface == victim}
    moved = lost_tokens = 0
    lost = Money(0)
    for answer in answers[killed_at:]:
        key = _conversation(answer)
        if key not in home or home[key] != victim or answer.usage is None or answer.surface == victim:
            continue
        moved += 1
        if key in displaced:  # the first request elsewhere finds no cache; those after it find their own
            displaced.discard(key)
            missing = _missing(answer)
            offer = (answer.surface, answer.request.event.opened.offer.model)
            kept = _as_if_read(answer.usage, missing)
            lost += price(answer.usage, *offer, answer.request.at) - price(kept, *offer, answer.request.at)
            lost_tokens += missing
    after = answers[killed_at:]
    return Killed(
        surface=victim,
        after_requests=killed_at,
        extra_attempts=sum(answer.attempts - 1 for answer in after),
        requests_moved=moved,
        errors=sum(not answer.ok for answer in after),
        lost_prefix_tokens=lost_tokens,
        lost_cache_usd=lost,
    )


_CACHE_LIFE_S = 300.0


def _conversation(answer: Replayed) -> tuple[str, str]:
    opened = answer.request.event.opened
    return (opened.session, opened.tags.get("subagent", ""))


def _missing(answer: Replayed) -> int:
    """Prefix tokens that a live cache would have given back and that were written anew."""
    if answer.usage is None or answer.request.gap_s > _CACHE_LIFE_S:
        return 0
    return max(answer.request.prefix_tokens - (answer.usage.cache_read or 0), 0)


def _as_if_read(usage: Usage, tokens: int) -> Usage:
    moved = min(tokens, usage.cache_write_5m or 0)
    return Usage(
        input=usage.input,
        output=usage.output,
        cache_read=(usage.cache_read or 0) + moved,
        cache_write_5m=(usage.cache_write_5m or 0) - moved,
        cache_write_1h=usage.cache_write_1h,
    )
