"""Files: uploaded to a surface that the workload's routes lead to, and seen by that workload alone."""

from __future__ import annotations

import msgspec

from trivium.core import LedgerError, Resource, TriviumError
from trivium.gateway.admit import NO_RETRY
from trivium.gateway.auxiliary._asked import ROOTS
from trivium.gateway.auxiliary._desk import Desk, Failed, unknown
from trivium.gateway.flight import later, unbroken
from trivium.gateway.late import REFUSALS
from trivium.gateway.seams import TransportError
from trivium.gateway.wire.decode import broken
from trivium.gateway.wire.headers import client_headers

_ROOT = ROOTS["files"]
_JSON = {"content-type": "application/json"}


class Files:
    """Serves one request."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def create(self) -> None:
        """Upload the client's bytes as they are, then register the file."""
        await unbroken(self._upload(self._desk.places()[0]))

    async def _upload(self, name: str) -> None:
        desk, call = self._desk, self._desk.call
        body, headers = await desk.fetch(name, call.errand(body=call.data))
        resource = Resource("file", _id_of(body), name, call.key.workload, call.key.key_id, call.request_id, call.at)
        try:
            await desk.resources.register(resource)
        except REFUSALS as error:
            later(self._remove(resource))
            desk.reply.headers |= NO_RETRY
            raise LedgerError("the file could not be registered and is deleted") from error
        await desk.reply.whole(200, body, headers)

    async def _remove(self, resource: Resource) -> None:
        try:
            await self._desk.fetch(resource.surface, self._desk.call.errand("DELETE", _path(resource)))
        except TriviumError:
            return  # it costs nothing, and nobody knows its id

    async def read(self) -> None:
        """What the surface knows of a file."""
        body = await self.state(await self._desk.owned())
        if body is None:
            raise unknown(self._desk.call)
        await self._desk.reply.whole(200, body, _JSON)

    async def state(self, resource: Resource) -> bytes | None:
        """The file's description; None if it is gone."""
        try:
            return (await self._desk.fetch(resource.surface, self._desk.call.errand("GET", _path(resource))))[0]
        except Failed as failed:
            if failed.missing:  # remembered all the same: a wrong address or account is mended, a row is not
                return None
            raise

    async def content(self) -> None:
        """The file's bytes as they come."""
        desk = self._desk
        resource = await desk.owned()
        inbound = await desk.send(resource.surface, desk.call.errand(accept="application/binary"))
        headers, stall_s = client_headers(inbound.headers), desk.parts.tools.settings.stall_s
        try:
            await desk.reply.pass_on(b"", headers, stall_s)
            async for chunk in inbound.chunks():
                await desk.reply.pass_on(chunk, headers, stall_s)
                if desk.reply.ended:
                    return
        except TransportError as error:
            raise Failed(broken(resource.surface, str(error))) from error
        finally:
            await inbound.close()
        await desk.reply.end()

    async def delete(self) -> None:
        """Delete at the surface, then forget."""
        resource = await self._desk.owned()
        try:
            body, headers = await self._desk.fetch(resource.surface, self._desk.call.errand())
        except Failed as failed:
            if failed.missing:
                await self._desk.resources.forget(resource)
            raise
        await self._desk.resources.forget(resource)
        await self._desk.reply.whole(200, body, headers)


def _path(resource: Resource) -> str:
    return f"{_ROOT}/{resource.resource_id}"


def _id_of(body: bytes) -> str:
    try:
        found = msgspec.json.decode(body)["id"]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, TypeError):
        found = None
    if not isinstance(found, str) or not found:
        raise Failed(broken("files", "the answer names no file"))
    return found
