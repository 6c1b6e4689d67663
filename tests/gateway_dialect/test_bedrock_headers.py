"""What InvokeModel's clients ask for by header: Bedrock gets it, and nobody is served elsewhere without it."""

from __future__ import annotations

import json

import pytest

from gateway.support import SECRET, PlainFacts, json_answer, post, record, world
from gateway_upstream.support import send
from trivium.gateway.admit import read_request
from trivium.gateway.dialect import asked
from trivium.gateway.seams import MessagesRequest

MODEL = "us.anthropic.claude-opus-5"
BODY = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}
GUARD = {"x-amzn-bedrock-guardrailidentifier": "gr-1", "x-amzn-bedrock-guardrailversion": "2"}
USUAL = {
    "x-amzn-bedrock-trace": "DISABLED",
    "x-amzn-bedrock-performanceconfig-latency": "standard",
    "x-amzn-bedrock-service-tier": "default",
    "x-amzn-bedrock-accept": "application/json",
}


class _OneModel(PlainFacts):
    def model_id(self, name: str) -> str:
        return "claude-opus-5"


def request(headers: dict[str, str], operation: str = "invoke") -> MessagesRequest:
    found = asked(f"/model/{MODEL}/{operation}")
    assert found is not None
    canonical = found.dialect.canonical(found, json.dumps(BODY).encode(), headers)
    return read_request(found, canonical, headers, request_id="r", key=record(), facts=_OneModel())


@pytest.mark.parametrize("operation", ["invoke", "invoke-with-response-stream"])
def test_a_guardrail_a_trace_and_a_tier_reach_bedrock(operation: str) -> None:
    own = GUARD | {"x-amzn-bedrock-trace": "ENABLED", "x-amzn-bedrock-service-tier": "priority"}
    sent = send("bedrock", request(own | {"x-api-key": SECRET, "x-other": "1"}, operation), scope="us")
    assert {name: value for name, value in sent.headers.items() if name.startswith("x-")} == own
    assert sent.offer is not None
    assert sent.offer.tier == "priority"


def test_the_operators_own_guardrail_stands_above_a_clients() -> None:
    sent = send("bedrock", request(GUARD), scope="us", headers={"X-Amzn-Bedrock-GuardrailIdentifier": "gr-ours"})
    assert sent.headers["x-amzn-bedrock-guardrailidentifier"] == "gr-ours"


def test_what_is_usual_anyway_is_passed_and_buys_the_standard_tier() -> None:
    read = request(USUAL)
    sent = send("bedrock", read, scope="us")
    assert sent.headers["x-amzn-bedrock-service-tier"] == "default"
    assert (sent.offer.tier if sent.offer else "standard") == "standard"
    assert read.beyond is None or read.beyond.refused is None


async def test_no_other_surface_serves_a_request_without_the_guardrail_that_it_asks_for() -> None:
    """It would be answered unguarded, and nobody would know."""
    at = world({"anthropic": [json_answer()]})
    path = "/model/claude-sonnet-4-5/invoke"
    named = {name.replace("-", "_"): value for name, value in GUARD.items()}
    answer = await post(at, json.dumps(BODY).encode(), path=path, **named)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "ValidationException")
    assert answer.json()["message"].startswith("x-amzn-bedrock-guardrailidentifier: 'gr-1': only Bedrock takes it")
    fields = {**BODY, "amazon-bedrock-guardrailConfig": {"tagSuffix": "x"}}
    answer = await post(at, json.dumps(fields).encode(), path=path)
    assert answer.json()["message"].startswith("amazon-bedrock-guardrailConfig: ")
    assert at.transport.sent == []
    usual = {name.replace("-", "_"): value for name, value in USUAL.items()}
    assert (await post(at, json.dumps(BODY).encode(), path=path, **usual)).status == 200
