"""Another attempt is made only before the first byte, within the law, and every attempt is recorded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.support import (
    AUTH,
    MODEL,
    OTHER_SECRET,
    SECRET,
    STARTED,
    Answer,
    Caller,
    PlainCredential,
    PlainUpstream,
    Ring,
    ask,
    error_answer,
    event,
    json_answer,
    post,
    record,
    sse_answer,
    stream,
    table,
    world,
)
from trivium.core import (
    ANY,
    NO_USAGE,
    ManualClock,
    Offer,
    Outcome,
    Quality,
    Route,
    RouteTable,
    Target,
    hash_secret,
    new_secret,
)
from trivium.gateway.routing import candidates
from trivium.gateway.seams import Circuit, GatewaySettings, Outbound, SurfaceSettings, TransportError
from trivium.gateway.upstream import UPSTREAMS

OVERLOADED = error_answer(529, "overloaded_error")
IN_STREAM = event("error", error={"type": "overloaded_error", "message": "Overloaded"})


@pytest.mark.parametrize(
    "first",
    [
        OVERLOADED,
        error_answer(429, "rate_limit_error"),
        error_answer(500, "api_error"),
        Answer(refuse=TransportError("refused", sent=False)),
        Answer(refuse=TransportError("reset", sent=True)),
        sse_answer([IN_STREAM]),
        sse_answer([stream()[0], IN_STREAM]),
        sse_answer([stream()[0][:50]], cut=True),
        sse_answer([]),
        json_answer({"type": "error", "error": {"type": "api_error", "message": "x"}}),
        Answer(200, [b"\x1f\x8b"], {"content-encoding": "gzip", "content-type": "text/event-stream"}),
    ],
    ids=[
        "529",
        "429",
        "500",
        "unsent",
        "unanswered",
        "error event",
        "late error event",
        "cut",
        "empty",
        "json",
        "gzip",
    ],
)
async def test_a_failure_before_the_first_byte_goes_to_the_next_surface(first: Answer) -> None:
    at = world({"anthropic": [first], "vertex": [sse_answer()]})
    response = await post(at, ask(stream=True))
    assert (response.status, response.body) == (200, b"".join(stream()))
    assert response.headers["x-trivium-surface"] == "vertex"
    assert response.headers["x-trivium-attempts"] == "2"
    at.sink.check()
    assert [opened.offer.surface for opened in at.sink.opened_events] == ["anthropic", "vertex"]
    assert [opened.attempt for opened in at.sink.opened_events] == [1, 2]
    assert len({opened.request_id for opened in at.sink.opened_events}) == 1
    assert at.sink.outcomes()[1] is Outcome.OK
    assert b'"model": "claude-sonnet-4-5@global"' in at.transport.sent[1].body


async def test_a_refused_attempt_is_recorded_as_free_and_a_lost_one_as_unknown() -> None:
    at = world({"anthropic": [OVERLOADED], "vertex": [error_answer(500, "api_error")], "foundry": [json_answer()]})
    await post(at, ask())
    refused, lost, fine = at.sink.closed_events
    assert (refused.outcome, refused.usage, refused.quality) == (Outcome.REFUSED, NO_USAGE, Quality.EXACT)
    assert (refused.http_status, refused.error_type) == (529, "overloaded_error")
    assert (lost.outcome, lost.quality) == (Outcome.FAILED, Quality.UNKNOWN)
    assert lost.usage.unknown
    assert fine.outcome is Outcome.OK


async def test_an_error_of_the_requests_own_content_is_passed_unmodified_and_not_repeated() -> None:
    body = b'{"type":"error", "error":{"type":"invalid_request_error","message":"prompt is too long: 9 > 8 maximum"}}'
    at = world({"anthropic": [Answer(400, [body], {"content-type": "application/json"})], "vertex": [json_answer()]})
    response = await post(at, ask())
    assert (response.status, response.body) == (400, body)
    assert len(at.transport.sent) == 1
    at.sink.check()


async def test_after_our_own_attempts_the_client_is_told_not_to_repeat() -> None:
    at = world({key: [OVERLOADED] for key in ("anthropic", "vertex", "foundry", "bedrock")})
    response = await post(at, ask())
    assert response.status == 529
    assert response.headers["x-should-retry"] == "false"
    assert len(at.transport.sent) == 3  # one and two extra
    assert at.sink.outcomes() == [Outcome.REFUSED] * 3


async def test_with_one_surface_the_client_may_repeat_by_itself() -> None:
    at = world({"anthropic": [error_answer(429, "rate_limit_error", **{"retry-after": "7"})]})
    response = await post(at, ask())
    assert response.status == 429
    assert response.headers["retry-after"] == "7"
    assert "x-should-retry" not in response.headers


async def test_at_most_two_attempts_may_have_been_billed_without_an_answer() -> None:
    lost = Answer(refuse=TransportError("reset", sent=True))
    at = world({key: [lost] for key in ("anthropic", "vertex", "foundry")})
    response = await post(at, ask())
    assert response.status == 502
    assert len(at.transport.sent) == 2


async def test_a_surface_that_names_a_time_is_asked_again_after_it() -> None:
    busy = error_answer(503, "overloaded_error", **{"retry-after": "0.05"})
    at = world({"anthropic": [busy, json_answer()]})
    began = asyncio.get_running_loop().time()
    assert (await post(at, ask())).status == 200
    assert asyncio.get_running_loop().time() - began >= 0.05
    assert [opened.offer.surface for opened in at.sink.opened_events] == ["anthropic"] * 2


async def test_a_long_wait_is_left_to_the_client_or_avoided_elsewhere() -> None:
    busy = error_answer(503, "overloaded_error", **{"retry-after": "60"})
    at = world({"anthropic": [busy], "vertex": [json_answer()]})
    assert (await post(at, ask())).headers["x-trivium-surface"] == "vertex"
    at = world({"anthropic": [busy]})
    assert (await post(at, ask())).headers["retry-after"] == "60"
    assert len(at.transport.sent) == 1


@pytest.mark.parametrize(("sent", "shown"), [("1234567", "1234567"), ("7.2", "8"), ("60", "60")])
async def test_a_time_to_wait_is_shown_in_whole_seconds_and_never_too_short(sent: str, shown: str) -> None:
    at = world({"anthropic": [error_answer(429, "rate_limit_error", **{"retry-after": sent})]})
    assert (await post(at, ask())).headers["retry-after"] == shown


async def test_a_refusal_with_a_compressed_body_is_read_by_its_status() -> None:
    """A proxy on the way may compress its own 429; it was not billed, and the client should know to wait."""
    busy = Answer(429, [b"\x1f\x8b\x08"], {"content-encoding": "gzip", "retry-after": "9"})
    at = world({"anthropic": [busy]})
    response = await post(at, ask())
    assert (response.status, response.headers["retry-after"]) == (429, "9")
    assert response.json()["error"]["type"] == "rate_limit_error"
    assert at.sink.outcomes() == [Outcome.REFUSED]


async def test_an_expired_credential_is_refreshed_once() -> None:
    at = world({"anthropic": [error_answer(401, "authentication_error"), json_answer()]})
    assert (await post(at, ask())).status == 200
    assert [sent.headers["x-api-key"][-2:] for sent in at.transport.sent] == ["-0", "-1"]
    at = world({"anthropic": [error_answer(401, "authentication_error")]})
    assert (await post(at, ask())).status == 401
    assert at.credential.refreshed == 1
    assert len(at.transport.sent) == 2


async def test_extra_attempts_stay_within_the_retry_budget() -> None:
    options = {"retry_floor_per_s": 0.5, "breaker_failures": 1000, "budget_wait_s_max": 0.0}
    at = world({"anthropic": [OVERLOADED], "vertex": [json_answer()]}, **options)
    statuses = [(await post(at, ask())).status for _ in range(40)]
    # the floor of 0.5 a second over 10 seconds gives 5, and a tenth of 40 requests gives 4
    assert 8 <= statuses.count(200) <= 9
    refused = await post(at, ask())
    assert refused.status == 529


@pytest.mark.parametrize("elsewhere", [False, True], ids=["nowhere else", "elsewhere cannot"])
async def test_who_has_nowhere_else_to_go_leaves_the_retry_budget_to_others(elsewhere: bool) -> None:
    """Two workloads share a dead surface: the one that goes nowhere else took all room from the one that could."""
    dead, good = Offer("anthropic", "global", ANY), Offer("foundry", "global", ANY)
    unable = (Target(Offer("vertex", "global", ANY), 0),) if elsewhere else ()  # it counts no tokens
    routes = RouteTable(
        (Route("alone", ANY, (Target(dead, 1), *unable)), Route(ANY, ANY, (Target(dead, 1), Target(good, 0)))), "1"
    )
    keys = Ring(record(), record(key_id="key_2", secret_sha256=hash_secret(OTHER_SECRET), workload="alone"))
    answers = {"anthropic": [OVERLOADED], "vertex": [json_answer()], "foundry": [json_answer({"input_tokens": 3})]}
    at = world(answers, routes=routes, keys=keys, retry_floor_per_s=0.5, breaker_failures=1000)
    path = "/v1/messages/count_tokens"
    for _ in range(20):
        refused = await Caller(at.gateway).send("POST", path, headers={**AUTH, "x-api-key": OTHER_SECRET}, body=ask())
        assert refused.status == 529
    # the floor of 0.5 a second over 10 seconds gives 5, and a tenth of more than 20 requests gives 2
    assert [(await post(at, ask(), path=path)).status for _ in range(7)] == [200] * 7


async def test_a_stream_that_breaks_after_its_first_byte_ends_with_an_error_event() -> None:
    events = stream()
    for broken in (
        sse_answer([*events[:4], events[4][:30]], cut=True),
        sse_answer([*events[:4], events[4][:30]]),
        sse_answer([*events[:4], IN_STREAM, events[4]]),
    ):
        at = world({"anthropic": [broken], "vertex": [json_answer()]})
        response = await post(at, ask(stream=True))
        assert response.status == 200
        assert response.ended
        start = b"".join(events[:4])
        assert response.body.startswith(start)
        tail = response.body[len(start) :]
        assert tail.startswith(b"event: error\ndata: {")
        assert tail.endswith(b"}\n\n")
        assert tail.count(b"event: ") == 1
        assert json.loads(tail.split(b"data: ")[1])["type"] == "error"
        assert len(at.transport.sent) == 1
        (closed,) = at.sink.closed_events
        assert (closed.outcome, closed.quality, closed.usage.input) == (Outcome.CUT, Quality.ESTIMATED, 12)


async def test_an_opening_event_is_held_only_for_a_moment() -> None:
    hold = asyncio.Event()
    at = world({"anthropic": [sse_answer(stream()[:1], hold=hold)]}, gate_hold_s=0.02)
    caller = Caller(at.gateway)
    work = asyncio.ensure_future(
        caller.send("POST", "/v1/messages", headers={"x-api-key": SECRET}, body=ask(stream=True))
    )
    await asyncio.wait_for(caller.progress.wait(), 1)
    assert caller.response.body == stream()[0]
    hold.set()
    await work


async def test_an_open_breaker_sends_requests_elsewhere_until_a_probe_succeeds() -> None:
    at = world(
        {"anthropic": [*[OVERLOADED] * 3, json_answer()], "vertex": [json_answer()]},
        breaker_failures=3,
        breaker_open_s=0.1,
    )
    for _ in range(5):
        await post(at, ask())
    assert [sent.surface for sent in at.transport.sent] == ["anthropic", "vertex"] * 3 + ["vertex"] * 2
    await asyncio.sleep(0.11)
    assert (await post(at, ask())).headers["x-trivium-surface"] == "anthropic"


async def test_the_only_surface_is_tried_even_with_an_open_breaker() -> None:
    at = world({"anthropic": [OVERLOADED]}, breaker_failures=1)
    for _ in range(3):
        await post(at, ask())
    assert len(at.transport.sent) == 3


async def test_a_surface_that_hangs_until_the_deadline_opens_its_breaker() -> None:
    """It was recorded as healthy, as no error had come from it: with a short deadline every request was lost."""
    silent = Answer(wait=asyncio.Event())
    at = world({"anthropic": [silent], "vertex": [json_answer()]}, deadline_s=0.2, breaker_failures=3)
    assert [(await post(at, ask())).status for _ in range(5)] == [504, 504, 504, 200, 200]


async def test_what_the_gateway_ends_by_itself_is_no_evidence() -> None:
    """Neither a shutdown nor a deadline in the middle of an answer says that a surface is well, or that it is not."""
    at = world({"anthropic": [OVERLOADED]}, breaker_failures=2, deadline_s=0.4)
    circuit = Circuit("anthropic", "messages", MODEL)
    breaker = at.gateway._parts.breaker
    await post(at, ask())
    at.transport._answers["anthropic"] = [sse_answer(stream()[:5], hold=asyncio.Event())]
    assert b"deadline" in (await post(at, ask(stream=True))).body
    at.transport._answers["anthropic"] = [Answer(wait=asyncio.Event())]
    work = asyncio.ensure_future(post(at, ask()))
    await asyncio.sleep(0.01)
    at.gateway.cut_short()
    assert (await work).status == 529
    assert breaker.allows(circuit)
    at.transport._answers["anthropic"] = [OVERLOADED]
    await post(at, ask())
    assert not breaker.allows(circuit)  # the second failure in a row


class SlowCredential(PlainCredential):
    """A token that is fetched until the client has left."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    async def headers(self, outbound: Outbound) -> Mapping[str, str]:
        self.asked.set()
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_probe_whose_client_leaves_while_its_credential_is_fetched_is_given_back() -> None:
    clock = ManualClock(STARTED)
    at = world({"anthropic": [OVERLOADED]}, breaker_failures=1, clock=clock)
    circuit = Circuit("anthropic", "messages", MODEL)
    await post(at, ask())
    clock.advance(timedelta(seconds=30))
    slow = SlowCredential()
    at.gateway.reload(at.gateway.settings, credentials={"anthropic": slow})
    caller = Caller(at.gateway)
    work = asyncio.ensure_future(caller.send("POST", "/v1/messages", headers=AUTH, body=ask()))
    await slow.asked.wait()
    caller.leave()
    await work
    assert at.gateway._parts.breaker.allows(circuit)


async def test_what_was_left_out_for_one_surface_is_not_said_of_another() -> None:
    class Noting(PlainUpstream):
        def prepare(self, *given: Any) -> Outbound:
            return replace(super().prepare(*given), notes=("left out a beta",))

    at = world({"anthropic": [OVERLOADED], "vertex": [json_answer()]})
    at.gateway._parts.upstreams["anthropic"] = Noting()  # type: ignore[index]  # a dict of the test's own
    response = await post(at, ask())
    assert response.headers["x-trivium-surface"] == "vertex"
    assert "x-trivium-notes" not in response.headers


async def test_a_failing_count_takes_no_messages_down_and_messages_no_count() -> None:
    """Health is an endpoint's: clients count beside their requests, and a broken count says nothing of the model."""
    at = world({"anthropic": [OVERLOADED] * 3 + [json_answer()], "foundry": [json_answer()]}, breaker_failures=2)
    count = "/v1/messages/count_tokens"
    for _ in range(3):
        await post(at, ask(), path=count)
    assert [sent.surface for sent in at.transport.sent] == ["anthropic", "foundry"] * 2 + ["foundry"]
    assert (await post(at, ask())).status == 200
    assert (await post(at, ask())).headers["x-trivium-surface"] == "anthropic"
    assert (await post(at, ask(), path=count)).headers["x-trivium-surface"] == "foundry"


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [
        (402, "billing_error", "pay"),
        (400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API."),
        (400, "invalid_request_error", "You have reached your specified API usage limits."),
    ],
)
async def test_an_account_that_may_not_spend_fails_over_and_opens_its_breaker(
    status: int, kind: str, message: str
) -> None:
    body = json.dumps({"type": "error", "error": {"type": kind, "message": message}}).encode()
    poor = Answer(status, [body], {"content-type": "application/json"})
    at = world({"anthropic": [poor], "vertex": [json_answer()]}, breaker_failures=2)
    plain = at.gateway._parts.upstreams
    at.gateway._parts = replace(at.gateway._parts, upstreams={**plain, "anthropic": UPSTREAMS["anthropic"]})
    assert [(await post(at, ask())).status for _ in range(3)] == [200] * 3
    assert [sent.surface for sent in at.transport.sent] == ["anthropic", "vertex"] * 2 + ["vertex"]
    assert at.sink.closed_events[0].error_type == "billing_error"
    assert at.sink.outcomes()[:2] == [Outcome.REFUSED, Outcome.OK]


async def test_a_surface_without_the_endpoint_is_passed_over() -> None:
    at = world({"vertex": [json_answer()], "anthropic": [json_answer({"input_tokens": 7})]})
    response = await post(at, ask(), path="/v1/messages/count_tokens")
    assert (response.status, response.json()) == (200, {"input_tokens": 7})
    assert response.headers["x-trivium-surface"] == "anthropic"
    at = world({"vertex": [json_answer()]})
    response = await post(at, ask(), path="/v1/messages/count_tokens")
    assert (response.status, response.json()["error"]["type"]) == (501, "not_supported")
    assert response.headers["x-should-retry"] == "false"
    assert at.sink.opened_events == []


def test_sessions_keep_their_surface_and_weights_are_kept() -> None:
    settings = GatewaySettings({name: SurfaceSettings(name, "http://x") for name in ("anthropic", "vertex", "bedrock")})
    route = table("anthropic", "vertex", "bedrock", weights=[50, 30, 20]).routes[0]
    firsts = [candidates(route, record(), settings, f"session {number}")[0].offer.surface for number in range(4000)]
    assert firsts == [
        candidates(route, record(), settings, f"session {number}")[0].offer.surface for number in range(4000)
    ]
    # standard deviations of the three counts: 32, 29 and 25
    assert abs(firsts.count("anthropic") - 2000) < 130
    assert abs(firsts.count("vertex") - 1200) < 116
    assert abs(firsts.count("bedrock") - 800) < 100


def test_a_changed_weight_moves_only_the_sessions_it_must() -> None:
    settings = GatewaySettings({name: SurfaceSettings(name, "http://x") for name in ("anthropic", "vertex")})
    before, after = (
        [
            candidates(table("anthropic", "vertex", weights=weights).routes[0], record(), settings, str(number))[0]
            for number in range(500)
        ]
        for weights in ([50, 50], [60, 50])
    )
    moved = [(old.offer.surface, new.offer.surface) for old, new in zip(before, after, strict=True)]
    assert ("anthropic", "vertex") not in moved
    assert ("vertex", "anthropic") in moved


def test_a_draining_surface_comes_last_and_a_forbidden_or_unknown_one_never() -> None:
    settings = GatewaySettings(
        {
            "anthropic": SurfaceSettings("anthropic", "http://x", draining=True),
            "vertex/us": SurfaceSettings("vertex", "http://y", scope="us"),
            "foundry": SurfaceSettings("foundry", "http://z"),
        }
    )
    offers = [Offer("anthropic", "global", MODEL), Offer("vertex", "eu", MODEL), Offer("vertex", "us", MODEL)]
    route = Route(ANY, ANY, tuple(Target(offer, 1) for offer in [*offers, Offer("foundry", "global", MODEL)]))
    found = candidates(route, record(surfaces=("anthropic", "vertex")), settings, "s")
    assert [target.offer for target in found] == [offers[2], offers[0]]


async def test_a_new_route_table_is_used_without_a_restart() -> None:
    tables = [table("anthropic"), table("vertex")]
    at = world({"anthropic": [json_answer()], "vertex": [json_answer()]})
    current = [tables[0]]
    at.gateway.reload(at.gateway._parts.tools.settings, credentials={}, routes=lambda: current[0])
    await post(at, ask())
    current[0] = tables[1]
    await post(at, ask())
    assert [sent.surface for sent in at.transport.sent] == ["anthropic", "vertex"]
    assert RouteTable.from_json(tables[0].to_json()) == tables[0]
    assert new_secret() != SECRET


async def test_a_route_to_another_model_asks_for_that_model_and_records_it() -> None:
    """The plan may serve a workload by another model: what is sent, billed and recorded is one and the same."""
    route = Route(ANY, MODEL, (Target(Offer("anthropic", "global", "claude-opus-5"), 1),))
    at = world({"anthropic": [json_answer()]}, routes=RouteTable((route,)))
    assert (await post(at, ask())).status == 200
    assert json.loads(at.transport.sent[0].body)["model"] == "claude-opus-5"
    assert [opened.offer.model for opened in at.sink.opened_events] == ["claude-opus-5"]
