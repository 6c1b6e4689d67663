"""The ASGI application: matches the path, knows the client, and hands its request to the pump."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from trivium.core import (
    Clock,
    FactError,
    KeyRecord,
    KeyRing,
    LedgerError,
    Sink,
    TerminalState,
    TriviumError,
    UserError,
    new_id,
)
from trivium.gateway.admit import NO_RETRY, Refused, authenticate, read_headers, read_request, tags_of
from trivium.gateway.affinity import Affinity
from trivium.gateway.arrival import Arriving, read_body
from trivium.gateway.attempt import Order, Tools
from trivium.gateway.auxiliary import Auxiliary, Call, Wanted, address_of
from trivium.gateway.auxiliary import wanted as auxiliary_wanted
from trivium.gateway.dialect import BEDROCK, MESSAGES, OPENAI, PROFILES, Asked, NoMessage, asked, models_asked
from trivium.gateway.discovery import listing, profiles
from trivium.gateway.flight import Cut, Flight, all_settled
from trivium.gateway.guard import Chance, ConsecutiveBreaker, Rests, RetryBudget
from trivium.gateway.guard import chance as machine_chance
from trivium.gateway.metrics import Metrics
from trivium.gateway.pump import Parts, Pump
from trivium.gateway.reply import Receive, Reply, Send
from trivium.gateway.resources import MemoryResources
from trivium.gateway.seams import (
    Admission,
    Breaker,
    CachePrices,
    Credential,
    Facts,
    GatewaySettings,
    NoCachePrices,
    NotSupported,
    Resources,
    Routes,
    Stamp,
    Transport,
    Upstream,
)
from trivium.gateway.signers import Signers
from trivium.gateway.stamp import clock_stamp
from trivium.gateway.unserved import home_of, unserved
from trivium.gateway.upstream import UPSTREAMS
from trivium.gateway.waiting import Waiting
from trivium.gateway.wire.errors import envelope

JSON = {"content-type": "application/json"}
_TEXT = {"content-type": "text/plain; version=0.0.4; charset=utf-8"}
_ANTHROPIC = {"anthropic-version", "x-api-key", "x-amz-security-token"}  # every client of Anthropic's sends one of them
_ID_NAMES = {"openai": "x-request-id", "bedrock": "x-amzn-requestid", "converse": "x-amzn-requestid"}
_TOO_SLOW = 408
_DRAIN_GRACE_S = 5.0
_log = logging.getLogger("trivium.gateway")

Scope = MutableMapping[str, Any]


class Gateway:
    """The Messages API in front of every surface. Opens no store: everything comes in as an argument.

    `upstreams` are the adapters by surface; by default those of this package. `reload` replaces settings and what
    depends on them for requests that begin afterwards; requests in the air keep what they began with.
    """

    def __init__(  # noqa: PLR0913  the seams of the data plane, each named by the caller
        self,
        settings: GatewaySettings,
        *,
        sink: Sink,
        keys: KeyRing,
        routes: Routes,
        facts: Facts,
        admission: Admission,
        clock: Clock,
        transport: Transport,
        credentials: Mapping[str, Credential],
        upstreams: Mapping[str, Upstream] | None = None,
        stamp: Stamp | None = None,
        breaker: Breaker | None = None,
        metrics: Metrics | None = None,
        chance: Chance | None = None,
        cache_prices: CachePrices | None = None,
        resources: Resources | None = None,
    ) -> None:
        self._clock = clock
        self._transport = transport
        self._keys = keys
        self._stamp = stamp or clock_stamp(clock)
        self.metrics = metrics or Metrics()
        breaker = breaker or ConsecutiveBreaker(
            clock, failures=settings.breaker_failures, open_s=settings.breaker_open_s
        )
        self._parts = Parts(
            tools=Tools(sink, transport, clock, self.metrics, settings, Signers(clock)),
            routes=routes,
            facts=facts,
            admission=admission,
            upstreams=UPSTREAMS if upstreams is None else upstreams,
            credentials=dict(credentials),
            breaker=breaker,
            budget=RetryBudget(clock, ratio=settings.retry_ratio, floor_per_s=settings.retry_floor_per_s),
            rests=Rests(clock, chance or machine_chance()),
            waiting=Waiting(
                breaker,
                waiters=settings.breaker_failures,
                events=settings.patience_events,
                whole=settings.patience_whole,
            ),
            affinity=Affinity(clock),
            cache_prices=cache_prices or NoCachePrices(),
        )
        self._auxiliary = Auxiliary(resources or MemoryResources())
        self._flights: set[Flight] = set()
        self._retiring: set[asyncio.Future[None]] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._draining = False
        self._plain = {
            "/api/hello": self._hello,
            "/healthz": self._hello,
            "/readyz": self._ready,
            "/metrics": self._metrics_text,
        }

    def reload(
        self,
        settings: GatewaySettings,
        *,
        credentials: Mapping[str, Credential],
        facts: Facts | None = None,
        keys: KeyRing | None = None,
        routes: Routes | None = None,
        admission: Admission | None = None,
        transport: Transport | None = None,
    ) -> None:
        """Serve from other settings from now on, without dropping a request.

        A transport that is replaced is closed once the last request that began with it has ended.
        """
        parts = self._parts
        if transport is not None:
            retiring = asyncio.ensure_future(_retire(self._transport, [flight.task for flight in self._flights]))
            self._retiring.add(retiring)
            retiring.add_done_callback(self._retiring.discard)
            self._transport = transport
        self._keys = keys or self._keys
        self._parts = replace(
            parts,
            tools=replace(parts.tools, settings=settings, transport=self._transport),
            credentials=dict(credentials),
            facts=facts or parts.facts,
            routes=routes or parts.routes,
            admission=admission or parts.admission,
        )

    @property
    def in_flight(self) -> int:
        """Requests being served."""
        return len(self._flights)

    @property
    def settings(self) -> GatewaySettings:
        """The settings in force."""
        return self._parts.tools.settings

    @property
    def drain_s(self) -> float:
        """How long requests may take to finish once a drain began."""
        return self._parts.tools.settings.drain_s

    async def drain(self) -> None:
        """Refuse readiness, let requests finish, then end the rest with an error, and wait for every record."""
        self.refuse_readiness()
        if not await self._emptied(self.drain_s):
            self.cut_short()
        await self._emptied(_DRAIN_GRACE_S)
        await all_settled(_DRAIN_GRACE_S)

    def refuse_readiness(self) -> None:
        """Say from now on that no more requests should come; those that come all the same are served."""
        self._draining = True
        self._auxiliary.rest()

    def cut_short(self) -> None:
        """End what is in the air with an error, for a drain in a hurry; every record is closed all the same."""
        for flight in tuple(self._flights):
            flight.cut(Cut.SHUTDOWN)

    async def _emptied(self, timeout_s: float) -> bool:
        """Whether there was a moment without a request within that time."""
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(self._empty.wait(), timeout_s)
        return False

    async def close(self) -> None:
        """Drain and let go of the connections."""
        await self.drain()
        if self._retiring:
            await asyncio.wait(tuple(self._retiring), timeout=_DRAIN_GRACE_S)
        await self._transport.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI connection."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = new_id("req", self._clock)
        own = {"request-id": request_id, "x-trivium-request-id": request_id}
        reply = Reply(send, self._clock, own)
        receive = Arriving(receive)
        wanted = asked(_raw_path(scope), self._clock) if scope["method"] == "POST" else None
        kept = auxiliary_wanted(scope["method"], _raw_path(scope)) if wanted is None else None
        try:
            if wanted is not None:
                _speak(reply, wanted)
                await self._messages(wanted, scope, receive, reply)
            elif kept is not None:
                reply.speech = kept.dialect.speech(Asked(kept.dialect, kept.endpoint))
                await self._keep(kept, scope, receive, reply)
            else:
                await self._serve_of(scope, reply)(scope, receive, reply)
        except Refused as error:
            if error.status != _TOO_SLOW and not reply.started:
                ending = await receive.drop_rest(_names(scope), self.settings)
                error.headers.update(ending)
            await self._refuse(reply, error, request_id)
        except TriviumError as error:
            await self._refuse(reply, refusal(error), request_id)
        except Exception as error:  # noqa: BLE001  the last resort: recorded, answered as our own fault
            # Without the error's words and source lines: they may quote a request or a secret.
            frames = " < ".join(
                f"{frame.f_code.co_qualname}:{line}"
                for frame, line in reversed(list(traceback.walk_tb(error.__traceback__)))
            )
            _log.error("request failed: %s request=%s at %s", type(error).__name__, request_id, frames)
            await self._refuse(reply, Refused(500, "api_error", "the gateway failed; see its log"), request_id)
        finally:
            served = wanted or kept
            self.metrics.responded("other" if served is None else served.endpoint, reply.status)

    def _serve_of(self, scope: Scope, reply: Reply) -> Callable[[Scope, Receive, Reply], Awaitable[None]]:
        method, path = scope["method"], scope["path"]
        found = self._read_at(path)
        if found is not None and method in {"GET", "HEAD"}:
            return found
        raw_path = _raw_path(scope)
        _speak(reply, Asked(home_of(raw_path), "messages"))
        raise unserved(method, raw_path, readable=found is not None)

    def _read_at(self, path: str) -> Callable[[Scope, Receive, Reply], Awaitable[None]] | None:
        if models_asked(path) is not None:
            return self._models
        if path == PROFILES or path.startswith(PROFILES + "/"):
            return self._profiles
        return self._plain.get(path)

    async def _refuse(self, reply: Reply, error: Refused, request_id: str) -> None:
        await reply.refuse(error.status, envelope(error.error_type, str(error), request_id), error.headers)

    async def _hello(self, _scope: Scope, _receive: Receive, reply: Reply) -> None:
        await reply.whole(200, b'{"status":"ok"}', JSON)

    async def _ready(self, _scope: Scope, _receive: Receive, reply: Reply) -> None:
        if self._draining:
            await reply.whole(503, b'{"status":"draining"}', JSON)
        else:
            await reply.whole(200, b'{"status":"ready"}', JSON)

    async def _metrics_text(self, _scope: Scope, _receive: Receive, reply: Reply) -> None:
        await reply.whole(200, self.metrics.render(), _TEXT)

    async def _models(self, scope: Scope, _receive: Receive, reply: Reply) -> None:
        parts = self._parts
        headers = read_headers(scope["headers"], parts.tools.settings)
        told, name = models_asked(scope["path"]) or (None, "")
        dialect = told or (MESSAGES if headers.keys() & _ANTHROPIC else OPENAI)
        _speak(reply, Asked(dialect, "messages"))
        key = authenticate(dialect.secrets(headers), self._keys, self._clock.now())
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        body = listing(
            *(parts.routes(), key, parts.facts, parts.tools.settings),
            only=name or None,
            query=query,
            openai=dialect is OPENAI,
        )
        await reply.whole(200, body, JSON)

    async def _profiles(self, scope: Scope, _receive: Receive, reply: Reply) -> None:
        parts, settings = self._parts, self._parts.tools.settings
        _speak(reply, Asked(BEDROCK, "messages"))
        headers = read_headers(scope["headers"], settings)
        key = authenticate(BEDROCK.secrets(headers), self._keys, self._clock.now())
        only = scope["path"][len(PROFILES) + 1 :].rpartition("/")[2]  # an ARN ends in the name
        await reply.whole(200, profiles(parts.routes(), key, parts.facts, settings, only=only), JSON)

    async def _messages(self, wanted: Asked, scope: Scope, receive: Receive, reply: Reply) -> None:
        parts = self._parts
        began_ns = self._clock.monotonic_ns()
        headers = read_headers(scope["headers"], parts.tools.settings)
        key = authenticate(wanted.dialect.secrets(headers), self._keys, self._clock.now())
        data = await read_body(headers, receive, parts.tools.settings)
        canonical = wanted.dialect.canonical(wanted, data, headers)
        reply.speech = canonical.speech or reply.speech
        request = read_request(
            wanted, canonical, headers, request_id=reply.headers["request-id"], key=key, facts=parts.facts
        )
        pin = await self._auxiliary.pin(request.body, key, parts.tools.settings)
        tags = tags_of(key, headers, forwarded=key.workload in parts.tools.settings.identity_workloads)
        order = Order(request, self._stamp(headers), began_ns, key.workload, key.key_id, tags, pin)
        await self._fly(parts, order, key, receive, reply)

    async def _keep(self, kept: Wanted, scope: Scope, receive: Receive, reply: Reply) -> None:
        """Serve what is about batches and files. A client that leaves ends nothing but the bytes of its file.

        Anything else may have made something, or counts what was consumed.
        """
        parts, settings = self._parts, self._parts.tools.settings
        headers = read_headers(scope["headers"], settings)
        key = authenticate(kept.dialect.secrets(headers), self._keys, self._clock.now())
        self._auxiliary.begin(kept, settings)
        flight = Flight()
        self._took_off(flight)
        deadline = asyncio.get_running_loop().call_later(settings.deadline_s, flight.cut, Cut.DEADLINE)
        watcher: asyncio.Future[None] | None = None
        try:
            read_s = settings.upload_read_s if kept.upload else settings.body_read_s
            limit = self._auxiliary.bytes_max(kept, settings)
            data = await read_body(headers, receive, settings, bytes_max=limit, read_s=read_s)
            query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
            own = (self._stamp(headers), reply.headers["request-id"], address_of(scope, headers))
            if kept.action == "content":
                watcher = asyncio.ensure_future(_watch(receive, flight, reply))
            await self._auxiliary.serve(parts, Call(kept, key, headers, query, *own, data), reply)
        except asyncio.CancelledError:
            if not flight.absorb():
                raise
            if not reply.started:
                await self._after_cut(flight, reply)
            reply.abandon()
        finally:
            deadline.cancel()
            if watcher is not None:
                watcher.cancel()
            self._auxiliary.end(kept)
            self._has_landed(flight)

    def _took_off(self, flight: Flight) -> None:
        self._flights.add(flight)
        self._empty.clear()
        self.metrics.in_flight.inc()

    def _has_landed(self, flight: Flight) -> None:
        flight.land()
        self._flights.discard(flight)
        if not self._flights:
            self._empty.set()
        self.metrics.in_flight.dec()

    async def _fly(self, parts: Parts, order: Order, key: KeyRecord, receive: Receive, reply: Reply) -> None:
        """Run the pump while watching whether the client is still there."""
        flight = Flight(reply.mute)
        self._took_off(flight)
        pump = Pump(parts, order, key, flight=flight, reply=reply)
        deadline = asyncio.get_running_loop().call_later(parts.tools.settings.deadline_s, flight.cut, Cut.DEADLINE)
        watcher = asyncio.ensure_future(_watch(receive, flight, reply))  # ended below, whatever happens
        try:
            await pump.run()
        except asyncio.CancelledError:
            if not flight.absorb():
                raise
            await self._after_cut(flight, reply)
        finally:
            deadline.cancel()
            watcher.cancel()
            self._has_landed(flight)
            _log_request(order, pump, reply, flight)

    async def _after_cut(self, flight: Flight, reply: Reply) -> None:
        """Say why, to a client that is still there."""
        if flight.reason is Cut.DEADLINE:
            raise Refused(504, "timeout_error", "the request took longer than the gateway's deadline")
        if flight.reason is Cut.SHUTDOWN:
            raise Refused(529, "overloaded_error", "the gateway is shutting down")
        reply.ended = True


def _speak(reply: Reply, wanted: Asked) -> None:
    """Answer in the client's dialect, with the request's id under the name that its clients read."""
    reply.speech = wanted.dialect.speech(wanted)
    if wanted.dialect.name in _ID_NAMES:
        reply.headers[_ID_NAMES[wanted.dialect.name]] = reply.headers["request-id"]


def _names(scope: Scope) -> dict[str, str]:
    """Headers as they are, for a request that may not have been worth reading."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _raw_path(scope: Scope) -> str:
    """The path as the client wrote it: an ARN in it keeps its encoded slash."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.decode("latin-1").partition("?")[0]


async def _retire(transport: Transport, users: Sequence[asyncio.Task[Any]]) -> None:
    if users:
        await asyncio.wait(users)
    await transport.close()


def refusal(error: TriviumError) -> Refused:
    """Our own errors as the client sees them; one table."""
    if isinstance(error, UserError):
        return Refused(400, "invalid_request_error", str(error))
    if isinstance(error, NotSupported):
        return Refused(501, "not_supported", str(error), NO_RETRY)
    if isinstance(error, NoMessage):
        return Refused(502, "api_error", f"what the surface answered cannot be read: {error}")
    if isinstance(error, FactError):
        return Refused(404, "not_found_error", str(error))
    if isinstance(error, LedgerError):
        return Refused(503, "api_error", "the ledger does not take records; nothing was sent")
    return Refused(500, "api_error", f"the gateway failed: {type(error).__name__}")


async def _watch(receive: Receive, flight: Flight, reply: Reply) -> None:
    """Cut the flight when its client leaves; after the last byte a server calls it gone as well."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            if not reply.ended:
                flight.cut(Cut.CLIENT)
            return


def _log_request(order: Order, pump: Pump, reply: Reply, flight: Flight) -> None:
    """One line a request, from an allow-list of fields; nothing a client wrote freely, and never a body."""
    if not _log.isEnabledFor(logging.INFO):
        return
    told = [attempt for attempt in pump.attempts if attempt.terminal_state is not TerminalState.HEDGE_LOST]
    last = told[-1] if told else None  # a hedge that was lost may be recorded behind the winner
    _log.info(
        "request=%s key=%s workload=%s model=%s endpoint=%s stream=%s status=%d attempts=%d outcome=%s error=%s cut=%s "
        "state=%s",
        order.request.request_id,
        order.key_id,
        order.workload,
        order.request.model,
        order.request.endpoint,
        order.request.stream,
        reply.status,
        len(pump.attempts),
        last.outcome.value if last else "none",
        last.error_type if last else "",
        flight.reason.value if flight.reason else "",
        last.terminal_state.value if last else "none",
    )
