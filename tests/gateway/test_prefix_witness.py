"""A request is found by its prefix exactly when a surface would read it from its cache: the lab is the witness."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from trivium.core import ManualClock, Offer, Usage
from trivium.gateway.affinity import Affinity, Marks
from trivium.gateway.seams import MessagesRequest
from trivium.gateway.wire.body import Body
from trivium.lab.cache import Breakpoint, PromptCache

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
HOME = Offer("anthropic", "global", "claude-opus-5")
OWNER = ("anthropic", "account", "claude-opus-5")

# A block: which of a few words it says, and whether it is marked. A prompt: system blocks, then turns of blocks.
BLOCK = st.tuples(st.integers(0, 1), st.booleans())
PROMPT = st.tuples(
    st.lists(BLOCK, max_size=3),
    st.lists(st.lists(BLOCK, min_size=1, max_size=12), min_size=1, max_size=4),
)
Prompt = tuple[list[tuple[int, bool]], list[list[tuple[int, bool]]]]


def block(word: int, *, marked: bool) -> dict[str, Any]:
    return {"type": "text", "text": f"word {word}"} | ({"cache_control": {"type": "ephemeral"}} if marked else {})


def marks(prompt: Prompt) -> Marks:
    system, turns = prompt
    messages = [
        {"role": ("user", "assistant")[number % 2], "content": [block(word, marked=marked) for word, marked in turn]}
        for number, turn in enumerate(turns)
    ]
    body = {"model": "m", "system": [block(word, marked=marked) for word, marked in system], "messages": messages}
    return Marks(MessagesRequest("r", "messages", Body(json.dumps(body).encode()), "m"), "w")


def flat(prompt: Prompt) -> tuple[list[bytes], list[int], list[Breakpoint]]:
    """The prompt as the lab's cache wants it: a hash at each block, a token a block, and the marks."""
    system, turns = prompt
    said = [(b"system", *one) for one in system]
    said += [((b"user", b"assistant")[number % 2], *one) for number, turn in enumerate(turns) for one in turn]
    running, hashes = blake2b(), []
    for role, word, _ in said:
        running.update(role + b"%d" % word)
        hashes.append(running.digest())
    points = [Breakpoint(place, 300) for place, (_, _, marked) in enumerate(said) if marked]
    return hashes, list(range(1, len(said) + 1)), points


@given(PROMPT, PROMPT)
def test_a_prefix_is_found_exactly_when_the_surface_would_read_it(first: Prompt, second: Prompt) -> None:
    cache, affinity = PromptCache(), Affinity(ManualClock(NOON))
    cache.commit(OWNER, cache.look_up(OWNER, *flat(first), 0, NOON), NOON)
    affinity.keep(marks(first), HOME, Usage(cache_write_5m=1))
    would_read = cache.look_up(OWNER, *flat(second), 0, NOON).read > 0
    assert (affinity.find(marks(second)) is not None) == would_read


@given(PROMPT, st.lists(BLOCK, min_size=1, max_size=4))
def test_a_conversation_that_grows_is_found_and_keeps_its_opening(first: Prompt, more: list[tuple[int, bool]]) -> None:
    system, turns = first
    last = [*turns[-1][:-1], (turns[-1][-1][0], True)]
    marked = (system, [*turns[:-1], last])
    grown = (system, [*turns, [*more[:-1], (more[-1][0], True)]])
    affinity = Affinity(ManualClock(NOON))
    affinity.keep(marks(marked), HOME, Usage(cache_write_5m=1))
    assert affinity.find(marks(grown)) is not None
    assert marks(grown).draw == marks(marked).draw
