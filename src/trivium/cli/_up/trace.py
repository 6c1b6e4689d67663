"""What is replayed: the real trace beside the checkout, a file the user names, or sessions drawn from the profile."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from pathlib import Path

from trivium.cli._usage import read_events
from trivium.core import UsageEvent, UserError, parse_utc
from trivium.lab.profile import agent, draw, shipped_profile
from trivium.lab.replay import select

PINNED = parse_utc("2026-04-15")  # the trace's models and prompt lengths need the prices and windows of their time
REQUESTS_MIN = 2000
BESIDE = Path("../shared/traces/claude_code")
LONG_CONTEXT_TOKENS = 200_000
MAIN, LONG, SUBAGENTS = "claude-code", "claude-code-long-context", "claude-code-subagents"


class Kind(Enum):
    """Which of the three was used."""

    BESIDE = "the real Claude Code trace beside the checkout"
    NAMED = "the file you named"
    DRAWN = "sessions drawn from the profile that the product carries"


@dataclass(frozen=True, slots=True)
class Chosen:
    """Conversations to replay, each with its workload; and where they come from."""

    kind: Kind
    source: str
    conversations: tuple[tuple[UsageEvent, ...], ...]
    available: int  # requests there were to choose from
    unread: tuple[str, ...] = ()  # rows of the file that could not be read, each with its reason

    @property
    def requests(self) -> int:
        """How many requests will be sent."""
        return sum(len(turns) for turns in self.conversations)

    @property
    def start(self) -> datetime:
        """Trace time of the first request."""
        return min(turns[0].opened.at for turns in self.conversations)

    @property
    def end(self) -> datetime:
        """Trace time of the last request."""
        return max(turns[-1].opened.at for turns in self.conversations)

    def pairs(self) -> Mapping[tuple[str, str], int]:
        """(workload, model) that occur, and the longest prompt of each with its answer, in tokens."""
        found: dict[tuple[str, str], int] = {}
        for turns in self.conversations:
            for event in turns:
                key = (event.opened.workload, event.opened.offer.model)
                found[key] = max(found.get(key, 0), window_tokens(event))
        return found

    def only(self, pairs: Collection[tuple[str, str]]) -> Chosen:
        """Without the conversations of which a request belongs to none of these pairs."""
        kept = tuple(
            turns
            for turns in self.conversations
            if all((event.opened.workload, event.opened.offer.model) in pairs for event in turns)
        )
        return replace(self, conversations=kept)


def window_tokens(event: UsageEvent) -> int:
    """What a request needs of the context window: its prompt and its answer."""
    return event.closed.usage.prompt_tokens + (event.closed.usage.output or 0)


def choose(trace: Path | None, *, beside: Path, requests_min: int, seed: int) -> Chosen:
    """Pick the source, read it, and select whole sessions; raises UserError naming a file that cannot be read."""
    unread: list[str] = []
    if trace is not None:
        if not trace.exists():
            raise UserError(
                "TRACE", str(trace), "name a trace, a folder of Claude Code session logs or a ledger export"
            )
        kind, source, events = (
            Kind.NAMED,
            str(trace),
            list(read_events(trace, on_bad=lambda row: unread.append(str(row)))),
        )
    elif (beside / "requests.csv.gz").exists():
        kind, source, events = Kind.BESIDE, "claude_code", list(read_events(beside))
    else:
        profile = shipped_profile()
        kind, source = Kind.DRAWN, profile.source
        events = draw(profile, seed, PINNED, sessions=max(1, requests_min // 20))
    usable = [event for event in events if not event.closed.usage.unknown and event.closed.usage.prompt_tokens > 0]
    if not usable:
        why = f"it holds no request with known token counts{f'; {unread[0]}' if unread else ''}"
        raise UserError("TRACE", source, why)
    chosen = select(usable, requests_min=requests_min, seed=seed)
    return Chosen(kind, source, tuple(with_workload(turns) for turns in chosen), len(usable), tuple(unread))


def with_workload(turns: Sequence[UsageEvent]) -> tuple[UsageEvent, ...]:
    """Name the workload a conversation belongs to: what the source says, else by its kind."""
    named = turns[0].opened.workload
    if named and named != MAIN:
        return tuple(turns)
    if agent(turns[0]):
        workload = SUBAGENTS
    elif any(window_tokens(event) >= LONG_CONTEXT_TOKENS for event in turns):
        workload = LONG
    else:
        workload = MAIN
    return tuple(replace(event, opened=replace(event.opened, workload=workload)) for event in turns)
