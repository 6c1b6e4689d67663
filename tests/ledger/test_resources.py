"""Batches and files have one owner, lists are pages of what is there, and forgetting is a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger import world
from trivium.core import Closed, DuplicateEvent, Outcome, Quality, Resource, Usage
from trivium.gateway.resources import MemoryResources
from trivium.ledger import Ledger

ALL = ("anthropic", "anthropic/us")


def a_file(number: int, **changes: Any) -> Resource:
    plain = Resource("file", f"file_{number}", "anthropic", "chat", "key_1", f"req_{number}", world.NOON)
    return replace(plain, **changes)


@pytest.fixture(params=["ledger", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "memory":
        yield MemoryResources()
        return
    with world.ledger(tmp_path) as ledger:
        yield ledger.resources


async def ids(store: Any, surfaces: Sequence[str] = ALL, **asked: Any) -> tuple[list[str], bool]:
    found, more = await store.listing("file", "chat", surfaces, **{"limit": 2, **asked})
    return [resource.resource_id for resource in found], more


async def test_a_resource_has_one_owner(store: Any) -> None:
    await store.register(a_file(1))
    await store.register(a_file(1))
    assert await store.owner("file", "file_1") == a_file(1)
    assert await store.owner("batch", "file_1") is None
    with pytest.raises(DuplicateEvent):
        await store.register(a_file(1, workload="other"))


async def test_pages_are_newest_first_in_both_directions(store: Any) -> None:
    for number in range(1, 6):
        await store.register(a_file(number))
    await store.register(a_file(6, workload="other"))
    await store.register(a_file(7, surface="vertex"))
    assert await ids(store) == (["file_5", "file_4"], True)
    assert await ids(store, after="file_4") == (["file_3", "file_2"], True)
    assert await ids(store, after="file_2") == (["file_1"], False)
    assert await ids(store, before="file_2") == (["file_4", "file_3"], True)
    assert await ids(store, before="file_4") == (["file_5"], False)
    assert await ids(store, ("vertex",)) == (["file_7"], False)


async def test_what_is_forgotten_is_gone_and_still_bounds_a_page(store: Any) -> None:
    for number in range(1, 4):
        await store.register(a_file(number))
    await store.forget(a_file(2))
    await store.forget(a_file(2))
    assert await store.owner("file", "file_2") is None
    assert await ids(store, limit=9) == (["file_3", "file_1"], False)
    assert await ids(store, after="file_2") == (["file_1"], False)


async def test_metered_is_remembered(store: Any) -> None:
    await store.register(a_file(1))
    await store.metered(a_file(1))
    assert await store.owner("file", "file_1") == a_file(1, metered=True)
    assert (await store.listing("file", "chat", ALL, limit=1))[0] == (a_file(1, metered=True),)


async def test_owners_outlive_the_process(tmp_path: Path) -> None:
    with world.ledger(tmp_path) as ledger:
        await ledger.resources.register(a_file(1))
    with world.ledger(tmp_path) as ledger:
        assert await ledger.resources.owner("file", "file_1") == a_file(1)
        assert ledger.verify() == ()


def test_a_request_of_a_batch_is_given_up_later_than_others_and_its_true_end_still_counts(tmp_path: Path) -> None:
    clock = world.clock()
    with world.ledger(tmp_path, clock=clock) as ledger:
        starts = [world.opened("m"), world.opened("b", endpoint="batches", max_output_tokens=10, prompt_bytes=8)]
        assert all(isinstance(result, str) for result in ledger._commit(starts))
        clock.advance(timedelta(hours=25))
        assert [rating.event_id for rating in ledger.reap()] == ["m"]
        clock.advance(timedelta(hours=24))
        assert [rating.event_id for rating in ledger.reap()] == ["b"]
        assert ledger.rating("b").amount is None
        end = Closed("b", clock.now(), Outcome.OK, Usage(input=2, output=3), Quality.EXACT)
        assert isinstance(_one(ledger, end), str)
        # 2 x 5 + 3 x 25 USD per million tokens
        assert str(ledger.rating("b").amount) == "0.000085"


def _one(ledger: Ledger, end: Closed) -> object:
    return next(iter(ledger._commit([end])))
