"""Errors of all surfaces in one table: what a retry helps, what may have been billed, what the client reads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway_upstream.support import FACTS, LIMITS, request
from trivium.core import Outcome, Quality, Retry
from trivium.gateway.seams import Decoder, Failure
from trivium.gateway.upstream import UPSTREAMS
from trivium.gateway.upstream._errors import retry_after_s, safe

NEVER, HERE, ELSEWHERE = Retry.NEVER, Retry.HERE, Retry.ELSEWHERE
REFUSED, FAILED = Outcome.REFUSED, Outcome.FAILED

# What the client gets, the type, whether a retry helps, what may be billed, whether it was our credential.
LIMITED = (429, "rate_limit_error", ELSEWHERE, REFUSED, False)
OVERLOADED = (529, "overloaded_error", ELSEWHERE, REFUSED, False)
BROKE = (500, "api_error", ELSEWHERE, FAILED, False)
SLOW = (504, "timeout_error", ELSEWHERE, FAILED, False)
NOT_THERE = (404, "not_found_error", ELSEWHERE, REFUSED, False)
NOT_ALLOWED = (403, "permission_error", ELSEWHERE, REFUSED, False)
OUR_KEY = (502, "authentication_error", ELSEWHERE, REFUSED, True)
BAD = (400, "invalid_request_error", NEVER, REFUSED, False)
BAD_HERE = (400, "invalid_request_error", ELSEWHERE, REFUSED, False)
TOO_LARGE = (413, "request_too_large", ELSEWHERE, REFUSED, False)
LACKING = (501, "not_supported", ELSEWHERE, REFUSED, False)


def classify(surface: str, status: int, body: Any, **headers: str) -> Failure:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return UPSTREAMS[surface].classify(
        status, {name.replace("_", "-"): value for name, value in headers.items()}, data, FACTS
    )


def anthropic(error_type: str, message: str = "no") -> dict[str, Any]:
    return {"type": "error", "error": {"type": error_type, "message": message}, "request_id": "req_9"}


def seen(failure: Failure) -> tuple[Any, ...]:
    return failure.status, failure.error_type, failure.error.retry, failure.outcome, failure.credential


@pytest.mark.parametrize("surface", ["anthropic", "vertex", "foundry"])
@pytest.mark.parametrize(
    ("status", "error_type", "retry", "outcome"),
    [
        (400, "invalid_request_error", NEVER, REFUSED),
        (402, "billing_error", ELSEWHERE, REFUSED),
        (403, "permission_error", ELSEWHERE, REFUSED),
        (404, "not_found_error", ELSEWHERE, REFUSED),
        (409, "conflict_error", HERE, REFUSED),
        (413, "request_too_large", ELSEWHERE, REFUSED),
        (429, "rate_limit_error", ELSEWHERE, REFUSED),
        (500, "api_error", ELSEWHERE, FAILED),
        (504, "timeout_error", ELSEWHERE, FAILED),
        (529, "overloaded_error", ELSEWHERE, REFUSED),
        (418, "brand_new_error", NEVER, REFUSED),
        (599, "brand_new_error", ELSEWHERE, FAILED),
    ],
)
def test_an_anthropic_envelope_passes_unmodified(
    surface: str, status: int, error_type: str, retry: Retry, outcome: Outcome
) -> None:
    body = json.dumps(anthropic(error_type, "projects/mine stays")).encode()
    failure = classify(surface, status, body)
    assert failure.body is body
    assert seen(failure) == (status, error_type, retry, outcome, False)
    assert failure.error.request_id == "req_9"


def test_a_refusal_of_our_credential_is_not_the_clients() -> None:
    for surface, status, body in (
        ("anthropic", 401, anthropic("authentication_error", "invalid x-api-key")),
        ("bedrock", 403, {"message": "The security token included in the request is expired"}),
        (
            "vertex",
            401,
            {"error": {"code": 401, "message": "Request had invalid credentials", "status": "UNAUTHENTICATED"}},
        ),
        ("foundry", 401, {"error": {"code": "401", "message": "Access denied due to invalid subscription key"}}),
    ):
        failure = classify(surface, status, body, x_amzn_errortype="ExpiredTokenException")
        assert seen(failure) == OUR_KEY
        told = json.loads(failure.body)["error"]
        assert told["type"] == "api_error"
        assert told["message"].startswith(f"{surface} refused the gateway's credential: ")


BEDROCK = [
    ("ThrottlingException", 429, "Too many tokens", LIMITED),
    ("ModelNotReadyException", 429, "not ready", (529, "overloaded_error", HERE, REFUSED, False)),
    ("ServiceQuotaExceededException", 400, "quota", LIMITED),
    ("ServiceUnavailableException", 503, "unable", OVERLOADED),
    ("InternalServerException", 500, "oops", BROKE),
    ("ModelTimeoutException", 408, "slow", SLOW),
    ("ModelErrorException", 424, "broke", BROKE),
    ("ResourceNotFoundException", 404, "where", NOT_THERE),
    ("AccessDeniedException", 403, "You don't have access", NOT_ALLOWED),
    ("AccessDeniedException", 403, "Please make sure your API Key is valid.", OUR_KEY),
    ("UnrecognizedClientException", 403, "invalid", OUR_KEY),
    ("InvalidSignatureException", 403, "mismatch", OUR_KEY),
    ("ValidationException", 400, "max_tokens: Field required", BAD),
    ("ValidationException", 400, "invalid beta flag", BAD_HERE),
    ("ValidationException", 400, "The provided model identifier is invalid.", NOT_THERE),
    ("BrandNewException", 400, "hm", BAD),
    ("BrandNewException", 503, "hm", OVERLOADED),
]  # fmt: skip


@pytest.mark.parametrize(("name", "status", "message", "expected"), BEDROCK)
def test_bedrocks_exceptions(name: str, status: int, message: str, expected: tuple[Any, ...]) -> None:
    errortype = f"{name}:http://internal.amazon.com/coral/com.amazon.bedrock/"
    failure = classify("bedrock", status, {"message": message}, x_amzn_errortype=errortype)
    assert seen(failure) == expected
    assert message in json.loads(failure.body)["error"]["message"]


def test_what_the_model_service_said_through_bedrock_is_given_in_its_own_words() -> None:
    said = "messages.1.content.0: Invalid `signature` in `thinking` block"
    body = {"message": f"The model returned the following errors: {said}"}
    failure = classify("bedrock", 400, body, x_amzn_errortype="ValidationException:")
    assert json.loads(failure.body)["error"]["message"] == said
    long = classify(
        "bedrock", 400, {"message": "Input is too long for requested model."}, x_amzn_errortype="ValidationException"
    )
    assert json.loads(long.body)["error"]["message"] == "prompt is too long: Input is too long for requested model."


def test_account_numbers_and_resource_names_do_not_reach_the_client() -> None:
    message = (
        "User: arn:aws:sts::123456789012:assumed-role/admin/me is not authorized to perform: bedrock:InvokeModel on "
        "resource: arn:aws:bedrock:us-west-2:123456789012:inference-profile/us.anthropic.claude-opus-5 for 123456789012"
    )
    failure = classify("bedrock", 403, {"message": message}, x_amzn_errortype="AccessDeniedException")
    shown = json.loads(failure.body)["error"]["message"]
    assert shown == ("User: arn:… is not authorized to perform: bedrock:InvokeModel on resource: arn:… for …")
    assert "123456789012" not in str(failure.error)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Publisher Model `projects/my-proj/locations/x` was", "Publisher Model `projects/…/locations/x` was"),
        ("key AKIAIOSFODNN7EXAMPLE is", "key … is"),
        ("subscription 11111111-2222-4333-8444-555555555555 has", "subscription … has"),
        ("robot@my-proj.iam.gserviceaccount.com lacks", "… lacks"),
        ("token ya29.a0AfH6-x_y expired", "token … expired"),
        ("a\r\nb\x00c", "a  b c"),
        ("prompt is too long: 200001 tokens > 200000 maximum", "prompt is too long: 200001 tokens > 200000 maximum"),
        ("claude-opus-4-5-20251101 at 2026-10-21", "claude-opus-4-5-20251101 at 2026-10-21"),
        ("x" * 3000, "x" * 1999 + "…"),
    ],
)
def test_safe_text(text: str, shown: str) -> None:
    assert safe(text) == shown


def google(code: int, status: str, message: str = "no") -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status}}


GOOGLE = [
    (400, "INVALID_ARGUMENT", "no", BAD),
    (400, "INVALID_ARGUMENT", "The request size (30037042 bytes) exceeds 30.000MB limit.", TOO_LARGE),
    (400, "FAILED_PRECONDITION", "is not servable in region", BAD_HERE),
    (403, "PERMISSION_DENIED", "no", NOT_ALLOWED),
    (404, "NOT_FOUND", "no", NOT_THERE),
    (429, "RESOURCE_EXHAUSTED", "Quota exceeded", LIMITED),
    (499, "CANCELLED", "no", BROKE),
    (500, "INTERNAL", "no", BROKE),
    (503, "UNAVAILABLE", "no", OVERLOADED),
    (504, "DEADLINE_EXCEEDED", "no", SLOW),
    (503, "BRAND_NEW", "no", OVERLOADED),
]  # fmt: skip


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize(("code", "status", "message", "expected"), GOOGLE)
def test_googles_errors_alone_and_in_an_array(
    code: int, status: str, message: str, expected: tuple[Any, ...], wrapped: bool
) -> None:
    body = google(code, status, message)
    failure = classify("vertex", code, [body] if wrapped else body)
    assert seen(failure) == expected
    assert json.loads(failure.body)["error"] == {"type": expected[1], "message": message}


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (404, {"type": "invalid_request_error", "code": "DeploymentNotFound", "message": "no"}, NOT_THERE),
        (404, {"code": "api_not_supported", "message": "no"}, LACKING),
        (403, {"code": "PermissionDenied", "message": "no"}, NOT_ALLOWED),
        (429, {"code": "429", "message": "no"}, LIMITED),
        (429, {"code": "RateLimitReached", "message": "no"}, LIMITED),
        (400, {"code": "content_filter", "message": "no"}, BAD),
        (503, {"code": "Whatever", "message": "no"}, OVERLOADED),
    ],
)  # fmt: skip
def test_azures_errors(status: int, error: dict[str, str], expected: tuple[Any, ...]) -> None:
    failure = classify("foundry", status, {"error": error})
    assert seen(failure) == expected
    assert json.loads(failure.body) == {"type": "error", "error": {"type": expected[1], "message": "no"}}


@pytest.mark.parametrize("surface", ["anthropic", "bedrock", "vertex", "foundry"])
@pytest.mark.parametrize(
    "body", [b"", b"<html>502 Bad Gateway</html>", b"[]", b"null", b'{"error":7}', b"\xff", b"[" * 9000]
)
def test_a_page_or_garbage_becomes_an_envelope_by_its_status(surface: str, body: bytes) -> None:
    failure = classify(surface, 503, body)
    assert seen(failure) == OVERLOADED
    assert json.loads(failure.body) == {"type": "error", "error": {"type": "overloaded_error", "message": "status 503"}}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Sun, 22 Nov 2026 15:00:30 GMT", "date": "Sun, 22 Nov 2026 15:00:00 GMT"}, 30.0),
        ({"retry-after": "Sun, 22 Nov 2026 14:00:00 GMT", "date": "Sun, 22 Nov 2026 15:00:00 GMT"}, 0.0),
        ({"retry-after": "Sun, 22 Nov 2026 15:00:30 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
    ],
)
def test_when_to_ask_again(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds


def test_a_surface_that_asks_not_to_be_asked_again_is_not() -> None:
    assert classify("anthropic", 409, anthropic("conflict_error"), x_should_retry="false").error.retry is ELSEWHERE
    assert classify("anthropic", 429, anthropic("rate_limit_error"), retry_after="3").error.retry_after_s == 3.0


LOW = "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing."
CAPPED = "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC."


@pytest.mark.parametrize("surface", ["anthropic", "vertex", "foundry", "bedrock"])
@pytest.mark.parametrize(
    ("status", "error_type", "message"),
    [(400, "invalid_request_error", LOW), (400, "invalid_request_error", CAPPED), (402, "brand_new_error", "pay")],
)
def test_an_account_that_may_not_spend_is_never_the_requests_fault(
    surface: str, status: int, error_type: str, message: str
) -> None:
    failure = classify(surface, status, anthropic(error_type, message))
    assert seen(failure) == (402, "billing_error", ELSEWHERE, REFUSED, False)
    assert json.loads(failure.body)["error"] == {"type": "billing_error", "message": message}
    assert failure.error.request_id == "req_9"


@pytest.mark.parametrize("message", [f"messages.0.content: {LOW!r} is not allowed", f"no tool is named {CAPPED!r}"])
def test_a_clients_own_words_about_credit_stay_its_own_fault(message: str) -> None:
    assert seen(classify("anthropic", 400, anthropic("invalid_request_error", message))) == BAD


# --- errors inside a 200 answer ------------------------------------------------------------------------------------

START = (
    b'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":3,"output_tokens":1}}}\n\n'
)
BLOCK = (
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text"}}\n\n'
)
VERTEX_EVENT = b'event: vertex_event\ndata: {"type":"vertex_event"}\n\n'
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
QUOTA = json.dumps(google(429, "RESOURCE_EXHAUSTED", "Quota exceeded")).encode()
PRETTY = json.dumps([google(429, "RESOURCE_EXHAUSTED", "Quota exceeded")], indent=2).replace("\n", "\r\n").encode()


def decoder(surface: str, *, stream: bool = True) -> Decoder:
    return UPSTREAMS[surface].decoder(request({"stream": stream}), 200, {}, LIMITS, FACTS)


STREAMS = {
    "object": (QUOTA, b""),
    "array": (b"\n " + PRETTY, b""),
    "after events": (START + BLOCK + QUOTA, START + BLOCK),
    "as an event without a name": (START + b"data: " + QUOTA + b"\n\n", START),
    "as an error event": (START + b"event: error\ndata: " + QUOTA + b"\n\n" + BLOCK, START),
}


@pytest.mark.parametrize("name", STREAMS)
def test_googles_error_is_found_wherever_it_stands_in_a_stream(name: str) -> None:
    data, passed = STREAMS[name]
    for cut in range(len(data) + 1):
        made = decoder("vertex")
        assert made.feed(data[:cut]) + made.feed(data[cut:]) + made.finish() == passed, cut
        assert made.failure is not None
        assert seen(made.failure) == (429, "rate_limit_error", ELSEWHERE, FAILED, False)
        assert not made.complete


def test_googles_own_events_are_dropped_and_all_else_passes() -> None:
    made = decoder("vertex")
    data = b"\n" + VERTEX_EVENT + START + BLOCK + VERTEX_EVENT + STOP
    assert (
        b"".join(made.feed(data[index : index + 1]) for index in range(len(data))) + made.finish()
        == (START + BLOCK + STOP)
        or made.complete
    )


@pytest.mark.parametrize("surface", ["anthropic", "vertex", "foundry"])
def test_an_answer_that_speaks_of_errors_is_not_one(surface: str) -> None:
    data = b'{"type":"content_block_delta","delta":{"text":"\\"error\\": {}"}, "error":1}'
    text = b"event: content_block_delta\ndata: " + data + b"\n\n"
    made = decoder(surface)
    assert made.feed(START + text + STOP) == START + text + STOP
    assert made.failure is None
    body = json.dumps({"type": "message", "content": [{"type": "text", "text": '{"error":1}'}], "usage": {}}).encode()
    whole = decoder(surface, stream=False)
    assert whole.feed(body) + whole.finish() == body
    assert whole.failure is None


@pytest.mark.parametrize("body", [QUOTA, PRETTY])
def test_googles_error_is_found_in_place_of_a_whole_answer(body: bytes) -> None:
    made = decoder("vertex", stream=False)
    assert made.feed(body) + made.finish() == b""
    assert made.failure is not None
    assert seen(made.failure) == (429, "rate_limit_error", ELSEWHERE, FAILED, False)
    assert made.quality is Quality.UNKNOWN


@pytest.mark.parametrize("surface", ["anthropic", "vertex", "foundry"])
def test_an_answer_that_was_not_asked_for_is_said_to_be_one(surface: str) -> None:
    made = decoder(surface)
    assert made.feed(b'{"type":"message","content":[]}') + made.finish() == b""
    assert made.failure is not None
    assert seen(made.failure) == (500, "api_error", ELSEWHERE, FAILED, False)
    assert b"neither what was asked for" in made.failure.body


def test_json_that_never_ends_is_given_up() -> None:
    limits = type(LIMITS)(surfaces={}, response_bytes_max=100)
    made = UPSTREAMS["vertex"].decoder(request({"stream": True}), 200, {}, limits, FACTS)
    made.feed(b"[" + b" " * 200)
    assert made.failure is not None
    assert made.failure.status == 502
