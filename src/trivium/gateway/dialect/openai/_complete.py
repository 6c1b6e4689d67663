"""What can be said only once the model is known: how long an answer may be, and how the model is told to reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from trivium.core import UserError
from trivium.gateway.seams import Facts
from trivium.gateway.wire.body import Body

_MAKER = "anthropic"  # what a model is, is asked of its maker's own surface
_ADAPTIVE, _BUDGETS = "adaptive_thinking", "extended_thinking"
_NONE, _MINIMAL, _LOW = "none", "minimal", "low"
# Tokens to think with, for models that are given a number of them: our own steps, halved where the answer is short.
_BUDGET_TOKENS = {"low": 2048, "medium": 8192, "high": 24_576, "xhigh": 32_768, "max": 65_536}
_BUDGET_TOKENS_MIN = 1024


@dataclass(frozen=True, slots=True)
class Completion:
    """The rest of a translation: what the client said and left open. Made again for each model that may serve it."""

    limited: bool  # the client gave a limit
    own_thinking: bool  # and how to think, in the Messages API's own way
    effort: str

    def __call__(self, body: Body, model: str, facts: Facts, most: int | None = None) -> tuple[Body, tuple[str, ...]]:
        """The body for a model, and notes that hold for any of them."""
        add: dict[str, bytes] = {}
        remove: list[str] = []
        notes: list[str] = []
        limit = body.get("max_tokens") if self.limited else _limit(model, facts, most)
        if not self.limited:
            add["max_tokens"] = msgspec.json.encode(limit)
            notes.append("max_completion_tokens was not given: as much as the model writes was asked for")
        if self.effort:
            if self.effort == _MINIMAL:
                notes.append("reasoning_effort minimal became low: Claude has nothing below it")
            for name, value in self._told(body, model, facts, limit).items():
                if value:
                    add[name] = msgspec.json.encode(value)
                else:
                    remove.append(name)
        return Body(body.edit(remove=remove, add=add)), tuple(notes)

    def _told(self, body: Body, model: str, facts: Facts, limit: int) -> dict[str, Any]:
        """The fields that tell a model how hard to think, empty where there is nothing to say."""
        effort = _LOW if self.effort == _MINIMAL else self.effort
        config = {name: value for name, value in (body.get("output_config") or {}).items() if name != "effort"}
        if effort == _NONE:
            return {} if self.own_thinking else {"thinking": {"type": "disabled"}}
        if facts.supports(_MAKER, model, _ADAPTIVE):
            adaptive = {} if self.own_thinking else {"thinking": {"type": "adaptive"}}
            return {"output_config": {**config, "effort": effort}, **adaptive}
        if self.own_thinking:
            raise UserError("reasoning_effort", effort, f"leave it out where thinking is given: {model} has no effort")
        if not facts.supports(_MAKER, model, _BUDGETS):
            raise UserError("reasoning_effort", effort, f"leave it out: no claim says how {model} is told to reason")
        budget = min(_BUDGET_TOKENS[effort], limit // 2)
        if budget < _BUDGET_TOKENS_MIN:
            remedy = f"give max_completion_tokens of {2 * _BUDGET_TOKENS_MIN} or more: {model} thinks within it"
            raise UserError("reasoning_effort", effort, remedy)
        return {"output_config": config, "thinking": {"type": "enabled", "budget_tokens": budget}}


def _limit(model: str, facts: Facts, most: int | None) -> int:
    """The least that a claim gives for the model, within what was admitted."""
    limit = facts.output_tokens_max(model)
    if limit is None and most is None:
        remedy = f"give one: no claim says how long an answer of {model} may be"
        raise UserError("max_completion_tokens", None, remedy)
    return min(known for known in (limit, most) if known is not None)
