"""What reaches the gateway is known, bounded and well formed before anything is spent on it."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.support import (
    AUTH,
    MODEL,
    OTHER_SECRET,
    SECRET,
    STARTED,
    UPSTREAM_SECRET,
    Caller,
    Ring,
    ask,
    error_answer,
    get,
    json_answer,
    post,
    record,
    sse_answer,
    table,
    world,
)
from trivium.core import ANY, Offer, Route, RouteTable, Target, UserError, hash_secret
from trivium.gateway import trace_stamp
from trivium.gateway.admit import session_of
from trivium.gateway.wire.body import Body

PAST = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "headers",
    [
        {"x-api-key": SECRET},
        {"authorization": f"Bearer {SECRET}"},
        {"authorization": f"bearer  {SECRET}"},
        {"x-api-key": SECRET, "authorization": f"Bearer {SECRET}"},
        {"x-api-key": "sk-ant-stale", "authorization": f"Bearer {SECRET}"},
    ],
)
async def test_a_key_is_accepted_in_either_header(headers: dict[str, str]) -> None:
    at = world({"anthropic": [json_answer()]})
    response = await Caller(at.gateway).send("POST", "/v1/messages?beta=true", headers=headers, body=ask())
    assert response.status == 200


async def test_every_unusable_key_gets_the_same_answer() -> None:
    rings = {
        "unknown": Ring(),
        "revoked": Ring(record(revoked_at=PAST)),
        "expired": Ring(record(expires_at=PAST)),
    }
    bodies = set()
    for ring in rings.values():
        at = world({"anthropic": [json_answer()]}, keys=ring)
        response = await post(at, ask())
        assert response.status == 401
        assert response.headers["x-should-retry"] == "false"
        error = response.json()
        assert error["error"]["type"] == "authentication_error"
        bodies.add(error["error"]["message"])
        assert at.transport.sent == []
    assert len(bodies) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-api-key": ""},
        {"x-api-key": "' OR 1=1 --"},
        {"x-api-key": SECRET[:-1]},
        {"x-api-key": SECRET + "x"},
        {"authorization": SECRET},
        {"authorization": f"Basic {SECRET}"},
        {"x-api-key": SECRET, "authorization": f"Bearer {OTHER_SECRET}"},
    ],
)
async def test_anything_else_is_no_key(headers: dict[str, str]) -> None:
    ring = Ring(record(), record(key_id="key_2", secret_sha256=hash_secret(OTHER_SECRET)))
    at = world({"anthropic": [json_answer()]}, keys=ring)
    for path in ("/v1/messages", "/v1/messages/count_tokens"):
        assert (await Caller(at.gateway).send("POST", path, headers=headers, body=ask())).status == 401
    assert (await get(at, "/v1/models", **headers)).status == 401


async def test_a_revoked_key_stops_at_once() -> None:
    ring = Ring(record())
    at = world({"anthropic": [json_answer()]}, keys=ring)
    assert (await post(at, ask())).status == 200
    ring.records[hash_secret(SECRET)] = record(revoked_at=PAST)
    assert (await post(at, ask())).status == 401


async def test_the_key_bounds_models_and_surfaces() -> None:
    at = world({"anthropic": [json_answer()]}, keys=Ring(record(models=("claude-opus-5",))))
    response = await post(at, ask())
    assert (response.status, response.json()["error"]["type"]) == (400, "invalid_request_error")
    assert "claude-opus-5" in response.json()["error"]["message"]
    at = world({"anthropic": [json_answer()], "vertex": [json_answer()]}, keys=Ring(record(surfaces=("vertex",))))
    assert (await post(at, ask())).headers["x-trivium-surface"] == "vertex"
    at = world({"anthropic": [json_answer()]}, keys=Ring(record(surfaces=("vertex",))))
    assert (await post(at, ask())).status == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"[1]", "body"),
        (b'{"max_tokens":1,"messages":[]}', "model"),
        (b'{"model":7,"max_tokens":1,"messages":[]}', "model"),
        (b'{"model":"%s","messages":[]}' % MODEL.encode(), "max_tokens"),
        (b'{"model":"%s","max_tokens":0,"messages":[]}' % MODEL.encode(), "max_tokens"),
        (b'{"model":"%s","max_tokens":"9","messages":[]}' % MODEL.encode(), "max_tokens"),
        (b'{"model":"%s","max_tokens":true,"messages":[]}' % MODEL.encode(), "max_tokens"),
        (b'{"model":"%s","max_tokens":8.0,"messages":[]}' % MODEL.encode(), "max_tokens"),
        (b'{"model":"%s","max_tokens":2147483648,"messages":[]}' % MODEL.encode(), "max_tokens"),
        (b'{"model":"%s","max_tokens":9%s,"messages":[]}' % (MODEL.encode(), b"9" * 30), "max_tokens"),
        (b'{"model":"%s","max_tokens":9}' % MODEL.encode(), "messages"),
        (b'{"model":"%s","max_tokens":9,"messages":[],"stream":1}' % MODEL.encode(), "stream"),
    ],
)
async def test_a_wrong_field_is_named(body: bytes, field: str) -> None:
    at = world({"anthropic": [json_answer()]})
    response = await post(at, body)
    assert (response.status, response.json()["error"]["type"]) == (400, "invalid_request_error")
    assert response.json()["error"]["message"].startswith(f"{field}: ")
    assert response.json()["request_id"] == response.headers["request-id"]
    assert at.sink.opened_events == []


async def test_an_unknown_model_or_workload_without_route_is_not_found() -> None:
    at = world({"anthropic": [json_answer()]})
    response = await post(at, ask(model="gpt-9"))
    assert (response.status, response.json()["error"]["type"]) == (404, "not_found_error")
    assert response.json()["error"]["message"].startswith("model: gpt-9")
    response = await post(at, ask(model="x" * 5000))
    assert (response.status, response.json()["error"]["type"]) == (404, "not_found_error")
    assert len(response.body) < 600
    routes = RouteTable((Route("batch", ANY, (Target(Offer("anthropic", "global", MODEL), 1),)),))
    assert (await post(world({"anthropic": [json_answer()]}, routes=routes), ask())).status == 404


async def test_a_body_over_the_limit_is_refused_whether_declared_or_not() -> None:
    at = world({"anthropic": [json_answer()]}, body_bytes_max=100)
    assert (await post(at, ask(), content_length="101")).json()["error"]["type"] == "request_too_large"
    response = await post(at, [b"x" * 60, b"x" * 60])
    assert response.status == 413
    assert at.transport.sent == []


async def test_encoded_bodies_large_headers_and_doubled_headers_are_refused() -> None:
    at = world({"anthropic": [json_answer()]}, header_bytes_max=2000)
    assert (await post(at, ask(), content_encoding="gzip")).status == 415
    assert (await post(at, ask(), content_encoding="identity")).status == 200
    assert (await post(at, ask(), x_long="x" * 2000)).status == 431
    assert (await post(at, ask(), anthropic_version="latest")).status == 400
    scope_headers = [(b"x-api-key", SECRET.encode()), (b"X-Api-Key", OTHER_SECRET.encode())]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": ask(), "more_body": False}

    caller = Caller(at.gateway)
    await at.gateway(
        {"type": "http", "method": "POST", "path": "/v1/messages", "headers": scope_headers}, receive, caller._take
    )
    assert caller.response.status == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("POST", "/v1/messages/"),
        ("POST", "//v1/messages"),
        ("GET", "/v1/messages/batches/x/nothing"),
        ("PATCH", "/v1/skills"),
    ],
)
async def test_everything_else_is_not_found_in_the_envelope(method: str, path: str) -> None:
    at = world({"anthropic": [json_answer()]})
    response = await Caller(at.gateway).send(method, path, headers=AUTH, body=ask())
    assert (response.status, response.json()["error"]["type"]) == (404, "not_found_error")


async def test_probes_need_no_key() -> None:
    at = world({"anthropic": [json_answer()]})
    for method, path in (("HEAD", "/api/hello"), ("GET", "/api/hello"), ("GET", "/healthz"), ("GET", "/readyz")):
        assert (await Caller(at.gateway).send(method, path)).status == 200


async def test_models_are_those_the_key_may_use_somewhere() -> None:
    at = world({"anthropic": [json_answer()]})
    page = (await get(at, "/v1/models?limit=1000", x_api_key=SECRET)).json()
    assert [entry["id"] for entry in page["data"]] == [MODEL, "claude-opus-5"]
    assert page["data"][0]["display_name"] == "Claude Sonnet 4 5"
    assert (page["has_more"], page["first_id"], page["last_id"]) == (False, MODEL, "claude-opus-5")
    bearer = await get(at, "/v1/models", authorization=f"Bearer {SECRET}", anthropic_version="2023-06-01")
    assert bearer.json() == page
    assert (await get(at, f"/v1/models/{MODEL}", x_api_key=SECRET)).json() == page["data"][0]
    assert (await get(at, "/v1/models/nothing", x_api_key=SECRET)).status == 404
    at = world({"anthropic": [json_answer()]}, keys=Ring(record(models=("claude-opus-5",))))
    assert [entry["id"] for entry in (await get(at, "/v1/models", x_api_key=SECRET)).json()["data"]] == [
        "claude-opus-5"
    ]
    routes = RouteTable((Route("coding", MODEL, table("anthropic").routes[0].targets),))
    at = world({"anthropic": [json_answer()]}, routes=routes)
    assert [entry["id"] for entry in (await get(at, "/v1/models", x_api_key=SECRET)).json()["data"]] == [MODEL]


async def test_models_come_in_pages() -> None:
    at = world({"anthropic": [json_answer()]})
    for query, shown, more in (
        ("limit=1", [MODEL], True),
        (f"limit=1&after_id={MODEL}", ["claude-opus-5"], False),
        ("limit=1&before_id=claude-opus-5", [MODEL], False),
        (f"limit=5&before_id={MODEL}", [], False),
    ):
        page = (await get(at, f"/v1/models?{query}", x_api_key=SECRET)).json()
        assert ([entry["id"] for entry in page["data"]], page["has_more"]) == (shown, more)
    for query in ("limit=0", "limit=1001", "limit=many", "after_id=gone", "before_id=gone"):
        assert (await get(at, f"/v1/models?{query}", x_api_key=SECRET)).status == 400


async def test_batches_and_files_need_a_key_and_a_surface_that_has_them() -> None:
    at = world({"anthropic": [json_answer()]})
    for method, path in (("POST", "/v1/messages/batches"), ("GET", "/v1/files"), ("DELETE", "/v1/files/file_1")):
        assert (await Caller(at.gateway).send(method, path)).status == 401
    response = await Caller(at.gateway).send("GET", "/v1/files", headers=AUTH)
    assert (response.status, response.json()["error"]["type"]) == (501, "not_supported")
    assert response.headers["x-should-retry"] == "false"
    assert at.transport.sent == []


@pytest.mark.parametrize(
    ("headers", "metadata", "session"),
    [
        ({"x-claude-code-session-id": "abc-1"}, b'{"user_id":"user_x_session_0000-1111"}', "abc-1"),
        ({}, b'{"user_id":"user_x_account__session_0000-1111"}', "0000-1111"),
        ({}, b'{"user_id":"{\\"device_id\\":\\"d\\",\\"session_id\\":\\"s-9\\"}"}', "s-9"),
        ({}, b'{"user_id":"someone"}', ""),
        ({}, b'{"user_id":7}', ""),
        ({}, b"null", ""),
        ({"x-claude-code-session-id": "with space and\tmore"}, b"{}", ""),
    ],
)
def test_a_session_is_found_where_clients_put_it(headers: dict[str, str], metadata: bytes, session: str) -> None:
    assert session_of(headers, Body(b'{"metadata":' + metadata + b"}")) == session


async def test_a_subagent_is_a_tag_that_cannot_override_the_keys() -> None:
    at = world({"anthropic": [json_answer()]})
    await post(at, ask(), x_claude_code_agent_id="agent-7")
    assert at.sink.opened_events[0].tags == {"team": "core", "subagent": "agent-7"}
    at = world({"anthropic": [json_answer()]}, keys=Ring(record(tags={"subagent": "fixed"})))
    await post(at, ask(), x_claude_code_agent_id="agent-7")
    assert at.sink.opened_events[0].tags == {"subagent": "fixed"}


FRONT = {
    "x_claude_gateway_user_id": "idp|7",
    "x_claude_gateway_user_email": "Ann@example.com",
    "x_litellm_end_user_id": "other@example.com",
}


async def test_the_user_that_a_gateway_in_front_names_is_a_tag() -> None:
    """Only on keys of workloads that the operator gave to such a gateway; the key's own tags win."""
    at = world({"anthropic": [json_answer()]}, identity_workloads=frozenset({"coding"}))
    await post(at, ask(), **FRONT)
    assert at.sink.opened_events[0].tags == {"team": "core", "user": "idp|7", "email": "ann@example.com"}
    keys = Ring(record(tags={"user": "fixed"}))
    at = world({"anthropic": [json_answer()]}, keys=keys, identity_workloads=frozenset({"coding"}))
    await post(at, ask(), x_claude_gateway_user_id="idp|7", x_litellm_end_user_id="ann@example.com")
    assert at.sink.opened_events[0].tags == {"user": "fixed", "email": "ann@example.com"}


@pytest.mark.parametrize("value", ["two words", "x" * 257, ""])
async def test_what_is_no_identity_is_no_tag(value: str) -> None:
    at = world({"anthropic": [json_answer()]}, identity_workloads=frozenset({"coding"}))
    await post(at, ask(), x_claude_gateway_user_id=value)
    assert at.sink.opened_events[0].tags == {"team": "core"}


async def test_any_other_client_cannot_name_a_user() -> None:
    at = world({"anthropic": [json_answer()]})
    await post(at, ask(), **FRONT)
    assert at.sink.opened_events[0].tags == {"team": "core"}
    assert not [name for name in at.transport.sent[0].headers if "user" in name and name != "user-agent"]


async def test_a_wrong_trace_time_is_named() -> None:
    at = world({"anthropic": [json_answer()]}, stamp=trace_stamp(Caller))  # type: ignore[arg-type]
    response = await post(at, ask(), x_trivium_trace_time="yesterday")
    assert response.status == 400
    assert "x-trivium-trace-time" in response.json()["error"]["message"]
    with pytest.raises(UserError):
        trace_stamp(Caller)({"x-trivium-trace-time": "yesterday"})  # type: ignore[arg-type]


@given(
    headers=st.dictionaries(
        st.sampled_from(
            ["host", "x-forwarded-host", "anthropic-base-url", "x-custom-host", "anthropic-api-base", "forwarded"]
        ),
        st.sampled_from(["evil.test", "http://169.254.169.254/", "anthropic.test@evil.test"]),
    ),
    fields=st.dictionaries(
        st.sampled_from(["api_base", "base_url", "custom_host", "url", "endpoint", "metadata"]),
        st.sampled_from(["http://evil.test", {"user_id": "http://evil.test"}]),
    ),
    query=st.sampled_from(["", "?beta=true", "?base_url=http://evil.test", "?x=../../"]),
)
@settings(max_examples=60, deadline=None)
async def test_nothing_in_a_request_chooses_where_it_is_sent(
    headers: dict[str, str], fields: dict[str, Any], query: str
) -> None:
    at = world({"anthropic": [json_answer()]})
    caller = Caller(at.gateway)
    response = await caller.send("POST", f"/v1/messages{query}", headers={**AUTH, **headers}, body=ask(**fields))
    assert response.status == 200
    assert [sent.url for sent in at.transport.sent] == ["http://anthropic.test/v1/messages"]


async def test_metrics_tell_what_happened() -> None:
    at = world({"anthropic": [error_answer(529, "overloaded_error")], "vertex": [sse_answer()]})
    await post(at, ask(stream=True))
    text = (await get(at, "/metrics")).body.decode()
    labels = f'model="{MODEL}",outcome="ok",surface="vertex",workload="coding"'
    assert f"trivium_attempts_total{{{labels}}} 1.0" in text
    assert (
        f'trivium_tokens_total{{model="{MODEL}",surface="vertex",unit="cache_write_1h",workload="coding"}} 3.0' in text
    )
    assert 'trivium_failovers_total{from_surface="anthropic",to_surface="vertex"} 1.0' in text
    assert f'trivium_ttft_seconds_count{{model="{MODEL}",surface="vertex"}} 1.0' in text
    assert 'trivium_responses_total{endpoint="messages",status="200"} 1.0' in text
    assert "trivium_requests_in_flight 0.0" in text


async def test_no_secret_or_prompt_reaches_logs_metrics_or_answers(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    canary = "prompt-canary-8f1d"
    seen = []
    for answer in (json_answer(), error_answer(401, "authentication_error"), error_answer(500, "api_error")):
        at = world({"anthropic": [answer]})
        body = ask(messages=[{"role": "user", "content": canary}])
        response = await post(at, body, x_other=canary)
        metrics = await get(at, "/metrics")
        bad = await post(at, body[:-1], x_api_key=OTHER_SECRET)
        seen.extend(part.body.decode() + str(part.headers) for part in (response, metrics, bad))
    logged = caplog.text + "".join(seen)
    for secret in (SECRET, OTHER_SECRET, UPSTREAM_SECRET, canary, SECRET[7:20]):
        assert secret not in logged
    assert "request=req_" in caplog.text
    assert record().created_at == STARTED
