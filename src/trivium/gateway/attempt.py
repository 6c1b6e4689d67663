"""One attempt at one surface: opened before it is sent, closed once however it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import TracebackType

from trivium.core import (
    NO_USAGE,
    OWN_DEFECT,
    UNKNOWN_USAGE,
    Clock,
    Closed,
    LedgerError,
    Offer,
    Opened,
    Outcome,
    Quality,
    Retry,
    Sink,
    Target,
    UpstreamError,
    Usage,
    new_id,
)
from trivium.gateway.bounds import bounds_of, within
from trivium.gateway.flight import Cut, Flight, later, unbroken
from trivium.gateway.gate import Gate
from trivium.gateway.hedge import Lane
from trivium.gateway.late import NEVER, REFUSALS, offer_again
from trivium.gateway.leaving import ReadOn
from trivium.gateway.metrics import Metrics
from trivium.gateway.reply import Reply
from trivium.gateway.seams import (
    Decoder,
    Facts,
    Failure,
    GatewaySettings,
    Inbound,
    MessagesRequest,
    Outbound,
    Pin,
    SurfaceSettings,
    Transport,
    TransportError,
    Upstream,
)
from trivium.gateway.signers import Signers
from trivium.gateway.wire.decode import broken
from trivium.gateway.wire.errors import envelope
from trivium.gateway.wire.headers import client_headers

ERROR_BODY_BYTES_MAX = 1024 * 1024
_OK = range(200, 300)
_EVENTS, _JSON = "text/event-stream; charset=utf-8", "application/json"
_NS_PER_MS = 1_000_000
_log = logging.getLogger("trivium.gateway")


@dataclass(frozen=True, slots=True)
class Tools:
    """What an attempt works with; the same for all attempts of a request."""

    sink: Sink
    transport: Transport
    clock: Clock
    metrics: Metrics
    settings: GatewaySettings
    signers: Signers


@dataclass(frozen=True, slots=True)
class Order:
    """Who asked for what, and when."""

    request: MessagesRequest
    at: datetime
    began_ns: int
    workload: str
    key_id: str
    tags: Mapping[str, str]
    pin: Pin | None = None
    decision: str = ""  # why the attempt that follows goes where it goes


@dataclass(frozen=True, slots=True)
class Terms:
    """What an attempt goes by besides its timeouts: what errors mean, its client's leaving, the budget that pays."""

    facts: Facts
    read_on: ReadOn | None = None
    allows: Callable[[Offer, Usage], bool] | None = None


class Attempt:
    """Sends once and relays the answer. After `run`, `closed` tells how it ended."""

    def __init__(
        self,
        tools: Tools,
        order: Order,
        target: Target,
        upstream: Upstream,
        *,
        surface: SurfaceSettings,
        flight: Flight | Lane,
        reply: Reply | Lane,
        terms: Terms,
    ) -> None:
        self._tools = tools
        self._order = order
        self._target = target
        self._upstream = upstream
        self._surface = surface
        self._flight = flight
        self._reply = reply
        self._terms = terms
        self._offer = target.offer
        self._decoder: Decoder | None = None
        self._sent_ns: int | None = None
        self._content_ns: int | None = None
        self._outcome = Outcome.CANCELLED
        self._error_type = ""
        self._status: int | None = None
        self._upstream_id = ""
        self._body = b""
        self._headers: dict[str, str] = {}
        self.closed: Closed | None = None
        self.failure: Failure | None = None

    async def run(self, outbound: Outbound, number: int) -> Failure | None:
        """The failure, or None when the answer was delivered. Raises LedgerError when it may not be sent."""
        order = self._order
        request = order.request
        opened = Opened(
            event_id=new_id("evt", self._tools.clock),
            request_id=request.request_id,
            attempt=number,
            at=self._now(),
            offer=outbound.offer or self._target.offer,
            workload=order.workload,
            key_id=order.key_id,
            session=request.session,
            endpoint=request.endpoint,
            stream=request.stream,
            tags=order.tags,
            prompt_bytes=len(request.body.data),
            max_output_tokens=request.max_tokens,
            decision=order.decision,
        )
        self._offer = opened.offer
        await self._open(opened)
        self._reply.native = outbound.native
        async with _Recorded(self, opened):
            failure = await self._exchange(outbound)
        if failure is None and not request.stream:
            self._tools.signers.learn(self._surface.surface, self._body)
            await self._reply.answer(self._body, self._headers)
        elif self._reply.started:
            await self._reply.end()
        return failure

    async def settle(self, opened: Opened, error: BaseException | None) -> None:
        """Close the record of what was opened, after an error of our own as failed by it."""
        if isinstance(error, Exception):
            self._outcome, self._error_type = Outcome.FAILED, OWN_DEFECT + type(error).__name__
        await unbroken(self._close(opened))

    async def _open(self, opened: Opened) -> None:
        """Durable before the surface is called; if the client leaves meanwhile the record is closed as unsent."""
        try:
            with self._tools.metrics.ledger_pending.track_inprogress():
                await unbroken(self._tools.sink.opened(opened))
        except asyncio.CancelledError:
            await unbroken(self._close(opened))
            raise
        except REFUSALS as error:  # without a record nothing is sent
            self._tools.metrics.ledger_errors.labels("opened").inc()
            _log.error("ledger refused an opened record: %s", type(error).__name__)
            raise LedgerError("the opened record could not be kept") from error

    async def _exchange(self, outbound: Outbound) -> Failure | None:
        self._sent_ns = self._tools.clock.monotonic_ns()
        self._flight.read_on = self._terms.read_on
        try:
            inbound = await self._tools.transport.send(outbound, self._surface.timeouts)
        except TransportError as error:
            self._flight.read_on = None
            return self._failed(_unreachable(outbound.surface, error))
        try:
            self._status = inbound.status
            self._upstream_id = self._upstream.request_id(inbound.headers)
            return await self._receive(inbound)
        finally:
            self._flight.read_on = None  # from here on a client that leaves ends the request
            await inbound.close()

    async def _receive(self, inbound: Inbound) -> Failure | None:
        surface = self._surface.surface
        compressed = inbound.headers.get("content-encoding", "identity").strip().lower() != "identity"
        if inbound.status not in _OK:
            # A proxy on the way may compress its own refusal: the status alone says that nothing was billed.
            body = b"" if compressed else await read_error(inbound)
            return self._failed(self._upstream.classify(inbound.status, inbound.headers, body, self._terms.facts))
        if compressed:
            return self._failed(broken(surface, "the answer is compressed although identity was asked for"))
        request = self._order.request
        limits = self._tools.settings
        self._decoder = self._upstream.decoder(request, inbound.status, inbound.headers, limits, self._terms.facts)
        # What a decoder returns is events or JSON, whatever the surface wrapped them in.
        self._headers = client_headers(inbound.headers) | {"content-type": _EVENTS if request.stream else _JSON}
        if request.stream:
            with Gate(self._reply, self._flight, self._tools, self._headers) as gate:
                return await self._relay(inbound, self._decoder, gate)
        return await self._relay(inbound, self._decoder, None)

    async def _relay(self, inbound: Inbound, decoder: Decoder, gate: Gate | None) -> Failure | None:
        """Pass the answer on. Whole answers are kept until their record is closed."""
        try:
            failure = await self._read(inbound, decoder, gate)
        except TransportError as error:
            failure = broken(self._surface.surface, str(error))
        failure = decoder.failure or failure
        if self._flight.abandoned:
            return None  # named by `_cut_short`
        if failure is None and not decoder.complete:
            failure = broken(self._surface.surface, "the answer ended too early")
        if failure is not None and not decoder.complete:
            return await self._broke(failure, decoder)
        self._outcome = Outcome.OK
        if gate is not None:
            await gate.flush()
        return None

    async def _read(self, inbound: Inbound, decoder: Decoder, gate: Gate | None) -> Failure | None:
        """Chunk after chunk, until the end or until no more may be read."""
        try:
            async with asyncio.timeout(None) as patience:
                async for chunk in inbound.chunks():
                    data = decoder.feed(chunk)
                    if data:
                        await self._pass(data, decoder, gate)
                    if decoder.complete:
                        self._has_it_all(patience)
                    elif decoder.failure is not None or self._flight.enough(len(chunk)):
                        return None
                    elif decoder.quality is not Quality.EXACT and not self._allowed(decoder):  # counted is paid for
                        return _spent(self._surface.surface)
        except TimeoutError:
            return None  # complete, and its surface keeps the connection open behind it
        data = decoder.finish()
        if data:
            await self._pass(data, decoder, gate)
        return None

    def _has_it_all(self, patience: asyncio.Timeout) -> None:
        """The answer's last event is with the client: its leaving means nothing any more, and little may follow."""
        if patience.when() is None:
            patience.reschedule(asyncio.get_running_loop().time() + self._tools.settings.trail_s)
        self._flight.read_on = None
        if self._reply.started:
            self._reply.told()

    async def _pass(self, data: bytes, decoder: Decoder, gate: Gate | None) -> None:
        if self._content_ns is None and decoder.content_begun:
            self._content_ns = self._tools.clock.monotonic_ns()
        if gate is None:
            self._body += data
        else:
            self._tools.signers.learn(self._surface.surface, data)
            await gate.put(data, content=decoder.content_begun)

    async def _broke(self, failure: Failure, decoder: Decoder) -> Failure:
        """A 200 answer that broke. Once the client has bytes the error is an event, and the attempt was cut."""
        self._failed(failure)
        if failure.outcome is not Outcome.CUT_BY_BUDGET and (
            self._reply.started or decoder.quality is not Quality.UNKNOWN
        ):
            self._outcome = Outcome.CUT
        if self._reply.started:
            await self._reply.error(failure.body)
        return failure

    def _allowed(self, decoder: Decoder) -> bool:
        """Whether the budget lets the answer go on."""
        allows = self._terms.allows
        return allows is None or allows(self._offer, decoder.usage)

    def _failed(self, failure: Failure) -> Failure:
        self.failure = failure
        self._outcome = failure.outcome
        self._error_type = failure.error_type
        if failure.error.request_id and not self._upstream_id:
            self._upstream_id = failure.error.request_id
        return failure

    async def _close(self, opened: Opened) -> None:
        decoder = self._decoder
        if self._outcome is Outcome.CANCELLED:
            self._cut_short(decoder)
        usage, quality = self._counts(decoder)
        lower = upper = None
        if quality is not Quality.EXACT and self._outcome is not Outcome.OK:
            usage = within(usage, opened.max_output_tokens)
            lower, upper = bounds_of(self._order.request, opened, usage)
        ended_ns = self._tools.clock.monotonic_ns()
        closed = Closed(
            event_id=opened.event_id,
            at=self._now(),
            outcome=self._outcome,
            usage=usage,
            quality=quality,
            http_status=self._status,
            ttft_ms=self._since_sent_ms(self._content_ns),
            latency_ms=self._since_sent_ms(ended_ns),
            upstream_request_id=self._upstream_id,
            stop_reason=decoder.stop_reason if decoder is not None else "",
            error_type=self._error_type,
            usage_lower=lower,
            usage_upper=upper,
        )
        self.closed = closed
        self._tools.metrics.closed(opened, closed)
        try:
            with self._tools.metrics.ledger_pending.track_inprogress():
                await self._tools.sink.closed(closed)
        except REFUSALS as error:  # counted, logged and offered again; a crash leaves it to the reaper
            # The client's answer is already paid for, so it is delivered all the same.
            self._tools.metrics.ledger_errors.labels("closed").inc()
            _log.error("ledger refused a closed record: %s event=%s", type(error).__name__, closed.event_id)
            if not isinstance(error, NEVER):
                later(offer_again(self._tools.sink, closed))

    def _cut_short(self, decoder: Decoder | None) -> None:
        """Name the end of an attempt that was cancelled from outside, or whose client left before its end."""
        reason = self._flight.reason
        if decoder is not None and decoder.complete and not self._flight.abandoned:
            self._outcome = Outcome.OK
        elif reason in {Cut.DEADLINE, Cut.SHUTDOWN}:
            self._outcome = Outcome.CUT if self._reply.started else Outcome.FAILED
        if self._outcome is not Outcome.OK:
            self._error_type = "killed" if reason is None else reason.value

    def _counts(self, decoder: Decoder | None) -> tuple[Usage, Quality]:
        if self._sent_ns is None or self._outcome is Outcome.REFUSED or self._order.request.endpoint == "count_tokens":
            return NO_USAGE, Quality.EXACT
        if decoder is None or decoder.usage.input is None:
            return UNKNOWN_USAGE, Quality.UNKNOWN
        return decoder.usage, decoder.quality

    def _since_sent_ms(self, then_ns: int | None) -> int | None:
        if then_ns is None or self._sent_ns is None:
            return None
        return (then_ns - self._sent_ns) // _NS_PER_MS

    def _now(self) -> datetime:
        """Event time: the request's stamp plus what has passed since, so it never goes back."""
        passed_ns = self._tools.clock.monotonic_ns() - self._order.began_ns
        return self._order.at + timedelta(microseconds=passed_ns // 1000)


class _Recorded:
    """The span of an opened attempt: however it ends, its record is closed."""

    def __init__(self, attempt: Attempt, opened: Opened) -> None:
        self._attempt, self._opened = attempt, opened

    async def __aenter__(self) -> None:
        """The record is open already."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._attempt.settle(self._opened, error)


def _unreachable(surface: str, error: TransportError) -> Failure:
    """No answer at all: free of charge if nothing was sent, else nobody knows."""
    failure = broken(surface, str(error))
    if error.sent:
        return failure
    return replace(
        failure,
        error=UpstreamError(surface, str(error), retry=Retry.ELSEWHERE),
        body=envelope("api_error", f"{surface}: {error}"),
        outcome=Outcome.REFUSED,
    )


def _spent(surface: str) -> Failure:
    """The budget that admitted the request allows no more of its answer."""
    message = "the budget allows no more of this answer: it was ended before its end"
    return Failure(
        error=UpstreamError(surface, message, retry=Retry.NEVER),
        status=429,
        body=envelope("billing_error", message),
        error_type=Outcome.CUT_BY_BUDGET.value,
        outcome=Outcome.CUT_BY_BUDGET,
    )


async def read_error(inbound: Inbound) -> bytes:
    """The body of an error, at most so much of it; nothing if it cannot be read."""
    body = bytearray()
    try:
        async for chunk in inbound.chunks():
            body += chunk
            if len(body) > ERROR_BODY_BYTES_MAX:
                break
    except TransportError:
        return b""
    return bytes(body[:ERROR_BODY_BYTES_MAX])
