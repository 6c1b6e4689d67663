"""Claude in Amazon Bedrock (Mantle): a region's endpoint and price, bytes pass, what the platform lacks is named."""

from __future__ import annotations

import json

import pytest

from gateway_upstream.support import HELLO, OPUS_5, HandFacts, request, send
from trivium.core import Outcome, Retry, UserError
from trivium.gateway.upstream import UPSTREAMS

SURFACE = "bedrock-mantle"
ADAPTER = UPSTREAMS[SURFACE]
IMAGE = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}


def test_only_the_model_is_spliced() -> None:
    asked = request(b'{ "model" : "claude-opus-5",\t"max_tokens":5, "messages":[{"role":"user","content":"\\u00fc"}] }')
    sent = send(SURFACE, asked)
    assert sent.url == "https://bedrock-mantle.us-west-2.api.aws/anthropic/v1/messages"
    assert sent.body == asked.body.data.replace(b'"claude-opus-5"', b'"anthropic.claude-opus-5"')
    assert (sent.notes, sent.offer) == ((), None)
    counted = send(SURFACE, request(endpoint="count_tokens"))
    assert counted.url.endswith("/anthropic/v1/messages/count_tokens")


@pytest.mark.parametrize(
    ("scope", "region", "bought"),
    [
        ("global", "us-west-2", "us-west-2"),  # narrower than was promised, at the region's price
        ("us", "us-west-2", "us-west-2"),
        ("eu", "eu-west-1", "eu-west-1"),
        ("geo-or-regional", "ap-northeast-1", "ap-northeast-1"),
        ("in-region", "eu-north-1", "eu-north-1"),
        ("us-gov", "us-gov-west-1", "us-gov-west-1"),
    ],
)
def test_the_region_of_the_endpoint_is_what_is_bought(scope: str, region: str, bought: str) -> None:
    offer = send(SURFACE, request(), scope=scope, region=region).offer
    assert offer is not None
    assert (offer.surface, offer.scope, offer.model, offer.tier) == (SURFACE, bought, OPUS_5, "standard")


@pytest.mark.parametrize(
    ("scope", "region"), [("eu", "us-west-2"), ("eu-west-1", "us-west-2"), ("us-gov", "us-west-2"), ("us", "")]
)
def test_a_route_that_keeps_another_place_is_not_served(scope: str, region: str) -> None:
    with pytest.raises(UserError, match=r"surfaces\.bedrock-mantle\.region"):
        send(SURFACE, request(), scope=scope, region=region)


def test_betas_are_renamed_or_left_out_and_said() -> None:
    betas = ("advanced-tool-use-2025-11-20", "tool-search-tool-2025-10-19", "fast-mode-2026-02-01")
    sent = send(SURFACE, request(betas=betas))
    assert sent.headers["anthropic-beta"] == "tool-search-tool-2025-10-19"
    assert sent.notes == ("left out betas: fast-mode-2026-02-01",)


@pytest.mark.parametrize(
    ("extra", "field"),
    [
        ({"speed": "fast"}, "speed"),
        ({"inference_geo": "eu"}, "inference_geo"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, r"tools\.0\.type"),
        ({"messages": [{"role": "user", "content": [IMAGE]}]}, r"messages\.0\.content\.0\.source\.type"),
    ],
)
def test_what_the_platform_lacks_is_refused_by_name(extra: dict[str, object], field: str) -> None:
    with pytest.raises(UserError, match=field):
        send(SURFACE, request({**HELLO, **extra}))


def test_a_geography_that_the_region_keeps_is_left_out_and_said() -> None:
    sent = send(SURFACE, request({**HELLO, "inference_geo": "us"}), facts=HandFacts())
    assert "inference_geo" not in json.loads(sent.body)
    assert sent.notes == ("left out inference_geo: bedrock-mantle does not take it",)


def test_the_user_profile_is_read_from_the_body_there() -> None:
    sent = send(SURFACE, request(headers={"anthropic-user-profile-id": "uprof_1"}))
    assert json.loads(sent.body)["user_profile_id"] == "uprof_1"
    assert "anthropic-user-profile-id" not in sent.headers


@pytest.mark.parametrize(
    ("name", "status", "error_type", "credential", "retry"),
    [
        ("InvalidSignatureException", 403, "authentication_error", True, Retry.ELSEWHERE),
        ("ExpiredTokenException:http://x", 403, "authentication_error", True, Retry.ELSEWHERE),
        ("ThrottlingException", 429, "rate_limit_error", False, Retry.ELSEWHERE),
        ("ValidationException", 400, "invalid_request_error", False, Retry.NEVER),
    ],
)
def test_errors_of_the_front(name: str, status: int, error_type: str, credential: bool, retry: Retry) -> None:
    failure = ADAPTER.classify(status, {"x-amzn-errortype": name}, b'{"message":"arn:aws:iam::123456789012:user/x no"}')
    assert (failure.error_type, failure.credential, failure.error.retry) == (error_type, credential, retry)
    assert failure.outcome is Outcome.REFUSED
    assert b"123456789012" not in failure.body


def test_an_envelope_passes_as_it_came_and_either_id_names_the_request() -> None:
    body = b'{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}'
    failure = ADAPTER.classify(529, {}, body)
    assert (failure.body, failure.error_type, failure.status) == (body, "overloaded_error", 529)
    assert ADAPTER.request_id({"request-id": "req_1", "x-amzn-requestid": "1-2"}) == "req_1"
    assert ADAPTER.request_id({"x-amzn-requestid": "1-2"}) == "1-2"
