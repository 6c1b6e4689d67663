"""Message Batches and files: passed to the surface that keeps them, shown to their owner alone.

A failure here is a circuit of its own and never one of messages; a surface without the endpoint is told as 501.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable

from trivium.core import KeyRecord, Retry
from trivium.gateway.admit import NO_RETRY, Refused
from trivium.gateway.auxiliary._asked import Action, Call, Wanted, address_of, methods_at, wanted
from trivium.gateway.auxiliary._batches import Batches, Running
from trivium.gateway.auxiliary._desk import Desk, Failed
from trivium.gateway.auxiliary._files import Files
from trivium.gateway.auxiliary._listed import answer_list
from trivium.gateway.auxiliary._pinned import files_in, pin_of
from trivium.gateway.pump import Parts
from trivium.gateway.reply import Reply
from trivium.gateway.seams import GatewaySettings, Pin, Resources
from trivium.gateway.wire.body import Body

__all__ = ["Auxiliary", "Call", "Wanted", "address_of", "methods_at", "wanted"]

_ERROR, _TOO_MANY = 400, 429
_UNNAMED_WAIT_S = 5.0  # told where a surface names no time, as with messages
_log = logging.getLogger("trivium.gateway")


class Auxiliary:
    """Serves what is about batches and files; lasts as long as the gateway."""

    def __init__(self, resources: Resources) -> None:
        self.resources = resources
        self._running = Running()
        self._uploads = 0

    def bytes_max(self, asked: Wanted, settings: GatewaySettings) -> int:
        """How large a body may be."""
        if not asked.upload:
            return settings.body_bytes_max
        return settings.file_bytes_max if asked.endpoint == "files" else settings.batch_bytes_max

    def begin(self, asked: Wanted, settings: GatewaySettings) -> None:
        """A request begins; raises Refused where as many large bodies are in memory as may be. `end` it in any case."""
        if asked.upload and self._uploads >= settings.uploads_max:
            message = f"{self._uploads} batches or files are being sent already: wait for one to end"
            raise Refused(529, "overloaded_error", message, {"retry-after": "5"})
        self._uploads += asked.upload

    def end(self, asked: Wanted) -> None:
        """The request is over."""
        self._uploads -= asked.upload

    async def pin(self, body: Body, key: KeyRecord, settings: GatewaySettings) -> Pin | None:
        """Where a message must go for the files it names; raises Refused for files of others."""
        named = files_in(body)
        return await pin_of(named, self.resources, key, settings) if named else None

    def rest(self) -> None:
        """Begin nothing beside requests any more: the gateway is shutting down, and the next one will see to it."""
        self._running.rest()

    async def serve(self, parts: Parts, call: Call, reply: Reply) -> None:
        """Answer one request; raises Refused and other errors of ours while nothing has been said."""
        desk = Desk(parts, self.resources, call, reply)
        try:
            await self._of(desk, call.wanted)()
        except Failed as failed:
            if not reply.started:
                await _tell(failed, reply)
        finally:
            # An error's words behind the bytes of a file would be taken for its end.
            if reply.started and not reply.ended:
                reply.abandon()
            _log.info(
                "request=%s key=%s workload=%s endpoint=%s action=%s status=%d",
                *(call.request_id, call.key.key_id, call.key.workload),
                *(call.wanted.endpoint, call.wanted.action, reply.status),
            )

    def _of(self, desk: Desk, asked: Wanted) -> Callable[[], Awaitable[None]]:
        batches, files = Batches(desk, self._running), Files(desk)
        if asked.action == "list":
            state = files.state if asked.endpoint == "files" else batches.state
            return lambda: answer_list(desk, state)
        table: dict[tuple[str, Action], Callable[[], Awaitable[None]]] = {
            ("batches", "create"): batches.create,
            ("batches", "read"): batches.read,
            ("batches", "results"): batches.results,
            ("batches", "cancel"): batches.cancel,
            ("batches", "delete"): batches.delete,
            ("files", "create"): files.create,
            ("files", "read"): files.read,
            ("files", "content"): files.content,
            ("files", "delete"): files.delete,
        }
        return table[asked.endpoint, asked.action]


async def _tell(failed: Failed, reply: Reply) -> None:
    """A surface's refusal, in its own words where it speaks the wire."""
    failure = failed.failure
    headers: dict[str, str] = {}
    wait_s = failure.error.retry_after_s
    if wait_s is None and failure.status == _TOO_MANY:
        wait_s = _UNNAMED_WAIT_S
    if wait_s is not None:
        headers["retry-after"] = str(math.ceil(wait_s))
    if failure.error.retry is Retry.NEVER:
        headers |= NO_RETRY
    await reply.refuse(failure.status if failure.status >= _ERROR else 502, failure.body, headers)
