"""What a request is recognised by without a session: fingerprints of its cacheable prefixes.

A prompt is a row of blocks: tools, system, messages. A fingerprint stands for all blocks up to one of them, without the
cache marks themselves, which a client moves from turn to turn. As the surfaces do, a marked block is looked for at its
own place and at the ones before it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b

import msgspec

from trivium.gateway.wire.body import Body

LOOKBACK_BLOCKS = 20  # how far a surface looks back from a mark
_DIGEST_BYTES = 16
_MARK = b'"cache_control"'
_MARKED = re.compile(rb',?\s*"cache_control"\s*:\s*(?:\{[^{}]*\}|null)')
_HOUR = re.compile(rb'"ttl"\s*:\s*"1h"')


class _Turn(msgspec.Struct):
    role: str = ""
    content: msgspec.Raw = msgspec.Raw(b"")


class _Text(msgspec.Struct):
    type: str = ""
    text: msgspec.Raw = msgspec.Raw(b"")


_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
_turns = msgspec.json.Decoder(list[_Turn]).decode
_text = msgspec.json.Decoder(_Text).decode


@dataclass(frozen=True, slots=True)
class Prefix:
    """Fingerprints of one request; all empty where it marks nothing to be cached, but for `opening`."""

    turns: tuple[bytes, ...] = ()  # where its own conversation may be found, longest first
    base: tuple[bytes, ...] = ()  # where its tools and system prompt may be found, longest first
    marked: tuple[bytes, ...] = ()  # what a surface keeps once it has answered
    opening: bytes = b""  # tools, system and the first turn: the same for every turn of a conversation


def wants_hour(body: Body) -> bool:
    """Whether a mark of the request asks for the hour-long cache."""
    return b'"1h"' in body.data and _HOUR.search(body.data) is not None


def fingerprint(body: Body) -> Prefix:
    """The fingerprints of a canonical body; none where its shape is not known (the surface will refuse it)."""
    try:
        return _fingerprint(body)
    except msgspec.DecodeError:
        return Prefix()


def _fingerprint(body: Body) -> Prefix:
    head, marks = _head(body)
    turns = _turns(body.raw("messages") or b"[]")
    opening = blake2b(digest_size=_DIGEST_BYTES)
    for piece in (*head, *(_blocks(turns[0], [], 0) if turns else ())):
        opening.update(piece)
    if _MARK not in body.data:
        return Prefix(opening=opening.digest())
    pieces = list(head)
    for turn in turns:
        pieces += _blocks(turn, marks, len(pieces))
    if body.raw("cache_control") not in {None, b"null"} and pieces:  # the surface marks the last block by itself
        marks.append(len(pieces) - 1)
    digests = _digests(pieces, marks)
    turns_from = len(head)
    seen = sorted(digests, reverse=True)
    return Prefix(
        turns=tuple(digests[place] for place in seen if place >= turns_from),
        base=tuple(digests[place] for place in seen if place < turns_from),
        marked=tuple(digests[place] for place in sorted(set(marks), reverse=True)),
        opening=opening.digest(),
    )


def _head(body: Body) -> tuple[list[bytes], list[int]]:
    """Tools and system as pieces, and the places of those that are marked."""
    pieces: list[bytes] = []
    marks: list[int] = []
    for kind, name in ((b"T", "tools"), (b"S", "system")):
        raw = body.raw(name)
        if raw is None or raw == b"null":
            continue
        for item in _items(raw) if raw[:1] == b"[" else (raw,):
            _add(pieces, marks, kind, bytes(item), 0)
    return pieces, marks


def _blocks(turn: _Turn, marks: list[int], before: int) -> list[bytes]:
    """A turn as pieces, its role with each; `marks` gets the places of those that are marked."""
    pieces: list[bytes] = []
    kind = b"M" + turn.role.encode() + b"|"
    content = bytes(turn.content)
    for item in _items(content) if content[:1] == b"[" else (content,):
        _add(pieces, marks, kind, bytes(item), before)
    return pieces


def _add(pieces: list[bytes], marks: list[int], kind: bytes, raw: bytes, before: int) -> None:
    if _MARK in raw:
        marks.append(before + len(pieces))
    piece = _unmarked(raw)
    pieces.append(b"%b%d:%b" % (kind, len(piece), piece))


def _unmarked(raw: bytes) -> bytes:
    """A block as it is compared: a text is a text, whether it stands alone or in a block, marked or not."""
    if raw[:1] != b"{":
        return raw
    block = _text(raw)
    text = bytes(block.text)
    if block.type == "text" and text:
        return text
    return _MARKED.sub(b"", raw) if _MARK in raw else raw


def _digests(pieces: list[bytes], marks: list[int]) -> dict[int, bytes]:
    """The fingerprint at every marked block and at the blocks a surface looks back to."""
    wanted = {place for mark in marks for place in range(max(mark - LOOKBACK_BLOCKS + 1, 0), mark + 1)}
    running = blake2b(digest_size=_DIGEST_BYTES)
    found: dict[int, bytes] = {}
    done = 0
    for place in sorted(wanted):
        running.update(b"".join(pieces[done : place + 1]))
        found[place] = running.digest()
        done = place + 1
    return found
