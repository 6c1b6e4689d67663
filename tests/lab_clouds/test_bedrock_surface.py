"""Bedrock's runtime: ids, body rules, frames and errors, without a server."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from lab_clouds.golden import capture, captures, credential
from lab_clouds.helpers import exchange, of_golden, refusal, setup, understand
from trivium.lab.surfaces._base import Call, Metrics, Operation, Refused
from trivium.lab.surfaces.bedrock import Bedrock, build

OPUS_45 = "anthropic.claude-opus-4-5-20251101-v1:0"
HI = [{"role": "user", "content": "hi"}]
BODY: dict[str, Any] = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 5, "messages": HI}
METRICS = Metrics(
    input_tokens=12,
    output_tokens=6,
    cache_read_tokens=3,
    cache_write_tokens=4,
    first_byte_ms=300,
    latency_ms=700,
)


@pytest.fixture
def surface() -> Bedrock:
    return build(setup({"application_profiles": {"abc123": f"us.{OPUS_45}"}}))


def _invoke(model_id: str, operation: str = "invoke") -> str:
    return f"/model/{model_id}/{operation}"


def _message(reply: Any) -> str:
    return str(json.loads(reply.body)["message"])


@pytest.mark.parametrize(
    ("model_id", "model", "scope"),
    [
        ("us.anthropic.claude-opus-4-5-20251101-v1:0", "claude-opus-4-5", "geo_or_regional"),
        ("us.anthropic.claude-opus-4-5-20251101-v1%3A0", "claude-opus-4-5", "geo_or_regional"),
        ("global.anthropic.claude-opus-4-5-20251101-v1:0", "claude-opus-4-5", "global"),
        ("eu.anthropic.claude-sonnet-4-6", "claude-sonnet-4-6", "geo_or_regional"),
        ("jp.anthropic.claude-sonnet-4-6", "claude-sonnet-4-6", "geo_or_regional"),
        ("apac.anthropic.claude-opus-4-6-v1", "claude-opus-4-6", "geo_or_regional"),
        ("au.anthropic.claude-opus-5", "claude-opus-5", "geo_or_regional"),
        ("arn:aws:bedrock:us-west-2:123456789012:application-inference-profile%2Fabc123", "claude-opus-4-5",
         "geo_or_regional"),
        ("arn%3Aaws%3Abedrock%3Aus-west-2%3A123456789012%3Aapplication-inference-profile%2Fabc123", "claude-opus-4-5",
         "geo_or_regional"),
        ("arn:aws:bedrock:us-west-2:123456789012:inference-profile%2Fglobal.anthropic.claude-opus-5", "claude-opus-5",
         "global"),
        ("anthropic.claude-3-5-haiku-20241022-v1:0", "claude-3-5-haiku", "geo_or_regional"),
        ("arn:aws:bedrock:us-west-2::foundation-model%2Fanthropic.claude-3-5-haiku-20241022-v1:0", "claude-3-5-haiku",
         "geo_or_regional"),
    ],
)  # fmt: skip
def test_an_id_in_the_path_names_model_and_scope(surface: Bedrock, model_id: str, model: str, scope: str) -> None:
    call = understand(surface, exchange(_invoke(model_id)), BODY)
    assert (call.model, call.scope, call.version, call.stream) == (model, scope, "2023-06-01", False)
    assert call.id_infix == "bdrk_"
    assert call.fields == {"max_tokens": 5, "messages": HI}


@pytest.mark.parametrize(
    "model_id",
    ["claude-opus-5", "us.anthropic.claude-opus-9", "jp.anthropic.claude-opus-4-5-20251101-v1:0", "us-gov.anthropic.x",
     "mars.anthropic.claude-opus-5", "us.claude-opus-5",
     "arn:aws:bedrock:us-west-2:1:application-inference-profile%2Fz"],
)  # fmt: skip
def test_an_unknown_id_or_a_geography_the_model_lacks_is_refused(surface: Bedrock, model_id: str) -> None:
    reply = refusal(surface, exchange(_invoke(model_id)), BODY)
    assert reply.status == 400
    assert _message(reply) == "The provided model identifier is invalid."
    assert reply.headers["x-amzn-errortype"].split(":")[0] == "ValidationException"


def test_a_bare_id_of_a_profile_only_model_says_how_to_retry(surface: Bedrock) -> None:
    reply = refusal(surface, exchange(_invoke(OPUS_45)), BODY)
    assert _message(reply) == (
        f"Invocation of model ID {OPUS_45} with on-demand throughput isn\u2019t supported. Retry your request with the "
        "ID or ARN of an inference profile that contains this model."
    )


def test_a_geographic_profile_is_called_from_its_own_regions() -> None:
    european = build(setup({"region": "eu-west-1"}))
    understand(european, exchange(_invoke("eu.anthropic.claude-opus-5")), BODY)
    understand(european, exchange(_invoke("global.anthropic.claude-opus-5")), BODY)
    reply = refusal(european, exchange(_invoke("us.anthropic.claude-opus-5")), BODY)
    assert _message(reply) == "The provided model identifier is invalid."


def test_the_stream_is_chosen_by_the_path(surface: Bedrock) -> None:
    request = exchange(_invoke("us.anthropic.claude-opus-5", "invoke-with-response-stream"))
    assert understand(surface, request, BODY).stream


@pytest.mark.parametrize("path", ["/v1/messages/count_tokens", "/model/x/guess", "/model//invoke", "/", "/model"])
def test_other_paths_are_no_operation(surface: Bedrock, path: str) -> None:
    assert surface.route(exchange(path)) is None
    assert surface.refuse(surface.unknown_path(exchange(path)), exchange(path)).status == 404


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "m"}, "model: Extra inputs are not permitted"),
        ({"stream": True}, "stream: Extra inputs are not permitted"),
        ({"inference_geo": "us"}, "inference_geo: Extra inputs are not permitted"),
        ({"service_tier": "auto"}, "service_tier: Extra inputs are not permitted"),
        ({"speed": "fast"}, "speed: Extra inputs are not permitted"),
        ({"mcp_servers": []}, "mcp_servers: Extra inputs are not permitted"),
        ({"cache_control": {"type": "ephemeral"}}, "cache_control: Extra inputs are not permitted"),
        ({"output_config": {"task_budget": {}}}, "output_config.task_budget: Extra inputs are not permitted"),
        ({"anthropic_version": None}, "anthropic_version: Field required"),
        ({"anthropic_version": "2023-06-01"}, "anthropic_version: Input should be 'bedrock-2023-05-31'"),
        ({"anthropic_version": "2026-10-21"}, "anthropic_version: Input should be 'bedrock-2023-05-31'"),
        ({"anthropic_beta": "x"}, "anthropic_beta: Input should be a valid list"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
         "tools.0: Input tag 'web_search_20250305' found using 'type' does not match any of the expected tags"),
        ({"tools": [{"type": "tool_search_tool_regex", "name": "t"}]},
         "tools.0: Input tag 'tool_search_tool_regex' found using 'type' does not match any of the expected tags"),
        ({"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "u"}}]}]},
         "messages.0.content.0.image.source: Input tag 'url' found using 'type' does not match any of the expected"),
    ],
)  # fmt: skip
def test_what_invoke_does_not_carry_is_refused(surface: Bedrock, change: dict[str, Any], message: str) -> None:
    body = {name: value for name, value in {**BODY, **change}.items() if value is not None}
    reply = refusal(surface, exchange(_invoke("us.anthropic.claude-sonnet-4-6")), body)
    assert reply.status == 400
    assert _message(reply).startswith(f"The model returned the following errors: {message}")


def test_the_new_api_version_is_for_4_7_and_later(surface: Bedrock) -> None:
    body = {**BODY, "anthropic_version": "2026-10-21", "cache_control": {"type": "ephemeral"}}
    call = understand(surface, exchange(_invoke("us.anthropic.claude-opus-4-7")), body)
    assert call.version == "2026-10-21"
    assert "cache_control" in call.fields


def test_a_known_beta_stands_in_the_body_and_an_unknown_one_is_an_invalid_flag(surface: Bedrock) -> None:
    path = _invoke("us.anthropic.claude-opus-5")
    good = {**BODY, "anthropic_beta": ["context-management-2025-06-27"]}
    assert understand(surface, exchange(path), good).betas == ("context-management-2025-06-27",)
    reply = refusal(surface, exchange(path), {**BODY, "anthropic_beta": ["fast-mode-2026-02-01"]})
    assert (reply.status, _message(reply)) == (400, "invalid beta flag")
    header = exchange(path, headers={"anthropic-beta": "claude-code-20250219"})
    assert understand(surface, header, BODY).betas == ()


def _count(body: dict[str, Any]) -> dict[str, Any]:
    return {"input": {"invokeModel": {"body": base64.b64encode(json.dumps(body).encode()).decode()}}}


def test_counting_takes_the_body_inside_and_a_bare_id(surface: Bedrock) -> None:
    call = understand(surface, exchange(_invoke(OPUS_45, "count-tokens")), _count(BODY))
    assert call.fields == {"messages": HI}
    assert json.loads(surface.count_answer(call, 9).body) == {"inputTokens": 9}


@pytest.mark.parametrize("model_id", [f"us.{OPUS_45}", "anthropic.claude-opus-5"])
def test_profiles_and_profile_only_models_do_not_count(surface: Bedrock, model_id: str) -> None:
    reply = refusal(surface, exchange(_invoke(model_id, "count-tokens")), _count(BODY))
    assert _message(reply) == "The provided model doesn't support counting tokens."


@pytest.mark.parametrize(
    "body",
    [{}, {"input": {"converse": {}}}, {"input": {"invokeModel": {"body": "%"}}}, _count({**BODY, "tools": []}),
     _count({"messages": HI, "anthropic_version": "bedrock-2023-05-31"}), _count({**BODY, "model": "m"})],
)  # fmt: skip
def test_a_malformed_count_is_a_validation_error(surface: Bedrock, body: dict[str, Any]) -> None:
    reply = refusal(surface, exchange(_invoke(OPUS_45, "count-tokens")), body)
    assert reply.status == 400


def test_a_bearer_key_is_looked_up(surface: Bedrock) -> None:
    good = exchange(_invoke("x"), headers={"Authorization": "Bearer bedrock-api-key-xyz"})
    assert surface.authenticate(good) == "key-account"
    with pytest.raises(Refused) as refused:
        surface.authenticate(exchange(_invoke("x"), headers={"Authorization": "Bearer other"}))
    reply = surface.refuse(refused.value, good)
    assert (reply.status, reply.headers["x-amzn-errortype"].split(":")[0]) == (403, "AccessDeniedException")


SIGNED = [
    golden for golden in captures("bedrock__*.json") if golden.get("sigv4", {}).get("reproducible_from_this_file")
]
NOT_SERVED = {"bedrock__js_count_tokens_anomaly"}
# Refused by a faithful upstream, with the reason that decides first.
REFUSED = {
    "bedrock__create": "anthropic_version",
    "bedrock__create_rich": "anthropic_version",
    "bedrock__create_stream": "anthropic_version",
    "bedrock__create_profile_workspace": "anthropic_version",
    "bedrock__create_arn": "anthropic_version",
    "bedrock__beta_create_betas": "invalid beta flag",
    "bedrock__js_beta_create_betas": "invalid beta flag",
    "bedrock__boto3_converse": "invalid beta flag",
}


@pytest.mark.parametrize("golden", SIGNED, ids=lambda golden: str(golden["id"]))
def test_recorded_requests_authenticate(golden: dict[str, Any]) -> None:
    surface = build(setup({"aws": [credential(golden)], "wall": None, "region": "us-west-2"}))
    assert surface.authenticate(of_golden(golden)) == "recorded"


@pytest.mark.parametrize("golden", captures("bedrock__*.json"), ids=lambda golden: str(golden["id"]))
def test_recorded_requests_are_read_or_refused_for_the_documented_reason(
    surface: Bedrock, golden: dict[str, Any]
) -> None:
    request, name, body = of_golden(golden), golden["id"], golden["request"]["body"]
    operation = surface.route(request)
    assert (operation is None) == (name in NOT_SERVED)
    if operation is Operation.OTHER:
        assert surface.other(request).status == 200
    elif operation is not None and name in REFUSED:
        assert REFUSED[name] in _message(refusal(surface, request, body))
    elif operation is not None:
        call = understand(surface, request, body)
        assert call.model in {"claude-opus-4-5", "claude-opus-4-8", "claude-opus-5-5", "claude-sonnet-4-5"}


def test_inference_profiles_are_those_of_the_day(surface: Bedrock) -> None:
    request = of_golden(capture("bedrock__claude_code_inference_profiles"))
    listed = json.loads(surface.other(request).body)["inferenceProfileSummaries"]
    ids = [profile["inferenceProfileId"] for profile in listed]
    assert "us.anthropic.claude-opus-5-5" in ids
    assert "jp.anthropic.claude-opus-4-5-20251101-v1:0" not in ids
    assert len(ids) == len(set(ids))
    one = surface.other(exchange(f"/inference-profiles/{ids[0]}", method="GET"))
    assert json.loads(one.body) == listed[0]
    with pytest.raises(Refused) as refused:
        surface.other(exchange("/inference-profiles/none", method="GET"))
    assert surface.refuse(refused.value, request).status == 404


def _call(surface: Bedrock) -> Call:
    return understand(surface, exchange(_invoke("us.anthropic.claude-opus-5")), BODY)


def test_counts_are_repeated_in_headers_and_in_the_last_event(surface: Bedrock) -> None:
    from botocore.eventstream import EventStreamBuffer

    reply = surface.answer(_call(surface), {"id": "msg_bdrk_1"}, METRICS)
    assert {name: value for name, value in reply.headers.items() if name.startswith("x-amzn")} == {
        "x-amzn-bedrock-invocation-latency": "700",
        "x-amzn-bedrock-input-token-count": "12",
        "x-amzn-bedrock-output-token-count": "6",
        "x-amzn-bedrock-cache-read-input-token-count": "3",
        "x-amzn-bedrock-cache-write-input-token-count": "4",
    }
    buffer = EventStreamBuffer()
    buffer.add_data(surface.frame({"type": "message_stop"}, METRICS))
    [frame] = buffer
    payload = json.loads(frame.payload)
    assert 1 <= len(payload["p"]) <= 62
    assert json.loads(base64.b64decode(payload["bytes"])) == {
        "type": "message_stop",
        "amazon-bedrock-invocationMetrics": {
            "inputTokenCount": 12,
            "outputTokenCount": 6,
            "invocationLatency": 700,
            "firstByteLatency": 300,
            "cacheReadInputTokenCount": 3,
            "cacheWriteInputTokenCount": 4,
        },
    }


def test_padding_repeats_with_the_seed_and_varies_with_the_event() -> None:
    one, two = build(setup(seed=1)), build(setup(seed=2))
    events = [{"type": "ping", "n": number} for number in range(40)]
    lengths = [len(one.frame(event, METRICS)) for event in events]
    assert lengths == [len(build(setup(seed=1)).frame(event, METRICS)) for event in events]
    assert lengths != [len(two.frame(event, METRICS)) for event in events]
    assert len(set(lengths)) > 10


@pytest.mark.parametrize(
    ("refused", "status", "code"),
    [
        (Refused(429, "rate_limit_error", "m", headers={"retry-after": "3"}), 429, "ThrottlingException"),
        (Refused(529, "overloaded_error", "m"), 503, "ServiceUnavailableException"),
        (Refused(503, "api_error", "m"), 503, "ServiceUnavailableException"),
        (Refused(500, "api_error", "m"), 500, "InternalServerException"),
        (Refused(504, "timeout_error", "m"), 408, "ModelTimeoutException"),
        (Refused(424, "api_error", "m"), 424, "ModelErrorException"),
        (Refused(404, "not_found_error", "model: claude-x"), 404, "ResourceNotFoundException"),
        (Refused(403, "permission_error", "m"), 403, "AccessDeniedException"),
        (Refused(429, "rate_limit_error", "m", native="ModelNotReadyException"), 429, "ModelNotReadyException"),
    ],
)
def test_errors_have_a_message_and_a_type_header(surface: Bedrock, refused: Refused, status: int, code: str) -> None:
    reply = surface.refuse(refused, exchange("/"))
    assert (reply.status, reply.headers["x-amzn-errortype"].split(":")[0]) == (status, code)
    assert "retry-after" not in reply.headers
    assert "message" in json.loads(reply.body)


def test_a_long_prompt_has_bedrocks_own_words(surface: Bedrock) -> None:
    refused = Refused(400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum")
    assert _message(surface.refuse(refused, exchange("/"))) == "Input is too long for requested model."


@pytest.mark.parametrize(
    ("refused", "kind"),
    [
        (Refused(429, "rate_limit_error", "slow down"), "throttlingException"),
        (Refused(529, "overloaded_error", "m"), "serviceUnavailableException"),
        (Refused(504, "timeout_error", "m"), "modelTimeoutException"),
        (Refused(400, "invalid_request_error", "m"), "validationException"),
        (Refused(500, "api_error", "m"), "internalServerException"),
        (Refused(500, "api_error", "m", native="modelStreamErrorException"), "modelStreamErrorException"),
    ],
)
def test_an_error_in_the_stream_is_an_exception_frame(surface: Bedrock, refused: Refused, kind: str) -> None:
    from botocore.eventstream import EventStreamBuffer

    buffer = EventStreamBuffer()
    buffer.add_data(surface.stream_error(refused, "req_1"))
    [frame] = buffer
    assert frame.headers[":message-type"] == "exception"
    assert frame.headers[":exception-type"] == kind
    assert json.loads(frame.payload)["message"] == refused.message
