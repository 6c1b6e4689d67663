"""The seeded world: what the emulated models say. The same seed and prompt give the same answer, streamed or not.

Without a directive the world writes some words, thinks when asked to, and calls a declared tool now and then (always
when `tool_choice` forces it). `[[lab out=N]]` makes the answer exactly N output tokens of text; `[[lab tool=name]]`
makes it call that tool.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from trivium.lab._schema import example
from trivium.lab.signatures import Signer
from trivium.lab.tokens import count_text, take

_TEXT = """
the cost of each run is read from the log and then set down in a row with its time and its unit so that we can sum it by
day or by team and see how it grew if a row is late or lost the sum says so and we look into it once more but if all
rows are in it is safe to plan on what they tell us next we send half of them to a new zone and ask for the same work as
was done last week
"""
_WORDS = _TEXT.split()


class Dice:
    """A small generator seeded by bytes; it repeats on every machine."""

    def __init__(self, seed: bytes) -> None:
        self._state = int.from_bytes(hashlib.blake2b(seed, digest_size=8).digest(), "big")

    def below(self, limit: int) -> int:
        """A whole number from 0 to limit - 1."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF  # splitmix64
        value = self._state
        value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
        value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
        return (value ^ (value >> 31)) % limit

    def chance(self, share: float) -> bool:
        """True with that probability."""
        return self.below(1_000_000) < share * 1_000_000


@dataclass(frozen=True, slots=True)
class Ask:
    """What the world must know to answer."""

    seed: bytes  # world seed and prompt hash
    fields: Mapping[str, Any]
    out: int | None  # from the directive
    tool: str | None  # from the directive
    max_tokens: int
    id_infix: str


@dataclass(frozen=True, slots=True)
class Said:
    """A whole answer: content blocks with the output tokens of each."""

    blocks: tuple[Mapping[str, Any], ...]
    tokens: tuple[int, ...]
    thinking_tokens: int
    stop_reason: str
    stop_sequence: str | None


class World:
    """See the module."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def answer(self, ask: Ask) -> Said:
        """The answer to one request."""
        dice = Dice(ask.seed)
        budget = min(ask.max_tokens, ask.out) if ask.out is not None else ask.max_tokens
        blocks: list[Mapping[str, Any]] = []
        tokens: list[int] = []
        thinking_tokens = self._think(ask, dice, budget, blocks, tokens)
        tools = _chosen_tools(ask, dice)
        stop_reason, stop_sequence = "end_turn", None
        if not tools or not _forced(ask):
            text, stop_sequence = _text(ask, dice, budget - sum(tokens), brief=bool(tools))
            if text:
                blocks.append({"type": "text", "text": text, "citations": None})
                tokens.append(count_text(text))
            if stop_sequence is not None:
                stop_reason, tools = "stop_sequence", []
        for number, tool in enumerate(tools):
            block = _call(tool, dice, f"toolu_{ask.id_infix}", number)
            cost = count_text(block["name"]) + count_text(msgspec.json.encode(block["input"]).decode())
            if sum(tokens) + cost > budget and not (ask.out is not None and number == 0):
                stop_reason = "max_tokens"
                break
            if ask.out is not None and number == len(tools) - 1:
                cost = max(budget - sum(tokens), 1)  # the directive's length holds: the last call takes what is left
            blocks.append(block)
            tokens.append(cost)
            stop_reason = "tool_use"
        if stop_reason == "end_turn" and sum(tokens) >= ask.max_tokens:
            stop_reason = "max_tokens" if ask.out is None or ask.out > ask.max_tokens else stop_reason
        return Said(tuple(blocks), tuple(tokens), thinking_tokens, stop_reason, stop_sequence)

    def _think(self, ask: Ask, dice: Dice, budget: int, blocks: list[Mapping[str, Any]], tokens: list[int]) -> int:
        thinking = ask.fields.get("thinking") or {}
        kind = thinking.get("type", "disabled")
        if kind == "between_tools" and not _after_tool(ask.fields["messages"]):
            return 0
        if kind == "disabled" or (kind == "adaptive" and ask.out is None and dice.chance(0.2)):
            return 0
        count = min(10 + dice.below(40) if ask.out is None else budget // 4, max(budget - 1, 0))
        if not count:
            return 0
        shown = "" if thinking.get("display", "summarized") == "omitted" else words(count, dice)
        blocks.append({"type": "thinking", "thinking": shown, "signature": self._signer.sign(shown, count)})
        tokens.append(count)
        return count


def words(count: int, dice: Dice) -> str:
    """A text of exactly `count` tokens: words of at most four letters."""
    start = dice.below(len(_WORDS))
    turned = _WORDS[start:] + _WORDS[:start]
    return " ".join((turned * (count // len(turned) + 1))[:count])


def _text(ask: Ask, dice: Dice, budget: int, *, brief: bool) -> tuple[str, str | None]:
    """The text and the stop sequence that ended it."""
    schema = ((ask.fields.get("output_config") or {}).get("format") or ask.fields.get("output_format") or {}).get(
        "schema"
    )
    stops: Sequence[str] = ask.fields.get("stop_sequences") or ()
    if schema is not None:
        text = msgspec.json.encode(example(schema, dice.below)).decode()
        if ask.out is not None:
            text += "\n" * max(budget - count_text(text), 0)
    elif ask.out is not None:
        text = words(max(budget, 0), dice)
    else:
        text = words(5 + dice.below(10) if brief else 20 + dice.below(180), dice)
        if stops and not brief:
            text = f"{text} {stops[0]} {words(10, dice)}"  # a model told to end with a sequence does
    text = take(text, max(budget, 0))
    found = [(text.find(stop), stop) for stop in stops if stop in text and ask.out is None]
    if not found:
        return text, None
    end, stop = min(found)
    return text[:end], stop


def _forced(ask: Ask) -> bool:
    return ask.tool is not None or (ask.fields.get("tool_choice") or {}).get("type") in {"any", "tool"}


def _chosen_tools(ask: Ask, dice: Dice) -> list[Mapping[str, Any]]:
    tools = [tool for tool in ask.fields.get("tools") or () if tool.get("type", "custom") == "custom"]
    choice = ask.fields.get("tool_choice") or {"type": "auto"}
    if ask.tool is not None:
        return [tool for tool in tools if tool["name"] == ask.tool][:1]
    if not tools or choice["type"] == "none":
        return []
    if choice["type"] == "tool":
        return [tool for tool in tools if tool["name"] == choice["name"]]
    if choice["type"] == "auto" and (
        ask.out is not None or not dice.chance(0.2 if _after_tool(ask.fields["messages"]) else 0.5)
    ):
        return []
    number = 2 if not choice.get("disable_parallel_tool_use") and dice.chance(0.2) else 1
    return [tools[dice.below(len(tools))] for _ in range(number)]


def _call(tool: Mapping[str, Any], dice: Dice, prefix: str, number: int) -> dict[str, Any]:
    digits = hashlib.blake2b(f"{dice.below(2**63)}:{number}".encode(), digest_size=12).hexdigest()
    made = example(tool["input_schema"], dice.below)
    return {
        "type": "tool_use",
        "id": f"{prefix}{digits}",
        "name": tool["name"],
        "input": made if isinstance(made, dict) else {},
    }


def _after_tool(messages: Sequence[Mapping[str, Any]]) -> bool:
    content = next((message["content"] for message in reversed(messages) if message["role"] == "user"), "")
    return isinstance(content, list) and any(block.get("type") == "tool_result" for block in content)
