"""What errors mean is what claims say: every state of every surface, own claims over shipped ones, and HTTP's rest."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.shipped import DAY, shipped
from gateway_upstream.support import FACTS, HandFacts
from trivium.catalog import load
from trivium.core import ErrorClass, ManualClock, Outcome, Retry
from trivium.gateway.facts import SnapshotFacts
from trivium.gateway.seams import Facts, Failure
from trivium.gateway.upstream import UPSTREAMS

NEVER, HERE, ELSEWHERE = Retry.NEVER, Retry.HERE, Retry.ELSEWHERE
FIRST_PARTY = ("anthropic", "claude-aws", "bedrock-mantle", "vertex", "claude-gcp", "foundry")
ALL = (*FIRST_PARTY, "bedrock")

BAD = (400, "invalid_request_error", NEVER)
UNPAID = (402, "billing_error", ELSEWHERE)
NOT_ALLOWED = (403, "permission_error", ELSEWHERE)
OUR_KEY = (502, "authentication_error", ELSEWHERE)
LIMITED = (429, "rate_limit_error", ELSEWHERE)


def envelope(error_type: str, message: str = "no", code: str = "") -> dict[str, Any]:
    details = {"details": {"error_code": code}} if code else {}
    return {"type": "error", "error": {"type": error_type, "message": message, **details}, "request_id": "req_9"}


def aws(name: str, message: str) -> tuple[dict[str, str], dict[str, str]]:
    return {"message": message}, {"x-amzn-errortype": f"{name}:http://internal.amazon.com/"}


def google(code: int, status: str, message: str = "no", reason: str = "") -> dict[str, Any]:
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}
    return {"error": {"code": code, "message": message, "status": status, **({"details": [info]} if reason else {})}}


def azure(code: str, message: str = "no") -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def classify(
    surface: str, status: int, body: Any, headers: Mapping[str, str] | None = None, facts: Facts = FACTS
) -> Failure:
    return UPSTREAMS[surface].classify(status, headers or {}, json.dumps(body).encode(), facts)


def seen(failure: Failure) -> tuple[int, str, Retry]:
    return failure.status, failure.error_type, failure.error.retry


def told(failure: Failure) -> str:
    message: str = json.loads(failure.body)["error"]["message"]
    return message


# --- an account that may not spend, may not use a model, or is not known ---------------------------------------------

LOW = "Your credit balance is too low to access the Anthropic API."
CAPPED = "You have reached your specified workspace API usage limits. You will regain access on 2026-12-01."
UNPAID_API = [
    (402, envelope("billing_error")),
    (402, envelope("permission_error")),
    (402, envelope("billing_error", code="linked_organization_spend_limit_reached")),
    (402, envelope("billing_error", code="linked_organization_billing_unavailable")),
    (400, envelope("invalid_request_error", LOW)),
    (400, envelope("invalid_request_error", CAPPED)),
    (429, envelope("rate_limit_error", code="enforced_spend_limit_reached")),
    (429, envelope("rate_limit_error", code="contract_spend_limit_reached")),
]


@pytest.mark.parametrize("surface", ALL)
@pytest.mark.parametrize(("status", "body"), UNPAID_API)
def test_an_account_that_may_not_spend_is_told_so_whatever_the_api_calls_it(
    surface: str, status: int, body: dict[str, Any]
) -> None:
    failure = classify(surface, status, body)
    assert seen(failure) == UNPAID
    assert failure.outcome is Outcome.REFUSED
    assert json.loads(failure.body)["error"]["type"] == "billing_error"
    assert told(failure) == body["error"]["message"]


PAYMENT = "Model access is denied due to INVALID_PAYMENT_INSTRUMENT: A valid payment instrument must be provided."
ENABLE = "This API method requires billing to be enabled. Please enable billing on project #1 by visiting https://x"
USE_CASE = "Model use case details have not been submitted for this account. Fill out the form."
GOOGLE, AWS = ("vertex", "claude-gcp"), ("bedrock", "bedrock-mantle", "claude-aws")


@pytest.mark.parametrize("surface", AWS)
@pytest.mark.parametrize(
    ("status", "name", "message", "expected"),
    [
        (403, "AccessDeniedException", PAYMENT, UNPAID),
        (400, "ServiceQuotaExceededException", "quota", LIMITED),
        (400, "ValidationException", f"The model returned the following errors: {LOW}", UNPAID),
        (403, "AccessDeniedException", "You don't have access to the model with the specified model ID.", NOT_ALLOWED),
        (403, "AccessDeniedException", "Model access is denied due to IAM user or service role is not", NOT_ALLOWED),
        (404, "ResourceNotFoundException", USE_CASE, NOT_ALLOWED),
        (400, "ValidationException", "data retention mode 'default' is not available for this model", NOT_ALLOWED),
        (403, "AccessDeniedException", "User: x is not authorized to perform: bedrock:InvokeModel", NOT_ALLOWED),
        (403, "AccessDeniedException", "The security token included in the request is invalid", OUR_KEY),
        (403, "ExpiredTokenException", "old", OUR_KEY),
        (403, "InvalidSignatureException", "mismatch", OUR_KEY),
    ],
)  # fmt: skip
def test_accounts_behind_aws(surface: str, status: int, name: str, message: str, expected: Any) -> None:
    body, headers = aws(name, message)
    assert seen(classify(surface, status, body, headers)) == expected


@pytest.mark.parametrize("surface", GOOGLE)
@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (403, google(403, "PERMISSION_DENIED", ENABLE), UNPAID),
        (403, google(403, "PERMISSION_DENIED", "no", "BILLING_DISABLED"), UNPAID),
        (403, google(403, "PERMISSION_DENIED", "Project x (#1) has billing disabled. Please enable it."), UNPAID),
        (403, google(403, "PERMISSION_DENIED", "no", "SERVICE_DISABLED"), NOT_ALLOWED),
        (403, google(403, "PERMISSION_DENIED", "no"), NOT_ALLOWED),
        (401, google(401, "UNAUTHENTICATED", "no"), OUR_KEY),
        (429, google(429, "RESOURCE_EXHAUSTED", "Quota exceeded"), LIMITED),
    ],
)
def test_accounts_behind_google(surface: str, status: int, body: dict[str, Any], expected: Any) -> None:
    assert seen(classify(surface, status, body)) == expected
    assert seen(classify(surface, status, [body])) == expected


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (429, azure("insufficient_quota"), UNPAID),
        (402, azure("402"), UNPAID),
        (429, azure("RateLimitReached"), LIMITED),
        (403, azure("PermissionDenied"), NOT_ALLOWED),
        (401, azure("401", "Access denied due to invalid subscription key"), OUR_KEY),
        (400, azure("content_filter"), BAD),
        (400, azure("BadRequest", LOW), UNPAID),
    ],
)
def test_accounts_behind_azure(status: int, body: dict[str, Any], expected: Any) -> None:
    assert seen(classify("foundry", status, body)) == expected


# --- the part of a request that was refused --------------------------------------------------------------------------

REFUSED_PARTS = {
    "mid_conv_system": 'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter.',
    "cache_control_field": "tools.0.cache_control: Extra inputs are not permitted",
    "thinking_signature": "messages.1.content.0: Invalid `signature` in `thinking` block",
    "thinking_type:enabled": '"thinking.type.enabled" is not supported for this model.',
    "thinking_type:adaptive": "adaptive thinking is not supported on this model",
    "structured_outputs_unsupported": "output_config.format: Extra inputs are not permitted",
    "effort_unsupported": "This model does not support the effort parameter.",
    "media_budget": "Too much media: 90 document pages + 40 images > 100",
    "image_block": "messages.0.content.1.image.source: Could not process image",
    "document_block": "messages.0.content.0.document: Could not process PDF",
    "max_tokens_context_overflow": "input length and `max_tokens` exceed context limit: 198981 + 21333 > 200000",
    "beta_header:context-9m-2026-01-01": "Unexpected value(s) `context-9m-2026-01-01` for the `anthropic-beta` header.",
}


def test_every_class_of_the_clients_protocol_has_a_wording() -> None:
    known = shipped().value("claude-code", "capability_rejected_classes", DAY).value.split()
    assert {name.partition(":")[0] for name in REFUSED_PARTS} | {"prompt_too_long"} == set(known)


@pytest.mark.parametrize("surface", ALL)
@pytest.mark.parametrize("capability", REFUSED_PARTS)
def test_the_apis_own_words_about_a_part_reach_the_client_as_they_came(surface: str, capability: str) -> None:
    message = REFUSED_PARTS[capability]
    body = json.dumps(envelope("invalid_request_error", message)).encode()
    failure = UPSTREAMS[surface].classify(400, {}, body, FACTS)
    assert failure.body is body
    assert (*seen(failure), failure.capability) == (*BAD, capability)


@pytest.mark.parametrize("capability", REFUSED_PARTS)
@pytest.mark.parametrize("surface", ["bedrock", "vertex", "foundry"])
def test_the_apis_own_words_in_the_form_of_a_front_keep_their_wording(surface: str, capability: str) -> None:
    message = REFUSED_PARTS[capability]
    said, headers = aws("ValidationException", f"The model returned the following errors: {message}")
    body = {"bedrock": said, "vertex": google(400, "INVALID_ARGUMENT", message), "foundry": azure("400", message)}
    failure = classify(surface, 400, body[surface], headers if surface == "bedrock" else {})
    assert (*seen(failure), failure.capability) == (*BAD, capability)
    assert told(failure) == message


def test_several_rejected_betas_are_no_single_one_and_the_one_of_system_messages_is_that() -> None:
    def capability(*values: str) -> str:
        named = ", ".join(f"`{value}`" for value in values)
        message = f"Unexpected value(s) {named} for the `anthropic-beta` header."
        return classify("anthropic", 400, envelope("invalid_request_error", message)).capability

    assert capability("a-1", "b-1") == ""
    assert capability("mid-conversation-tool-changes-2026-07-01") == "mid_conv_system"


LONG = "prompt is too long: 200001 tokens > 200000 maximum"


@pytest.mark.parametrize("surface", ALL)
def test_what_is_longer_than_the_window_is_never_sent_again_and_told_in_words_that_every_client_knows(
    surface: str,
) -> None:
    assert seen(classify(surface, 400, envelope("invalid_request_error", LONG))) == BAD
    window = envelope("request_too_large", "The request exceeds the model's context window.")
    assert seen(classify(surface, 413, window)) == (413, "request_too_large", NEVER)
    assert seen(classify(surface, 413, envelope("request_too_large"))) == (413, "request_too_large", ELSEWHERE)
    if surface in AWS:
        body, headers = aws("ValidationException", "Input is too long for requested model.")
        failure = classify(surface, 400, body, headers)
        assert (seen(failure), told(failure)) == (BAD, "prompt is too long: Input is too long for requested model.")


# --- an organisation's own claims ------------------------------------------------------------------------------------

HEADER = "id,surface,subject,predicate,value,status,seen,source\n"


def overlaid(folder: Path, *rows: str) -> SnapshotFacts:
    (folder / "errors.csv").write_text(HEADER + "".join(f"{row}\n" for row in rows))
    catalog = load([folder])
    clock = ManualClock(datetime(2026, 11, 25, 12, tzinfo=UTC))
    return SnapshotFacts(lambda: catalog.snapshot(DAY), clock)


SPENT = "The budget of your department is used up (policy 7)"
OWN = {
    "anthropic": (400, envelope("invalid_request_error", SPENT), {}),
    "claude-aws": (400, envelope("invalid_request_error", SPENT), {}),
    "bedrock": (403, *aws("AccessDeniedException", SPENT)),
    "bedrock-mantle": (403, *aws("AccessDeniedException", SPENT)),
    "vertex": (403, google(403, "PERMISSION_DENIED", SPENT), {}),
    "claude-gcp": (403, google(403, "PERMISSION_DENIED", SPENT), {}),
    "foundry": (403, azure("PermissionDenied", SPENT), {}),
}


@pytest.mark.parametrize("surface", ALL)
def test_an_own_claim_makes_a_new_text_a_billing_state_without_a_change_of_code(surface: str, tmp_path: Path) -> None:
    status, body, headers = OWN[surface]
    assert classify(surface, status, body, headers).error_type != "billing_error"
    predicate = "error:*/*/The budget of your department is used up*"
    facts = overlaid(tmp_path, f"own.1,{surface},,{predicate},billing elsewhere,contracted,2026-11-25,our proxy")
    failure = classify(surface, status, body, headers, facts)
    assert (seen(failure), told(failure)) == (UNPAID, SPENT)
    other = next(one for one in ALL if one != surface)
    assert classify(other, *OWN[other][:2], OWN[other][2], facts).error_type != "billing_error"


def test_an_own_claim_changes_what_a_shipped_one_says(tmp_path: Path) -> None:
    body, headers = aws("ServiceQuotaExceededException", "quota")
    assert seen(classify("bedrock", 400, body, headers)) == LIMITED
    row = "own.quota,,aws-front,error:*/ServiceQuotaExceededException,billing never,measured,2026-11-25,we tried"
    assert seen(classify("bedrock", 400, body, headers, overlaid(tmp_path, row))) == (402, "billing_error", NEVER)


FOREIGN = "Feld output_config wird hier nicht angenommen"


@pytest.mark.parametrize("surface", ALL)
def test_a_part_refused_in_words_that_clients_cannot_know_is_told_by_the_token_alone(
    surface: str, tmp_path: Path
) -> None:
    said = "error:400/*/*output_config wird hier nicht*,capability:effort_unsupported elsewhere"
    facts = overlaid(tmp_path, f"own.effort,{surface},,{said},measured,2026-11-25,we tried")
    bodies = {"bedrock": aws("ValidationException", FOREIGN), "foundry": (azure("400", FOREIGN), {})}
    body, headers = bodies.get(surface, (envelope("invalid_request_error", FOREIGN), {}))
    failure = classify(surface, 400, body, headers, facts)
    assert seen(failure) == (400, "invalid_request_error", ELSEWHERE)
    assert told(failure) == "capability_rejected: effort_unsupported"
    assert FOREIGN in str(failure.error)


# --- what HTTP says by itself ----------------------------------------------------------------------------------------


class Silent(HandFacts):
    def error_class(self, surface: str, form: str, status: int, names: Sequence[str], text: str) -> ErrorClass | None:
        return None


@pytest.mark.parametrize(
    ("status", "retry", "outcome"),
    [
        (400, NEVER, Outcome.REFUSED),
        (401, ELSEWHERE, Outcome.REFUSED),
        (402, ELSEWHERE, Outcome.REFUSED),
        (403, ELSEWHERE, Outcome.REFUSED),
        (404, ELSEWHERE, Outcome.REFUSED),
        (409, HERE, Outcome.REFUSED),
        (418, NEVER, Outcome.REFUSED),
        (422, NEVER, Outcome.REFUSED),
        (429, ELSEWHERE, Outcome.REFUSED),
        (500, ELSEWHERE, Outcome.FAILED),
        (503, ELSEWHERE, Outcome.REFUSED),
        (504, ELSEWHERE, Outcome.FAILED),
        (599, ELSEWHERE, Outcome.FAILED),
    ],
)
@pytest.mark.parametrize("surface", ALL)
def test_where_no_claim_speaks_the_status_decides(surface: str, status: int, retry: Retry, outcome: Outcome) -> None:
    for body in (envelope("brand_new_error"), {"message": "hm"}):
        failure = classify(surface, status, body, facts=Silent())
        assert (failure.error.retry, failure.outcome, failure.credential) == (retry, outcome, status == 401)
