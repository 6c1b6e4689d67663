"""Every field of a Chat Completions request, and what becomes of it; the documentation prints the same table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from trivium.gateway.dialect.openai._read import CANNOT, refuse

# Carried as they are or mapped; each has its own code.
CARRIED = frozenset(
    {
        "model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature", "top_p",
        "stop", "tools", "tool_choice", "parallel_tool_calls", "response_format", "reasoning_effort", "user",
        "safety_identifier", "prompt_cache_key", "service_tier",
    }
)  # fmt: skip
# The Messages API's own, which a client adds (`extra_body` of the SDK); they pass unread.
EXTRAS = ("thinking", "top_k", "cache_control")
# Their loss changes no answer: left out, and the client is told.
LEFT_OUT: Mapping[str, str] = {
    "metadata": "nothing is stored here",
    "prompt_cache_options": "mark the prefix with cache_control",
    "prompt_cache_retention": "mark the prefix with cache_control",
}


def _is(*wanted: Any) -> Callable[[Any], bool]:
    return lambda value: any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in wanted)


# What cannot be carried: the values that ask for nothing, which are taken, and the remedy for all others.
REFUSED: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "audio": (_is(), CANNOT),
    "frequency_penalty": (_is(0), "give 0: Claude has no penalties"),
    "function_call": (_is("none"), "use tool_choice"),
    "functions": (_is([]), "use tools"),
    "logit_bias": (_is({}), "leave it out: Claude takes no bias"),
    "logprobs": (_is(False), "give false: Claude gives no log probabilities"),
    "modalities": (_is(["text"], []), 'give ["text"]'),
    "moderation": (_is(), CANNOT),
    "n": (_is(1), "give 1, and ask again for another answer"),
    "prediction": (_is(), CANNOT),
    "presence_penalty": (_is(0), "give 0: Claude has no penalties"),
    "seed": (_is(), "leave it out: Claude's answers cannot be seeded"),
    "store": (_is(False), "give false: nothing is stored here"),
    "top_logprobs": (_is(0), "give 0: Claude gives no log probabilities"),
    "verbosity": (_is("medium"), "ask for it in the prompt"),
    "web_search_options": (_is(), CANNOT),
}


def sort_out(sent: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The fields to carry, and notes about those left out; anything else is refused by name. Null says nothing."""
    carried: dict[str, Any] = {}
    notes: list[str] = []
    for name, value in sent.items():
        if value is None:
            continue
        if name in CARRIED or name in EXTRAS:
            carried[name] = value
        elif name in LEFT_OUT:
            notes.append(f"left out {name}: {LEFT_OUT[name]}")
        elif name in REFUSED:
            harmless, remedy = REFUSED[name]
            if not harmless(value):
                refuse(name, value, remedy)
        else:
            refuse(name[:40], value, "leave it out: it is no field of Chat Completions that can be carried")
    return carried, tuple(notes)
