"""An in-memory world around the gateway: a transport with scripted answers, a sink that remembers, an ASGI caller."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from gateway.shipped import shipped_error_class
from trivium.core import (
    ANY,
    Closed,
    ErrorClass,
    KeyRecord,
    NoClaim,
    Offer,
    Opened,
    Outcome,
    Retry,
    Route,
    RouteTable,
    SystemClock,
    Target,
    UpstreamError,
    hash_secret,
)
from trivium.gateway import Gateway, GatewaySettings, OpenAdmission, SurfaceSettings
from trivium.gateway.seams import Failure, MessagesRequest, NotSupported, Outbound, Timeouts, TransportError
from trivium.gateway.wire.decode import BodyDecoder, StreamDecoder, writes_may_be_long
from trivium.gateway.wire.errors import envelope, error_type_of, status_for, type_for
from trivium.gateway.wire.headers import upstream_headers

SECRET = "sk-trv-" + "k" * 43
OTHER_SECRET = "sk-trv-" + "o" * 43
UPSTREAM_SECRET = "sk-upstream-canary-5b1f0c7e"
MODEL = "claude-sonnet-4-5"
STARTED = datetime(2026, 4, 15, tzinfo=UTC)
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": MODEL,
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 12,
        "cache_creation_input_tokens": 7,
        "cache_read_input_tokens": 5,
        "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 3},
        "output_tokens": 6,
    },
}


def event(name: str, **fields: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n".encode()


def stream(text: Sequence[str] = ("Hel", "lo"), *, output_tokens: int = 6) -> list[bytes]:
    """The events of a whole answer, one by one."""
    start = {**MESSAGE, "content": [], "stop_reason": None, "usage": {**MESSAGE["usage"], "output_tokens": 1}}
    return [
        event("message_start", message=start),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        event("ping"),
        *(event("content_block_delta", index=0, delta={"type": "text_delta", "text": part}) for part in text),
        event("content_block_stop", index=0),
        event(
            "message_delta",
            delta={"stop_reason": "end_turn", "stop_sequence": None},
            usage={"output_tokens": output_tokens},
        ),
        event("message_stop"),
    ]


@dataclass
class Answer:
    """What the transport will do for one request."""

    status: int = 200
    chunks: Sequence[bytes] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    refuse: TransportError | None = None  # instead of an answer
    cut: bool = False  # the connection breaks after the chunks
    hold: asyncio.Event | None = None  # wait for it after the chunks
    pause_s: float = 0.0  # before each chunk
    pauses_s: Sequence[float] = ()  # before each chunk its own
    wait: asyncio.Event | None = None  # before the headers


def json_answer(body: object = MESSAGE, status: int = 200, **headers: str) -> Answer:
    return Answer(status, [json.dumps(body).encode()], {"content-type": "application/json", **headers})


def sse_answer(chunks: Sequence[bytes] | None = None, **options: Any) -> Answer:
    headers = {"content-type": "text/event-stream; charset=utf-8", "request-id": "req_upstream"}
    return Answer(200, stream() if chunks is None else chunks, headers, **options)


def error_answer(status: int, error_type: str, message: str = "no", **headers: str) -> Answer:
    body = {"type": "error", "error": {"type": error_type, "message": message}, "request_id": "req_upstream"}
    return json_answer(body, status, **headers)


class MemoryInbound:
    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.status = answer.status
        self.headers = dict(answer.headers)
        self.closed = False

    async def chunks(self) -> AsyncIterator[bytes]:
        for number, chunk in enumerate(self._answer.chunks):
            own = self._answer.pauses_s
            await asyncio.sleep(own[number] if own else self._answer.pause_s)
            yield chunk
        if self._answer.hold is not None:
            await self._answer.hold.wait()
        if self._answer.cut:
            raise TransportError("connection reset", sent=True)

    async def close(self) -> None:
        self.closed = True


class MemoryTransport:
    """Answers in turn, per surface; remembers what was sent."""

    def __init__(self, answers: Mapping[str, Sequence[Answer]]) -> None:
        self._answers = {surface: list(given) for surface, given in answers.items()}
        self.sent: list[Outbound] = []
        self.inbounds: list[MemoryInbound] = []
        self.on_send: Callable[[Outbound], None] | None = None

    async def send(self, outbound: Outbound, timeouts: Timeouts) -> MemoryInbound:
        self.sent.append(outbound)
        if self.on_send is not None:
            self.on_send(outbound)
        given = self._answers[outbound.surface]
        answer = given.pop(0) if len(given) > 1 else given[0]
        if answer.wait is not None:
            await answer.wait.wait()
        if answer.refuse is not None:
            raise answer.refuse
        inbound = MemoryInbound(answer)
        self.inbounds.append(inbound)
        return inbound

    async def close(self) -> None:
        pass


class MemorySink:
    def __init__(self) -> None:
        self.opened_events: list[Opened] = []
        self.closed_events: list[Closed] = []
        self.log: list[str] = []
        self.delay_s = 0.0

    async def opened(self, event: Opened) -> None:
        await asyncio.sleep(self.delay_s)
        self.opened_events.append(event)
        self.log.append("opened")

    async def closed(self, event: Closed) -> None:
        await asyncio.sleep(self.delay_s)
        self.closed_events.append(event)
        self.log.append("closed")

    def outcomes(self) -> list[Outcome]:
        return [closed.outcome for closed in self.closed_events]

    def check(self) -> None:
        """Every opened record is closed exactly once, and nothing else is."""
        assert sorted(event.event_id for event in self.opened_events) == sorted(
            event.event_id for event in self.closed_events
        )


class Ring:
    def __init__(self, *records: KeyRecord) -> None:
        self.records = {record.secret_sha256: record for record in records}

    def find(self, secret_sha256: str) -> KeyRecord | None:
        return self.records.get(secret_sha256)


class PlainFacts:
    """Two models, carried everywhere."""

    known = (MODEL, "claude-opus-5")

    def model_id(self, name: str) -> str:
        if name == "sonnet":
            return MODEL
        if name not in self.known:
            raise NoClaim(f"no model {name}")
        return name

    def wire_model(self, surface: str, scope: str, model: str) -> str:
        if model not in self.known:
            raise NoClaim(f"{surface} does not carry {model}")
        return f"{model}@{scope}" if surface == "vertex" else model

    def versions(self, surface: str, model: str) -> tuple[str, ...]:
        return ("2026-10-21", "2023-06-01")

    def beta(self, surface: str, model: str, beta: str) -> str | None:
        return beta

    def unsupported_fields(self, surface: str, model: str) -> frozenset[str]:
        return frozenset()

    def supports(self, surface: str, model: str, capability: str) -> bool | None:
        return None

    def error_class(self, surface: str, form: str, status: int, names: Sequence[str], text: str) -> ErrorClass | None:
        return shipped_error_class(surface, form, status, names, text)

    def output_tokens_max(self, model: str) -> int | None:
        return 128_000

    def models(self) -> tuple[str, ...]:
        return self.known

    def display_name(self, model: str) -> str:
        return model.replace("-", " ").title()


class PlainUpstream:
    """An Anthropic-format surface in its simplest form."""

    def prepare(
        self, request: MessagesRequest, target: Target, facts: PlainFacts, settings: SurfaceSettings
    ) -> Outbound:
        if request.endpoint == "count_tokens" and settings.surface == "vertex":
            raise NotSupported("vertex counts no tokens here")
        model = facts.wire_model(settings.surface, target.offer.scope, request.model)
        path = "/v1/messages" + ("/count_tokens" if request.endpoint == "count_tokens" else "")
        return Outbound(
            surface=settings.surface,
            method="POST",
            url=settings.base_url + path,
            headers=upstream_headers(request),
            body=request.body.edit(replace={"model": json.dumps(model).encode()}),
            stream=request.stream,
        )

    def decoder(
        self,
        request: MessagesRequest,
        status: int,
        headers: Mapping[str, str],
        limits: GatewaySettings,
        facts: PlainFacts | None = None,
    ) -> StreamDecoder | BodyDecoder:
        if request.stream and headers.get("content-type", "").startswith("text/event-stream"):
            return StreamDecoder("plain", self._in_stream, long_writes=writes_may_be_long(request), limits=limits)
        return BodyDecoder("plain", self._in_stream, request=request, limits=limits)

    def _in_stream(self, body: bytes) -> Failure:
        return self.classify(status_for(error_type_of(body) or "api_error"), {}, body)

    def classify(
        self, status: int, headers: Mapping[str, str], body: bytes, facts: PlainFacts | None = None
    ) -> Failure:
        error_type = error_type_of(body)
        retry = Retry.ELSEWHERE if status in {408, 429, 401} or status >= 500 else Retry.NEVER
        if status == 503:
            retry = Retry.HERE
        after = headers.get("retry-after")
        return Failure(
            UpstreamError(
                "plain", f"status {status}", retry=retry, status=status, retry_after_s=float(after) if after else None
            ),
            status,
            body if error_type else envelope(type_for(status), "unreadable"),
            error_type or type_for(status),
            Outcome.FAILED if status in {500, 504} else Outcome.REFUSED,
            credential=status == 401,
            capability="thinking_signature" if b"Invalid `signature`" in body else "",
        )

    def request_id(self, headers: Mapping[str, str]) -> str:
        return headers.get("request-id", "")


class PlainCredential:
    def __init__(self) -> None:
        self.refreshed = 0

    async def headers(self, outbound: Outbound) -> Mapping[str, str]:
        return {"x-api-key": f"{UPSTREAM_SECRET}-{self.refreshed}"}

    async def refresh(self) -> None:
        self.refreshed += 1


def record(**changes: Any) -> KeyRecord:
    plain = KeyRecord("key_1", hash_secret(SECRET), "coding", STARTED, {"team": "core"})
    return replace(plain, **changes)


def table(*surfaces: str, weights: Sequence[int] | None = None) -> RouteTable:
    targets = tuple(
        Target(Offer(surface, "global", ANY), weight)
        for surface, weight in zip(surfaces, weights or [100] + [0] * (len(surfaces) - 1), strict=True)
    )
    return RouteTable((Route(ANY, ANY, targets),), "1")


@dataclass
class World:
    """A gateway and everything around it."""

    gateway: Gateway
    transport: MemoryTransport
    sink: MemorySink
    credential: PlainCredential


def world(
    answers: Mapping[str, Sequence[Answer]],
    *,
    routes: RouteTable | None = None,
    keys: Ring | None = None,
    admission: Any = None,
    stamp: Any = None,
    clock: Any = None,
    sink: MemorySink | None = None,
    surface: Mapping[str, Any] | None = None,
    **settings: Any,
) -> World:
    transport, sink, credential = MemoryTransport(answers), sink or MemorySink(), PlainCredential()
    surfaces = {name: SurfaceSettings(name, f"http://{name}.test", **(surface or {})) for name in answers}
    chosen = routes or table(*answers)
    gateway = Gateway(
        GatewaySettings(surfaces=surfaces, **settings),
        sink=sink,
        keys=keys or Ring(record()),
        routes=lambda: chosen,
        facts=PlainFacts(),
        admission=admission or OpenAdmission(),
        clock=clock or SystemClock(),
        transport=transport,
        credentials=dict.fromkeys(answers, credential),
        upstreams={name: PlainUpstream() for name in answers},
        stamp=stamp,
    )
    return World(gateway, transport, sink, credential)


@dataclass
class Response:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    parts: list[bytes] = field(default_factory=list)
    ended: bool = False

    def json(self) -> Any:
        return json.loads(self.body)


class Caller:
    """One client connection to an ASGI application, which may leave whenever it wants."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._gone = asyncio.Event()
        self.response = Response()
        self.progress = asyncio.Event()
        self.on_part: Callable[[Mapping[str, Any]], None] | None = None
        self.block: asyncio.Event | None = None  # a client that takes nothing

    def leave(self) -> None:
        self._gone.set()

    async def send(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: bytes | Sequence[bytes] = b""
    ) -> Response:
        parts = [body] if isinstance(body, bytes) else list(body)
        messages = [
            {"type": "http.request", "body": part, "more_body": index + 1 < len(parts)}
            for index, part in enumerate(parts)
        ]
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()],
        }

        async def receive() -> Mapping[str, Any]:
            if messages:
                return messages.pop(0)
            await self._gone.wait()
            return {"type": "http.disconnect"}

        await self._app(scope, receive, self._take)
        return self.response

    async def _take(self, message: Mapping[str, Any]) -> None:
        if self.on_part is not None:
            self.on_part(message)
        if message["type"] == "http.response.start":
            self.response.status = message["status"]
            self.response.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            return
        assert not self.response.ended
        self.response.body += message["body"]
        self.response.parts.append(message["body"])
        self.response.ended = not message.get("more_body", False)
        if self.response.ended:
            self._gone.set()  # as servers do
        self.progress.set()
        if self.block is not None:
            await self.block.wait()


AUTH = {"x-api-key": SECRET, "anthropic-version": "2023-06-01", "content-type": "application/json"}


def ask(*, stream: bool = False, **fields: Any) -> bytes:
    body = {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}], **fields}
    return json.dumps(body | ({"stream": True} if stream else {})).encode()


async def post(
    at: World | Gateway, body: bytes | Sequence[bytes], *, path: str = "/v1/messages", **headers: str
) -> Response:
    gateway = at.gateway if isinstance(at, World) else at
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await Caller(gateway).send("POST", path, headers={**AUTH, **named}, body=body)


async def get(at: World, path: str, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await Caller(at.gateway).send("GET", path, headers=named)


@contextlib.asynccontextmanager
async def running(work: Any) -> AsyncIterator[asyncio.Future[Any]]:
    """Run a coroutine beside the test, and end it with the test."""
    future = asyncio.ensure_future(work)
    try:
        yield future
    finally:
        future.cancel()
        await asyncio.gather(future, return_exceptions=True)
