"""What the first-party surface refuses, and with which words."""

from __future__ import annotations

import copy
import io
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivium.core import ManualClock
from trivium.lab import LabServer
from trivium.lab.surfaces._base import Exchange, Operation, Refused

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
OPUS = "claude-opus-5-5"
HI = [{"role": "user", "content": "hi"}]
OLD, NEW = "2023-06-01", "2026-10-21"


def ask(**more: Any) -> dict[str, Any]:
    return {"model": OPUS, "max_tokens": 64, "messages": HI, **more}


CITED = [{"type": "text", "text": "a", "citations": [{"type": "char_location"}]}]
DOCUMENT = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a"}}
REFUSED = {
    "max_tokens: Field required": (OLD, {"model": OPUS, "messages": HI}),
    "max_tokens: 200000 > 128000": (OLD, ask(max_tokens=200_000)),
    "messages: at least one message is required": (OLD, ask(messages=[])),
    "colour: Extra inputs are not permitted": (OLD, ask(colour="red")),
    "context_management: Extra inputs are not permitted": (OLD, ask(context_management={})),
    "temperature: Extra inputs are not permitted on API version 2026-10-21": (
        NEW,
        ask(model="claude-sonnet-4-6", temperature=1),
    ),
    "`temperature` is not supported for this model.": (OLD, ask(temperature=0.5)),
    "messages.1.content.0: `document` blocks are not permitted in `assistant`": (
        NEW,
        ask(messages=[*HI, {"role": "assistant", "content": [DOCUMENT]}, *HI]),
    ),
    "messages.0.content.0: `text` blocks with `citations` are not permitted": (
        NEW,
        ask(messages=[{"role": "user", "content": CITED}]),
    ),
    'first message must use the "user" role': (OLD, ask(messages=[{"role": "assistant", "content": "a"}])),
    "does not support assistant message prefill": (OLD, ask(messages=[*HI, {"role": "assistant", "content": "a"}])),
    "final assistant content cannot end with trailing whitespace": (
        OLD,
        ask(model="claude-sonnet-4-5", messages=[*HI, {"role": "assistant", "content": "a "}]),
    ),
    '"thinking.type.disabled" is not supported for this model. Use "thinking.type.adaptive" and': (
        OLD,
        ask(thinking={"type": "disabled"}),
    ),
    '"thinking.type.enabled" is not supported for this model.': (
        OLD,
        ask(model="claude-opus-4-7", thinking={"type": "enabled", "budget_tokens": 1024}),
    ),
    "`max_tokens` must be greater than `thinking.budget_tokens`": (
        OLD,
        ask(model="claude-sonnet-4-5", thinking={"type": "enabled", "budget_tokens": 1024}),
    ),
    'tool_choice: type "tool" and "any" are not supported for this model.': (
        OLD,
        ask(model="claude-fable-5-2", tools=[{"name": "t", "input_schema": {}}], tool_choice={"type": "any"}),
    ),
    "tool_choice: Tool 'u' not found": (
        OLD,
        ask(tools=[{"name": "t", "input_schema": {}}], tool_choice={"type": "tool", "name": "u"}),
    ),
    "tools.0: Input tag 'hammer_2026' found using 'type'": (OLD, ask(tools=[{"type": "hammer_2026", "name": "t"}])),
    "tools: Tool names must be unique.": (OLD, ask(tools=[{"name": "t", "input_schema": {}}] * 2)),
    "This model does not support the effort parameter.": (
        OLD,
        ask(model="claude-haiku-4-5", output_config={"effort": "low"}),
    ),
    "text content blocks must be non-empty": (
        OLD,
        ask(messages=[{"role": "user", "content": [{"type": "text", "text": ""}]}]),
    ),
    "stop_sequences: each stop sequence must contain non-whitespace": (OLD, ask(stop_sequences=[" "])),
    "inference_geo: 'us' is not supported for this model.": (OLD, ask(model="claude-opus-4-5", inference_geo="us")),
    "stream: Input should be a valid boolean": (OLD, ask(stream="yes")),
}


@pytest.mark.parametrize("message", REFUSED)
async def test_a_bad_request_is_refused_in_the_surfaces_words(message: str, post: Any) -> None:
    version, body = REFUSED[message]
    status, answer, response = await post(body, version=version)
    assert (status, answer["type"], answer["error"]["type"]) == (400, "error", "invalid_request_error")
    assert message in answer["error"]["message"]
    assert answer["request_id"] == response.headers["request-id"]


async def test_both_versions_are_served_and_no_other(post: Any) -> None:
    statuses = [(await post(ask(), version=version))[0] for version in (OLD, NEW, "2024-01-01")]
    assert statuses == [200, 200, 400]


async def test_the_old_version_still_takes_sampling_on_models_before_4_7(post: Any) -> None:
    status, _, _ = await post(ask(model="claude-sonnet-4-6", temperature=0.5, top_k=3))
    assert status == 200


async def test_sonnet_5_5_turns_thinking_off_by_between_tools(post: Any) -> None:
    body = ask(model="claude-sonnet-5-5")
    statuses = [(await post({**body, "thinking": {"type": kind}}))[0] for kind in ("between_tools", "disabled")]
    assert statuses == [200, 400]


async def test_an_unknown_beta_is_named_and_a_known_one_admits_its_field(post: Any) -> None:
    _, answer, _ = await post(ask(), betas="nope-2020-01-01")
    assert answer["error"]["message"] == "Unexpected value(s) `nope-2020-01-01` for the `anthropic-beta` header."
    status, _, _ = await post(ask(context_management={"edits": []}), betas="context-management-2025-06-27")
    assert status == 200


async def test_system_messages_stand_between_others_and_consecutive_turns_are_one(post: Any) -> None:
    system = {"role": "system", "content": [{"type": "text", "text": "now"}], "output_config": {"effort": "low"}}
    status, answer, _ = await post(ask(messages=[*HI, system, *HI]))
    assert (status, answer["usage"]["input_tokens"]) == (200, 3)


async def test_models_are_known_by_dated_and_undated_names_only_while_they_are_served(lab: Any, post: Any) -> None:
    _, answer, _ = await post(ask(model="claude-sonnet-4-5"))
    assert answer["model"] == "claude-sonnet-4-5-20250929"
    status, answer, _ = await post(ask(model="claude-9"))
    assert (status, answer["error"]) == (404, {"type": "not_found_error", "message": "model: claude-9"})
    lab.clock.set(datetime(2026, 11, 30, tzinfo=UTC))  # its last day was the 29th
    status, _, _ = await post(ask(model="claude-sonnet-4-5"))
    assert status == 404


async def test_a_prompt_longer_than_the_window_is_refused_unless_the_beta_widens_it(lab: Any, post: Any) -> None:
    lab.clock.set(datetime(2026, 4, 15, tzinfo=UTC))
    body = ask(model="claude-sonnet-4-5", messages=[{"role": "user", "content": "a " * 200_000}])
    status, answer, _ = await post(body)
    assert (status, answer["error"]["message"]) == (400, "prompt is too long: 200001 tokens > 200000 maximum")
    status, _, _ = await post(body, betas="context-1m-2025-08-07")
    assert status == 200
    assert lab.bill.lines[0].rates_picos["input"] == 6_000_000  # the price above 200,000 tokens


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({}, "x-api-key header is required"),
        ({"x-api-key": "sk-ant-wrong"}, "invalid x-api-key"),
        ({"authorization": "Bearer wrong"}, "invalid bearer token"),
    ],
)
async def test_nobody_unknown_is_served(
    lab: Any, session: aiohttp.ClientSession, headers: dict[str, str], words: str
) -> None:
    sent = {"anthropic-version": OLD, **headers}
    async with session.post(lab.url() + "/v1/messages?beta=true", json=ask(), headers=sent) as response:
        answer = await response.json()
    assert (response.status, answer["error"]) == (401, {"type": "authentication_error", "message": words})


async def test_bearer_and_api_key_are_both_believed(lab: Any, session: aiohttp.ClientSession) -> None:
    for headers in ({"x-api-key": lab.key()}, {"authorization": f"Bearer {lab.key()}"}):
        sent = {"anthropic-version": NEW, **headers}
        async with session.post(lab.url() + "/v1/messages?beta=true", json=ask(), headers=sent) as response:
            assert response.status == 200


@pytest.mark.parametrize(
    ("method", "path"), [("HEAD", "/api/hello"), ("GET", "/v1/messages"), ("POST", "/v1/complete")]
)
async def test_what_is_not_served_is_not_found(
    lab: Any, session: aiohttp.ClientSession, method: str, path: str
) -> None:
    async with session.request(method, lab.url() + path, headers={"x-api-key": lab.key()}) as response:
        assert (response.status, response.headers["request-id"][:4]) == (404, "req_")


async def test_a_body_over_32_megabytes_is_too_large(lab: Any, session: aiohttp.ClientSession) -> None:
    headers = {"x-api-key": lab.key(), "anthropic-version": OLD}
    data = b" " * (32 * 1024 * 1024 + 1)
    async with session.post(lab.url() + "/v1/messages", data=io.BytesIO(data), headers=headers) as response:
        answer = await response.json()
    assert (response.status, answer["error"]["type"]) == (413, "request_too_large")


async def test_broken_json_is_a_bad_request(lab: Any, session: aiohttp.ClientSession) -> None:
    headers = {"x-api-key": lab.key(), "anthropic-version": OLD}
    async with session.post(lab.url() + "/v1/messages", data=b'{"model":', headers=headers) as response:
        assert response.status == 400


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3) | st.sampled_from(["text", "user", "object"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["type", "text", "content", "name", "items", "ttl"]), inner, max_size=3)
    ),
    max_leaves=6,
)
WHOLE: dict[str, Any] = {
    "model": "claude-sonnet-4-6",
    "max_tokens": 50,
    "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
    "tools": [
        {"name": "t", "input_schema": {"type": "object", "properties": {"a": {"type": "string", "enum": ["x"]}}}}
    ],
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    "thinking": {"type": "adaptive", "display": "summarized"},
    "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {"type": "array", "items": {}}}},
    "metadata": {"user_id": "u"},
    "stop_sequences": ["END"],
    "messages": [
        {"role": "user", "content": [DOCUMENT, {"type": "image", "source": {"type": "base64", "data": ""}}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "i", "name": "t", "input": {"a": 1}}]},
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "i", "content": [{"type": "text", "text": "r"}]}],
        },
    ],
}


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += [(value, key), *_places(inner)]
    return found


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_body_spoiled_anywhere_is_answered_or_refused_but_never_breaks_the_lab(data: st.DataObject) -> None:
    lab = LabServer(["anthropic"], clock=ManualClock(NOON))
    body = copy.deepcopy(WHOLE)
    holder, key = data.draw(st.sampled_from(_places(body)))
    holder[key] = data.draw(_json)
    exchange = Exchange("POST", "/v1/messages", "", {"anthropic-version": OLD}, b"", NOON, "req_1")
    try:
        call = lab._surfaces["anthropic"].read(exchange, Operation.MESSAGES, body, "lab")
        answer = lab.engine.begin(call, "req_1")
    except Refused as refused:
        status = refused.status
    else:
        status = 400
        assert answer.message()["content"] is not None
        assert len(list(answer.events())) >= 3
    assert 400 <= status < 500  # a refusal is the client's fault, never the lab's
