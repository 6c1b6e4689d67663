"""The official AWS clients against the lab: AnthropicBedrock and boto3, signatures and API keys, over TLS."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic import AnthropicBedrock, DefaultHttpxClient

from trivium.lab import Fault, LabServer

OPUS_5, OPUS_45 = "us.anthropic.claude-opus-5", "us.anthropic.claude-opus-4-5-20251101-v1:0"
HI: Any = [
    {"role": "user", "content": "h i [[lab out=7]]"}
]  # "h", " i", " ": three tokens, and the directive that counts nothing
BODY = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 50, "messages": HI}
TOOL: Any = {
    "name": "get_weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.fixture
def signing(tls_lab: LabServer) -> Iterator[AnthropicBedrock]:
    known = tls_lab.identities.aws[0]
    assert tls_lab.certificates is not None
    with AnthropicBedrock(
        aws_access_key=known.access_key_id,
        aws_secret_key=known.secret_access_key,
        aws_region="us-west-2",
        base_url=tls_lab.base_url("bedrock"),
        http_client=DefaultHttpxClient(verify=tls_lab.certificates.client_context()),
        max_retries=0,
    ) as client:
        yield client


def _boto3(lab: LabServer, secret: str | None = None, service: str = "bedrock-runtime") -> Any:
    import boto3
    from botocore.config import Config

    known = lab.identities.aws[0]
    assert lab.certificates is not None
    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=lab.base_url("bedrock"),
        aws_access_key_id=known.access_key_id,
        aws_secret_access_key=secret or known.secret_access_key,
        verify=str(lab.certificates.ca_path),
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_a_signed_message_is_answered(signing: AnthropicBedrock) -> None:
    message = signing.messages.create(model=OPUS_5, max_tokens=50, messages=HI)
    assert message.id.startswith("msg_bdrk_")
    assert message.model == "claude-opus-5"
    assert (message.usage.input_tokens, message.usage.output_tokens) == (3, 7)


def test_a_signed_stream_says_the_same_as_the_message(signing: AnthropicBedrock) -> None:
    whole = signing.messages.create(model=OPUS_5, max_tokens=50, messages=HI)
    with signing.messages.stream(model=OPUS_5, max_tokens=50, messages=HI) as stream:
        streamed = stream.get_final_message()
    assert [block.to_dict() for block in streamed.content] == [block.to_dict() for block in whole.content]
    assert streamed.usage.output_tokens == whole.usage.output_tokens == 7


def test_an_arn_and_a_literal_colon_are_signed_and_understood(signing: AnthropicBedrock) -> None:
    arn = f"arn:aws:bedrock:us-west-2:123456789012:inference-profile/{OPUS_45}"
    for model in (OPUS_45, arn):
        body = {"anthropic_version": "bedrock-2023-05-31"}
        message = signing.messages.create(model=model, max_tokens=50, messages=HI, extra_body=body)
        assert message.model == "claude-opus-4-5-20251101"


def test_tools_are_called_in_both_forms(signing: AnthropicBedrock) -> None:
    ask: Any = [{"role": "user", "content": "w [[lab tool=get_weather]]"}]
    whole = signing.messages.create(model=OPUS_5, max_tokens=400, messages=ask, tools=[TOOL])
    with signing.messages.stream(model=OPUS_5, max_tokens=400, messages=ask, tools=[TOOL]) as stream:
        streamed = stream.get_final_message()
    for message in (whole, streamed):
        assert message.stop_reason == "tool_use"
        [call] = [block for block in message.content if block.type == "tool_use"]
        assert call.id.startswith("toolu_bdrk_")
        assert isinstance(call.input, dict)
        assert set(call.input) == {"city"}


def test_the_sdks_own_version_is_refused_on_a_model_before_4_7(signing: AnthropicBedrock) -> None:
    with pytest.raises(anthropic.BadRequestError) as refused:
        signing.messages.create(model=OPUS_45, max_tokens=50, messages=HI)
    assert refused.value.response.headers["x-amzn-errortype"].startswith("ValidationException")
    assert "anthropic_version" in str(refused.value)


def test_a_wrong_secret_is_a_wrong_signature(signing: AnthropicBedrock) -> None:
    wrong = signing.copy(aws_secret_key="not-it")
    with pytest.raises(anthropic.PermissionDeniedError) as refused:
        wrong.messages.create(model=OPUS_5, max_tokens=50, messages=HI)
    assert refused.value.response.headers["x-amzn-errortype"].startswith("InvalidSignatureException")


def test_an_api_key_is_a_bearer(tls_lab: LabServer) -> None:
    assert tls_lab.certificates is not None
    with AnthropicBedrock(
        api_key=tls_lab.key("bedrock"),
        aws_region="us-west-2",
        base_url=tls_lab.base_url("bedrock"),
        http_client=DefaultHttpxClient(verify=tls_lab.certificates.client_context()),
        max_retries=0,
    ) as client:
        assert client.messages.create(model=OPUS_5, max_tokens=50, messages=HI).usage.output_tokens == 7
        with client.messages.stream(model=OPUS_5, max_tokens=50, messages=HI) as stream:
            assert stream.get_final_message().usage.output_tokens == 7
        stranger = client.copy(api_key="bedrock-api-key-other")
        with pytest.raises(anthropic.PermissionDeniedError):
            stranger.messages.create(model=OPUS_5, max_tokens=50, messages=HI)


def test_boto3_invokes_with_a_signature(tls_lab: LabServer) -> None:
    client = _boto3(tls_lab)
    answer = client.invoke_model(modelId=OPUS_45, body=json.dumps(BODY))
    message = json.loads(answer["body"].read())
    assert message["usage"]["output_tokens"] == 7
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amzn-bedrock-input-token-count"] == "3"
    assert headers["x-amzn-bedrock-output-token-count"] == "7"
    assert len(answer["ResponseMetadata"]["RequestId"]) == 36
    client.close()


def test_boto3_reads_the_stream_with_its_metrics(tls_lab: LabServer) -> None:
    client = _boto3(tls_lab)
    answer = client.invoke_model_with_response_stream(modelId=OPUS_45, body=json.dumps(BODY))
    events = [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]
    answer["body"].close()
    kinds = [event["type"] for event in events]
    assert "ping" not in kinds
    assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")
    metrics = events[-1]["amazon-bedrock-invocationMetrics"]
    assert (metrics["inputTokenCount"], metrics["outputTokenCount"]) == (3, 7)
    assert events[-2]["usage"]["output_tokens"] == 7
    client.close()


def test_boto3_counts_tokens(tls_lab: LabServer) -> None:
    client = _boto3(tls_lab)
    bare = OPUS_45.removeprefix("us.")
    counted = client.count_tokens(modelId=bare, input={"invokeModel": {"body": json.dumps(BODY)}})
    assert counted["inputTokens"] == 3
    with pytest.raises(client.exceptions.ValidationException, match="doesn't support counting tokens"):
        client.count_tokens(modelId=OPUS_45, input={"invokeModel": {"body": json.dumps(BODY)}})
    client.close()


def test_boto3_sees_the_named_exceptions(tls_lab: LabServer) -> None:
    client = _boto3(tls_lab)
    with pytest.raises(client.exceptions.ValidationException, match="on-demand throughput"):
        client.invoke_model(modelId="anthropic.claude-opus-5", body=json.dumps(BODY))
    throttled = tls_lab.faults.add(Fault("status", surface="bedrock", status=429))
    with pytest.raises(client.exceptions.ThrottlingException, match="Too many requests"):
        client.invoke_model(modelId=OPUS_45, body=json.dumps(BODY))
    tls_lab.faults.clear(throttled)
    client.close()
    stranger = _boto3(tls_lab, secret="not-it")
    with pytest.raises(stranger.exceptions.ClientError) as refused:
        stranger.invoke_model(modelId=OPUS_45, body=json.dumps(BODY))
    assert refused.value.response["Error"]["Code"] == "InvalidSignatureException"
    stranger.close()


def test_an_exception_in_the_stream_reaches_both_clients(tls_lab: LabServer, signing: AnthropicBedrock) -> None:
    from botocore.exceptions import EventStreamError

    fault = tls_lab.faults.add(Fault("error_event", surface="bedrock", status=429, message="slow down"))
    client = _boto3(tls_lab)
    answer = client.invoke_model_with_response_stream(modelId=OPUS_45, body=json.dumps(BODY))
    with pytest.raises(EventStreamError) as seen:
        list(answer["body"])
    answer["body"].close()
    assert seen.value.response["Error"]["Code"] == "throttlingException"
    client.close()
    with (
        pytest.raises(anthropic.APIStatusError, match="slow down"),
        signing.messages.stream(model=OPUS_5, max_tokens=50, messages=HI) as stream,
    ):
        stream.get_final_message()
    tls_lab.faults.clear(fault)


def test_boto3_lists_the_inference_profiles(tls_lab: LabServer) -> None:
    client = _boto3(tls_lab, service="bedrock")
    listed = client.list_inference_profiles(typeEquals="SYSTEM_DEFINED")["inferenceProfileSummaries"]
    assert OPUS_5 in {profile["inferenceProfileId"] for profile in listed}
    one = client.get_inference_profile(inferenceProfileIdentifier=listed[0]["inferenceProfileArn"])
    assert one["inferenceProfileId"] == listed[0]["inferenceProfileId"]
    client.close()


BEARER_PROGRAM = """
import boto3, json, sys
endpoint, ca, body = sys.argv[1:]
client = boto3.client("bedrock-runtime", region_name="us-east-1", endpoint_url=endpoint, verify=ca)
answer = client.invoke_model(modelId="us.anthropic.claude-opus-4-5-20251101-v1:0", body=body)
print(json.loads(answer["body"].read())["usage"]["output_tokens"])
"""


def test_boto3_takes_the_api_key_from_its_environment(tls_lab: LabServer) -> None:
    assert tls_lab.certificates is not None
    environment = {"AWS_BEARER_TOKEN_BEDROCK": tls_lab.key("bedrock"), "AWS_EC2_METADATA_DISABLED": "true"}
    arguments = [tls_lab.base_url("bedrock"), str(tls_lab.certificates.ca_path), json.dumps(BODY)]
    done = subprocess.run(
        [sys.executable, "-c", BEARER_PROGRAM, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.stdout.strip(), done.returncode) == ("7", 0), done.stderr
