"""A session, or a cacheable prefix, stays where its cache lives; a switch is priced, and its reasons are recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway.support import (
    MESSAGE,
    MODEL,
    STARTED,
    Answer,
    PlainUpstream,
    Ring,
    World,
    ask,
    error_answer,
    json_answer,
    post,
    record,
    sse_answer,
    table,
    world,
)
from trivium.core import (
    ANY,
    Decision,
    ManualClock,
    Money,
    Offer,
    Route,
    RouteTable,
    Target,
    UpstreamError,
    Usage,
    UserError,
)
from trivium.gateway.affinity import Affinity, Marks
from trivium.gateway.prefix import fingerprint
from trivium.gateway.seams import Failure, MessagesRequest, Outbound, SurfaceSettings
from trivium.gateway.wire.body import Body

MARK = {"cache_control": {"type": "ephemeral"}}
HOUR = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
READ = Usage(input=1, cache_read=900, cache_write_5m=100)
BEDROCK = Offer("bedrock", "us", MODEL)


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def turn(role: str, *blocks: Any) -> dict[str, Any]:
    return {"role": role, "content": list(blocks)}


def request(messages: Sequence[Any], session: str = "", **fields: Any) -> MessagesRequest:
    body = Body(json.dumps({"model": MODEL, "max_tokens": 9, "messages": messages, **fields}).encode())
    return MessagesRequest("req", "messages", body, MODEL, session=session)


def marks(messages: Sequence[Any], session: str = "", **fields: Any) -> Marks:
    return Marks(request(messages, session, **fields), "chat")


FIRST = [turn("user", text("a long document"), text("a question", **MARK))]
SECOND = [
    {"role": "user", "content": [text("a long document"), text("a question")]},
    {"role": "assistant", "content": "an answer"},
    turn("user", text("another question", **MARK)),
]


class World2:
    """Two surfaces with equal weights, a clock that stands."""

    def __init__(self, anthropic: Sequence[Answer], vertex: Sequence[Answer], **options: Any) -> None:
        self.clock = ManualClock(STARTED)
        self.at = world({"anthropic": anthropic, "vertex": vertex}, clock=self.clock, **options)
        self.reroute()

    def reroute(self, *weights: int, **route: Any) -> None:
        made = table("anthropic", "vertex", weights=weights or (1, 1))
        routes = RouteTable(tuple(replace(one, **route) for one in made.routes), "t1")
        settings = self.at.gateway._parts.tools.settings
        self.at.gateway.reload(settings, credentials={}, routes=lambda: routes)

    async def ask(self, session: str = "", **fields: Any) -> str:
        headers = {"x-claude-code-session-id": session} if session else {}
        response = await post(self.at, ask(**fields), **headers)
        assert response.status == 200, response.body
        return response.headers["x-trivium-surface"]

    def decisions(self) -> list[Decision]:
        found = [Decision.decode(opened.decision) for opened in self.at.sink.opened_events]
        return [one for one in found if one is not None]


def test_a_prefix_is_found_again_although_its_mark_has_moved() -> None:
    affinity = Affinity(ManualClock(STARTED))
    affinity.keep(marks(FIRST), BEDROCK, READ)
    found = affinity.find(marks(SECOND))
    assert found is not None
    assert (found.by, found.home.offer, found.home.tokens) == ("prefix", BEDROCK, 1000)
    # a text alone and a text in a block are the same to a surface
    affinity.keep(marks([{"role": "user", "content": "short"}], cache_control={"type": "ephemeral"}), BEDROCK, READ)
    assert affinity.find(marks([turn("user", text("short")), turn("user", text("more", **MARK))])) is not None


@pytest.mark.parametrize(
    "other",
    [
        [turn("user", text("another document"), text("a question", **MARK))],
        [turn("assistant", text("a long document"), text("a question", **MARK))],
        [turn("user", text("a long document"), text("a question"))],  # nothing is marked: nothing will be read
        [turn("user", text("a long documenta question", **MARK))],
    ],
)
def test_another_prefix_is_not_found(other: list[Any]) -> None:
    affinity = Affinity(ManualClock(STARTED))
    affinity.keep(marks(FIRST), BEDROCK, READ)
    assert affinity.find(marks(other)) is None


def test_a_shared_system_prompt_leads_requests_without_a_session_and_no_new_session() -> None:
    system = [text("instructions", **MARK), text("the time is noon")]
    affinity = Affinity(ManualClock(STARTED))
    affinity.keep(marks(FIRST, system=system), BEDROCK, READ)
    later = [text("instructions", **MARK), text("the time is one")]
    other = [turn("user", text("something else"))]
    assert affinity.find(marks(other, system=later)) is not None
    assert affinity.find(marks(other, "a new session", system=later)) is None
    # but a new session that goes on with a conversation of before is led by it
    affinity.keep(marks(FIRST, system=system), BEDROCK, READ)
    assert affinity.find(marks(SECOND, "resumed", system=system)) is not None


def test_a_home_lives_as_long_as_the_longest_cache_of_the_request_and_each_use_renews_it() -> None:
    clock = ManualClock(STARTED)
    affinity = Affinity(clock)
    asked = marks(FIRST, "s")
    affinity.keep(asked, BEDROCK, READ)
    clock.advance(timedelta(seconds=299))
    assert affinity.find(asked) is not None
    affinity.keep(asked, BEDROCK, READ)
    clock.advance(timedelta(seconds=299))
    assert affinity.find(asked) is not None
    clock.advance(timedelta(seconds=1))
    assert affinity.find(asked) is None
    affinity.keep(marks([turn("user", text("x", **HOUR))], "s"), BEDROCK, READ)
    clock.advance(timedelta(minutes=1))
    affinity.keep(asked, BEDROCK, READ)  # a shorter life shortens nothing
    clock.advance(timedelta(minutes=58, seconds=59))
    assert affinity.find(asked) is not None
    clock.advance(timedelta(seconds=1))
    assert affinity.find(asked) is None
    assert len(affinity) == 0


def test_the_table_is_bounded_and_forgets_what_was_used_least_recently() -> None:
    affinity = Affinity(ManualClock(STARTED), entries_max=3)
    for name in "abc":
        affinity.keep(marks(FIRST, name), BEDROCK, READ)
    assert affinity.find(marks(FIRST, "a")) is not None
    affinity.keep(marks(SECOND, "d"), BEDROCK, READ)
    assert len(affinity) == 3
    assert affinity.find(marks([turn("user", text("z"))], "b")) is None
    assert affinity.find(marks([turn("user", text("z"))], "a")) is not None


def test_what_cached_nothing_is_not_kept_and_an_unknown_count_stays_unknown() -> None:
    affinity = Affinity(ManualClock(STARTED))
    affinity.keep(marks(FIRST, "s"), BEDROCK, Usage(input=5, output=5))
    assert len(affinity) == 0
    affinity.keep(marks(FIRST, "s"), BEDROCK, Usage(cache_read=7, cache_write_5m=None))
    found = affinity.find(marks(FIRST, "s"))
    assert found is not None
    assert found.home.tokens is None
    for other in (
        Marks(request(FIRST, "s"), "another workload"),
        Marks(replace(request(FIRST, "s"), model="x"), "chat"),
    ):
        assert affinity.find(other) is None


@pytest.mark.parametrize("messages", ['"text"', "[1]", '[{"role":7}]', "{}", '[{"role":"user","content":5}]', "null"])
def test_a_body_of_no_known_shape_has_no_fingerprint_and_raises_nothing(messages: str) -> None:
    body = Body(f'{{"messages":{messages},"cache_control":null,"system":7}}'.encode())
    assert fingerprint(body).turns == ()


async def test_changed_weights_move_no_living_session() -> None:
    at = World2([json_answer()], [json_answer()])
    homes = {f"s{number}": await at.ask(f"s{number}") for number in range(20)}
    assert set(homes.values()) == {"anthropic", "vertex"}
    at.reroute(0, 1)
    at.clock.advance(timedelta(seconds=3599))  # the answers wrote to the hour-long cache
    assert {name: await at.ask(name) for name in homes} == homes
    assert {await at.ask(f"new{number}") for number in range(5)} == {"vertex"}
    at.clock.advance(timedelta(seconds=3600))
    assert {await at.ask(name) for name in homes} == {"vertex"}
    assert [found.affinity for found in at.decisions()][20:40] == ["kept"] * 20


async def test_a_session_that_had_to_move_stays_where_its_cache_is_now() -> None:
    at = World2([json_answer(), error_answer(529, "overloaded_error"), json_answer()], [json_answer()])
    at.reroute(1, 0)
    assert [await at.ask("s") for _ in range(3)] == ["anthropic", "vertex", "vertex"]
    first, again, moved, kept = at.decisions()
    assert [found.affinity for found in (first, again, moved, kept)] == ["new", "kept", "moved", "kept"]
    assert moved.home == "anthropic/global/claude-sonnet-4-5/standard"
    assert [(one.offer.split("/")[0], one.code, one.detail) for one in moved.considered] == [
        ("anthropic", "failed", "overloaded_error (529)"),
        ("vertex", "order", ""),
    ]
    assert (moved.lost_tokens, moved.lost) == (12, None)  # 5 read and 7 written; no price is known here
    assert kept.found_by == "session"
    assert first.table == "t1"
    text = at.at.gateway.metrics.render().decode()
    assert 'trivium_affinity_total{affinity="kept"} 2.0' in text
    assert 'trivium_affinity_total{affinity="moved"} 1.0' in text


class FlatPrices:
    """A hundredth of a dollar a token, wherever it is written."""

    def rewrite(self, offer: Offer, tokens: int, *, hour: bool, at: datetime) -> Money | None:
        return Money.from_usd("0.01") * tokens


def priced(at: World2) -> World2:
    parts = at.at.gateway._parts
    at.at.gateway._parts = replace(parts, cache_prices=FlatPrices())
    return at


BUSY = error_answer(529, "overloaded_error", **{"retry-after": "0.05"})


@pytest.mark.parametrize(
    ("loss_max", "surface", "last"),
    [
        (None, "vertex", ("moved", "order")),
        ("0.12", "vertex", ("moved", "order")),  # 12 tokens x 0.01 USD = 0.12 USD: not more than may be lost
        ("0.11", "anthropic", ("kept", "again")),
    ],
)
async def test_a_short_wait_is_preferred_to_a_dear_switch_where_a_policy_asks(
    loss_max: str | None, surface: str, last: tuple[str, str]
) -> None:
    at = priced(World2([json_answer(), BUSY, json_answer()], [json_answer()]))
    at.reroute(1, 0, cache_loss_max=None if loss_max is None else Money.from_usd(loss_max))
    assert [await at.ask("s"), await at.ask("s")] == ["anthropic", surface]
    found = at.decisions()[-1]
    assert (found.affinity, found.considered[-1].code) == last
    assert found.lost == (Money.from_usd("0.12") if found.affinity == "moved" else None)
    assert (found.waited_s == 0.05) is (surface == "anthropic")


async def test_a_request_waits_out_a_short_rest_and_moves_from_a_long_one() -> None:
    for seconds, surface in (("0.05", "anthropic"), ("60", "vertex")):
        busy = error_answer(529, "overloaded_error", **{"retry-after": seconds})
        at = priced(World2([json_answer(), busy, json_answer()], [json_answer()], extra_attempts_max=0))
        at.reroute(1, 0, cache_loss_max=Money(0))
        assert await at.ask("s") == "anthropic"
        assert (await post(at.at, ask(), **{"x-claude-code-session-id": "another"})).status == 529
        assert await at.ask("s") == surface
        found = at.decisions()[-1]
        codes = [one.code for one in found.considered]
        assert codes == (["waited", "cache"] if surface == "anthropic" else ["resting", "order"])


async def test_a_limit_of_the_workload_holds_where_the_route_names_none() -> None:
    at = priced(World2([json_answer(), BUSY, json_answer()], [json_answer()], cache_loss_max={"w": Money(0)}))
    workload = at.at.gateway._keys.find(record().secret_sha256).workload
    settings = replace(at.at.gateway._parts.tools.settings, cache_loss_max={workload: Money(0)})
    at.at.gateway.reload(settings, credentials={}, routes=lambda: table("anthropic", "vertex"))
    assert [await at.ask("s"), await at.ask("s")] == ["anthropic", "anthropic"]


async def test_a_request_is_never_failed_because_a_switch_costs() -> None:
    at = priced(World2([json_answer(), *[BUSY] * 3], [json_answer()]))
    at.reroute(1, 0, cache_loss_max=Money(0))
    assert [await at.ask("s"), await at.ask("s")] == ["anthropic", "vertex"]


async def test_a_scope_that_the_workload_does_not_allow_is_passed_over_by_name() -> None:
    offers = (Offer("anthropic", "global", ANY), Offer("vertex", "eu", ANY))
    routes = RouteTable((Route(ANY, ANY, tuple(Target(offer, 1) for offer in offers)),), "r")
    answers = {"anthropic": [json_answer()], "vertex": [json_answer()]}
    at = world(answers, routes=routes, keys=Ring(replace(record(), scopes=("eu",))))
    for number in range(8):
        response = await post(at, ask(), **{"x-claude-code-session-id": f"s{number}"})
        assert response.headers["x-trivium-surface"] == "vertex"
    found = Decision.decode(at.sink.opened_events[0].decision)
    assert found is not None
    assert [(one.offer.split("/")[0], one.code) for one in found.considered] == [
        ("anthropic", "residency"),
        ("vertex", "only"),
    ]


async def test_a_draining_surface_is_left_although_a_cache_lives_there() -> None:
    at = World2([json_answer()], [json_answer()])
    at.reroute(1, 0)
    assert await at.ask("s") == "anthropic"
    settings = at.at.gateway._parts.tools.settings
    drained = replace(settings.surfaces["anthropic"], draining=True)
    at.at.gateway.reload(replace(settings, surfaces={**settings.surfaces, "anthropic": drained}), credentials={})
    assert await at.ask("s") == "vertex"
    found = at.decisions()[-1]
    assert (found.affinity, [one.code for one in found.considered]) == ("moved", ["draining", "only"])


SIGNATURE = "EqQBCkYIBxgCKkBsigned" + "A" * 40
THINKS = {**MESSAGE, "content": [{"type": "thinking", "thinking": "hm", "signature": SIGNATURE}, text("Hello")]}
REFUSED = error_answer(400, "invalid_request_error", "messages.1.content.0: Invalid `signature` in `thinking` block")


def replayed() -> dict[str, Any]:
    thought = turn("assistant", {"type": "thinking", "thinking": "hm", "signature": SIGNATURE}, text("Hello"))
    return {"messages": [turn("user", text("hi")), thought, turn("user", text("go on"))]}


class Telling(PlainUpstream):
    """Says the surface's own words."""

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        found = super().classify(status, headers, body)
        said = UpstreamError("plain", body.decode(), retry=found.error.retry, status=status)
        return replace(found, error=said)


def telling(answers: Mapping[str, Sequence[Answer]]) -> World:
    at = world(answers, breaker_failures=1000)
    parts = at.gateway._parts
    at.gateway._parts = replace(parts, upstreams={name: Telling() for name in answers})
    return at


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_surface_that_refused_a_signer_is_tried_last_from_then_on(streamed: bool) -> None:
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": SIGNATURE}}
    event = f"event: content_block_delta\ndata: {json.dumps(delta)}\n\n".encode()
    chunks = list(sse_answer().chunks)
    first = sse_answer([chunks[0], event, *chunks[1:]]) if streamed else json_answer(THINKS)
    answers = {
        "anthropic": [first, error_answer(529, "overloaded_error")],
        "vertex": [REFUSED, json_answer()],
        "bedrock": [json_answer()],
    }
    at = telling(answers)
    assert (await post(at, ask(stream=streamed))).status == 200
    response = await post(at, ask(**replayed()))
    assert response.headers["x-trivium-surface"] == "vertex"  # asked once more, without the blocks
    assert "left out thinking blocks" in response.headers["x-trivium-notes"]
    response = await post(at, ask(**replayed()))
    assert response.headers["x-trivium-surface"] == "bedrock"
    assert SIGNATURE.encode() in at.transport.sent[-1].body
    found = Decision.decode(at.sink.opened_events[-1].decision)
    assert found is not None
    assert [one.code for one in found.considered] == ["failed", "order"]
    passed = Decision.decode(at.sink.opened_events[-2].decision)
    assert passed is not None
    assert ("vertex", "signer") in [(one.offer.split("/")[0], one.code) for one in passed.considered]


async def test_where_only_a_refusing_surface_is_left_the_blocks_are_left_out_beforehand() -> None:
    answers = {
        "anthropic": [json_answer(THINKS), error_answer(529, "overloaded_error")],
        "vertex": [REFUSED, json_answer()],
    }
    at = telling(answers)
    for body in (ask(), ask(**replayed())):
        assert (await post(at, body)).status == 200
    sent = len(at.transport.sent)
    response = await post(at, ask(**replayed()))
    assert response.headers["x-trivium-surface"] == "vertex"
    assert "left out thinking blocks" in response.headers["x-trivium-notes"]
    assert len(at.transport.sent) - sent == 2  # not three: nothing was refused again
    assert SIGNATURE.encode() not in at.transport.sent[-1].body


class Choosy(PlainUpstream):
    """Refuses by quoting what the client wrote."""

    def prepare(self, request: MessagesRequest, target: Target, facts: Any, settings: SurfaceSettings) -> Outbound:
        raise UserError("messages.0.content", "the client's own words", "send text")


async def test_what_a_client_wrote_is_in_no_decision() -> None:
    at = world({"anthropic": [json_answer()], "vertex": [json_answer()]})
    parts = at.gateway._parts
    at.gateway._parts = replace(parts, upstreams={"anthropic": Choosy(), "vertex": PlainUpstream()})
    assert (await post(at, ask())).headers["x-trivium-surface"] == "vertex"
    text = at.sink.opened_events[0].decision
    assert "own words" not in text
    found = Decision.decode(text)
    assert found is not None
    assert [(one.code, one.detail) for one in found.considered] == [
        ("cannot", "messages.0.content: send text"),
        ("order", ""),
    ]
