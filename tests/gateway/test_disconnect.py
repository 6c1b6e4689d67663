"""A client leaves: the upstream is left at once, or read on for its counts, and the record says which and how much."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from statistics import median

import pytest

from gateway.sockets import StreamingUpstream, ended, on_uvloop, site
from gateway.support import Answer, MemorySink, ask, error_answer, json_answer, sse_answer, stream, world
from gateway.test_endings import start, until
from trivium.catalog import load
from trivium.core import NO_USAGE, UNKNOWN_USAGE, ManualClock, Offer, Opened, Outcome, Quality, TerminalState, Usage
from trivium.gateway import SnapshotFacts
from trivium.gateway.bounds import bounds_of
from trivium.gateway.credentials import ApiKey
from trivium.gateway.leaving import read_on
from trivium.gateway.seams import MessagesRequest, SurfaceSettings, TransportError
from trivium.gateway.upstream import UPSTREAMS
from trivium.gateway.wire.body import Body
from trivium.lab import LabServer

CANCELLED_WITHIN_S = 0.05


async def left_after_s(upstream: StreamingUpstream, *, streamed: bool) -> float:
    """Seconds from a client's closing its socket to the upstream's seeing that it was left."""
    upstream.left.clear()
    async with site(upstream, surface={"on_disconnect": "cancel"}) as at:
        reader, writer = await at.ask()
        if streamed:
            await reader.readuntil(b"content_block_delta")
        else:
            await until(lambda: upstream.asked > 0)
        left_at = asyncio.get_running_loop().time()
        writer.transport.abort() if streamed else writer.close()
        await asyncio.wait_for(upstream.left.wait(), 5)
        await ended(at.sink)
        assert at.sink.outcomes() == [Outcome.CANCELLED]
        assert at.sink.closed_events[0].terminal_state is TerminalState.CLIENT_ABORT
    return upstream.left_at[-1] - left_at


@pytest.mark.parametrize("streamed", [True, False], ids=["in the stream", "before the first byte"])
@on_uvloop
async def test_the_upstream_is_left_within_50_ms_of_the_client(streamed: bool) -> None:
    """On real sockets, from the client's close to the upstream's end of file; the median of five, as machines pause."""
    seen = [
        await left_after_s(StreamingUpstream(head_after_s=0 if streamed else 30), streamed=streamed) for _ in "12345"
    ]
    assert median(seen) <= CANCELLED_WITHIN_S, seen


@on_uvloop
async def test_an_answer_is_read_on_for_its_final_counts() -> None:
    upstream = StreamingUpstream(deltas=30)
    async with site(upstream, surface={"on_disconnect": "drain"}) as at:
        reader, writer = await at.ask()
        await reader.readuntil(b"content_block_delta")
        writer.close()
        await ended(at.sink)
        (closed,) = at.sink.closed_events
    assert upstream.finished == 1
    assert (closed.outcome, closed.error_type) == (Outcome.CANCELLED, "client_gone")
    assert (closed.quality, closed.usage.input, closed.usage.output) == (Quality.EXACT, 12, 40)
    assert (closed.usage_lower, closed.usage_upper) == (None, None)
    assert upstream.asked == 1


@pytest.mark.parametrize("cap", [{"drain_s_max": 0.1}, {"drain_bytes_max": 2000}], ids=["by time", "by bytes"])
@on_uvloop
async def test_reading_on_ends_at_its_cap_with_bounds(cap: dict[str, float]) -> None:
    upstream = StreamingUpstream()
    async with site(upstream, surface={"on_disconnect": "drain", **cap}) as at:
        reader, writer = await at.ask()
        await reader.readuntil(b"content_block_delta")
        writer.close()
        await asyncio.wait_for(upstream.left.wait(), 5)
        await ended(at.sink)
        (closed,) = at.sink.closed_events
    assert (closed.outcome, closed.quality) == (Outcome.CANCELLED, Quality.ESTIMATED)
    assert closed.usage_lower == Usage(input=12, output=0, cache_read=5, cache_write_5m=4, cache_write_1h=3)
    assert closed.usage_upper == Usage(input=12, output=100, cache_read=5, cache_write_5m=4, cache_write_1h=3)
    assert 0 <= (closed.usage.output or 0) <= 100


async def test_a_whole_answer_is_read_on_as_well() -> None:
    """Not streamed: nothing of it would have been known."""
    hold = asyncio.Event()
    answer = sse_answer([b'{"type":"message","usage":{"input_tokens":3,"output_tokens":4}}'])
    answer.headers = {"content-type": "application/json"}
    answer.wait = hold
    at = world({"anthropic": [answer]}, surface={"on_disconnect": "drain"})
    caller, work = start(at, ask())
    await until(lambda: len(at.transport.sent) == 1)
    caller.leave()
    await asyncio.sleep(0.02)
    hold.set()
    await work
    (closed,) = at.sink.closed_events
    assert (closed.outcome, closed.usage.input, closed.usage.output) == (Outcome.CANCELLED, 3, 4)
    assert caller.response.parts == []


async def test_a_shutdown_ends_reading_on() -> None:
    at = world({"anthropic": [sse_answer(stream()[:4], hold=asyncio.Event())]}, surface={"on_disconnect": "drain"})
    caller, work = start(at, ask(stream=True))
    await until(lambda: bool(caller.response.parts))
    caller.leave()
    await asyncio.sleep(0.01)
    assert at.gateway.in_flight == 1
    at.gateway.cut_short()
    await asyncio.wait_for(work, 1)
    (closed,) = at.sink.closed_events
    assert (closed.outcome, closed.error_type) == (Outcome.CANCELLED, "client_gone")


@pytest.mark.parametrize("policy", ["cancel", "drain"])
@pytest.mark.parametrize("failure", ["cut", "refused"])
async def test_no_attempt_is_made_for_a_client_that_left(policy: str, failure: str) -> None:
    """The upstream fails after the client left: nobody is asked again, whether the answer was being read on or not."""
    hold = asyncio.Event()
    if failure == "cut":
        answer = sse_answer(stream()[:1], hold=hold, cut=True)
    else:
        answer = error_answer(529, "overloaded_error")
        answer.wait = hold
    at = world({"anthropic": [answer], "vertex": [json_answer()]}, surface={"on_disconnect": policy})
    caller, work = start(at, ask(stream=failure == "cut"))
    await until(lambda: len(at.transport.sent) == 1)
    caller.leave()
    await asyncio.sleep(0.02)
    hold.set()
    await asyncio.wait_for(work, 1)
    assert [outbound.surface for outbound in at.transport.sent] == ["anthropic"]
    at.sink.check()


class Claims:
    def __init__(self, verdict: bool | None) -> None:
        self.verdict = verdict

    def supports(self, surface: str, model: str, capability: str) -> bool | None:
        assert capability == "cancel_stops_billing"
        return self.verdict


@pytest.mark.parametrize(
    ("setting", "stops_billing", "reads_on"),
    [("", False, True), ("", True, False), ("", None, False), ("drain", True, True), ("cancel", False, False)],
)
def test_without_a_setting_the_claims_decide(setting: str, stops_billing: bool | None, reads_on: bool) -> None:
    """Where the whole is billed anyway, reading costs nothing; where nobody knows, it might."""
    surface = SurfaceSettings("anthropic", "", on_disconnect=setting)  # type: ignore[arg-type]
    found = read_on(surface, Claims(stops_billing), "claude-opus-5")  # type: ignore[arg-type]
    assert (found is not None) == reads_on


def bounds(body: bytes, seen: Usage, most: int | None = 500) -> tuple[Usage, Usage]:
    request = MessagesRequest("req", "messages", Body(body), "claude-opus-5", True, most)
    at = datetime(2026, 4, 15, tzinfo=UTC)
    offer = Offer("anthropic", "global", "claude-opus-5")
    opened = Opened("evt", "req", 1, at, offer, "w", prompt_bytes=len(body), max_output_tokens=most)
    return bounds_of(request, opened, seen)


def test_bounds_come_from_what_was_seen_and_what_was_asked_for() -> None:
    body = ask(stream=True)
    assert bounds(body, UNKNOWN_USAGE) == (
        NO_USAGE,
        Usage(input=len(body), output=500, cache_read=len(body), cache_write_5m=len(body), cache_write_1h=len(body)),
    )
    seen = Usage(input=12, output=7, cache_read=5)
    assert bounds(body, seen) == (Usage(input=12, output=0, cache_read=5), Usage(input=12, output=500, cache_read=5))


def test_what_may_grow_beyond_the_request_has_no_upper_bound() -> None:
    searching = ask(stream=True, tools=[{"type": "web_search_20250305", "name": "web_search"}])
    _, most = bounds(searching, Usage(input=12, output=7))
    assert (most.input, most.web_search, most.output) == (None, None, 500)
    by_reference = ask(stream=True, system=[{"type": "image", "source": {"type": "url", "url": "https://a.example"}}])
    assert bounds(by_reference, UNKNOWN_USAGE)[1].input is None
    assert bounds(by_reference, Usage(input=12, output=7))[1].input == 12


@pytest.mark.parametrize("policy", ["cancel", "drain"])
@on_uvloop
async def test_what_the_lab_bills_for_a_client_that_left_lies_within_the_record(policy: str) -> None:
    """The lab bills what it generated, by its own count: within the bounds, or exactly what was read to the end."""
    surface = {"on_disconnect": policy}
    async with LabServer(["anthropic"], latency_scale=0.02) as lab:
        credentials = {"anthropic": ApiKey(lab.key("anthropic"))}
        async with site(lab.base_url("anthropic"), surface=surface, adapters=UPSTREAMS, credentials=credentials) as at:
            messages = [{"role": "user", "content": "[[lab out=640]] hi"}]
            reader, writer = await at.ask(ask(stream=True, max_tokens=900, model="claude-opus-5", messages=messages))
            await reader.readuntil(b"content_block_delta")
            writer.close()
            await ended(at.sink)
            async with asyncio.timeout(5):
                while not lab.bill.lines:  # noqa: ASYNC110  the lab writes its bill when it notices
                    await asyncio.sleep(0.005)
    (line,), (closed,) = lab.bill.lines, at.sink.closed_events
    assert closed.outcome is Outcome.CANCELLED
    billed = line.tokens["output"]
    if policy == "drain":
        assert (closed.quality, closed.usage.output, line.outcome) == (Quality.EXACT, billed, "ok")
    else:
        assert line.outcome == "cancelled"
        assert closed.usage_lower is not None
        assert closed.usage_upper is not None
        assert closed.usage_lower.input == closed.usage_upper.input == line.tokens["input"]
        assert (closed.usage_lower.output or 0) <= billed <= (closed.usage_upper.output or 0)
        assert 0 < billed < 640


@pytest.mark.parametrize("policy", ["cancel", "drain"])
async def test_a_client_that_leaves_between_two_attempts_ends_the_request(policy: str) -> None:
    """The surface asked to be tried again in two seconds; the client does not wait for it, so nobody does."""
    busy = error_answer(503, "api_error", **{"retry-after": "2"})
    at = world({"anthropic": [busy, json_answer()], "vertex": [json_answer()]}, surface={"on_disconnect": policy})
    caller, work = start(at, ask())
    await until(lambda: len(at.sink.closed_events) == 1)
    caller.leave()
    await asyncio.wait_for(work, 0.5)
    assert len(at.transport.sent) == 1
    at.sink.check()


class SlowSecond(MemorySink):
    """A ledger that takes its time over the record of a second attempt."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()

    async def opened(self, event: Opened) -> None:
        if event.attempt > 1:
            self.begun.set()
            await asyncio.sleep(0.05)
        await super().opened(event)


async def test_a_client_that_leaves_after_a_lost_connection_is_not_sent_for_once_more() -> None:
    """Reading on belongs to the attempt that broke, not to the one whose record is being opened."""
    broken = Answer(refuse=TransportError("reset", sent=True))
    sink = SlowSecond()
    at = world({"anthropic": [broken], "vertex": [json_answer()]}, surface={"on_disconnect": "drain"}, sink=sink)
    caller, work = start(at, ask())
    await asyncio.wait_for(sink.begun.wait(), 1)
    caller.leave()
    await asyncio.wait_for(work, 1)
    assert [sent.surface for sent in at.transport.sent] == ["anthropic"]
    assert at.sink.outcomes() == [Outcome.FAILED, Outcome.CANCELLED]
    assert at.sink.closed_events[1].usage == NO_USAGE
    at.sink.check()


@pytest.mark.parametrize(
    ("surface", "reads_on"), [("anthropic", False), ("foundry", False), ("bedrock", True), ("vertex", True)]
)
def test_the_shipped_claims_lead_to_a_policy_for_each_surface(surface: str, reads_on: bool) -> None:
    clock = ManualClock(datetime(2026, 11, 22, tzinfo=UTC))
    snapshot = load().snapshot(clock.now().date())
    found = read_on(SurfaceSettings(surface, ""), SnapshotFacts(lambda: snapshot, clock), "claude-opus-5")
    assert (found is not None) == reads_on
