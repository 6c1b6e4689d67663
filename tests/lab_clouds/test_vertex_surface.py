"""Vertex: paths, locations, body rules and Google's errors, without a server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab_clouds.golden import captures
from lab_clouds.helpers import exchange, of_golden, refusal, setup, understand
from trivium.lab.surfaces._base import Metrics, Operation, Refused
from trivium.lab.surfaces.vertex import Vertex, build

HI = [{"role": "user", "content": "hi"}]
BODY: dict[str, Any] = {"anthropic_version": "vertex-2023-10-16", "max_tokens": 5, "messages": HI}
METRICS = Metrics(
    input_tokens=1,
    output_tokens=1,
    cache_read_tokens=0,
    cache_write_tokens=0,
    first_byte_ms=1,
    latency_ms=1,
)


@pytest.fixture
def surface() -> Vertex:
    return build(setup({"array_errors": "never"}))


def _path(model: str, location: str = "global", method: str = "rawPredict") -> str:
    return f"/v1/projects/p/locations/{location}/publishers/anthropic/models/{model}:{method}"


def _error(reply: Any) -> dict[str, Any]:
    return dict(json.loads(reply.body)["error"])


@pytest.mark.parametrize(
    ("model_id", "location", "model", "scope"),
    [
        ("claude-opus-4-5@20251101", "us-east5", "claude-opus-4-5", "regional_or_multi_region"),
        ("claude-opus-4-5%4020251101", "global", "claude-opus-4-5", "global"),
        ("claude-sonnet-4-6", "europe-west1", "claude-sonnet-4-6", "regional_or_multi_region"),
        ("claude-opus-5", "global", "claude-opus-5", "global"),
        ("claude-opus-5", "us", "claude-opus-5", "regional_or_multi_region"),
        ("claude-opus-5", "eu", "claude-opus-5", "regional_or_multi_region"),
    ],
)
def test_model_and_location_come_from_the_path(
    surface: Vertex, model_id: str, location: str, model: str, scope: str
) -> None:
    call = understand(surface, exchange(_path(model_id, location)), BODY)
    assert (call.model, call.scope, call.version, call.id_infix) == (model, scope, "2023-06-01", "vrtx_")
    assert call.fields == {"max_tokens": 5, "messages": HI}


def test_a_newer_model_is_not_servable_in_a_specific_region(surface: Vertex) -> None:
    reply = refusal(surface, exchange(_path("claude-opus-5", "us-east5")), BODY)
    assert _error(reply) == {
        "code": 400,
        "message": "Publisher Model `projects/p/locations/us-east5/publishers/anthropic/models/claude-opus-5` is not "
        "servable in region us-east5.",
        "status": "FAILED_PRECONDITION",
    }


@pytest.mark.parametrize(("model", "location"), [("claude-opus-9", "global"), ("claude-opus-5", "mars")])
def test_an_unknown_publisher_model_is_googles_404(surface: Vertex, model: str, location: str) -> None:
    reply = refusal(surface, exchange(_path(model, location)), BODY)
    assert reply.status == 404
    assert _error(reply)["status"] == "NOT_FOUND"
    assert (
        f"`projects/p/locations/{location}/publishers/anthropic/models/{model}` was not found"
        in (_error(reply)["message"])
    )


def test_a_model_gone_by_the_engines_calendar_is_the_same_404(surface: Vertex) -> None:
    request = exchange(_path("claude-3-5-haiku@20241022"))
    reply = surface.refuse(Refused(404, "not_found_error", "model: claude-3-5-haiku-20241022"), request)
    assert _error(reply)["message"].startswith("Publisher Model `projects/p/locations/global/")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "m"}, "model: Extra inputs are not permitted"),
        ({"inference_geo": "us"}, "inference_geo: Extra inputs are not permitted"),
        ({"container": "c"}, "container: Extra inputs are not permitted"),
        ({"stream": "yes"}, "stream: Input should be a valid boolean"),
        ({"anthropic_version": None}, "anthropic_version: Field required"),
        ({"anthropic_version": "bedrock-2023-05-31"},
         "anthropic_version: Input should be 'vertex-2023-10-16' or '2026-10-21'"),
        ({"tools": [{"type": "web_search_20260209", "name": "web_search"}]},
         "tools.0: Input tag 'web_search_20260209' found using 'type' does not match any of the expected tags"),
    ],
)  # fmt: skip
def test_the_model_service_refuses_in_anthropics_envelope(
    surface: Vertex, change: dict[str, Any], message: str
) -> None:
    body = {name: value for name, value in {**BODY, **change}.items() if value is not None}
    reply = refusal(surface, exchange(_path("claude-opus-5")), body)
    assert (reply.status, json.loads(reply.body)) == (
        400,
        {
            "type": "error",
            "error": {"type": "invalid_request_error", "message": message},
            "request_id": "req_vrtx_1",
        },
    )


def test_basic_web_search_is_carried_and_betas_stand_in_the_header(surface: Vertex) -> None:
    body = {**BODY, "tools": [{"type": "web_search_20250305", "name": "web_search"}], "stream": True}
    request = exchange(_path("claude-opus-5"), headers={"anthropic-beta": "web-search-2025-03-05, effort-2025-11-24"})
    call = understand(surface, request, body)
    assert call.betas == ("web-search-2025-03-05", "effort-2025-11-24")
    assert call.stream
    reply = refusal(surface, exchange(_path("claude-opus-5"), headers={"anthropic-beta": "no-such-beta"}), BODY)
    assert "Unexpected value(s) `no-such-beta` for the `anthropic-beta` header." in reply.body.decode()


def test_counting_names_the_model_in_the_body(surface: Vertex) -> None:
    body = {"anthropic_version": "2026-10-21", "messages": HI, "model": "claude-opus-4-5@20251101"}
    call = understand(surface, exchange(_path("count-tokens", "us-east5")), body)
    assert (call.model, call.version, call.fields) == ("claude-opus-4-5", "2026-10-21", {"messages": HI})
    without = {name: value for name, value in body.items() if name != "model"}
    assert refusal(surface, exchange(_path("count-tokens")), without).status == 400
    assert _error(refusal(surface, exchange(_path("count-tokens", "us")), body))["status"] == "FAILED_PRECONDITION"
    assert surface.route(exchange(_path("count-tokens", method="streamRawPredict"))) is None


@pytest.mark.parametrize("golden", captures("vertex__*.json"), ids=lambda golden: str(golden["id"]))
def test_recorded_requests_are_read(surface: Vertex, golden: dict[str, Any]) -> None:
    path = golden["request"]["path"]
    golden["request"]["path"] = path.removeprefix("/vertex")  # Claude Code's configured base
    request = of_golden(golden)
    if golden["id"] == "vertex__claude_code_stream":  # Opus 5.5 in us-east5, without a credential
        with pytest.raises(Refused):
            surface.authenticate(request)
        assert _error(refusal(surface, request, golden["request"]["body"]))["status"] == "FAILED_PRECONDITION"
        return
    assert surface.authenticate(request) == "my-proj"
    call = understand(surface, request, golden["request"]["body"])
    assert call.model.startswith("claude-")
    assert call.stream == path.endswith(":streamRawPredict")


def test_a_missing_or_unknown_token_is_unauthenticated() -> None:
    surface = build(setup({"projects": ["p"]}))
    for headers in ({}, {"Authorization": "Bearer ya29.unknown"}, {"x-api-key": "ya29.fake"}):
        with pytest.raises(Refused) as refused:
            surface.authenticate(exchange(_path("claude-opus-5"), headers=headers))
        reply = surface.refuse(refused.value, exchange(_path("claude-opus-5")))
        assert (reply.status, _error(reply)["status"]) == (401, "UNAUTHENTICATED")
    good = {"Authorization": "Bearer ya29.fake"}
    assert surface.authenticate(exchange(_path("claude-opus-5"), headers=good)) == "p"
    other = exchange("/v1/projects/q/locations/us/publishers/anthropic/models/m:rawPredict", headers=good)
    with pytest.raises(Refused) as refused:
        surface.authenticate(other)
    assert _error(surface.refuse(refused.value, other))["status"] == "PERMISSION_DENIED"


@pytest.mark.parametrize(
    ("refused", "status"),
    [
        (Refused(429, "rate_limit_error", "m", headers={"retry-after": "1"}), "RESOURCE_EXHAUSTED"),
        (Refused(503, "api_error", "m"), "UNAVAILABLE"),
        (Refused(500, "api_error", "m"), "INTERNAL"),
        (Refused(504, "timeout_error", "m"), "DEADLINE_EXCEEDED"),
    ],
)
def test_limits_and_failures_are_googles(surface: Vertex, refused: Refused, status: str) -> None:
    reply = surface.refuse(refused, exchange(_path("claude-opus-4-5@20251101", "us-east5")))
    assert (reply.status, _error(reply)["status"], _error(reply)["code"]) == (refused.status, status, refused.status)
    assert "retry-after" not in reply.headers
    if status == "RESOURCE_EXHAUSTED":
        assert "base model: anthropic-claude-opus-4-5." in _error(reply)["message"]


def test_overload_keeps_anthropics_form(surface: Vertex) -> None:
    reply = surface.refuse(Refused(529, "overloaded_error", "Overloaded"), exchange(_path("claude-opus-5")))
    assert (reply.status, json.loads(reply.body)["error"]["type"]) == (529, "overloaded_error")


def test_an_error_on_a_stream_is_sometimes_wrapped_in_an_array_and_repeats_with_its_request() -> None:
    surface, again = build(setup()), build(setup())
    refused = Refused(429, "rate_limit_error", "m")
    wrapped = []
    for number in range(40):
        request = exchange(_path("claude-opus-5", method="streamRawPredict"), request_id=f"req_{number}")
        body = surface.refuse(refused, request).body
        assert body == again.refuse(refused, request).body
        wrapped.append(isinstance(json.loads(body), list))
    assert 5 < sum(wrapped) < 35
    plain = surface.refuse(refused, exchange(_path("claude-opus-5")))
    assert isinstance(json.loads(plain.body), dict)


def test_a_vertex_event_is_sent_when_asked_for(surface: Vertex) -> None:
    start = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    assert b"vertex_event" not in surface.frame(start, METRICS)
    framed = build(setup({"vertex_events": True})).frame(start, METRICS)
    assert framed.startswith(b"event: vertex_event\ndata: {")
    assert framed.endswith(surface.frame(start, METRICS))


def test_other_paths_are_googles_404(surface: Vertex) -> None:
    for path in ("/v1/messages", "/v1/projects/p/locations/l/publishers/google/models/g:rawPredict", _path("m") + "/x"):
        assert surface.route(exchange(path)) is None
    assert surface.route(exchange(_path("claude-opus-5"), method="GET")) is None
    reply = surface.refuse(surface.unknown_path(exchange("/v1/messages")), exchange("/v1/messages"))
    assert (reply.status, _error(reply)["status"]) == (404, "NOT_FOUND")
    assert surface.route(exchange(_path("claude-opus-5"))) is Operation.MESSAGES
