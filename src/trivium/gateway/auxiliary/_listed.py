"""Pages of what a workload owns: the order and the bounds are ours, each entry is the surface's own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from trivium.core import Resource
from trivium.gateway.auxiliary._asked import KINDS, PageAsked, cursor_after, page_asked
from trivium.gateway.auxiliary._desk import Desk

State = Callable[[Resource], Awaitable[bytes | None]]
_AT_A_TIME = 8
_JSON = {"content-type": "application/json"}


async def answer_list(desk: Desk, state: State) -> None:
    """Answer with a page. A surface that cannot be asked fails the page: a list with gaps would look complete."""
    asked = page_asked(desk.call.query)
    shown, more = await (_named(desk, asked.ids, state) if asked.ids else _page(desk, asked, state))
    if not shown and not more:
        desk.places()  # says so where no surface of the workload has such things
    first = shown[0][0].resource_id if shown else None
    last = shown[-1][0].resource_id if shown else None
    document: dict[str, object] = {
        "data": [msgspec.Raw(body) for _, body in shown],
        "has_more": more,
        "first_id": first,
        "last_id": last,
    }
    if desk.call.wanted.endpoint == "files":
        document["next_page"] = cursor_after(last) if more and last and not asked.before else None
    await desk.reply.whole(200, msgspec.json.encode(document), _JSON)


async def _page(desk: Desk, asked: PageAsked, state: State) -> tuple[list[tuple[Resource, bytes]], bool]:
    """Pages of the register until this one is full: what a surface no longer has leaves room."""
    call = desk.call
    shown: list[tuple[Resource, bytes]] = []
    after, before, more = asked.after, asked.before, True
    while more and len(shown) < asked.limit:
        found, more = await desk.resources.listing(
            KINDS[call.wanted.endpoint],
            call.key.workload,
            desk.visible(),
            limit=asked.limit - len(shown),
            after=after,
            before=before,
        )
        if not found:
            return shown, False
        there = await _there(found, state)
        if before and not after:
            shown, before = there + shown, found[0].resource_id
        else:
            shown, after = shown + there, found[-1].resource_id
    return shown, more


async def _named(desk: Desk, ids: Sequence[str], state: State) -> tuple[list[tuple[Resource, bytes]], bool]:
    found = [await desk.resources.owner(KINDS[desk.call.wanted.endpoint], each) for each in ids]
    mine = [
        each for each in found if each and each.workload == desk.call.key.workload and each.surface in desk.visible()
    ]
    return await _there(mine, state), False


async def _there(resources: Sequence[Resource], state: State) -> list[tuple[Resource, bytes]]:
    turns = asyncio.Semaphore(_AT_A_TIME)

    async def one(resource: Resource) -> bytes | None:
        async with turns:
            return await state(resource)

    bodies = await asyncio.gather(*(one(resource) for resource in resources))
    return [(resource, body) for resource, body in zip(resources, bodies, strict=True) if body is not None]
