"""One request file, a golden file for each (ingress, surface): what is sent, what comes back, what a client reads.

`UPDATE_GOLDEN=1 pytest tests/cells` writes the files anew; the difference is then for a reviewer to read.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cells.clients import Refusal
from cells.exchange import BROKEN, REFUSED, WELL, ask, page
from cells.table import FOLDER, INGRESSES, NEVER, REQUESTS, SAME, SURFACES, Ingress
from trivium.core import Outcome, Quality, Usage
from trivium.gateway import SurfaceSettings

BILLED = Usage(input=12, output=6, cache_read=5, cache_write_5m=4, cache_write_1h=3)
CELLS = [(name, ingress, surface) for name in REQUESTS for ingress in INGRESSES for surface in SURFACES]
IDS = [f"{name}-{ingress.name}-{surface.surface}" for name, ingress, surface in CELLS]
PAIRS = [(ingress, surface) for ingress in INGRESSES for surface in SURFACES]
PAIR_IDS = [f"{ingress.name}-{surface.surface}" for ingress, surface in PAIRS]


def compare(path: Path, text: str) -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    assert path.exists(), f"{path}: no golden file; UPDATE_GOLDEN=1 writes it"
    assert text == path.read_bytes().decode()


@pytest.mark.parametrize(("name", "ingress", "surface"), CELLS, ids=IDS)
async def test_the_exchange_is_the_golden_one_and_the_client_reads_what_was_meant(
    name: str, ingress: Ingress, surface: SurfaceSettings
) -> None:
    reason = NEVER.get((name, ingress.name, surface.surface))
    pages = []
    for stream in (False, True):
        exchange = await ask(REQUESTS[name], ingress, [surface], stream=stream)
        answered, sink = exchange.answered, exchange.sink
        pages.append(f"== {'streamed' if stream else 'whole'}\n{page(exchange)}\n")
        if reason is not None:
            assert exchange.transport.sent == [], reason
            assert sink.opened_events == []
            with pytest.raises(Refusal) as caught:
                ingress.read(answered)
            assert caught.value.status == 400
            continue
        assert answered.status == 200, answered.body
        assert ingress.read(answered) == ingress.meant
        (closed,) = sink.closed_events
        assert (closed.outcome, closed.quality, closed.usage) == (Outcome.OK, Quality.EXACT, BILLED)
        if stream:
            ingress.check(answered)
    compare(FOLDER / name / f"{ingress.name}--{surface.surface}.txt", "".join(pages))


@pytest.mark.parametrize(("ingress", "surface"), PAIRS, ids=PAIR_IDS)
async def test_errors_before_and_after_the_first_byte_come_in_the_clients_own_dialect(
    ingress: Ingress, surface: SurfaceSettings
) -> None:
    """The surface refuses in its own form, then a stream of it ends early: the client's own exceptions, both times."""
    pages = []
    for how, stream, outcome in ((REFUSED, False, Outcome.REFUSED), (BROKEN, True, Outcome.CUT)):
        exchange = await ask(REQUESTS["rich"], ingress, [surface], stream=stream, how={surface.surface: how})
        answered = exchange.answered
        _, _, said = page(exchange).rpartition("-- ")
        pages.append(f"== {how}\n{said}\n")
        with pytest.raises(Refusal) as caught:
            ingress.read(answered)
        assert answered.status == (429 if how == REFUSED else 200)
        if how == REFUSED:
            assert caught.value.status == answered.status
        else:
            ingress.check(answered)
        assert [closed.outcome for closed in exchange.sink.closed_events] == [outcome]
    compare(FOLDER / "errors" / f"{ingress.name}--{surface.surface}.txt", "".join(pages))


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("name", "surface"), SAME)
async def test_bytes_between_a_client_and_its_own_surface_pass_in_both_directions(
    name: str, surface: str, stream: bool
) -> None:
    """The fifth law: with nothing that claims make change, neither request nor answer is rebuilt."""
    (ingress,) = (one for one in INGRESSES if one.name == name)
    (settings,) = (one for one in SURFACES if one.surface == surface)
    exchange = await ask({**REQUESTS["rich"], "betas": []}, ingress, [settings], stream=stream)
    assert [outbound.body for outbound in exchange.transport.sent] == [exchange.asked]
    assert exchange.answered.body == exchange.transport.said


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("first", ["bedrock", "anthropic"])
async def test_a_native_answer_and_a_translated_one_take_over_from_each_other(first: str, stream: bool) -> None:
    """A client of Converse, one surface that refuses, one that serves: whichever does, it answers in Converse."""
    (ingress,) = (one for one in INGRESSES if one.name == "converse")
    by_name = {one.surface: one for one in SURFACES}
    second = "anthropic" if first == "bedrock" else "bedrock"
    exchange = await ask(
        REQUESTS["rich"], ingress, [by_name[first], by_name[second]], stream=stream, how={first: REFUSED, second: WELL}
    )
    assert [outbound.surface for outbound in exchange.transport.sent] == [first, second]
    assert [outbound.url.rpartition("/")[2].startswith("converse") for outbound in exchange.transport.sent] == [
        first == "bedrock",
        second == "bedrock",
    ]
    assert ingress.read(exchange.answered) == ingress.meant
    if stream:
        ingress.check(exchange.answered)


@pytest.mark.parametrize("name", ["converse"])
async def test_what_only_one_surface_takes_passes_over_the_others(name: str) -> None:
    """A guardrail leads past two surfaces to Bedrock, without an attempt at them; alone they refuse it."""
    (ingress,) = (one for one in INGRESSES if one.name == name)
    order = sorted(SURFACES, key=lambda one: one.surface == "bedrock")
    exchange = await ask(REQUESTS["narrow"], ingress, order, stream=True)
    assert [outbound.surface for outbound in exchange.transport.sent] == ["bedrock"]
    assert exchange.answered.headers["x-trivium-attempts"] == "1"
    assert ingress.read(exchange.answered) == ingress.meant


def test_every_golden_file_is_of_a_cell_and_every_reason_of_one_too() -> None:
    cells = {(name, ingress.name, surface.surface) for name, ingress, surface in CELLS}
    errors = {("errors", ingress.name, surface.surface) for ingress, surface in PAIRS}
    files = {(path.parent.name, *path.stem.split("--")) for path in FOLDER.glob("*/*--*.txt")}
    assert files == cells | errors
    assert set(NEVER) <= cells
