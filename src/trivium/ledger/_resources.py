"""Batches and files in the ledger: registered, metered and forgotten by appending."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Select, and_, exists, select

from trivium.core import Clock, DuplicateEvent, Resource, ResourceKind
from trivium.ledger import _rows as rows
from trivium.ledger._schema import resource_marks, resources
from trivium.ledger._store import Store

_METERED, _FORGOTTEN = "metered", "forgotten"


class ResourceStore:
    """Who owns a batch or a file. Every call runs in a thread and returns when what it wrote is durable."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def register(self, resource: Resource) -> None:
        """Write down an owner; the same again changes nothing, another one raises DuplicateEvent."""
        await asyncio.to_thread(self._register, resource)

    async def owner(self, kind: ResourceKind, resource_id: str) -> Resource | None:
        """The resource of an id, None if it was never registered or is forgotten."""
        return await asyncio.to_thread(self._owner, kind, resource_id)

    async def listing(
        self,
        kind: ResourceKind,
        workload: str,
        surfaces: Sequence[str],
        *,
        limit: int,
        after: str = "",
        before: str = "",
    ) -> tuple[tuple[Resource, ...], bool]:
        """A page of a workload's resources, newest first, and whether more follow in the direction of the paging.

        `after` and `before` are ids, forgotten ones included; an unknown one is no bound.
        """
        return await asyncio.to_thread(self._listing, kind, workload, surfaces, limit, after, before)

    async def metered(self, resource: Resource) -> None:
        """Every result of this batch is in the ledger."""
        await asyncio.to_thread(self._mark, resource, _METERED)

    async def forget(self, resource: Resource) -> None:
        """It was deleted, or the surface no longer has it."""
        await asyncio.to_thread(self._mark, resource, _FORGOTTEN)

    def _register(self, resource: Resource) -> None:
        values = {
            "kind": resource.kind,
            "resource_id": resource.resource_id,
            "surface": resource.surface,
            "workload": resource.workload,
            "key_id": resource.key_id,
            "request_id": resource.request_id,
            "created_at_us": rows.to_us(resource.created_at),
        }
        with self._store.writing() as connection:
            known = connection.execute(_of(resource.kind, resource.resource_id)).mappings().first()
            if known is None:
                connection.execute(resources.insert().values(**values))
            elif replace(_resource(known), metered=False) != replace(resource, metered=False):
                raise DuplicateEvent(f"{resource.kind} {resource.resource_id} is known with another owner or surface")

    def _owner(self, kind: ResourceKind, resource_id: str) -> Resource | None:
        with self._store.reading() as connection:
            row = connection.execute(_of(kind, resource_id).where(~_has(_FORGOTTEN))).mappings().first()
        return None if row is None else _resource(row)

    def _listing(
        self, kind: ResourceKind, workload: str, surfaces: Sequence[str], limit: int, after: str, before: str
    ) -> tuple[tuple[Resource, ...], bool]:
        with self._store.reading() as connection:
            older_than, newer_than = _seq(connection, kind, after), _seq(connection, kind, before)
            query = (
                select(resources, _has(_METERED).label(_METERED))
                .where(resources.c.kind == kind, resources.c.workload == workload, ~_has(_FORGOTTEN))
                .where(resources.c.surface.in_(tuple(surfaces)))
                .limit(limit + 1)
            )
            if older_than is not None:
                query = query.where(resources.c.seq < older_than)
            if newer_than is not None:
                query = query.where(resources.c.seq > newer_than)
            backwards = newer_than is not None and older_than is None
            query = query.order_by(resources.c.seq if backwards else resources.c.seq.desc())
            found = [_resource(row) for row in connection.execute(query).mappings()]
        shown = found[:limit]
        return tuple(reversed(shown) if backwards else shown), len(found) > limit

    def _mark(self, resource: Resource, mark: str) -> None:
        with self._store.writing() as connection:
            seq = _seq(connection, resource.kind, resource.resource_id)
            known = select(resource_marks.c.mark).where(
                resource_marks.c.resource_seq == seq, resource_marks.c.mark == mark
            )
            if seq is not None and connection.execute(known).first() is None:
                now_us = rows.to_us(self._clock.now())
                connection.execute(resource_marks.insert().values(resource_seq=seq, mark=mark, at_us=now_us))


def _has(mark: str) -> Any:
    """Whether the resource of a row carries a mark."""
    return exists().where(and_(resource_marks.c.resource_seq == resources.c.seq, resource_marks.c.mark == mark))


def _of(kind: str, resource_id: str) -> Select[Any]:
    query = select(resources, _has(_METERED).label(_METERED))
    return query.where(resources.c.kind == kind, resources.c.resource_id == resource_id)


def _seq(connection: Connection, kind: str, resource_id: str) -> int | None:
    if not resource_id:
        return None
    query = select(resources.c.seq).where(resources.c.kind == kind, resources.c.resource_id == resource_id)
    found: int | None = connection.execute(query).scalar()
    return found


def _resource(row: Mapping[Any, Any]) -> Resource:
    return Resource(
        kind=row["kind"],
        resource_id=row["resource_id"],
        surface=row["surface"],
        workload=row["workload"],
        key_id=row["key_id"],
        request_id=row["request_id"],
        created_at=rows.from_us(row["created_at_us"]),
        metered=bool(row[_METERED]),
    )
