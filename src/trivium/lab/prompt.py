"""A prompt as the cache and the tokenizer see it: blocks in order, each with a hash and a token count, memoised."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import msgspec

from trivium.lab.cache import TTL_S, Breakpoint
from trivium.lab.signatures import Signer
from trivium.lab.surfaces._base import invalid
from trivium.lab.tokens import DIRECTIVE, count_text, directives

IMAGE_TOKENS = 1500
BASE64_CHARACTERS_PER_TOKEN = 16  # documents sent as base64
BREAKPOINTS_MAX = 4
_MEMO_BLOCKS_MAX = 500_000

_sorted_json = msgspec.json.Encoder(order="sorted").encode


@dataclass(frozen=True, slots=True)
class Prompt:
    """The whole prompt; `hashes[i]` and `tokens[i]` describe it up to and with block i."""

    hashes: tuple[bytes, ...]
    tokens: tuple[int, ...]
    breakpoints: tuple[Breakpoint, ...]

    @property
    def total(self) -> int:
        """Tokens of the whole prompt."""
        return self.tokens[-1] if self.tokens else 0

    @property
    def digest(self) -> bytes:
        """The hash of the whole prompt."""
        return self.hashes[-1] if self.hashes else b""


class PromptReader:
    """Turns the fields of a call into a Prompt; remembers the token count of every block it has seen."""

    def __init__(self) -> None:
        self._memo: dict[bytes, int] = {}

    def read(self, fields: Mapping[str, Any], signer: Signer) -> Prompt:
        """The prompt of valid fields; raises Refused for misplaced cache_control."""
        walk = _Walk(self._memo, signer)
        for tool in fields.get("tools") or ():
            walk.block(b"tool", tool)
        walk.boundary(b"system", fields.get("speed"))
        walk.content(b"system", fields.get("system"))
        thinking = fields.get("thinking") or {}
        walk.boundary(b"messages", [fields.get("tool_choice"), thinking.get("type"), thinking.get("budget_tokens")])
        for message in fields["messages"]:
            walk.content(message["role"].encode(), message["content"])
        if len(self._memo) > _MEMO_BLOCKS_MAX:
            self._memo.clear()
        return walk.prompt(fields.get("cache_control"))


class _Walk:
    """One pass over the blocks of one prompt."""

    def __init__(self, memo: dict[bytes, int], signer: Signer) -> None:
        self._memo = memo
        self._signer = signer
        self._hash = b""
        self._salt = b""
        self._hashes: list[bytes] = []
        self._counts: list[int] = []
        self._marks: list[Breakpoint] = []

    def boundary(self, label: bytes, settings: object) -> None:
        """Settings that change the prompt from here on, and so its prefixes."""
        self._salt = label + _sorted_json(settings)

    def content(self, kind: bytes, content: object) -> None:
        """A text or a list of blocks."""
        if isinstance(content, str):
            self._text(kind, content)
        elif isinstance(content, list):
            for block in content:
                self.block(kind, block)

    def block(self, kind: bytes, block: Mapping[str, Any]) -> None:
        """One content block or tool definition."""
        if block.get("type") == "text" and not block.get("citations"):
            self._text(kind, block["text"])
        else:
            plain = {name: _plain(value) for name, value in block.items() if name != "cache_control"}
            digest = hashlib.blake2b(_sorted_json(plain), digest_size=16, person=b"block").digest()
            count = self._memo.get(digest)
            if count is None:
                count = self._memo[digest] = block_tokens(block, self._signer)
            self._add(kind, digest, count)
        control = block.get("cache_control")
        if control is None and block.get("type") == "tool_result" and isinstance(block.get("content"), list):
            nested = [part["cache_control"] for part in block["content"] if part.get("cache_control")]
            control = nested[-1] if nested else None
        if control is not None:
            self._marks.append(Breakpoint(len(self._hashes) - 1, ttl_s(control)))

    def prompt(self, automatic: object) -> Prompt:
        """The prompt, with the top-level `cache_control` as a breakpoint at its last block."""
        last = len(self._hashes) - 1
        if automatic is not None and last >= 0:
            own = [mark for mark in self._marks if mark.position == last]
            if own and own[0].ttl_s != ttl_s(automatic):
                raise invalid("cache_control: the last block has a `cache_control` with another `ttl`")
            if not own:
                self._marks.append(Breakpoint(last, ttl_s(automatic)))
        _check_marks(self._marks)
        return Prompt(tuple(self._hashes), tuple(accumulate(self._counts)), tuple(self._marks))

    def _text(self, kind: bytes, text: str) -> None:
        plain = DIRECTIVE.sub("", text) if "[[lab " in text else text
        digest = hashlib.blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        count = self._memo.get(digest)
        if count is None:
            count = self._memo[digest] = count_text(plain)
        self._add(kind, digest, count)

    def _add(self, kind: bytes, digest: bytes, count: int) -> None:
        self._hash = hashlib.blake2b(self._hash + self._salt + kind + digest, digest_size=16).digest()
        self._salt = b""
        self._hashes.append(self._hash)
        self._counts.append(count)


def ttl_s(control: object) -> int:
    """The life that a `cache_control` asks for; raises Refused if it is malformed."""
    if not isinstance(control, dict) or control.get("type") != "ephemeral":
        raise invalid("cache_control.type: Input should be 'ephemeral'")
    ttl = str(control.get("ttl", "5m"))
    if ttl not in TTL_S:
        raise invalid("cache_control.ephemeral.ttl: Input should be '5m' or '1h'")
    return TTL_S[ttl]


def block_tokens(block: Mapping[str, Any], signer: Signer) -> int:
    """The declared token count of a block that is not plain text."""
    kind = str(block.get("type"))
    if kind == "text":
        return count_text(block["text"])
    if kind == "image":
        return IMAGE_TOKENS
    if kind == "thinking":
        vouched = signer.tokens(block.get("thinking", ""), block.get("signature"))
        return count_text(block.get("thinking", "")) if vouched is None else vouched
    if kind == "redacted_thinking":
        return 0
    if kind == "tool_use":
        return count_text(block["name"]) + count_text(_sorted_json(block["input"]).decode())
    if kind in {"tool_result", "search_result"}:
        return _content_tokens(block.get("content"), signer) + count_text(str(block.get("title", "")))
    if kind == "document":
        source = block.get("source") or {}
        if source.get("type") == "text":
            return count_text(source.get("data", ""))
        if source.get("type") == "base64":
            return -(-len(source.get("data", "")) // BASE64_CHARACTERS_PER_TOKEN)
        return _content_tokens(source.get("content"), signer) or IMAGE_TOKENS
    return count_text(_sorted_json({name: value for name, value in block.items() if name != "cache_control"}).decode())


def _content_tokens(content: object, signer: Signer) -> int:
    if isinstance(content, str):
        return count_text(content)
    return sum(block_tokens(block, signer) for block in content) if isinstance(content, list) else 0


def _plain(value: object) -> object:
    """A value without the cache marks of its parts: they are not part of what is cached."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict) and "cache_control" in value:
        return {name: item for name, item in value.items() if name != "cache_control"}
    return value


def _check_marks(marks: Sequence[Breakpoint]) -> None:
    if len(marks) > BREAKPOINTS_MAX:
        raise invalid(
            f"A maximum of {BREAKPOINTS_MAX} blocks with cache_control may be provided. Found {len(marks)}.",
        )
    short_seen = False
    for mark in marks:
        if mark.ttl_s == TTL_S["1h"] and short_seen:
            raise invalid(
                "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. "
                "Note that blocks are processed in the following order: `tools`, `system`, `messages`.",
            )
        short_seen = short_seen or mark.ttl_s == TTL_S["5m"]


def directive_of(messages: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The lab's directive: the last text of the last user message that carries one."""
    for message in reversed(list(messages)):
        if message["role"] != "user":
            continue
        content = message["content"]
        if isinstance(content, str):
            return directives(content)
        for block in reversed(content):
            if block.get("type") == "text" and "[[lab " in block["text"]:
                return directives(block["text"])
        return {}
    return {}
