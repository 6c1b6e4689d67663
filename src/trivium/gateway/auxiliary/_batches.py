"""Message Batches: made under a hold of the budget, shown to their owner, each result recorded once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import msgspec

from trivium.core import (
    NO_USAGE,
    UNKNOWN_USAGE,
    Closed,
    FactError,
    LedgerError,
    Opened,
    Outcome,
    Quality,
    Resource,
    TriviumError,
)
from trivium.gateway.admit import NO_RETRY
from trivium.gateway.auxiliary._asked import ROOTS
from trivium.gateway.auxiliary._desk import Desk, Failed, unknown
from trivium.gateway.auxiliary._making import Fitted, Item, fit, models_of, read_items
from trivium.gateway.auxiliary._meter import End, Lines, ending, record
from trivium.gateway.auxiliary._pinned import files_in, pin_of
from trivium.gateway.flight import later, unbroken
from trivium.gateway.late import REFUSALS
from trivium.gateway.seams import Admission, AdmissionRequest, Admitted, Errand, Failure, Inbound, TransportError
from trivium.gateway.wire.body import Body
from trivium.gateway.wire.decode import broken
from trivium.gateway.wire.headers import client_headers

_ROOT = ROOTS["batches"]
_JSON = {"content-type": "application/json"}
_ENDED = "ended"
_RECORDED_AT_ONCE = 1000
_METER_AFTER_S = 1.0
_INLINE_BYTES = 1024 * 1024  # parsing more than this would hold up the event loop
Pass = Callable[[bytes], Awaitable[None]]
_log = logging.getLogger("trivium.gateway")


@dataclass(frozen=True, slots=True)
class Grant:
    """A hold of a batch, and the attempts it covers."""

    admission: Admission
    admitted: Admitted
    event_ids: frozenset[str]


@dataclass(slots=True)
class Running:
    """What a process remembers of batches between requests; all of it may be lost."""

    grants: dict[str, tuple[Grant, ...]] = field(default_factory=dict)  # by batch
    noticed: dict[str, asyncio.TimerHandle] = field(default_factory=dict)  # batches that ended, about to be metered
    reading: set[str] = field(default_factory=set)  # batches whose results a client is reading
    resting: bool = False  # the gateway is shutting down
    patience_s: float = 48 * 3600  # by then the ledger gives up attempts whose results nobody read

    def rest(self) -> None:
        """Meter nothing beside requests any more."""
        self.resting = True
        for timer in self.noticed.values():
            timer.cancel()
        self.noticed.clear()

    def keep(self, batch_id: str, grants: tuple[Grant, ...]) -> None:
        """Remember what covers a batch until its results are read, or until nobody will read them any more."""
        self.grants[batch_id] = grants
        asyncio.get_running_loop().call_later(self.patience_s, lambda: later(self.settle(batch_id, ())))

    async def settle(self, batch_id: str, ends: Sequence[Closed]) -> None:
        """Settle what covers a batch, once."""
        await _settle(self.grants.pop(batch_id, ()), ends)


class Batches:
    """Serves one request."""

    def __init__(self, desk: Desk, running: Running) -> None:
        self._desk = desk
        self._running = running

    async def create(self) -> None:
        """Check, hold, open an attempt for each request, send, register."""
        desk, call = self._desk, self._desk.call
        if len(call.data) > _INLINE_BYTES:
            body, items = await asyncio.to_thread(self._read)
        else:
            body, items = self._read()
        name = await self._place(items)
        fitted = (
            await asyncio.to_thread(fit, desk, name, body, items)
            if len(call.data) > _INLINE_BYTES
            else fit(desk, name, body, items)
        )
        desk.note(fitted.notes)
        grants = await self._hold(items, fitted)
        await unbroken(self._make(name, fitted, grants))

    def _read(self) -> tuple[Body, tuple[Item, ...]]:
        body = Body(self._desk.call.data)
        return body, read_items(self._desk.call, body, self._desk.parts.facts)

    async def _place(self, items: Sequence[Item]) -> str:
        """The surface: where the files lie that requests name, else the best that all models reach."""
        desk = self._desk
        named = [file_id for item in items for file_id in files_in(item.request.body)]
        pin = await pin_of(dict.fromkeys(named), desk.resources, desk.call.key, desk.parts.tools.settings)
        places = desk.places(models_of(items))
        if pin is not None and pin.surface not in places:
            raise pin.elsewhere(", ".join(models_of(items)))
        return places[0] if pin is None else pin.surface

    async def _hold(self, items: Sequence[Item], fitted: Fitted) -> tuple[Grant, ...]:
        """One hold a model, for the worst case of all its requests together at the tier of batches."""
        call, admission = self._desk.call, self._desk.parts.admission
        grants: list[Grant] = []
        for model in models_of(items):
            mine = [start for item, start in zip(items, fitted.opened, strict=True) if item.request.model == model]
            request = AdmissionRequest(
                request_id=call.request_id,
                at=call.at,
                key=call.key,
                model=model,
                endpoint="batches",
                stream=False,
                session="",
                prompt_bytes=sum(start.prompt_bytes for start in mine),
                max_output_tokens=sum(start.max_output_tokens or 0 for start in mine),
                offers=tuple(dict.fromkeys(start.offer for start in mine)),
            )
            async with AsyncExitStack() as refused:  # nothing will be sent then: what is held already is given back
                refused.push_async_callback(lambda: unbroken(_settle(grants, ())))
                admitted = await self._desk.admit(request)
                refused.pop_all()
            grants.append(Grant(admission, admitted, frozenset(start.event_id for start in mine)))
            self._desk.reply.headers |= admitted.headers
        return tuple(grants)

    async def _make(self, name: str, fitted: Fitted, grants: tuple[Grant, ...]) -> None:
        desk, call = self._desk, self._desk.call
        opened: list[Opened] = []
        try:
            await self._open(fitted.opened, opened)
            body, headers = await desk.fetch(name, call.errand(body=fitted.body))
            batch_id = _id_of(body)
        except Exception as error:  # whatever it was: recorded for every request, and raised again
            ends = tuple(_unmade(start, error) for start in opened)
            await record(desk.parts.tools.sink, desk.parts.tools.metrics, [End(closed) for closed in ends])
            await _settle(grants, ends)
            if not _nothing_made(error):
                desk.reply.headers |= NO_RETRY  # it may have been made: made twice it would be paid twice
            raise
        resource = Resource("batch", batch_id, name, call.key.workload, call.key.key_id, call.request_id, call.at)
        try:
            await desk.resources.register(resource)
        except REFUSALS as error:
            _log.error("ledger refused the owner of batch=%s: it is cancelled", batch_id)
            later(self._cancel(resource))
            await _settle(grants, ())
            desk.reply.headers |= NO_RETRY
            raise LedgerError("the batch could not be registered and is cancelled") from error
        if any(grant.admitted.hold_id for grant in grants):
            self._running.keep(batch_id, grants)
        else:  # nothing is held, so nothing has to be remembered of each request
            await _settle(grants, ())
        await desk.reply.whole(200, self._ours(body), headers)

    async def _open(self, wanted: Sequence[Opened], opened: list[Opened]) -> None:
        """Make every attempt durable before the surface hears of it."""
        sink, metrics = self._desk.parts.tools.sink, self._desk.parts.tools.metrics
        for start in range(0, len(wanted), _RECORDED_AT_ONCE):
            part = wanted[start : start + _RECORDED_AT_ONCE]
            results = await asyncio.gather(*(sink.opened(each) for each in part), return_exceptions=True)
            opened += [each for each, result in zip(part, results, strict=True) if result is None]
            for result in results:
                if isinstance(result, REFUSALS):
                    metrics.ledger_errors.labels("opened").inc()
                    raise LedgerError("the opened records of a batch could not be kept") from result
                if isinstance(result, BaseException):
                    raise result

    async def _cancel(self, resource: Resource) -> None:
        try:
            await self._desk.fetch(resource.surface, self._errand(resource, "POST", "/cancel"))
        except TriviumError as error:
            _log.error("batch=%s could not be cancelled: %s", resource.resource_id, type(error).__name__)

    async def read(self) -> None:
        """The state of a batch; one that has ended is metered beside the request."""
        resource = await self._desk.owned()
        body = await self.state(resource)
        if body is None:
            raise unknown(self._desk.call)
        await self._desk.reply.whole(200, body, _JSON)

    async def state(self, resource: Resource) -> bytes | None:
        """The batch as its surface tells it, with our own address for its results; None if it is gone."""
        try:
            body, _ = await self._desk.fetch(resource.surface, self._errand(resource, "GET"))
        except Failed as failed:
            if failed.missing:  # remembered all the same: a wrong address or account is mended, a row is not
                return None
            raise
        self._notice(resource, body)
        return self._ours(body)

    async def cancel(self) -> None:
        """Ask the surface to stop."""
        resource = await self._desk.owned()
        body, headers = await self._desk.fetch(resource.surface, self._errand(resource, "POST", "/cancel"))
        self._notice(resource, body)
        await self._desk.reply.whole(200, self._ours(body), headers)

    async def delete(self) -> None:
        """Delete; its results are read before, as nobody could read them afterwards."""
        resource = await self._desk.owned()
        if not resource.metered:
            seen = await self.state(resource)
            if seen is not None and _readable(seen):
                await self._meter(resource)
        try:
            body, headers = await self._desk.fetch(resource.surface, self._errand(resource, "DELETE"))
        except Failed as failed:
            if failed.missing:
                await self._desk.resources.forget(resource)
            raise
        await self._desk.resources.forget(resource)
        await self._desk.reply.whole(200, body, headers)

    async def results(self) -> None:
        """The results as they come, byte for byte; what they consumed is recorded before the client has it."""
        desk = self._desk
        resource = await desk.owned()
        inbound = await self._ask_results(resource)
        headers = client_headers(inbound.headers)
        self._running.reading.add(resource.resource_id)
        try:
            await self._through(resource, inbound, lambda data: desk.reply.pass_on(data, headers, self._stall_s))
        finally:
            self._running.reading.discard(resource.resource_id)
        if not desk.reply.started:  # nothing in it
            await desk.reply.pass_on(b"", headers, self._stall_s)
        await desk.reply.end()

    @property
    def _stall_s(self) -> float:
        return self._desk.parts.tools.settings.stall_s

    async def _ask_results(self, resource: Resource) -> Inbound:
        errand = self._errand(resource, "GET", "/results", accept="application/binary")
        return await self._desk.send(resource.surface, errand)

    async def _through(self, resource: Resource, inbound: Inbound, pass_on: Pass | None) -> None:
        """Read results to their end, recording each line, then hand the bytes on."""
        desk, tools = self._desk, self._desk.parts.tools
        grants = self._running.grants.get(resource.resource_id, ())
        lines, ends, durable = Lines(), list[Closed](), list[bool]()

        async def take(found: Sequence[bytes]) -> None:
            read = (ending(line, resource.request_id, resource.resource_id, desk.call.at) for line in found)
            known = [end for end in read if end is not None]
            if len(known) < len(found):
                _log.warning("results of batch=%s have lines that are no results", resource.resource_id)
            if not resource.metered:
                recorded = await record(tools.sink, tools.metrics, known)
                self._count(resource, recorded.new)
                durable.append(recorded.durable)
            if grants:
                ends.extend(end.closed for end in known)

        try:
            async for chunk in inbound.chunks():
                await take(lines.feed(chunk))
                if pass_on is not None:
                    await pass_on(chunk)
            await take(lines.finish())
        except TransportError as error:
            raise Failed(broken(resource.surface, str(error))) from error
        finally:
            await inbound.close()
        await self._running.settle(resource.resource_id, ends)
        if not resource.metered and all(durable):
            try:
                await desk.resources.metered(resource)
            except REFUSALS as error:  # the ends themselves are in the ledger: whoever reads them next says so again
                _log.warning("batch=%s could not be marked as metered: %s", resource.resource_id, type(error).__name__)

    def _count(self, resource: Resource, ends: Sequence[End]) -> None:
        """Show the tokens of what was new; a name that the catalogue does not know is none for a label."""
        tools, name = self._desk.parts.tools, resource.surface.partition("/")[0]
        for end in ends:
            try:
                model = self._desk.parts.facts.model_id(end.model)
            except FactError:
                model = "unknown"
            tools.metrics.consumed(name, model, resource.workload, end.closed.usage)

    def _notice(self, resource: Resource, body: bytes) -> None:
        """Meter a batch that is seen to have ended, once, beside the request that saw it."""
        running = self._running
        if running.resting or resource.metered or resource.resource_id in running.noticed or not _readable(body):
            return
        # Most clients ask for the results at once, and then they are metered on their way.
        timer = asyncio.get_running_loop().call_later(_METER_AFTER_S, lambda: later(self._meter_beside(resource)))
        running.noticed[resource.resource_id] = timer

    async def _meter_beside(self, resource: Resource) -> None:
        try:
            known = await self._desk.resources.owner("batch", resource.resource_id)
            if known is not None and not known.metered and resource.resource_id not in self._running.reading:
                await self._meter(known)
        except (TriviumError, OSError) as error:  # the next look at the batch tries again, and its results do it anyway
            _log.warning("results of batch=%s could not be read: %s", resource.resource_id, type(error).__name__)
        finally:
            self._running.noticed.pop(resource.resource_id, None)

    async def _meter(self, resource: Resource) -> None:
        await self._through(resource, await self._ask_results(resource), None)

    def _errand(self, resource: Resource, method: str, part: str = "", accept: str = "application/json") -> Errand:
        return self._desk.call.errand(method, f"{_ROOT}/{resource.resource_id}{part}", accept=accept)

    def _ours(self, body: bytes) -> bytes:
        """The surface's bytes, but for the address of the results: a client that follows it comes back here."""
        parsed = Body(body)
        if not isinstance(parsed.get("results_url"), str):
            return body
        call = self._desk.call
        address = f"{call.address}{call.wanted.prefix}{_ROOT}/{_id_of(body)}/results"
        return parsed.edit(replace={"results_url": msgspec.json.encode(address)})


async def _settle(grants: Sequence[Grant], ends: Sequence[Closed]) -> None:
    for grant in grants:
        mine = tuple(closed for closed in ends if closed.event_id in grant.event_ids)
        await grant.admission.settle(grant.admitted, mine)


def _nothing_made(error: Exception) -> bool:
    """Whether no batch was made, for certain: a defect of ours may have come after it was sent."""
    if isinstance(error, Failed):
        return error.failure.outcome is Outcome.REFUSED
    return isinstance(error, (TriviumError, *REFUSALS))


def _unmade(opened: Opened, error: Exception) -> Closed:
    """The end of an attempt of a batch that was refused, or of which nobody knows whether it was made."""
    failure: Failure | None = error.failure if isinstance(error, Failed) else None
    refused = _nothing_made(error)
    return Closed(
        opened.event_id,
        opened.at,
        Outcome.REFUSED if refused else Outcome.FAILED,
        NO_USAGE if refused else UNKNOWN_USAGE,
        Quality.EXACT if refused else Quality.UNKNOWN,
        http_status=failure.error.status if failure is not None else None,
        error_type=failure.error_type if failure is not None else type(error).__name__,
    )


def _readable(body: bytes) -> bool:
    """Whether a batch has results to read."""
    return _field(body, "processing_status") == _ENDED and bool(_field(body, "results_url"))


def _id_of(body: bytes) -> str:
    found = _field(body, "id")
    if not isinstance(found, str) or not found:
        raise Failed(broken("batch", "the answer names no batch"))
    return found


def _field(body: bytes, name: str) -> object:
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return decoded.get(name) if isinstance(decoded, dict) else None
