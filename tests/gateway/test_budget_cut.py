"""A bounded budget ends a stream when its overshoot is used up; the client is told in its own dialect."""

from __future__ import annotations

import pytest

from gateway.support import World, ask, get, json_answer, post, sse_answer, stream, world
from trivium.core import Closed, Offer, Outcome, Quality, TerminalState, Usage
from trivium.gateway import Admitted


class Allowance:
    """An admission that lets an answer run to so many output tokens."""

    def __init__(self, output_max: int) -> None:
        self.output_max = output_max
        self.asked: list[tuple[Offer, Usage]] = []
        self.settled: list[Closed] = []

    async def admit(self, request: object) -> Admitted:
        return Admitted("hold_1", allows=self._allows)

    def _allows(self, offer: Offer, usage: Usage) -> bool:
        self.asked.append((offer, usage))
        return (usage.output or 0) <= self.output_max

    async def settle(self, admitted: Admitted, attempts: tuple[Closed, ...]) -> None:
        self.settled += attempts


# Written as surfaces write them: what frames the text does not count.
DELTA = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    b'"delta":{"type":"text_delta","text":"' + b"word " * 8 + b'"}}\n\n'
)
CHUNKS = [*stream([])[:2], *[DELTA] * 20, *stream([], output_tokens=200)[-3:]]


def at(allowance: Allowance, **options: object) -> World:
    return world({"anthropic": [sse_answer(CHUNKS)], "vertex": [json_answer()]}, admission=allowance, **options)


async def test_a_stream_is_cut_when_the_budget_allows_no_more() -> None:
    """Each delta holds 40 characters, estimated as ten tokens: after the fourth there are 40, more than 35."""
    allowance = Allowance(35)
    site = at(allowance)
    response = await post(site, ask(stream=True))
    assert response.ended
    assert response.body.count(b"content_block_delta\n") == 4
    assert response.body.endswith(b"\n\n")
    assert b'event: error\ndata: {"type":"error","error":{"type":"billing_error"' in response.body
    (closed,) = site.sink.closed_events
    assert (closed.outcome, closed.error_type) == (Outcome.CUT_BY_BUDGET, "cut_by_budget")
    assert closed.terminal_state is TerminalState.CUT_BY_BUDGET
    assert closed.quality is Quality.ESTIMATED
    assert closed.usage_lower is not None
    assert closed.usage_upper is not None
    assert (closed.usage_lower.output, closed.usage.output, closed.usage_upper.output) == (0, 40, 100)
    assert site.transport.inbounds[0].closed
    assert len(site.transport.sent) == 1  # and nobody else is asked
    assert allowance.settled == [closed]
    metrics = (await get(site, "/metrics")).body.decode()
    assert (
        'trivium_attempt_ends_total{model="claude-sonnet-4-5",state="cut_by_budget",surface="anthropic"} 1.0' in metrics
    )


@pytest.mark.parametrize("output_max", [200, 10**9])
async def test_a_stream_within_its_budget_is_left_alone(output_max: int) -> None:
    allowance = Allowance(output_max)
    site = at(allowance)
    response = await post(site, ask(stream=True))
    assert response.body == b"".join(CHUNKS)
    assert site.sink.outcomes() == [Outcome.OK]
    assert {offer.surface for offer, _ in allowance.asked} == {"anthropic"}


async def test_before_the_first_byte_it_is_a_refusal() -> None:
    """The prompt alone passed what is allowed: nothing was shown yet, so the client gets a status."""
    site = at(Allowance(-1))
    response = await post(site, ask(stream=True))
    assert (response.status, response.json()["error"]["type"]) == (429, "billing_error")
    assert response.headers["x-should-retry"] == "false"
    assert site.sink.outcomes() == [Outcome.CUT_BY_BUDGET]


async def test_an_answer_whose_final_counts_are_there_is_paid_for_and_not_cut() -> None:
    """Its last events came apart: it was ended between the counts and `message_stop`, whole and called cut."""
    allowance = Allowance(35)
    site = world({"anthropic": [sse_answer(stream(["a"], output_tokens=90))]}, admission=allowance)
    response = await post(site, ask(stream=True))
    assert response.body == b"".join(stream(["a"], output_tokens=90))
    (closed,) = site.sink.closed_events
    assert (closed.outcome, closed.usage.output, closed.quality) == (Outcome.OK, 90, Quality.EXACT)
