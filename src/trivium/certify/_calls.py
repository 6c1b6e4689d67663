"""The bounded list of calls: read from data, filled in, and never longer than it says."""

from __future__ import annotations

import base64
import json
import struct
import tomllib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Literal

from trivium.core import UserError

_WORDS = ("one", "two", "six", "ten", "red", "sun", "cat", "dog", "sea", "map")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the list. `body` is a Messages body without model and stream, placeholders not yet filled in."""

    id: str
    asks: str
    endpoint: Literal["messages", "count_tokens", "raw"] = "messages"
    stream: bool = False
    body: Mapping[str, Any] = field(default_factory=dict)
    path: Mapping[str, str] = field(default_factory=dict)  # raw: by surface, below its address
    credential: Literal["own", "wrong", "none"] = "own"
    model: Literal["own", "unknown"] = "own"
    free: bool = False
    refused: bool = False  # a refusal is the good answer, or one of two
    adds_max: int = 0  # tokens
    output_max: int = 0  # tokens, where the body states no max_tokens
    prefix_pieces: int = 0
    image_side: int = 0  # pixels
    padding_bytes: int = 0
    confirms: str = ""

    @property
    def tokens_out_max(self) -> int:
        """No answer has more output tokens."""
        return int(self.body.get("max_tokens", self.output_max))


def shipped_calls() -> tuple[Call, ...]:
    """The list that comes with the product."""
    raw = tomllib.loads((files("trivium.certify") / "calls.toml").read_text("utf-8"))
    return tuple(Call(**entry) for entry in raw["call"])


def chosen(calls: Sequence[Call], only: Sequence[str]) -> tuple[Call, ...]:
    """Those of the list that are named, in its order; all if none is. UserError names one that is not there."""
    known = [call.id for call in calls]
    if missing := [name for name in only if name not in known]:
        raise UserError("--only", ", ".join(missing), f"use some of {', '.join(known)}")
    return tuple(call for call in calls if not only or call.id in only)


def filled(call: Call, model: str, nonce: str) -> bytes:
    """The bytes of the body: placeholders filled in, the model named, `stream` where it is asked for.

    `nonce` makes the long prefix one that nobody has sent before, and is the same for both calls that share it.
    """
    body: dict[str, Any] = {"model": model, **_fill(call.body, call, nonce)}
    if call.stream:
        body["stream"] = True
    encoded = json.dumps(body, separators=(",", ":")).encode()
    return encoded[:-1] + b" " * call.padding_bytes + b"}"


def _fill(value: Any, call: Call, nonce: str) -> Any:
    if isinstance(value, Mapping):
        return {name: _fill(item, call, nonce) for name, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, call, nonce) for item in value]
    if value == "{{prefix}}":
        return prefix(call.prefix_pieces, nonce)
    if value == "{{image}}":
        return base64.b64encode(grey_png(call.image_side)).decode()
    return value


def prefix(pieces: int, nonce: str) -> str:
    """A text of short common words, about a token each in any tokenizer, that begins with those of the nonce."""
    begin = [_WORDS[byte % len(_WORDS)] for byte in nonce.encode()]
    turns = [_WORDS[(number * number + number // 7) % len(_WORDS)] for number in range(pieces)]
    return " ".join([*begin, *turns][:pieces])


def grey_png(side: int) -> bytes:
    """A grey square as PNG (ISO/IEC 15948: 8 bits of grey, no interlace, filter 0 in each row)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = (b"\0" + b"\x80" * side) * side
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
