"""Token counts and the reason of an end, in Chat Completions' words; what the surface did not say is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# An unfinished turn is no `stop`: a client would take it for the whole answer.
_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "length",
    "refusal": "content_filter",
}


def finish_reason(stop_reason: Any) -> str | None:
    """Why the answer ended; a reason that nobody knew when this was written passes by its own name."""
    return _REASONS.get(stop_reason, stop_reason) if isinstance(stop_reason, str) else None


def refusal_of(details: Any) -> str | None:
    """The surface's explanation of a refusal, if it gave one."""
    explained = details.get("explanation") if isinstance(details, Mapping) else None
    return explained if isinstance(explained, str) else None


def usage(said: Any) -> dict[str, Any] | None:
    """The counts; None where the surface gave none. Prompt tokens are all that was read, from the cache or not."""
    if not isinstance(said, Mapping):
        return None
    fresh, completion = _count(said, "input_tokens"), _count(said, "output_tokens")
    if fresh is None or completion is None:
        return None
    written, cached = _count(said, "cache_creation_input_tokens"), _count(said, "cache_read_input_tokens")
    prompt = fresh + (written or 0) + (cached or 0)
    found: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    details = {"cached_tokens": cached, "cache_write_tokens": written}
    if known := {name: count for name, count in details.items() if count is not None}:
        found["prompt_tokens_details"] = known
    thought = _count(said.get("output_tokens_details"), "thinking_tokens")
    if thought is not None:
        found["completion_tokens_details"] = {"reasoning_tokens": thought}
    return found


def _count(said: Any, name: str) -> int | None:
    value = said.get(name) if isinstance(said, Mapping) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
