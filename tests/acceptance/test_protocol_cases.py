"""What users of other gateways suffered with requests, counts, betas and names; here each is a test.

LL, CC, BF, PK and EG are the issues of litellm, claude-code, bifrost, the Portkey gateway and the Envoy AI gateway.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from acceptance.support import TOOL, Scripted, count
from gateway.support import ask, error_answer, json_answer, post, world
from gateway_upstream.test_through_the_lab import AT, CACHED, HI, MODEL, SNAPSHOT, SURFACES, site
from trivium.core import ManualClock
from trivium.gateway import SnapshotFacts

COUNTABLE = dict.fromkeys(SURFACES, MODEL) | {"bedrock": "claude-3-5-haiku"}
COUNTED = json_answer({"input_tokens": 31, "inputTokens": 31})  # in the words of each surface
MARKER = {"type": "ephemeral"}


@pytest.mark.parametrize("surface", SURFACES)
async def test_d1_tokens_are_counted_or_it_is_said_that_they_cannot_be(tmp_path: Path, surface: str) -> None:
    """LL#13252, EG#1360: there was no count_tokens, and clients failed on a 404."""
    async with site(tmp_path, surface) as at:
        for query in ("", "?beta=true"):
            reply = await count(at, HI, query=query)
            if surface == "bedrock":
                assert (reply.status, reply.json()["error"]["type"]) == (501, "not_supported")
                assert reply.headers["x-should-retry"] == "false"
            else:
                assert (reply.status, set(reply.json())) == (200, {"input_tokens"})


@pytest.mark.parametrize("surface", SURFACES)
async def test_d2_a_count_is_the_surfaces_own_and_never_an_estimate(surface: str) -> None:
    """LL#37102: a silent local estimate showed 675 thousand tokens where 1.19 million were sent; the session died."""
    asked = {**CACHED, "model": COUNTABLE[surface]}
    at = Scripted({surface: [COUNTED]})
    assert (await count(at, asked)).json()["input_tokens"] == 31  # whatever the text looks like
    at = Scripted({surface: [error_answer(500, "api_error")]})
    reply = await count(at, asked)
    assert reply.status >= 500
    assert "input_tokens" not in reply.json()


@pytest.mark.parametrize("surface", [surface for surface in SURFACES if surface != "bedrock"])
async def test_d3_tools_count(tmp_path: Path, surface: str) -> None:
    """LL#26436: `tools` were left out of the count, which was too low by all of them."""
    async with site(tmp_path, surface) as at:
        bare, with_tools = await count(at, HI), await count(at, {**HI, "tools": [TOOL]})
        assert with_tools.json()["input_tokens"] > bare.json()["input_tokens"]


async def test_d3_tools_count_on_bedrock() -> None:
    """LL#26436: the complaint was about Bedrock, whose count wraps the request in another."""
    at = Scripted({"bedrock": [COUNTED]})
    await count(at, {**HI, "model": COUNTABLE["bedrock"], "tools": [TOOL]})
    assert json.loads(at.sent_body())["tools"] == [TOOL]


GOOGLE = "https://aiplatform.googleapis.com/v1/projects/lab-project/locations/global/publishers/anthropic/models/"
EAST = "https://us-east5-aiplatform.googleapis.com/v1/projects/lab-project/locations/us-east5/publishers/anthropic/"
AMAZON = "https://bedrock-runtime.us-west-2.amazonaws.com/model/"


@pytest.mark.parametrize(
    ("surface", "scope", "region", "model", "url"),
    [
        ("vertex", "global", "", "claude-opus-4-5", GOOGLE + "claude-opus-4-5@20251101:rawPredict"),
        ("vertex", "global", "", "claude-opus-5", GOOGLE + "claude-opus-5:rawPredict"),
        (
            *("vertex", "regional-or-multi-region", "us-east5", "claude-opus-4-5"),
            EAST + "models/claude-opus-4-5@20251101:rawPredict",
        ),
        ("bedrock", "us", "us-west-2", "claude-opus-5", AMAZON + "us.anthropic.claude-opus-5/invoke"),
        ("bedrock", "global", "us-west-2", "claude-opus-5", AMAZON + "global.anthropic.claude-opus-5/invoke"),
        (
            *("bedrock", "in-region", "us-west-2", "claude-opus-4-5"),
            AMAZON + "anthropic.claude-opus-4-5-20251101-v1%3A0/invoke",
        ),
    ],
)
async def test_d4_names_and_places_are_written_as_the_surface_writes_them(
    surface: str, scope: str, region: str, model: str, url: str
) -> None:
    """LL#25798, LL#20348, LL#39597, PK#1437: the suffix of Vertex, its `global` host, Bedrock's region prefix."""
    at = Scripted({surface: [json_answer()]}, scopes={surface: scope}, regions={surface: region})
    reply = await at.post({**HI, "model": model})
    assert reply.status == 200, reply.body
    assert at.transport.sent[0].url.replace("v1:0", "v1%3A0") == url  # both spellings name the model


@pytest.mark.parametrize("surface", ["bedrock", "vertex", "foundry"])
async def test_d4_the_beta_of_counting_is_not_sent_where_it_is_unknown(surface: str) -> None:
    """LL#15323: betas on the counting route made a cloud refuse every count."""
    at = Scripted({surface: [COUNTED]})
    asked = {**HI, "model": COUNTABLE[surface]}
    reply = await count(at, asked, query="?beta=true", anthropic_beta="token-counting-2024-11-01")
    assert reply.status == 200, reply.body
    (sent,) = at.transport.sent
    assert "token-counting" not in f"{sent.url}{dict(sent.headers)}" + at.sent_body().decode()


async def test_d5_a_failing_count_takes_no_inference_down() -> None:
    """CC#84549: failures of auxiliary calls put the credential into a cooldown, and inference with it."""
    overloaded = error_answer(529, "overloaded_error")
    at = world({"anthropic": [*[overloaded] * 4, json_answer()], "vertex": [json_answer()]}, breaker_failures=2)
    for _ in range(4):
        assert (await post(at, ask(), path="/v1/messages/count_tokens")).status == 529
    assert (await post(at, ask())).headers["x-trivium-surface"] == "anthropic"


UNKNOWN = "never-heard-of-2031-01-01"
KNOWN = "context-management-2025-06-27"


@pytest.mark.parametrize("surface", ["bedrock", "vertex", "foundry"])
async def test_d6_an_unknown_beta_is_left_out_where_it_would_be_refused(tmp_path: Path, surface: str) -> None:
    """CC#20031, CC#22893, CC#82549: a new client's beta was a 400 on every platform but the first party."""
    async with site(tmp_path, surface) as at:
        reply = await at.post(HI, anthropic_beta=f"{UNKNOWN},{KNOWN}")
        assert reply.status == 200, reply.body
        assert reply.headers["x-trivium-notes"] == f"left out betas: {UNKNOWN}"
        assert at.lab.seen.as_json(1)["last"][0]["betas"] == [KNOWN]


async def test_d7_the_clients_betas_pass_to_the_first_party_whole_and_in_order() -> None:
    """sifxprime/krouter#16: a static list replaced the client's betas, and 22 % of the calls failed."""
    asked = f"{UNKNOWN},{KNOWN},interleaved-thinking-2025-05-14"
    at = Scripted({"anthropic": [json_answer()]})
    await at.post(HI, anthropic_beta=asked)
    assert at.transport.sent[0].headers["anthropic-beta"] == asked
    await at.post(HI)
    assert "anthropic-beta" not in at.transport.sent[1].headers


PAIRS: dict[str, dict[str, Any]] = {
    "context-management-2025-06-27": {"context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]}},
    "task-budgets-2026-03-13": {"output_config": {"task_budget": {"type": "tokens", "total": 20000}}},
    "prompt-caching-scope-2026-01-05": {
        "system": [{"type": "text", "text": "rule " * 3000, "cache_control": {**MARKER, "scope": "global"}}]
    },
    "advanced-tool-use-2025-11-20": {"tools": [TOOL, {**TOOL, "name": "other", "defer_loading": True}]},
    "fast-mode-2026-02-01": {"speed": "fast"},
}


@pytest.mark.parametrize("beta", PAIRS)
@pytest.mark.parametrize("surface", SURFACES)
async def test_d8_a_beta_and_its_field_go_together(tmp_path: Path, surface: str, beta: str) -> None:
    """CC#49548, CC#31033, LL#26240: one half of the pair was stripped: "Extra inputs are not permitted"."""
    async with site(tmp_path, surface) as at:
        reply = await at.post({**HI, **PAIRS[beta]}, anthropic_beta=beta)
        if beta == "fast-mode-2026-02-01" and surface != "anthropic":  # its loss would change what is bought
            assert reply.status == 400
            assert reply.json()["error"]["message"].startswith("speed: 'fast'")
            assert at.sink.opened_events == []
            return
        assert reply.status == 200, reply.body
        notes = reply.headers.get("x-trivium-notes", "")
        field_left_out = "does not take it" in notes or "its beta is not accepted" in notes
        assert (f"left out betas: {beta}" in notes) == field_left_out


@pytest.mark.parametrize("surface", ["vertex", "foundry"])
async def test_d8_a_feature_that_the_surface_has_is_not_lost_with_its_beta(surface: str) -> None:
    """CC#49548: to be safe from the 400, gateways took features away from surfaces that have them."""
    at, beta = Scripted({surface: [json_answer()]}), "task-budgets-2026-03-13"
    assert SnapshotFacts(lambda: SNAPSHOT, ManualClock(AT)).supports(surface, MODEL, "task_budgets")
    assert (await at.post({**HI, **PAIRS[beta]}, anthropic_beta=beta)).status == 200
    assert json.loads(at.sent_body())["output_config"] == PAIRS[beta]["output_config"]
    assert beta in at.transport.sent[0].headers["anthropic-beta"]


@pytest.mark.parametrize("surface", SURFACES)
async def test_d9_the_marker_on_a_tool_arrives_and_the_second_call_reads_the_cache(
    tmp_path: Path, surface: str
) -> None:
    """BF#1935, PK#1579, LL#26625: `cache_control` was lost on tool blocks, and every call paid the whole prompt."""
    long = {**TOOL, "description": "word " * 6000, "cache_control": MARKER}
    async with site(tmp_path, surface) as at:
        first = (await at.post({**HI, "tools": [long]})).json()["usage"]
        second = (await at.post({**HI, "tools": [long]})).json()["usage"]
        assert first["cache_creation_input_tokens"] > 5000
        assert second["cache_read_input_tokens"] == first["cache_creation_input_tokens"]
        at.assert_recorded_as_billed()


@pytest.mark.parametrize("surface", SURFACES)
async def test_d9_forwarded_blocks_are_equal_byte_for_byte(surface: str) -> None:
    """BF#1935: blocks were taken apart and put together again, and came out without their markers."""
    messages = '[ {"role":"user", "content":[{"cache_control":{"type":"ephemeral"},"type":"text","text":"\\u00e4"}]} ]'
    tools = '[{"name":"t",  "cache_control":{"ttl":"1h","type":"ephemeral"},"input_schema":{"type":"object"}}]'
    at = Scripted({surface: [json_answer()]})
    await at.post(f'{{"model":"{MODEL}","max_tokens":9,"messages":{messages},"tools":{tools}}}'.encode())
    assert f'"messages":{messages}'.encode() in at.sent_body()
    assert f'"tools":{tools}'.encode() in at.sent_body()


@pytest.mark.parametrize("surface", SURFACES)
async def test_d10_no_content_and_no_marker_is_added(surface: str) -> None:
    """LL#17479, decolua/9router#3567: the gateway added a fifth cache marker of its own, a 400 each time."""
    marked = [{"type": "text", "text": f"rule {number}", "cache_control": MARKER} for number in range(4)]
    for asked in (HI, {**HI, "tools": [TOOL], "system": "Be brief."}, {**HI, "system": marked}):
        at = Scripted({surface: [json_answer()]})
        await at.post(asked)
        sent = json.loads(at.sent_body())
        added = set(sent) - set(asked) - {"model", "max_tokens"}
        assert added <= {"anthropic_version"}
        assert {name: sent[name] for name in asked} == asked


@pytest.mark.parametrize("surface", SURFACES)
async def test_d21_a_name_means_the_same_model_on_every_surface_and_none_is_guessed(surface: str) -> None:
    """CC#18447: `opus` was another model on each platform, and nobody was told which."""
    urls = set()
    for name in ("claude-haiku-4-5", "claude-haiku-4-5-20251001", "claude-haiku-4-5@20251001"):
        at = Scripted({surface: [json_answer()]})
        assert (await at.post({**HI, "model": name})).status == 200
        urls.add((at.transport.sent[0].url, at.sent_body()))
        assert at.sink.opened_events[0].offer.model == "claude-haiku-4-5"
    assert len(urls) == 1
    at = Scripted({surface: [json_answer()]})
    reply = await at.post({**HI, "model": "opus"})
    assert (reply.status, reply.json()["error"]["type"]) == (404, "not_found_error")
    assert at.transport.sent == []


@pytest.mark.parametrize("version", ["2023-06-01", "2026-10-21"])
@pytest.mark.parametrize("surface", SURFACES)
async def test_d23_a_client_keeps_its_version_and_sampling_is_answered_by_the_surface(
    tmp_path: Path, surface: str, version: str
) -> None:
    """The migration of 2026-10-21: an upgraded SDK speaks another version, in which `temperature` is a 400.

    The client must read that in the surface's words: the value is neither dropped in silence nor the version changed.
    """
    async with site(tmp_path, surface) as at:
        reply = await at.post({**HI, "temperature": 0.5}, anthropic_version=version)
        assert reply.status == 400
        assert ("on API version 2026-10-21" in reply.json()["error"]["message"]) == (version == "2026-10-21")
        assert "temperature" in reply.json()["error"]["message"]
        assert (await at.post(HI, anthropic_version=version)).status == 200
        assert at.lab.seen.as_json(1)["last"][0]["version"] == version
