"""Messages bodies that consume exactly what a recorded request consumed.

A prompt is made of synthetic words, one token each for the lab's tokenizer, in user and assistant blocks. A
request keeps the first `cache_read` tokens of the conversation's previous prompt and adds new ones. Two cache
breakpoints are set: at the end, and at the place where the next request will part from this one, which is known
in advance here; so the lab can give back exactly the recorded prefix, if it has not expired meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from trivium.core import UsageEvent

LONG_PROMPT_TOKENS = 200_000
_LONG_BETA = "context-1m-2025-08-07"
_CACHE = b',"cache_control":{"type":"ephemeral"}}'
_POOL_TOKENS = 1 << 21


def _pool() -> bytes:
    """Two million one-letter words, the same on every machine."""
    letters = b"abcdefghijklmnopqrstuvwxyzABCDEF"
    stream = b"".join(
        blake2b(number.to_bytes(4, "big"), digest_size=64).digest() for number in range(_POOL_TOKENS // 64)
    )
    words = bytearray(b" ") * (2 * _POOL_TOKENS)
    words[1::2] = stream.translate(bytes(letters[value % 32] for value in range(256)))
    return bytes(words)


_WORDS: list[bytes] = []


def words(tokens: int, seed: str) -> bytes:
    """Exactly `tokens` synthetic words, chosen by the seed."""
    if not _WORDS:
        _WORDS.append(_pool())
    room = _POOL_TOKENS - tokens
    start = int.from_bytes(blake2b(seed.encode(), digest_size=8).digest(), "big") % max(room, 1)
    return _WORDS[0][2 * start : 2 * (start + tokens)]


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """One request ready to send: its body, headers that matter, and what it should read from a live cache."""

    event: UsageEvent
    session: str
    turn: int
    at: datetime
    stream: bool
    betas: tuple[str, ...]
    prompt_tokens: int
    prefix_tokens: int  # the recorded re-used prefix: what a cache that never expires would give back
    output_tokens: int
    gap_s: float  # trace seconds since the conversation's previous request; 0 for the first
    body: bytes


@dataclass(frozen=True, slots=True)
class _Block:
    """A run of tokens of one role; `text` is JSON-safe."""

    role: bytes
    end: int  # position of its last token in the prompt
    text: bytes


def plan_conversation(
    turns: Sequence[UsageEvent], *, streaming: Sequence[bool] | None = None
) -> Iterator[PlannedRequest]:
    """The requests of one conversation in order; bodies are made one at a time."""
    prompts, kept = _lengths(turns)
    blocks: list[_Block] = []
    for number, event in enumerate(turns):
        session = event.opened.session
        blocks = [block for block in blocks if block.end <= kept[number]]
        cuts = _cuts(kept, number, prompts[number])
        output = max(event.closed.usage.output or 0, 1)
        spoken = max(turns[number - 1].closed.usage.output or 0, 0) if number else 0
        directive = f"[[lab out={output} at={event.opened.at.isoformat().replace('+00:00', 'Z')}]]"
        _extend(blocks, prompts[number], spoken, cuts, directive, f"{session}/{event.opened.event_id}")
        stream = event.opened.stream if streaming is None else streaming[number]
        gap = (event.opened.at - turns[number - 1].opened.at).total_seconds() if number else 0.0
        yield PlannedRequest(
            event=event,
            session=session,
            turn=number,
            at=event.opened.at,
            stream=stream,
            betas=(_LONG_BETA,) if prompts[number] + output >= LONG_PROMPT_TOKENS else (),
            prompt_tokens=prompts[number],
            prefix_tokens=kept[number],
            output_tokens=output,
            gap_s=gap,
            body=_body(event, blocks, _breakpoints(kept, number, prompts[number]), output, stream=stream),
        )


def _lengths(turns: Sequence[UsageEvent]) -> tuple[list[int], list[int]]:
    """Prompt lengths and kept prefixes; a prefix is shorter than its prompt and no longer than the one before."""
    prompts: list[int] = []
    kept: list[int] = []
    for event in turns:
        prompt = max(event.closed.usage.prompt_tokens, 1)
        before = prompts[-1] if prompts else 0
        kept.append(min(event.closed.usage.cache_read or 0, prompt - 1, before))
        prompts.append(prompt)
    return prompts, kept


def _cuts(kept: Sequence[int], number: int, prompt: int) -> list[int]:
    """Positions inside this request's new tokens where a later request will part: block boundaries belong there."""
    cuts: set[int] = set()
    for lowest in _falls(kept, number, prompt):
        cuts.add(lowest)
        if lowest <= kept[number]:
            break
    return sorted(cut for cut in cuts if kept[number] < cut < prompt)


def _falls(kept: Sequence[int], number: int, prompt: int) -> Iterator[int]:
    """Where later requests part with this prompt: each prefix shorter than all re-used between, in order of time."""
    lowest = prompt
    for later in kept[number + 1 :]:
        if later < lowest:
            lowest = later
            yield lowest


def _breakpoints(kept: Sequence[int], number: int, prompt: int) -> set[int]:
    """Ends of the prefixes to keep: this prompt, what the next request re-uses, and what outlives rewritten prompts.

    A client marks its system prompt in every request, so that it is read again after a conversation was compacted. Here
    that is the prefix of the next fall and that of the lowest; four breakpoints are all a request may carry.
    """
    falls = list(_falls(kept, number, prompt))
    return {prompt, *falls[:2], *falls[-1:]}


def _extend(blocks: list[_Block], prompt: int, spoken: int, cuts: Sequence[int], directive: str, seed: str) -> None:
    """Add an assistant part (what the model said last time) and a user part that ends the prompt."""
    position = blocks[-1].end if blocks else 0
    if blocks and blocks[-1].role == b"user" and spoken and prompt - position > 1:
        end = min(position + spoken, prompt - 1)
        for stop in [*(cut for cut in cuts if position < cut < end), end]:
            blocks.append(_Block(b"assistant", stop, words(stop - position, f"{seed}/a{stop}")))
            position = stop
    lead = directive.encode()
    for stop in [*(cut for cut in cuts if position < cut), prompt]:
        blocks.append(_Block(b"user", stop, lead + words(stop - position, f"{seed}/u{stop}")))
        position, lead = stop, b""


def _body(event: UsageEvent, blocks: Sequence[_Block], breakpoints: set[int], output: int, *, stream: bool) -> bytes:
    """The request as JSON, blocks of one role side by side in one message."""
    parts: list[bytes] = []
    role = b""
    for block in blocks:
        if block.role != role:
            parts.append((b"]}," if role else b"") + b'{"role":"' + block.role + b'","content":[')
            role = block.role
        else:
            parts.append(b",")
        parts.append(b'{"type":"text","text":"' + block.text + b'"' + (_CACHE if block.end in breakpoints else b"}"))
    head = f'{{"model":"{event.opened.offer.model}","max_tokens":{output + 1}'
    if stream:
        head += ',"stream":true'
    return head.encode() + b',"messages":[' + b"".join(parts) + b"]}]}"
