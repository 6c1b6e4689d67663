"""Claude Platform on AWS: the workspace is the operator's, bytes pass, errors of AWS's front are read."""

from __future__ import annotations

import json

import pytest

from gateway_upstream.support import FACTS, HELLO, HandFacts, request, send
from trivium.core import Outcome, Retry, UserError
from trivium.gateway.upstream import UPSTREAMS

ADAPTER = UPSTREAMS["claude-aws"]


def test_the_operators_workspace_replaces_the_clients() -> None:
    asked = request(headers={"anthropic-workspace-id": "wrkspc_other"})
    sent = send("claude-aws", asked, headers={"anthropic-workspace-id": "wrkspc_third"})
    assert sent.headers["anthropic-workspace-id"] == "wrkspc_01"
    assert sent.body == asked.body.data
    assert not sent.notes


def test_without_a_workspace_nothing_is_sent() -> None:
    with pytest.raises(UserError, match="workspace"):
        send("claude-aws", request(), workspace="")


def test_betas_pass_and_a_narrow_route_keeps_its_place() -> None:
    sent = send("claude-aws", request(betas=("a-2026-01-01", "b-2026-01-01")), scope="us")
    assert sent.headers["anthropic-beta"] == "a-2026-01-01,b-2026-01-01"
    assert json.loads(sent.body)["inference_geo"] == "us"
    with pytest.raises(UserError, match="inference_geo"):
        send("claude-aws", request({**HELLO, "inference_geo": "global"}), scope="us")


def test_what_the_platform_lacks_is_refused_or_left_out() -> None:
    with pytest.raises(UserError, match="speed"):
        send("claude-aws", request({**HELLO, "speed": "fast"}))
    sent = send("claude-aws", request({**HELLO, "diagnostics": {}}), facts=HandFacts())
    assert "diagnostics" not in json.loads(sent.body)
    assert sent.notes


@pytest.mark.parametrize(
    ("name", "status", "error_type", "credential", "retry"),
    [
        ("UnrecognizedClientException:http://x", 403, "authentication_error", True, Retry.ELSEWHERE),
        ("AccessDeniedException", 403, "permission_error", False, Retry.ELSEWHERE),
        ("ThrottlingException", 429, "rate_limit_error", False, Retry.ELSEWHERE),
    ],
)
def test_errors_of_the_front(name: str, status: int, error_type: str, credential: bool, retry: Retry) -> None:
    failure = ADAPTER.classify(
        status, {"x-amzn-errortype": name}, b'{"message":"arn:aws:iam::123456789012:user/x no"}', FACTS
    )
    assert (failure.error_type, failure.credential, failure.error.retry) == (error_type, credential, retry)
    assert failure.outcome is Outcome.REFUSED
    assert b"123456789012" not in failure.body


def test_an_envelope_of_the_api_passes_as_it_came() -> None:
    body = b'{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}'
    failure = ADAPTER.classify(529, {}, body, FACTS)
    assert (failure.body, failure.error_type, failure.status) == (body, "overloaded_error", 529)


def test_either_id_names_the_request() -> None:
    both = {"request-id": "req_1", "x-amzn-requestid": "1-2"}
    assert ADAPTER.request_id(both) == "req_1"
    assert ADAPTER.request_id({"x-amzn-requestid": "1-2"}) == "1-2"
