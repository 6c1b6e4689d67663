"""What a batch may cost is held before it is sent; large bodies and unread results are bounded."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import pytest

from gateway.support import Caller
from gateway_auxiliary.support import OPUS, Site, request, results, site
from trivium.app.compose import gateway_settings
from trivium.core import AdmissionDenied, Closed, Money, Offer, Outcome
from trivium.gateway import AdmissionRequest, Admitted
from trivium.lab import Fault

HAIKU = "claude-haiku-4-5"


@dataclass
class Holds:
    """An admission that remembers, and denies a model."""

    denied: str = ""
    asked: list[AdmissionRequest] = field(default_factory=list)
    settled: list[tuple[str, tuple[Closed, ...]]] = field(default_factory=list)

    async def admit(self, request: AdmissionRequest) -> Admitted:
        self.asked.append(request)
        if request.model == self.denied:
            raise AdmissionDenied("search-month", "nothing is left")
        return Admitted(hold_id=request.model)

    async def settle(self, admitted: Admitted, attempts: tuple[Closed, ...]) -> None:
        self.settled.append((admitted.hold_id, attempts))


def reload(at: Site, holds: Holds | None = None, **settings: Any) -> None:
    at.runtime.gateway.reload(
        replace(gateway_settings(at.runtime.settings), **settings),
        credentials=at.runtime.prepared.credentials,
        admission=holds,
    )


async def test_a_hold_covers_the_worst_case_of_each_model_until_its_results_are_read(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic") as at:
        reload(at, holds := Holds())
        client = at.client()
        requests = [request("a"), request("b", max_tokens=50), request("c", "[[lab after=90000]] a", model=HAIKU)]
        batch = await client.messages.batches.create(requests=requests)
        opus, haiku = holds.asked
        assert (opus.endpoint, opus.max_output_tokens, haiku.max_output_tokens) == ("batches", 200 + 50, 200)
        assert (opus.offers, haiku.offers) == (
            (Offer("anthropic", "global", OPUS, "batch"),),
            (Offer("anthropic", "global", HAIKU, "batch"),),
        )
        assert opus.prompt_bytes > haiku.prompt_bytes > 0
        at.advance(25 * 3600)
        assert holds.settled == []
        for _ in range(2):
            await results(client, batch.id)
        assert [(name, [closed.outcome for closed in ends]) for name, ends in holds.settled] == [
            (OPUS, [Outcome.OK, Outcome.OK]),
            (HAIKU, [Outcome.REFUSED]),
        ]


async def test_a_denied_batch_is_not_sent_and_leaves_no_hold(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic") as at:
        reload(at, holds := Holds(denied=HAIKU))
        with pytest.raises(anthropic.RateLimitError, match="search-month") as denied:
            await at.client().messages.batches.create(requests=[request("a"), request("b", model=HAIKU)])
        assert denied.value.response.headers["x-should-retry"] == "false"
        assert holds.settled == [(OPUS, ())]
        assert at.lab.seen.counts == {}
        assert at.runtime.ledger.open_attempts() == ()


async def test_a_refused_batch_gives_its_hold_back(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic") as at:
        reload(at, holds := Holds())
        at.lab.faults.add(Fault("status", path="/v1/messages/batches", count=1, status=413))
        with pytest.raises(anthropic.APIStatusError):
            await at.client().messages.batches.create(requests=[request("a")])
        assert [(name, [closed.outcome for closed in ends]) for name, ends in holds.settled] == [
            (OPUS, [Outcome.REFUSED])
        ]


async def test_large_bodies_have_limits_of_their_own(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic") as at:
        reload(at, body_bytes_max=100, batch_bytes_max=5000, file_bytes_max=1000)
        client = at.client()
        assert (await client.messages.batches.create(requests=[request("a", "x" * 2000)])).id
        assert (await client.beta.files.upload(file=("a.txt", b"x" * 500))).size_bytes == 500
        headers = {"x-api-key": at.secret("search")}
        for path, bytes_max in (("/v1/messages/batches", 5000), ("/v1/files", 1000)):
            caller = Caller(at.runtime.gateway)
            large = await caller.send("POST", path, headers=headers, body=b"x" * (bytes_max + 1))
            assert (large.status, large.json()["error"]["type"]) == (413, "request_too_large")


async def test_only_so_many_large_bodies_are_in_memory_at_a_time(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic") as at, httpx2.AsyncClient() as plain:
        reload(at, uploads_max=1)
        released = asyncio.Event()

        async def slowly() -> Any:
            yield b"{"
            await released.wait()
            yield b"}"

        headers = {"x-api-key": at.secret("search")}
        url = f"{at.url}/v1/messages/batches"
        first = asyncio.ensure_future(plain.post(url, headers=headers, content=slowly()))
        while not at.runtime.gateway.in_flight:  # noqa: ASYNC110  another process would see no event either
            await asyncio.sleep(0.005)
        second = await plain.post(url, headers=headers, content=b"{}")
        assert (second.status_code, second.json()["error"]["type"]) == (529, "overloaded_error")
        assert "retry-after" in second.headers
        released.set()
        assert (await first).status_code == 400
        assert (await plain.post(url, headers=headers, content=b"{}")).status_code == 400


async def test_results_are_metered_to_their_end_when_their_reader_leaves(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic") as at:
        client = at.client()
        many = [request(f"r{number}", "[[lab out=150]] a") for number in range(300)]
        batch = await client.messages.batches.create(requests=many)
        at.advance(3600)
        async with httpx2.AsyncClient() as plain:
            url, headers = f"{at.url}/v1/messages/batches/{batch.id}/results", {"x-api-key": at.secret("search")}
            async with plain.stream("GET", url, headers=headers) as answer:
                assert await anext(answer.aiter_bytes())
        while at.runtime.gateway.in_flight or at.runtime.ledger.open_attempts():  # noqa: ASYNC110  the same
            await asyncio.sleep(0.01)
        # 300 x (1 x 2 + 150 x 10) = 450,600 millionths
        assert at.spent() == at.lab.bill.total()
        assert str(at.spent()) == "0.4506"


async def test_a_reader_that_takes_nothing_is_left_behind_and_its_batch_is_metered(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic") as at:
        reload(at, stall_s=0.05)
        batch = await at.client().messages.batches.create(requests=[request("a")])
        at.advance(3600)
        caller = Caller(at.runtime.gateway)
        caller.block = asyncio.Event()
        path, headers = f"/v1/messages/batches/{batch.id}/results", {"x-api-key": at.secret("search")}
        answer = await caller.send("GET", path, headers=headers)
        assert (answer.status, answer.ended) == (200, False)
        assert at.spent() == at.lab.bill.total() == Money.from_usd("0.000304")
