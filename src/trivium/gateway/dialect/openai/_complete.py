"""What can be said only once the model is known: how long an answer may be, and how the model is told to reason."""

from __future__ import annotations

from typing import Any

import msgspec

from trivium.core import UserError
from trivium.gateway.dialect._seam import Complete
from trivium.gateway.seams import Facts
from trivium.gateway.wire.body import Body

_MAKER = "anthropic"  # what a model is, is asked of its maker's own surface
_ADAPTIVE, _BUDGETS = "adaptive_thinking", "extended_thinking"
_NONE, _MINIMAL, _LOW = "none", "minimal", "low"
# Tokens to think with, for models that are given a number of them: our own steps, halved where the answer is short.
_BUDGET_TOKENS = {"low": 2048, "medium": 8192, "high": 24_576, "xhigh": 32_768, "max": 65_536}
_BUDGET_TOKENS_MIN = 1024


def completion(body: Body, effort: str) -> Complete:
    """The rest of the translation, for when the model's id and the facts are there."""

    def complete(model: str, facts: Facts) -> tuple[Body, tuple[str, ...]]:
        add: dict[str, bytes] = {}
        notes: list[str] = []
        limit = body.get("max_tokens")
        if limit is None:
            limit = facts.output_tokens_max(model)
            if limit is None:
                remedy = f"give one: no claim says how long an answer of {model} may be"
                raise UserError("max_completion_tokens", None, remedy)
            add["max_tokens"] = msgspec.json.encode(limit)
            notes.append(f"max_completion_tokens was not given: {limit}, the most that {model} writes")
        if effort:
            if effort == _MINIMAL:
                notes.append("reasoning_effort minimal became low: Claude has nothing below it")
            told = _told(_LOW if effort == _MINIMAL else effort, body, model, facts, limit)
            add |= {name: msgspec.json.encode(value) for name, value in told.items()}
        return (Body(body.edit(add=add)) if add else body), tuple(notes)

    return complete


def _told(effort: str, body: Body, model: str, facts: Facts, limit: int) -> dict[str, Any]:
    """The fields that tell a model how hard to think; `thinking` of the client's own stays."""
    own = "thinking" in body
    if effort == _NONE:
        return {} if own else {"thinking": {"type": "disabled"}}
    if facts.supports(_MAKER, model, _ADAPTIVE):
        config = {**(body.get("output_config") or {}), "effort": effort}
        return {"output_config": config} | ({} if own else {"thinking": {"type": "adaptive"}})
    if own:
        raise UserError("reasoning_effort", effort, f"leave it out where thinking is given: {model} takes no effort")
    if not facts.supports(_MAKER, model, _BUDGETS):
        raise UserError("reasoning_effort", effort, f"leave it out: no claim says how {model} is told to reason")
    budget = min(_BUDGET_TOKENS[effort], limit // 2)
    if budget < _BUDGET_TOKENS_MIN:
        remedy = f"give max_completion_tokens of {2 * _BUDGET_TOKENS_MIN} or more: {model} thinks within it"
        raise UserError("reasoning_effort", effort, remedy)
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}
