"""Message Batches by the official client: ownership, restarts, and money equal to the lab's bill."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import pytest

from gateway_auxiliary.support import OPUS, Site, request, results, site
from trivium.core import Money, Outcome
from trivium.lab import Fault

KEEPING = ["anthropic", "claude-aws", "claude-gcp"]


async def ended(at: Site, **params: Any) -> str:
    """A batch of one request, an hour later."""
    batch = await at.client().messages.batches.create(requests=[request("one", **params)])
    at.advance(3600)
    return batch.id


@pytest.mark.parametrize("surface", KEEPING)
async def test_a_batch_lives_its_whole_life_and_costs_what_the_lab_bills(tmp_path: Path, surface: str) -> None:
    async with site(tmp_path, surface) as at:
        client = at.client()
        requests = [
            request("one"),
            request("two", "[[lab out=9]] a"),
            request("bad", ""),
            request("slow", "[[lab after=90000]] a"),
        ]
        batch = await client.messages.batches.create(requests=requests)
        assert (batch.processing_status, batch.request_counts.processing) == ("in_progress", 4)
        assert {event.event_id for event in at.runtime.ledger.open_attempts()} != set()
        at.advance(25 * 3600)
        seen = await client.messages.batches.retrieve(batch.id)
        assert seen.results_url == f"{at.url}/v1/messages/batches/{batch.id}/results"
        found = await results(client, batch.id)
        assert {name: result.type for name, result in found.items()} == {
            "one": "succeeded",
            "two": "succeeded",
            "bad": "errored",
            "slow": "expired",
        }
        # 4 and 20 USD per million tokens, in batches half: (2 + 1) x 2 + (30 + 9) x 10 = 396 millionths
        assert at.spent() == at.lab.bill.total() == Money.from_usd("0.000396")
        assert [line.tier for line in at.lab.bill.lines] == ["batch", "batch"]
        by_outcome = sorted((event.closed.outcome.value, event.closed.error_type) for event in at.attempts())
        assert by_outcome == [("ok", ""), ("ok", ""), ("refused", "expired"), ("refused", "invalid_request_error")]
        assert at.runtime.ledger.open_attempts() == ()
        assert at.runtime.ledger.verify() == ()
        assert (await client.messages.batches.delete(batch.id)).id == batch.id
        with pytest.raises(anthropic.NotFoundError):
            await client.messages.batches.retrieve(batch.id)


async def test_results_read_twice_are_paid_once_also_after_a_restart(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic") as at:
        batch_id = await ended(at)
        await at.restart()
        assert at.spent() == Money(0)
        for _ in range(2):
            assert (await results(at.client(), batch_id))["one"].type == "succeeded"
        await at.restart()
        await results(at.client(), batch_id)
        assert at.spent() == at.lab.bill.total() == Money.from_usd("0.000304")
        assert len(at.attempts()) == 1
        assert b"trivium_tokens_total{" not in at.runtime.gateway.metrics.render()  # counted where they were new


async def test_tokens_of_a_batch_are_counted_once(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic") as at:
        batch_id = await ended(at)
        for _ in range(2):
            await results(at.client(), batch_id)
        shown = at.runtime.gateway.metrics.render().decode()
        labels = f'model="{OPUS}",surface="anthropic",unit="output",workload="search"'
        assert f"trivium_tokens_total{{{labels}}} 30.0" in shown


async def test_a_batch_that_is_only_looked_at_is_paid_all_the_same(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic") as at:
        batch_id = await ended(at)
        await at.client().messages.batches.retrieve(batch_id)
        while at.runtime.ledger.open_attempts():  # noqa: ASYNC110  the metering runs beside the request
            await asyncio.sleep(0.01)
        assert at.spent() == at.lab.bill.total() == Money.from_usd("0.000304")


async def test_a_batch_is_metered_before_it_is_deleted(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic") as at:
        batch_id = await ended(at)
        await at.client().messages.batches.delete(batch_id)
        assert at.spent() == at.lab.bill.total() == Money.from_usd("0.000304")


async def test_a_batch_nobody_asks_for_is_given_up_after_two_days_between_bounds(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic") as at:
        batch_id = await ended(at)
        at.advance(46 * 3600)
        assert at.runtime.ledger.reap() == ()
        at.advance(2 * 3600)
        (rating,) = at.runtime.ledger.reap()
        assert (rating.amount, rating.offer.tier) == (None, "batch")
        assert rating.upper is not None
        await results(at.client(), batch_id)
        assert at.spent() == at.lab.bill.total()
        assert at.spent() < rating.upper


async def test_the_batch_of_another_workload_is_not_found_like_one_that_never_was(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic") as at:
        batch_id = await ended(at)
        mine, other = at.client("search"), at.client("chat")
        for call in (other.messages.batches.retrieve, other.messages.batches.cancel, other.messages.batches.delete):
            with pytest.raises(anthropic.NotFoundError) as theirs:
                await call(batch_id)
            with pytest.raises(anthropic.NotFoundError) as nobodys:
                await call("msgbatch_none")
            assert str(theirs.value.body["error"]).replace(batch_id, "") == str(nobodys.value.body["error"]).replace(
                "msgbatch_none", ""
            )  # type: ignore[index]
        async with httpx2.AsyncClient() as plain:
            url = f"{at.url}/v1/messages/batches/{batch_id}/results"
            assert (await plain.get(url, headers={"x-api-key": at.secret("chat")})).status_code == 404
            assert (await plain.get(url)).status_code == 401
        assert [batch.id async for batch in other.messages.batches.list()] == []
        assert [batch.id async for batch in mine.messages.batches.list()] == [batch_id]


async def test_a_new_key_of_the_same_workload_still_has_the_results(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic") as at:
        batch_id = await ended(at)
        record, secret = at.runtime.ledger.keys.create("search")
        async with anthropic.AsyncAnthropic(base_url=at.url, api_key=secret) as rotated:
            assert list(await results(rotated, batch_id)) == ["one"]
        _, narrow = at.runtime.ledger.keys.create("search", surfaces=["vertex"])
        async with anthropic.AsyncAnthropic(base_url=at.url, api_key=narrow) as elsewhere:
            with pytest.raises(anthropic.NotFoundError):
                await elsewhere.messages.batches.retrieve(batch_id)
        assert record.workload == "search"


async def test_lists_are_whole_in_pages_of_any_size_and_direction(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic") as at:
        client = at.client()
        made = []
        for number in range(5):
            at.advance(1)
            made.append((await client.messages.batches.create(requests=[request(f"r{number}")])).id)
            await at.client("chat").messages.batches.create(requests=[request("theirs")])
        made.reverse()
        for limit in (1, 2, 5, 20):
            assert [batch.id async for batch in client.messages.batches.list(limit=limit)] == made
        page = await client.messages.batches.list(limit=2, before_id=made[3])
        assert ([batch.id for batch in page.data], page.has_more) == (made[1:3], True)
        assert (page.first_id, page.last_id) == (made[1], made[2])
        with pytest.raises(anthropic.BadRequestError, match="limit"):
            await client.messages.batches.list(limit=0)


async def test_what_the_surface_lost_leaves_no_gap_in_a_list(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic") as at:
        client = at.client()
        made = [
            (await client.messages.batches.create(requests=[request("x", "[[lab after=1]] a")])).id for _ in range(4)
        ]
        at.advance(5)
        async with anthropic.AsyncAnthropic(base_url=at.lab.url(), api_key=at.lab.key()) as behind:
            await behind.messages.batches.delete(made[2])
        page = await client.messages.batches.list(limit=2)
        assert ([batch.id for batch in page.data], page.has_more) == ([made[3], made[1]], True)
        with pytest.raises(anthropic.NotFoundError):
            await client.messages.batches.delete(made[2])
        assert await at.runtime.ledger.resources.owner("batch", made[2]) is None


async def test_a_batch_can_be_cancelled_and_what_was_not_done_costs_nothing(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic") as at:
        client = at.client()
        batch = await client.messages.batches.create(
            requests=[request("quick", "[[lab out=9 after=1]] a"), request("slow", "[[lab after=500]] a")]
        )
        at.advance(10)
        assert (await client.messages.batches.cancel(batch.id)).processing_status == "canceling"
        at.advance(10)
        assert {name: result.type for name, result in (await results(client, batch.id)).items()} == {
            "quick": "succeeded",
            "slow": "canceled",
        }
        # 1 x 2 + 9 x 10 = 92 millionths
        assert at.spent() == at.lab.bill.total() == Money.from_usd("0.000092")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"requests": []}, r"requests: \[\]"),
        ({"requests": "no"}, "requests: "),
        ({"requests": [request("a"), request("a")]}, r"requests\.1\.custom_id"),
        ({"requests": [request("a", max_tokens=0)]}, r"requests\.0\.params\.max_tokens"),
        ({"requests": [request("a", max_tokens=2**70)]}, r"requests\.0\.params\.max_tokens"),
        ({"requests": [request("a", model=7)]}, r"requests\.0\.params\.model"),
        ({"requests": [{"custom_id": "a"}]}, r"requests\.0\.params"),
        ({"requests": [7]}, r"requests\.0: '7'"),
    ],
)
async def test_a_request_that_cannot_be_read_is_named_and_nothing_is_sent(
    tmp_path: Path, changes: dict[str, Any], named: str
) -> None:
    async with site(tmp_path, "anthropic") as at:
        with pytest.raises(anthropic.BadRequestError, match=named):
            await at.client().post("/v1/messages/batches", body=changes, cast_to=object)
        assert at.lab.seen.counts == {}
        assert at.runtime.ledger.open_attempts() == ()


async def test_models_outside_the_keys_scope_are_refused_by_request(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic") as at:
        client = at.client("search", models=[OPUS])
        with pytest.raises(anthropic.BadRequestError, match=r"requests\.1\.params\.model: .*claude-haiku-4-5"):
            await client.messages.batches.create(requests=[request("a"), request("b", model="claude-haiku-4-5")])
        with pytest.raises(anthropic.NotFoundError, match=r"requests\.0\.params\.model: gpt-9"):
            await client.messages.batches.create(requests=[request("a", model="gpt-9")])


@pytest.mark.parametrize("surface", ["bedrock", "vertex", "foundry"])
async def test_a_surface_without_batches_says_so_once_and_for_all(tmp_path: Path, surface: str) -> None:
    async with site(tmp_path, surface) as at:
        client = at.client()
        for call in (
            client.messages.batches.create(requests=[request("a")]),
            client.messages.batches.retrieve("msgbatch_1"),
            client.messages.batches.list(),
        ):
            with pytest.raises(anthropic.APIStatusError) as refused:
                await call
            assert refused.value.status_code == 501
            assert refused.value.response.headers["x-should-retry"] == "false"
            error = refused.value.body["error"]  # type: ignore[index]
            assert error["type"] == "not_supported"
            assert surface in error["message"]
            assert "/v1/messages/batches" in error["message"]


async def test_a_route_that_reaches_a_surface_with_batches_uses_it(tmp_path: Path) -> None:
    async with site(tmp_path, "bedrock", "anthropic") as at:
        raw = await at.client().messages.batches.with_raw_response.create(requests=[request("a")])
        assert raw.headers["x-trivium-surface"] == "anthropic"


async def test_models_that_share_no_surface_are_told_to_be_sent_apart(tmp_path: Path) -> None:
    def route(model: str, surface: str) -> dict[str, Any]:
        offer = {"surface": surface, "scope": "global", "model": model, "weight": 1}
        return {"workload": "*", "model": model, "targets": [offer]}

    routes = {"routes": [route(OPUS, "anthropic"), route("claude-haiku-4-5", "claude-aws")]}
    async with site(tmp_path, "anthropic", "claude-aws", routes=routes) as at:
        with pytest.raises(anthropic.BadRequestError, match="send a batch for each"):
            await at.client().messages.batches.create(requests=[request("a"), request("b", model="claude-haiku-4-5")])


async def test_a_refused_batch_costs_nothing_and_one_in_the_dark_stays_between_bounds(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic") as at:
        at.lab.faults.add(Fault("status", path="/v1/messages/batches", count=1, status=429))
        with pytest.raises(anthropic.RateLimitError):
            await at.client().messages.batches.create(requests=[request("a")])
        at.lab.faults.add(Fault("cut", path="/v1/messages/batches", count=1))
        with pytest.raises(anthropic.InternalServerError) as dark:
            await at.client().messages.batches.create(requests=[request("a")])
        assert dark.value.response.headers["x-should-retry"] == "false"
        outcomes = [event.closed.outcome for event in at.attempts()]
        assert outcomes == [Outcome.REFUSED, Outcome.FAILED]
        first, second = (at.runtime.ledger.rating(event.opened.event_id) for event in at.attempts())
        assert (first.amount, second.amount) == (Money(0), None)
        assert second.upper is not None


async def test_results_that_break_off_are_seen_to_be_incomplete_and_can_be_read_again(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic") as at:
        client = at.client()
        batch = await client.messages.batches.create(requests=[request(f"r{number}") for number in range(20)])
        at.advance(3600)
        at.lab.faults.add(Fault("cut", path="*/results", count=1, after_bytes=4000))
        with pytest.raises((anthropic.APIConnectionError, httpx2.HTTPError)):
            await results(client, batch.id)
        await results(client, batch.id)
        assert len(at.attempts()) == 20
        assert at.spent() == at.lab.bill.total() == Money.from_usd("0.00608")


async def test_failing_batches_do_not_take_messages_down(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic") as at:
        client = at.client()
        at.lab.faults.add(Fault("status", path="/v1/messages/batches*", status=500))
        for _ in range(8):
            with pytest.raises(anthropic.InternalServerError):
                await client.messages.batches.create(requests=[request("a")])
        assert sum(at.lab.seen.counts.values()) == 5  # then their own circuit is open
        message = await client.messages.create(model=OPUS, max_tokens=9, messages=[{"role": "user", "content": "a"}])
        assert message.usage.output_tokens > 0


async def test_bytes_pass_as_they_are_but_for_the_model(tmp_path: Path) -> None:
    body = (
        b'{ "requests" : [ {"custom_id":"x", "params": {"model":"opus-5-5","max_tokens": 9, '
        b'"messages":[{"role":"user","content":"\\u00e9  "}] } } ] }'
    )
    async with site(tmp_path, "anthropic") as at, httpx2.AsyncClient() as plain:
        headers = {
            "x-api-key": at.secret("search"),
            "anthropic-version": "2023-06-01",
            "content-type": "application/json",
        }
        sent = body.replace(b"opus-5-5", OPUS.encode())
        answer = await plain.post(f"{at.url}/v1/messages/batches", headers=headers, content=sent)
        assert answer.status_code == 200
        assert at.lab.seen.as_json(1)["last"][0]["body_bytes"] == len(sent)
        named = body.replace(b"opus-5-5", b"anthropic/" + OPUS.encode())
        assert (await plain.post(f"{at.url}/v1/messages/batches", headers=headers, content=named)).status_code == 200
        assert at.lab.seen.as_json(1)["last"][0]["body_bytes"] == len(sent)
        assert at.runtime.ledger.open_attempts(timedelta(0)) != ()


def routed(model: str, scope: str = "global") -> dict[str, Any]:
    target = {"surface": "anthropic", "scope": scope, "model": model, "weight": 1}
    return {"routes": [{"workload": "*", "model": "*", "targets": [target]}]}


async def test_a_batch_is_answered_and_paid_by_the_model_of_its_route(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic", routes=routed("claude-haiku-4-5")) as at:
        await results(at.client(), await ended(at))
        # 0.50 and 2.50 USD per million tokens in batches: 2 x 0.5 + 30 x 2.5 millionths
        assert at.spent() == at.lab.bill.total() == Money.from_usd("0.000076")
        assert [attempt.opened.offer.model for attempt in at.attempts()] == ["claude-haiku-4-5"]


async def test_a_route_that_keeps_a_geography_keeps_it_in_every_request_of_a_batch(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic", routes=routed(OPUS, "us")) as at:
        asked = [request("silent"), request("named", inference_geo="us")]
        raw = await at.client().messages.batches.with_raw_response.create(requests=asked)
        assert raw.headers["x-trivium-notes"] == "added inference_geo: the route keeps us"
        added = len(b'"inference_geo":"us",')
        assert at.lab.seen.as_json(1)["last"][0]["body_bytes"] == len(raw.http_request.content) + added
        offers = {str(opened.offer) for opened in at.runtime.ledger.open_attempts()}
        assert offers == {f"anthropic/us/{OPUS}/batch"}
        with pytest.raises(anthropic.BadRequestError, match=r"requests\.0\.params\.inference_geo"):
            await at.client().messages.batches.create(requests=[request("a", inference_geo="global")])


async def test_a_batch_leaves_the_scopes_of_its_workload_no_more_than_a_message(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic", workloads={"search": {"scopes": ["global"]}}) as at:
        message = request("a", inference_geo="us")["params"]
        with pytest.raises(anthropic.BadRequestError, match="region scope: 'us'"):
            await at.client().messages.create(**message)
        asked = [request("a"), request("b", inference_geo="us")]
        with pytest.raises(anthropic.BadRequestError, match=r"requests\.1: region scope: 'us'"):
            await at.client().messages.batches.create(requests=asked)
        assert at.lab.seen.counts == {}
        assert at.runtime.ledger.open_attempts() == ()
        await at.client().messages.batches.create(requests=asked[:1])


async def test_cache_writes_and_reads_of_a_batch_are_billed_by_their_class(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic") as at:
        marked = {"type": "text", "text": "word " * 3000, "cache_control": {"type": "ephemeral", "ttl": "1h"}}
        client = at.client()
        batch = await client.messages.batches.create(
            requests=[request(name, "[[lab out=10]] a", system=[marked]) for name in ("first", "second")]
        )
        at.advance(60)
        found = await results(client, batch.id)
        usages = [found[name].message.usage for name in ("first", "second")]
        assert usages[0].cache_creation.ephemeral_1h_input_tokens == usages[1].cache_read_input_tokens > 3000
        assert at.spent() == at.lab.bill.total() != Money(0)


async def test_a_surface_that_wants_less_says_for_how_long(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic") as at:
        at.lab.faults.add(Fault("status", path="/v1/files", count=1, status=429, headers={"retry-after": "7"}))
        for seconds in ("7", "5"):  # the surface's own, or ours where it names none
            with pytest.raises(anthropic.RateLimitError) as limited:
                await at.client().beta.files.upload(file=b"x")
            assert limited.value.response.headers["retry-after"] == seconds
            at.lab.faults.add(Fault("status", path="/v1/files", count=1, status=429, headers={"retry-after": "soon"}))
