"""Claude in Amazon Bedrock (Mantle) in the lab: the official client is understood, what Bedrock refuses is refused."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import pytest

from lab_clouds.golden import capture, credential
from lab_clouds.helpers import exchange, of_golden, refusal, setup, understand
from trivium.lab import LabServer
from trivium.lab.surfaces._base import Operation, Refused
from trivium.lab.surfaces.bedrock_mantle import BedrockMantle, build

SURFACE = "bedrock-mantle"
MODEL = "anthropic.claude-opus-5"
ASK: dict[str, Any] = {
    "model": MODEL,
    "max_tokens": 50,
    "messages": [{"role": "user", "content": "h i [[lab out=7]]"}],
}
HEADERS = {"anthropic-version": "2023-06-01", "authorization": "Bearer bedrock-api-key-xyz"}
PATH = "/anthropic/v1/messages"


def client(lab: LabServer, region: str = "us-west-2", **given: Any) -> anthropic.AsyncAnthropicBedrockMantle:
    known = lab.identities.aws[0]
    keys = {"aws_access_key": known.access_key_id, "aws_secret_key": known.secret_access_key, "aws_region": region}
    return anthropic.AsyncAnthropicBedrockMantle(
        base_url=lab.base_url(SURFACE), max_retries=0, **(given if "api_key" in given else {**keys, **given})
    )


@pytest.fixture
def surface() -> BedrockMantle:
    return build(setup())  # type: ignore[return-value]  # the module builds nothing else


@pytest.mark.parametrize(
    ("model", "region", "picos"),
    [
        (MODEL, "us-west-2", 2 * 3 * 5_500_000 + 2 * 7 * 27_500_000),  # 5 and 25 x 1.1
        ("anthropic.claude-opus-5-5", "us-west-2", 2 * 3 * 4_400_000 + 2 * 7 * 22_000_000),  # 4 and 20 x 1.1
        ("anthropic.claude-opus-5-5", "us-gov-west-1", 2 * 3 * 4_800_000 + 2 * 7 * 24_000_000),  # 4 and 20 x 1.2
    ],
)
async def test_the_official_client_signs_and_pays_the_regions_price(model: str, region: str, picos: int) -> None:
    async with LabServer((SURFACE,)) as lab, client(lab, region) as sdk:
        answer = await sdk.messages.with_raw_response.create(**{**ASK, "model": model})
        assert answer.headers["request-id"].startswith("req_")
        assert len(answer.headers["x-amzn-requestid"]) == 36
        async with sdk.messages.stream(**{**ASK, "model": model}) as stream:
            assert (await stream.get_final_message()).usage.output_tokens == 7
        counted = await sdk.messages.count_tokens(model=model, messages=ASK["messages"])
        assert counted.input_tokens == 3
        assert lab.bill.total(surface=SURFACE).picos == picos


async def test_a_key_will_do_and_a_wrong_one_or_a_wrong_secret_is_refused_in_the_fronts_form() -> None:
    async with LabServer((SURFACE,)) as lab:
        async with client(lab, api_key=lab.key(SURFACE)) as sdk:
            assert (await sdk.messages.create(**ASK)).usage.output_tokens == 7
        wrong = {"api_key": "bedrock-wrong"}, {"aws_secret_key": "wrong"}
        for given, name in zip(wrong, ("AccessDeniedException", "InvalidSignatureException"), strict=True):
            async with client(lab, **given) as sdk:
                with pytest.raises(anthropic.PermissionDeniedError) as refused:
                    await sdk.messages.create(**ASK)
            assert refused.value.response.headers["x-amzn-errortype"] == name
            assert set(refused.value.response.json()) == {"message"}
        assert len(lab.bill.lines) == 1


async def test_a_signature_for_the_runtime_is_none_for_mantle() -> None:
    async with LabServer((SURFACE, "bedrock")) as lab:
        known = lab.identities.aws[0]
        async with anthropic.AsyncAnthropicAWS(
            base_url=lab.base_url(SURFACE), workspace_id="wrkspc_1", aws_region="us-west-2", max_retries=0,
            aws_access_key=known.access_key_id, aws_secret_key=known.secret_access_key,
        ) as sdk:  # fmt: skip
            with pytest.raises(anthropic.PermissionDeniedError, match="correct service: 'bedrock-mantle'"):
                await sdk.messages.create(**ASK)


@pytest.mark.parametrize("name", ["mantle__create", "mantle__count_tokens", "mantle__beta_create_betas"])
def test_a_recorded_signature_is_recomputed(name: str) -> None:
    golden = capture(name)
    surface = build(setup({"aws": [credential(golden)], "wall": None}))
    request = of_golden(golden)
    assert surface.authenticate(request) == "recorded"
    if "betas" in name:  # fast mode is not offered on Bedrock
        assert b"fast-mode-2026-02-01" in refusal(surface, request, golden["request"]["body"]).body
    else:
        call = understand(surface, request, golden["request"]["body"])
        assert (call.model, call.scope) == ("claude-opus-4-8", "geo_or_regional")


def test_claude_codes_recorded_request_is_understood(surface: BedrockMantle) -> None:
    golden = capture("mantle__claude_code_create")
    call = understand(surface, of_golden(golden), golden["request"]["body"])
    assert (call.model, call.stream, len(call.betas)) == ("claude-opus-5-5", True, 6)


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ({"inference_geo": "us"}, "inference_geo: Extra inputs are not permitted"),
        ({"speed": "fast"}, "speed: Extra inputs are not permitted"),
        ({"mcp_servers": []}, "mcp_servers: Extra inputs are not permitted"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools.0: Input tag"),
        ({"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "x"}}]}]},
         "Input tag 'url'"),
    ],
)  # fmt: skip
def test_what_bedrock_lacks_is_refused_in_the_envelope(
    surface: BedrockMantle, extra: dict[str, Any], says: str
) -> None:
    error = json.loads(refusal(surface, exchange(PATH, headers=HEADERS), {**ASK, **extra}).body)
    assert error["type"] == "error"
    assert says in error["error"]["message"]


@pytest.mark.parametrize("model", ["claude-opus-5", "us.anthropic.claude-opus-5", "anthropic.claude-opus-4-6", "x"])
def test_models_go_by_the_vendor_and_the_bare_name_alone(surface: BedrockMantle, model: str) -> None:
    reply = refusal(surface, exchange(PATH, headers=HEADERS), {**ASK, "model": model})
    assert (reply.status, reply.headers["x-amzn-errortype"]) == (404, "ResourceNotFoundException")


def test_there_are_messages_and_counts_and_nothing_else(surface: BedrockMantle) -> None:
    assert surface.route(exchange(PATH + "?beta=true")) is Operation.MESSAGES
    assert surface.route(exchange(PATH + "/count_tokens")) is Operation.COUNT_TOKENS
    for path in ("/v1/messages", PATH + "/batches", "/anthropic/v1/models"):
        assert surface.route(exchange(path)) is None
    with pytest.raises(Refused):
        surface.authenticate(exchange(PATH))
