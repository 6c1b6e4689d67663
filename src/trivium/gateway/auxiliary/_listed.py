"""Pages of what a workload owns: the order and the bounds are ours, each entry is the surface's own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from trivium.core import Resource
from trivium.gateway.auxiliary._asked import KINDS, PageAsked, cursor_after, page_asked
from trivium.gateway.auxiliary._desk import Desk

State = Callable[[Resource], Awaitable[bytes | None]]
_AT_A_TIME = 8
_ROUNDS_MAX = 10  # a page may stay short where surfaces have lost most of what was made there
_JSON = {"content-type": "application/json"}


async def answer_list(desk: Desk, state: State) -> None:
    """Answer with a page. A surface that cannot be asked fails the page: a list with gaps would look complete."""
    asked = page_asked(desk.call.query)
    page = await (_named(desk, asked.ids, state) if asked.ids else _page(desk, asked, state))
    if not page.bodies and not page.more:
        desk.places()  # says so where no surface of the workload has such things
    document: dict[str, object] = {
        "data": [msgspec.Raw(body) for body in page.bodies],
        "has_more": page.more,
        "first_id": page.first,
        "last_id": page.last,
    }
    if desk.call.wanted.endpoint == "files":
        document["next_page"] = cursor_after(page.last) if page.more and page.last and not asked.before else None
    await desk.reply.whole(200, msgspec.json.encode(document), _JSON)


@dataclass(slots=True)
class _Page:
    """Bodies to show, and the ids between which they were looked for: those of the first and the last one, mostly."""

    bodies: list[bytes] = field(default_factory=list)
    more: bool = True
    first: str | None = None
    last: str | None = None


async def _page(desk: Desk, asked: PageAsked, state: State) -> _Page:
    """Pages of the register until this one is full: what a surface no longer has leaves room."""
    call, page = desk.call, _Page()
    after, before = asked.after, asked.before
    for _ in range(_ROUNDS_MAX):
        if not page.more or len(page.bodies) == asked.limit:
            break
        found, page.more = await desk.resources.listing(
            KINDS[call.wanted.endpoint],
            call.key.workload,
            desk.visible(),
            limit=asked.limit - len(page.bodies),
            after=after,
            before=before,
        )
        if not found:
            break
        there = await _there(found, state)
        first, last = found[0].resource_id, found[-1].resource_id
        if before and not after:
            page.bodies, page.first, page.last, before = there + page.bodies, first, page.last or last, first
        else:
            page.bodies, page.first, page.last, after = page.bodies + there, page.first or first, last, last
    return page


async def _named(desk: Desk, ids: Sequence[str], state: State) -> _Page:
    found = [await desk.resources.owner(KINDS[desk.call.wanted.endpoint], each) for each in ids]
    mine = [
        each for each in found if each and each.workload == desk.call.key.workload and each.surface in desk.visible()
    ]
    first, last = (mine[0].resource_id, mine[-1].resource_id) if mine else (None, None)
    return _Page(await _there(mine, state), more=False, first=first, last=last)


async def _there(resources: Sequence[Resource], state: State) -> list[bytes]:
    """What the surfaces tell of each, without those that they no longer have."""
    turns = asyncio.Semaphore(_AT_A_TIME)

    async def one(resource: Resource) -> bytes | None:
        async with turns:
            return await state(resource)

    return [body for body in await asyncio.gather(*map(one, resources)) if body is not None]
