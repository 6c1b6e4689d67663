"""Batches and files of the lab by the official client: processing on its clock, results, cancelling, the bill."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anthropic
import pytest

from trivium.lab import LabServer

OPUS = "claude-opus-5-5"


def ask(custom_id: str, text: str, **params: Any) -> Any:
    body = {"model": OPUS, "max_tokens": 200, "messages": [{"role": "user", "content": text}], **params}
    return {"custom_id": custom_id, "params": body}


@pytest.fixture
async def client(lab: LabServer) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=lab.url(), api_key=lab.key(), max_retries=0) as opened:
        yield opened


async def results(client: anthropic.AsyncAnthropic, batch_id: str) -> dict[str, Any]:
    return {line.custom_id: line.result async for line in await client.messages.batches.results(batch_id)}


async def test_a_batch_ends_on_the_labs_clock_and_is_billed_at_half_the_price(
    lab: LabServer, client: anthropic.AsyncAnthropic
) -> None:
    batch = await client.messages.batches.create(requests=[ask("one", "[[lab out=30]] a b"), ask("bad", "")])
    assert (batch.processing_status, batch.request_counts.processing, batch.results_url) == ("in_progress", 2, None)
    with pytest.raises(anthropic.AnthropicError, match="finished processing"):
        await client.messages.batches.results(batch.id)
    lab.clock.advance(60)
    ended = await client.messages.batches.retrieve(batch.id)
    assert (ended.processing_status, ended.request_counts.succeeded, ended.request_counts.errored) == ("ended", 1, 1)
    found = await results(client, batch.id)
    assert (found["one"].message.usage.input_tokens, found["one"].message.usage.output_tokens) == (2, 30)
    assert found["one"].message.usage.service_tier == "batch"
    assert found["bad"].error.error.type == "invalid_request_error"
    await results(client, batch.id)
    # claude-opus-5-5 costs 4 and 20 USD per million tokens, in batches half: 2 * 2.00 + 30 * 10.00
    assert [(line.tier, str(line.amount)) for line in lab.bill.lines] == [("batch", "0.000304")]


async def test_what_is_cancelled_or_expires_is_not_billed(lab: LabServer, client: anthropic.AsyncAnthropic) -> None:
    slow = "[[lab out=9 after=90000]] a"
    cancelled = await client.messages.batches.create(
        requests=[ask("quick", "[[lab out=9 after=10]] a"), ask("slow", slow)]
    )
    expiring = await client.messages.batches.create(requests=[ask("slow", slow)])
    lab.clock.advance(20)
    assert (await client.messages.batches.cancel(cancelled.id)).processing_status == "canceling"
    with pytest.raises(anthropic.BadRequestError, match="cancel it first"):
        await client.messages.batches.delete(cancelled.id)
    lab.clock.advance(1)
    assert {name: result.type for name, result in (await results(client, cancelled.id)).items()} == {
        "quick": "succeeded",
        "slow": "canceled",
    }
    lab.clock.advance(24 * 3600)
    assert (await results(client, expiring.id))["slow"].type == "expired"
    assert len(lab.bill.lines) == 1
    assert [batch.id async for batch in client.messages.batches.list(limit=1)] == [expiring.id, cancelled.id]
    await client.messages.batches.delete(cancelled.id)
    with pytest.raises(anthropic.NotFoundError):
        await client.messages.batches.retrieve(cancelled.id)


async def test_a_batch_that_cannot_be_read_is_refused_by_name(client: anthropic.AsyncAnthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match=r"requests\.1\.custom_id: duplicate"):
        await client.messages.batches.create(requests=[ask("x", "a"), ask("x", "b")])
    with pytest.raises(anthropic.BadRequestError, match=r"requests\.0\.custom_id"):
        await client.messages.batches.create(requests=[ask("no spaces", "a")])


async def test_a_file_has_an_id_and_its_content_is_there_for_messages_only(
    lab: LabServer, client: anthropic.AsyncAnthropic
) -> None:
    uploaded = await client.beta.files.upload(file=("notes.txt", b"one\r\n--two\r\n", "text/plain"))
    assert (uploaded.filename, uploaded.mime_type, uploaded.size_bytes) == ("notes.txt", "text/plain", 12)
    assert [entry.id async for entry in client.beta.files.list()] == [uploaded.id]
    with pytest.raises(anthropic.BadRequestError, match="not downloadable"):
        await client.beta.files.download(uploaded.id)

    def body(file_id: str) -> Any:
        document = {"type": "document", "source": {"type": "file", "file_id": file_id}}
        text = {"type": "text", "text": "[[lab out=9]] what is this"}
        return {"model": OPUS, "max_tokens": 99, "messages": [{"role": "user", "content": [document, text]}]}

    assert (await client.messages.create(**body(uploaded.id))).usage.output_tokens == 9
    with pytest.raises(anthropic.NotFoundError, match="file_none"):
        await client.messages.create(**body("file_none"))
    await client.beta.files.delete(uploaded.id)
    with pytest.raises(anthropic.NotFoundError):
        await client.beta.files.retrieve_metadata(uploaded.id)
