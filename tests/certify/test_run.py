"""What a run may spend, when it stops, and what it says then."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from certify.stand_in import KEY, FirstParty, Memory, listening
from certify.support import AT, book, certified, differing, site, snapshot
from trivium.catalog import load
from trivium.certify import (
    Call,
    Plan,
    Report,
    Unreachable,
    Verdict,
    again,
    chosen,
    claims_csv,
    differences,
    document,
    markdown,
    plan,
    read_recording,
    run,
    shipped_calls,
    verdict,
)
from trivium.certify._calls import filled
from trivium.certify._cost import settled, worst_case
from trivium.core import ZERO, Money, NoPrice, Offer, UsageUnknown, UserError
from trivium.gateway import AiohttpTransport
from trivium.lab import LabServer

HAIKU = Offer("anthropic", "global", "claude-haiku-4-5")  # 1 USD a million in, 1.25 written for 5 min, 2 for 1 h, 5 out


def call(name: str) -> Call:
    return chosen(shipped_calls(), [name])[0]


def planned(only: Sequence[str], model: str = "claude-haiku-4-5") -> Plan:
    here = site("anthropic", "http://127.0.0.1:9", KEY, AiohttpTransport(), model)
    return plan(chosen(shipped_calls(), only), here, book(), at=AT, nonce="test")


def test_the_bound_takes_every_byte_for_a_token_written_to_the_dearest_cache() -> None:
    item = planned(["message"]).calls[0]
    assert item.outbound is not None
    assert len(item.outbound.body) == 128
    # 128 bytes at 2 USD a million (a write for an hour), 16 tokens out at 5: 0.000256 + 0.00008
    assert str(item.worst) == "0.000336"


def test_the_bound_of_an_image_is_its_own_and_blanks_are_no_tokens() -> None:
    big = replace(call("message"), padding_bytes=1_000_000)
    plain = worst_case(call("message"), filled(call("message"), "claude-haiku-4-5", "n"), HAIKU, AT.date(), book())
    assert worst_case(big, filled(big, "claude-haiku-4-5", "n"), HAIKU, AT.date(), book()) == plain
    image = call("image")
    body = filled(image, "claude-haiku-4-5", "n")
    without = len(body) - (body.index(b'"}', body.index(b'"data":"')) - body.index(b'"data":"') - len(b'"data":"'))
    # the bytes that are no image and 5,000 for the image, at 2 USD a million, and 8 tokens out at 5
    assert worst_case(image, body, HAIKU, AT.date(), book()) == Money((without + 5000) * 2_000_000 + 8 * 5_000_000)


async def test_no_call_costs_more_than_its_bound_and_all_of_it_is_added_up() -> None:
    report = await certified("anthropic", Memory())
    assert all(row.spent <= row.worst for row in report.rows)
    assert report.spent == sum((row.spent for row in report.rows), ZERO)
    message = report.rows[0]
    assert str(message.spent) == "0.000087"  # 7 words in at 1 USD a million, 16 out at 5: 0.000007 + 0.00008
    refused = {row.call.id: row.spent for row in report.rows if row.call.credential != "own"}
    assert refused == {"wrong-credential": ZERO, "no-credential": ZERO}


def test_an_answer_without_counts_is_not_free() -> None:
    with pytest.raises(UsageUnknown):
        settled(call("message"), 200, None, HAIKU, AT.date(), book())
    with pytest.raises(UsageUnknown):
        settled(call("message"), 200, {"output_tokens": 3}, HAIKU, AT.date(), book())
    with pytest.raises(UsageUnknown):
        settled(call("message"), 500, None, HAIKU, AT.date(), book())
    assert settled(call("message"), 400, None, HAIKU, AT.date(), book()) == ZERO


async def test_nothing_is_sent_that_could_exceed_the_budget() -> None:
    memory = Memory()
    report = await certified("anthropic", memory, only=["message", "stream", "count"], budget="0.0004")
    # 0.000336 fits; then 0.000087 are spent and the stream's 0.000364 would make 0.000451; counting is free
    assert [row.call.id for row in report.rows if row.not_run] == ["stream"]
    assert report.rows[1].not_run == (
        "over budget: 0.000087 USD spent, this call may cost 0.000364, the budget is 0.0004"
    )
    assert report.stopped
    assert memory.asked == ["POST /v1/messages", "POST /v1/messages/count_tokens"]


def test_a_model_without_a_price_is_never_asked() -> None:
    with pytest.raises(NoPrice):
        worst_case(call("message"), b"{}", Offer("anthropic", "global", "claude-nothing"), AT.date(), book())


def test_a_list_of_which_nothing_can_be_sent_is_refused() -> None:
    """Else a run of nothing would end with no difference."""
    here = site("bedrock", "http://127.0.0.1:9", KEY, AiohttpTransport())
    with pytest.raises(UserError, match="the surface has no such path"):
        plan(chosen(shipped_calls(), ["models"]), here, book(), at=AT, nonce="n")


@pytest.mark.parametrize("surface", ["anthropic", "bedrock"])
async def test_the_lab_is_sent_what_the_surface_was_sent(surface: str) -> None:
    """The same path, names of headers and body, but for the credential's value."""
    report = await certified(surface, Memory())
    sides: dict[str, list[dict[str, object]]] = {}
    for line in report.recording.splitlines()[1:]:
        item = json.loads(line)
        sides.setdefault(item["call"], []).append({**item["request"], "headers": sorted(item["request"]["headers"])})
    assert len(sides) >= 20
    assert all(live == lab for live, lab in sides.values())


def test_an_unknown_call_is_refused_by_name() -> None:
    with pytest.raises(UserError) as told:
        chosen(shipped_calls(), ["message", "everything"])
    assert (told.value.field, told.value.value) == ("--only", "everything")


def test_every_call_of_the_list_is_bounded() -> None:
    for item in shipped_calls():
        assert item.free or item.tokens_out_max > 0, item.id
    assert planned([]).worst < Money.from_usd("0.25"), "the default budget is for the default model"


async def test_a_wrong_credential_ends_the_run_at_the_first_call() -> None:
    memory = Memory()
    with pytest.raises(Unreachable, match="does not take the credential: status 401 to message"):
        await certified("anthropic", memory, key="sk-ant-revoked-key-000")
    assert memory.asked == ["POST /v1/messages"]


async def test_a_model_the_account_may_not_use_ends_the_run_and_says_what_to_do() -> None:
    with listening(FirstParty, Memory()) as url:
        transport = AiohttpTransport()
        here = site("anthropic", url, KEY, transport, "claude-opus-5")
        asked = plan(chosen(shipped_calls(), ["message"]), here, book(), at=AT, nonce="n")
        with pytest.raises(Unreachable, match=r"refuses message with status 404 .* with --model"):
            await run(asked, here, here, Money.from_usd("1"))
        await transport.close()


async def test_a_surface_that_is_not_there_is_unreachable() -> None:
    transport = AiohttpTransport()
    here = site("anthropic", "http://127.0.0.1:9", KEY, transport)
    with pytest.raises(Unreachable, match="the surface does not answer"):
        await run(planned(["message"]), here, here, Money.from_usd("1"))
    await transport.close()


async def test_a_run_that_breaks_off_keeps_what_was_paid_for() -> None:
    """The second call fails on the network: it may be billed, so its bound counts, and the first one's record stays."""
    with listening(FirstParty, Memory()) as url:
        transport = AiohttpTransport()
        here = site("anthropic", url, KEY, transport)
        gone = replace(here, settings=replace(here.settings, base_url="http://127.0.0.1:9"))
        calls = chosen(shipped_calls(), ["message", "stream", "count"])
        asked = plan(calls, here, book(), at=AT, nonce="n")
        lost = plan(calls, gone, book(), at=AT, nonce="n").calls[1]
        broken = replace(asked, calls=(asked.calls[0], lost, asked.calls[2]))
        report = await run(broken, here, here, Money.from_usd("1"))
        await transport.close()
    assert [bool(row.not_run) for row in report.rows] == [False, True, True]
    assert report.rows[1].spent == report.rows[1].worst
    assert report.unreachable.startswith("the surface does not answer (stream)")
    assert len(report.recording.splitlines()) == 3  # the run, and both sides of one call


async def test_a_run_that_is_interrupted_keeps_what_was_paid_for() -> None:
    with listening(FirstParty, Memory()) as url:
        transport = AiohttpTransport()
        here = site("anthropic", url, KEY, transport)
        asked = plan(chosen(shipped_calls(), ["message", "stream", "count"]), here, book(), at=AT, nonce="n")
        running: list[asyncio.Task[Report]] = []
        async with asyncio.TaskGroup() as group:
            task = run(asked, here, here, Money.from_usd("1"), on_row=lambda row: row.aspects and running[0].cancel())
            running.append(group.create_task(task))
        report = running[0].result()
        await transport.close()
    assert report.unreachable == "interrupted"
    assert [row.not_run for row in report.rows] == ["", "interrupted", "the run had ended"]
    assert len(report.recording.splitlines()) == 3


async def test_other_words_of_an_error_are_told_and_are_no_difference() -> None:
    report = await certified("bedrock", Memory(), only=["message", "unknown-field"])
    words = "the model returned · extra inputs are not permitted"
    longer = "the model returned the following errors · extra inputs are not permitted"
    assert differences(report) == [f"unknown-field: other words: live '{words}', lab '{longer}'"]
    assert report.differences == 0


async def test_a_recording_says_the_same_of_a_lab_that_has_not_changed() -> None:
    """A call that the list puts otherwise by now is not compared."""
    report = await certified("anthropic", Memory("events in another order"))
    said = read_recording(report.recording)
    calls = chosen(shipped_calls(), [row.call.id for row in report.rows])
    changed = [replace(call, body={**call.body, "max_tokens": 9}) if call.id == "stop" else call for call in calls]
    async with LabServer(["anthropic"], seed=3) as lab:
        transport = AiohttpTransport()
        found = await again(said, site("anthropic", lab.url(), lab.key(), transport), changed)
        await transport.close()
    assert (found.started_at, found.spent) == (AT, ZERO)
    assert differing(found) == differing(report) == {"events": {"stream", "tool-stream", "cache-read", "thinking"}}
    left = {row.call.id: row.not_run for row in found.rows if row.not_run}
    assert left == {"stop": "the call has changed since it was recorded"}


@pytest.mark.parametrize("text", ["", "{}", "[]", "not json", '{"run":{"surface":"anthropic"}}'])
def test_what_is_no_recording_is_refused_by_its_line(text: str) -> None:
    with pytest.raises(UserError) as told:
        read_recording(text)
    assert told.value.field == "recording, line 1"


async def test_a_busy_surface_says_nothing_about_fidelity() -> None:
    memory = Memory()
    memory.busy = 1
    report = await certified("anthropic", memory, only=["message", "stream"])
    assert report.rows[0].not_run == "the surface was busy: status 529"
    assert report.rows[0].spent == report.rows[0].worst
    assert report.rows[1].aspects
    assert report.differences == 0
    assert report.stopped


async def test_a_surface_that_stays_busy_is_left_in_peace() -> None:
    memory = Memory()
    memory.busy = 99
    report = await certified("anthropic", memory, only=["message", "stream", "stop", "system", "tool"])
    assert len(memory.asked) == 3
    assert report.rows[4].not_run == "stopped: the surface was busy 3 times in a row"


async def test_the_report_says_what_it_rests_on() -> None:
    report = await certified("anthropic", Memory("a header more"), only=["message", "stream"])
    text = markdown(report, "version 1")
    assert "| message | same | only live | same | - | - | same |" in text
    assert "- stream, headers: only live: x-surprise" in text
    assert f"SHA-256 {report.digest}" in text
    assert "another address than the surface's own: nothing is certified" in text
    assert verdict(report) == "7 of 9 aspects the same in 2 calls"
    assert document(report)["calls"][0]["aspects"]["headers"] == {
        "verdict": Verdict.ONLY_LIVE.value,
        "detail": "x-surprise",
    }


async def test_claims_of_a_run_are_an_overlay_that_the_catalogue_takes(tmp_path: Path) -> None:
    report = await certified("anthropic", Memory("another status"))
    (tmp_path / "certify.csv").write_text(claims_csv(replace(report, public=True)))
    found = load([tmp_path]).snapshot(AT.date())
    said = found.value("anthropic", "fidelity", AT.date())
    assert (said.value, said.status) == ("83 of 85 aspects the same in 23 calls", "measured")
    assert report.digest in said.sources[0].title
    errors = found.value("anthropic", "fidelity:status", AT.date())
    assert errors.value == "same in 21 of 23 calls"
    for capability in ("token_counting", "prompt_caching_5m"):
        assert found.value("anthropic/claude-haiku-4-5", capability, AT.date()).status == "measured"
    assert len(found.claims) == len(snapshot().claims) + len(list(csv.reader(claims_csv(report).splitlines()))) - 1


async def test_what_was_asked_at_another_address_is_unconfirmed_and_an_unread_cache_is_not_claimed() -> None:
    report = await certified("anthropic", Memory("nothing is read from the cache"))
    rows = list(csv.DictReader(claims_csv(report).splitlines()))
    assert {row["status"] for row in rows} == {"unconfirmed"}
    assert "prompt_caching_5m" not in {row["predicate"] for row in rows}
