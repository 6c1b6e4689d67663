"""What the emulated models say: repeatable, within max_tokens, obeying tools, stop sequences, schemas, thinking."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from trivium.core import ManualClock
from trivium.lab import LabServer
from trivium.lab.tokens import count_text

from .conftest import NOON

OPUS = "claude-opus-5-5"
TOOLS = [
    {"name": "look_up", "input_schema": {"type": "object", "properties": {"place": {"type": "string"}}}},
    {"name": "write", "input_schema": {"type": "object", "properties": {"lines": {"type": "integer"}}}},
]


def ask(text: str, **more: Any) -> dict[str, Any]:
    return {"model": OPUS, "max_tokens": 400, "messages": [{"role": "user", "content": text}], **more}


async def test_the_same_seed_and_prompt_give_the_same_answer(session: Any) -> None:
    texts = []
    for seed in (3, 3, 4):
        async with LabServer(["anthropic"], clock=ManualClock(NOON), seed=seed) as lab:
            headers = {"x-api-key": lab.key(), "anthropic-version": "2026-10-21"}
            async with session.post(lab.url() + "/v1/messages", json=ask("hello"), headers=headers) as response:
                texts.append((await response.json())["content"][0]["text"])
    assert texts[0] == texts[1] != texts[2]


async def test_max_tokens_cuts_the_answer(post: Any) -> None:
    _, answer, _ = await post(ask("hello", max_tokens=7))
    assert (answer["stop_reason"], answer["usage"]["output_tokens"]) == ("max_tokens", 7)
    assert count_text(answer["content"][0]["text"]) == 7


async def test_a_stop_sequence_ends_the_answer_and_is_left_out(post: Any) -> None:
    _, answer, _ = await post(ask("hello", stop_sequences=["ZZZ", "END"]))
    assert (answer["stop_reason"], answer["stop_sequence"]) == ("stop_sequence", "ZZZ")
    assert "ZZZ" not in answer["content"][0]["text"]


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "write"}])
async def test_a_forced_tool_is_called_and_nothing_is_said(post: Any, choice: dict[str, str]) -> None:
    _, answer, _ = await post(ask("hello", tools=TOOLS, tool_choice=choice))
    assert answer["stop_reason"] == "tool_use"
    assert {block["type"] for block in answer["content"]} == {"tool_use"}
    assert choice["type"] == "any" or [block["name"] for block in answer["content"]] == ["write"]
    assert answer["content"][0]["id"].startswith("toolu_")


async def test_a_directive_names_the_tool_to_call(post: Any) -> None:
    _, answer, _ = await post(ask("[[lab tool=write]] hello", tools=TOOLS))
    assert [block["name"] for block in answer["content"]] == ["write"]


async def test_no_tool_is_called_when_the_choice_is_none(post: Any) -> None:
    for number in range(10):
        _, answer, _ = await post(ask(f"hello {number}", tools=TOOLS, tool_choice={"type": "none"}))
        assert answer["stop_reason"] == "end_turn"


async def test_left_alone_the_world_calls_tools_now_and_then(post: Any) -> None:
    reasons = [(await post(ask(f"hello {number}", tools=TOOLS)))[1]["stop_reason"] for number in range(40)]
    assert 10 <= reasons.count("tool_use") <= 30  # about half, and the seed fixes which


async def test_a_tool_round_trip_is_accepted_and_a_result_without_its_call_is_not(post: Any) -> None:
    body = ask("hello", tools=TOOLS, tool_choice={"type": "tool", "name": "write"})
    _, first, _ = await post(body)
    result = {"type": "tool_result", "tool_use_id": first["content"][0]["id"], "content": "done"}
    turns = [*body["messages"], {"role": "assistant", "content": first["content"]}]
    status, _, _ = await post({**body, "messages": [*turns, {"role": "user", "content": [result]}]})
    assert status == 200
    lost = {**result, "tool_use_id": "toolu_other"}
    status, answer, _ = await post({**body, "messages": [*turns, {"role": "user", "content": [lost]}]})
    assert status == 400
    assert "unexpected `tool_use_id` found in `tool_result` blocks: toolu_other" in answer["error"]["message"]
    status, answer, _ = await post({**body, "messages": [*turns, {"role": "user", "content": "and?"}]})
    assert status == 400
    assert "`tool_use` ids were found without `tool_result` blocks" in answer["error"]["message"]


async def test_structured_output_fits_its_schema(post: Any) -> None:
    import msgspec

    schema = {
        "type": "object",
        "properties": {
            "kind": {"enum": ["red", "blue"]},
            "count": {"type": "integer", "minimum": 3, "maximum": 5},
            "parts": {"type": "array", "minItems": 2, "items": {"$ref": "#/$defs/part"}},
        },
        "required": ["kind", "count", "parts"],
        "$defs": {"part": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}},
    }
    _, answer, _ = await post(ask("hello", output_config={"format": {"type": "json_schema", "schema": schema}}))
    made = msgspec.json.decode(answer["content"][0]["text"])
    assert made["kind"] in {"red", "blue"}
    assert 3 <= made["count"] <= 5
    assert [list(part) for part in made["parts"]] == [["name"], ["name"]]


@pytest.mark.parametrize("display", ["summarized", "omitted"])
async def test_thinking_is_signed_and_taken_back_only_unchanged(post: Any, display: str) -> None:
    body = ask("[[lab out=40]] hello", thinking={"type": "adaptive", "display": display})
    _, first, _ = await post(body)
    thought = first["content"][0]
    assert thought["type"] == "thinking"
    assert bool(thought["thinking"]) == (display == "summarized")
    assert first["usage"]["output_tokens"] == 40
    assert first["usage"]["output_tokens_details"] == {"thinking_tokens": 10}

    async def send(block: dict[str, Any]) -> tuple[int, Any]:
        answered = {"role": "assistant", "content": [block, *first["content"][1:]]}
        status, answer, _ = await post({**body, "messages": [*body["messages"], answered, body["messages"][0]]})
        return status, answer

    status, second = await send(thought)
    assert status == 200
    assert second["usage"]["input_tokens"] == 2 + 10 + 30 + 2  # "hello" is two tokens; thinking counts as signed
    for spoiled in ({**thought, "thinking": "else"}, {**thought, "signature": "bm90IG91cnM="}):
        status, answer = await send(spoiled)
        assert status == 400
        assert answer["error"]["message"] == "messages.1.content.0: Invalid `signature` in `thinking` block"


async def test_signatures_of_one_surface_can_be_made_foreign_to_another() -> None:
    lab = LabServer(["anthropic", "foundry"], portable_signatures=False)
    signers = [lab.engine._signer(_call(name)) for name in ("anthropic", "foundry")]
    signature = signers[0].sign("text", 3)
    assert [signer.tokens("text", signature) for signer in signers] == [3, None]


def _call(surface: str) -> Any:
    from trivium.lab.surfaces._base import Call

    return Call(surface, "lab", OPUS, OPUS, "global", "2026-10-21", (), stream=False, fields={})


async def test_latency_profiles_hold_the_first_byte_back(session: Any) -> None:
    """At a tenth of the profile Haiku's first token takes 24 to 56 ms; without a profile almost nothing."""
    async with LabServer(["anthropic"], clock=ManualClock(NOON), latency_scale=0.1) as lab:
        headers = {"x-api-key": lab.key(), "anthropic-version": "2026-10-21"}
        body = {**ask("[[lab out=3]] a"), "model": "claude-haiku-5-5"}
        loop = asyncio.get_running_loop()
        begun = loop.time()
        async with session.post(lab.url() + "/v1/messages", json=body, headers=headers) as response:
            await response.read()
        assert loop.time() - begun >= 0.024
