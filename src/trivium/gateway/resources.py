"""Owners of batches and files in memory: for a gateway without a ledger, and for tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from trivium.core import DuplicateEvent, Resource, ResourceKind


class MemoryResources:
    """A `Resources` that lasts as long as the process."""

    def __init__(self) -> None:
        self._known: dict[tuple[ResourceKind, str], Resource] = {}  # in the order of their registration
        self._forgotten: set[tuple[ResourceKind, str]] = set()

    async def register(self, resource: Resource) -> None:
        """Remember an owner; another one for the same id raises DuplicateEvent."""
        known = self._known.setdefault((resource.kind, resource.resource_id), resource)
        if replace(known, metered=resource.metered) != resource:
            raise DuplicateEvent(f"{resource.kind} {resource.resource_id} is known with another owner or surface")

    async def owner(self, kind: ResourceKind, resource_id: str) -> Resource | None:
        """The resource of an id, None if it was never registered or is forgotten."""
        key = (kind, resource_id)
        return None if key in self._forgotten else self._known.get(key)

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
        """A page, newest first, and whether more follow in the direction of the paging."""
        newest = [key for key in reversed(self._known) if key[0] == kind]
        start = newest.index((kind, after)) + 1 if (kind, after) in self._known else 0
        end = newest.index((kind, before)) if (kind, before) in self._known else len(newest)
        found = [
            self._known[key]
            for key in newest[start:end]
            if key not in self._forgotten
            and self._known[key].workload == workload
            and self._known[key].surface in surfaces
        ]
        if end < len(newest) and not start:
            return tuple(found[-limit:]), len(found) > limit
        return tuple(found[:limit]), len(found) > limit

    async def metered(self, resource: Resource) -> None:
        """Every result of this batch is recorded."""
        key = (resource.kind, resource.resource_id)
        self._known[key] = replace(self._known[key], metered=True)

    async def forget(self, resource: Resource) -> None:
        """It was deleted, or the surface no longer has it."""
        self._forgotten.add((resource.kind, resource.resource_id))
