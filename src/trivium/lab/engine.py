"""The engine: a call in, an answer out. It checks the Messages rules, counts tokens, keeps the cache, writes the bill.

The server drives it:

    engine.count(call)                             the answer of count_tokens
    answer = engine.begin(call, request_id)        raises Refused; nothing is billed yet
    engine.started(answer)                         the response starts: cache entries become readable
    answer.message() / answer.events()             what the surface frames
    engine.finished(answer, outcome, output)       the bill line
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from trivium.core import NoPrice, UserError
from trivium.lab import rules
from trivium.lab.bill import Bill, BillLine, amount_of
from trivium.lab.cache import Lookup, PromptCache
from trivium.lab.clock import LabClock
from trivium.lab.models import Model, ModelTable
from trivium.lab.prompt import Prompt, PromptReader, directive_of
from trivium.lab.signatures import Signer
from trivium.lab.surfaces._base import Call, Metrics, Refused, invalid
from trivium.lab.tokens import TOKEN
from trivium.lab.world import Ask, Said, World

_DELTAS_MAX = 64  # a stream has about this many deltas per block, so that long answers stay cheap
_DELTA_TOKENS_MIN = 8


@dataclass(frozen=True, slots=True)
class Answer:
    """What the surface will say to one call, whole, before any of it is sent."""

    call: Call
    request_id: str
    at: datetime  # the time of the request: trace time where it is on
    lookup: Lookup
    said: Said
    rates_picos: Mapping[str, int]
    usage_extra: Mapping[str, Any]

    @property
    def output_tokens(self) -> int:
        """Output tokens of the whole answer, thinking included."""
        return sum(self.said.tokens)

    def metrics(self, first_byte_ms: int = 0, latency_ms: int = 0) -> Metrics:
        """Counts and times for the surface's headers and last events."""
        found = self.lookup
        return Metrics(
            input_tokens=found.input,
            output_tokens=self.output_tokens,
            cache_read_tokens=found.read,
            cache_write_tokens=found.write_5m + found.write_1h,
            first_byte_ms=first_byte_ms,
            latency_ms=latency_ms,
            cache_write_1h_tokens=found.write_1h,
        )

    def message(self) -> dict[str, Any]:
        """The finished message, as a non-streaming answer."""
        return {
            **self._shell([dict(block) for block in self.said.blocks], self._usage(self.output_tokens)),
            "stop_reason": self.said.stop_reason,
            "stop_sequence": self.said.stop_sequence,
        }

    def events(self) -> Iterator[tuple[dict[str, Any], int]]:
        """Every Messages stream event with the output tokens generated up to and with it."""
        done = 0
        yield {"type": "message_start", "message": self._shell([], self._usage(min(1, self.output_tokens)))}, done
        for index, (block, tokens) in enumerate(zip(self.said.blocks, self.said.tokens, strict=True)):
            yield {"type": "content_block_start", "index": index, "content_block": _empty(block)}, done
            deltas = list(_deltas(block, tokens))
            for number, (delta, share) in enumerate(deltas, start=1):
                done_here = done + (tokens if number == len(deltas) else min(share, tokens))
                yield {"type": "content_block_delta", "index": index, "delta": delta}, done_here
            done += tokens
            yield {"type": "content_block_stop", "index": index}, done
        delta = {
            "stop_reason": self.said.stop_reason,
            "stop_sequence": self.said.stop_sequence,
            "stop_details": None,
            "container": None,
        }
        usage = self._usage(self.output_tokens)
        cumulative = {name: usage[name] for name in _CUMULATIVE}
        yield {"type": "message_delta", "delta": delta, "usage": cumulative}, done
        yield {"type": "message_stop"}, done

    def _shell(self, content: list[dict[str, Any]], usage: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": f"msg_{self.call.id_infix}{self.request_id.removeprefix('req_')}",
            "type": "message",
            "role": "assistant",
            "model": self.call.model_echo,
            "content": content,
            "stop_reason": None,
            "stop_sequence": None,
            "stop_details": None,
            "container": None,
            "usage": usage,
        }

    def _usage(self, output_tokens: int) -> dict[str, Any]:
        found = self.lookup
        thinking = min(self.said.thinking_tokens, output_tokens)
        return {
            "input_tokens": found.input,
            "cache_creation_input_tokens": found.write_5m + found.write_1h,
            "cache_read_input_tokens": found.read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": found.write_5m,
                "ephemeral_1h_input_tokens": found.write_1h,
            },
            "output_tokens": output_tokens,
            "output_tokens_details": {"thinking_tokens": thinking},
            "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
            **self.usage_extra,
        }


_CUMULATIVE = (
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
    "output_tokens_details",
    "server_tool_use",
)


class Engine:
    """See the module."""

    def __init__(
        self,
        *,
        models: ModelTable,
        bill: Bill,
        clock: LabClock,
        seed: int,
        portable_signatures: bool = True,
    ) -> None:
        self.models = models
        self.bill = bill
        self.clock = clock
        self.cache = PromptCache()
        self._seed = seed
        self._portable = portable_signatures
        self._reader = PromptReader()
        self._signers: dict[str, Signer] = {}

    def count(self, call: Call, *, system_messages: bool = True) -> int:
        """Input tokens of a call; raises Refused."""
        model = self._model(call, self.clock.now())
        rules.check(call, model, counting=True, system_messages=system_messages)
        return self._prompt(call, self._signer(call)).total

    def begin(self, call: Call, request_id: str, *, system_messages: bool = True) -> Answer:
        """Check the call and decide its whole answer; raises Refused."""
        directive = _directive(call)
        try:
            at = self.clock.at(directive.get("at"))
        except UserError as error:
            raise invalid(f"lab: {error}") from error
        model = self._model(call, at)
        rules.check(call, model, counting=False, system_messages=system_messages)
        signer = self._signer(call)
        prompt = self._prompt(call, signer)
        room = _room(call, model, prompt.total, at)
        call = replace(call, scope=_scope(call, model), tier=self._tier(call, at))
        lookup = self.cache.look_up(
            _owner(call), prompt.hashes, prompt.tokens, prompt.breakpoints, model.cache_minimum(at), at
        )
        said = World(signer).answer(
            Ask(
                seed=f"{self._seed}:{call.model}:".encode() + prompt.digest,
                fields=call.fields,
                out=_whole(directive, "out"),
                tool=directive.get("tool"),
                max_tokens=min(call.fields["max_tokens"], room),
                id_infix=call.id_infix,
            )
        )
        if said.stop_reason == "max_tokens" and room < call.fields["max_tokens"]:
            said = replace(said, stop_reason="model_context_window_exceeded")
        rates = self._rates(call, lookup, sum(said.tokens), at)
        return Answer(call, request_id, at, lookup, said, rates, _usage_extra(call))

    def started(self, answer: Answer) -> None:
        """The response starts: what it writes to the cache becomes readable."""
        self.cache.commit(_owner(answer.call), answer.lookup, answer.at)

    def finished(self, answer: Answer, outcome: str, output_tokens: int) -> None:
        """The response ended: "ok", "cut" or "cancelled", with the output tokens that were generated."""
        call = answer.call
        tokens = _units(answer.lookup, output_tokens)
        self.bill.add(
            BillLine(
                request_id=answer.request_id,
                surface=call.surface,
                account=call.account,
                model=call.model,
                scope=call.scope,
                tier=call.tier,
                at=answer.at,
                stream=call.stream,
                outcome=outcome,
                tokens=tokens,
                rates_picos=answer.rates_picos,
                amount=amount_of(tokens, answer.rates_picos),
            )
        )

    def _model(self, call: Call, at: datetime) -> Model:
        model = self.models.get(call.model)
        if not model.on(call.surface, at):
            raise Refused(404, "not_found_error", f"model: {call.model_echo}")
        return model

    def _signer(self, call: Call) -> Signer:
        label = "" if self._portable else call.surface
        if label not in self._signers:
            self._signers[label] = Signer.from_seed(self._seed, label)
        return self._signers[label]

    def _prompt(self, call: Call, signer: Signer) -> Prompt:
        _check_signatures(call.fields["messages"], signer)
        return self._reader.read(call.fields, signer)

    def _tier(self, call: Call, at: datetime) -> str:
        if call.fields.get("speed") != "fast":
            return call.tier
        if call.tier == "batch":
            raise invalid("speed: 'fast' is not supported in batches.")
        if not self.bill.prices.offers(call.surface, call.model, "fast", at):
            raise invalid("speed: 'fast' is not supported for this model.")
        return "fast"

    def _rates(self, call: Call, lookup: Lookup, output_tokens: int, at: datetime) -> Mapping[str, int]:
        tokens = _units(lookup, output_tokens)
        try:
            return self.bill.rates_for(call.surface, call.model, call.scope, call.tier, tokens, at)
        except NoPrice as error:
            raise Refused(500, "api_error", f"lab: no answer without a price: {error}") from error


def _directive(call: Call) -> dict[str, str]:
    """The directive of the last user text; malformed messages have none and are refused later."""
    messages = call.fields.get("messages")
    if not isinstance(messages, list):
        return {}
    try:
        return directive_of(messages)
    except (AttributeError, KeyError, TypeError):  # the rules name what is malformed
        return {}


def _check_signatures(messages: Sequence[Mapping[str, Any]], signer: Signer) -> None:
    for number, message in enumerate(messages):
        if message["role"] != "assistant" or isinstance(message["content"], str):
            continue
        for index, block in enumerate(message["content"]):
            if block["type"] == "thinking" and signer.tokens(block["thinking"], block["signature"]) is None:
                raise invalid(f"messages.{number}.content.{index}: Invalid `signature` in `thinking` block")


def _room(call: Call, model: Model, prompt_tokens: int, at: datetime) -> int:
    """Output tokens that fit into the context window beside the prompt; raises Refused."""
    limit = model.context_limit(call.surface, call.betas, at)
    if prompt_tokens >= limit:
        raise invalid(f"prompt is too long: {prompt_tokens} tokens > {limit} maximum")
    wanted = call.fields["max_tokens"]
    if prompt_tokens + wanted > limit and not model.clips_output:
        raise invalid(
            f"input length and `max_tokens` exceed context limit: {prompt_tokens} + {wanted} > {limit}, "
            "decrease input length or `max_tokens` and try again",
        )
    return limit - prompt_tokens


def _scope(call: Call, model: Model) -> str:
    geography = call.fields.get("inference_geo")
    if geography is None:
        return call.scope
    if geography not in ("us", "global"):
        raise invalid("inference_geo: Input should be 'us' or 'global'")
    if geography == "us" and not model.inference_geo:
        raise invalid("inference_geo: 'us' is not supported for this model.")
    return str(geography)


def _usage_extra(call: Call) -> dict[str, Any]:
    known = call.scope if call.scope in {"us", "global"} else "not_available"
    tier = "batch" if call.tier == "batch" else "standard"
    return {"service_tier": tier, "inference_geo": known, "speed": call.fields.get("speed") or "standard"}


def _owner(call: Call) -> tuple[str, ...]:
    return (call.surface, call.account, call.model)


def _units(lookup: Lookup, output_tokens: int) -> dict[str, int]:
    return {
        "input": lookup.input,
        "output": output_tokens,
        "cache_read": lookup.read,
        "cache_write_5m": lookup.write_5m,
        "cache_write_1h": lookup.write_1h,
    }


def _whole(directive: Mapping[str, str], name: str) -> int | None:
    value = directive.get(name)
    if value is None:
        return None
    if not value.isdecimal() or int(value) < 1:
        raise invalid(f"lab: [[lab {name}={value}]]: give a whole number, 1 or more")
    return int(value)


def _empty(block: Mapping[str, Any]) -> dict[str, Any]:
    if block["type"] == "text":
        return {"type": "text", "text": "", "citations": None}
    if block["type"] == "thinking":
        return {"type": "thinking", "thinking": "", "signature": ""}
    return {**block, "input": {}}


def _deltas(block: Mapping[str, Any], tokens: int) -> Iterator[tuple[dict[str, Any], int]]:
    """The deltas of a block, each with the tokens of the block generated up to and with it."""
    kind, field, whole = {
        "text": ("text_delta", "text", block.get("text", "")),
        "thinking": ("thinking_delta", "thinking", block.get("thinking", "")),
        "tool_use": ("input_json_delta", "partial_json", msgspec.json.encode(block.get("input")).decode()),
    }[block["type"]]
    pieces = TOKEN.findall(whole)
    step = max(_DELTA_TOKENS_MIN, -(-len(pieces) // _DELTAS_MAX))
    for start in range(0, len(pieces), step):
        yield {"type": kind, field: "".join(pieces[start : start + step])}, min(start + step, tokens)
    if kind == "thinking_delta":
        yield {"type": "signature_delta", "signature": block["signature"]}, tokens
